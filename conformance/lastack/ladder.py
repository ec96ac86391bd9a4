"""Draws an exchange as a ladder: peer on the left, stack on the right, the stack's state after each event. 80 columns.

Pure text in, pure text out: each line comes with the name of a style, and whoever prints it decides on colour.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lastack.world import Event

WIDTH = 80
_ARROW = 44


class Line(NamedTuple):
    """A line of text and its style: "plain", "fail", "warn", "dim", "state" or "head"."""

    text: str
    style: str = "plain"


class Glyphs(NamedTuple):
    """What arrows are made of."""

    dash: str
    right: str
    left: str
    lost: str
    more: str


UNICODE = Glyphs("─", "▶", "◀", "✗", "…")
ASCII = Glyphs("-", ">", "<", "X", "~")


def glyphs_for(encoding: str | None) -> Glyphs:
    """Arrows that a stream of this encoding can show."""
    try:
        "".join(UNICODE).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE


def draw(log: Sequence[Event], glyphs: Glyphs = ASCII, last: int | None = None) -> list[Line]:
    """The lines of a ladder; with ``last`` only the last so many events, and a line that says how many are hidden."""
    hidden = max(0, len(log) - last) if last is not None else 0
    several = len({event.peer for event in log if event.peer}) > 1
    lines = [Line(f"{'t/s':>8}  {'PEER (scenario)':<{_ARROW - 3}}SUT {'':<12}{'RCV.NXT':>10}", "head")]
    if hidden:
        lines.append(Line(f"{'':10}{hidden} earlier events are not shown (-v shows all)", "dim"))
    for event in log[hidden:]:
        lines.extend(_lines(event, glyphs, several))
    return lines


def _lines(event: Event, glyphs: Glyphs, several: bool) -> Iterator[Line]:
    style = "fail" if event.failed else "plain"
    text = f":{event.peer} {event.text}" if several and event.peer else event.text
    time = f"{event.time:8.3f}  "
    if event.kind == "note":
        yield Line(f"{time}* {event.text}"[:WIDTH], "dim")
        return
    if event.kind == "call":
        middle = _cut(f"[user] {text}", _ARROW, glyphs).rjust(_ARROW)
    else:
        middle = _arrow(event, text, glyphs)
    rcv_nxt = "" if event.rcv_nxt is None else str(event.rcv_nxt)
    yield Line(f"{time}{middle} {event.state:<13}{rcv_nxt:>11}".rstrip(), style)
    remarks = [event.note] if event.note else []
    if event.failed:
        remarks.append("<== FAIL")
    if remarks:
        yield Line(f"{'':12}" + "  ".join(remarks), style if event.failed else "dim")


def _arrow(event: Event, text: str, glyphs: Glyphs) -> str:
    room = _ARROW - 6
    label = f" {shorter(text, room, glyphs)} "
    body = label.center(_ARROW - 2, glyphs.dash)
    if event.kind == "in":
        return f"{glyphs.dash}{body}{glyphs.right}"
    head = glyphs.lost if event.note == "lost" or event.note.startswith("expected,") else glyphs.left
    return f"{head}{body}{glyphs.dash}"


def shorter(text: str, room: int, glyphs: Glyphs) -> str:
    """Leaves out what a reader misses least: first what the options are, then the window, then the end."""
    if len(text) > room:
        text = re.sub(r"<.*>", f"<{glyphs.more}>", text)
    if len(text) > room:
        text = re.sub(r" win=\d+", "", text)
    return _cut(text, room, glyphs)


def _cut(text: str, room: int, glyphs: Glyphs) -> str:
    return text if len(text) <= room else text[: room - 1] + glyphs.more
