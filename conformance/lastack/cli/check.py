"""``lastack check``: judges recorded traces. Here the options are read and the exit status is decided; judging, showing
and writing are in ``lastack.trace``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from lastack.errors import NoInput, UsageError
from lastack.ladder import Line

if TYPE_CHECKING:
    from lastack.trace.inputs import Inputs
    from lastack.trace.judging import Options, Report
    from lastack.trace.outputs import Output

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
@click.option(
    "--as-scenario", type=click.IntRange(1), metavar="N", help="Print finding #N as a scenario (lastack run)."
)
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

    Findings have the same number everywhere (screen, --json, --html, --junit,
    --pcapng, --as-scenario): violations are #1, #2, ... over all FILEs; after
    them come SHOULDs (--level should), inconclusive findings and notes (-v).

    OUT is written when everything was judged; an older one stays until then,
    and whenever the command ends with 3 or 4.

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
    from lastack.trace.outputs import Output, check_apart

    options = judging.Options(
        rules, skip_rules, level == "should" or strict, strict, tap=tap or "", profile=_profile(profile)
    )
    options.check()
    outputs = [Output(f"--{kind}", out) for kind, out in (("html", html), ("junit", junit), ("pcapng", pcapng)) if out]
    if as_json and as_scenario:
        raise UsageError("--json and --as-scenario both want standard output: choose one")
    with Inputs(files) as inputs, judging.Interrupts() as interrupts:
        if pcapng and len(inputs.sources) != 1:
            raise UsageError(f"--pcapng takes one capture, not {len(inputs.sources)}")
        check_apart(outputs, (path for source in inputs.sources for path in (source.name, source.path)))
        screen = None if as_json or as_scenario else _Screen(inputs, options, verbose)
        reports = []
        for report in judging.judge(inputs.sources, options, jobs, True, interrupts):
            reports.append(report)
            if screen:
                screen.show(report)
        document = judging.document(reports)
        if screen:
            screen.finish(reports)
        elif as_json:
            click.echo(json.dumps(document, indent=1))
        for error in document["errors"]:
            _complain(error)
        for output in outputs:
            _write(output, reports, inputs, options)
        if as_scenario:
            return _print_scenario(document, inputs, options, as_scenario)
        return _status(document, interrupts.seen or inputs.interrupted)


def _profile(name: str | None) -> dict[str, float]:
    from lastack.profile import ProfileError, load

    try:
        return load(name) if name else {}
    except ProfileError as error:
        raise UsageError(str(error)) from None


def _status(document: Report, interrupted: bool) -> int:
    if interrupted:
        _complain("interrupted")
        return INTERRUPTED
    if document["errors"]:
        return UNREADABLE
    return VIOLATIONS if document["summary"]["violations"] else OK


def _complain(text: str) -> None:
    from lastack.trace.terminal import printable

    click.echo(f"lastack: {printable(text)}", err=True)


def _write(output: Output, reports: Sequence[Report], inputs: Inputs, options: Options) -> None:
    from lastack.trace import comments, junit, page

    try:
        if output.option == "--html":
            text = page.render(reports, inputs.by_name(), options)
            output.write(lambda path: Path(path).write_text(text, encoding="utf-8"))
        elif output.option == "--junit":
            octets = junit.render(reports)
            output.write(lambda path: Path(path).write_bytes(octets))
        elif reports and not (reports[0]["error"] or {}).get("unreadable"):
            output.write(lambda path: comments.annotate(reports[0], inputs.sources[0], path))
        else:
            _complain(f"{output.path} is not written: nothing of the capture could be read")
    except (OSError, RuntimeError) as error:
        raise UsageError(f"cannot write {output.path}: {error}") from error


def _print_scenario(document: Report, inputs: Inputs, options: Options, number: int) -> int:
    from lastack.trace import scenario

    found = document["findings"]
    if number > len(found):
        error = NoInput if document["errors"] else UsageError
        raise error(f"there is no finding {number}: there {'is' if len(found) == 1 else 'are'} {len(found)}")
    finding = found[number - 1]
    click.echo(scenario.of_finding(inputs.by_name()[finding["file"]], finding, options), nl=False)
    return OK


class _Screen:
    """Shows each report as soon as its findings have their numbers, and the sum of several."""

    def __init__(self, inputs: Inputs, options: Options, verbose: int) -> None:
        from lastack.trace.terminal import Printer

        self._sources = inputs.by_name()
        self._options = options
        self._verbose = verbose
        self._printer = Printer()
        self._next = 1
        # Violations have the first numbers, so they need not wait for later captures; everything else does.
        self._waits = len(inputs.sources) > 1 and bool(verbose or (options.advisories and not options.strict))

    def show(self, report: Report) -> None:
        """One capture."""
        from lastack.trace.findings import give_numbers

        if not self._waits:
            report["findings"] = give_numbers(report["findings"], self._next)
            self._next += sum(finding["kind"] == "violation" for finding in report["findings"])
            self._print(report)

    def finish(self, reports: Sequence[Report]) -> None:
        """What had to wait (the reports have their numbers), and the sum."""
        from lastack.trace import judging, screen

        for report in reports if self._waits else ():
            self._print(report)
        if len(reports) > 1:
            summary = judging.document(reports)["summary"]
            style = "fail" if summary["violations"] else "head"
            self._printer.print([Line(""), Line(f"{len(reports)} files: {screen.totals(summary)}", style)])

    def _print(self, report: Report) -> None:
        from lastack.trace import screen

        if not (report["error"] or {}).get("unreadable"):
            source, brief = self._sources[report["file"]], len(self._sources) > 1
            lines = screen.render(report, source, self._options, self._printer.glyphs, self._verbose, brief)
            self._printer.print(lines)
