"""Seeded faults: copies of clean captures in which one field of one packet is wrong, as a faulty stack would have sent it.

    faults.py CAPTURE [--seeds N] [--kind NAME ...] [--write DIRECTORY]

Each kind knows which packets it applies to, what it changes (the TCP checksum is made right again), and which rules may convict it.
Prints one line per kind: made, convicted, convicted at the exact packet, with a right rule, and wrongly convicted others.
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import struct
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << i for i in range(8))


@dataclass
class Packet:
    """A TCP packet of a capture; ``frame`` is Ethernet, ``ip`` and ``tcp`` are offsets into it."""

    number: int
    time: int
    frame: bytearray
    ip: int
    tcp: int
    flow: tuple[bytes, bytes] = field(default=(b"", b""))

    def _get(self, fmt: str, at: int) -> int:
        return int(struct.unpack_from(fmt, self.frame, self.tcp + at)[0])

    def put(self, fmt: str, at: int, value: int) -> None:
        """Writes a field of the TCP header."""
        struct.pack_into(fmt, self.frame, self.tcp + at, value)

    @property
    def seq(self) -> int:
        return self._get("!I", 4)

    @property
    def ack(self) -> int:
        return self._get("!I", 8)

    @property
    def flags(self) -> int:
        return self.frame[self.tcp + 13]

    @property
    def header(self) -> int:
        return (self.frame[self.tcp + 12] >> 4) * 4

    @property
    def window(self) -> int:
        return self._get("!H", 14)

    @property
    def end(self) -> int:
        """End of the IP packet in the frame."""
        if self.frame[self.ip] >> 4 == 4:
            return self.ip + int(struct.unpack_from("!H", self.frame, self.ip + 2)[0])
        return self.ip + 40 + int(struct.unpack_from("!H", self.frame, self.ip + 4)[0])

    @property
    def size(self) -> int:
        """Octets of payload."""
        return self.end - self.tcp - self.header

    @property
    def length(self) -> int:
        """SEG.LEN."""
        return self.size + bool(self.flags & SYN) + bool(self.flags & FIN)

    def options(self) -> list[tuple[int, int, int]]:
        """(kind, offset in the frame, length) of each option."""
        found = []
        at, stop = self.tcp + 20, self.tcp + self.header
        while at < stop and self.frame[at] != 0:
            size = 1 if self.frame[at] == 1 else self.frame[at + 1]
            found.append((self.frame[at], at, size))
            at += max(size, 1)
        return found

    def option(self, kind: int) -> tuple[int, int] | None:
        """(offset, length) of the first option of a kind."""
        return next(((at, size) for k, at, size in self.options() if k == kind), None)

    def fix(self) -> None:
        """Makes the TCP checksum right."""
        self.put("!H", 16, 0)
        segment = bytes(self.frame[self.tcp : self.end])
        if self.frame[self.ip] >> 4 == 4:
            pseudo = bytes(self.frame[self.ip + 12 : self.ip + 20]) + struct.pack("!HH", 6, len(segment))
        else:
            pseudo = bytes(self.frame[self.ip + 8 : self.ip + 40]) + struct.pack("!II", len(segment), 6)
        data = pseudo + segment + b"\0" * (len(segment) % 2)
        total = sum(struct.unpack(f"!{len(data) // 2}H", data))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        self.put("!H", 16, ~total & 0xFFFF)


def read_pcap(path: Path) -> tuple[bytes, list[tuple[bytes, bytearray]]]:
    """The file header and (record header, frame) of each packet of a little-endian pcap, as it is or as ``.xz``."""
    data = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
    records: list[tuple[bytes, bytearray]] = []
    at = 24
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        records.append((data[at : at + 16], bytearray(data[at + 16 : at + 16 + size])))
        at += 16 + size
    return data[:24], records


def tcp_packet(number: int, when: int, frame: bytearray) -> Packet | None:
    """The packet, if it is TCP over plain Ethernet."""
    kind = struct.unpack_from("!H", frame, 12)[0]
    if kind == 0x0800 and frame[23] == 6:
        tcp = 14 + (frame[14] & 15) * 4
        a, b = bytes(frame[26:30]), bytes(frame[30:34])
    elif kind == 0x86DD and frame[20] == 6:
        tcp = 54
        a, b = bytes(frame[22:38]), bytes(frame[38:54])
    else:
        return None
    return Packet(number, when, frame, 14, tcp, (a + bytes(frame[tcp : tcp + 2]), b + bytes(frame[tcp + 2 : tcp + 4])))


Place = tuple[list[Packet], int]  # a connection and an index into it


class Trace:
    """A capture with its connections: per tuple the packets in order, and what faults need to know about their place."""

    def __init__(self, path: Path) -> None:
        self.head, self.records = read_pcap(path)
        self.packets: list[Packet] = []
        self._places: dict[str | Callable[[Place], bool], list[Place]] = {}
        for number, (record, frame) in enumerate(self.records, 1):
            seconds, fraction = struct.unpack_from("<II", record)
            if packet := tcp_packet(number, seconds * 10**9 + fraction, frame):
                self.packets.append(packet)
        self.flows: dict[frozenset[bytes], list[Packet]] = {}
        for packet in self.packets:
            self.flows.setdefault(frozenset(packet.flow), []).append(packet)
        # A tuple that is used again has one entry here per use.
        self.connections: list[list[Packet]] = []
        for flow in self.flows.values():
            start = 0
            for packet in flow:
                if packet is flow[0] or packet.flags & (SYN | ACK) == SYN and packet.seq != start:
                    self.connections.append([])
                    start = packet.seq
                self.connections[-1].append(packet)

    def places(self, one: Kind) -> list[Place]:
        """Where a kind applies; of long connections only the beginning and the end are looked at."""
        if one.where not in self._places:  # many kinds are of the same place
            self._places[one.where] = [
                (c, i)
                for c in self.connections
                for i in range(len(c))
                if (i < 150 or i >= len(c) - 30) and one.where((c, i))
            ]
        if one.name not in self._places:
            self._places[one.name] = [place for place in self._places[one.where] if one.fits(place)]
        return self._places[one.name]

    def write(self, path: Path, changed: list[Packet]) -> None:
        """A copy in which some packets are replaced."""
        frames = {packet.number: packet.frame for packet in changed}
        with open(path, "wb") as out:
            out.write(self.head)
            for number, (record, frame) in enumerate(self.records, 1):
                out.write(record + (frames.get(number) or frame))


@dataclass
class Fault:
    """One seeded fault: the changed packet, the packet that must be named, and the rules that may name it."""

    changed: Packet
    number: int
    rules: tuple[str, ...]


@dataclass
class Kind:
    """A kind of fault. ``make`` changes its copy of the packet; it may return another packet's number to be named instead."""

    name: str
    rules: tuple[str, ...]
    where: Callable[[Place], bool]
    make: Callable[[Packet, Place, random.Random], int | None]
    fix: bool = True
    fits: Callable[[Place], bool] = lambda place: True


