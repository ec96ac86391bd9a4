"""RFC 2883: a first SACK block may report a duplicate (D-SACK). The extension is optional: who does not use it is
UNSUPPORTED here.

Numbers in the style of the RFC's section 4: 500 octets a segment.
"""

import pytest
from helpers import ACK_DELAY
from lastack import requirement
from lastack.scapy import TCP
from stamped import Stamped

pytestmark = pytest.mark.lab(sack=True)


def open_at(lab, left):
    """A connection with SACK whose next octet from the peer is `left`."""
    lab.needs("sack")
    lab.listen(port=80, iss=300)
    peer = lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=left - 1, options=[("MSS", 1460), ("SAckOK", b"")]))
    if peer.expect(TCP(flags="SA", seq=300, ack=left)).option("SAckOK") is None:
        lab.unsupported("the stack does not permit SACK")
    peer.send(TCP(flags="A", seq=left, ack=301))
    return peer


def answer(peer, seq, ack, octets=500):
    """Sends octets and returns the blocks of the answer, whose ACK must be `ack`."""
    peer.send(TCP(flags="A", seq=seq, ack=301), data=bytes(octets), note=f"{seq}..{seq + octets - 1}")
    edges = peer.expect(TCP(flags="A", seq=301, ack=ack), within=ACK_DELAY).option("SAck") or ()
    return list(zip(edges[::2], edges[1::2]))


def in_use(lab, blocks):
    """The D-SACK block, or the end of the scenario: reporting duplicates is the stack's choice."""
    if not blocks:
        lab.unsupported("the stack does not report duplicates (D-SACK)")
    return blocks[0]


@requirement("RFC2883-4-a", "RFC2883-4-b")
def test_duplicate_below_the_acknowledgment_is_reported_once(lab):
    """3000-3499 again after ACK 4000: the first block is 3000-3500; the next ACK does not repeat it (RFC 2883
    4.1.1)."""
    peer = open_at(lab, 3000)
    answer(peer, 3000, 3500)
    answer(peer, 3500, 4000)
    assert in_use(lab, answer(peer, 3000, 4000)) == (3000, 3500)
    assert answer(peer, 4000, 4500) == []


@requirement("RFC2883-4-a", "RFC2883-4-b")
def test_duplicate_is_reported_before_the_held_blocks(lab):
    """With 4500-5000 held, 3000-3499 again: 3000-3500 first, then 4500-5000; later only what is held (RFC 2883
    4.1.2)."""
    peer = open_at(lab, 3000)
    answer(peer, 3000, 3500)
    answer(peer, 3500, 4000)
    assert answer(peer, 4500, 4000) == [(4500, 5000)]
    blocks = answer(peer, 3000, 4000)
    if blocks == [(4500, 5000)]:
        lab.unsupported("the stack does not report duplicates (D-SACK)")
    assert blocks == [(3000, 3500), (4500, 5000)]
    assert answer(peer, 5000, 4000) == [(4500, 5500)]


@requirement("RFC2883-4-c")
def test_duplicate_above_the_acknowledgment_is_followed_by_its_block(lab):
    """5000-5499 again inside the held 4500-5500: 5000-5500 first, then the block that holds it (RFC 2883 4.1.3)."""
    peer = open_at(lab, 4000)
    answer(peer, 4500, 4000)
    assert answer(peer, 5000, 4000) == [(4500, 5500)]
    blocks = answer(peer, 5000, 4000)
    if blocks == [(4500, 5500)]:
        lab.unsupported("the stack does not report duplicates (D-SACK)")
    assert blocks == [(5000, 5500), (4500, 5500)]


@requirement("RFC2883-4.2-a")
def test_only_the_first_duplicated_part_is_reported(lab):
    """2000-4499 over the held 2500-3000 and 3500-4000: the first block is 2500-3000 (RFC 2883 4.2)."""
    peer = open_at(lab, 1500)
    answer(peer, 1500, 2000)
    assert answer(peer, 2500, 2000) == [(2500, 3000)]
    answer(peer, 3500, 2000)
    block = in_use(lab, answer(peer, 2000, 4500, octets=2500))
    assert block == (2500, 3000)


@requirement("RFC2883-4.3-a")
@pytest.mark.lab(sack=True, timestamps=True)
def test_duplicate_that_paws_rejects_may_be_reported(lab):
    """A duplicate with an old timestamp is acknowledged; the ACK may name it in a D-SACK block and no other (RFC 2883
    4.3)."""
    stamped = Stamped(lab, tsval=100, options=[("SAckOK", b"")])
    stamped.send("A", seq=101, ack=301, tsval=100, data=bytes(500))
    stamped.expect(TCP(flags="A", seq=301, ack=601))
    stamped.send("A", seq=101, ack=301, tsval=50, data=bytes(500))
    assert stamped.expect(TCP(flags="A", seq=301, ack=601), tsecr=100).option("SAck") in (None, (101, 601))
