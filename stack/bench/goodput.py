"""Goodput of one connection over a simulated path, for every contender, beside what the RFCs' models allow; and its plot.

The path is stack/sim's (goodput.cpp): both directions delayed by half the round-trip time, the sender's direction loses a share of its
packets by a seed and has a rate and a router's buffer of one bandwidth-delay product. Virtual time, so that the numbers are the same on
every machine.
"""

from __future__ import annotations

import json
import math
import statistics
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

LOSSES = (0.0, 0.01, 0.05, 0.2)
ROUND_TRIPS = (0.001, 0.01, 0.05, 0.1, 0.5)  # seconds
RATE = 10e6  # bits per second
SECONDS = 60
WINDOW = 256 * 1024  # BENCH_PATH_WINDOW of path.h
MSS = 1448.0  # text of a full segment with timestamps
RTO = 1.0  # RFC 6298 2.4
CORE = "lastack"

Run = Callable[..., subprocess.CompletedProcess[str]]
Note = Callable[[str], None]


@dataclass(frozen=True)
class Cell:
    """One path."""

    loss: float
    rtt: float

    @property
    def name(self) -> str:
        return f"{self.loss:.0%} loss, RTT {self.rtt * 1000:.0f} ms"


CELLS = [Cell(loss, rtt) for loss in LOSSES for rtt in ROUND_TRIPS]


def _capped(cell: Cell, segments: float) -> float:
    """Octets per second of a window of so many segments, under the path's rate and the receiver's window."""
    return min(segments * MSS / cell.rtt, WINDOW / cell.rtt, RATE / 8 * MSS / 1500)


def reno(cell: Cell) -> float:
    """Congestion avoidance of RFC 5681 alone: the window's mean is sqrt(3/2)/sqrt(p) segments."""
    return _capped(cell, math.sqrt(1.5 / cell.loss) if cell.loss else math.inf)


def reno_with_timeouts(cell: Cell) -> float:
    """The same with RFC 6298's time-outs, by the equation of RFC 5348 3.1 (Padhye and others)."""
    p = cell.loss
    if p == 0:
        return reno(cell)
    rto = max(RTO, 4 * cell.rtt)
    per_segment = cell.rtt * math.sqrt(2 * p / 3) + rto * 3 * math.sqrt(3 * p / 8) * p * (1 + 32 * p * p)
    return _capped(cell, cell.rtt / per_segment)


def cubic(cell: Cell) -> float:
    """RFC 9438 5.1: 1.054 RTT^0.75 / p^0.75 segments, and never less than Reno would have (4.3)."""
    if cell.loss == 0:
        return reno(cell)
    return max(reno(cell), _capped(cell, 1.054 * (cell.rtt / cell.loss) ** 0.75))


MODELS: Mapping[str, Callable[[Cell], float]] = {
    "model of RFC 5681": reno,
    "RFC 5681 with time-outs": reno_with_timeouts,
    "model of RFC 9438": cubic,
}


class Paths:
    """The measurements: octets per second by contender and cell."""

    def __init__(self, program: Path, run: Run, note: Note, seeds: int) -> None:
        self._program, self._run, self._note, self._seeds = program, run, note, seeds
        self.contenders: list[str] = []
        for line in run(program, "list").stdout.splitlines():
            name, version, configuration = line.split("\t")
            self.contenders.append(name)
            note(f"goodput: {name} {version}: {configuration}".replace(" :", ":"))
        self.peers = [name for name in self.contenders if not name.startswith(CORE)]
        self._rates: dict[tuple[str, Cell], float | None] = {}

    def rate(self, contender: str, cell: Cell) -> float | None:
        """The median over the seeds; None where the contender cannot."""
        key = (contender, cell)
        if key not in self._rates:
            seeds = range(1, (self._seeds if cell.loss else 1) + 1)
            rates = [self._once(contender, cell, 1000 * seed) for seed in seeds]
            known = [rate for rate in rates if rate is not None]
            self._rates[key] = statistics.median(known) if known else None
        return self._rates[key]

    def _once(self, contender: str, cell: Cell, seed: int) -> float | None:
        words = (round(cell.loss * 1e6), round(cell.rtt * 1e6), round(RATE), SECONDS, seed)
        told = json.loads(self._run(self._program, "run", contender, *(str(word) for word in words)).stdout)
        if "unsupported" in told:
            self._note(f"goodput: {contender}: {told['unsupported']}")
            return None
        return float(told["octets"]) / SECONDS


@dataclass(frozen=True)
class Comparison:
    """One row: what the core reaches, and what a peer or a model does on the same path."""

    name: str
    value: float  # kB/s
    peer: str
    peer_value: float


def comparisons(paths: Paths) -> Iterator[Comparison]:
    """Every variant of the core beside every peer and model, cell by cell."""
    for cell in CELLS:
        for variant in (name for name in paths.contenders if name.startswith(CORE)):
            mine = paths.rate(variant, cell)
            if mine is None:
                continue
            name = f"goodput, {cell.name}" + (f", {variant.removeprefix(CORE + '-')}" if variant != CORE else "")
            for peer in paths.peers:
                if (theirs := paths.rate(peer, cell)) is not None:
                    yield Comparison(name, mine / 1e3, peer, theirs / 1e3)
            for model, of in MODELS.items():
                yield Comparison(name, mine / 1e3, model, of(cell) / 1e3)


def plot(paths: Paths, file: Path) -> str:
    """Writes the picture; returns why it could not, or nothing."""
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError:
        return "no plot: python3-matplotlib is not installed"
    figure, axes = pyplot.subplots(1, len(LOSSES), figsize=(15, 4.8), sharey=True)
    milliseconds = [rtt * 1000 for rtt in ROUND_TRIPS]
    for axis, loss in zip(axes, LOSSES, strict=True):
        cells = [Cell(loss, rtt) for rtt in ROUND_TRIPS]
        for style, (name, model) in zip(("--", ":", "-."), MODELS.items(), strict=True):
            axis.plot(milliseconds, [model(cell) / 1e3 for cell in cells], style, color="0.45", label=name)
        for mark, name in zip("os^vD*", paths.contenders, strict=False):
            rates = [paths.rate(name, cell) or math.nan for cell in cells]
            axis.plot(milliseconds, [rate / 1e3 for rate in rates], "-" + mark, markersize=5, label=name)
        axis.set(xscale="log", yscale="log", title=f"{loss:.0%} loss", xlabel="round-trip time, ms")
        axis.set_xticks(milliseconds, [f"{x:g}" for x in milliseconds])
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("goodput, kB/s")
    axes[0].legend(fontsize=8, loc="lower left")
    figure.suptitle(f"One connection, {RATE / 1e6:.0f} Mbit/s, window {WINDOW // 1024} KiB, {SECONDS} s")
    figure.tight_layout()
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file)
    pyplot.close(figure)
    return ""
