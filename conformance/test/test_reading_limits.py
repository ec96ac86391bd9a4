"""Hostile captures, a hundredth of their full size: time and memory stay bounded, and the message says what and where."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import hostile_captures  # noqa: E402

MOST_MEBIBYTES = 300


@pytest.mark.parametrize("name", hostile_captures.CASES)
def test_hostile_capture(name: str, tmp_path: Path) -> None:
    got = hostile_captures.run(name, 0.01, tmp_path)
    assert not hostile_captures.wrong(name, got)
    assert got.mebibytes < MOST_MEBIBYTES
