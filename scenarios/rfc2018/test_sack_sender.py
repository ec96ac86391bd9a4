"""RFC 2018 sections 5 and 8: what a sender makes of reported blocks, and that it keeps what is only reported.

How fast lost segments are sent again is RFC 6675's or RFC 8985's business; these scenarios only look at which ones.
"""

import pytest
from helpers import FIRST_RTO
from lastack import requirement
from lastack.scapy import TCP
from streams import needs_at_once, next_flight, sequence_end

pytestmark = pytest.mark.lab(sack=True)

MSS = 1000  # octets


def flight_of_four(lab):
    """A connection with SACK on which the stack has sent 301, 1301, 2301 and 3301 of 1000 octets each, nothing more to
    send."""
    lab.needs("sack")
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=100, options=[("MSS", MSS), ("NOP", None), ("NOP", None), ("SAckOK", b"")]))
    synack = peer.expect(TCP(flags="SA", seq=300, ack=101))
    assert synack.option("SAckOK") is not None, "the stack can do SACK and was asked to"
    peer.send(TCP(flags="A", seq=101, ack=301))
    assert sut.send(bytes(4 * MSS), push=True) == 4 * MSS
    needs_at_once(lab, peer, 4 * MSS)
    flight = next_flight(peer)
    while sequence_end(flight) < 4301:
        flight += next_flight(peer)
    return sut, peer


def sack(peer, *blocks, ack=301):
    """A duplicate acknowledgment that reports these (left, right) blocks."""
    edges = [edge for block in blocks for edge in block]
    peer.send(TCP(flags="A", seq=101, ack=ack, options=[("NOP", None), ("NOP", None), ("SAck", tuple(edges))]))


@requirement("RFC2018-5-a")
def test_reported_segments_are_not_sent_again(lab):
    """Segments two to four are reported: only the first is sent again (RFC 2018 5)."""
    _, peer = flight_of_four(lab)
    for right in (2301, 3301, 4301):
        sack(peer, (1301, right))
    again = next_flight(peer, within=FIRST_RTO)
    assert again[0].seq == 301
    with lab.soft("RFC 2018 5: a sender should skip what was reported"):
        assert sequence_end(again) <= 1301
    peer.send(TCP(flags="A", seq=101, ack=4301))
    peer.expect_nothing(until=FIRST_RTO)


@requirement("RFC2018-5-a")
def test_two_holes_are_filled_and_no_more(lab):
    """Only 1301 and 3301 are reported: 301 and 2301 are sent again in one recovery, 1301 and 3301 are not (RFC 2018
    5)."""
    _, peer = flight_of_four(lab)
    sack(peer, (1301, 2301))
    sack(peer, (3301, 4301), (1301, 2301))
    sack(peer, (3301, 4301), (1301, 2301))
    sack(peer, (3301, 4301), (1301, 2301))
    again = next_flight(peer, within=FIRST_RTO)
    assert again[0].seq == 301
    peer.send(TCP(flags="A", seq=101, ack=2301, options=[("NOP", None), ("NOP", None), ("SAck", (3301, 4301))]))
    if sequence_end(again) < 3301:
        again += next_flight(peer, within=FIRST_RTO)
    assert any(segment.seq == 2301 for segment in again)
    with lab.soft("RFC 2018 5: a sender should skip what was reported"):
        assert all(segment.seq in (301, 2301) for segment in again)
    peer.send(TCP(flags="A", seq=101, ack=4301))


@requirement("RFC2018-5-b")
def test_timeout_repeats_the_left_edge_even_if_reported(lab):
    """Everything is reported and nothing acknowledged: the time-out sends the left edge 301 again (RFC 2018 5)."""
    _, peer = flight_of_four(lab)
    sack(peer, (301, 4301))
    first = next_flight(peer, within=FIRST_RTO)[0]
    if first.seq == 3301:  # a probe of the silent tail comes before the time-out (RFC 8985 7.3)
        first = next_flight(peer, within=FIRST_RTO)[0]
    assert first.seq == 301
    peer.send(TCP(flags="A", seq=101, ack=4301))


@requirement("RFC2018-5.1-a", "RFC2018-8-a")
def test_reported_data_is_kept_until_it_is_acknowledged(lab):
    """The receiver reneges: 1301-2301 was reported, after the time-out it is missing, and the sender still has it (RFC
    2018 5.1, 8)."""
    sut, peer = flight_of_four(lab)
    sack(peer, (1301, 2301))
    assert next_flight(peer, within=FIRST_RTO)[0].seq == 301
    acked = 1301
    for _ in range(20):
        peer.send(TCP(flags="A", seq=101, ack=acked), note="the reported octets were thrown away")
        if acked == 4301:
            break
        for segment in next_flight(peer, within=4 * FIRST_RTO):
            if segment.seq <= acked < segment.end:
                acked = segment.end
    assert sut.snd.una == 4301


@requirement("RFC2018-5-a")
def test_blocks_that_make_no_sense_are_survived(lab):
    """Blocks left of SND.UNA, right of SND.NXT, empty or turned round change nothing (RFC 2018 5; hostile input)."""
    sut, peer = flight_of_four(lab)
    for block in ((1, 200), (4301, 9000), (2301, 2301), (3301, 1301), (301 - 2**31 + 2**32, 4301), (0, 2**32 - 1)):
        sack(peer, block)
    assert sut.state == "ESTABLISHED"
    assert (sut.snd.una, sut.snd.nxt) == (301, 4301)
    peer.drain()
    assert next_flight(peer, within=4 * FIRST_RTO)[0].seq == 301, "the first segment was never acknowledged"
    peer.send(TCP(flags="A", seq=101, ack=4301))
    assert sut.snd.una == 4301
