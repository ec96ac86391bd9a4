"""RFC 8985: loss by time (RACK) and the probe of a silent tail (TLP). A stack that does neither waits for its
retransmission time-out, as RFC 6298 has it: UNSUPPORTED."""

import pytest
from helpers import FIRST_RTO
from lastack import requirement
from sacking import MSS, Sacking

pytestmark = pytest.mark.lab(sack=True)


def before_the_timeout(at):
    """What is sent in less time than any RTO of a round trip of 0.1 s (2 SRTT and an allowance for a delayed ACK)."""
    return at.sent(0.19)


@requirement("RFC8985-6.2-a", "RFC8985-6.2-b")
def test_a_later_segment_that_arrived_makes_earlier_ones_lost(lab):
    """Only the last of three is reported: the two before it are sent again after a quarter of the round trip (6.2)."""
    at = Sacking(lab)
    at.flight(3)
    at.ack(301, (2301, 3301))
    again = before_the_timeout(at)
    if not again:
        lab.unsupported("the stack does not look at times (RACK)")
    assert again[0] == (301, MSS)
    at.ack(3301)
    assert at.sent(FIRST_RTO) == []


@requirement("RFC8985-3.3.2-a")
def test_reordering_within_a_quarter_of_the_round_trip_is_no_loss(lab):
    """The report of the last is followed by the ACK of all within a hundredth of a second: nothing is repeated (6.2)."""
    at = Sacking(lab)
    at.flight(3)
    at.ack(301, (2301, 3301))
    assert at.sent(0.01) == []
    at.ack(3301)
    assert at.sent(FIRST_RTO) == []


@requirement("RFC8985-7.2-a", "RFC8985-7.3-a", "RFC8985-7.3-b", "RFC8985-7.3-c")
def test_a_silent_tail_is_probed_once(lab):
    """After two round trips of silence the last segment goes again, once; then only the time-out acts (7.2, 7.3)."""
    at = Sacking(lab)
    at.flight(3)
    probe = before_the_timeout(at)
    if not probe:
        lab.unsupported("the stack does not probe a silent tail (TLP)")
    assert probe == [(2301, MSS)]
    later = at.sent(FIRST_RTO)
    assert later[0] == (301, MSS), "the time-out repeats the first segment, and no second probe came before it"
    at.ack(3301)


@requirement("RFC8985-7.3-a")
def test_the_probe_reveals_what_was_lost(lab):
    """The report of the probed segment shows that those before it are lost: they follow without a time-out (7.4.1)."""
    at = Sacking(lab)
    at.flight(4)
    if not before_the_timeout(at):
        lab.unsupported("the stack does not probe a silent tail (TLP)")
    lab.advance(0.05)  # the report is the probe's: the original's would have come sooner than a round trip (6.2 step 2)
    at.ack(301, (3301, 4301))
    assert at.sent(0.1)[0] == (301, MSS)
    at.ack(4301)


@requirement("RFC8985-4-a")
@pytest.mark.lab(sack=False)
def test_without_sack_there_is_no_probe(lab):
    """RACK-TLP needs SACK: without it a silent tail waits for the time-out (4)."""
    sut, peer = lab.established()
    sut.send(bytes(1000), push=True)
    peer.drain()
    peer.expect_nothing(until=0.15)
    peer.ignore()
