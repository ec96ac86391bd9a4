"""Judges captures, several at a time if asked, and puts their reports together into one document (``report.schema.json``).

An interrupt ends the judging, not the command: what was read until then is in the document, which says so.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from lastack import _judge
from lastack.errors import UsageError, meant
from lastack.trace.findings import classify, give_numbers
from lastack.trace.inputs import Source

SCHEMA = 1
_GLANCE_S = 0.2
_COUNTS = ("packets", "segments", "connections", "violations", "inconclusive", "advisories", "skipped", "cut")
_OF_INPUT = ("file", "format", "error", "stopped", "summary")
_ABOUT_READING = ("compression", "capture_notes")
Report = dict[str, Any]
Progress = Callable[[int, int], bool | None]


@dataclass(frozen=True)
class Options:
    """What is asked: rule ids (empty: all), whether SHOULDs are reported, and whether they count; where the tap was ("" is
    inferred), and what the stacks promise.
    """

    rules: tuple[str, ...] = ()
    skip_rules: tuple[str, ...] = ()
    advisories: bool = False
    strict: bool = False
    tap: str = ""
    profile: Mapping[str, float] = field(default_factory=dict)

    def as_keywords(self) -> dict[str, Any]:
        """For the functions of ``lastack._judge``."""
        return {
            "rules": list(self.rules),
            "skip_rules": list(self.skip_rules),
            "advisories": self.advisories,
            "strict": self.strict,
            "tap": self.tap,
            "profile": dict(self.profile),
        }

    def check(self) -> None:
        """Raises ``UsageError`` for a rule that does not exist."""
        known = [rule["id"] for rule in _judge.rules()]
        for rule in (*self.rules, *self.skip_rules):
            if rule not in known:
                raise UsageError(f"there is no rule {rule!r}{meant(rule, known, ' (lastack rules lists them)')}")
        try:
            _judge.check_file(os.devnull, **self.as_keywords())
        except ValueError as error:
            raise UsageError(str(error)) from None


def judge_one(source: Source, options: Options, progress: Progress | None = None) -> Report:
    """The report on one capture, under the name that the user gave it."""
    report: Report = json.loads(_judge.check_file(source.path, progress=progress, **options.as_keywords()))
    report["file"] = source.name
    if source.exchange:
        add_findings(report, source.exchange.judge(), options)
    classify(report["findings"], options.strict)
    return report


def add_findings(report: Report, findings: Sequence[dict[str, Any]], options: Options) -> None:
    """Findings that only somebody who knows more than the capture can make: segments written as text are complete."""
    known = {(finding["packet"], finding["rule"]) for finding in report["findings"] if finding["verdict"] == "violated"}
    wanted = options.rules or [rule["id"] for rule in _judge.rules()]
    for finding in findings:
        advice = finding["level"].startswith("SHOULD")
        if (finding["packet"], finding["rule"]) in known or finding["rule"] not in wanted:
            continue
        if finding["rule"] in options.skip_rules or (advice and not options.advisories):
            continue
        ends = {finding["endpoint"], finding["peer"]}
        for connection in report["connections"]:
            inside = connection["first_packet"] <= finding["packet"] <= connection["last_packet"]
            if inside and {end["address"] for end in connection["endpoints"]} == ends:
                finding["connection"] = connection["id"]
                _convict(connection, finding["endpoint"], advice and not options.strict)
        report["findings"].append(finding)
        report["summary"]["advisories" if advice and not options.strict else "violations"] += 1
    _leave_out_decided(report)
    report["findings"].sort(key=lambda finding: finding["packet"])


def _leave_out_decided(report: Report) -> None:
    """What the capture alone left open is left out where it has been decided since."""
    decided = {
        (finding["packet"], finding["rule"]) for finding in report["findings"] if finding["verdict"] == "violated"
    }
    kept = [f for f in report["findings"] if f["verdict"] != "inconclusive" or (f["packet"], f["rule"]) not in decided]
    report["summary"]["inconclusive"] -= len(report["findings"]) - len(kept)
    report["findings"] = kept


def _convict(connection: dict[str, Any], endpoint: str, advice: bool) -> None:
    for end in connection["endpoints"]:
        if end["address"] == endpoint and not advice:
            end["verdict"] = "VIOLATION"


class Interrupts:
    """While it is open an interrupt is noted, not raised: an exception could come anywhere, also where it does harm. The
    second one ends the command at once.
    """

    def __init__(self) -> None:
        self.seen = False

    def __enter__(self) -> Interrupts:
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: object) -> None:
        if self.seen:
            raise KeyboardInterrupt
        self.seen = True


def judge(
    sources: Sequence[Source], options: Options, jobs: int, show_progress: bool, interrupts: Interrupts
) -> Iterator[Report]:
    """The reports in the order of the captures. After an interrupt the captures that were not begun are left out."""
    if jobs > 1 and len(sources) > 1:
        yield from _judge_apart(sources, options, min(jobs, len(sources)), show_progress, interrupts)
        return
    for source in sources:
        if interrupts.seen:
            return
        with _bar(source.name, show_progress) as progress:

            def go_on(done: int, total: int, progress: Progress | None = progress) -> bool:
                if progress:
                    progress(done, total)
                return not interrupts.seen

            report = judge_one(source, options, go_on)
        yield report


def _judge_apart(
    sources: Sequence[Source], options: Options, jobs: int, show_progress: bool, interrupts: Interrupts
) -> Iterator[Report]:
    with ProcessPoolExecutor(jobs, initializer=_heed_interrupts) as pool:
        futures = [pool.submit(_judge_in_worker, source, options) for source in sources]
        with _bar(f"{len(sources)} captures", show_progress) as progress:
            for number, future in enumerate(futures, start=1):
                while not wait([future], timeout=_GLANCE_S).done:
                    if interrupts.seen:
                        # The workers have had the same signal and end with what they have.
                        for waiting in futures:
                            waiting.cancel()
                if future.cancelled():
                    continue
                if progress:
                    progress(number, len(sources))
                yield future.result()


# In a worker.
_interrupts = Interrupts()


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, _note_interrupt)


def _note_interrupt(number: int, frame: object) -> None:
    _interrupts.seen = True


def _judge_in_worker(source: Source, options: Options) -> Report:
    return judge_one(source, options, lambda done, total: not _interrupts.seen)


@contextmanager
def _bar(what: str, shown: bool) -> Iterator[Progress | None]:
    """A progress bar on standard error, when that is a terminal."""
    if not (shown and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(what[-40:].replace("[", "\\["), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)


def number_all(reports: Sequence[Report]) -> None:
    """Numbers what was found in all captures of a command, and puts each capture's findings into that order."""
    give_numbers(finding for report in reports for finding in report["findings"])
    for report in reports:
        report["findings"].sort(key=lambda finding: finding["number"])


