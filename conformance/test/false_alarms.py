"""The false-alarm campaign: many different honest conversations, recorded and made worse, in none of which the judge may find a violation.

    false_alarms.py DIRECTORY [--rounds N] [--first N] [--seed N] [--time SECONDS] [--keep] [--no-degrade]

Each round draws a path, the settings of both ends and a set of conversations (honest_settings.py), lets the running kernel hold them in namespaces of
its own, checks what every tap saw, and checks it again in each degraded form (degrade.py). A capture with a violation is kept in DIRECTORY with a
text file that says how it came about. Exit status: 0 nothing found, 1 violations, 77 where the kernel or the rights do not permit it.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import degrade  # noqa: E402
from honest_settings import Setting, draw  # noqa: E402
from honest_talks import MORE_TALKS  # noqa: E402
from lastack.known import KnownDeviation  # noqa: E402
from lastack.known import load as load_known  # noqa: E402
from linux_net import why_not, write_pcap  # noqa: E402
from linux_talk import TALKS, Talk  # noqa: E402

ALL_TALKS = TALKS | MORE_TALKS
SLOW = {
    "keep_alive",
    "silent_server",
    "slow_reader",
    "full_backlog",
    "gone_peer",
    "idle_then_burst",
    "never_read",
    "sips",
}
KNOWN_DIRECTORY = HERE.parent / "sut" / "known"
CANNOT = 77


@dataclass
class Tally:
    """What was checked under one heading."""

    captures: int = 0
    connections: int = 0
    packets: int = 0
    violations: int = 0
    known: int = 0  # real deviations of the stack, listed with evidence in conformance/sut/known
    inconclusive: int = 0
    notes: int = 0

    def add(self, other: Tally) -> None:
        """Sums up."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


def _line(finding: dict[str, Any]) -> str:
    return (
        f"{finding['rule']}: packet {finding['packet']} {finding['endpoint']}: expected {finding['expected']}, "
        f"actual {finding['actual']}; {finding['why']}"
    )


@dataclass
class Campaign:
    """Where recordings go, and what came out so far, by heading."""

    directory: Path
    keep: bool = False
    known: list[KnownDeviation] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    rules: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def check(self, path: Path, heading: str, story: str) -> list[str]:
        """Judges one file; SHOULDs count, too. Returns what was held against anybody, known deviations apart, and keeps the evidence."""
        from lastack import _judge

        report = json.loads(_judge.check_file(str(path), strict=True))
        summary = report["summary"]
        accused = [f for f in report["findings"] if f["verdict"] == "violated"]
        found = [f for f in accused if not any(known.covers(f["rule"], story) for known in self.known)]
        self.tallies[heading].add(
            Tally(
                captures=1,
                connections=summary["connections"],
                packets=summary["segments"],
                violations=len(found),
                known=len(accused) - len(found),
                inconclusive=summary["inconclusive"],
                notes=summary.get("notes", 0),
            )
        )
        if found:
            for finding in found:
                self.rules[finding["rule"]] += 1
            lines = [_line(finding) for finding in found]
            path.with_suffix(".txt").write_text("\n".join([story, *lines, ""]), encoding="utf-8")
            first = {finding["rule"]: line for finding, line in reversed(list(zip(found, lines, strict=True)))}
            count = Counter(finding["rule"] for finding in found)
            return [f"{count[rule]} x {line}" for rule, line in first.items()]
        if not self.keep:
            path.unlink()
        return []

    def examine(self, path: Path, heading: str, story: str, seed: int, worse: bool) -> Iterator[str]:
        """Judges a capture as it is and in its degraded forms."""
        variants = degrade.variants(path, self.directory, seed) if worse else []
        for line in self.check(path, heading, story):
            yield f"{path.name}: {line}"
        for variant in variants:
            kind = variant.stem.removeprefix(path.stem + "-").rsplit("-", 1)[0]
            for line in self.check(variant, f"degraded: {kind}", story):
                yield f"{variant.name}: {line}"


