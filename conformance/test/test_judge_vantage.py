"""Where the tap was, on real Linux traffic: inferred rightly at three taps of a bad path, and nothing held against honest ends at their
own tap, whatever became of the capture. And the profiles that `lastack check --profile` takes.

The recordings are stored ones (recordings.py; --record makes new ones).
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import degrade  # noqa: E402
from lastack import profile  # noqa: E402

_judge = pytest.importorskip("lastack._judge", reason="the native module is not built")

# Which end is near at each tap; the relay's client is end a.
TRUTH = {"client": "client", "server": "server", "a": "client", "b": "server", "mid": "path"}


def check(path: Path, tap: str = "", **options: Any) -> dict[str, Any]:
    """The report on one file, SHOULDs included."""
    report: dict[str, Any] = json.loads(_judge.check_file(str(path), strict=True, tap=tap, **options))
    return report


def violations(path: Path, tap: str) -> list[str]:
    """What is held against anybody in a file whose tap is given."""
    found = check(path, tap)["findings"]
    return [f"{path.name}: {f['packet']} {f['rule']}: {f['why']}" for f in found if f["verdict"] == "violated"]


@pytest.fixture(scope="session")
def taps(cable_captures: list[Path], relay_captures: list[Path]) -> list[tuple[Path, str]]:
    """Captures with their true vantage: a cable without delay, and a relay with 5 ms on each side of its middle tap."""
    cable = ("plain", "no-timestamps", "offload", "bare")
    relay = ("relay-clean", "relay-all", "relay-all-bare")
    paths = [
        p for p in cable_captures + relay_captures if p.stem.rsplit("-", 2)[0] in cable + relay and "ipv6" in p.name
    ]
    made = [(path, TRUTH[path.stem.rsplit("-", 1)[1]]) for path in paths]
    assert len(made) == 2 * len(cable) + 3 * len(relay)
    return made


def test_honest_ends_at_their_own_tap(taps: list[tuple[Path, str]], tmp_path: Path) -> None:
    found = [wrong for path, truth in taps for wrong in violations(path, truth)]
    for path, truth in taps:
        for variant in degrade.variants(path, tmp_path, seed=2):
            found += violations(variant, truth)
    assert not found


def test_the_tap_is_inferred_rightly_or_not_at_all(taps: list[tuple[Path, str]]) -> None:
    for path, truth in taps:
        answers: Counter[str] = Counter()
        for connection in check(path)["connections"]:
            ends = [end["address"] for end in connection["endpoints"]]
            at = connection["tap"]["at"]
            if at in ends:  # every conversation here is begun by the client, which sends the first segment
                at = "client" if at == ends[0] else "server"
            answers[at] += 1
        assert set(answers) <= {truth, "unknown"}, f"{path.name}: {dict(answers)}"
        if path.name.startswith("relay"):
            # How many show it depends on how busy the machine was.
            assert answers[truth] >= sum(answers.values()) / 4, f"{path.name}: {dict(answers)}"


@pytest.mark.parametrize("name", profile.shipped())
def test_shipped_profiles_are_understood(name: str, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pcap"
    degrade.write(empty, 101, [])
    choices = profile.load(name)
    assert choices
    assert check(empty, profile=choices)["summary"]["packets"] == 0


def test_a_wrong_profile_says_why(tmp_path: Path) -> None:
    wrong = tmp_path / "own.toml"
    for text, words in (
        ("[choices]\nminimum_rto = 'fast'", "a number"),
        ("[choice]\n", "unknown key choice"),
        ("description = 'nothing'", "table 'choices' is missing"),
        ("[choices\n", "own.toml"),
    ):
        wrong.write_text(text)
        with pytest.raises(profile.ProfileError, match=words):
            profile.load(str(wrong))
    with pytest.raises(profile.ProfileError, match="no profile solaris"):
        profile.load("solaris")
    empty = tmp_path / "empty.pcap"
    degrade.write(empty, 101, [])
    with pytest.raises(ValueError, match="ack_delay"):
        check(empty, profile={"ack_delay": 0.7})