KINDS: list[Kind] = []


def kind(
    name: str, *rules: str, where: Callable[[Place], bool], fix: bool = True
) -> Callable[[Callable[[Packet, Place, random.Random], int | None]], None]:
    """Registers the decorated function as a kind of fault."""

    def add(make: Callable[[Packet, Place, random.Random], int | None]) -> None:
        KINDS.append(Kind(name, rules, where, make, fix))

    return add


# ------------------------------------------------------------------------------------------------------------- places


def _here(place: Place) -> Packet:
    return place[0][place[1]]


def _mine_before(place: Place) -> list[Packet]:
    connection, at = place
    return [p for p in connection[:at] if p.flow == connection[at].flow]


def _mine_after(place: Place) -> list[Packet]:
    connection, at = place
    return [p for p in connection[at + 1 :] if p.flow == connection[at].flow]


def _theirs_before(place: Place) -> list[Packet]:
    connection, at = place
    return [p for p in connection[:at] if p.flow != connection[at].flow]


def _theirs_after(place: Place) -> list[Packet]:
    connection, at = place
    return [p for p in connection[at + 1 :] if p.flow != connection[at].flow]


def syn(place: Place) -> bool:
    return _here(place).flags & (SYN | ACK | RST) == SYN


def syn_ack(place: Place) -> bool:
    return _here(place).flags & (SYN | ACK) == SYN | ACK


