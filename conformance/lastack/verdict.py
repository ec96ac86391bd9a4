"""From a pytest report to an outcome: known issues, advice, unsupported stacks; and the data of a failure screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lastack.lab import Lab
from lastack.ladder import Line
from lastack.outcome import LATE_US, Outcome, is_advisory
from lastack.pcapng import write_log
from lastack.screen import Failure
from lastack.session import Run, requirements_of, test_id

_STYLES: dict[str, dict[str, bool]] = {
    "fail": {"red": True},
    "dim": {"light": True},
    "head": {"bold": True},
    "plain": {},
}


class ScreenRepr:
    """A failure screen as pytest prints it: coloured on a terminal, plain text everywhere else."""

    def __init__(self, lines: list[Line]) -> None:
        self.lines = lines

    def toterminal(self, writer: Any) -> None:
        """Called by pytest's terminal reporter."""
        for line in self.lines:
            writer.line(line.text, **_STYLES[line.style])

    def __str__(self) -> str:
        return "\n".join(line.text for line in self.lines)


def outcome_of(
    run: Run, report: pytest.TestReport, spec: str, test: str, laboratory: Lab | None, error: BaseException | None
) -> tuple[Outcome, str]:
    """The outcome of a scenario; changes the report where known issues or advice turn it round."""
    issue = run.known_issue(spec, test)
    text = str(error) if error is not None else ""
    if report.skipped:
        reason = text.removeprefix("Skipped: ")
        if reason.startswith("UNSUPPORTED"):
            return "unsupported", reason.removeprefix("UNSUPPORTED: ")
        return "skipped", reason
    late_us = laboratory.world.late_us if laboratory is not None else 0
    if report.failed:
        if issue is not None and issue.covers(text):
            _turn(report, f"known issue: {issue.reason}")
            return "known", text
        if isinstance(error, AssertionError) and late_us >= LATE_US:
            return _not_judged(report, late_us, text)
        requirements = [str(value) for name, value in report.user_properties if name == "requirement"]
        if isinstance(error, AssertionError) and not run.strict and is_advisory(requirements, run.rows):
            _turn(report, f"not strict: {text.splitlines()[0] if text else 'failed'}")
            return "non-strict", text
        return ("failed" if isinstance(error, AssertionError) else "error"), text
    if issue is not None and late_us >= LATE_US:
        return _not_judged(report, late_us, "passes, but is listed as a known issue")
    if issue is not None:
        report.outcome = "failed"
        report.longrepr = ScreenRepr(
            [  # type: ignore[assignment]
                Line(f"STALE {test} [{spec}]: it passes, but it is listed as a known issue", "fail"),
                Line(f" reason in the list: {issue.reason}"),
                Line(" remove its entry from the known-issues file"),
            ]
        )
        return "stale", "passes, but is listed as a known issue"
    if laboratory is not None and (laboratory.soft_failures or laboratory.non_strict):
        return "non-strict", "; ".join([text for text, _ in laboratory.soft_failures] + laboratory.non_strict)
    return "passed", ""


def _not_judged(report: pytest.TestReport, late_us: int, text: str) -> tuple[Outcome, str]:
    """The machine could not keep the stack's own time: neither a pass nor a failure, and counted."""
    message = f"not judged: the machine was late by {late_us / 1e6:.3f} s in all: {text}"
    _turn(report, message)
    return "late", message


def _turn(report: pytest.TestReport, reason: str) -> None:
    """A failure that is expected: pytest's own form for it, so that JUnit and other plugins understand."""
    report.outcome = "skipped"
    report.wasxfail = reason  # type: ignore[attr-defined]


def failure_of(run: Run, item: pytest.Item, spec: str, laboratory: Lab | None, call: pytest.CallInfo[None]) -> Failure:
    assert call.excinfo is not None
    path, line = "", 0
    for entry in call.excinfo.traceback:
        if str(entry.path) == str(item.path):
            path, line = str(entry.path), entry.lineno + 1
    failure = Failure(
        test=test_id(item),
        sut=spec,
        again=f"lastack run '{test_id(item)}' --sut {_quoted(spec)}",
        error=call.excinfo.value,
        path=path,
        line=line,
        rules=[run.rows[id_] for id_ in requirements_of(item) if id_ in run.rows][:3],
        log=laboratory.world.log if laboratory else (),
    )
    folder = run.config.getoption("--report")
    if folder and laboratory is not None and failure.log:
        failure.files.append(_write_trace(Path(folder), failure))
    return failure


def _write_trace(folder: Path, failure: Failure) -> str:
    name = "".join(c if c.isalnum() or c in "-_." else "_" for c in f"{failure.test}-{failure.sut}")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name[-150:]}.pcapng"
    write_log(path, failure.log)
    return str(path)


def _quoted(spec: str) -> str:
    return spec if " " not in spec else f"'{spec}'"
