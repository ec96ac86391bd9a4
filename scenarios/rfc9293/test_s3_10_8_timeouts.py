"""Timeouts: user timeout, retransmission with R1 and R2, TIME-WAIT. RFC 9293 3.10.8 and 3.8.3.

The TIME-WAIT timeout itself is with the closing scenarios (3.6).
"""

import pytest
from helpers import FIRST_RTO, enter, established, expect_reset, gone, states
from lastack import requirement
from lastack.scapy import TCP

GIVE_UP = 3600.0  # seconds by which every stack has given up


def repetitions(at, seconds=GIVE_UP):
    """Lets time pass without answering; the times of what the stack sends."""
    at.lab.advance(seconds)
    return at.peer.drain()


@pytest.mark.parametrize("state", states("E-3.10.8-STATE-rto", ["ESTABLISHED", "CLOSE-WAIT"]))
@requirement("MUST-18", "RFC6298-5.4-a")
def test_unacknowledged_data_is_repeated_from_the_front(lab, state):
    """The retransmission timeout sends the front of the queue again, with the same SEQ and octets (3.10.8)."""
    at = enter(lab, state)
    at.sut.send(b"0123456789")
    at.peer.expect(TCP(flags="A", seq=301, ack=at.rcv), data=b"0123456789")
    for wait in (FIRST_RTO, 2 * FIRST_RTO):
        at.peer.expect(TCP(flags="A", seq=301, ack=at.rcv), data=b"0123456789", within=wait)
    at.send("A", ack=311)
    at.peer.expect_nothing(until=60)


@requirement("E-3.10.8-FIN-WAIT-1-rto", "U-21")
def test_data_in_front_of_the_fin_is_repeated_first(lab):
    """In FIN-WAIT-1 the data before the FIN is at the front of the queue (3.10.8)."""
    at = established(lab)
    at.sut.send(b"0123456789")
    at.peer.lost(TCP(flags="A", seq=301), data=b"0123456789")
    at.sut.shutdown()
    at.peer.lost(TCP(flags="FA", seq=311))
    again = at.peer.expect(TCP(seq=301, ack=101), within=FIRST_RTO)
    assert again.payload == b"0123456789"
    at.send("A", ack=311)
    if "F" not in again.flags:
        at.peer.expect(TCP(flags="FA", seq=311), within=3 * FIRST_RTO)
    at.send("A", ack=312)
    assert at.sut.state == "FIN-WAIT-2"


@requirement("MUST-20", "SHLD-11", "RFC6298-5.5-a")
def test_retransmission_gives_up_after_r2(lab):
    """Nothing is ever acknowledged: spaced repetitions, then the connection is closed and the user is told (3.8.3
    MUST-20)."""
    at = established(lab)
    at.sut.send(b"0123456789")
    start = at.peer.expect(TCP(flags="A", seq=301), data=b"0123456789").time
    lab.advance(99.5)
    with lab.soft("SHLD-11: R2 is worth at least 100 seconds"):
        assert at.sut.state == "ESTABLISHED"
    again = repetitions(at)
    data = [segment for segment in again if segment.payload]
    assert len(data) >= 3 and all((s.seq, s.payload) == (301, b"0123456789") for s in data)
    gaps = [b - a for a, b in zip([start, *(s.time for s in data)], [s.time for s in data])]
    assert all(later >= 0.99 * earlier for earlier, later in zip(gaps, gaps[1:])), f"gaps {gaps} seconds"
    assert at.sut.state == "CLOSED" and "timeout" in at.sut.events()


@requirement("SHLD-9", "SHLD-10", "MUST-20", "U-01")
def test_user_hears_of_trouble_between_r1_and_r2(lab):
    """After some repetitions (R1) and before the end (R2) the user should hear of the trouble (3.8.3 SHLD-9)."""
    at = established(lab)
    at.sut.send(b"0123456789")
    at.peer.expect(TCP(flags="A", seq=301))
    at.sut.events()
    lab.advance(90)
    assert at.sut.state == "ESTABLISHED"
    with lab.soft("SHLD-9"):
        assert "soft_error" in at.sut.events()
    at.peer.drain()
    at.send("A", ack=311)
    assert at.sut.snd.una == 311


