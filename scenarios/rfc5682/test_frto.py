"""RFC 5682: after a time-out that only a delay has caused, new data goes out instead of everything again. Who does not do
F-RTO goes on repeating, as RFC 5681 has it: UNSUPPORTED."""

import pytest
from helpers import FIRST_RTO
from lastack import requirement
from lastack.scapy import TCP

MSS = 1000


@requirement("RFC5682-2.1-a", "RFC4015-3-a")
@pytest.mark.parametrize("sack", [False, pytest.param(True, marks=pytest.mark.lab(sack=True))])
def test_a_spurious_timeout_does_not_repeat_the_window(lab, sack):
    """The ACKs of a window come one by one after the time-out: two new segments leave, and nothing is repeated (2.1)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000)
    options = [("MSS", MSS)] + ([("NOP", None), ("NOP", None), ("SAckOK", b"")] if sack else [])
    peer.send(TCP(flags="S", seq=100, options=options))
    peer.expect(TCP(flags="SA", seq=300, ack=101))
    lab.advance(0.1)
    peer.send(TCP(flags="A", seq=101, ack=301))
    sut.send(bytes(40 * MSS), push=True)
    lab.advance(0.01)
    flight = [segment for segment in peer.drain() if segment.payload]
    end = max(segment.end for segment in flight)
    waited = 0.0
    while waited < FIRST_RTO:  # a probe of the tail (RFC 8985) may come first
        lab.advance(0.05)
        waited += 0.05
        sent = [segment for segment in peer.drain() if segment.payload]
        end = max([end, *(segment.end for segment in sent)])
        if any(segment.seq == 301 for segment in sent):
            break
    assert waited < FIRST_RTO
    peer.send(TCP(flags="A", seq=101, ack=301 + MSS))
    lab.advance(0.01)
    first = [segment for segment in peer.drain() if segment.payload]
    if not first or any(segment.seq < end for segment in first):
        lab.unsupported("the stack repeats what it sent before the time-out (no F-RTO)")
    assert len(first) <= 2, "at most two new segments"
    peer.send(TCP(flags="A", seq=101, ack=301 + 2 * MSS))
    lab.advance(0.01)
    second = [segment for segment in peer.drain() if segment.payload]
    assert all(segment.seq >= end for segment in second), "the time-out was spurious: nothing is repeated"
    peer.ignore(TCP())
