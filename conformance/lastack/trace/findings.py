"""Of what kind a finding is, what it is called, and its number: the same on the screen, in every file that is written, and for
``--as-scenario``. Numbers count over all captures of a command, by kind: violations have 1, 2, 3 ... in the order of
captures and packets, whatever else there is and is shown; after them come advice, inconclusive findings and notes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# What they are called when there are several, and what that means.
KINDS = {
    "violation": ("violations", "what the RFCs forbid"),
    "advice": ("SHOULDs not followed", "advice that was not taken: counts only with --strict"),
    "inconclusive": ("inconclusive", "the capture lacks what would decide it"),
    "note": ("notes", "worth a look, never held against anybody"),
}
_ORDER = list(KINDS)
_STYLES = {"violation": "fail"}

Finding = Mapping[str, Any]


def classify(findings: Iterable[dict[str, Any]], strict: bool) -> None:
    """Gives each its ``kind``; with ``strict`` a SHOULD counts."""
    for finding in findings:
        advice = finding["level"].startswith("SHOULD") and not strict
        finding["kind"] = finding["verdict"] if finding["verdict"] != "violated" else ("violation", "advice")[advice]


def give_numbers(findings: Iterable[dict[str, Any]], first: int = 1) -> list[dict[str, Any]]:
    """Numbers what was found in the captures, given in their order; returns it in the order of the numbers."""
    ordered = sorted(findings, key=lambda finding: _ORDER.index(finding["kind"]))
    for i, finding in enumerate(ordered, start=first):
        finding["number"] = i
    return ordered


def heading(finding: Finding) -> tuple[str, str]:
    """What a finding is called, and its style."""
    return finding["kind"].upper(), _STYLES.get(finding["kind"], "warn")


def clause(finding: Finding) -> str:
    """The clause with its level. A note is no breach of it."""
    text = f"{finding['clause']}, level {finding['level']}"
    return text + ("; a note accuses nobody" if finding["kind"] == "note" else "")


def by_rule(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """The findings of each rule, the rule with most of them first."""
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding["rule"], []).append(finding)
    return dict(sorted(found.items(), key=lambda entry: -len(entry[1])))


def one_line(finding: Finding, accused: str) -> str:
    """All of it in one line, for comments and logs; ``accused`` is what its endpoint is called."""
    return (
        f"#{finding['number']} {heading(finding)[0]} {finding['rule']} ({finding['clause']}, {finding['level']}) by "
        f"{accused}: expected {finding['expected']}, actual {finding['actual']}; {finding['why']}"
    )
