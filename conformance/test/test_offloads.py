"""What network cards and kernels do to packets between an end and a tap: large segments and their pieces in one file, from two
interfaces, lengths of zero, checksums that the card finishes, frames that are padded. Nobody is accused, and octets are counted once.
"""

from __future__ import annotations

import itertools
import json
import struct
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from linux_net import write_pcap  # noqa: E402
from tape import NOP, RAW_IP, SACK_OK, Tape, mss, scale, stamps  # noqa: E402

_judge = pytest.importorskip("lastack._judge", reason="the native module is not built")

Records = list[tuple[int, bytes]]
SYN = mss(1000) + SACK_OK + stamps(7000, 0) + NOP + scale(7)
PIECE, PIECES, ROUNDS = 988, 6, 5
MILLISECOND = 1_000_000


def write_pcapng(path: Path, *taps: Records) -> Path:
    """One file of several interfaces, in the order of the times, as mergecap and dumpcap write it."""

    def block(kind: int, body: bytes) -> bytes:
        body += b"\0" * (-len(body) % 4)
        size = struct.pack("<I", len(body) + 12)
        return struct.pack("<I", kind) + size + body + size

    out = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))]
    for _ in taps:
        out.append(block(1, struct.pack("<HHI", RAW_IP, 0, 262_144) + struct.pack("<HHBxxxHH", 9, 1, 9, 0, 0)))
    for when, tap, packet in sorted(
        (when, tap, packet) for tap, records in enumerate(taps) for when, packet in records
    ):
        head = struct.pack("<IIIII", tap, when >> 32, when & 0xFFFFFFFF, len(packet), len(packet))
        out.append(block(6, head + packet))
    path.write_bytes(b"".join(out))
    return path


def without_length(packet: bytes) -> bytes:
    """The length field of IP is zero: the segment was too large for it, or the driver leaves it to the card."""
    at = 2 if packet[0] >> 4 == 4 else 4
    return packet[:at] + b"\0\0" + packet[at + 2 :]


def left_to_card(packet: bytes) -> bytes:
    """The checksum field holds the sum of the pseudo-header, and the card is to do the rest."""
    v4 = packet[0] >> 4 == 4
    addresses, tcp = (packet[12:20], 20) if v4 else (packet[8:40], 40)
    total = sum(struct.unpack(f"!{len(addresses) // 2}H", addresses)) + len(packet) - tcp + 6
    total = (total & 0xFFFF) + (total >> 16)
    return packet[: tcp + 16] + struct.pack("!H", (total & 0xFFFF) + (total >> 16)) + packet[tcp + 18 :]


def rubbish(packet: bytes) -> bytes:
    """A driver has left anything there."""
    tcp = 20 if packet[0] >> 4 == 4 else 40
    return packet[: tcp + 16] + b"\x13\x57" + packet[tcp + 18 :]


# What the sender's own tap shows as the checksum of its segments.
CHECKSUMS = {
    "left-to-card": left_to_card,
    "large-ones-left": lambda packet: left_to_card(packet) if len(packet) > 1500 else packet,
    "large-ones-rubbish": lambda packet: rubbish(packet) if len(packet) > 1500 else packet,
    "rubbish": rubbish,
}


def sender_port(packet: bytes) -> int:
    tcp = 20 if packet[0] >> 4 == 4 else 40
    return int.from_bytes(packet[tcp : tcp + 2], "big")


class Transfer:
    """The client sends large segments; what each of two taps on the way sees, the sender's own first."""

    def __init__(self, ipv6: bool, skew: int = 0, put_together: int = 1, checksums: str = "left-to-card") -> None:
        self.taps = [Tape(ipv6=ipv6, gap=0), Tape(ipv6=ipv6, gap=0)]
        self.skew, self.put_together, self.checksums = skew, put_together, checksums
        self.clock = 10**18
        self.both("a", "S", 0, opts=SYN)
        self.both("b", "SA", 0, 1, opts=SYN)
        self.both("a", "A", 1, 1, opts=stamps(7001, 7000))
        for number in range(ROUNDS):
            self.large(1 + number * PIECE * PIECES, number)

    def records(self, zero_length: bool = False) -> list[Records]:
        """Of both taps."""
        change = CHECKSUMS[self.checksums]
        of_client = {when for when, packet in self.taps[0].records if sender_port(packet) == 40_000}
        own = [(when, change(p) if when in of_client else p) for when, p in self.taps[0].records]
        if zero_length:
            own = [(when, without_length(p) if len(p) > 1500 else p) for when, p in own]
        return [own, self.taps[1].records]

    def at(self, tap: int, delay: int) -> Tape:
        self.taps[tap].now = self.clock + delay + tap * self.skew
        return self.taps[tap]

    def both(self, side: str, flags: str, seq: int, ack: int = 0, opts: bytes = b"") -> None:
        self.clock += 2 * MILLISECOND
        for tap in (0, 1):
            near = tap == (side == "b")
            self.at(tap, 0 if near else MILLISECOND // 5).put(side, flags, seq, ack, opts=opts)

    def large(self, start: int, number: int) -> None:
        """A large segment, its pieces at the other tap (some put together again), and the ACK of all of it."""
        self.clock += 2 * MILLISECOND
        options = stamps(7010 + number, 7000 + number)
        text = bytes((start + i) % 251 for i in range(PIECE * PIECES))
        self.at(0, 0).a("PA", start, 1, text, opts=options)
        self.taps[0].ids["a"] += PIECES - 1
        step = PIECE * self.put_together
        for at in range(0, len(text), step):
            last = at + step >= len(text)
            self.at(1, MILLISECOND // 5 + at).a(
                "PA" if last else "A", start + at, 1, text[at : at + step], opts=options
            )
            self.taps[1].ids["a"] += self.put_together - 1
        self.both("b", "A", 1, start + len(text), opts=stamps(7001 + number, 7010 + number))


def report(path: Path, tap: str = "") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_judge.check_file(str(path), strict=True, tap=tap))
    return found


