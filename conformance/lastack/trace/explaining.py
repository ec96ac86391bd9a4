"""The annotated ladder of ``lastack explain``: each segment, what it means in words, and the variables of both ends after it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from lastack import _judge
from lastack.errors import UsageError
from lastack.ladder import WIDTH, Glyphs, Line
from lastack.trace import ladder, screen
from lastack.trace.findings import classify, give_numbers, heading
from lastack.trace.inputs import Source
from lastack.trace.judging import Options, add_findings
from lastack.trace.relative import relative
from lastack.trace.words import Narrator, variables

_INDENT = " " * 9


def explain(source: Source, connection: int | None, limit: int, shift: bool = False) -> dict[str, Any]:
    """One document: the report, and the exchanges with ``words`` for each step; ``shift``: numbers from the ISNs on."""
    wanted = [] if connection is None else [connection]
    found: dict[str, Any] = json.loads(
        _judge.exchange(source.path, connections=wanted, max_steps=limit, advisories=True)
    )
    found["report"]["file"] = source.name
    if source.exchange:
        add_findings(found["report"], source.exchange.judge(), Options(advisories=True))
    classify(found["report"]["findings"], strict=False)
    found["report"]["findings"] = give_numbers(found["report"]["findings"])
    if connection is not None and not found["exchanges"] and not found["report"]["error"]:
        count = found["report"]["summary"]["connections"]
        raise UsageError(f"{source.name}: there is no connection {connection}, there {_are(count)}")
    for exchange in found["exchanges"]:
        exchange["names"] = [source.names.get(address, "AB"[i]) for i, address in enumerate(exchange["endpoints"])]
        if shift:
            exchange["steps"] = relative(exchange)
        narrator = Narrator(exchange["names"])
        for step in exchange["steps"]:
            step["words"] = narrator.tell(step)
    return found


def _are(count: int) -> str:
    return "is 1" if count == 1 else f"are {count}"


def render(found: Mapping[str, Any], source: Source, glyphs: Glyphs, connection: int | None) -> Iterator[Line]:
    """The lines."""
    report = found["report"]
    for exchange in found["exchanges"]:
        remarks = _remarks(report, exchange["connection"])
        yield from _exchange(exchange, source, glyphs, remarks)
        yield Line("")
    if connection is None:
        yield from screen.render({**report, "findings": []}, source, Options(), glyphs)


def _remarks(report: Mapping[str, Any], connection: int) -> dict[int, list[Line]]:
    """What the judge says, by packet."""
    remarks: dict[int, list[Line]] = {}
    for finding in report["findings"]:
        if finding["connection"] == connection:
            title, style = heading(finding)
            # Violations have the same numbers as in `lastack check`; those of the others depend on what is asked for.
            name = f"{title} #{finding['number']}" if finding["kind"] == "violation" else title
            text = (
                f"<== {name} {finding['rule']} ({finding['clause']}): expected {finding['expected']}; {finding['why']}"
            )
            remarks.setdefault(finding["packet"], []).append(Line(text, style))
    return remarks


def _exchange(
    exchange: Mapping[str, Any], source: Source, glyphs: Glyphs, remarks: Mapping[int, list[Line]]
) -> Iterator[Line]:
    steps, names = exchange["steps"], exchange["names"]
    if not steps:
        return
    who = [name if source.names else f"{name} = {end}" for name, end in zip(names, exchange["endpoints"])]
    yield Line(f"connection {exchange['connection']}: {who[0]} (left) and {who[1]} (right)", "head")
    uncertain = False
    time_of = ladder.clock(steps)
    for step in steps:
        notes = remarks.get(step["packet"], [])
        yield ladder.segment_line(step, time_of(step["time"]), glyphs, notes[0].style if notes else "plain")
        for sentence in step["words"]:
            yield from _wrapped(sentence, "plain")
        for name, end in zip(names, step["ends"]):
            state = ladder.state_text(end)
            uncertain |= state.endswith("?")
            yield from _wrapped(f"{name} {state} {variables(end)}", "state", hanging=2)
        for note in notes:
            yield from _wrapped(note.text, note.style)
    if exchange["omitted"]:
        yield Line(f"{_INDENT}{exchange['omitted']:,} more segments (--limit shows more)", "dim")
    if uncertain:
        yield Line(f"{_INDENT}{ladder.UNCERTAIN}; the capture does not show it yet", "dim")


def _wrapped(text: str, style: str, hanging: int = 0) -> Iterator[Line]:
    parts = textwrap.wrap(
        text,
        WIDTH,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT + " " * hanging,
        break_on_hyphens=False,
    )
    return (Line(part, style) for part in parts)
