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
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from lastack.errors import UsageError

_REQUIRED = ("test", "requirement", "reason", "evidence")
_OPTIONAL = ("match",)


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


@dataclass
class KnownIssues:
    """The entries of one stack, by test id."""

    path: Path
    sut: str
    entries: dict[str, KnownIssue]


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
    if unknown := set(document) - {"schema", "sut", "known"}:
        raise UsageError(f"{path}: unknown key {sorted(unknown)[0]!r}; a file has schema, sut and [[known]]")
    issues = KnownIssues(path, document["sut"], {})
    listed = document.get("known", [])
    if not isinstance(listed, list):
        raise UsageError(f"{path}: known issues are written as [[known]]")
    for number, entry in enumerate(listed, start=1):
        issue = _entry(path, number, entry)
        if issue.test in issues.entries:
            raise UsageError(f"{path}: entry {number}: {issue.test} stands there twice")
        issues.entries[issue.test] = issue
    return issues


def _entry(path: Path, number: int, entry: object) -> KnownIssue:
    where = f"{path}: entry {number}"
    if not isinstance(entry, dict):
        raise UsageError(f"{where}: known issues are written as [[known]]")
    for name in _REQUIRED:
        if not isinstance(entry.get(name), str) or not entry[name].strip():
            raise UsageError(f'{where} ({entry.get("test", "?")}): {name} = "..." is missing')
    for name in entry:
        if name not in _REQUIRED + _OPTIONAL:
            raise UsageError(
                f"{where} ({entry['test']}): unknown key {name!r}; an entry has {', '.join(_REQUIRED + _OPTIONAL)}"
            )
    try:
        re.compile(str(entry.get("match", "")))
    except re.error as error:
        raise UsageError(f"{where} ({entry['test']}): match is not a regular expression: {error}") from error
    return KnownIssue(**{name: str(value) for name, value in entry.items()})
