"""Recordings that several tests read: stored ones, or with --record new ones of the running kernel (recordings.py)."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import false_alarms  # noqa: E402
import recordings  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--record", action="store_true", help="record the running kernel anew instead of reading what is stored"
    )


def _set(name: str) -> Callable[[pytest.TempPathFactory, pytest.FixtureRequest], list[Path]]:
    @pytest.fixture(scope="session", name=f"{name}_captures")
    def captures(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> list[Path]:
        anew = request.config.getoption("--record")
        if anew and (reason := recordings.why_not()):
            pytest.skip(reason)
        if anew:
            threading.excepthook = false_alarms.quiet
        return recordings.take(name, tmp_path_factory.mktemp(name), anew)

    return captures


cable_captures = _set("cable")
relay_captures = _set("relay")
campaign_captures = _set("campaign")
