"""SEGMENT ARRIVES in the other states, first check: is the sequence number acceptable? RFC 9293 3.10.7.4 with Table 6.

Swept over both edges of the receive window, in every state from SYN-RECEIVED to TIME-WAIT, and over the two ways in
which a segment can straddle an edge.
"""

import pytest
from helpers import (
    ACK_DELAY,
    AFTER_SYN,
    RECEIVES_TEXT,
    add,
    enter,
    established,
    fill_receive_window,
    states,
)
from lastack import requirement
from lastack.scapy import TCP

ANY = "E-3.10.7.4-1-ANY-"


@pytest.mark.parametrize("octets", [0, 5], ids=["empty", "data"])
@pytest.mark.parametrize("edge", ["left", "right"])
@pytest.mark.parametrize("state", states("E-3.10.7.4-1-STATE-seq-unacceptable", AFTER_SYN))
@requirement(ANY + "len0-wnd", ANY + "len-wnd", "U-16")
def test_segment_outside_the_window_draws_an_ack(lab, state, edge, octets):
    """An unacceptable segment is answered by <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> and dropped (3.10.7.4 first).

    "left" ends just before RCV.NXT, "right" begins at RCV.NXT+RCV.WND: the nearest numbers that are outside.
    """
    at = enter(lab, state)
    at.send("A", seq=at.rcv - max(octets, 1) if edge == "left" else at.rcv + at.wnd, data=b"d" * octets)
    at.expect_ack()
    at.unchanged()
    assert state == "TIME-WAIT" or at.sut.unread == 0


@pytest.mark.parametrize("edge", ["left", "right"])
@pytest.mark.parametrize("state", states("E-3.10.7.4-1-STATE-seq-unacceptable-rst", AFTER_SYN))
@requirement("E-3.10.7.4-2-ANY-rst-outside", "RFC5961-3.2-d", "U-27")
def test_reset_outside_the_window_is_dropped_silently(lab, state, edge):
    """An unacceptable segment with RST is dropped without an answer (3.10.7.4 first, RFC 5961 3.2)."""
    at = enter(lab, state)
    at.send("R", seq=at.rcv - 1 if edge == "left" else at.rcv + at.wnd)
    at.peer.expect_nothing()
    at.unchanged()


