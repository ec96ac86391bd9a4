"""What the study notes say about the single control bits, and how the states are called.

RFC 9293 3.1 (control bits), 3.3.2 (states), 3.8.5 and 3.9.1.2 (push and urgent).
"""

import pytest
from helpers import ACK_DELAY, FIRST_RTO, expect_reset
from lastack import requirement
from lastack.scapy import TCP
from streams import next_flight


@requirement("SEED-027")
@pytest.mark.parametrize("flags", ["PA", "A"])
def test_data_is_delivered_with_and_without_psh(lab, flags):
    """PSH asks for prompt delivery; data without it is delivered as well (RFC 9293 3.9.1.3).

    Whether the flag itself is passed to the application is optional (MAY-17).
    """
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    peer.send(TCP(flags=flags, seq=1001, ack=5001), data=b"0123456789")
    peer.expect(TCP(flags="A", seq=5001, ack=1011), within=ACK_DELAY)
    assert sut.read_exactly(10) == b"0123456789"


@requirement("SEED-028", "MUST-61", "SHLD-27")
def test_psh_is_set_on_the_last_segment_of_a_write(lab):
    """3000 octets are written: PSH is on the last segment, where nothing more is queued (RFC 9293 3.9.1.2 MUST-61).

    The note's "PSH means transmit" is simplified: it is neither a command to send nor the mark of a record.
    """
    sut, peer = lab.listen(port=80, iss=5000), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=1000, options=[("MSS", 1460)]))
    peer.expect(TCP(flags="SA", seq=5000, ack=1001))
    peer.send(TCP(flags="A", seq=1001, ack=5001))
    assert sut.send(b"p" * 3000) == 3000
    segments, end = [], 5001
    while end < 8001:  # the last, short segment may wait for an acknowledgment (Nagle)
        segments += next_flight(peer)
        end = segments[-1].seq + len(segments[-1].payload)
        peer.send(TCP(flags="A", seq=1001, ack=end))
    assert "P" in segments[-1].flags
    with lab.soft("SHLD-27: successive PSH bits should be collapsed"):
        assert not any("P" in s.flags for s in segments[:-1])


@requirement("SEED-029", "MUST-12", "E-3.10.7.4-2-ESTABLISHED-rst-exact")
def test_rst_aborts_the_connection(lab):
    """RST 1001 = RCV.NXT: the user gets "connection reset", the record is gone, nothing is answered (RFC 9293 3.10.7.4
    second)."""
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    peer.send(TCP(flags="R", seq=1001))
    peer.expect_nothing()
    assert sut.state == "CLOSED"
    assert "reset" in sut.events()


@requirement("SEED-030", "E-3.10.7.1-CLOSED-ack-data")
def test_rst_does_not_reconnect(lab):
    """After a RST nothing connects again: data draws <SEQ=5001><CTL=RST> and no SYN is sent (RFC 9293 3.5.3,
    3.10.7.1).

    The note "RST means re-connect" is wrong: a new connection needs a new SYN of somebody who wants one.
    """
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    peer.send(TCP(flags="R", seq=1001))
    peer.expect_nothing(until=2)
    peer.send(TCP(flags="PA", seq=1001, ack=5001), data=b"anybody there?")
    expect_reset(peer, 5001)
    peer.expect_nothing(until=2)
    assert sut.state == "CLOSED"


@requirement("SEED-033", "SEED-034")
def test_fin_closes_one_direction_only(lab):
    """FIN 1001 ends the peer's stream; the stack still sends 100 octets at 5001, and its own FIN follows at 5101 (RFC
    9293 3.6).

    The notes say that FIN "releases the connection": it is half of it.
    """
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    peer.send(TCP(flags="FA", seq=1001, ack=5001))
    peer.expect(TCP(flags="A", seq=5001, ack=1002), within=ACK_DELAY)
    assert sut.send(b"r" * 100, push=True) == 100
    peer.expect(TCP(flags="A", seq=5001, ack=1002), data=100, within=1)
    peer.send(TCP(flags="A", seq=1002, ack=5101))
    sut.shutdown()
    peer.expect(TCP(flags="FA", seq=5101, ack=1002))
    peer.send(TCP(flags="A", seq=1002, ack=5102))


