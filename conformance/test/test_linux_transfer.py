"""The core and the running Linux kernel exchange some megabytes over a path that loses and reorders: intact, SACK, timestamps and
window scale in use, no violation at either end. linux_transfer.py is the same with 100 MB.

Needs root for a namespace and a TUN device; skipped with the reason where that is not permitted.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

pytest.importorskip("lastack._judge", reason="the native module is not built")

from core_in_real_time import Way  # noqa: E402
from linux_net import why_not  # noqa: E402
from linux_transfer import Use, complaints, stream, transfer  # noqa: E402

needs_root = pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")


@needs_root
@pytest.mark.parametrize("core_sends", [True, False], ids=["core-sends", "kernel-sends"])
@pytest.mark.parametrize("ipv6", [False, True], ids=["ipv4", "ipv6"])
def test_transfer_with_loss_is_intact_and_without_violation(core_sends: bool, ipv6: bool, tmp_path: Path) -> None:
    way = Way(loss=0.01, reorder=0.01, seed=1)
    result = transfer(core_sends, 2_000_000, way, ipv6, tmp_path, limit_s=60)
    assert not complaints(result), result
    assert way.lost > 10, "the path must have lost something, or this shows nothing"


@needs_root
def test_complaints_name_what_is_missing(tmp_path: Path) -> None:
    """The verdict is not always "ok": a result that lacks one thing is refused for that thing."""
    good = transfer(True, 200_000, Way(loss=0.05), False, tmp_path, limit_s=60)
    good.kernel.largest_window = good.core.largest_window = 1 << 20
    good.kernel.with_sack_blocks = 1
    assert not complaints(good)
    good.violations, good.findings = 1, ["core.pcap packet 7 ack-of-nothing"]
    assert complaints(good) == ["1 violations, the first: core.pcap packet 7 ack-of-nothing"]
    good.violations = 0
    good.core = Use(segments=10, syn_options=["MSS", "timestamps", "window scale"], with_timestamps=9)
    assert complaints(good) == ["the core's SYN lacks SACK permitted", "the core sent 1 segments without timestamps"]


def test_stream_shows_misplaced_text() -> None:
    assert stream(5, 100) == stream(0, 105)[5:]
    assert stream(2_000_000, 100) != stream(0, 100)
    assert stream(1_048_570, 10) == stream(1_048_570, 3) + stream(0, 7)
