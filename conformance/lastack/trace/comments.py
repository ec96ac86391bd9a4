"""Findings as comments in a copy of the capture, for Wireshark: ``tshark -r OUT -Y frame.comment`` shows them."""

from __future__ import annotations

from lastack import _judge
from lastack.trace.findings import one_line
from lastack.trace.inputs import Source
from lastack.trace.judging import Report


def annotate(report: Report, source: Source, out: str) -> int:
    """Writes the pcapng file; returns the number of packets in it. Raises ``RuntimeError`` when that fails."""
    comments: dict[int, list[str]] = {}
    for finding in report["findings"]:
        comments.setdefault(finding["packet"], []).append(one_line(finding, source.endpoint(finding["endpoint"])))
    return _judge.annotate(source.path, out, comments)