def converse(setting: Setting, names: list[str]) -> dict[str, tuple[int, degrade.Records]]:
    """Holds conversations side by side under one setting; what each tap saw."""
    path = setting.join()
    chance = random.Random(setting.seed)

    def hold(name: str, port: int, seed: int) -> None:
        dress = setting.dress(random.Random(seed))
        try:
            ALL_TALKS[name](Talk(path.client, path.server, setting.family, port, setting.protocol, dress))
        except (OSError, RuntimeError):
            pass  # a reset that overtakes data, an option that this kernel refuses: the conversation ends early

    threads = [
        threading.Thread(target=hold, args=(name, 8000 + 40 * i, chance.randrange(1 << 30)), daemon=True)
        for i, name in enumerate(names)
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 12
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    time.sleep(0.05)
    try:
        return path.stop()
    finally:
        path.close()


def quiet(problem: threading.ExceptHookArgs) -> None:
    """Threads of a conversation end with the OSError of a bad path; anything else is shown."""
    if not isinstance(problem.exc_value, OSError):
        sys.__excepthook__(problem.exc_type, problem.exc_value or Exception(), problem.exc_traceback)


def talks_of(index: int, seed: int, talks: int, slow: bool) -> list[str]:
    """The conversations of one round."""
    choice = sorted(name for name in ALL_TALKS if slow or name not in SLOW)
    return random.Random(f"talks {seed} {index}").sample(choice, min(talks, len(choice)))


def story_of(index: int, seed: int, setting: Setting, names: list[str]) -> str:
    """How a recording came about; known deviations may hold under some settings and conversations only."""
    return f"round {index} of seed {seed}: {setting.text()}\nconversations: {' '.join(names)}"


def run_round(campaign: Campaign, index: int, seed: int, talks: int, slow: bool, worse: bool) -> list[str]:
    """One round; returns the violations found, one line each."""
    setting = draw(index, seed)
    names = talks_of(index, seed, talks, slow)
    story = story_of(index, seed, setting, names)
    return examine_round(campaign, index, setting, story, converse(setting, names), worse)


def examine_round(
    campaign: Campaign,
    index: int,
    setting: Setting,
    story: str,
    recordings: dict[str, tuple[int, degrade.Records]],
    worse: bool,
) -> list[str]:
    """Judges what the taps of a round saw, alone, degraded and merged; returns the violations found, one line each."""
    found: list[str] = []
    for tap, (link_type, packets) in recordings.items():
        path = campaign.directory / f"round{index}-{tap}.pcap"
        write_pcap(path, packets, link_type)
        found += campaign.examine(path, f"{setting.path}, tap {tap}", story, index, worse)
    (_, (link_type, one)), (_, (_, two)) = (list(recordings.items()) * 2)[:2]
    if worse and one is not two:
        for skew in (0, 30_000, -700_000, 8_000_000):
            path = campaign.directory / f"round{index}-merged{skew}.pcap"
            write_pcap(path, degrade.merged(one, two, skew), link_type)
            for line in campaign.check(path, "degraded: two taps merged", f"{story}\nskew {skew} ns"):
                found.append(f"{path.name}: {line}")
    return found


def show(campaign: Campaign, seconds: float) -> None:
    """The summary table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"False-alarm campaign, {seconds:.0f} s")
    table.add_column("captures of")
    for name in ("captures", "connections", "packets", "violations", "known", "inconclusive", "notes"):
        table.add_column({"inconclusive": "open", "connections": "conns"}.get(name, name), justify="right")
    total = Tally()
    for heading, tally in sorted(campaign.tallies.items()):
        total.add(tally)
        table.add_row(heading, *(f"{value:,}" for value in vars(tally).values()))
    table.add_section()
    table.add_row("all", *(f"{value:,}" for value in vars(total).values()))
    Console().print(table)
    for rule, count in sorted(campaign.rules.items(), key=lambda item: -item[1]):
        print(f"{count:6} {rule}")


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument(
        "--first", type=int, default=0, help="number of the first round (a round can be repeated alone)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--time", type=float, default=600.0, help="stop after so many seconds")
    parser.add_argument("--talks", type=int, default=14, help="conversations per round")
    parser.add_argument("--keep", action="store_true", help="keep the captures without a finding, too")
    parser.add_argument("--no-degrade", dest="degrade", action="store_false")
    options = parser.parse_args()
    if reason := why_not():
        print(f"false_alarms: {reason}", file=sys.stderr)
        return CANNOT
    threading.excepthook = quiet
    options.directory.mkdir(parents=True, exist_ok=True)
    known = load_known(KNOWN_DIRECTORY / "linux.toml").deviations
    campaign = Campaign(options.directory, options.keep, known)
    start = time.monotonic()
    for index in range(options.first, options.first + options.rounds):
        if time.monotonic() - start > options.time:
            break
        for line in run_round(campaign, index, options.seed, options.talks, slow=True, worse=options.degrade):
            print(line, flush=True)
    show(campaign, time.monotonic() - start)
    return 1 if any(tally.violations for tally in campaign.tallies.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
