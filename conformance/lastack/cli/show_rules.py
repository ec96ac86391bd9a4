"""``lastack rules``: what the judge checks."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import click

from lastack.errors import UsageError, meant
from lastack.ladder import WIDTH, Line

if TYPE_CHECKING:
    from lastack.catalogue import Row

_CLASSES = {
    "A": "sound anywhere: loss, duplication and reordering do not matter",
    "P": "sound on the path as long as the capture has no gaps",
    "E": "sound at the endpoint's own tap",
    "S": "statistical: a note, never a violation",
}
_LEVELS = {"must": ("MUST", "MUST NOT", "SPEC"), "should": ("SHOULD", "SHOULD NOT")}


@click.command(short_help="What the judge checks.")
@click.argument("texts", nargs=-1, metavar="[ID]...")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--level", type=click.Choice(tuple(_LEVELS)), help="must: also MUST NOT and plain specification text.")
@click.option("--class", "soundness", type=click.Choice(tuple(_CLASSES)), help="Where a rule is sound.")
def rules(texts: tuple[str, ...], as_json: bool, level: str | None, soundness: str | None) -> None:
    """Print the judge's rules; one rule's clause and reasons with its ID.

    ID: a rule's id, or a part of ids or clauses.

    \b
    Exit status: 0, or 4 when no rule is meant.
    """
    from lastack import _judge, catalogue

    every = _judge.rules()
    chosen = [rule for rule in every if rule["id"] in texts] or [
        rule
        for rule in every
        if not texts or any(text.lower() in f"{rule['id']} {rule['clause']}".lower() for text in texts)
    ]
    chosen = [
        rule
        for rule in chosen
        if (level is None or rule["level"] in _LEVELS[level]) and soundness in (None, rule["soundness"])
    ]
    if not chosen:
        hint = meant(texts[0], (rule["id"] for rule in every)) if texts else ""
        raise UsageError(f"no rule is meant by this{hint or '; lastack rules prints all'}")
    if as_json:
        rows = catalogue.load()
        entries: list[dict[str, object]] = [
            {**dict[str, object](rule), "requirements": [row.id for row in _rows_of(rule, rows)]} for rule in chosen
        ]
        click.echo(json.dumps({"schema": 1, "rules": entries}, indent=1))
        return
    from lastack.trace.terminal import Printer

    whole = len(chosen) <= len(texts)
    Printer().print(_details(chosen, catalogue.load()) if whole else _table(chosen))


def _table(chosen: list[dict[str, str]]) -> Iterator[Line]:
    yield Line(f"{'rule':<30} {'level':<10} {'class':<6}clause", "head")
    for rule in chosen:
        clause = textwrap.wrap(rule["clause"], WIDTH - 48, break_on_hyphens=False) or [""]
        yield Line(f"{rule['id']:<30} {rule['level']:<10} {rule['soundness']:<6}{clause[0]}", "state")
        yield from (Line(f"{'':48}{part}", "state") for part in clause[1:])
        for part in textwrap.wrap(rule["text"], WIDTH - 4):
            yield Line(f"    {part}")
    yield Line("")
    yield Line(f"{len(chosen)} rules; lastack rules ID shows one with its requirements. Classes:", "head")
    for letter, text in _CLASSES.items():
        yield Line(f"  {letter}  {text}")


def _details(chosen: list[dict[str, str]], rows: Mapping[str, Row]) -> Iterator[Line]:
    for rule in chosen:
        yield Line(rule["id"], "head")
        sound = f"{rule['soundness']}, {_CLASSES.get(rule['soundness'], '')}"
        for name, text in (
            ("requires", rule["text"]),
            ("clause", rule["clause"]),
            ("level", rule["level"]),
            ("class", sound),
        ):
            yield from _field(name, text)
        for row in _rows_of(rule, rows):
            yield from _field("row", f"{row.id} ({row.level}, {row.section}): {row.text}")
        yield Line("")


def _field(name: str, text: str) -> Iterator[Line]:
    for i, part in enumerate(textwrap.wrap(text, WIDTH - 12, break_on_hyphens=False) or [""]):
        yield Line(f"  {name if i == 0 else '':<9} {part}")


def _rows_of(rule: Mapping[str, str], rows: Mapping[str, Row]) -> list[Row]:
    """The catalogue's rows that the clause names."""
    from lastack.citations import REQUIREMENT_ID

    return [rows[id_] for id_ in REQUIREMENT_ID.findall(rule["clause"]) if id_ in rows]
