"""``lastack coverage``: which requirements have code and a test, or a reasoned exception."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence

import click

from lastack import catalogue
from lastack.cli.pytest_process import child_environment, command_line
from lastack.errors import UsageError, meant

COLUMNS = ("rows", "covered", "excepted", "missing")


def _collected() -> dict[str, list[str]]:
    """The requirements of every scenario, from pytest's own collection."""
    words = command_line((), ["--list-scenarios=json"])
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=child_environment())
    try:
        return {entry["test"]: entry["requirements"] for entry in json.loads(done.stdout)["scenarios"]}
    except (ValueError, KeyError) as error:
        raise UsageError(f"the scenarios cannot be collected: {(done.stderr or done.stdout).strip()[-500:]}") from error


def _counts(table: Sequence[catalogue.Coverage]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for entry in table:
        row = counts.setdefault(entry.row.table, dict.fromkeys(COLUMNS, 0))
        row["rows"] += 1
        row[entry.status] += 1
    return counts


def _total(counts: dict[str, dict[str, int]]) -> dict[str, int]:
    return {column: sum(row[column] for row in counts.values()) for column in COLUMNS}


def _document(table: Sequence[catalogue.Coverage], unknown: Sequence[str]) -> dict[str, object]:
    counts = _counts(table)
    return {
        "schema": 2,
        "total": _total(counts),
        "tables": counts,
        "missing": [{"id": e.row.id, "lacks": e.lacks} for e in table if e.status == "missing"],
        "rows": [
            {
                "id": e.row.id,
                "file": f"conformance/catalogue/{e.row.table}.tsv",
                "level": e.row.level,
                "status": e.status,
                "code": e.code,
                "tests": e.tests,
                "exception": e.exception,
            }
            for e in table
        ],
        "unknown": list(unknown),
    }


def _line(name: str, row: dict[str, int]) -> str:
    return f"{name:<26}" + "".join(f"{row[column]:>10}" for column in COLUMNS)


def _print_row(entry: catalogue.Coverage) -> None:
    row = entry.row
    click.echo(f"{row.id} ({row.level}, {row.table}.tsv, section {row.section}): {entry.status}")
    click.echo(f"  {row.text}")
    for what, places in (("code", entry.code), ("test", entry.tests)):
        for place in places:
            click.echo(f"  {what}  {place}")
    if entry.exception is not None:
        click.echo(f"  exception: {entry.exception}")


def _print_table(table: Sequence[catalogue.Coverage]) -> None:
    counts = _counts(table)
    click.echo(f"{'conformance/catalogue':<26}" + "".join(f"{column:>10}" for column in COLUMNS))
    for name, row in counts.items():
        click.echo(_line(f"{name}.tsv", row))
    click.echo(_line("all", _total(counts)))


@click.command(short_help="Which requirements have a test.")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, with every row.")
@click.option("--missing", is_flag=True, help="List the rows that lack code or a test and have no exception.")
@click.option("--excepted", is_flag=True, help="List the exceptions with their reasons.")
@click.option("--strict", is_flag=True, help="Exit with 1 when a row is missing.")
def coverage(ids: tuple[str, ...], as_json: bool, missing: bool, excepted: bool, strict: bool) -> int:
    """Print the requirement table: what has code and a test, what is excepted, what is missing.

    With an ID, for example MUST-59: where that row has its code and its tests.

    Exit status: 0, 1 a row is missing (with --strict), 4 usage.
    """
    try:
        table, unknown = catalogue.coverage(scenarios=_collected())
    except SyntaxError as error:
        raise UsageError(f"{error.filename}:{error.lineno}: {error.msg}") from error
    by_id = {entry.row.id: entry for entry in table}
    if strange := [id_ for id_ in ids if id_ not in by_id]:
        raise UsageError(f"no row of conformance/catalogue has the id {strange[0]}{meant(strange[0], by_id)}")
    if as_json:
        click.echo(json.dumps(_document(table, unknown), indent=1))
    elif ids:
        for id_ in ids:
            _print_row(by_id[id_])
    else:
        _print_table(table)
        for entry in table:
            if missing and entry.status == "missing":
                click.echo(f"  {entry.row.id} lacks {' and '.join(entry.lacks)}: {entry.row.text}")
            if excepted and entry.status == "excepted":
                click.echo(f"  {entry.row.id}: {entry.exception}")
        for text in unknown:
            click.echo(f"unknown id: {text}")
    return 1 if strict and (unknown or any(entry.status == "missing" for entry in table)) else 0
