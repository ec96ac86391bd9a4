"""One run of scenarios as the plugin sees it: the stacks, the known issues, the results; and the ids of scenarios."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from lastack import catalogue
from lastack.errors import UsageError
from lastack.known import KnownIssue, KnownIssues
from lastack.known import load as load_known
from lastack.ladder import Glyphs, glyphs_for
from lastack.outcome import Result
from lastack.sanity import sanity
from lastack.sut.carrier import Carrier
from lastack.sut.named import known_issues_file, label_of, open_sut
from lastack.world import Settings

SUT_FIXTURE = "lastack_sut"


class Run:
    """One pytest session: the stacks, the selection, the known issues and the results so far."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.specs: list[str] = config.getoption("--sut") or ["core"]
        if len(set(self.specs)) != len(self.specs):
            raise UsageError("the same --sut is given twice")
        self.labels = [label_of(spec) for spec in self.specs]
        self.strict = bool(config.getoption("strict") or config.getoption("--strict-should"))
        self.settings = Settings(config.getoption("--max-wait"), config.getoption("--wire"), self.strict)
        self.known = self._load_known(config.getoption("--known") or [])
        self.rows = catalogue.load()
        self.carriers: dict[str, Carrier] = {}
        self.results: list[Result] = []
        self.stale: list[str] = []
        self.unusable = 0  # the exit status when a stack or a scenario file cannot be used
        self.nothing_selected = ""  # the words that no scenario answers to
        self.started = time.time()
        self.glyphs: Glyphs = glyphs_for(getattr(sys.__stdout__, "encoding", None))

    def _load_known(self, files: list[str]) -> dict[str, KnownIssues]:
        known: dict[str, KnownIssues] = {}
        for spec in self.specs:
            shipped = known_issues_file(spec)
            if shipped is not None and "none" not in files:
                known[spec] = load_known(shipped)
        for name in files:
            if name != "none":
                issues = load_known(Path(name))
                known[issues.sut] = issues
        return known

    def carrier(self, spec: str) -> Carrier:
        """The carrier of a stack, opened and proven once per session."""
        if spec not in self.carriers:
            carrier = open_sut(spec)
            sanity(carrier)
            self.carriers[spec] = carrier
        return self.carriers[spec]

    def known_issue(self, spec: str, test: str) -> KnownIssue | None:
        """The entry for a test of a stack; a file's ``sut`` is the spec or the stack's own name."""
        carrier = self.carriers.get(spec)
        names = (spec, carrier.hello.name if carrier else spec)
        for name in names:
            if name in self.known and test in self.known[name].entries:
                return self.known[name].entries[test]
        return None


def spec_of(item: pytest.Item) -> str | None:
    callspec = getattr(item, "callspec", None)
    return callspec.params.get(SUT_FIXTURE) if callspec else None


def test_id(item: pytest.Item) -> str:
    """The id of a scenario without the stack: what selectors and known-issues files use."""
    spec = spec_of(item)
    if spec is None:
        return item.nodeid
    label = label_of(spec)
    head, _, parameters = item.nodeid.partition("[")
    rest = parameters[:-1].removeprefix(label).removeprefix("-")
    return f"{head}[{rest}]" if rest else head


def requirements_of(item: pytest.Item) -> list[str]:
    """The catalogue ids of a scenario, each once, in the order of the text."""
    ids = [str(id_) for mark in reversed(list(item.iter_markers("requirement"))) for id_ in mark.args]
    return list(dict.fromkeys(ids))


def in_family(id_: str, family: str) -> bool:
    """Whether an id is this one or belongs to this family: ``E-3.10`` has ``E-3.10.7``, but ``F-1`` does not have
    ``F-13``.
    """
    return id_ == family or (id_.startswith(family) and not id_[len(family)].isalnum())
