"""A bounded false-alarm campaign: honest conversations of the kernel and between stacks, as recorded and degraded, in none of which the judge finds a violation.

The long one is ``conformance/test/false_alarms.py DIRECTORY`` and ``conformance/test/stack_pairs.py DIRECTORY``. Kernel rounds need root for
namespaces and are skipped with the reason elsewhere.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import false_alarms  # noqa: E402
import stack_pairs  # noqa: E402
from honest_settings import draw  # noqa: E402
from lastack.known import load as load_known  # noqa: E402
from linux_net import why_not  # noqa: E402

pytest.importorskip("lastack._judge", reason="the native module is not built")
SEED = 1
# Rounds whose paths are a router, a bridge, a shuffling and a damaging relay.
PATHS = ("router", "bridge", "far-shuffle", "damage")


def round_with(path: str) -> int:
    """The first round of the seed on this path."""
    return next(index for index in range(1000) if draw(index, SEED).path == path)


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")
@pytest.mark.parametrize("path", PATHS)
def test_kernel_is_not_accused(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", false_alarms._quiet)
    campaign = false_alarms.Campaign(tmp_path, known=load_known(false_alarms.KNOWN_DIRECTORY / "linux.toml").deviations)
    found = false_alarms.run_round(campaign, round_with(path), SEED, talks=7, slow=False, worse=True)
    assert not found, f"round {round_with(path)} of seed {SEED}"
    assert sum(tally.connections for tally in campaign.tallies.values()) > 50


@pytest.mark.parametrize("pair", [("core", "core"), ("core", "lwip"), ("lwip", "core")], ids="+".join)
def test_stacks_are_not_accused(pair: tuple[str, str], tmp_path: Path) -> None:
    if missing := set(pair) - set(stack_pairs.usable(pair)):
        pytest.skip(f"no adapter for {missing}")
    files = [false_alarms.KNOWN_DIRECTORY / f"{name}.toml" for name in pair]
    known = [deviation for file in files if file.is_file() for deviation in load_known(file).deviations]
    campaign = false_alarms.Campaign(tmp_path, known=known)
    found = [line for number in range(2) for line in stack_pairs.run_pair(pair, number, SEED, campaign)]
    assert not found, f"seed {SEED}"
    assert sum(tally.connections for tally in campaign.tallies.values()) > 50
