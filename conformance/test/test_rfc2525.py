"""The 18 problems of RFC 2525: each rebuilt capture is recognised, the same conversation done right is not accused.

Every problem must be recognised in every capture, and its repaired twin must stay without a finding.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import rfc2525  # noqa: E402

pytest.importorskip("lastack._judge", reason="the native module is not built")
SEEDS = (0, 1, 2)


@pytest.mark.parametrize("problem", rfc2525.PROBLEMS, ids=lambda p: f"{p.section}-{p.flaw.replace(' ', '-')}")
def test_problem_is_recognised(problem: rfc2525.Problem, tmp_path: Path) -> None:
    found = []
    for seed in SEEDS:
        path = tmp_path / f"{seed}.pcap"
        rfc2525.capture(problem, True, seed, path)
        guilty, innocent = rfc2525.accused(problem, path)
        assert not innocent, f"seed {seed}: the end without a flaw is accused of {innocent}"
        found.append(set(guilty) & set(problem.rules))
    assert all(found)


@pytest.mark.parametrize("problem", rfc2525.PROBLEMS, ids=lambda p: f"{p.section}-done-right")
def test_the_same_done_right_is_not_accused(problem: rfc2525.Problem, tmp_path: Path) -> None:
    for seed in SEEDS:
        path = tmp_path / f"{seed}.pcap"
        rfc2525.capture(problem, False, seed, path)
        assert rfc2525.accused(problem, path) == ([], []), f"seed {seed}"


def test_every_section_is_there() -> None:
    assert [p.section for p in rfc2525.PROBLEMS] == [f"2.{i}" for i in range(1, 19)]
