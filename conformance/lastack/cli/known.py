"""``lastack known``: keeps known-issues files in step with results."""

from __future__ import annotations

import json
from pathlib import Path

import click

from lastack.errors import UsageError
from lastack.known import load


@click.group()
def known() -> None:
    """Known-issues files.

    Exit status: 0, 4 usage.
    """


@known.command()
@click.argument("results", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--sut", required=True, help="The stack whose failures are meant, as given to run --sut.")
def update(results: Path, file: Path, sut: str) -> None:
    """Bring FILE up to date with RESULTS (of run --json): drops entries that pass or match nothing, adds new failures.

    A new entry has an empty reason and evidence, and a run refuses the file until somebody has written them.

    Exit status: 0, or 4 when a file is not what it should be.
    """
    try:
        tests = json.loads(results.read_text(encoding="utf-8"))["tests"]
        outcomes = {test["test"]: test for test in tests if test["sut"] == sut}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{results} is not a results file of lastack run --json ({error})") from error
    if not outcomes:
        raise UsageError(f"{results} has no results of {sut!r}")
    listed = load(file).entries if file.exists() else {}
    kept = [
        entry
        for id_, entry in listed.items()
        if outcomes.get(id_, {}).get("outcome") in ("known", "unsupported", "skipped")
    ]
    new = [test for id_, test in outcomes.items() if test["outcome"] in ("failed", "error")]
    blocks = [_block(entry.test, entry.requirement, entry.reason, entry.evidence, entry.match) for entry in kept] + [
        _block(test["test"], ", ".join(test["requirements"]), "", "", "", str(test["message"])) for test in new
    ]
    file.write_text("\n".join([f'schema = 1\nsut = "{sut}"\n', *blocks]), encoding="utf-8")
    click.echo(
        f"{file}: {len(kept)} kept, {len(listed) - len(kept)} dropped, {len(new)} new"
        + (": write their reason and evidence" if new else "")
    )


def _block(test: str, requirement: str, reason: str, evidence: str, match: str, message: str = "") -> str:
    lines = [f"# {line}" for line in message.splitlines()[:6]] + ["[[known]]"]
    for name, value in (("test", test), ("requirement", requirement), ("reason", reason), ("evidence", evidence)):
        lines.append(f"{name} = {json.dumps(value)}")
    if match:
        lines.append(f"match = {json.dumps(match)}")
    return "\n".join(lines) + "\n"
