"""``lastack list``: which scenarios there are."""

from __future__ import annotations

import click

from lastack.cli.pytest_process import run_pytest


@click.command("list", short_help="List scenarios.")
@click.argument("selectors", nargs=-1)
@click.option("--req", multiple=True, metavar="ID", help="Only scenarios of this requirement or family.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def list_scenarios(selectors: tuple[str, ...], req: tuple[str, ...], as_json: bool) -> int:
    """List scenarios with their requirements and first line of documentation.

    Exit status: 0, 1 a file cannot be collected, 4 usage, 5 nothing selected.
    """
    listing = "json" if as_json else "text"
    return run_pytest(selectors, [f"--list-scenarios={listing}", *[f"--req={value}" for value in req]])
