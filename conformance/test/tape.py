"""Captures written down segment by segment: end a (the client) and end b, numbers counted from each end's ISN, times by pauses.

    tape = Tape()
    tape.open()
    tape.a("PA", 1, 1, b"GET /")
    tape.b("A", 1, 6)
    tape.write(path)

For tests of the judge on exchanges that no stack at hand produces. Options are octets; the helpers below make them.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from linux_net import ADDRESSES, write_pcap

FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32, "E": 64, "C": 128, "N": 256}
RAW_IP, SLL = 101, 113

NOP, SACK_OK = b"\x01", b"\x04\x02"


def mss(size: int) -> bytes:
    """The MSS option."""
    return struct.pack("!BBH", 2, 4, size)


def scale(shift: int) -> bytes:
    """The window scale option."""
    return struct.pack("!BBB", 3, 3, shift)


def stamps(value: int, echo: int) -> bytes:
    """Timestamps, aligned."""
    return NOP + NOP + struct.pack("!BBII", 8, 10, value & 0xFFFFFFFF, echo & 0xFFFFFFFF)


def option(kind: int, body: bytes = b"") -> bytes:
    """Any other option."""
    return bytes([kind, 2 + len(body)]) + body


def _sum(data: bytes) -> int:
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@dataclass
class Tape:
    """One capture; ``isn`` of an end may change when a later connection uses the ports again."""

    ipv6: bool = False
    isn: dict[str, int] = field(default_factory=lambda: {"a": 1000, "b": 500_000})
    ports: dict[str, int] = field(default_factory=lambda: {"a": 40_000, "b": 80})
    records: list[tuple[int, bytes]] = field(default_factory=list)
    now: int = 10**18
    gap: float = 0.01  # seconds between segments unless a pause is given
    hops: dict[str, int] = field(default_factory=lambda: {"a": 64, "b": 64})
    checksum: Callable[[str, int], int] | None = None  # what a side puts there instead of the right one
    ids: dict[str, int] = field(default_factory=lambda: {"a": 100, "b": 30_000})

    def a(self, *words: object, **more: object) -> Tape:
        """A segment of the client; see ``put``."""
        return self.put("a", *words, **more)  # type: ignore[arg-type]

    def b(self, *words: object, **more: object) -> Tape:
        """A segment of the server; see ``put``."""
        return self.put("b", *words, **more)  # type: ignore[arg-type]

    def open(self, a: bytes = b"", b: bytes | None = None, win: int = 65_535) -> Tape:
        """Three-way handshake with these options; b offers this window."""
        self.a("S", 0, opts=a)
        self.b("SA", 0, 1, opts=a if b is None else b, win=win)
        return self.a("A", 1, 1)

    def lost(self, side: str) -> Tape:
        """A segment that the tap never saw; it took an IP identification."""
        self.ids[side] = (self.ids[side] + 1) & 0xFFFF
        return self

    def pause(self, seconds: float) -> Tape:
        """Nothing is sent for so long."""
        self.now += int(seconds * 1e9)
        return self

    def put(
        self,
        side: str,
        flags: str,
        seq: int,
        ack: int = 0,
        data: bytes = b"",
        *,
        win: int = 65_535,
        opts: bytes = b"",
        sacks: tuple[tuple[int, int], ...] = (),
        exact: tuple[int, int] | None = None,
        urg: int = 0,
        tos: int = 0,
        hops: int = 0,
        padding: int = 0,
    ) -> Tape:
        """One segment: SEQ counted from its sender's ISN, ACK and SACK blocks from the other's; ``exact`` gives SEQ and ACK as they are."""
        other = "b" if side == "a" else "a"
        if sacks:
            edges = [struct.pack("!I", (self.isn[other] + n) & 0xFFFFFFFF) for block in sacks for n in block]
            opts += NOP + NOP + option(5, b"".join(edges))
        opts += b"\0" * (-len(opts) % 4)
        number, acked = exact or (self.isn[side] + seq, self.isn[other] + ack if "A" in flags else 0)
        bits = sum(FLAGS[f] for f in flags) | (5 + len(opts) // 4) << 12
        tcp = (
            struct.pack(
                "!HHIIHHHH",
                self.ports[side],
                self.ports[other],
                number & 0xFFFFFFFF,
                acked & 0xFFFFFFFF,
                bits,
                win,
                0,
                urg,
            )
            + opts
            + data
        )
        packet = self._packet(side, tcp, tos, hops or self.hops[side])
        self.now += int(self.gap * 1e9)
        self.records.append((self.now, packet + b"\0" * padding))
        return self

    def _packet(self, side: str, tcp: bytes, tos: int, hops: int) -> bytes:
        family = socket.AF_INET6 if self.ipv6 else socket.AF_INET
        ends = ["client", "server"] if side == "a" else ["server", "client"]
        source, target = (socket.inet_pton(family, ADDRESSES[end][self.ipv6]) for end in ends)
        pseudo = source + target + struct.pack("!II", len(tcp), 6)
        right = ~_sum(pseudo + tcp) & 0xFFFF
        put = right if self.checksum is None else self.checksum(side, right)
        tcp = tcp[:16] + struct.pack("!H", put) + tcp[18:]
        if self.ipv6:
            return struct.pack("!IHBB", 0x60000000 | tos << 20, len(tcp), 6, hops) + source + target + tcp
        self.ids[side] = (self.ids[side] + 1) & 0xFFFF
        head = struct.pack("!BBHHHBBH", 0x45, tos, 20 + len(tcp), self.ids[side], 0x4000, hops, 6, 0) + source + target
        return head[:10] + struct.pack("!H", ~_sum(head) & 0xFFFF) + head[12:] + tcp

    def close(self, a: int = 1, b: int = 1) -> Tape:
        """Both ends finish, a first, from these SND.NXT on; nothing is sent after it."""
        self.a("FA", a, b)
        self.b("A", b, a + 1)
        self.b("FA", b, a + 1)
        return self.a("A", a + 1, b + 1)

    def write(self, path: Path, link_type: int = RAW_IP) -> Path:
        """As a pcap file."""
        write_pcap(path, self.records, link_type)
        return path