def _opened(place: Place) -> bool:
    """The connection's handshake is in the capture."""
    connection = place[0]
    return (
        len(connection) > 2
        and bool(connection[0].flags & SYN)
        and any(p.flags & (SYN | ACK) == SYN | ACK for p in connection[:4])
    )


def plain(place: Place) -> bool:
    return _opened(place) and not _here(place).flags & (SYN | RST)


def pure_ack(place: Place) -> bool:
    return plain(place) and _here(place).length == 0 and bool(_here(place).flags & ACK)


def third_ack(place: Place) -> bool:
    """The client's answer to the SYN-ACK."""
    mine = _mine_before(place)
    return (
        pure_ack(place)
        and bool(mine)
        and all(p.flags & SYN and not p.flags & ACK for p in mine)
        and bool(_theirs_before(place))
    )


def data(place: Place) -> bool:
    return plain(place) and _here(place).size > 0 and not _here(place).flags & FIN


def fresh_data(place: Place) -> bool:
    """New data, in order, followed by more of the same sender."""
    packet = _here(place)
    if not data(place) or packet.size <= 8 or not _mine_after(place):
        return False
    mine = _mine_before(place)
    return bool(mine) and max(p.seq + p.length for p in mine) == packet.seq


def bare_fin(place: Place) -> bool:
    return plain(place) and bool(_here(place).flags & FIN) and _here(place).size == 0


def fin(place: Place) -> bool:
    return plain(place) and bool(_here(place).flags & FIN)


def new_ack(place: Place) -> bool:
    """A pure ACK that advances, later followed by others of the same sender, and by something of the other."""
    packet = _here(place)
    mine = [p for p in _mine_before(place) if p.flags & ACK]
    return (
        pure_ack(place)
        and bool(mine)
        and packet.ack > max(p.ack for p in mine)
        and bool(_mine_after(place))
        and bool(_theirs_after(place))
    )


def ack_of_fin(place: Place) -> bool:
    """A pure ACK right after the peer's first FIN that counts it, all earlier octets having been acknowledged."""
    theirs = _theirs_before(place)
    if not pure_ack(place) or not theirs or not theirs[-1].flags & FIN or theirs[-1].size:
        return False
    mine = [p for p in _mine_before(place) if p.flags & ACK]
    only_one = sum(bool(p.flags & FIN) for p in theirs) == 1
    return only_one and _here(place).ack == theirs[-1].seq + 1 and bool(mine) and mine[-1].ack == theirs[-1].seq


def ack_after_own_fin(place: Place) -> bool:
    """A pure ACK sent after the own FIN, which it follows by one number."""
    fins = [p for p in _mine_before(place) if p.flags & FIN]
    return (
        pure_ack(place)
        and bool(fins)
        and _here(place).seq == fins[-1].seq + fins[-1].length
        and _here(place).ack > fins[-1].ack
    )


def reset_of_connection(place: Place) -> bool:
    packet = _here(place)
    return bool(packet.flags & RST) and _opened(place) and bool([p for p in _mine_before(place) if p.flags & SYN])


def refusal(place: Place) -> bool:
    packet = _here(place)
    return (
        bool(packet.flags & RST) and not [p for p in _mine_before(place)] and bool(_theirs_before(place)[0].flags & SYN)
    )


