"""RFC 6298: computing the retransmission timeout and managing its timer, measured by the repetitions on the wire.

Without timestamps. The round-trip time is the scenario's: it lets time pass before it acknowledges.
"""

import pytest
from helpers import FIRST_RTO, established
from lastack import requirement
from lastack.scapy import TCP
from streams import needs_at_once

# Seconds: the coarsest clock that a stack may measure and time with (G). It makes timeouts longer, not shorter.
TICK = 0.5


def handshake_with(lab, rtt):
    """A passive OPEN whose SYN,ACK is acknowledged after `rtt` seconds: the first sample."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=100, options=[("MSS", 1460)]))
    peer.expect(TCP(flags="SA", seq=300, ack=101))
    lab.advance(rtt)
    peer.send(TCP(flags="A", seq=101, ack=301))
    assert sut.state == "ESTABLISHED"
    return sut, peer


def repetition_gap(sut, peer, seq, wait=200.0):
    """Sends ten octets and returns the seconds until they are sent again."""
    sut.send(b"0123456789")
    first = peer.expect(TCP(flags="A", seq=seq), data=b"0123456789")
    again = peer.expect(TCP(flags="A", seq=seq), data=b"0123456789", within=wait)
    return again.time - first.time


@requirement("RFC6298-2.1-a", "RFC1122-4.2.3.1-a")
def test_first_timeout_is_one_second_or_more(lab):
    """Before any sample the RTO is 1 second; a larger value is allowed (2.1)."""
    peer = lab.peer(port=4000, to=80)
    lab.connect(peer, iss=300)
    first = peer.expect(TCP(flags="S", seq=300))
    again = peer.expect(TCP(flags="S", seq=300), within=FIRST_RTO)
    assert again.time - first.time >= 0.95
    lab.advance(0)


@pytest.mark.parametrize("rtt,rto", [(0.4, 1.2), (0.8, 2.4)])
@requirement("RFC6298-2.2-a", "MUST-18")
def test_first_sample_sets_the_timeout_to_three_times_itself(lab, rtt, rto):
    """First sample R: SRTT = R, RTTVAR = R/2, RTO = SRTT + 4*RTTVAR = 3 R (2.2)."""
    sut, peer = handshake_with(lab, rtt)
    gap = repetition_gap(sut, peer, 301)
    assert 0.98 * rto <= gap <= rto + 4 * TICK


@requirement("RFC6298-2.3-a", "RFC6298-3-b", "MUST-18")
def test_second_sample_is_smoothed(lab):
    """R' = 1.6 s after R = 0.8 s: RTTVAR = 3/4*0.4 + 1/4*0.8 = 0.5, SRTT = 7/8*0.8 + 1/8*1.6 = 0.9, RTO = 2.9 s
    (2.3)."""
    sut, peer = handshake_with(lab, 0.8)
    sut.send(b"0123456789")
    peer.expect(TCP(flags="A", seq=301), data=b"0123456789")
    lab.advance(1.6)
    peer.send(TCP(flags="A", seq=101, ack=311))
    gap = repetition_gap(sut, peer, 311)
    assert 0.98 * 2.9 <= gap <= 2.9 + 4 * TICK


@requirement("RFC6298-2.4-a")
def test_timeout_is_rounded_up_to_one_second(lab):
    """A computed RTO below one second should become one second (2.4); many stacks use 200 ms."""
    sut, peer = handshake_with(lab, 0.01)
    gap = repetition_gap(sut, peer, 301)
    assert gap >= 0.15
    with lab.soft("RFC6298-2.4-a"):
        assert gap >= 0.98


@requirement("RFC6298-5.5-a", "RFC6298-2.5-a", "MUST-19")
def test_each_timeout_doubles_the_next(lab):
    """The gaps between repetitions double, up to a maximum of 60 s or more (5.5, 2.5)."""
    sut, peer = handshake_with(lab, 0.5)
    sut.send(b"0123456789")
    times = [peer.expect(TCP(flags="A", seq=301), data=b"0123456789").time]
    for _ in range(5):
        times.append(peer.expect(TCP(flags="A", seq=301), data=b"0123456789", within=130).time)
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    for shorter, longer in zip(gaps, gaps[1:]):
        assert min(1.8 * shorter, 59) <= longer <= 2.2 * shorter + TICK, f"gaps {gaps} seconds"


@requirement("RFC6298-3-a", "MUST-18")
def test_acknowledgment_of_a_repeated_segment_is_no_sample(lab):
    """Karn: an ACK that may belong to the first or the second copy is no sample, so it never shrinks the RTO (3).

    Twelve such ACKs, each 0.1 s after the repetition, would bring an RTO of 2.4 s down to one second if they counted.
    """
    sut, peer = handshake_with(lab, 0.8)
    seq = 301
    for _ in range(12):
        repetition_gap(sut, peer, seq)
        lab.advance(0.1)
        seq += 10
        peer.send(TCP(flags="A", seq=101, ack=seq))
    assert repetition_gap(sut, peer, seq) >= 0.98 * 2.4


@requirement("RFC6298-5-a")
def test_nothing_is_repeated_before_one_timeout(lab):
    """A segment is never repeated earlier than one RTO after it was sent (5)."""
    sut, peer = handshake_with(lab, 0.8)
    sut.send(b"0123456789")
    peer.expect(TCP(flags="A", seq=301), data=b"0123456789")
    peer.expect_nothing(until=2.4 * 0.97)


@requirement("RFC6298-5-b", "RFC6298-5-a")
def test_new_acknowledgment_restarts_the_timer(lab):
    """An ACK of new data restarts the timer: the rest is repeated one full RTO after that ACK, not earlier (5.3)."""
    at = established(lab)
    at.sut.send(b"d" * 2920)
    needs_at_once(lab, at.peer, 2920)
    at.peer.expect(TCP(flags="A", seq=301), data=1460)
    at.peer.expect(TCP(flags="A", seq=1761), data=1460)
    lab.advance(0.5 * at.sut.rto)
    at.send("A", ack=1761)
    rto = at.sut.rto
    start = lab.now
    again = at.peer.expect(TCP(flags="A", seq=1761), within=FIRST_RTO + rto)
    assert again.time - start >= 0.95 * rto - TICK


@requirement("RFC6298-5-b")
def test_timer_stops_when_everything_is_acknowledged(lab):
    """When all outstanding data is acknowledged the timer is off: nothing is ever repeated (5.2)."""
    at = established(lab)
    at.sut.send(b"0123456789")
    at.peer.expect(TCP(flags="A", seq=301), data=b"0123456789")
    assert at.sut.timer("retransmit") is not None
    at.send("A", ack=311)
    assert at.sut.timer("retransmit") is None
    at.peer.expect_nothing(until=120)


@requirement("RFC6298-5.4-a")
def test_timeout_repeats_the_earliest_segment_alone(lab):
    """With three segments unacknowledged the timeout repeats the first one, and no more (5.4)."""
    at = established(lab)
    at.sut.send(b"d" * 4380)
    needs_at_once(lab, at.peer, 4380)
    for number in range(3):
        at.peer.expect(TCP(flags="A", seq=301 + 1460 * number), data=1460)
    at.peer.expect(TCP(flags="A", seq=301), within=FIRST_RTO)
    at.peer.expect_nothing()


@requirement("RFC6298-5.7-a")
def test_lost_syn_makes_the_data_begin_with_three_seconds(lab):
    """If the timer expired on a SYN the data phase begins with an RTO of 3 seconds (5.7)."""
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=300)
    peer.lost(TCP(flags="S", seq=300))
    peer.expect(TCP(flags="S", seq=300), within=FIRST_RTO)
    peer.send(TCP(flags="SA", seq=100, ack=301))
    peer.expect(TCP(flags="A", seq=301, ack=101))
    assert repetition_gap(sut, peer, 301) >= 2.95


@requirement("RFC6298-5.5-a", "RFC6298-2.3-a")
def test_backoff_ends_with_a_new_sample(lab):
    """After a backed-off repetition a fresh sample brings the RTO down again (5; "collapsing")."""
    sut, peer = handshake_with(lab, 0.5)
    sut.send(b"0123456789")
    for wait in (1, 3, 6, 12):
        peer.expect(TCP(flags="A", seq=301), data=b"0123456789", within=2 * wait)
    peer.send(TCP(flags="A", seq=101, ack=311))
    seq = 311
    for _ in range(3):  # data that is acknowledged in time: unambiguous samples of 0.5 s
        sut.send(b"0123456789")
        peer.expect(TCP(flags="A", seq=seq), data=b"0123456789")
        lab.advance(0.5)
        seq += 10
        peer.send(TCP(flags="A", seq=101, ack=seq))
    assert repetition_gap(sut, peer, seq) <= 3.0
