"""Known-issues files: one TOML file per stack, every entry with a reason and its evidence, checked in both directions.

A listed test that fails is expected; a listed test that passes, and an entry that matches no test, are errors: the
list can neither hide a new failure nor go stale. Nothing here knows pytest.

    schema = 1
    sut = "lwip"

    [[known]]
    test = "scenarios/rfc9293/test_close.py::test_simultaneous_close"
    requirement = "F-13"
    reason = "lwIP answers ... instead of ..."
    evidence = "tcp_in.c ... / packet exchange ..."
    match = "ack"            # optional: a regular expression that the failure's text must contain

    [[capture]]              # what the judge rightly holds against the stack in recorded traffic (conformance/test/false_alarms.py)
    rule = "window-shrunk"
    when = "shrink_window"   # optional: a regular expression that the description of the recording must contain
    reason = "..."
    evidence = "..."
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from lastack.errors import UsageError

_REQUIRED = ("test", "requirement", "reason", "evidence")
_OPTIONAL = ("match",)
_CAPTURE_REQUIRED = ("rule", "reason", "evidence")
_CAPTURE_OPTIONAL = ("when",)


@dataclass(frozen=True)
class KnownIssue:
    """One entry: the test's id without the stack, and why its failure is a fact about the stack and not about the
    test.
    """

    test: str
    requirement: str
    reason: str
    evidence: str
    match: str = ""

    def covers(self, failure: str) -> bool:
        """Whether this entry is about a failure with this text."""
        return not self.match or re.search(self.match, failure) is not None


@dataclass(frozen=True)
class KnownDeviation:
    """One rule of the judge that the stack really breaks in ordinary traffic, and under which settings."""

    rule: str
    reason: str
    evidence: str
    when: str = ""

    def covers(self, rule: str, story: str) -> bool:
        """Whether a finding of this rule, in a recording with this description, is this deviation."""
        return rule == self.rule and (not self.when or re.search(self.when, story) is not None)


@dataclass
class KnownIssues:
    """The entries of one stack: of scenarios by test id, and of captures."""

    path: Path
    sut: str
    entries: dict[str, KnownIssue]
    deviations: list[KnownDeviation] = field(default_factory=list)


def load(path: Path) -> KnownIssues:
    """Reads a file; every fault is a ``UsageError`` that names the file and the entry."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the known-issues file {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}") from error
    if document.get("schema") != 1:
        raise UsageError(f"{path}: schema = 1 is missing")
    if not isinstance(document.get("sut"), str):
        raise UsageError(f'{path}: sut = "name" is missing: for which stack are these issues?')
    if unknown := set(document) - {"schema", "sut", "known", "capture"}:
        raise UsageError(
            f"{path}: unknown key {sorted(unknown)[0]!r}; a file has schema, sut, [[known]] and [[capture]]"
        )
    issues = KnownIssues(path, document["sut"], {})
    listed = document.get("known", [])
    if not isinstance(listed, list):
        raise UsageError(f"{path}: known issues are written as [[known]]")
    for number, entry in enumerate(listed, start=1):
        issue = _entry(path, number, entry)
        if issue.test in issues.entries:
            raise UsageError(f"{path}: entry {number}: {issue.test} stands there twice")
        issues.entries[issue.test] = issue
    captures = document.get("capture", [])
    if not isinstance(captures, list):
        raise UsageError(f"{path}: known deviations in captures are written as [[capture]]")
    for number, entry in enumerate(captures, start=1):
        fields = _fields(f"{path}: capture {number}", entry, "capture", _CAPTURE_REQUIRED, _CAPTURE_OPTIONAL)
        issues.deviations.append(KnownDeviation(**fields))
    return issues


def _entry(path: Path, number: int, entry: object) -> KnownIssue:
    return KnownIssue(**_fields(f"{path}: entry {number}", entry, "known", _REQUIRED, _OPTIONAL))


def _fields(
    where: str, entry: object, table: str, required: tuple[str, ...], optional: tuple[str, ...]
) -> dict[str, str]:
    """The texts of one entry; its last optional key is a regular expression."""
    if not isinstance(entry, dict):
        raise UsageError(f"{where}: known issues are written as [[{table}]]")
    for name in required:
        if not isinstance(entry.get(name), str) or not entry[name].strip():
            raise UsageError(f'{where} ({entry.get(required[0], "?")}): {name} = "..." is missing')
    for name in entry:
        if name not in required + optional:
            raise UsageError(
                f"{where} ({entry[required[0]]}): unknown key {name!r}; an entry has {', '.join(required + optional)}"
            )
    try:
        re.compile(str(entry.get(optional[-1], "")))
    except re.error as error:
        raise UsageError(
            f"{where} ({entry[required[0]]}): {optional[-1]} is not a regular expression: {error}"
        ) from error
    return {name: str(value) for name, value in entry.items()}