def with_timestamps(where: Callable[[Place], bool]) -> Callable[[Place], bool]:
    """Places whose packet carries timestamps."""
    return lambda place: where(place) and _here(place).option(8) is not None


def with_option(where: Callable[[Place], bool], kind_number: int) -> Callable[[Place], bool]:
    """Places whose packet carries an option."""
    return lambda place: where(place) and _here(place).option(kind_number) is not None


# -------------------------------------------------------------------------------------------------------------- kinds


def _add(packet: Packet, at: int, delta: int) -> int | None:
    """Adds to SEQ (at 4) or ACK (at 8); the changed packet itself is the one to be named."""
    packet.put("!I", at, (packet._get("!I", at) + delta) & 0xFFFFFFFF)
    return None


def _erase(packet: Packet, kind_number: int) -> None:
    found = packet.option(kind_number)
    assert found is not None
    at, size = found
    packet.frame[at : at + size] = b"\1" * size


@kind("handshake: ACK of the SYN one too low", "ack-before-isn", where=third_ack)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    return _add(p, 8, -1)


@kind(
    "handshake: ACK of the SYN one too high",
    "ack-of-unsent-data",
    where=lambda w: third_ack(w) and bool(_theirs_after(w)),
)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    return _add(p, 8, 1)


@kind("handshake: third segment's SEQ one too low", "handshake-ack-sequence", "before-isn", where=third_ack)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    return _add(p, 4, -1)


@kind(
    "handshake: third segment's SEQ one too high",
    "unsent-sequence",
    where=lambda w: third_ack(w) and bool(_mine_after(w)),
)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    return _add(p, 4, 1)


@kind("SYN-ACK: ACK is the SYN's number", "syn-ack-number", where=syn_ack)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    return _add(p, 8, -1)


@kind("SYN-ACK: ACK one too high", "syn-ack-number", where=syn_ack)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    return _add(p, 8, 1)


@kind("SYN-ACK: random ACK", "syn-ack-number", where=syn_ack)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    p.put("!I", 8, r.getrandbits(32))
    return None


@kind(
    "SYN-ACK: ECE without an offer",
    "ecn-not-offered",
    where=lambda w: syn_ack(w) and not _theirs_before(w)[0].flags & ECE,
)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    p.frame[p.tcp + 13] |= ECE
    return None


@kind(
    "SYN-ACK: window scale without an offer",
    "window-scale-not-offered",
    where=lambda w: with_option(syn, 3)(w) and len(w[0]) > 1 and syn_ack((w[0], 1)) and w[0][1].option(3) is not None,
)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    _erase(p, 3)
    return place[0][1].number


@kind(
    "SYN-ACK: timestamps without an offer",
    "timestamps-not-offered",
    where=lambda w: with_timestamps(syn)(w) and len(w[0]) > 1 and syn_ack((w[0], 1)) and w[0][1].option(8) is not None,
)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    _erase(p, 8)
    return place[0][1].number


@kind("window scale 15", "window-scale-limit", where=with_option(lambda w: syn(w) or syn_ack(w), 3))
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    found = p.option(3)
    assert found
    p.frame[found[0] + 2] = 15
    return None


@kind("FIN that takes no number: the ACK leaves it out", "fin-not-counted", "ack-goes-back", where=ack_of_fin)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    return _add(p, 8, -1)


@kind("FIN that takes no number: the next SEQ leaves it out", "ack-sequence", where=ack_after_own_fin)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    return _add(p, 4, -1)


@kind("ACK beyond the FIN", "ack-of-unsent-data", where=lambda w: ack_of_fin(w))
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    return _add(p, 8, r.choice((1, 2, 1000)))


@kind(
    "FIN numbered one too high",
    "sequence-jump",
    "data-after-fin",
    "fin-moved",
    where=lambda w: bare_fin(w) and bool(_mine_after(w)),
)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    return _add(p, 4, 1)