@pytest.mark.parametrize("position", ["first", "last"])
@pytest.mark.parametrize("state", ["ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "LAST-ACK", "CLOSING"])
@requirement(ANY + "len0-wnd")
def test_empty_ack_inside_the_window_draws_nothing(lab, state, position):
    """RCV.NXT and RCV.NXT+RCV.WND-1 are the edges that are inside: an ACK there is accepted silently (Table 6)."""
    at = enter(lab, state)
    at.send("A", seq=at.rcv if position == "first" else at.rcv + at.wnd - 1, ack=at.una)
    at.peer.expect_nothing()
    at.unchanged()


@pytest.mark.parametrize("sut_iss,peer_iss", [(300, 100), (2**32 - 3, 2**32 - 4), (2**31 - 3, 2**31 - 4)])
@requirement(ANY + "straddle", "U-12", "E-3.10.7.4-7-ESTABLISHED-text")
def test_segment_across_the_left_edge_gives_its_new_part(lab, sut_iss, peer_iss):
    """Of a segment that begins before RCV.NXT only the new part is used: delivered once, acknowledged to its end
    (3.10.7.4)."""
    at = established(lab, sut_iss=sut_iss, peer_iss=peer_iss)
    at.send("A", data=b"01234")
    at.expect_ack(at.rcv + 5, within=ACK_DELAY)
    at.send("A", seq=at.rcv, data=b"0123456789", note="five old octets and five new ones")
    at.expect_ack(at.rcv + 10, within=ACK_DELAY)
    assert at.sut.read_exactly(10) == b"0123456789" and at.sut.unread == 0


@pytest.mark.parametrize("state", ["FIN-WAIT-1", "FIN-WAIT-2"])
@requirement(ANY + "straddle")
def test_segment_across_the_left_edge_while_closing(lab, state):
    """The half-closed side trims old octets as ESTABLISHED does (3.10.7.4 first)."""
    at = enter(lab, state)
    at.send("A", ack=at.una, data=b"01234")
    at.expect_ack(at.rcv + 5, within=ACK_DELAY)
    at.send("A", seq=at.rcv + 3, ack=at.una, data=b"3456789")
    at.expect_ack(at.rcv + 10, within=ACK_DELAY)
    assert at.sut.read_exactly(10) == b"0123456789" and at.sut.unread == 0


@requirement(ANY + "overrun", "SHLD-14", "U-26")
def test_segment_across_the_right_edge_gives_what_fits(lab):
    """A segment that begins in the window and ends behind it is accepted as far as the window goes, at least
    (3.10.7.4)."""
    at = established(lab)
    fill_receive_window(at, leave=100)
    room = at.wnd
    at.send("A", data=b"e" * (room + 10))
    got = at.peer.expect(TCP(flags="A", seq=301), within=ACK_DELAY)
    assert add(at.rcv, room) <= got.ack <= add(at.rcv, room + 10), "every octet inside the window counts"
    assert at.sut.state == "ESTABLISHED"


@pytest.mark.parametrize("state", RECEIVES_TEXT)
@requirement(ANY + "ooo", "SHLD-31", "MAY-13")
def test_segment_beyond_a_gap_is_held_and_not_delivered(lab, state):
    """Data behind a gap waits: RCV.NXT stays, nothing is delivered until the gap is filled (3.10.7.4 first,
    SHLD-31)."""
    at = enter(lab, state)
    at.send("A", seq=at.rcv + 5, ack=at.una, data=b"56789")
    for answer in at.peer.drain():
        assert (answer.flags, answer.seq, answer.ack) == ("A", at.nxt, at.rcv)
    assert at.sut.unread == 0 and at.sut.rcv.nxt == at.rcv
    at.send("A", ack=at.una, data=b"01234")
    got = at.peer.expect(TCP(flags="A", seq=at.nxt), within=ACK_DELAY)
    with lab.soft("SHLD-31: a held segment need not be sent again"):
        assert got.ack == at.rcv + 10
    if got.ack != at.rcv + 10:
        at.send("A", seq=at.rcv + 5, ack=at.una, data=b"56789")
        at.expect_ack(at.rcv + 10, within=ACK_DELAY)
    assert at.sut.read_exactly(10) == b"0123456789"


@requirement(ANY + "queue", "MUST-58", "MUST-59")
def test_filled_gap_is_acknowledged_once_for_the_whole_queue(lab):
    """All held segments are processed before an ACK leaves: no acknowledgment stops between them (3.10.7.4 MUST-59)."""
    at = established(lab)
    for index in (1, 2, 3):
        at.send("A", seq=at.rcv + 10 * index, data=bytes([48 + index]) * 10)
    for answer in at.peer.drain():
        assert answer.ack == at.rcv, "nothing but duplicate ACKs before the gap is filled"
    at.send("A", data=b"0" * 10)
    at.expect_ack(at.rcv + 40, within=ACK_DELAY)
    at.peer.expect_nothing(until=ACK_DELAY)
    assert at.sut.read_exactly(40) == b"0" * 10 + b"1" * 10 + b"2" * 10 + b"3" * 10


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2), (2, 2, 0, 1, 3)])
@requirement("SHLD-31", ANY + "ooo", ANY + "queue")
def test_stream_is_the_same_in_every_order_of_arrival(lab, order):
    """However segments overtake or repeat each other, the user reads the stream in order and once (3.4, 3.10.7.4)."""
    at = established(lab)
    stream = bytes(range(65, 65 + 40))
    for index in (*order, *range(4)):  # and everything once more, as a sender that got no ACK would
        at.send("A", seq=at.rcv + 10 * index, data=stream[10 * index : 10 * index + 10])
    lab.advance(ACK_DELAY)
    acks = [answer.ack for answer in at.peer.drain()]
    assert acks[-1] == at.rcv + 40 and acks == sorted(acks)
    assert at.sut.read_exactly(40) == stream and at.sut.unread == 0


@requirement(ANY + "len-wnd")
def test_overlapping_segments_deliver_each_octet_once(lab):
    """Overlaps among held segments do not double or shift octets (3.4, 3.10.7.4 first)."""
    at = established(lab)
    stream = bytes(range(65, 65 + 30))
    for first, last in ((10, 20), (15, 30), (5, 12), (0, 8), (0, 30)):
        at.send("A", seq=at.rcv + first, data=stream[first:last])
    lab.advance(ACK_DELAY)
    assert at.peer.drain()[-1].ack == at.rcv + 30
    assert at.sut.read_exactly(30) == stream and at.sut.unread == 0


@requirement(ANY + "len-wnd0", "E-3.10.7.4-X-zwp", "U-17", "MAY-8")
def test_closed_window_answers_a_probe_and_refuses_its_octet(lab):
    """With RCV.WND = 0 an octet at RCV.NXT is unacceptable: <ACK=RCV.NXT> with window 0, and it is not taken
    (3.8.6.1)."""
    at = established(lab)
    sent = fill_receive_window(at)
    assert at.wnd == 0
    at.send("A", data=b"p")
    at.peer.expect(TCP(flags="A", seq=301, ack=at.rcv, window=0), data=b"")
    assert at.sut.unread == sent


