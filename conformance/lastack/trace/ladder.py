"""Draws a recorded exchange (``lastack._judge.exchange``) as a ladder: the two endpoints left and right, a line for each
segment, and the states of both ends below it when they change. 80 columns; numbers are those of the wire.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lastack.ladder import WIDTH, Glyphs, Line, shorter
from lastack.trace.numbers import fitting

LEFT = 17
_ROOM = WIDTH - LEFT
_FINE_S = 0.005
UNCERTAIN = "? = if every segment arrived"

Step = Mapping[str, Any]


def state_text(end: Mapping[str, Any]) -> str:
    """The state of an end if everything arrived; a question mark where the capture leaves others open."""
    possible = str(end["state"]).split("|")
    # They stand in the order of a connection's life: of many the latest says most.
    text = " or ".join(possible if len(possible) < 3 else possible[-1:])
    return text + ("" if end["state"] == end["possible"] and len(possible) < 3 else "?")


def states(step: Step) -> tuple[str, str]:
    """Of both ends, after a step."""
    return state_text(step["ends"][0]), state_text(step["ends"][1])


def clock(steps: Sequence[Step]) -> Callable[[float], str]:
    """How to write times of these steps, from the first one: seconds, or microseconds where those show nothing."""
    start = steps[0]["time"] if steps else 0.0
    fine = bool(steps) and steps[-1]["time"] - start < _FINE_S
    return lambda time: f"{(time - start) * 1e6:.0f}us" if fine else f"{time - start:.3f}"


def draw(
    steps: Sequence[Step],
    endpoints: Sequence[str],
    glyphs: Glyphs,
    remarks: Mapping[int, Sequence[Line]] | None = None,
    wanted: frozenset[str] = frozenset(),
) -> list[Line]:
    """The lines of a ladder. ``remarks`` by packet number stand below that packet, which has their first one's style;
    ``wanted`` are the fields that are to be seen where not all have room.
    """
    remarks = remarks or {}
    time_of = clock(steps)
    space = _ROOM - len(endpoints[0]) - len(endpoints[1])
    head = f"{'packet':>7} {'time':>7}  {endpoints[0]}" + (f"{'':{space}}{endpoints[1]}" if space > 0 else "")
    lines = [Line(head, "head")] + ([] if space > 0 else [Line(endpoints[1].rjust(WIDTH), "head")])
    known: tuple[str, str] | None = None
    for step in steps:
        if step["skipped"]:
            many = "" if step["skipped"] == 1 else "s"
            lines.append(Line(f"{'':{LEFT}}{step['skipped']} segment{many} not shown".rstrip(), "dim"))
        notes = remarks.get(step["packet"], ())
        lines.append(segment_line(step, time_of(step["time"]), glyphs, notes[0].style if notes else "plain", wanted))
        now = states(step)
        if now != known:
            lines.append(_states_line(now))
            known = now
        lines.extend(Line(f"{'':{LEFT}}{note.text}"[:WIDTH], note.style) for note in notes)
    if any("?" in line.text for line in lines if line.style == "state"):
        lines.append(Line(f"{'':{LEFT}}{UNCERTAIN}", "dim"))
    return lines


def segment_line(
    step: Step, time: str, glyphs: Glyphs, style: str = "plain", wanted: frozenset[str] = frozenset()
) -> Line:
    """The line of one segment."""
    return Line(f"{step['packet']:>7} {time:>7}  {_arrow(step, glyphs, wanted)}", style)


def _states_line(both: tuple[str, str]) -> Line:
    left, right = both
    space = _ROOM - len(left) - len(right)
    return Line(f"{'':{LEFT}}{left}{'':{max(space, 1)}}{right}", "state")


def _arrow(step: Step, glyphs: Glyphs, wanted: frozenset[str]) -> str:
    room = _ROOM - 6
    text = fitting(step["text"] + _damage(step), room, glyphs.more, wanted)
    label = f" {shorter(text, room, glyphs)} "
    body = label.center(_ROOM - 2, glyphs.dash)
    return f"{glyphs.dash}{body}{glyphs.right}" if step["from"] == 0 else f"{glyphs.left}{body}{glyphs.dash}"


def _damage(step: Step) -> str:
    if step["malformed"]:
        return " (malformed)"
    return " (wrong checksum)" if step["checksum"] == "wrong" else ""


def mentioned(finding: Mapping[str, Any]) -> set[int]:
    """The packets that a finding speaks of, its own among them."""
    return {finding["packet"], *(int(number) for number in re.findall(r"\bpacket (\d+)", finding["why"]))}


def around(
    exchange: Mapping[str, Any], finding: Mapping[str, Any], before: int, after: int, names: Mapping[str, str]
) -> tuple[list[Step], list[str]]:
    """The steps of an exchange around a finding's packet, with those that the reason speaks of, and what the endpoints
    are called.
    """
    steps: list[Step] = exchange["steps"]
    endpoints = [names.get(address, address) for address in exchange["endpoints"]]
    at = next((i for i, step in enumerate(steps) if step["packet"] == finding["packet"]), None)
    if at is None:
        return [], endpoints
    wanted = mentioned(finding)
    shown: list[Step] = []
    place = last = 0
    for i, step in enumerate(steps):
        place += step["skipped"] + 1
        if at - before <= i <= at + after or step["packet"] in wanted:
            shown.append({**step, "skipped": place - last - 1})
            last = place
    return shown, endpoints
