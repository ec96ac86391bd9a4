"""Segments between Scapy layers, scenarios and the native module: building what a peer sends, and matching what a
stack sent.

Scapy layers are used as field lists: only fields that were set count. Building and parsing happen in C++; Scapy itself
builds only whole packets. Nothing here knows time, connections or the stack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lastack import _core
from lastack.errors import Difference, UsageError

FLAG_LETTERS = "FSRPAUECN"
_FLAG_BITS = {letter: 1 << bit for bit, letter in enumerate(FLAG_LETTERS)}
_NAMED_FLAGS = (
    ("S", "SYN"),
    ("F", "FIN"),
    ("R", "RST"),
    ("P", "PSH"),
    ("A", "ACK"),
    ("U", "URG"),
    ("E", "ECE"),
    ("C", "CWR"),
    ("N", "AE"),
)
PSH = _FLAG_BITS["P"]
ACK = _FLAG_BITS["A"]

# What Scapy puts into a TCP header when the scenario does not say.
_DEFAULT_FLAGS = _FLAG_BITS["S"]

Option = tuple[Any, Any]


def letters(flags: int) -> str:
    """Flags in Scapy's letters and order: ``SA``, ``FA``, ``PA``; ``""`` for none."""
    return "".join(letter for letter, bit in _FLAG_BITS.items() if flags & bit)


def flag_names(flags: int) -> str:
    """Flags in words: ``SYN,ACK``; ``none`` without any."""
    return ",".join(name for letter, name in _NAMED_FLAGS if flags & _FLAG_BITS[letter]) or "none"


def _option_field() -> Any:
    from scapy.layers.inet import TCP

    return next(field for field in TCP.fields_desc if field.name == "options")


def encode_options(options: list[Option]) -> bytes:
    """Scapy's option tuples as octets; raises ``UsageError`` for what Scapy cannot encode."""
    if not options:
        return b""
    try:
        return bytes(_option_field().i2m(None, options))
    except Exception as error:  # Scapy raises whatever its packers raise
        raise UsageError(f"these TCP options cannot be encoded ({error}): {options!r}") from error


def decode_options(octets: bytes) -> list[Option]:
    """Option octets as Scapy's tuples, e.g. ``[("MSS", 1460), ("NOP", None)]``."""
    return list(_option_field().m2i(None, octets)) if octets else []


class Segment:
    """A segment that the stack under test sent, in the numbers of the scenario.

    ``time`` is in seconds; ``flags`` are Scapy's letters; ``data`` is the payload; ``raw`` the whole IP packet.
    """

    __slots__ = ("_core", "_options", "raw", "time")

    def __init__(self, core: _core.Segment, raw: bytes, time: float) -> None:
        self._core = core
        self._options: list[Option] | None = None
        self.raw = raw
        self.time = time

    @property
    def seq(self) -> int:
        """SEG.SEQ."""
        return self._core.seq

    @property
    def ack(self) -> int:
        """SEG.ACK; only meaningful with the ACK flag."""
        return self._core.ack

    @property
    def flags(self) -> str:
        """The control bits as Scapy letters, ``"SA"``."""
        return letters(self._core.flags)

    @property
    def bits(self) -> int:
        """The control bits as a number."""
        return self._core.flags

    @property
    def window(self) -> int:
        """The window field, octets, not scaled."""
        return self._core.window

    @property
    def urgent(self) -> int:
        """The urgent pointer field."""
        return self._core.urgent

    @property
    def data(self) -> bytes:
        """The payload."""
        return self._core.payload

    payload = data

    @property
    def len(self) -> int:
        """SEG.LEN: payload octets, plus one each for SYN and FIN."""
        return len(self._core.payload) + bool(self._core.flags & 1) + bool(self._core.flags & 2)

    @property
    def end(self) -> int:
        """The first sequence number after the segment."""
        return (self.seq + self.len) % 2**32

    @property
    def options(self) -> list[Option]:
        """The options as Scapy's tuples, in their order, NOP and EOL included."""
        if self._options is None:
            self._options = decode_options(self._core.option_octets)
        return self._options

    def option(self, name: object) -> Any:
        """The value of an option (``"MSS"``, ``"Timestamp"`` ...), or None when the segment has none."""
        return next((value for kind, value in self.options if kind == name), None)

    @property
    def option_octets(self) -> bytes:
        """The option area as it came, padding included."""
        return self._core.option_octets

    @property
    def src_port(self) -> int:
        """The stack's port."""
        return self._core.src_port

    @property
    def dst_port(self) -> int:
        """The peer's port."""
        return self._core.dst_port

    @property
    def core(self) -> _core.Segment:
        """All fields, IP header included."""
        return self._core

    @property
    def text(self) -> str:
        """One line: ``SYN,ACK seq=300 ack=101 win=65535 <mss 1460>``."""
        return self._core.text

    def __repr__(self) -> str:
        return f"<{self.text} at {self.time:.3f} s>"


