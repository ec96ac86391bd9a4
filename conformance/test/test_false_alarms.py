"""A bounded false-alarm campaign: honest conversations of the kernel and between stacks, as recorded and degraded, in none of which the judge finds a violation.

The long one is ``conformance/test/false_alarms.py DIRECTORY`` and ``conformance/test/stack_pairs.py DIRECTORY``. The kernel's rounds are stored
ones, one on each kind of path (recordings.py; --record makes new ones).
"""

from __future__ import annotations

import random
import socket
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import false_alarms  # noqa: E402
import stack_pairs  # noqa: E402
from degrade import read, without_syn  # noqa: E402
from honest_settings import PATHS, draw  # noqa: E402
from lastack.known import load as load_known  # noqa: E402
from linux_net import Namespace, Tap, why_not  # noqa: E402
from recordings import CAMPAIGN_SEED, campaign_round, campaign_talks  # noqa: E402

pytest.importorskip("lastack._judge", reason="the native module is not built")
SEED = 1


@pytest.mark.parametrize("kind", PATHS)
def test_kernel_is_not_accused(kind: str, campaign_captures: list[Path], tmp_path: Path) -> None:
    index = campaign_round(kind)
    setting = draw(index, CAMPAIGN_SEED)
    taps = {
        path.stem.rsplit("-", 1)[1]: read(path) for path in campaign_captures if path.stem.startswith(f"{kind}-round")
    }
    assert taps
    campaign = false_alarms.Campaign(tmp_path, known=load_known(false_alarms.KNOWN_DIRECTORY / "linux.toml").deviations)
    story = false_alarms.story_of(index, CAMPAIGN_SEED, setting, campaign_talks(index))
    found = false_alarms.examine_round(campaign, index, setting, story, taps, worse=True)
    assert not found, f"round {index} of seed {CAMPAIGN_SEED}"
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


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "namespaces can be made")
def test_a_conversation_that_goes_on_does_not_keep_a_tap_from_ending() -> None:
    namespace = Namespace()
    tap = Tap(namespace, "lo", patience=0.3).start()
    ended = threading.Event()

    def talk() -> None:
        with namespace.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while not ended.wait(0.01):
                sender.sendto(b"again", ("127.0.0.1", 9))

    talker = threading.Thread(target=talk)
    talker.start()
    stopper = threading.Thread(target=tap.stop, daemon=True)
    stopper.start()
    stopper.join(20)
    ended.set()
    talker.join()
    namespace.close()
    assert not stopper.is_alive() and tap.packets


def test_a_later_fragment_has_no_flags_to_select_by() -> None:
    fragment = bytes.fromhex(
        "4500 0018 0001 00b9 4006 0000 c0000201 c0000202 02020202"
    )  # at octet 1480, of four octets
    assert without_syn(101)([(0, fragment)], random.Random(1)) == [(0, fragment)]
