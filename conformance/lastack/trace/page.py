"""The report as one static HTML page with SVG ladders; no script, nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lastack import __version__
from lastack.trace import drawing, ladder, screen
from lastack.trace.findings import KINDS, by_rule, clause, heading
from lastack.trace.inputs import Source
from lastack.trace.judging import Options, Report, document, error_text
from lastack.trace.numbers import expected_and_actual
from lastack.trace.terminal import printable

_FINDINGS = 200
_CONNECTIONS = 200


@dataclass
class _Part:
    """One capture."""

    source: Source
    report: Report
    findings: list[dict[str, Any]] = field(default_factory=list)
    hidden: int = 0

    @property
    def name(self) -> str:
        return printable(self.source.name)

    @property
    def error(self) -> str:
        return error_text(self.report["error"]) if self.report["error"] else ""

    @property
    def totals(self) -> str:
        return screen.totals(self.report["summary"])

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The findings by kind, those that count first."""
        groups = []
        for kind, (plural, meaning) in KINDS.items():
            found = [finding for finding in self.findings if finding["kind"] == kind]
            if found:
                one = {"plural": plural, "meaning": meaning, "title": heading(found[0])[0], "findings": found}
                groups.append({**one, "kind": kind, "open": kind in ("violation", "advice")})
        return groups

    @property
    def connections(self) -> list[dict[str, Any]]:
        """Those with findings first."""
        clean = [all(end["verdict"] == "OK" for end in c["endpoints"]) for c in self.report["connections"]]
        order = sorted(range(len(clean)), key=lambda i: clean[i])
        return [self.report["connections"][i] for i in order[:_CONNECTIONS]]

    @property
    def omitted(self) -> int:
        return int(self.report["summary"]["connections"]) - len(self.connections)

    def endpoint(self, address: str) -> str:
        return self.source.endpoint(address)


def render(reports: Sequence[Report], sources: Mapping[str, Source], options: Options) -> str:
    """The page."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("lastack.trace"),
        autoescape=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    summary = document(reports)["summary"]
    parts = [_part(report, sources[report["file"]], options) for report in reports]
    verdict, style = _verdict(reports, summary)
    return environment.get_template("report.html.j2").render(
        parts=parts,
        verdict=verdict,
        verdict_class=style,
        totals=screen.totals(summary),
        tiles=_tiles(summary, len(reports)),
        rules=_rules(reports),
        version=__version__,
        asked=_asked(options),
    )


def _part(report: Report, source: Source, options: Options) -> _Part:
    part = _Part(source, report, hidden=max(0, len(report["findings"]) - _FINDINGS))
    shown = report["findings"][:_FINDINGS]
    exchanges = screen.exchanges_around(source, shown, options)
    for finding in shown:
        title, style = heading(finding)
        exchange = exchanges.get(finding["connection"])
        expected, actual = expected_and_actual(finding, exchange)
        entry = {
            **finding,
            "expected": expected,
            "actual": actual,
            "title": title,
            "style": style,
            "picture": None,
            "tap": finding.get("tap"),
            "asked": clause(finding),
        }
        entry["accused"], entry["other"] = source.endpoint(finding["endpoint"]), source.endpoint(finding["peer"])
        if exchange:
            steps, ends = ladder.around(exchange, finding, screen.BEFORE, screen.AFTER, source.names)
            note = f"{title}: {finding['actual']}; expected {finding['expected']}"
            entry["picture"] = drawing.picture(steps, ends, {finding["packet"]: (style, note)}) if steps else None
        part.findings.append(entry)
    return part


def _rules(reports: Sequence[Report]) -> list[dict[str, Any]]:
    """What each rule has found in all captures: a table of contents."""
    rows = []
    for kind, (plural, _) in KINDS.items():
        found = [finding for report in reports for finding in report["findings"] if finding["kind"] == kind]
        for rule, ones in by_rule(found).items():
            row = {"rule": rule, "kind": heading(ones[0])[0], "plural": plural, "count": len(ones)}
            rows.append({**row, "first": ones[0]["number"], "requires": ones[0]["requires"]})
    return rows


def _verdict(reports: Sequence[Report], summary: Mapping[str, Any]) -> tuple[str, str]:
    if summary["violations"]:
        return ("1 violation" if summary["violations"] == 1 else f"{summary['violations']:,} violations"), "VIOLATION"
    if any(report["error"] or report["stopped"] for report in reports):
        return "not everything could be judged", "INCONCLUSIVE"
    return "no violation", "OK"


def _tiles(summary: Mapping[str, Any], files: int) -> list[tuple[str, str, str]]:
    bad, open_ = summary["violations"], summary["inconclusive"]

    def some(name: str, count: int) -> str:
        return name if count == 1 else f"{name}s"

    tiles = [
        (some("violation", bad), f"{bad:,}", "VIOLATION" if bad else "OK"),
        ("inconclusive", f"{open_:,}", "INCONCLUSIVE" if open_ else ""),
        (some("connection", summary["connections"]), f"{summary['connections']:,}", ""),
        (some("packet", summary["packets"]), f"{summary['packets']:,}", ""),
        (some("capture", files), f"{files:,}", ""),
    ]
    if summary.get("notes"):
        tiles.insert(2, (some("note", summary["notes"]), f"{summary['notes']:,}", "NOTE"))
    if summary.get("advisories"):
        tiles.insert(
            1, (f"{some('SHOULD', summary['advisories'])} not followed", f"{summary['advisories']:,}", "INCONCLUSIVE")
        )
    return tiles


def _asked(options: Options) -> str:
    text = ", ".join(options.rules) or "all"
    text += f" without {', '.join(options.skip_rules)}" if options.skip_rules else ""
    return text + (" (SHOULDs count)" if options.strict else " (with SHOULDs)" if options.advisories else "")