@requirement("MUST-22", "MUST-23", "E-3.10.8-SYN-SENT-rto")
def test_opening_gives_up_after_three_minutes_or_more(lab):
    """SYNs are repeated with backoff and the same number; R2 for a SYN is at least three minutes (3.8.3 MUST-22,
    MUST-23)."""
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=300)
    peer.expect(TCP(flags="S", seq=300))
    lab.advance(179.9)
    assert sut.state == "SYN-SENT", "R2 of a SYN is at least 180 seconds"
    lab.advance(GIVE_UP)
    again = peer.drain()
    assert len(again) >= 3 and all((s.flags, s.seq) == ("S", 300) for s in again)
    assert sut.state == "CLOSED" and "timeout" in sut.events()


@requirement("RFC4987-3.3-a", "MUST-22")
def test_half_open_connection_is_given_up(lab):
    """A SYN,ACK that nobody acknowledges is repeated and then forgotten; the listener goes on (3.8.3; RFC 4987 3.3)."""
    at = enter(lab, "SYN-RECEIVED")
    again = repetitions(at)
    assert again and all((s.flags, s.seq, s.ack) == ("SA", 300, 101) for s in again if "R" not in s.flags)
    at.send("A")
    expect_reset(at.peer, 301)
    lab.set_iss(900)
    at.peer.send(TCP(flags="S", seq=100))
    at.peer.expect(TCP(flags="SA", seq=900, ack=101))


@requirement("MUST-21", "E-3.10.8-ANY-user-timeout", "U-01")
def test_user_timeout_ends_one_connection(lab):
    """A user timeout of 5 s ends the connection about then; the connection beside it keeps its own (3.8.3 MUST-21)."""
    at = established(lab)
    lab.set_iss(900)
    other = lab.peer(port=4001, to=80)
    other.handshake(seq=500, iss=900)
    first, second = at.sut.connection(at.peer), at.sut.connection(other)
    first.set("user_timeout_ms", 5000)
    for sut, peer, number in ((first, at.peer, 301), (second, other, 901)):
        sut.send(b"data")
        peer.expect(TCP(flags="A", seq=number), data=b"data")
    lab.advance(4.5)
    assert first.state == "ESTABLISHED"
    lab.advance(10)
    assert first.state == "CLOSED" and "timeout" in first.events()
    assert second.state == "ESTABLISHED"
    lab.advance(30)
    for again in at.peer.drain():  # a RST may tell the peer, at SND.NXT
        assert (again.seq == 301 or "R" in again.flags) and again.time < 20, "after the timeout the queues are flushed"
    other.drain()


@pytest.mark.parametrize("state", ["SYN-SENT", "FIN-WAIT-1", "CLOSING", "LAST-ACK"])
@requirement("E-3.10.8-ANY-user-timeout", "MUST-20")
def test_no_state_waits_for_an_ack_for_ever(lab, state):
    """In every state that waits for an acknowledgment the connection ends at last (3.10.8, 3.8.3)."""
    if state == "SYN-SENT":
        peer = lab.peer(port=4000, to=80)
        sut = lab.connect(peer, iss=300, port=80)
        peer.expect(TCP(flags="S", seq=300))
    else:
        at = enter(lab, state)
        sut, peer = at.sut, at.peer
    lab.advance(GIVE_UP)
    peer.drain()
    gone(sut, peer)


@requirement("E-3.10.8-ESTABLISHED-rto")
def test_idle_connection_needs_no_timer(lab):
    """Without anything outstanding nothing expires: an idle connection is silent and lives (3.10.8)."""
    at = established(lab)
    at.peer.expect_nothing(until=GIVE_UP)
    at.unchanged()
    at.sut.send(b"still here")
    at.peer.expect(TCP(flags="A", seq=301), data=b"still here")