def accused(path: Path, tap: str = "") -> list[str]:
    return [
        f"{path.name} tap={tap} packet {f['packet']} {f['rule']}: expected {f['expected']}, actual {f['actual']}"
        for f in report(path, tap)["findings"]
        if f["verdict"] == "violated"
    ]


@pytest.mark.parametrize("ipv6", [False, True], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("skew", [0, 5 * MILLISECOND, -5 * MILLISECOND, 100 * MILLISECOND])
@pytest.mark.parametrize("put_together", [1, 2, 3])
@pytest.mark.parametrize("zero_length", [False, True], ids=["length", "no-length"])
@pytest.mark.parametrize("checksums", CHECKSUMS)
def test_large_segments_and_their_pieces(
    ipv6: bool, skew: int, put_together: int, zero_length: bool, checksums: str, tmp_path: Path
) -> None:
    taps = Transfer(ipv6, skew, put_together, checksums).records(zero_length)
    paths = [write_pcapng(tmp_path / "two.pcapng", *taps), write_pcapng(tmp_path / "swapped.pcapng", *reversed(taps))]
    paths += [write_pcapng(tmp_path / f"tap{n}.pcapng", tap) for n, tap in enumerate(taps)]
    merged = sorted(itertools.chain(*taps))
    write_pcap(tmp_path / "one-interface.pcap", merged, RAW_IP)
    found = [
        line
        for path in [*paths, tmp_path / "one-interface.pcap"]
        for tap in ("", "path")
        for line in accused(path, tap)
    ]
    assert not found
    whole = report(paths[2])["connections"][0]
    if checksums != "rubbish":  # else nobody knows whether they were damaged
        assert whole["endpoints"][0]["octets"] == ROUNDS * PIECES * PIECE


def test_a_mistake_among_large_segments_is_found(tmp_path: Path) -> None:
    transfer = Transfer(False)
    transfer.both("b", "A", 1, 1 + ROUNDS * PIECES * PIECE + 700, opts=stamps(7100, 7014))
    transfer.large(1 + ROUNDS * PIECES * PIECE, ROUNDS)
    assert any(
        "ack-of-unsent-data" in line for line in accused(write_pcapng(tmp_path / "a.pcapng", transfer.records()[0]))
    )


@pytest.mark.parametrize("ipv6", [False, True], ids=["ipv4", "ipv6"])
def test_blocks_begin_inside_large_segments(ipv6: bool, tmp_path: Path) -> None:
    """Pieces of one large segment are lost on the way: blocks and repetitions have the borders of pieces."""
    t = Tape(ipv6=ipv6)
    t.checksum = lambda side, right: 0x1357 if side == "a" else right
    t.open(mss(1000) + SACK_OK).a("A", 1, 1, b"x" * 8000)
    t.b("A", 1, 2001, sacks=((3001, 5001),)).b("A", 1, 2001, sacks=((6001, 8001), (3001, 5001)))
    t.a("A", 2001, 1, b"x" * 1000).b("A", 1, 5001, sacks=((6001, 8001),)).a("A", 5001, 1, b"x" * 1000).b("A", 1, 8001)
    t.a("A", 5001, 1, b"x" * 1000).b("A", 1, 8001, sacks=((5001, 6001),)).close(8001, 1)
    path = t.write(tmp_path / "blocks.pcap")
    assert not accused(path) + accused(path, "path") + accused(path, "client")


@pytest.mark.parametrize("ipv6", [False, True], ids=["ipv4", "ipv6"])
def test_padding_of_short_frames_is_no_text(ipv6: bool, tmp_path: Path) -> None:
    """Ethernet pads to 60 octets, with zeros or with whatever was in the buffer (CVE-2003-0001)."""
    t = Tape(ipv6=ipv6)
    t.open().a("PA", 1, 1, b"x").b("A", 1, 2).b("PA", 1, 2, b"yz").a("A", 2, 3).close(2, 3)
    kind = b"\x86\xdd" if ipv6 else b"\x08\x00"
    frames = [(when, bytes(12) + kind + packet) for when, packet in t.records]
    for name, filling in (("zeros", b"\0"), ("rubbish", b"\xa5")):
        padded = [(when, frame + filling * max(8, 60 - len(frame))) for when, frame in frames]
        write_pcap(tmp_path / f"{name}.pcap", padded, 1)
        assert not accused(tmp_path / f"{name}.pcap")
        (connection,) = report(tmp_path / f"{name}.pcap")["connections"]
        assert [end["octets"] for end in connection["endpoints"]] == [1, 2]
