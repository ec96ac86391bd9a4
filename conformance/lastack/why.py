"""Argues from the log why an expected number is the right one: the ``why`` line of a failure.

It only counts what both sides put on the wire; it knows no rule of TCP beyond "SYN and FIN take one sequence number
each".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lastack import _core

if TYPE_CHECKING:
    from lastack.errors import Difference
    from lastack.segment import Segment
    from lastack.world import Event

_FIN, _SYN = 1, 2


@dataclass(frozen=True)
class _Piece:
    """A stretch of sequence space: who took it, when."""

    first: int
    size: int
    what: str
    time: float

    def covers(self, number: int) -> bool:
        return (number - self.first) % 2**32 < self.size


def _pieces(log: Sequence[Event], peer: str, kind: str) -> Iterator[_Piece]:
    for event in log:
        if event.kind != kind or event.peer != peer or not event.raw:
            continue
        segment = _core.parse(event.raw)
        if isinstance(segment, str):
            continue
        at, time = segment.seq, event.time
        if segment.flags & _SYN:
            yield _Piece(at, 1, "SYN", time)
            at = (at + 1) % 2**32
        if segment.payload:
            yield _Piece(at, len(segment.payload), f"{len(segment.payload)} octets of data", time)
            at = (at + len(segment.payload)) % 2**32
        if segment.flags & _FIN:
            yield _Piece(at, 1, "FIN", time)


def _taken(log: Sequence[Event], peer: str, kind: str, number: int, who: str) -> str:
    """Who took the number just below ``number``."""
    last = (number - 1) % 2**32
    for piece in _pieces(log, peer, kind):
        if piece.covers(last):
            return f"{who} {piece.what} at {piece.time:.3f} s took {piece.first}" + (
                f"..{last}" if piece.size > 1 else ""
            )
    return ""


def why(log: Sequence[Event], peer: str, differences: Sequence[Difference], segment: Segment) -> str:
    """One or two sentences for the first SEQ or ACK difference; empty when the log proves nothing."""
    for difference in differences:
        if difference.field == "ack":
            wanted, got = int(difference.expected), int(difference.got)
            reason = _taken(log, peer, "in", wanted, "the peer's")
            if not reason:
                return ""
            behind = (wanted - got) % 2**32 < 2**31
            missing = next((piece for piece in _pieces(log, peer, "in") if piece.covers(got)), None)
            rest = f"; the stack's ACK leaves out the {missing.what}" if behind and missing else ""
            return f"RCV.NXT must be {wanted}: {reason}{rest}"
        if difference.field == "seq":
            wanted = int(difference.expected)
            before = [event for event in log if event.segment is not segment]
            reason = _taken(before, peer, "out", wanted, "the stack's")
            return f"SND.NXT must be {wanted}: {reason}" if reason else ""
    return ""
