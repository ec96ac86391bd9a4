"""The header: checksum, reserved bits, options. RFC 9293 3.1 and 3.2."""

import pytest
from helpers import ACK_DELAY, case, established, gone
from lastack import requirement
from lastack.scapy import TCP

MSS_700 = ("MSS", 700)


def listen_with(lab, options, **fields):
    """The answer to a SYN with these options: the SYN,ACK, checked."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=100, options=options, **fields))
    peer.expect(TCP(flags="SA", seq=300, ack=101))
    peer.send(TCP(flags="A", seq=101, ack=301))
    assert sut.state == "ESTABLISHED"
    return sut, peer


def sends_at_most(sut, peer, octets):
    """Bulk data leaves in segments of this size."""
    sut.send(b"d" * 3 * octets)
    first = peer.expect(TCP(flags="A", seq=301, ack=101), within=1.0)
    sizes = [len(segment.payload) for segment in (first, *peer.drain())]
    assert max(sizes) == octets, f"segments of {sizes} octets"


@pytest.mark.parametrize("octets", [1, 2, 3, 1400])
@pytest.mark.parametrize(
    "family",
    [case("IPv4", req="MUST-2", name="IPv4"), case("IPv6", req=["MUST-2", "RFC8200-8.1-a"], name="IPv6", ipv6=True)],
)
@requirement("MUST-68", "U-11")
def test_every_segment_has_a_right_checksum_and_no_reserved_bits(lab, family, octets):
    """SYN,ACK, data of odd and even length, ACK, FIN: the checksum covers the pseudo-header; reserved bits are 0 (3.1
    MUST-2)."""
    at = established(lab)
    at.sut.send(b"d" * octets)
    seen = [at.peer.expect(TCP(flags="A", seq=301, ack=101), data=octets)]
    at.send("A", ack=301 + octets, data=b"x")
    seen.append(at.peer.expect(TCP(flags="A", seq=301 + octets, ack=102), within=ACK_DELAY))
    at.sut.shutdown()
    seen.append(at.peer.expect(TCP(flags="FA", seq=301 + octets)))
    for segment in seen:
        assert segment.core.checksum_ok and segment.core.reserved == 0
        assert segment.core.version == (6 if family == "IPv6" else 4)


@requirement("MUST-2")
def test_reset_has_a_right_checksum(lab):
    """A RST without a connection is a segment like all others (3.1 MUST-2)."""
    peer = lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=100))
    reset = peer.expect(TCP(flags="RA", seq=0, ack=101))
    assert reset.core.checksum_ok and reset.core.reserved == 0


@requirement("MUST-3")
def test_segment_with_a_wrong_checksum_is_ignored_by_a_listener(lab):
    """A SYN with a wrong checksum draws nothing at all; the right one opens (3.1 MUST-3)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=100), badsum=True)
    peer.expect_nothing()
    assert sut.state == "LISTEN"
    peer.send(TCP(flags="S", seq=100))
    peer.expect(TCP(flags="SA", seq=300, ack=101))


@pytest.mark.parametrize("flags", ["A", "FA", "R", "S"])
@requirement("MUST-3")
def test_segment_with_a_wrong_checksum_changes_nothing(lab, flags):
    """In ESTABLISHED a segment with a wrong checksum is discarded: no delivery, no close, no reset, no answer (3.1
    MUST-3)."""
    at = established(lab)
    data = b"spoilt" if flags == "A" else b""
    at.peer.send(TCP(flags=flags, seq=101, ack=301), data=data, badsum=True)
    at.peer.expect_nothing(until=ACK_DELAY)
    at.unchanged()
    at.send("A", data=b"intact")
    at.expect_ack(107, within=ACK_DELAY)
    assert at.sut.read_exactly(6) == b"intact"


