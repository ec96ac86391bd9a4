"""``lastack coverage``: which requirements have code, a test or a reasoned exception."""

from __future__ import annotations

import json
import subprocess

import click

from lastack import catalogue
from lastack.cli.pytest_process import child_environment, command_line
from lastack.errors import UsageError


def _collected() -> dict[str, list[str]]:
    """The requirements of every scenario, from pytest's own collection."""
    words = command_line((), ["--list-scenarios=json"])
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=child_environment())
    try:
        return {entry["test"]: entry["requirements"] for entry in json.loads(done.stdout)["scenarios"]}
    except (ValueError, KeyError) as error:
        raise UsageError(f"the scenarios cannot be collected: {(done.stderr or done.stdout).strip()[-500:]}") from error


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--missing", is_flag=True, help="List the rows that have neither test nor exception.")
def coverage(as_json: bool, missing: bool) -> None:
    """Print how many rows of the requirement catalogue are covered, excepted and missing."""
    try:
        table, unknown = catalogue.coverage(scenarios=_collected())
    except SyntaxError as error:
        raise UsageError(f"{error.filename}:{error.lineno}: {error.msg}") from error
    counts: dict[str, dict[str, int]] = {}
    for entry in table:
        row = counts.setdefault(entry.row.table, {"rows": 0, "covered": 0, "excepted": 0, "code": 0, "missing": 0})
        row["rows"] += 1
        row[entry.status] += 1
    open_rows = [entry.row for entry in table if entry.status in ("missing", "code")]
    if as_json:
        click.echo(
            json.dumps(
                {"schema": 1, "tables": counts, "missing": [row.id for row in open_rows], "unknown": unknown}, indent=1
            )
        )
        return
    click.echo(f"{'table':<22}{'rows':>6}{'covered':>9}{'excepted':>10}{'code only':>11}{'missing':>9}")
    for name, row in counts.items():
        click.echo(
            f"{name:<22}{row['rows']:>6}{row['covered']:>9}{row['excepted']:>10}{row['code']:>11}{row['missing']:>9}"
        )
    if missing:
        for requirement in open_rows:
            click.echo(f"  {requirement.id} ({requirement.level}, {requirement.section}): {requirement.text}")
    for text in unknown:
        click.echo(f"unknown id: {text}")
