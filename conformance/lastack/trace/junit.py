"""The report as JUnit XML, for CI servers: a suite for each capture, a case for each endpoint of each connection. A violation
is a failure, inconclusive is skipped (with the reason), an unreadable file an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as Xml

from lastack.trace.findings import one_line
from lastack.trace.judging import Report, error_text
from lastack.trace.terminal import printable


def render(reports: Sequence[Report]) -> bytes:
    """The document."""
    root = Xml.Element("testsuites", name="lastack check")
    for report in reports:
        _suite(root, report)
    Xml.indent(root)
    return bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _suite(root: Xml.Element, report: Report) -> None:
    name = printable(report["file"])
    suite = Xml.SubElement(root, "testsuite", name=name)
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    if report["error"]:
        case = Xml.SubElement(suite, "testcase", classname=name, name="capture")
        Xml.SubElement(case, "error", message=printable(error_text(report["error"])))
        counts["tests"] += 1
        counts["errors"] += 1
    by_end: dict[tuple[int, str], list[Mapping[str, Any]]] = {}
    for finding in report["findings"]:
        by_end.setdefault((finding["connection"], finding["endpoint"]), []).append(finding)
    for connection in report["connections"]:
        for end in connection["endpoints"]:
            case = Xml.SubElement(
                suite, "testcase", classname=name, name=f"connection {connection['id']}: {end['address']}"
            )
            counts["tests"] += 1
            found = by_end.get((connection["id"], end["address"]), [])
            if end["verdict"] == "VIOLATION":
                counts["failures"] += 1
                _outcome(case, "failure", [f for f in found if f["verdict"] == "violated"])
            elif end["verdict"] == "INCONCLUSIVE":
                counts["skipped"] += 1
                _outcome(case, "skipped", found)
    for key, value in counts.items():
        suite.set(key, str(value))


def _outcome(case: Xml.Element, kind: str, findings: Sequence[Mapping[str, Any]]) -> None:
    first = findings[0] if findings else {"rule": "", "packet": 0, "expected": "", "actual": ""}
    message = f"packet {first['packet']}: {first['rule']}: expected {first['expected']}, actual {first['actual']}"
    element = Xml.SubElement(case, kind, type=first["rule"], message=printable(message))
    element.text = "\n".join(printable(f"packet {f['packet']}: {one_line(f, f['endpoint'])}") for f in findings)
