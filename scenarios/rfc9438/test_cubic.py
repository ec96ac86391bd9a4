"""RFC 9438: CUBIC, where the stack uses it (the core: by choice). Stacks with another controller are UNSUPPORTED (RFC 9293
3.8.2 MAY-18 leaves the choice)."""

import pytest
from lastack import requirement
from sacking import MSS, RTT, Sacking

pytestmark = pytest.mark.lab(sack=True, sut_options={"congestion": 2})


def after_one_loss(lab):
    """A connection that has lost the first of ten segments and repaired it; ssthresh is what its controller made of
    it."""
    at = Sacking(lab)
    at.flight(10)
    for right in (2301, 3301, 4301):
        at.ack(301, (1301, right))
    assert (301, MSS) in at.sent(RTT / 2)
    at.ack(10301)
    if not 0.65 * 10 * MSS <= at.sut.ssthresh <= 0.75 * 10 * MSS:
        lab.unsupported(
            f"ssthresh {at.sut.ssthresh} after a flight of {10 * MSS} octets: another controller than CUBIC"
        )
    return at


@requirement("RFC9438-4.6-a")
def test_a_loss_takes_three_tenths_of_the_flight(lab):
    """ssthresh and, when the recovery is over, cwnd are seven tenths of the flight (4.6)."""
    at = after_one_loss(lab)
    assert at.sut.cwnd <= 0.75 * 10 * MSS


@requirement("RFC9438-4.3-a", "RFC9438-4.4-a", "RFC9438-4.10-a")
def test_growth_after_a_loss_is_no_faster_than_one_segment_a_round_trip_on_a_short_path(lab):
    """On a path of 0.1 s and ten segments CUBIC does as Reno would: at most one segment in a round trip (4.3)."""
    at = after_one_loss(lab)
    acked = 10301
    at.sut.send(bytes(60 * MSS), push=True)
    lab.advance(0.001)
    at.peer.drain()
    at.ack(acked)
    for _ in range(5):
        before = at.sut.cwnd
        at.lab.advance(RTT)
        acked = max(acked, at.sut.snd.nxt)
        at.ack(acked)
        at.peer.drain()
        assert at.sut.cwnd <= before + MSS + MSS // 2
    at.peer.ignore()
