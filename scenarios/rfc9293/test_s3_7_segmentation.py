"""Cutting the stream into segments: MSS, Nagle, PUSH. RFC 9293 3.7 and 3.9.1.2."""

import pytest
from helpers import ACK_DELAY, FIRST_RTO, acknowledge_until, case, established
from lastack import requirement
from lastack.scapy import TCP


@pytest.mark.parametrize(
    "header", [case(40, req="MUST-67", name="IPv4"), case(60, req="MUST-67", name="IPv6", ipv6=True)]
)
@requirement("MUST-14", "SHLD-5", "MAY-3", "RFC6691-2-a")
def test_syn_and_syn_ack_announce_what_fits_the_link(lab, header):
    """SYN and SYN,ACK carry MSS = MTU - fixed headers: 1460 over IPv4 and 1440 over IPv6 at MTU 1500 (3.7.1
    MUST-67)."""
    lab.listen(port=80)
    asking, answering = lab.peer(port=4000, to=80), lab.peer(port=4001, to=80)
    asking.send(TCP(flags="S", seq=100, options=[("MSS", 1460)]))
    assert asking.expect(TCP(flags="SA", ack=101)).option("MSS") == 1500 - header
    lab.connect(answering, iss=300)
    assert answering.expect(TCP(flags="S", seq=300)).option("MSS") == 1500 - header


@pytest.mark.parametrize(
    "octets",
    [case(536, req="MUST-15", name="IPv4"), case(1220, req="MUST-15", name="IPv6", ipv6=True)],
)
def test_peer_without_mss_option_gets_the_default_size(lab, octets):
    """Without a received MSS option the send MSS is 536 over IPv4 and 1220 over IPv6 (3.7.1 MUST-15)."""
    sut, peer = lab.established(sut_iss=300, peer_iss=100)
    sut.send(b"d" * 10_000)
    first = peer.expect(TCP(flags="A", seq=301, ack=101), within=1.0)
    sizes = [len(segment.payload) for segment in (first, *peer.drain())]
    assert max(sizes) == octets


@pytest.mark.parametrize(
    "mss,octets", [(100, 100), (700, 700), (1460, 1460), (1461, 1460), (9000, 1460), (65535, 1460)]
)
@pytest.mark.parametrize("role", ["passive", "active"])
@requirement("MUST-14", "MUST-16", "RFC6691-5.3-a")
def test_segments_stay_within_both_limits(lab, mss, octets, role):
    """The effective send MSS is the smaller of the peer's MSS and what the link carries (3.7.1 MUST-16)."""
    at = established(lab, mss=mss, role=role)
    at.sut.send(b"d" * 6000)
    first = at.peer.expect(TCP(flags="A", seq=301, ack=101), within=1.0)
    assert max(len(segment.payload) for segment in (first, *at.peer.drain())) == octets


@pytest.mark.lab(timestamps=True)
@pytest.mark.parametrize("mss", [600, 1460])
@requirement("MUST-16", "U-22", "RFC6691-2-b")
def test_options_take_room_from_the_text(lab, mss):
    """Options that a segment carries reduce its text: with timestamps 12 octets less than the MSS (3.7.1 MUST-16)."""
    lab.needs("timestamps")
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    stamp = ("Timestamp", (1000, 0))
    peer.send(TCP(flags="S", seq=100, options=[("MSS", mss), stamp]))
    peer.expect(TCP(flags="SA", seq=300, ack=101))
    peer.send(TCP(flags="A", seq=101, ack=301, options=[("NOP", None), ("NOP", None), stamp]))
    sut.send(b"d" * 4000)
    first = peer.expect(TCP(flags="A", seq=301), within=1.0)
    assert max(len(segment.payload) for segment in (first, *peer.drain())) == mss - 12


@pytest.mark.parametrize("mss", [0, 1, 7])
@requirement("MUST-7", "MUST-16")
def test_senseless_mss_does_not_stop_the_stream(lab, mss):
    """An MSS of zero or a few octets must not lead to empty segments without end, nor to silence (3.7.1)."""
    at = established(lab, mss=mss)
    at.sut.send(b"0123456789")
    assert acknowledge_until(at, 311) == b"0123456789"
    at.peer.expect_nothing(until=2 * FIRST_RTO)