@requirement("SEED-035", "U-18")
def test_every_segment_after_the_first_syn_acknowledges(lab):
    """From the SYN,ACK on each segment of the stack carries ACK and RCV.NXT: data, repetition, acknowledgment, FIN
    (RFC 9293 3.8, 3.1)."""
    sut, peer = lab.listen(port=80, iss=5000), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=1000))
    seen = [peer.expect(TCP(flags="SA", seq=5000))]
    peer.send(TCP(flags="A", seq=1001, ack=5001))
    sut.send(b"data", push=True)
    seen.append(peer.expect(TCP(seq=5001), data=b"data", within=1))
    seen.append(peer.expect(TCP(seq=5001), data=b"data", within=FIRST_RTO, note="repeated"))
    peer.send(TCP(flags="A", seq=1001, ack=5005))
    sut.shutdown()
    seen.append(peer.expect(TCP(flags="FA", seq=5005), within=1))
    for segment in seen:
        assert "A" in segment.flags and segment.ack == 1001
    peer.send(TCP(flags="FA", seq=1001, ack=5006))
    peer.expect(TCP(flags="A", seq=5006, ack=1002))


@requirement("SEED-036", "SEED-095", "SEED-096", "SEED-097")
def test_flags_walk_an_active_closer_through_its_states(lab):
    """CLOSED, SYN-SENT, ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT, CLOSED: segments and calls move it (RFC 9293
    3.3.2, Figure 5).

    The notes write SYN_SEND, SYN_RECV, ESTABLISED, CLOSED_WAIT or use underscores: these are RFC 9293's names.
    """
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=5000)
    states = [sut.state]
    peer.expect(TCP(flags="S", seq=5000))
    peer.send(TCP(flags="SA", seq=1000, ack=5001))
    peer.expect(TCP(flags="A", seq=5001, ack=1001))
    states.append(sut.state)
    sut.shutdown()
    peer.expect(TCP(flags="FA", seq=5001, ack=1001))
    states.append(sut.state)
    peer.send(TCP(flags="A", seq=1001, ack=5002))
    states.append(sut.state)
    peer.send(TCP(flags="FA", seq=1001, ack=5002))
    peer.expect(TCP(flags="A", seq=5002, ack=1002))
    states.append(sut.state)
    assert states == ["SYN-SENT", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT"]


@requirement("SEED-036", "SEED-095", "SEED-096", "SEED-097")
def test_flags_walk_a_passive_closer_through_its_states(lab):
    """LISTEN, SYN-RECEIVED, ESTABLISHED, CLOSE-WAIT, LAST-ACK, CLOSED (RFC 9293 3.3.2, Figure 5).

    One note calls the fourth CLOSED_WAIT; it is CLOSE-WAIT.
    """
    sut, peer = lab.listen(port=80, iss=5000), lab.peer(port=4000)
    states = [sut.state]
    peer.send(TCP(flags="S", seq=1000))
    peer.expect(TCP(flags="SA", seq=5000, ack=1001))
    states.append(sut.state)
    peer.send(TCP(flags="A", seq=1001, ack=5001))
    states.append(sut.state)
    peer.send(TCP(flags="FA", seq=1001, ack=5001))
    peer.expect(TCP(flags="A", seq=5001, ack=1002), within=ACK_DELAY)
    states.append(sut.state)
    connection = sut.connection(peer)
    sut.shutdown()
    peer.expect(TCP(flags="FA", seq=5001, ack=1002))
    states.append(sut.state)
    peer.send(TCP(flags="A", seq=1002, ack=5002))
    states.append(connection.state)
    assert states == ["LISTEN", "SYN-RECEIVED", "ESTABLISHED", "CLOSE-WAIT", "LAST-ACK", "CLOSED"]


@requirement("SEED-036", "SEED-095", "F-13")
def test_flags_walk_a_simultaneous_close_through_its_states(lab):
    """ESTABLISHED, FIN-WAIT-1, CLOSING, TIME-WAIT: the eleventh state name (RFC 9293 3.3.2, Figure 13)."""
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    states = [sut.state]
    sut.shutdown()
    peer.expect(TCP(flags="FA", seq=5001, ack=1001))
    states.append(sut.state)
    peer.send(TCP(flags="FA", seq=1001, ack=5001))
    peer.expect(TCP(flags="A", seq=5002, ack=1002))
    states.append(sut.state)
    peer.send(TCP(flags="A", seq=1002, ack=5002))
    states.append(sut.state)
    assert states == ["ESTABLISHED", "FIN-WAIT-1", "CLOSING", "TIME-WAIT"]
