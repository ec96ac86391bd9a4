"""The judge on real Linux traffic: nothing found in honest captures, whatever became of them (for faults: test_judge_faults.py).

The recordings are stored ones (recordings.py; --record makes new ones), but for one that is made here and now: it needs root for namespaces and is
skipped with the reason where that is not permitted.
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
from linux_talk import QUICK_TALKS  # noqa: E402
from record_linux import CONFIGURATIONS, Configuration, record  # noqa: E402

_judge = pytest.importorskip("lastack._judge", reason="the native module is not built")


def check(path: Path) -> dict[str, Any]:
    """The report on one file, SHOULDs included."""
    report: dict[str, Any] = json.loads(_judge.check_file(str(path), strict=True))
    return report


def violations(path: Path) -> list[str]:
    """What the judge holds against anybody in a file."""
    return [f"{f['packet']} {f['rule']}: {f['why']}" for f in check(path)["findings"] if f["verdict"] == "violated"]


def test_honest_captures_have_no_violation(cable_captures: list[Path]) -> None:
    found = {path.name: wrong for path in cable_captures if (wrong := violations(path))}
    assert not found
    assert len(cable_captures) == 4 * len(CONFIGURATIONS)
    assert all(check(path)["summary"]["connections"] >= len(QUICK_TALKS) for path in cable_captures)


def test_honest_stacks_on_a_bad_path_have_no_violation(relay_captures: list[Path]) -> None:
    found = {path.name: wrong for path in relay_captures if (wrong := violations(path))}
    assert not found
    assert sum(check(path)["summary"]["connections"] for path in relay_captures) > 400


def test_degraded_captures_have_no_violation(
    cable_captures: list[Path], relay_captures: list[Path], tmp_path: Path
) -> None:
    found = {}
    for path in cable_captures[::3] + relay_captures[::3]:
        for variant in degrade.variants(path, tmp_path, seed=1):
            if wrong := violations(variant):
                found[variant.name] = wrong
    assert not found


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")
@pytest.mark.parametrize("configuration", CONFIGURATIONS[:2], ids=lambda c: c.name)
def test_a_capture_of_this_kernel_has_no_violation(configuration: Configuration, tmp_path: Path) -> None:
    for side, tap in record(configuration, socket.AF_INET6, QUICK_TALKS).taps.items():
        path = tmp_path / f"{side}.pcap"
        write_pcap(path, tap.packets)
        assert not violations(path)
        assert check(path)["summary"]["connections"] >= len(QUICK_TALKS)
