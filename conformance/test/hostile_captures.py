#!/usr/bin/python3
"""Captures made to exhaust or confuse a reader, and what ``lastack check`` makes of them: seconds, memory, exit status, message.

    conformance/test/hostile_captures.py [--size quick|full] [NAME...]

``full`` needs about 3 GB of disk (the 10 GB file is sparse) and some minutes; ``quick`` is a hundredth and runs as a test. Whatever the
input, memory stays below a bound, and what is wrong is said with its place.
"""

from __future__ import annotations

import argparse
import gzip
import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCK = 65536  # packets that are written at once
HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101)


def word_sum(data: bytes) -> int:
    """The ones' complement sum of 16-bit words."""
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def packet(flags: int, fragment: int = 0, text: int = 0) -> bytes:
    """192.0.2.1:0 to 198.51.100.1:80, SEQ and the low half of the source address all ones or zero, so that words can be
    exchanged between them without changing the checksum."""
    source, destination = bytes([192, 0, 0, 0]), bytes([198, 51, 100, 1])
    tcp = struct.pack(">HHIIBBHHH", 0, 80, 0xFFFFFFFF, 0, 0x50, flags, 1000, 0, 0)
    pseudo = source + destination + struct.pack(">HH", 6, 20 + text)
    tcp = tcp[:16] + struct.pack(">H", ~word_sum(pseudo + tcp) & 0xFFFF) + tcp[18:]
    header = struct.pack(">BBHHHBBH", 0x45, 0, 40 + text, 1, fragment, 64, 6, 0) + source + destination
    return header + tcp


class Packets:
    """A block of equal packets whose fields are then set by column."""

    def __init__(self, one: bytes, count: int = BLOCK, wire: int = 0) -> None:
        self.stride = 16 + len(one)
        self.count = count
        self.data = bytearray((struct.pack("<IIII", 1, 0, len(one), wire or len(one)) + one) * count)

    def column(self, at: int, values: bytes) -> None:
        """The octet ``at`` of each packet (from the IP header on)."""
        self.data[16 + at :: self.stride] = values

    def word(self, at: int, values: list[int]) -> None:
        """A 16-bit field of each packet."""
        self.column(at, bytes(v >> 8 & 0xFF for v in values))
        self.column(at + 1, bytes(v & 0xFF for v in values))

    def constant(self, at: int, value: int) -> None:
        self.word(at, [value] * self.count)