@pytest.mark.parametrize("offset", [-1, 0, 1])
@requirement(ANY + "len0-wnd0")
def test_closed_window_accepts_only_the_next_number(lab, offset):
    """With RCV.WND = 0 an empty segment is acceptable only at SEQ = RCV.NXT (Table 6); others are answered.

    One beyond may be the SND.NXT of a peer whose probe octet was refused: the allowance for valid ACKs may be made for it.
    """
    at = established(lab)
    fill_receive_window(at)
    at.sut.send(b"abc")
    at.peer.expect(TCP(flags="A", seq=301, ack=at.rcv), data=b"abc")
    at.send("A", seq=at.rcv + offset, ack=304)
    if offset == 0:
        assert at.sut.snd.una == 304, "its acknowledgment counts"
    else:
        at.peer.expect(TCP(flags="A", seq=304, ack=at.rcv, window=0), data=b"")
        assert at.sut.snd.una in (301, 304 if offset == 1 else 301), "nothing of an unacceptable segment counts"
    for extra in at.peer.drain():
        assert (extra.flags, extra.seq, extra.ack, extra.window) == ("A", 304, at.rcv, 0)


@requirement(ANY + "wnd0-allowance", "MUST-66")
def test_closed_window_still_takes_acknowledgments(lab):
    """With RCV.WND = 0 valid ACKs are still processed: our data is acknowledged (3.10.7.4 first)."""
    at = established(lab)
    fill_receive_window(at)
    at.sut.send(b"our data")
    at.peer.expect(TCP(flags="A", seq=301, ack=at.rcv), data=b"our data")
    at.send("A", ack=309)
    assert at.sut.snd.una == 309
    for extra in at.peer.drain():
        assert (extra.flags, extra.seq, extra.ack, extra.window) == ("A", 309, at.rcv, 0)


@requirement(ANY + "wnd0-allowance", "MUST-66")
def test_closed_window_still_takes_a_reset(lab):
    """With RCV.WND = 0 an exact RST is processed (3.4 MUST-66)."""
    at = established(lab)
    fill_receive_window(at)
    at.send("R")
    at.peer.expect_nothing()
    assert "reset" in at.sut.events() and at.sut.state == "CLOSED"


@requirement("MUST-66", ANY + "wnd0-allowance")
def test_closed_window_still_takes_an_urgent_pointer(lab):
    """With RCV.WND = 0 URG is processed, and the user is told (3.4 MUST-66)."""
    lab.needs("urgent")
    at = established(lab)
    fill_receive_window(at)
    at.sut.events()
    at.send("UA", urgptr=10)
    assert "urgent" in at.sut.events()


@requirement("E-3.10.7.4-1-ESTABLISHED-seq-unacceptable", "E-3.10.7.4-X-null-oow")
def test_flagless_segment_outside_the_window_draws_an_ack(lab):
    """The first check answers before the ACK bit is looked at (3.10.7.4 first before fifth)."""
    at = established(lab)
    at.send("", seq=at.rcv - 1)
    at.expect_ack()
    at.unchanged()


@pytest.mark.parametrize("octets", [0, 1], ids=["empty", "garbage-octet"])
@requirement("E-3.10.7.4-X-keepalive", "MAY-6")
def test_keep_alive_probe_is_answered(lab, octets):
    """A keep-alive probe, SEQ = RCV.NXT-1 with no or one garbage octet, draws an ACK; the octet is not data (3.8.4)."""
    at = established(lab)
    at.send("A", seq=at.rcv - 1, data=b"\0" * octets)
    at.expect_ack()
    assert at.sut.unread == 0


@requirement("RFC7323-2.4-b", "SHLD-14")
def test_announced_right_edge_never_moves_left(lab):
    """RCV.NXT+RCV.WND never decreases while a slow reader lets the buffer fill (3.8.6 SHLD-14, 3.10.7.4 seventh)."""
    at = established(lab)
    edge = at.rcv + at.wnd
    for _ in range(10):
        at.send("A", data=b"x" * 100)
        at.rcv += 100
        at.wnd = at.expect_ack(within=ACK_DELAY).window
        with lab.soft("SHLD-14"):
            assert at.rcv + at.wnd >= edge
        edge = max(edge, at.rcv + at.wnd)
