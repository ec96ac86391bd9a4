"""Findings as comments in a copy of the capture, for Wireshark: ``tshark -r OUT -Y frame.comment`` shows them."""

from __future__ import annotations

from lastack import _judge
from lastack.trace.inputs import Source
from lastack.trace.judging import Report
from lastack.trace.screen import heading


def annotate(report: Report, source: Source, out: str) -> int:
    """Writes the pcapng file; returns the number of packets in it. Raises ``RuntimeError`` when that fails."""
    comments: dict[int, list[str]] = {}
    for finding in report["findings"]:
        comments.setdefault(finding["packet"], []).append(
            f"{heading(finding)[0]} {finding['rule']} ({finding['clause']}, {finding['level']}) by "
            f"{source.endpoint(finding['endpoint'])}: expected {finding['expected']}, actual {finding['actual']}; "
            f"{finding['why']}"
        )
    return _judge.annotate(source.path, out, comments)