def blocks(count: int) -> Iterator[int]:
    yield from range((count + BLOCK - 1) // BLOCK)


def syns(path: Path, count: int) -> None:
    """SYNs from as many sources as there are packets, each with a right checksum."""
    rows = Packets(packet(2))
    rows.word(20, list(range(BLOCK)))  # source port
    rows.word(26, [0xFFFF - n for n in range(BLOCK)])  # low half of SEQ makes up for it
    with path.open("wb") as out:
        out.write(HEADER)
        for n in blocks(count):
            rows.constant(14, n)  # low half of the source address
            rows.constant(24, 0xFFFF - n)  # high half of SEQ
            out.write(rows.data)


def one_connection(path: Path, count: int) -> None:
    """One connection that sends 256 octets in each segment, cut behind the header."""
    rows = Packets(packet(0x10, text=256), wire=296)
    rows.column(24, bytes(BLOCK))
    rows.word(25, list(range(BLOCK)))
    rows.column(27, bytes(BLOCK))
    with path.open("wb") as out:
        out.write(HEADER)
        for n in blocks(count):
            rows.column(24, bytes([n & 0xFF]) * BLOCK)
            out.write(rows.data)


def fragments(path: Path, count: int) -> None:
    """First fragments, all of different packets, none of which is ever completed."""
    rows = Packets(packet(0x10, fragment=0x2000, text=4) + bytes(4))
    rows.word(4, list(range(BLOCK)))
    with path.open("wb") as out:
        out.write(HEADER)
        for n in blocks(count):
            rows.constant(14, n)
            out.write(rows.data)


def sparse(path: Path, count: int) -> None:
    """A header, then nothing but a hole."""
    with path.open("wb") as out:
        out.write(HEADER)
        out.truncate(count * 1000)


def bomb(path: Path, count: int) -> None:
    """Packets without octets, a thousand to one compressed."""
    record = struct.pack("<IIII", 1, 0, 0, 60)
    with gzip.open(path, "wb", compresslevel=9) as out:
        out.write(HEADER)
        for _ in blocks(count):
            out.write(record * BLOCK)


def truncated(path: Path, count: int) -> None:
    """The file ends inside a packet."""
    syns(path, min(count, BLOCK))
    os.truncate(path, path.stat().st_size - 10)


def empty(path: Path, count: int) -> None:
    """No octet at all."""
    del count
    path.touch()


def text(path: Path, count: int) -> None:
    """No capture."""
    path.write_bytes(b"GET / HTTP/1.0\r\n" * min(count, 1000))


def nested(path: Path, count: int) -> None:
    """IP in IP in IP ..., as deep as a packet can be."""
    inner = packet(2)
    while len(inner) < 60000:
        header = struct.pack(">BBHHHBBH", 0x45, 0, len(inner) + 20, 1, 0, 64, 4, 0) + bytes(
            [192, 0, 2, 1, 192, 0, 2, 2]
        )
        inner = header + inner
    with path.open("wb") as out:
        out.write(HEADER)
        for _ in range(min(count // 1000, 10000)):
            out.write(struct.pack("<IIII", 1, 0, len(inner), len(inner)) + inner)


@dataclass
class Case:
    make: Callable[[Path, int], None]
    status: int
    says: str  # part of what is said on standard error
    packets: int = 10_000_000  # full size


CASES = {
    "syns": Case(syns, 0, ""),
    "one-connection": Case(one_connection, 0, ""),
    "fragments": Case(fragments, 0, ""),
    "nested": Case(nested, 0, ""),
    "bomb.gz": Case(bomb, 0, "", 60_000_000),
    "sparse": Case(sparse, 6, "zeros instead of packets"),
    "truncated": Case(truncated, 6, "ends inside a packet"),
    "empty": Case(empty, 6, "the file is empty"),
    "text": Case(text, 6, "not a capture"),
}


@dataclass
class Measured:
    seconds: float
    mebibytes: float
    status: int
    stderr: str


def check(path: Path) -> Measured:
    """Runs the command as a person would, and measures that process alone."""
    begin = time.monotonic()
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen([ROOT / "build/lastack", "check", path], stdout=subprocess.DEVNULL, stderr=said)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        stderr = said.read().decode(errors="replace")
    return Measured(time.monotonic() - begin, usage.ru_maxrss / 1024, child.returncode, stderr)


def run(name: str, scale: float, directory: Path) -> Measured:
    """Makes one file, checks it, removes it."""
    case = CASES[name]
    path = directory / name
    case.make(path, int(case.packets * scale))
    try:
        return check(path)
    finally:
        path.unlink()


def wrong(name: str, got: Measured) -> str:
    """What is not as it should be, or nothing."""
    case = CASES[name]
    if got.status != case.status:
        return f"exit status {got.status}, expected {case.status}: {got.stderr.strip()}"
    if case.says not in got.stderr:
        return f"'{case.says}' is not said: {got.stderr.strip()}"
    if case.status == 6 and case.says.startswith(("zeros", "ends")) and "offset" not in got.stderr:
        return f"no offset: {got.stderr.strip()}"
    return ""


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CASES))
    options.add_argument("--size", choices=("quick", "full"), default="quick")
    options.add_argument("--directory", type=Path, default=None)
    given = options.parse_args()
    if unknown := set(given.names) - set(CASES):
        options.error(f"unknown: {', '.join(sorted(unknown))}")
    if given.directory:
        given.directory.mkdir(parents=True, exist_ok=True)
    bad = 0
    print(f"{'file':<16}{'seconds':>9}{'MiB':>7}{'status':>8}")
    with tempfile.TemporaryDirectory(dir=given.directory) as directory:
        for name in given.names or CASES:
            got = run(name, 0.01 if given.size == "quick" else 1, Path(directory))
            problem = wrong(name, got)
            bad += bool(problem)
            said = problem or got.stderr.strip().split("\n")[-1]
            print(f"{name:<16}{got.seconds:>9.1f}{got.mebibytes:>7.0f}{got.status:>8}  {said}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
