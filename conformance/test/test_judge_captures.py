"""The judge on real Linux traffic: nothing found in honest captures, whatever became of them, and seeded faults convicted.

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
import fault_matrix  # noqa: E402
import faults  # noqa: E402
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
# Recorded by `record_linux.py DIRECTORY --only plain bare --talks ...` with TALKS, the bulk transfer short; see captures/.
STORED = [
    Path(__file__).with_name("captures") / f"{name}.pcap.xz"
    for name in ("plain-ipv4-client", "plain-ipv6-server", "bare-ipv4-client")
]
SEEDS = 10  # of each kind of fault
# Where no timestamp, IP identification or later number can tell, "inconclusive" is the honest answer: so not every one is convicted.
SHARE_CONVICTED = 0.95
SHARE_EXACT = 0.9


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


def test_seeded_faults_are_convicted(tmp_path: Path) -> None:
    """In stored recordings: a fresh one, made on a busy machine, has repetitions in it and leaves other faults open."""
    made = convicted = exact = 0
    silent_kinds = []
    for path in STORED:
        trace = faults.Trace(path)
        for kind in faults.KINDS:
            score = faults.measure(trace, kind, SEEDS, tmp_path)
            made, convicted, exact = made + score.made, convicted + score.convicted, exact + score.right_rule
            if path.name.startswith("plain-ipv4") and score.made and not score.convicted:
                silent_kinds.append(kind.name)
    assert made > 1000
    assert not silent_kinds
    assert convicted / made >= SHARE_CONVICTED, f"{convicted} of {made}"
    assert exact / made >= SHARE_EXACT, f"{exact} of {made} at the packet and with a right rule"


def test_wrong_numbers_are_convicted_wherever_they_stand(tmp_path: Path) -> None:
    trace = faults.Trace(STORED[1])
    scores = [faults.measure(trace, kind, 1, tmp_path) for kind in fault_matrix.MATRIX]
    made, right = sum(score.made for score in scores), sum(score.right_rule for score in scores)
    assert made > 200
    assert right / made >= SHARE_EXACT, f"{right} of {made}: {[score.missed for score in scores if score.missed]}"
