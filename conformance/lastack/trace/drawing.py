"""Lays out a recorded exchange as a picture: rows with positions and texts, which the page's template turns into SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lastack.trace.ladder import clock, states

LEFT, RIGHT, WIDE = 330, 820, 1030
_ROW, _SLANT, _TOP, _NOTE = 36, 10, 58, 18


@dataclass
class Row:
    """A segment: where its arrow begins and ends, and what stands around it."""

    packet: int
    time: str
    text: str
    begin: tuple[int, int]
    end: tuple[int, int]
    states: tuple[str, str]
    changed: tuple[bool, bool]
    hint: str
    skipped: int = 0
    style: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def middle(self) -> int:
        """Where the text over the arrow stands."""
        return (self.begin[1] + self.end[1]) // 2 - 7


@dataclass
class Picture:
    """A ladder as SVG."""

    endpoints: Sequence[str]
    rows: list[Row]
    height: int
    left: int = LEFT
    right: int = RIGHT
    width: int = WIDE


def picture(
    steps: Sequence[Mapping[str, Any]], endpoints: Sequence[str], notes: Mapping[int, tuple[str, str]]
) -> Picture:
    """``notes``: style and text by packet number."""
    rows: list[Row] = []
    known = ("", "")
    y = _TOP
    time_of = clock(steps)
    for step in steps:
        y += _NOTE if step["skipped"] else 0
        now = states(step)
        ends = (LEFT, RIGHT) if step["from"] == 0 else (RIGHT, LEFT)
        style, note = notes.get(step["packet"], ("", ""))
        rows.append(
            Row(
                packet=step["packet"],
                time=time_of(step["time"]),
                text=step["text"],
                begin=(ends[0], y),
                end=(ends[1], y + _SLANT),
                states=now,
                changed=(now[0] != known[0], now[1] != known[1]),
                hint="\n".join(_variables(name, end) for name, end in zip(endpoints, step["ends"])),
                skipped=step["skipped"],
                style=style,
                notes=[note] if note else [],
            )
        )
        known = now
        y += _ROW + (_NOTE if note else 0)
    return Picture(endpoints, rows, y)


def _variables(name: str, end: Mapping[str, Any]) -> str:
    shown = [
        f"{label}={end[key]}"
        for label, key in (("SND.UNA", "snd_una"), ("SND.NXT", "snd_nxt"), ("RCV.NXT", "rcv_nxt"))
        if end[key] is not None
    ]
    return f"{name}: {end['state']} {' '.join(shown)}"
