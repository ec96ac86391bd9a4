"""``lastack check``: judges recorded traces. The judging is C++ (``lastack._judge``); here files are chosen and
findings shown.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import Any

import click

WIDTH = 80
_SUMMED = ("packets", "connections", "violations", "inconclusive", "notes")


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="Exactly one JSON document on standard output.")
@click.option("--strict", is_flag=True, help="Violated SHOULDs count as violations.")
@click.option("--all", "show_all", is_flag=True, help="Also show inconclusive findings and notes.")
@click.option("--tap", type=click.Choice(("client", "server", "path")), help="Where it was captured.  [inferred]")
@click.option("--profile", metavar="NAME|FILE", help="What the stacks promise (lastack/profiles).  [the RFCs' values]")
def check(
    files: tuple[str, ...], as_json: bool, strict: bool, show_all: bool, tap: str | None, profile: str | None
) -> int:
    """Judge captures (pcap, pcapng; '-' is standard input) clause by clause.

    Exit status: 0 no violation, 1 violations, 4 usage, 6 unreadable input (what stands before the fault is judged).
    """
    from lastack import _judge
    from lastack.profile import ProfileError, load

    try:
        choices = load(profile) if profile else {}
        reports: list[dict[str, Any]] = [
            json.loads(_judge.check_file(name, strict=strict, tap=tap or "", profile=choices)) for name in files
        ]
    except (ProfileError, ValueError) as unusable:
        raise click.UsageError(str(unusable)) from None
    if as_json:
        click.echo(json.dumps(reports[0] if len(reports) == 1 else _merged(reports), indent=1))
    else:
        for report in reports:
            for line in _text(report, show_all):
                click.echo(line)
    for report in reports:
        for error in _errors(report):
            click.echo(f"lastack: {report['file']}: {error}", err=True)
    if any(_errors(report) for report in reports):
        return 6
    return 1 if any(report["summary"]["violations"] for report in reports) else 0


def _errors(report: dict[str, Any]) -> list[str]:
    error = report.get("error")
    if not error:
        return []
    place = f" (packet {error['packet']}, offset {error['offset']})" if error.get("packet") else ""
    return [f"{error['message']}{place}"]


def _merged(reports: list[dict[str, Any]]) -> dict[str, Any]:
    """One document for several files, in their order; findings and connections say which file they are from."""
    merged: dict[str, Any] = {"schema": reports[0]["schema"], "files": [report["file"] for report in reports]}
    merged["summary"] = {
        name: sum(report["summary"].get(name, 0) for report in reports) for name in reports[0]["summary"]
    }
    for part in ("findings", "connections"):
        merged[part] = [{"file": report["file"], **entry} for report in reports for entry in report.get(part, [])]
    merged["errors"] = [f"{report['file']}: {error}" for report in reports for error in _errors(report)]
    return merged


def _text(report: dict[str, Any], show_all: bool) -> Iterator[str]:
    if report.get("error") and report["error"].get("unreadable"):
        return
    yield f"{report['file']}:"
    for finding in report["findings"]:
        if finding["verdict"] == "violated" or show_all:
            yield from _finding(finding)
    summary = report["summary"]
    yield "  " + ", ".join(f"{summary[name]:,} {name}" for name in _SUMMED if name in summary)


def _finding(finding: dict[str, Any]) -> Iterator[str]:
    mark = "VIOLATION" if finding["verdict"] == "violated" else finding["verdict"]
    yield f"  packet {finding['packet']}  {mark} of {finding['level']}: {finding['rule']}"
    for name in ("clause", "endpoint", "expected", "actual", "why", "tap"):
        if finding.get(name):
            yield from textwrap.wrap(
                str(finding[name]),
                WIDTH,
                initial_indent=f"    {name:<9} ",
                subsequent_indent=" " * 14,
                break_on_hyphens=False,
            )