@dataclass(frozen=True)
class Outgoing:
    """What a peer sends: the packet octets and how a ladder shows them."""

    packet: bytes
    text: str


def is_layer(value: object, name: str) -> bool:
    """Whether the value is a Scapy layer of this name (without importing Scapy)."""
    return getattr(value, "name", None) == name and hasattr(value, "fields")


def tcp_payload(layer: Any, data: bytes | None) -> bytes:
    """The payload below a Scapy TCP layer, or the ``data`` keyword; both together are a usage error."""
    below = bytes(layer.payload)
    if data is not None and below:
        raise UsageError("the payload is given twice: below the TCP layer and as data=")
    return below if data is None else data


def build(
    layer: Any, src: tuple[str, int], dst: tuple[str, int], window: int, data: bytes | None, wrong_checksum: bool
) -> bytes:
    """The IP packet for a Scapy ``TCP`` layer: its set fields, and addresses, ports and window of the peer for the
    others.
    """
    fields = layer.fields
    if unsupported := [
        name
        for name in fields
        if not isinstance(fields[name], int) and name not in ("options", "flags") and fields[name] is not None
    ]:
        raise UsageError(f"send() needs plain numbers, not {fields[unsupported[0]]!r} for {unsupported[0]}")
    packet = _core.build(
        src=src[0],
        dst=dst[0],
        src_port=fields.get("sport", src[1]),
        dst_port=fields.get("dport", dst[1]),
        seq=fields.get("seq", 0) % 2**32,
        ack=fields.get("ack", 0) % 2**32,
        flags=int(fields.get("flags", _DEFAULT_FLAGS)),
        window=fields.get("window", window),
        urgent=fields.get("urgptr", 0),
        options=encode_options(fields.get("options", [])),
        payload=tcp_payload(layer, data),
        reserved=fields.get("reserved", 0),
        data_offset=fields.get("dataofs"),
        checksum=fields.get("chksum"),
    )
    return spoil_checksum(packet) if wrong_checksum else packet


def spoil_checksum(packet: bytes) -> bytes:
    """The packet with a wrong TCP checksum."""
    at = (packet[0] & 15) * 4 + 16 if packet[0] >> 4 == 4 else 56
    return packet[:at] + bytes([packet[at] ^ 0x55]) + packet[at + 1 :]


_FIELD_LABELS = {
    "sport": "source port",
    "dport": "dest port",
    "urgptr": "urgent",
    "chksum": "checksum",
    "dataofs": "data offset",
}
_IP_FIELDS = {
    "src": "src",
    "dst": "dst",
    "ttl": "ttl",
    "hlim": "ttl",
    "tos": "traffic_class",
    "tc": "traffic_class",
    "id": "ip_id",
}


