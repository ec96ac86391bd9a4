"""The failure screen: what was violated, where, how it differs, the ladder, why, and the command that runs it again."""

from __future__ import annotations

import linecache
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lastack.errors import Difference, Mismatch
from lastack.ladder import WIDTH, Glyphs, Line, draw

if TYPE_CHECKING:
    from lastack.catalogue import Row
    from lastack.world import Event

LADDER_EVENTS = 14


@dataclass
class Failure:
    """Everything that one screen shows. ``test`` is the id without the stack."""

    test: str
    sut: str
    again: str
    error: BaseException
    path: str = ""
    line: int = 0
    rules: list[Row] = field(default_factory=list)
    log: Sequence[Event] = ()
    files: list[str] = field(default_factory=list)


def render(failure: Failure, glyphs: Glyphs, whole: bool = False) -> list[Line]:
    """The lines of the screen, 80 columns wide where the text permits; ``whole`` shows the complete ladder."""
    place = f"{Path(failure.path).name}:{failure.line}" if failure.path else ""
    title = f"FAIL {failure.test} [{failure.sut}]"
    lines = [
        Line(
            title + (place.rjust(WIDTH - len(title)) if len(title) + len(place) < WIDTH else f"\n     {place}"), "fail"
        )
    ]
    for row in failure.rules:
        level = f"a classroom note that is {row.level}" if row.table == "classroom" else row.level
        lines += _field("rule", f"{row.id} ({level}): {row.text}")
    if failure.line and (source := linecache.getline(failure.path, failure.line).strip()):
        lines += _field("line", f"{failure.line}: {source}")
    lines += _error_lines(failure.error)
    if failure.log:
        lines += draw(failure.log, glyphs, None if whole else LADDER_EVENTS)
    if isinstance(failure.error, Mismatch) and failure.error.why:
        lines += _field("why", failure.error.why)
    lines.append(Line(f" again {failure.again}"))
    lines += [Line(f" file  {name}") for name in failure.files]
    return lines


def _error_lines(error: BaseException) -> list[Line]:
    if isinstance(error, Mismatch):
        lines = _field("got", error.headline, "fail")
        for difference in error.differences:
            lines += _difference(difference)
        if error.matches:
            lines.append(Line(f"   matches: {error.matches}"))
        return lines
    text = str(error) or type(error).__name__
    if not isinstance(error, AssertionError):
        text = f"{type(error).__name__}: {text}"
    return [Line(f"   {line}", "fail") for line in text.splitlines()]


def _difference(difference: Difference) -> list[Line]:
    hint = f"   ({difference.hint})" if difference.hint else ""
    line = f"   {difference.field:<11} expected {difference.expected:<14} got {difference.got}{hint}"
    if len(line) <= WIDTH:
        return [Line(line, "fail")]
    lines = [Line(f"   {difference.field}{hint}", "fail")]
    for name, text in (("expected", difference.expected), ("got", difference.got)):
        wrapped = textwrap.wrap(text, WIDTH - 14, break_on_hyphens=False) or [""]
        lines += [Line(f"     {name if i == 0 else '':<9}{part}", "fail") for i, part in enumerate(wrapped)]
    return lines


def _field(name: str, text: str, style: str = "plain") -> list[Line]:
    wrapped = textwrap.wrap(text, WIDTH - 7, break_on_hyphens=False, break_long_words=False) or [""]
    return [Line(f" {name:<5} {wrapped[0]}", style)] + [Line(f"       {line}", style) for line in wrapped[1:]]
