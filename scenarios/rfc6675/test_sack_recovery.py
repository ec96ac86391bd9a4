"""RFC 6675: loss recovery by what the peer reports. Stacks with RACK-TLP (RFC 8985) use another search for loss; what is
asserted here holds for both, because three segments are reported or a quarter of the round trip is allowed for."""

import pytest
from helpers import FIRST_RTO
from lastack import requirement
from sacking import MSS, RTT, Sacking

pytestmark = pytest.mark.lab(sack=True)


@requirement("RFC6675-5-a", "RFC6675-5-b", "RFC2018-5-a")
def test_three_reports_repeat_the_hole_and_nothing_else(lab):
    """Three reported segments above the hole send it again without a time-out; what was reported stays (5, 4.3)."""
    at = Sacking(lab)
    at.flight(8)
    for right in (2301, 3301, 4301):
        at.ack(301, (1301, right))
    again = at.sent(RTT / 2)
    assert again[0] == (301, MSS)
    assert all(number < 1301 or number >= 8301 for number, _ in again)
    at.ack(8301)
    assert at.sent(FIRST_RTO) == []


@requirement("RFC6675-2-a")
def test_reports_count_on_segments_with_data(lab):
    """A duplicate acknowledgment is one with new SACK information, whatever else the segment carries (2)."""
    at = Sacking(lab)
    at.flight(8)
    for i, right in enumerate((2301, 3301, 4301)):
        at.ack(301, (1301, right), data=b"x", seq=101 + i)
    assert (301, MSS) in at.sent(RTT / 2)
    at.ack(8301, seq=104)


@requirement("RFC6675-5-a")
def test_one_report_of_four_segments_is_enough(lab):
    """More than (DupThresh - 1) * SMSS octets reported above the hole by a single ACK start the recovery (4 IsLost)."""
    at = Sacking(lab)
    at.flight(8)
    at.ack(301, (1301, 5301))
    with lab.soft("RFC 6675 5 (2): an implementation may still count ACKs"):
        assert at.sent(RTT / 2)[0] == (301, MSS)
    at.ack(8301)
    lab.advance(0)


@requirement("RFC6675-4-b")
def test_holes_are_filled_from_the_left_before_new_text(lab):
    """Two holes are sent again in ascending order, before text that was never sent (4 NextSeg)."""
    at = Sacking(lab)
    at.flight(10)
    at.sut.send(bytes(4 * MSS), push=True)
    fresh = at.sent()
    at.ack(301, (1301, 4301), (5301, 10301))
    again = at.sent(RTT / 2)
    for _ in range(6):
        if any(number == 4301 for number, _ in again):
            break
        at.lab.advance(RTT / 2)
        at.ack(1301 if again else 301, (1301, 4301), (5301, 10301))
        again += at.sent(RTT / 2)
    numbers = [number for number, _ in again]
    assert 301 in numbers and 4301 in numbers
    assert numbers.index(301) < numbers.index(4301)
    never_sent = 10301 + sum(octets for _, octets in fresh)
    assert all(number < 10301 for number in numbers[: numbers.index(4301)]) or never_sent > 10301
    at.peer.drain()
    at.peer.ignore()


@requirement("RFC6675-4-a", "RFC6675-5-b")
def test_recovery_keeps_less_in_flight(lab):
    """After one loss in a flight of ten, at most the flight of before is in the network, and less when it is over (5)."""
    at = Sacking(lab)
    at.flight(10)
    at.sut.send(bytes(40 * MSS), push=True)
    highest = max([10301, *(number + octets for number, octets in at.sent())])
    flight = highest - 301
    reported = 1301
    while reported < highest:
        reported = min(reported + MSS, highest)
        at.ack(301, (1301, reported))
        for number, octets in at.sent(0.001):
            highest = max(highest, number + octets)
        in_network = highest - reported + MSS
        assert in_network <= flight + 3 * MSS
        if reported > 301 + 2 * flight:
            break
    at.ack(highest)
    with lab.soft("RFC 6675 5: half of the flight; RFC 9438: seven tenths"):
        assert at.sut.cwnd <= 0.75 * (flight + 2 * MSS) + MSS
    at.peer.drain()
    at.peer.ignore()