@pytest.mark.parametrize("bits", [1, 2, 4, 7])
@requirement("U-11")
def test_reserved_bits_are_ignored_on_receipt(lab, bits):
    """Reserved bits of arriving segments do not matter (3.1)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=100, reserved=bits))
    answer = peer.expect(TCP(flags="SA", seq=300, ack=101))
    assert answer.core.reserved == 0
    peer.send(TCP(flags="A", seq=101, ack=301, reserved=bits), data=b"data")
    peer.expect(TCP(flags="A", seq=301, ack=105), within=ACK_DELAY)
    assert sut.read_exactly(4) == b"data"


@pytest.mark.parametrize(
    "options",
    [
        case([MSS_700], req=["MUST-4", "MUST-14"], name="mss"),
        case([("NOP", None), ("NOP", None), MSS_700, ("EOL", None)], req=["MUST-4"], name="nop-nop-mss-eol"),
        case([("NOP", None), MSS_700], req=["MUST-64"], name="offset-1"),
        case([("NOP", None), ("NOP", None), ("NOP", None), MSS_700], req=["MUST-64"], name="offset-3"),
        case([(253, b"\x12\x34"), MSS_700], req=["MUST-6", "RFC6994-3.2-a"], name="unknown-253"),
        case([(99, b""), MSS_700], req=["MUST-6"], name="unknown-without-value"),
        case([(28, b"\x00\x64"), MSS_700], req=["MUST-6", "RFC5482-3-a"], name="user-timeout"),
        case([MSS_700, ("EOL", None), (2, b"\x00\x01")], req=["MUST-69", "MUST-4"], name="octets-behind-eol"),
    ],
)
def test_options_of_a_syn_are_understood_at_every_offset(lab, options):
    """MSS is found behind NOPs, at odd offsets and behind unknown options, which are skipped by their length (3.1,
    3.2)."""
    sut, peer = listen_with(lab, options)
    sends_at_most(sut, peer, 700)


@pytest.mark.parametrize("flags", ["A", "FA", "R"])
@pytest.mark.parametrize("options", [[("NOP", None)] * 4, [(253, b"\x12\x34")]], ids=["nops", "unknown"])
@requirement("MUST-5", "MUST-6")
def test_options_are_taken_on_every_segment(lab, flags, options):
    """Options on data, FIN and RST are skipped; the segment means what it means without them (3.1 MUST-5)."""
    at = established(lab)
    at.send(flags, options=options, data=b"data" if flags == "A" else b"")
    if flags == "R":
        at.peer.expect_nothing()
        gone(at.sut, at.peer)
    else:
        at.expect_ack(105 if flags == "A" else 102, within=ACK_DELAY)


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"\x02\x00\x05\xb4", id="length-0"),
        pytest.param(b"\x08\x01\x01\x01", id="length-1"),
        pytest.param(b"\x02\x03\x05\x01", id="mss-of-3"),
        pytest.param(b"\x02\x28\x05\xb4", id="longer-than-the-header"),
        pytest.param(b"\x02", id="length-missing"),
        pytest.param(b"\xfd\x00\x00\x00", id="unknown-length-0"),
        pytest.param(b"\xff" * 40, id="all-ones"),
    ],
)
@pytest.mark.parametrize("where", ["syn", "data"])
@requirement("MUST-7")
def test_malformed_options_do_no_harm(lab, octets, where):
    """A wrong option length may be answered by a RST or ignored; the stack lives on and takes the next SYN (3.1
    MUST-7)."""
    octets += b"\0" * (-len(octets) % 4)
    lab.listen(port=80, iss=[300, 400])
    hostile = lab.peer(port=4000, to=80)
    if where == "data":
        hostile.handshake(seq=100)
    flags, seq, data = ("S", 100, b"") if where == "syn" else ("A", 101, b"data")
    # The octets go in front of the data; the data offset makes them options, as they are.
    hostile.send(TCP(flags=flags, seq=seq, ack=301, dataofs=5 + len(octets) // 4), data=octets + data)
    for answer in hostile.drain():
        assert answer.flags in ("SA", "A", "R", "RA")
    peer = lab.peer(port=4001, to=80)
    peer.send(TCP(flags="S", seq=500))
    answer = peer.expect(TCP(flags="SA", ack=501))
    peer.send(TCP(flags="R", seq=501))
    peer.expect_nothing()
    hostile.ignore(TCP())  # a SYN,ACK or its repetition is not the point here
    assert answer.core.checksum_ok


@requirement("MUST-65", "MUST-68")
def test_mss_is_only_on_syn_segments(lab):
    """The MSS option is on the SYN,ACK and on no later segment (3.2 MUST-65)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=100, options=[("MSS", 1460)]))
    assert peer.expect(TCP(flags="SA", seq=300, ack=101)).option("MSS") is not None
    peer.send(TCP(flags="A", seq=101, ack=301), data=b"data")
    later = [peer.expect(TCP(flags="A", ack=105), within=ACK_DELAY)]
    sut.send(b"data")
    later.append(peer.expect(TCP(flags="A", seq=301), data=b"data"))
    sut.shutdown()
    later.append(peer.expect(TCP(flags="FA", seq=305)))
    assert all(segment.option("MSS") is None for segment in later)


@requirement("MUST-65")
def test_mss_on_a_later_segment_is_ignored(lab):
    """An MSS option without SYN does not change the segment size (3.2 MUST-65)."""
    sut, peer = listen_with(lab, [MSS_700])
    peer.send(TCP(flags="A", seq=101, ack=301, options=[("MSS", 100)]))
    sends_at_most(sut, peer, 700)


@requirement("MUST-69")
def test_padding_behind_the_options_is_zero(lab):
    """What follows an End of Option List in our SYN and SYN,ACK is zero (3.1 MUST-69)."""
    peer = lab.peer(port=4000, to=80)
    lab.connect(peer, iss=300)
    octets = peer.expect(TCP(flags="S", seq=300)).option_octets
    at = 0
    while at < len(octets) and octets[at] != 0:
        at += 1 if octets[at] == 1 else octets[at + 1]
    assert len(octets) % 4 == 0 and not any(octets[at:])


@pytest.mark.parametrize("dataofs", [0, 4, 15])
@requirement("MUST-7")
def test_data_offset_outside_the_segment_is_dropped(lab, dataofs):
    """A data offset below 5, or beyond the end of the segment, makes the segment senseless: silence (3.1)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=100, dataofs=dataofs))
    peer.expect_nothing()
    assert sut.state == "LISTEN"