@kind("FIN numbered one too low", "fin-moved", where=lambda w: bare_fin(w) and any(q.size for q in _mine_before(w)))
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    return _add(p, 4, -1)


@kind("ACK of data never sent: +1", "ack-of-unsent-data", where=new_ack)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    ahead = max(q.seq + q.length for q in _theirs_before(place)) - p.ack
    return _add(p, 8, ahead + 1)


@kind("ACK of data never sent: some hundred", "ack-of-unsent-data", where=new_ack)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    ahead = max(q.seq + q.length for q in _theirs_before(place)) - p.ack
    return _add(p, 8, ahead + r.randrange(100, 1400))


@kind("ACK of data never sent: far", "ack-of-unsent-data", where=new_ack)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    return _add(p, 8, r.randrange(1 << 22, 1 << 30))


@kind(
    "ACK goes back",
    "ack-goes-back",
    where=lambda w: new_ack(w)
    and len([q for q in _mine_before(w) if not q.flags & SYN]) > 6
    and _mine_before(w)[-1].ack > _mine_before(w)[2].ack + 10,
)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    mine = _mine_before(place)
    lowest = mine[2].ack
    p.put("!I", 8, r.randrange(lowest, mine[-1].ack) & 0xFFFFFFFF)
    return None


@kind(
    "pure ACK: SEQ one too low",
    "ack-sequence",
    "handshake-ack-sequence",
    where=lambda w: new_ack(w) and not third_ack(w),
)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    return _add(p, 4, -1)


@kind("pure ACK: SEQ too high", "unsent-sequence", "data-after-fin", where=lambda w: new_ack(w))
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    ahead = max([q.seq + q.length for q in _mine_before(place)]) - p.seq
    return _add(p, 4, ahead + r.choice((1, 500, 1448)))


@kind("data: SEQ one too high", "sequence-jump", where=fresh_data)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    return _add(p, 4, 1)


@kind("data: SEQ one too low", "sequence-jump", "payload-changed", "before-isn", where=fresh_data)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    return _add(p, 4, -1)


@kind("sequence jump: a hole that is never filled", "sequence-jump", where=fresh_data)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    return _add(p, 4, r.randrange(100, 5000))


@kind(
    "data beyond the window",
    "data-beyond-window",
    "sequence-jump",
    where=lambda w: fresh_data(w) and bool(_theirs_after(w)),
)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    return _add(p, 4, r.randrange(40 << 20, 1 << 30))


@kind("RST one too high", "reset-number", where=lambda w: reset_of_connection(w))
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    return _add(p, 4, 1)


@kind("RST somewhat off", "reset-number", where=lambda w: reset_of_connection(w))
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    return _add(p, 4, r.choice((-1, 1)) * r.randrange(10_000, 1 << 16))


@kind("RST with a random number", "reset-number", where=reset_of_connection)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    return _add(p, 4, r.randrange(1 << 28, 1 << 31))


@kind("refusal: ACK is the SYN's number", "reset-of-syn", where=refusal)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    return _add(p, 8, -1)


@kind("refusal: SEQ not zero", "reset-of-syn", where=refusal)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    return _add(p, 4, r.randrange(1, 1 << 31))


@kind("refusal: ACK bit off", "reset-of-syn", where=refusal)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    p.frame[p.tcp + 13] &= ~ACK
    return None


@kind("ACK bit off", "ack-bit-missing", where=plain)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    p.frame[p.tcp + 13] &= ~ACK
    return None


@kind("SYN with FIN", "syn-with-fin", where=lambda w: syn(w) or syn_ack(w))
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    p.frame[p.tcp + 13] |= FIN
    return None


@kind("SYN with RST", "syn-with-rst", where=lambda w: syn_ack(w))
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    p.frame[p.tcp + 13] |= RST
    return None


