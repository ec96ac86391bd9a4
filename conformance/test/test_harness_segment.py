"""Building, parsing, renumbering and comparing segments; octets are compared with what Scapy builds."""

import pytest
from lastack import _core
from lastack.errors import UsageError
from lastack.rebase import Rebase
from lastack.segment import Expectation, Segment, build, spoil_checksum
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6

OPTIONS = [("MSS", 1460), ("NOP", None), ("WScale", 7), ("SAckOK", b""), ("Timestamp", (1, 2))]


def segment(**fields: object) -> Segment:
    raw = build(
        TCP(**{"flags": "A", "seq": 300, "ack": 101, **fields}),
        ("192.0.2.1", 80),
        ("192.0.2.2", 4000),
        1000,
        None,
        False,
    )
    parsed = _core.parse(raw)
    assert not isinstance(parsed, str)
    return Segment(parsed, raw, 0.0)


@pytest.mark.parametrize("network, src, dst", [(IP, "192.0.2.2", "192.0.2.1"), (IPv6, "2001:db8::2", "2001:db8::1")])
@pytest.mark.parametrize("payload", [b"", b"odd", b"even"])
def test_built_like_scapy(network: type, src: str, dst: str, payload: bytes) -> None:
    layer = TCP(
        sport=4000, dport=80, flags="SAPU", seq=2**32 - 1, ack=7, window=9, urgptr=3, reserved=5, options=OPTIONS
    )
    ours = build(layer, (src, 1), (dst, 2), 1000, payload, False)
    theirs = bytes((network(src=src, dst=dst) / layer / payload)[TCP])
    assert ours[-len(theirs) :] == theirs
    parsed = _core.parse(ours)
    assert not isinstance(parsed, str) and parsed.checksum_ok
    assert (parsed.seq, parsed.ack, parsed.window, parsed.urgent, parsed.reserved, parsed.payload) == (
        2**32 - 1,
        7,
        9,
        3,
        5,
        payload,
    )
    spoiled = _core.parse(spoil_checksum(ours))
    assert not isinstance(spoiled, str) and not spoiled.checksum_ok


@pytest.mark.parametrize(
    "packet", [b"", b"\x45", b"\x45" * 19, bytes(40), IP(proto=1).build(), bytes(IP() / TCP())[:30]]
)
def test_garbage_is_named_not_raised(packet: bytes) -> None:
    assert isinstance(_core.parse(packet), str)
    assert _core.rebase(packet, 1, 2) == packet


@pytest.mark.parametrize("shift", [1, 65535, 65536, 2**31, 2**32 - 1])
def test_renumbering_keeps_checksums(shift: int) -> None:
    sack = [("NOP", None), ("SAck", (500, 600, 2**32 - 5, 10))]
    good = segment(options=sack)
    moved = _core.parse(_core.rebase(good.raw, shift, shift))
    assert not isinstance(moved, str) and moved.checksum_ok
    assert (moved.seq, moved.ack) == ((300 + shift) % 2**32, (101 + shift) % 2**32)
    blocks = Segment(moved, b"", 0.0).option("SAck")
    assert blocks == tuple((number + shift) % 2**32 for number in (500, 600, 2**32 - 5, 10))
    bad = _core.parse(_core.rebase(spoil_checksum(good.raw), shift, shift))
    assert not isinstance(bad, str) and not bad.checksum_ok


def test_renumbering_in_icmp_quotes() -> None:
    rebase = Rebase()
    rebase.want(300)
    syn = build(TCP(flags="SA", seq=5000, ack=101), ("192.0.2.1", 80), ("192.0.2.2", 4000), 1000, None, False)
    assert _core.parse(rebase.outgoing(syn)).seq == 300  # type: ignore[union-attr]
    from scapy.layers.inet import ICMP, IPerror, TCPerror

    quoted = IPerror(src="192.0.2.1", dst="192.0.2.2", proto=6) / TCPerror(sport=80, dport=4000, seq=301)
    error = bytes(IP(src="192.0.2.9", dst="192.0.2.1") / ICMP(type=3, code=1) / quoted)
    moved = IP(rebase.incoming(error))
    assert moved[TCPerror].seq == 5001
    right = moved[ICMP].chksum
    del moved[ICMP].chksum
    assert IP(bytes(moved))[ICMP].chksum == right


@pytest.mark.parametrize(
    "expected, got, fields",
    [
        (TCP(flags="A"), segment(flags="PA"), []),
        (TCP(flags="PA"), segment(flags="A"), ["flags"]),
        (TCP(flags="SA"), segment(flags="A"), ["flags"]),
        (TCP(seq=300, ack=101), segment(), []),
        (TCP(seq=301, ack=101), segment(), ["seq"]),
        (TCP(ack=101), segment(flags="R"), ["flags"]),
        (TCP(window=999), segment(), ["window"]),
        (TCP(options=[("MSS", 1460)]), segment(options=[("NOP", None), ("MSS", 1460)]), []),
        (TCP(options=[("MSS", None)]), segment(options=[("MSS", 536)]), []),
        (TCP(options=[("MSS", 1460)]), segment(options=[("MSS", 536)]), ["options"]),
        (TCP(options=[]), segment(options=[("MSS", 536)]), ["options"]),
        (IP(ttl=64) / TCP(flags="A"), segment(), []),
        (IP(ttl=63) / TCP(flags="A"), segment(), ["IP ttl"]),
    ],
)
def test_only_set_fields_count(expected: object, got: Segment, fields: list[str]) -> None:
    assert [difference.field for difference in Expectation(expected).differences(got)] == fields


def test_payload_and_distance() -> None:
    raw = build(TCP(flags="A", seq=0), ("192.0.2.1", 80), ("192.0.2.2", 4000), 1, b"hello", False)
    parsed = _core.parse(raw)
    assert not isinstance(parsed, str)
    got = Segment(parsed, raw, 0.0)
    assert Expectation(TCP(), b"hello").differences(got) == Expectation(TCP(), 5).differences(got) == []
    assert Expectation(TCP() / b"hello").differences(got) == []
    assert "first difference at octet 1" in Expectation(TCP(), b"hallo").differences(got)[0].hint
    (difference,) = Expectation(TCP(seq=2**32 - 1)).differences(got)
    assert difference.hint == "off by +1"


def test_wrong_use_is_explained() -> None:
    with pytest.raises(UsageError, match="a Scapy TCP layer"):
        Expectation("SA")
    with pytest.raises(UsageError, match="cannot be encoded"):
        build(TCP(options=[("MSS", 70000)]), ("192.0.2.1", 80), ("192.0.2.2", 1), 1, None, False)
    with pytest.raises(UsageError, match="twice"):
        build(TCP() / b"a", ("192.0.2.1", 80), ("192.0.2.2", 1), 1, b"b", False)
