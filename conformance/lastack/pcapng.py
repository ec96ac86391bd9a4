"""Writes a scenario's exchange as pcapng (RFC draft-ietf-opsawg-pcapng, raw IP), with state and remarks as packet
comments for Wireshark.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lastack.world import Event

_LINKTYPE_RAW = 101


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def _block(kind: int, body: bytes) -> bytes:
    size = 12 + len(body)
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)


def write_log(path: Path, log: Sequence[Event]) -> None:
    """All packets of the log in order; microseconds; events without a packet become comments of the next one."""
    with path.open("wb") as file:
        file.write(_block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
        file.write(
            _block(1, struct.pack("<HHI", _LINKTYPE_RAW, 0, 0) + _option(2, b"stack under test") + _option(0, b""))
        )
        waiting: list[str] = []
        for event in log:
            if not event.raw:
                waiting.append(event.text)
                continue
            remarks = [
                *waiting,
                event.note,
                f"state {event.state}" if event.state else "",
                "FAIL" if event.failed else "",
            ]
            waiting = []
            file.write(_block(6, _packet(event.time, event.raw, "; ".join(remark for remark in remarks if remark))))


def _packet(time: float, raw: bytes, comment: str) -> bytes:
    microseconds = round(time * 1e6)
    head = struct.pack("<IIIII", 0, microseconds >> 32, microseconds & 0xFFFFFFFF, len(raw), len(raw))
    options = _option(1, comment.encode()) + _option(0, b"") if comment else b""
    return head + raw + b"\0" * (-len(raw) % 4) + options