class Expectation:
    """What a scenario expects of one segment: the set fields of a Scapy layer, and perhaps its payload."""

    def __init__(self, layer: Any = None, data: bytes | int | None = None) -> None:
        self._ip: dict[str, object] = {}
        tcp = layer
        if is_layer(layer, "IP") or is_layer(layer, "IPv6"):
            self._ip = {name: value for name, value in layer.fields.items() if name != "options" or value}
            tcp = layer.payload
        if tcp is not None and not is_layer(tcp, "TCP"):
            raise UsageError(f"an expectation is a Scapy TCP layer, not {layer!r}")
        self.fields: dict[str, Any] = dict(tcp.fields) if tcp is not None else {}
        self.data = data
        if tcp is not None and bytes(tcp.payload):
            self.data = tcp_payload(tcp, data if isinstance(data, bytes) else None)
        if "flags" in self.fields:
            self.fields["flags"] = int(self.fields["flags"])

    @property
    def text(self) -> str:
        """The expectation in the form of a segment's text."""
        parts = [flag_names(self.fields["flags"])] if "flags" in self.fields else ["any flags"]
        parts += [f"{name}={self.fields[name]}" for name in ("seq", "ack", "window", "urgptr") if name in self.fields]
        if self.data is not None:
            parts.append(f"len={self.data if isinstance(self.data, int) else len(self.data)}")
        if "options" in self.fields:
            parts.append(f"options={self.fields['options']!r}")
        return " ".join(parts).replace("window=", "win=").replace("urgptr=", "urg=")

    def differences(self, segment: Segment) -> list[Difference]:
        """The fields in which the segment is not as expected: flags first, then numbers, then the rest."""
        found = self._flag_differences(segment)
        for name, attribute in (("seq", "seq"), ("ack", "ack"), ("window", "window"), ("urgptr", "urgent")):
            if name in self.fields and self.fields[name] is not None:
                found += _number(
                    name, int(self.fields[name]), getattr(segment, attribute), modulo=name in ("seq", "ack")
                )
        found += self._data_differences(segment)
        if "options" in self.fields:
            found += _option_differences(self.fields["options"], segment)
        core = segment.core
        others = {
            "sport": core.src_port,
            "dport": core.dst_port,
            "reserved": core.reserved,
            "dataofs": core.header_size // 4,
            "chksum": core.checksum,
        }
        for name, got in others.items():
            if self.fields.get(name) is not None:
                found += _number(name, int(self.fields[name]), got)
        for name, wanted in self._ip.items():
            found += _ip_difference(name, wanted, segment)
        return found

    def matching(self, segment: Segment) -> str:
        """The expected fields that are right, in words, for the failure screen."""
        wrong = {difference.field for difference in self.differences(segment)}
        right = []
        if "flags" in self.fields and "flags" not in wrong:
            right.append(f"flags={flag_names(segment.bits)}")
        right += [
            f"{name}={self.fields[name]}"
            for name in ("seq", "ack", "window")
            if name in self.fields and name not in wrong
        ]
        return " ".join(right)

    def _flag_differences(self, segment: Segment) -> list[Difference]:
        if "flags" not in self.fields:
            # Without the flag the ACK field means nothing; who names a number means the flag too.
            if "ack" in self.fields and not segment.bits & ACK:
                return [Difference("flags", "ACK set", flag_names(segment.bits))]
            return []
        wanted, got = self.fields["flags"], segment.bits
        ignored = 0 if wanted & PSH else PSH
        if (wanted ^ got) & ~ignored == 0:
            return []
        return [Difference("flags", flag_names(wanted), flag_names(got))]

    def _data_differences(self, segment: Segment) -> list[Difference]:
        got = segment.data
        if self.data is None:
            return []
        if isinstance(self.data, int):
            return _number("length", self.data, len(got))
        if self.data == got:
            return []
        at = next(
            (i for i, (a, b) in enumerate(zip(self.data, got, strict=False)) if a != b), min(len(self.data), len(got))
        )
        return [Difference("data", _octets(self.data), _octets(got), f"first difference at octet {at}")]


def _octets(data: bytes) -> str:
    shown = repr(data[:16]) + ("..." if len(data) > 16 else "")
    return f"{len(data)} octets {shown}" if data else "none"


def _number(name: str, wanted: int, got: int, modulo: bool = False) -> list[Difference]:
    off = wanted - got if not modulo else (wanted - got + 2**31) % 2**32 - 2**31
    if off == 0:
        return []
    return [
        Difference(
            _FIELD_LABELS.get(name, name), str(wanted), str(got), f"off by {-off:+d}" if abs(off) < 100000 else ""
        )
    ]


def _option_differences(wanted: list[Option], segment: Segment) -> list[Difference]:
    def proper(options: list[Option]) -> list[Option]:
        return [option for option in options if option[0] not in ("NOP", "EOL")]

    got, missing = proper(segment.options), []
    for kind, value in proper(wanted):
        for i, (kind_got, value_got) in enumerate(got):
            if kind == kind_got and (value is None or value == value_got):
                del got[i]
                break
        else:
            missing.append((kind, value))
    if not missing and not got:
        return []
    return [Difference("options", repr(proper(wanted)), repr(proper(segment.options)))]


def _ip_difference(name: str, wanted: object, segment: Segment) -> list[Difference]:
    if name == "flags":
        got: object = 2 if segment.core.dont_fragment else 0
        wanted = int(wanted)  # type: ignore[call-overload]
    elif name in _IP_FIELDS:
        got = getattr(segment.core, _IP_FIELDS[name])
    else:
        raise UsageError(f"the IP field {name!r} cannot be compared; use {', '.join(_IP_FIELDS)} or flags")
    return [] if wanted == got else [Difference(f"IP {name}", str(wanted), str(got))]
