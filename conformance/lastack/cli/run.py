"""``lastack run``: scenarios against stacks."""

from __future__ import annotations

import click

from lastack.cli.pytest_process import run_pytest


@click.command()
@click.argument("selectors", nargs=-1)
@click.option(
    "--sut",
    multiple=True,
    metavar="SUT",
    help="core (default), lwip, linux, smoltcp, so:PATH or cmd:COMMAND; repeatable.",
)
@click.option("--known", multiple=True, metavar="FILE", help="Known-issues file; 'none' leaves out the shipped ones.")
@click.option("--strict", is_flag=True, help="SHOULD failures are failures.")
@click.option("--req", multiple=True, metavar="ID", help="Only scenarios of this requirement or family.")
@click.option("--json", "results", metavar="FILE", help="Write all outcomes as JSON.")
@click.option("--junit", metavar="FILE", help="Write JUnit XML.")
@click.option("--report", metavar="DIR", help="Write a pcapng file for each failing scenario.")
@click.option(
    "--max-wait", type=float, default=3.0, show_default=True, help="Longest real wait, seconds, without virtual time."
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Processes; each has its own stack. For stacks on a wall clock.",
)
@click.option("--wire", is_flag=True, help="Show the stack's own sequence numbers.")
@click.option("-x", "--exitfirst", is_flag=True, help="Stop at the first failure.")
@click.option("-v", "--verbose", is_flag=True, help="One line for each scenario; whole ladders.")
def run(
    selectors: tuple[str, ...],
    sut: tuple[str, ...],
    known: tuple[str, ...],
    strict: bool,
    req: tuple[str, ...],
    results: str | None,
    junit: str | None,
    report: str | None,
    max_wait: float,
    jobs: int,
    wire: bool,
    exitfirst: bool,
    verbose: bool,
) -> int:
    """Run scenarios. SELECTORS: files, folders, test ids, parts of ids, or requirement ids; all scenarios without one.

    Exit status: 0 as expected, 1 unexpected failure or stale known issue, 4 usage, 5 nothing selected, 6 stack not
    usable.
    """
    options = [f"--max-wait={max_wait}"]
    if jobs > 1:
        options += [f"--numprocesses={jobs}"]
    for name, values in (("--known", known), ("--req", req)):
        options += [f"{name}={value}" for value in values]
    for name, value in (("--results", results), ("--junitxml", junit), ("--report", report)):
        options += [f"{name}={value}"] if value else []
    options += [
        flag for flag, on in (("--strict-should", strict), ("--wire", wire), ("-x", exitfirst), ("-vv", verbose)) if on
    ]
    return run_pytest(selectors, options, sut or ("core",))