@requirement("SHLD-7", "MAY-16")
def test_nagle_holds_small_segments_while_data_is_unacknowledged(lab):
    """The first small segment leaves, further ones wait and leave together with its ACK (3.7.4 SHLD-7)."""
    at = established(lab)
    at.sut.send(b"a")
    at.peer.expect(TCP(flags="A", seq=301), data=b"a")
    for octet in (b"b", b"c", b"d", b"e"):
        at.sut.send(octet)
    with lab.soft("SHLD-7: Nagle"):
        at.peer.expect_nothing()
        at.send("A", ack=302)
        at.peer.expect(TCP(flags="A", seq=302), data=b"bcde")
    at.peer.drain()
    at.send("A", ack=306)
    assert at.sut.snd.una == 306


@requirement("SHLD-7", "SHLD-27", "SHLD-28")
def test_nagle_sends_full_segments_at_once(lab):
    """Nagle holds only segments below the MSS: a full one leaves although data is unacknowledged (3.7.4)."""
    at = established(lab)
    at.sut.send(b"a")
    at.peer.expect(TCP(flags="A", seq=301), data=b"a")
    at.sut.send(b"b" * 1500)
    at.peer.expect(TCP(flags="A", seq=302), data=b"b" * 1460)
    at.peer.expect_nothing()
    at.send("A", ack=302 + 1460)
    at.peer.expect(TCP(flags="A", seq=302 + 1460), data=b"b" * 40)


@requirement("MUST-17")
def test_nagle_can_be_switched_off_for_one_connection(lab):
    """Without Nagle each small SEND leaves at once; the connection beside it keeps Nagle (3.7.4 MUST-17)."""
    at = established(lab)
    at.sut.set("nodelay", 1)
    for number, octet in enumerate((b"a", b"b", b"c")):
        at.sut.send(octet)
        at.peer.expect(TCP(flags="A", seq=301 + number), data=octet)
    lab.set_iss(900)
    other = lab.peer(port=4001, to=80)
    other.handshake(seq=500, iss=900, options=[("MSS", 1460)])
    second = at.sut.connection(other)
    second.send(b"x")
    other.expect(TCP(flags="A", seq=901), data=b"x")
    second.send(b"y")
    with lab.soft("SHLD-7: Nagle"):
        other.expect_nothing()
    other.drain()


@requirement("MUST-60")
def test_one_octet_is_not_kept_for_ever(lab):
    """Without PUSH a single octet leaves within bounded time all the same (3.9.1.2 MUST-60)."""
    at = established(lab)
    at.sut.send(b"!")
    at.peer.expect(TCP(flags="A", seq=301), data=b"!", within=1.0)


@requirement("MUST-61", "SHLD-28")
def test_last_segment_of_the_queue_has_push(lab):
    """When a SEND empties the queue its last segment has PSH; the segments are as large as can be (3.9.1.2 MUST-61)."""
    at = established(lab)
    at.sut.send(b"d" * 3000)
    at.peer.expect(TCP(flags="A", seq=301), data=1460, within=1.0)
    if not at.peer.pending():  # a first window of one segment is legal (RFC 5681 3.1)
        at.send("A", ack=1761)
    at.peer.expect(TCP(flags="A", seq=1761), data=1460, within=1.0)
    if not at.peer.pending():  # the last, small one may wait for an ACK (Nagle)
        at.send("A", ack=301 + 2920)
    at.peer.expect(TCP(flags="PA", seq=301 + 2920), data=80, within=ACK_DELAY)


@requirement("SHLD-28", "SHLD-27", "U-21")
def test_bulk_data_leaves_in_full_segments(lab):
    """A large SEND leaves in segments of the effective MSS; the stream arrives unchanged (3.9.1.2 SHLD-28)."""
    at = established(lab)
    stream = bytes(i % 251 for i in range(40_000))
    taken = at.sut.send(stream)
    assert acknowledge_until(at, 301 + taken) == stream[:taken]
    assert taken >= 16_384
