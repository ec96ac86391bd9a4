"""``lastack check``: judges recorded traces. Here the options are read and the exit status is decided; judging, showing
and writing are in ``lastack.trace``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from lastack.errors import UsageError
from lastack.ladder import Line

if TYPE_CHECKING:
    from lastack.trace.inputs import Inputs, Source
    from lastack.trace.judging import Options, Report

OK, VIOLATIONS, INTERRUPTED, UNREADABLE = 0, 1, 2, 6


class Rules(click.ParamType):
    """Rule ids with commas between them."""

    name = "rules"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """The ids."""
        if isinstance(value, tuple):
            return value
        return tuple(word.strip() for word in str(value).split(",") if word.strip())

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Rule ids; after a comma the next one."""
        from lastack import _judge

        done, comma, begun = incomplete.rpartition(",")
        return [CompletionItem(done + comma + rule["id"]) for rule in _judge.rules() if rule["id"].startswith(begun)]


_OUT = click.Path(dir_okay=False)


@click.command(short_help="Judge captures: who violated which clause.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="Exactly one JSON document on standard output.")
@click.option("--html", type=_OUT, metavar="OUT", help="Write one static page with ladders.")
@click.option("--pcapng", type=_OUT, metavar="OUT", help="Write the capture with findings as packet comments.")
@click.option("--junit", type=_OUT, metavar="OUT", help="Write JUnit XML.")
@click.option("--as-scenario", type=click.IntRange(1), metavar="N", help="Print finding N as a scenario (lastack run).")
@click.option("--rules", type=Rules(), default=(), metavar="ID,...", help="Only these rules (see lastack rules).")
@click.option("--skip-rules", type=Rules(), default=(), metavar="ID,...", help="None of these rules.")
@click.option("--level", type=click.Choice(("must", "should")), default="must", help="should: advice too.  [must]")
@click.option("--strict", is_flag=True, help="Violated SHOULDs count as violations.")
@click.option("--tap", type=click.Choice(("client", "server", "path")), help="Where it was captured.  [inferred]")
@click.option("--profile", metavar="NAME|FILE", help="What the stacks promise (lastack/profiles).  [the RFCs' values]")
@click.option("--jobs", type=click.IntRange(1), default=1, metavar="N", help="Captures judged at a time.  [1]")
@click.option(
    "-v", "--verbose", "--all", "verbose", count=True, help="Inconclusive findings, notes, all connections too."
)
def check(
    files: tuple[str, ...],
    as_json: bool,
    html: str | None,
    pcapng: str | None,
    junit: str | None,
    as_scenario: int | None,
    rules: tuple[str, ...],
    skip_rules: tuple[str, ...],
    level: str,
    strict: bool,
    tap: str | None,
    profile: str | None,
    jobs: int,
    verbose: int,
) -> int:
    """Judge captures clause by clause: who violated what, in which packet, why.

    FILE: a capture (pcap, pcapng; also packed), a directory of captures, a
    pattern such as 'traces/*.pcap', '-' for standard input, or segments
    written as text (lastack explain --help).

    \b
    Exit status:
      0  no violation
      1  violations
      2  interrupted: what was judged until then is shown
      4  usage
      6  unreadable input. It wins over 1, because not everything was judged;
         what stands before the damage was, and is shown.
    """
    from lastack.trace import judging
    from lastack.trace.inputs import Inputs

    options = judging.Options(
        rules, skip_rules, level == "should" or strict, strict, tap=tap or "", profile=_profile(profile)
    )
    options.check()
    for out in (html, pcapng, junit):
        _writable(out)
    with Inputs(files) as inputs, judging.Interrupts() as interrupts:
        if pcapng:
            _one_other_file(inputs.sources, pcapng)
        screen = None if as_json or as_scenario else _Screen(inputs, options, verbose)
        reports = []
        for report in judging.judge(inputs.sources, options, jobs, True, interrupts):
            reports.append(report)
            if screen:
                screen.show(report)
        if as_scenario:
            return _print_scenario(reports, inputs, options, as_scenario)
        if screen:
            screen.finish(reports)
        else:
            click.echo(json.dumps(judging.document(reports), indent=1))
        _write(reports, inputs, options, html, pcapng, junit)
        for report in reports:
            if report["error"]:
                _complain(f"{report['file']}: {judging.error_text(report['error'])}")
        return _status(reports, interrupts.seen or inputs.interrupted)


def _profile(name: str | None) -> dict[str, float]:
    from lastack.profile import ProfileError, load

    try:
        return load(name) if name else {}
    except ProfileError as error:
        raise UsageError(str(error)) from None


def _status(reports: Sequence[Report], interrupted: bool) -> int:
    if interrupted:
        _complain("interrupted")
        return INTERRUPTED
    if any(report["error"] for report in reports):
        return UNREADABLE
    return VIOLATIONS if any(report["summary"]["violations"] for report in reports) else OK


def _complain(text: str) -> None:
    from lastack.trace.terminal import printable

    click.echo(f"lastack: {printable(text)}", err=True)


def _writable(out: str | None) -> None:
    """Before a long run: can this be written? What is there stays until then."""
    if out:
        try:
            with open(out, "ab"):
                pass
        except OSError as error:
            raise UsageError(f"cannot write {out}: {error.strerror}") from error


def _one_other_file(sources: Sequence[Source], out: str) -> None:
    if len(sources) != 1:
        raise UsageError(f"--pcapng takes one capture, not {len(sources)}")
    if os.path.exists(sources[0].path) and os.path.samefile(sources[0].path, out):
        raise UsageError(f"--pcapng {out} would overwrite the capture")


def _write(
    reports: Sequence[Report], inputs: Inputs, options: Options, html: str | None, pcapng: str | None, junit: str | None
) -> None:
    sources = inputs.by_name()
    try:
        if html:
            from lastack.trace import page

            Path(html).write_text(page.render(reports, sources, options), encoding="utf-8")
        if junit:
            from lastack.trace import junit as xml

            Path(junit).write_bytes(xml.render(reports))
        if pcapng and reports and not (reports[0]["error"] or {}).get("unreadable"):
            from lastack.trace import comments

            comments.annotate(reports[0], inputs.sources[0], pcapng)
    except (OSError, RuntimeError) as error:
        raise UsageError(f"cannot write: {error}") from error


def _print_scenario(reports: Sequence[Report], inputs: Inputs, options: Options, number: int) -> int:
    from lastack.trace import scenario

    found = [(report, finding) for report in reports for finding in report["findings"]]
    if number > len(found):
        raise UsageError(f"there is no finding {number}: there {'is' if len(found) == 1 else 'are'} {len(found)}")
    report, finding = found[number - 1]
    click.echo(scenario.of_finding(inputs.by_name()[report["file"]], finding, options), nl=False)
    return OK


class _Screen:
    """Shows each report as soon as it is there, and the sum of several."""

    def __init__(self, inputs: Inputs, options: Options, verbose: int) -> None:
        from lastack.trace.terminal import Printer

        self._sources = inputs.by_name()
        self._options = options
        self._verbose = verbose
        self._printer = Printer()
        self._next = 1

    def show(self, report: Report) -> None:
        """One capture."""
        from lastack.trace import screen

        if not (report["error"] or {}).get("unreadable"):
            source = self._sources[report["file"]]
            brief = len(self._sources) > 1
            glyphs = self._printer.glyphs
            self._printer.print(screen.render(report, source, self._options, glyphs, self._verbose, self._next, brief))
        self._next += len(report["findings"])

    def finish(self, reports: Sequence[Report]) -> None:
        """The sum."""
        from lastack.trace import judging, screen

        if len(reports) > 1:
            summary = judging.document(reports)["summary"]
            style = "fail" if summary["violations"] else "head"
            self._printer.print([Line(""), Line(f"{len(reports)} files: {screen.totals(summary)}", style)])
