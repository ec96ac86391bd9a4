"""Honest captures made worse, as real ones are: packets dropped or swapped by the capture, cut headers, one direction only, a late start.

None of it may turn into an accusation: what is missing makes findings inconclusive, never violated.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path

Records = list[tuple[int, bytes]]  # (time in ns, frame)


def read(path: Path) -> tuple[int, Records]:
    """Link type and packets of a little-endian pcap with nanosecond times."""
    data = path.read_bytes()
    records: Records = []
    at = 24
    while at < len(data):
        seconds, fraction, size, _wire = struct.unpack_from("<IIII", data, at)
        records.append((seconds * 10**9 + fraction, data[at + 16 : at + 16 + size]))
        at += 16 + size
    return int(struct.unpack_from("<I", data, 20)[0]), records


def write(path: Path, link_type: int, records: Records, snap: int = 0) -> None:
    """Writes a pcap whose packets are cut at ``snap`` octets (0: whole)."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, snap or 262144, link_type))
        for when, frame in records:
            kept = frame[:snap] if snap else frame
            out.write(struct.pack("<IIII", when // 10**9, when % 10**9, len(kept), len(frame)) + kept)


def dropped(share: float) -> Callable[[Records, random.Random], Records]:
    """The capture lost a share of the packets."""
    return lambda records, chance: [r for r in records if chance.random() >= share]


def swapped(records: Records, chance: random.Random) -> Records:
    """One in a hundred neighbours stand in the wrong order."""
    out = list(records)
    for i in range(len(out) - 1):
        if chance.random() < 0.01:
            (first, a), (second, b) = out[i], out[i + 1]
            out[i], out[i + 1] = (first, b), (second, a)
    return out


def jittered(records: Records, chance: random.Random) -> Records:
    """Times are off by up to 0.2 ms, and the packets sorted by them."""
    return sorted(((when + chance.randrange(-200_000, 200_000), frame) for when, frame in records), key=lambda r: r[0])


def _source(link_type: int, frame: bytes) -> bytes:
    start = 14 if link_type == 1 else 0
    return frame[start + 12 : start + 16] if frame[start] >> 4 == 4 else frame[start + 8 : start + 24]


def one_direction(link_type: int) -> Callable[[Records, random.Random], Records]:
    """Only what one address sent."""

    def keep(records: Records, chance: random.Random) -> Records:
        sources = sorted({_source(link_type, frame) for _, frame in records})
        chosen = chance.choice(sources)
        return [r for r in records if _source(link_type, r[1]) == chosen]

    return keep


def late(records: Records, chance: random.Random) -> Records:
    """The capture began ten packets later."""
    del chance
    return records[10:]


def midway(records: Records, chance: random.Random) -> Records:
    """The capture began somewhere in the first half."""
    return records[chance.randrange(len(records) // 2 + 1) :]


def gaps(records: Records, chance: random.Random) -> Records:
    """A few stretches of up to fifty packets are missing, as when a buffer ran over."""
    out = list(records)
    for _ in range(3):
        at = chance.randrange(len(out) + 1)
        del out[at : at + chance.randrange(2, 50)]
    return out


def repeated(records: Records, chance: random.Random) -> Records:
    """One packet in twenty was recorded twice."""
    return [
        r
        for record in records
        for r in ([record, (record[0] + 2000, record[1])] if chance.random() < 0.05 else [record])
    ]


def doubled(records: Records, chance: random.Random) -> Records:
    """Every packet was recorded on two interfaces of the same host, 3 to 60 microseconds apart."""
    copies = [(when + chance.randrange(3000, 60_000), frame) for when, frame in records]
    return sorted([*records, *copies], key=lambda r: r[0])


def _headers(link_type: int, frame: bytes) -> tuple[int, int]:
    """Where the IP header begins, and where the TCP header (0: none found, as in a fragment that is not the first)."""
    start = 14 if link_type == 1 else 0
    if frame[start] >> 4 == 4:
        first = (int.from_bytes(frame[start + 6 : start + 8], "big") & 0x1FFF) == 0
        at = start + (frame[start] & 15) * 4 if frame[start + 9] == 6 and first else 0
    else:
        at = start + 40 if frame[start + 6] == 6 else 0
    return start, at if len(frame) >= at + 20 else 0


def without_syn(link_type: int) -> Callable[[Records, random.Random], Records]:
    """No SYN was recorded."""

    def keep(records: Records, chance: random.Random) -> Records:
        del chance
        return [r for r in records if not (at := _headers(link_type, r[1])[1]) or not r[1][at + 13] & 2]

    return keep


def _tcp_flags(link_type: int, frame: bytes) -> int:
    at = _headers(link_type, frame)[1]
    return frame[at + 13] if at and len(frame) > at + 13 else 0


def control_only(link_type: int) -> Callable[[Records, random.Random], Records]:
    """A filter let only SYN, FIN and RST through, as people do who count connections."""
    return lambda records, chance: [r for r in records if _tcp_flags(link_type, r[1]) & 7]


def without_empty(link_type: int) -> Callable[[Records, random.Random], Records]:
    """A filter let no short packet through."""
    return lambda records, chance: [r for r in records if len(r[1]) > 90 or _tcp_flags(link_type, r[1]) & 7]


def without_times(records: Records, chance: random.Random) -> Records:
    """Made from text: every packet has the same time."""
    del chance
    return [(records[0][0], frame) for _, frame in records]


def clock_set_back(records: Records, chance: random.Random) -> Records:
    """The host's clock was set back by an hour in the middle, and on by a minute later."""
    del chance
    half, rest = len(records) // 2, len(records) * 3 // 4
    steps = [0] * half + [-3600] * (rest - half) + [-3540] * (len(records) - rest)
    return [(when + step * 10**9, frame) for (when, frame), step in zip(records, steps, strict=True)]


def merged(first: Records, second: Records, skew_ns: int) -> Records:
    """Recordings of two taps in one file, the second with a clock that is off."""
    return sorted([*first, *((when + skew_ns, frame) for when, frame in second)], key=lambda r: r[0])


def variants(path: Path, directory: Path, seed: int) -> list[Path]:
    """Writes every degraded form of a capture and returns the files."""
    link_type, records = read(path)
    made = []
    kinds: list[tuple[str, Callable[[Records, random.Random], Records], int]] = [
        ("drop-0.1%", dropped(0.001), 0),
        ("drop-1%", dropped(0.01), 0),
        ("sampled", dropped(0.7), 0),
        ("swap", swapped, 0),
        ("jitter", jittered, 0),
        ("cut-52", lambda r, c: r, 52),
        ("cut-96", lambda r, c: r, 96),
        ("one-direction", one_direction(link_type), 0),
        ("late", late, 0),
        ("midway", midway, 0),
        ("gaps", gaps, 0),
        ("repeated", repeated, 0),
        ("doubled", doubled, 0),
        ("without-syn", without_syn(link_type), 0),
        ("control-only", control_only(link_type), 0),
        ("without-empty", without_empty(link_type), 0),
        ("without-times", without_times, 0),
        ("clock-set-back", clock_set_back, 0),
    ]
    for name, change, snap in kinds:
        target = directory / f"{path.stem}-{name}-{seed}.pcap"
        write(target, link_type, change(records, random.Random(f"{name} {seed}")), snap)
        made.append(target)
    return made
