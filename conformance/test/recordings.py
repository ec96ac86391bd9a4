"""Sets of recordings of the running kernel: stored ones, the same on every machine, and new ones.

    recordings.py [SET ...]        records the named sets (all of them) anew and stores them in captures/

Tests ask for a set with ``take``. They get the stored one, so that a test that fails does so again; under ``pytest --record`` they record a new
one, as the nightly run does: what that finds is kept and becomes a test. Needs root for namespaces to record, nothing to read.
"""

from __future__ import annotations

import argparse
import lzma
import os
import socket
import sys
import tarfile
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import false_alarms  # noqa: E402
from honest_settings import PATHS, draw  # noqa: E402
from linux_net import why_not, write_pcap  # noqa: E402
from linux_talk import QUICK_TALKS  # noqa: E402
from record_linux import CONFIGURATIONS, record  # noqa: E402
from relay import REGIMES, talk_through  # noqa: E402

STORE = HERE / "captures"
FAMILIES = ((4, socket.AF_INET), (6, socket.AF_INET6))
CAMPAIGN_SEED = 1


def record_cable(directory: Path) -> None:
    """Two ends on a cable: every configuration, both families, both taps: CONFIGURATION-ipvN-SIDE.pcap."""
    for configuration in CONFIGURATIONS:
        for version, family in FAMILIES:
            for side, tap in record(configuration, family, QUICK_TALKS).taps.items():
                write_pcap(directory / f"{configuration.name}-ipv{version}-{side}.pcap", tap.packets)


def record_relay(directory: Path) -> None:
    """Through a relay that loses, delays, reorders and repeats, at three taps: relay-REGIME-ipvN-TAP.pcap."""
    for regime in REGIMES:
        for version, family in FAMILIES:
            for tap, packets in talk_through(regime, family, connections=20, seed=version).items():
                write_pcap(directory / f"relay-{regime.name}-ipv{version}-{tap}.pcap", packets, 101)


def campaign_round(path: str) -> int:
    """The first round of the campaign on this path."""
    return next(index for index in range(1000) if draw(index, CAMPAIGN_SEED).path == path)


def campaign_talks(index: int) -> list[str]:
    """The conversations of that round."""
    return false_alarms.talks_of(index, CAMPAIGN_SEED, talks=7, slow=False)


def record_campaign(directory: Path) -> None:
    """One round of the false-alarm campaign on each kind of path: PATH-roundN-TAP.pcap."""
    for path in PATHS:
        index = campaign_round(path)
        recorded = false_alarms.converse(draw(index, CAMPAIGN_SEED), campaign_talks(index))
        for tap, (link_type, packets) in recorded.items():
            write_pcap(directory / f"{path}-round{index}-{tap}.pcap", packets, link_type)


SETS: dict[str, Callable[[Path], None]] = {
    "cable": record_cable,
    "relay": record_relay,
    "campaign": record_campaign,
}


def take(name: str, directory: Path, anew: bool) -> list[Path]:
    """Puts the captures of a set into ``directory`` and returns them, sorted by name."""
    if anew:
        SETS[name](directory)
    else:
        with tarfile.open(STORE / f"{name}.tar.xz") as stored:
            for member in stored.getmembers():
                data = stored.extractfile(member)
                assert data is not None
                (directory / Path(member.name).name).write_bytes(data.read())
    return sorted(directory.glob("*.pcap"))


def _pattern(size: int) -> bytes:
    """Text that shows where it belongs, and that packs well."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def store(name: str) -> Path:
    """Records a set and packs it; conversations say a pattern instead of random text."""
    archive = STORE / f"{name}.tar.xz"
    random_text, os.urandom = os.urandom, _pattern
    try:
        with tempfile.TemporaryDirectory() as directory:
            SETS[name](Path(directory))
            with lzma.open(archive, "wb", preset=9) as packed, tarfile.open(fileobj=packed, mode="w") as out:
                for path in sorted(Path(directory).glob("*.pcap")):
                    out.add(path, arcname=path.name, filter=_anonymous)
    finally:
        os.urandom = random_text
    return archive


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", metavar="SET", help=", ".join(SETS))
    options = parser.parse_args()
    if unknown := set(options.sets) - set(SETS):
        parser.error(f"no set {', '.join(sorted(unknown))}; there are {', '.join(SETS)}")
    if reason := why_not():
        print(f"recordings: {reason}", file=sys.stderr)
        return 77
    threading.excepthook = false_alarms.quiet
    for name in options.sets or SETS:
        path = store(name)
        print(f"{path}: {path.stat().st_size:,} octets")
    return 0


if __name__ == "__main__":
    sys.exit(main())
