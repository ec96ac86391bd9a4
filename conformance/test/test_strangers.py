"""Nothing is held against anybody in the captures of strangers.py: as they are, at each tap they may be of, and damaged."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import degrade  # noqa: E402
import middleboxes  # noqa: E402, F401  (adds its cases)
import strangers  # noqa: E402
from tape import Tape  # noqa: E402

_judge = pytest.importorskip("lastack._judge", reason="the native module is not built")
SEED = 1
# What a capture so poor cannot show: (case, what became of the capture).
UNKNOWABLE = {
    ("syn_again_with_smaller_mss", "sampled"),  # the SYN with the larger MSS is missing, the other one is there
    ("syn_again_with_smaller_mss", "gaps"),
    ("old_syn_is_answered_first", "sampled"),  # the old SYN is there, its answer and the new SYN are missing
    ("old_syn_is_answered_first", "gaps"),
}


def violations(path: Path, tap: str = "") -> list[str]:
    """What the judge holds against anybody, SHOULDs included."""
    report = json.loads(_judge.check_file(str(path), strict=True, tap=tap))
    return [
        f"{path.name} tap={tap or 'inferred'} packet {f['packet']} {f['rule']}: expected {f['expected']}, actual {f['actual']}; {f['why']}"
        for f in report["findings"]
        if f["verdict"] == "violated"
    ]


@pytest.mark.parametrize("ipv6", [False, True], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("name", strangers.CASES)
def test_is_not_held_against_anybody(name: str, ipv6: bool, tmp_path: Path) -> None:
    tape = Tape(ipv6=ipv6)
    strangers.CASES[name](tape)
    path = tape.write(tmp_path / f"{name}.pcap")
    taps = ["", "path"] if name in strangers.ON_PATH else ["", "path", "client", "server"]
    found = [line for tap in taps for line in violations(path, tap)]
    for variant in degrade.variants(path, tmp_path, SEED):
        kind = variant.stem.removeprefix(f"{name}-").rsplit("-", 1)[0]
        if (name, kind) not in UNKNOWABLE:
            found += violations(variant)
    assert not found, f"degraded with seed {SEED}"


def test_a_mistake_in_such_a_capture_is_found(tmp_path: Path) -> None:
    """The same tape with one wrong number is convicted: the silence above is not deafness."""
    tape = Tape()
    tape.open().a("PA", 1, 1, b"hello").b("A", 1, 9).a("PA", 6, 1, b"world").b("A", 1, 11).close(11, 1)
    assert any("ack-of-unsent-data" in line for line in violations(tape.write(tmp_path / "wrong.pcap")))
