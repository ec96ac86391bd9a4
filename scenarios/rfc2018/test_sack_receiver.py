"""RFC 2018 sections 2 to 4: when a receiver reports blocks, and which. The numbers are those of its section 7: 500
octets from 5000 on.

RFC 2883 (D-SACK) lets a first block report a duplicate; nothing here sends one.
"""

import pytest
from helpers import ACK_DELAY
from lastack import requirement
from lastack.scapy import TCP

pytestmark = pytest.mark.lab(sack=True)

LEFT = 5000  # the first octet of the peer's data


def open_with_sack(lab, permitted=True):
    """A connection opened by the peer, whose SYN carries SACK-Permitted; returns handle, peer and whether the stack
    agreed."""
    lab.needs("sack")
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000)
    options = [("MSS", 1460)] + ([("NOP", None), ("NOP", None), ("SAckOK", b"")] if permitted else [])
    peer.send(TCP(flags="S", seq=LEFT - 1, options=options))
    synack = peer.expect(TCP(flags="SA", seq=300, ack=LEFT))
    peer.send(TCP(flags="A", seq=LEFT, ack=301))
    return sut, peer, synack.option("SAckOK") is not None


def blocks(segment):
    """The SACK blocks of a segment as (left, right) pairs, in their order."""
    edges = segment.option("SAck") or ()
    return list(zip(edges[::2], edges[1::2]))


def send_block(peer, seq):
    """500 octets at `seq`."""
    peer.send(TCP(flags="A", seq=seq, ack=301), data=b"%05d" % seq * 100, note=f"{seq}..{seq + 499}")


@requirement("RFC2018-2-a")
def test_sack_permitted_is_only_on_syn_segments(lab):
    """SACK-Permitted is on the SYN,ACK and on no later segment (RFC 2018 2)."""
    sut, peer, agreed = open_with_sack(lab)
    assert agreed, "the stack can do SACK and was asked to"
    send_block(peer, LEFT)
    later = [peer.expect(TCP(flags="A", ack=LEFT + 500), within=ACK_DELAY)]
    sut.send(b"data", push=True)
    later.append(peer.expect(TCP(flags="A", seq=301), data=b"data", within=1))
    sut.shutdown()
    later.append(peer.expect(TCP(flags="FA", seq=305), within=1))
    assert all(segment.option("SAckOK") is None for segment in later)


@requirement("RFC2018-4-a")
def test_no_blocks_without_sack_permitted(lab):
    """A peer that did not permit SACK gets no SACK option, whatever gap there is (RFC 2018 4)."""
    _, peer, agreed = open_with_sack(lab, permitted=False)
    assert not agreed, "the SYN,ACK permits SACK though the SYN did not"
    send_block(peer, LEFT + 500)
    lab.advance(ACK_DELAY)
    assert all(not blocks(duplicate) for duplicate in peer.drain())
    send_block(peer, LEFT)
    assert not blocks(peer.expect(TCP(flags="A", ack=LEFT + 1000), within=ACK_DELAY))


@requirement("RFC2018-4-b", "RFC2018-3-a")
def test_no_blocks_when_nothing_is_missing(lab):
    """Case 1: four segments in order are acknowledged by 7000, without a SACK option (RFC 2018 7)."""
    _, peer, _ = open_with_sack(lab)
    for seq in range(LEFT, 7000, 500):
        send_block(peer, seq)
        assert not blocks(peer.expect(TCP(flags="A", ack=seq + 500), within=ACK_DELAY))


@requirement("RFC2018-4-b", "RFC2018-4-c", "RFC2018-3-a")
def test_growing_block_after_the_first_segment_is_lost(lab):
    """Case 2: 5000 is lost; each of the next seven draws ACK 5000 and one block, growing from 5500-6000 to 5500-9000
    (RFC 2018 7)."""
    _, peer, agreed = open_with_sack(lab)
    assert agreed
    for seq in range(5500, 9000, 500):
        send_block(peer, seq)
        assert blocks(peer.expect(TCP(flags="A", ack=5000), within=ACK_DELAY)) == [(5500, seq + 500)]
    send_block(peer, 5000)
    assert not blocks(peer.expect(TCP(flags="A", ack=9000), within=ACK_DELAY))


