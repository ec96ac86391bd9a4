"""Segments as text: the examples of a lecture or of an RFC, to be explained and checked like a capture.

    # a handshake; everything after a # is a remark
    C > S  SYN seq=1000
    S > C  SYN,ACK seq=5000 ack=1001
    C > S  ACK seq=1001 ack=5001

One segment a line (or between semicolons): who to whom, the flags, then ``seq= ack= win= urg= len= data="text"``, options
``mss=1460 ws=7 sackok ts=1:0 sack=1-2,5-6`` and the time ``at=0.5`` (seconds; else ten milliseconds after the last). The
notations of the RFCs, ``<SEQ=1000><ACK=1><CTL=SYN,ACK>``, and of lastack's own ladders, ``<mss 1460,ws 7>``, are read too.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lastack import _core, _judge
from lastack.errors import UsageError
from lastack.pcapng import write_log
from lastack.world import Event

FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ECE": 64, "CWR": 128, "AE": 256}
_WHO = r"[A-Za-z0-9_.:\[\]]+"
_LINE = re.compile(rf"\s*({_WHO})\s*(<-+|-*>)\s*({_WHO})(?:\s*:?\s+|\s*(?=<))(\S.*)$")
_TOKEN = re.compile(r'([A-Za-z]+)=("[^"]*"|[^\s<>]+)|([A-Za-z]+(?:[,+-][A-Za-z]+)*)')
_ADDRESS = re.compile(r"\[?([0-9A-Fa-f.:]+?)\]?:(\d+)$")
_NUMBERS = {"seq": 32, "ack": 32, "win": 16, "urg": 16, "len": 16, "mss": 16, "ws": 8}
_LONGEST = 65_000
_STEP_US = 10_000
_LATEST_S = 1_000_000
_REACTION_US = 3_600_000_000


@dataclass
class TextExchange:
    """The segments as packets, with the line of each and what the endpoints are called."""

    names: dict[str, str] = field(default_factory=dict)
    lines: list[int] = field(default_factory=list)
    packets: list[tuple[int, bytes]] = field(default_factory=list)

    def judge(self) -> list[dict[str, Any]]:
        """What each end is accused of when it is known that nothing is missing and everything arrived.

        Only rules that do not depend on time and order: an example need not show every reaction.
        """
        found: list[dict[str, Any]] = []
        for socket in self.names:
            judge = _judge.Judge([], reaction_us=_REACTION_US)
            for number, (at, packet) in enumerate(self.packets, start=1):
                segment = _core.parse(packet)
                if isinstance(segment, str):
                    continue
                ends = _text((segment.src, segment.src_port)), _text((segment.dst, segment.dst_port))
                if socket in ends:
                    (judge.sent if socket == ends[0] else judge.received)(at, packet, number)
            judge.finish()
            found += [
                finding
                for finding in judge.findings()
                if finding["soundness"] in "AP" and finding["verdict"] == "violated"
            ]
        return found

    def write(self, path: Path) -> None:
        """As a pcapng file."""
        write_log(path, [Event(at / 1e6, "in", "", raw=packet) for at, packet in self.packets])


def looks_like(text: str) -> bool:
    """Whether the first line that says anything is a segment."""
    first = next(_segments(text), None)
    return first is not None and _LINE.match(first[1]) is not None


def parse(text: str, file: str) -> TextExchange:
    """Reads the text; raises ``UsageError`` with file and line."""
    exchange = TextExchange()
    sockets: dict[str, tuple[str, int]] = {}
    now = 0
    for number, line in _segments(text):
        try:
            match = _LINE.match(line)
            if match is None:
                raise ValueError(f"not a segment: {line!r} (like: C > S SYN seq=1000)")
            left, arrow, right, rest = match.groups()
            right = right.rstrip(":")
            source, target = (right, left) if arrow.startswith("<") else (left, right)
            if source == target:
                raise ValueError(f"{source} sends to itself")
            ends = [_socket(name, sockets) for name in (source, target)]
            at, packet = _packet(ends[0], ends[1], _fields(rest))
            now = max(now, round(at * 1e6)) if at is not None else now
            exchange.packets.append((now, packet))
            exchange.lines.append(number)
            now += _STEP_US
        except ValueError as error:
            raise UsageError(f"{file}: line {number}: {error}") from error
    exchange.names = {_text(socket): name for name, socket in sockets.items()}
    return exchange


def _segments(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        for part in re.sub(r"(^|\s)#.*", "", line).split(";"):
            if part.strip():
                yield number, part.strip()


def _text(socket: tuple[str, int]) -> str:
    return f"[{socket[0]}]:{socket[1]}" if ":" in socket[0] else f"{socket[0]}:{socket[1]}"


def _socket(name: str, sockets: dict[str, tuple[str, int]]) -> tuple[str, int]:
    """A name stands for an address of the documentation network; an address and port for themselves."""
    if name not in sockets:
        if match := _ADDRESS.match(name):
            port = int(match[2])
            if port > 65535:
                raise ValueError(f"{name}: there is no port {port}")
            sockets[name] = (match[1], port)
        elif len(sockets) >= 250:
            raise ValueError("more than 250 endpoints")
        else:
            sockets[name] = (f"192.0.2.{len(sockets) + 1}", 80 if len(sockets) == 1 else 4000 + len(sockets))
    return sockets[name]


def _fields(text: str) -> dict[str, str]:
    """Key and value of everything that a segment says; flags under "flags"."""
    text = re.sub(r"<(CTL|SEQ|ACK|WND|URG|LEN)=([^<>]*)>", _of_rfc, text, flags=re.IGNORECASE)
    text = re.sub(r"<([^<>=]*)>", _of_ladder, text)
    fields: dict[str, str] = {}
    end = 0
    for match in _TOKEN.finditer(text):
        if between := text[end : match.start()].strip():
            raise ValueError(f"cannot read {between!r}")
        end = match.end()
        key, value = (match[1].lower(), match[2]) if match[1] else ("", match[3])
        if not key:
            key, value = ("sackok", "1") if value.lower() == "sackok" else ("flags", value)
        key = {"seqno": "seq", "acknum": "ack", "wnd": "win", "window": "win", "ctl": "flags"}.get(key, key)
        if key in fields:
            raise ValueError(f"{key} stands there twice")
        fields[key] = value
    if rest := text[end:].strip():
        raise ValueError(f"cannot read {rest!r}")
    return fields


def _of_rfc(match: re.Match[str]) -> str:
    return f" {match[1]}={match[2]} "


def _of_ladder(match: re.Match[str]) -> str:
    """``<mss 1460,ws 7,sackOK,ts 1:0,sack 1-2,sack 5-6>`` as fields."""
    words = [item.split() for item in match[1].split(",")]
    blocks = ",".join(word[1] for word in words if word[0] == "sack" and len(word) == 2)
    others = " ".join("=".join(word) for word in words if word and word[0] != "sack")
    return f" {others} " + (f"sack={blocks} " if blocks else "")


def _number(fields: dict[str, str], key: str, default: int = 0) -> int:
    if key not in fields:
        return default
    text = fields.pop(key)
    bits = _NUMBERS[key]
    try:
        value = int(text, 0)
    except ValueError:
        raise ValueError(f"{key}={text} is not a number") from None
    if not 0 <= value < 2**bits:
        raise ValueError(f"{key}={text} does not fit into {bits} bits")
    return value


def _flags(text: str) -> int:
    bits = 0
    for name in re.split(r"[,+-]", text.upper()):
        if name != "NONE" and name not in FLAGS:
            raise ValueError(f"{name} is not a flag ({', '.join(FLAGS)})")
        bits |= FLAGS.get(name, 0)
    return bits


def _pairs(text: str, separator: str, what: str) -> list[int]:
    match = re.fullmatch(rf"\d+{separator}\d+(?:,\d+{separator}\d+)*", text)
    numbers = [int(n) for n in re.findall(r"\d+", text)]
    if not match or any(n >= 2**32 for n in numbers):
        raise ValueError(f"{what} is not like {'1' + separator + '2'}")
    return numbers


def _options(fields: dict[str, str]) -> bytes:
    octets = b""
    if "mss" in fields:
        octets += struct.pack("!BBH", 2, 4, _number(fields, "mss"))
    if "ws" in fields:
        octets += struct.pack("!BBBB", 1, 3, 3, _number(fields, "ws"))
    if fields.pop("sackok", ""):
        octets += bytes((1, 1, 4, 2))
    if "ts" in fields:
        octets += struct.pack("!BBBBII", 1, 1, 8, 10, *_pairs(fields.pop("ts"), ":", "ts")[:2])
    if "sack" in fields:
        edges = _pairs(fields.pop("sack"), "-", "sack")
        octets += struct.pack(f"!BBBB{len(edges)}I", 1, 1, 5, 2 + 4 * len(edges), *edges)
    if len(octets) > 40:
        raise ValueError("the options do not fit into 40 octets")
    return octets


def _packet(source: tuple[str, int], target: tuple[str, int], fields: dict[str, str]) -> tuple[float | None, bytes]:
    if "flags" not in fields:
        raise ValueError(f"no flags ({', '.join(FLAGS)}, or none)")
    flags = _flags(fields.pop("flags"))
    if "seq" not in fields:
        raise ValueError("no seq=")
    if flags & FLAGS["ACK"] and "ack" not in fields:
        raise ValueError("the ACK flag is set, but there is no ack=")
    time = fields.pop("at", None)
    try:
        at = None if time is None else float(time)
    except ValueError:
        raise ValueError(f"at={time} is not a time in seconds") from None
    if at is not None and not 0 <= at <= _LATEST_S:
        raise ValueError(f"at={time} is not between 0 and {_LATEST_S} seconds")
    data = fields.pop("data", "").strip('"').encode()
    length = _number(fields, "len", len(data))
    if length > _LONGEST:
        raise ValueError(f"len={length}: at most {_LONGEST} octets fit into a packet")
    payload = (data or b"x" * length)[:length]
    numbers = {name: _number(fields, name) for name in ("seq", "ack", "urg")}
    window = _number(fields, "win", 65535)
    options = _options(fields)
    if fields:
        raise ValueError(f"unknown: {next(iter(fields))}=")
    packet = _core.build(
        src=source[0],
        dst=target[0],
        src_port=source[1],
        dst_port=target[1],
        seq=numbers["seq"],
        ack=numbers["ack"],
        flags=flags,
        window=window,
        urgent=numbers["urg"],
        options=options,
        payload=payload,
    )
    return at, packet
