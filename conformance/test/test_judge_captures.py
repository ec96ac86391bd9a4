"""The judge on real Linux traffic: nothing found in honest captures, whatever became of them (for faults: test_judge_faults.py).

Needs root for namespaces; skipped with the reason where that is not permitted. The recordings are made once per session.
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import degrade  # noqa: E402
from linux_net import why_not, write_pcap  # noqa: E402
from record_linux import CONFIGURATIONS, record  # noqa: E402
from relay import REGIMES, talk_through  # noqa: E402

_judge = pytest.importorskip("lastack._judge", reason="the native module is not built")
pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")

TALKS = [
    "orderly",
    "server_first",
    "half_close",
    "simultaneous_close",
    "reset_by_client",
    "reset_unread",
    "reset_late_data",
    "refused",
    "bulk",
    "chatter",
    "urgent",
    "port_reuse",
]


def check(path: Path) -> dict[str, Any]:
    """The report on one file, SHOULDs included."""
    report: dict[str, Any] = json.loads(_judge.check_file(str(path), strict=True))
    return report


def violations(path: Path) -> list[str]:
    """What the judge holds against anybody in a file."""
    return [f"{f['packet']} {f['rule']}: {f['why']}" for f in check(path)["findings"] if f["verdict"] == "violated"]


@pytest.fixture(scope="session")
def captures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Recordings of the quick conversations, both taps, both families."""
    directory = tmp_path_factory.mktemp("captures")
    paths = []
    for configuration in CONFIGURATIONS:
        for version, family in ((4, socket.AF_INET), (6, socket.AF_INET6)):
            for side, tap in record(configuration, family, TALKS).taps.items():
                paths.append(directory / f"{configuration.name}-ipv{version}-{side}.pcap")
                write_pcap(paths[-1], tap.packets)
    return paths


@pytest.fixture(scope="session")
def relayed(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Recordings through a relay that loses, delays, reorders and duplicates, at three taps."""
    directory = tmp_path_factory.mktemp("relayed")
    paths = []
    for regime in REGIMES:
        for version, family in ((4, socket.AF_INET), (6, socket.AF_INET6)):
            for tap, packets in talk_through(regime, family, connections=20, seed=version).items():
                paths.append(directory / f"{regime.name}-ipv{version}-{tap}.pcap")
                write_pcap(paths[-1], packets, 101)
    return paths


def test_honest_captures_have_no_violation(captures: list[Path]) -> None:
    found = {path.name: wrong for path in captures if (wrong := violations(path))}
    assert not found
    assert all(check(path)["summary"]["connections"] >= len(TALKS) for path in captures)


def test_honest_stacks_on_a_bad_path_have_no_violation(relayed: list[Path]) -> None:
    found = {path.name: wrong for path in relayed if (wrong := violations(path))}
    assert not found


def test_degraded_captures_have_no_violation(captures: list[Path], relayed: list[Path], tmp_path: Path) -> None:
    found = {}
    for path in captures[::3] + relayed[::3]:
        for variant in degrade.variants(path, tmp_path, seed=1):
            if wrong := violations(variant):
                found[variant.name] = wrong
    assert not found