@requirement("RFC2018-4-b", "RFC2018-4-c", "RFC2018-4-d", "RFC2018-3-a")
def test_blocks_when_every_second_segment_is_lost(lab):
    """Case 3: 5500, 6500, 7500 are lost; the newest block comes first, the others follow (RFC 2018 7, section 4).

    Then 6500 and 5500 come late: 6000-7500 first, at last ACK 7500 and only 8000-8500.
    """
    _, peer, agreed = open_with_sack(lab)
    assert agreed
    send_block(peer, 5000)
    assert not blocks(peer.expect(TCP(flags="A", ack=5500), within=ACK_DELAY))
    for seq, others in ((6000, []), (7000, [(6000, 6500)]), (8000, [(7000, 7500), (6000, 6500)])):
        send_block(peer, seq)
        got = blocks(peer.expect(TCP(flags="A", ack=5500), within=ACK_DELAY))
        assert got[0] == (seq, seq + 500)
        assert sorted(got[1:]) == sorted(others)  # "may be listed in arbitrary order"
    send_block(peer, 6500)
    assert blocks(peer.expect(TCP(flags="A", ack=5500), within=ACK_DELAY)) == [(6000, 7500), (8000, 8500)]
    send_block(peer, 5500)
    assert blocks(peer.expect(TCP(flags="A", ack=7500), within=ACK_DELAY)) == [(8000, 8500)]


@requirement("RFC2018-4-d")
def test_option_space_bounds_the_number_of_blocks(lab):
    """Five separate blocks: four fit, the newest first, the most recently reported ones after it (RFC 2018 3, 4)."""
    _, peer, agreed = open_with_sack(lab)
    assert agreed
    starts = [6000, 7000, 8000, 9000, 10000]
    for seq in starts:
        send_block(peer, seq)
    lab.advance(ACK_DELAY)
    got = blocks(peer.drain()[-1])
    assert got[0] == (10000, 10500)
    with lab.soft("RFC 2018 4: as many distinct blocks as possible, the most recently reported ones"):
        assert sorted(got[1:]) == [(7000, 7500), (8000, 8500), (9000, 9500)]


@requirement("RFC2018-4-d")
@pytest.mark.lab(sack=True, timestamps=True)
def test_timestamps_leave_room_for_three_blocks(lab):
    """With timestamps at most three blocks fit beside them (RFC 2018 3)."""
    lab.needs("sack", "timestamps")
    lab.listen(port=80, iss=300)
    peer = lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=LEFT - 1, options=[("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 0))]))
    synack = peer.expect(TCP(flags="SA", seq=300, ack=LEFT))
    assert synack.option("SAckOK") is not None and synack.option("Timestamp") is not None
    stamp = [("Timestamp", (2, synack.option("Timestamp")[0]))]
    peer.send(TCP(flags="A", seq=LEFT, ack=301, options=stamp))
    for seq in (6000, 7000, 8000, 9000):
        peer.send(TCP(flags="A", seq=seq, ack=301, options=stamp), data=bytes(500))
    lab.advance(ACK_DELAY)
    last = peer.drain()[-1]
    assert last.option("Timestamp") is not None
    got = blocks(last)
    assert got[0] == (9000, 9500)
    with lab.soft("RFC 2018 4: as many distinct blocks as possible, the most recently reported ones"):
        assert sorted(got[1:]) == [(7000, 7500), (8000, 8500)]


@requirement("RFC2018-4-c", "RFC2018-3-a")
def test_first_block_holds_the_segment_that_arrived_last(lab):
    """3000, 5000, 4000 above a hole at 2500: the first block is the one of the latest arrival (RFC 2018 4)."""
    lab.needs("sack")
    lab.listen(port=80, iss=300)
    peer = lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=2499, options=[("MSS", 1460), ("SAckOK", b"")]))
    peer.expect(TCP(flags="SA", seq=300, ack=2500))
    peer.send(TCP(flags="A", seq=2500, ack=301))
    for seq in (3000, 5000, 4000):
        send_block(peer, seq)
        assert blocks(peer.expect(TCP(flags="A", ack=2500), within=ACK_DELAY))[0] == (seq, seq + 500)
    send_block(peer, 3500)
    assert blocks(peer.expect(TCP(flags="A", ack=2500), within=ACK_DELAY)) == [(3000, 4500), (5000, 5500)]
