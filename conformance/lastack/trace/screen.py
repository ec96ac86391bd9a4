"""What ``lastack check`` shows: a block for each finding (who, which clause, expected, actual, why, the ladder around it),
a table of connections with a verdict for each endpoint, and the sum. 80 columns.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lastack import _judge
from lastack.ladder import WIDTH, Glyphs, Line
from lastack.trace import ladder
from lastack.trace.findings import Finding, by_rule, clause, heading
from lastack.trace.inputs import Source
from lastack.trace.judging import Options, Report
from lastack.trace.numbers import expected_and_actual, fields

BEFORE, AFTER = 4, 2
SHOWN = 20
_LISTED = 10
_WRAP = WIDTH - 11
_CUT = "cut by the capture: followed as far as possible"


def exchanges_around(
    source: Source, findings: Sequence[Finding], options: Options, before: int = BEFORE, after: int = AFTER
) -> dict[int, Any]:
    """The recorded segments around these findings, by connection: a second look at the file."""
    if not findings:
        return {}
    found = json.loads(
        _judge.exchange(
            source.path,
            connections=sorted({finding["connection"] for finding in findings}),
            packets=sorted(set().union(*(ladder.mentioned(finding) for finding in findings))),
            before=before,
            after=after,
            **options.as_keywords(),
        )
    )
    return {exchange["connection"]: exchange for exchange in found["exchanges"]}


def render(
    report: Report, source: Source, options: Options, glyphs: Glyphs, verbose: int = 0, brief: bool = False
) -> Iterator[Line]:
    """The lines about one capture, whose findings have their numbers. ``verbose`` shows inconclusive ones too; ``brief``: a
    capture without findings, one of many, is one line.
    """
    if brief and not verbose and not report["findings"] and not report["stopped"]:
        yield Line(f"{report['file']}: {totals(report['summary'])}", "head")
        return
    shown = [finding for finding in report["findings"] if verbose or finding["verdict"] == "violated"]
    shown, hidden = (shown, []) if verbose else (shown[:SHOWN], shown[SHOWN:])
    exchanges = exchanges_around(source, shown, options)
    for finding in shown:
        yield from block(finding, source, exchanges.get(finding["connection"]), glyphs)
        yield Line("")
    if hidden:
        yield from _hidden(hidden)
    yield from connections(report, source, verbose)
    yield from _sum(report, verbose, options)


def _hidden(findings: Sequence[Finding]) -> Iterator[Line]:
    text = f"{len(findings):,} more findings are not shown (-v shows all, --json and --html have them): "
    # A count stays beside its rule.
    text += ", ".join(f"{len(found):,}\N{NO-BREAK SPACE}{rule}" for rule, found in by_rule(findings).items())
    for part in textwrap.wrap(text, WIDTH, subsequent_indent=" ", break_on_hyphens=False):
        yield Line(part.replace("\N{NO-BREAK SPACE}", " "), "dim")


def block(finding: Finding, source: Source, exchange: Mapping[str, Any] | None, glyphs: Glyphs) -> Iterator[Line]:
    """One finding."""
    title, style = heading(finding)
    text = f"{glyphs.dash * 2} #{finding['number']} {title} {glyphs.dash} packet {finding['packet']} {glyphs.dash} {finding['rule']} "
    yield Line(text + glyphs.dash * (WIDTH - len(text)), style)
    if source.lines:
        yield from _field("line", f"{source.lines[finding['packet'] - 1]} of {source.name}")
    accused, other = source.endpoint(finding["endpoint"]), source.endpoint(finding["peer"])
    yield from _field("who", f"{accused} (to {other}, connection {finding['connection']})")
    yield from _field("clause", clause(finding))
    yield from _field("requires", finding["requires"])
    expected, actual = expected_and_actual(finding, exchange)
    yield from _field("expected", expected)
    yield from _field("actual", actual, style)
    yield from _field("why", finding["why"])
    if finding.get("tap"):
        yield from _field("tap", finding["tap"])
    if exchange is None:
        return
    steps, endpoints = ladder.around(exchange, finding, BEFORE, AFTER, source.names)
    text = f"<== {title}: {actual}; expected {expected}"
    room = WIDTH - ladder.LEFT
    mark = [Line(part, style) for part in textwrap.wrap(text, room, subsequent_indent="    ", break_on_hyphens=False)]
    yield from ladder.draw(steps, endpoints, glyphs, {finding["packet"]: mark}, fields(finding))


def _field(name: str, text: str, style: str = "plain") -> Iterator[Line]:
    parts = textwrap.wrap(str(text), _WRAP, break_on_hyphens=False) or [""]
    for i, part in enumerate(parts):
        yield Line(f" {name if i == 0 else '':<9} {part}", style)


_VERDICT_STYLES = {"OK": "ok", "VIOLATION": "fail", "INCONCLUSIVE": "warn"}


def connections(report: Report, source: Source, verbose: int) -> Iterator[Line]:
    """The table: each connection's endpoints with their verdicts; of many connections those with findings."""
    listed = report["connections"]
    if not listed:
        return
    clean = [c for c in listed if all(end["verdict"] == "OK" for end in c["endpoints"])]
    few = verbose or len(listed) <= _LISTED
    shown = listed if few else [c for c in listed if c not in clean][: 4 * _LISTED]
    if shown:
        yield Line(f"{'conn':>5}  {'endpoint':<40}{'packets':>9}{'octets':>10}  verdict", "head")
    for connection in shown:
        for i, end in enumerate(connection["endpoints"]):
            label = str(connection["id"]) if i == 0 else ""
            address = source.endpoint(end["address"])
            yield Line(
                f"{label:>5}  {address:<40}{end['packets']:>9}{end['octets']:>10}  {end['verdict']}",
                _VERDICT_STYLES.get(end["verdict"], "plain"),
            )
            if verbose:
                yield Line(f"{'':7}{'at the end: ' + end['state'].replace('|', ' or ')}", "dim")
    rest = report["summary"]["connections"] - len(shown)
    more = "more " if shown else ""
    if rest:
        yield Line(f"{'':7}{rest:,} {more}connection{_s(rest)}" + (" without findings" if not few else ""), "dim")


