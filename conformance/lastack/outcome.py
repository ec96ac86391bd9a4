"""The outcomes of a scenario and their record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from lastack.catalogue import Row

Outcome = Literal["passed", "failed", "error", "unsupported", "skipped", "known", "stale", "non-strict", "late"]
OUTCOMES: tuple[Outcome, ...] = (
    "passed",
    "failed",
    "error",
    "unsupported",
    "skipped",
    "known",
    "stale",
    "non-strict",
    "late",
)
# Outcomes that make a run red.
RED: tuple[Outcome, ...] = ("failed", "error", "stale")
# A wall-clock scenario that fails on a machine that was late by so many microseconds in all says nothing of the stack.
LATE_US = 50_000

_ADVISORY = ("SHOULD", "SHOULD NOT", "should", "MAY", "RECOMMENDED")


@dataclass
class Result:
    """One scenario on one stack. ``test`` is the id without the stack, ``sut`` the text after ``--sut``."""

    test: str
    sut: str
    outcome: Outcome
    requirements: list[str]
    seconds: float
    message: str = ""
    soft: list[tuple[str, str]] = field(default_factory=list)
    non_strict: list[str] = field(default_factory=list)


def is_advisory(requirements: Sequence[str], rows: Mapping[str, Row]) -> bool:
    """Whether all that a scenario shows is advice (SHOULD, MAY): its failure is then red only under ``--strict``."""
    levels = [rows[id_].level for id_ in requirements if id_ in rows]
    return bool(levels) and all(level in _ADVISORY for level in levels)