@kind("reserved bits", "reserved-bits", where=lambda w: True)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    p.frame[p.tcp + 12] |= r.choice((2, 4, 8))
    return None


@kind("data offset below five", "data-offset", where=lambda w: True, fix=False)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    p.frame[p.tcp + 12] = (p.frame[p.tcp + 12] & 15) | (r.randrange(5) << 4)
    return None


@kind("data offset beyond the segment", "data-offset", where=pure_ack, fix=False)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    p.frame[p.tcp + 12] = (p.frame[p.tcp + 12] & 15) | (15 << 4)
    return None


@kind("wrong checksum", "checksum", where=lambda w: True, fix=False)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    p.put("!H", 16, p._get("!H", 16) ^ r.choice((1, 0x100, 0x8421)))
    return None


@kind("MSS option without SYN", "mss-only-on-syn", where=with_timestamps(plain))
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    at = p.tcp + 20
    p.frame[at : at + 12] = b"\2\4\5\xb4" + b"\1" * 8
    return None


@kind("window scale option without SYN", "window-scale-only-on-syn", where=with_timestamps(plain))
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    at = p.tcp + 20
    p.frame[at : at + 12] = b"\3\3\7" + b"\1" * 9
    return None


@kind("SACK-Permitted without SYN", "sack-permitted-only-on-syn", where=with_timestamps(plain))
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    p.frame[p.tcp + 20 : p.tcp + 22] = b"\4\2"
    return None


@kind("timestamps missing", "timestamps-missing", where=with_timestamps(plain))
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    _erase(p, 8)
    return None


@kind(
    "TSecr never sent",
    "timestamp-echo-unsent",
    where=lambda w: with_timestamps(plain)(w) and bool(_theirs_after(w)) and len(_theirs_before(w)) > 1,
)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    found = p.option(8)
    assert found
    value = struct.unpack_from("!I", p.frame, found[0] + 6)[0]
    struct.pack_into(
        "!I", p.frame, found[0] + 6, (value + r.choice((-1, 1)) * r.randrange(250_000, 1 << 27)) & 0xFFFFFFFF
    )
    return None


@kind(
    "TSval goes back",
    "timestamp-goes-back",
    where=lambda w: with_timestamps(plain)(w) and len(_mine_before(w)) > 3 and w[0][0].frame[14] >> 4 == 4,
)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    found = p.option(8)
    assert found
    value = struct.unpack_from("!I", p.frame, found[0] + 2)[0]
    struct.pack_into("!I", p.frame, found[0] + 2, (value - r.randrange(20_000, 1 << 20)) & 0xFFFFFFFF)
    return None


@kind("option length zero", "option-length", where=with_timestamps(plain))
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    found = p.option(8)
    assert found
    p.frame[found[0] + 1] = r.choice((0, 1, 60))
    return None


@kind("option of the wrong length", "option-wrong-length", where=with_timestamps(plain))
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    found = p.option(8)
    assert found
    p.frame[found[0] + 1] = 9
    return None


@kind("option twice", "option-repeated", where=with_option(lambda w: syn(w) or syn_ack(w), 4))
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    found = p.option(8) or p.option(3)
    assert found
    at, size = found
    p.frame[at : at + size] = b"\4\2" + b"\1" * (size - 2)
    return None


@kind("octets after the End option", "option-padding", where=with_timestamps(plain))
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    p.frame[p.tcp + 20] = 0
    return None


@kind(
    "data larger than the peer's MSS",
    "segment-over-mss",
    where=lambda w: with_option(lambda v: syn(v) or syn_ack(v), 2)(w) and any(q.size > 600 for q in _theirs_after(w)),
)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    found = p.option(2)
    assert found
    struct.pack_into("!H", p.frame, found[0] + 2, 500)
    room = 500 - 12 * bool(p.option(8) and place[0][1].option(8))
    return next(q.number for q in _theirs_after(place) if q.size > room)


