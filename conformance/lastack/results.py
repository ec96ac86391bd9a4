"""Results for machines and the closing table: ``results.json`` is the truth, JUnit comes from pytest."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from lastack import __version__
from lastack.outcome import OUTCOMES, RED, Outcome, Result, is_advisory
from lastack.sut.carrier import Hello

if TYPE_CHECKING:
    from lastack.catalogue import Row

SCHEMA = 1
_NOT_JUDGED: tuple[Outcome, ...] = ("unsupported", "skipped", "late")


def document(
    results: Sequence[Result], hellos: Mapping[str, Hello], stale: Sequence[str], started: float
) -> dict[str, object]:
    """The JSON document: run, stacks, counts per stack, and every scenario."""
    suts = [
        {
            "spec": spec,
            "name": hello.name,
            "version": hello.version,
            "caps": sorted(hello.caps),
            "profile": hello.profile,
        }
        for spec, hello in hellos.items()
    ]
    counts: dict[str, dict[str, int]] = {}
    for result in results:
        counts.setdefault(result.sut, dict.fromkeys(OUTCOMES, 0))[result.outcome] += 1
    return {
        "schema": SCHEMA,
        "lastack": __version__,
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "seconds": round(time.time() - started, 3),
        "suts": suts,
        "summary": counts,
        "stale_entries": list(stale),
        "tests": [asdict(result) for result in results],
    }


def write_json(
    path: Path, results: Sequence[Result], hellos: Mapping[str, Hello], stale: Sequence[str], started: float
) -> None:
    """Writes the document; the file is complete or is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(document(results, hellos, stale, started), indent=1) + "\n", encoding="utf-8")
    os.replace(part, path)


def summary_table(results: Sequence[Result], rows: Mapping[str, Row], hellos: Mapping[str, Hello]) -> list[str]:
    """The closing table: passed of all, mandatory and advisory apart, and what was not counted, per stack."""
    lines = ["", f"{'':<14}{'must':>12}{'should':>10}{'unsupported':>13}{'known':>7}{'late':>6}{'unexpected':>12}"]
    for sut in dict.fromkeys(result.sut for result in results):
        own = [result for result in results if result.sut == sut]
        count = Counter(result.outcome for result in own)
        parts = []
        for advisory in (False, True):
            counted = [r for r in own if is_advisory(r.requirements, rows) == advisory and r.outcome not in _NOT_JUDGED]
            good = [r for r in counted if r.outcome == "passed" or (r.outcome == "non-strict" and not advisory)]
            parts.append(f"{len(good)}/{len(counted)}")
        unexpected = sum(count[outcome] for outcome in RED)
        name = sut if len(sut) <= 13 else sut[:12] + "~"
        mark = "  <- new" if unexpected else ""
        lines.append(
            f"{name:<14}{parts[0]:>12}{parts[1]:>10}{count['unsupported']:>13}{count['known']:>7}{count['late']:>6}{unexpected:>12}{mark}"
        )
    names = ", ".join(f"{hello.name} {hello.version}" for hello in hellos.values())
    if names:
        lines.append(f"stacks: {names}")
    return lines


def unsupported_reasons(results: Sequence[Result], all_stacks: bool) -> list[str]:
    """Why scenarios were UNSUPPORTED, commonest reason first: of each stack, or only of those on which nothing else ran."""
    lines = []
    for sut in dict.fromkeys(result.sut for result in results):
        own = [result for result in results if result.sut == sut]
        if all_stacks or all(result.outcome == "unsupported" for result in own):
            reasons = Counter(r.message.splitlines()[0] for r in own if r.outcome == "unsupported" and r.message)
            lines += [f"UNSUPPORTED on {sut}: {reason} ({count})" for reason, count in reasons.most_common()]
    return lines