def _sum(report: Report, verbose: int, options: Options) -> Iterator[Line]:
    summary = report["summary"]
    for note in report.get("capture_notes", ()):
        for text in textwrap.wrap(note, WIDTH - 1, initial_indent=" ", subsequent_indent="   "):
            yield Line(text, "dim")
    if summary.get("cut"):
        yield Line(f" {summary['cut']:,} packet{_s(summary['cut'])} {_CUT}", "dim")
    if report["stopped"]:
        yield Line(" interrupted: this is what was judged until then", "warn")
    yield Line(f"{report['file']}: {totals(summary)}", "fail" if summary["violations"] else "head")
    if summary.get("notes") and not verbose:
        yield Line(f" {summary['notes']:,} note{_s(summary['notes'])} on timers and the like (-v shows them)", "dim")
    if summary["inconclusive"] and not verbose:
        yield Line(" inconclusive: the capture lacks what would decide it (-v shows them)", "dim")
    if summary.get("advisories") and not options.advisories:
        yield Line(" --level should shows the SHOULDs that were not followed", "dim")


def totals(summary: Mapping[str, Any]) -> str:
    """``2 packets, 1 connection: 1 violation, 0 inconclusive``."""
    packets, found, open_ = summary["connections"], summary["violations"], summary["inconclusive"]
    text = f"{summary['packets']:,} packet{_s(summary['packets'])}, {packets:,} connection{_s(packets)}: "
    text += f"{found:,} violation{_s(found)}, {open_:,} inconclusive"
    advice = summary.get("advisories", 0)
    return text + (f", {advice:,} SHOULD not followed" if advice else "")


def _s(count: int) -> str:
    return "" if count == 1 else "s"