@kind(
    "FIN set on data in mid-stream",
    "data-after-fin",
    "fin-moved",
    where=lambda w: fresh_data(w) and any(q.size for q in _mine_after(w)),
)
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    p.frame[p.tcp + 13] |= FIN
    ends = p.seq + p.size
    return p.number if any(q.seq + q.length > ends + 1 for q in _mine_after(place)) else None


@kind("SYN set in mid-stream", "isn-changed", "syn-ack-number", "payload-changed", where=lambda w: fresh_data(w))
def _(p: Packet, place: Place, r: random.Random) -> int | None:
    p.frame[p.tcp + 13] |= SYN
    return None


# ------------------------------------------------------------------------------------------------------------- running


def seeded(trace: Trace, one: Kind, generator: random.Random) -> Fault | None:
    """One fault of a kind at a random place, or None where the capture has none."""
    places = trace.places(one)
    if not places:
        return None
    place = generator.choice(places)
    packet = _here(place)
    changed = replace(packet, frame=bytearray(packet.frame))
    named = one.make(changed, place, generator)
    if one.fix:
        changed.fix()
    return Fault(changed, named or packet.number, one.rules)


@dataclass
class Score:
    """How the judge did on one kind."""

    made: int = 0
    convicted: int = 0
    exact: int = 0
    right_rule: int = 0
    missed: list[str] = field(default_factory=list)


def measure(trace: Trace, one: Kind, seeds: int, directory: Path) -> Score:
    """Seeds a kind ``seeds`` times and asks the judge."""
    from lastack import _judge

    score = Score()
    for seed in range(seeds):
        fault = seeded(trace, one, random.Random(f"{one.name} {seed}"))
        if fault is None:
            continue
        path = directory / f"{one.name.replace(' ', '-').replace(':', '').replace('/', '')}-{seed}.pcap"
        trace.write(path, [fault.changed])
        report = json.loads(_judge.check_file(str(path)))
        violated = [f for f in report["findings"] if f["verdict"] == "violated"]
        score.made += 1
        score.convicted += bool(violated)
        score.exact += any(f["packet"] == fault.number for f in violated)
        right = any(f["packet"] == fault.number and f["rule"] in fault.rules for f in violated)
        score.right_rule += right
        if not right:
            shown = [(f["packet"], f["verdict"], f["rule"], f["why"]) for f in report["findings"][:3]]
            score.missed.append(f"seed {seed}: packet {fault.number}, found {shown}")
    return score


def main(kinds: list[Kind], description: str | None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("captures", type=Path, nargs="+")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--kind", nargs="*", default=[])
    parser.add_argument("--write", type=Path, help="keep the faulty captures here")
    parser.add_argument("--missed", action="store_true", help="show what was not convicted as wanted")
    options = parser.parse_args()
    if options.write:
        options.write.mkdir(parents=True, exist_ok=True)
    total = Score()
    with tempfile.TemporaryDirectory() as scratch:
        for path in options.captures:
            trace = Trace(path)
            print(path)
            for one in kinds:
                if options.kind and not any(text in one.name for text in options.kind):
                    continue
                score = measure(trace, one, options.seeds, options.write or Path(scratch))
                total.made, total.convicted = total.made + score.made, total.convicted + score.convicted
                total.exact, total.right_rule = total.exact + score.exact, total.right_rule + score.right_rule
                if score.made and (score.right_rule < score.made or not options.missed):
                    print(
                        f"  {one.name:<52} {score.made:3} made {score.convicted:3} convicted {score.exact:3} exact {score.right_rule:3} right rule"
                    )
                if options.missed:
                    for line in score.missed:
                        print(f"      {line}")
    print(
        f"in all {total.made} made, {total.convicted} convicted, {total.exact} at the exact packet, {total.right_rule} with a right rule"
    )
    return 0 if total.right_rule == total.made else 1


if __name__ == "__main__":
    sys.exit(main(KINDS, __doc__))