def document(reports: Sequence[Report]) -> Report:
    """One document for all captures, in their order; findings in that of their numbers. A single capture also keeps its own
    ``file``, ``format`` and ``error``.
    """
    number_all(reports)
    merged: Report = {"schema": SCHEMA}
    if len(reports) == 1:
        merged |= {name: reports[0][name] for name in ("file", "format", "error")}
    merged["files"] = [report["file"] for report in reports]
    merged["stopped"] = any(report["stopped"] for report in reports)
    merged["summary"] = _summed([report["summary"] for report in reports])
    for part in ("findings", "connections"):
        merged[part] = [{"file": report["file"], **entry} for report in reports for entry in report[part]]
    merged["findings"].sort(key=lambda finding: finding["number"])
    merged["inputs"] = [
        {name: report[name] for name in (*_OF_INPUT, *_ABOUT_READING) if name in report} for report in reports
    ]
    merged["errors"] = [f"{report['file']}: {error_text(report['error'])}" for report in reports if report["error"]]
    return merged


def _summed(summaries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The sums of what can be summed, also inside (packets skipped by reason)."""
    total: dict[str, Any] = dict.fromkeys(_COUNTS, 0) if not summaries else {}
    for summary in summaries:
        for name, value in summary.items():
            if isinstance(value, dict):
                total[name] = _summed([total.get(name, {}), value])
            elif isinstance(value, (int, float)) and not isinstance(value, bool):
                total[name] = total.get(name, 0) + value
    return total


def error_text(error: dict[str, Any]) -> str:
    """Why a file could not be read (to its end), with the place."""
    place = f" (packet {error['packet']}, offset {error['offset']})" if error.get("packet") else ""
    return f"{error['message']}{place}"
