"""`ci/bench`: builds the benchmarks and the peers, runs both in one session, and prints each measure with its ratio.

Instruction counts come from callgrind by difference (N units and 2 N units of work, so that start-up cancels); times from Google
Benchmark with repetitions in random order, where the ratio is the median of the ratios of paired repetitions. Nothing here is typed
in: a number that could not be measured is a row without it and a reason on standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import goodput

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
PEERS = ROOT / "build" / "peers"
CORE = "lastack"

# Units of work for one instruction count; the run under callgrind is some fifty times slower than without.
COUNT_UNITS = {"MiB": 8, "connection": 300, "input": 300}
HELD = 450
# What each group needs; where other stacks take part, the first two besides.
TARGETS = {
    "": ("lastack_bench", "lastack_bench_count"),
    "judge": (
        "lastack_bench_capture",
        "lastack_bench_judge",
        "lastack_bench_readers",
        "lastack_python_judge",
        "lastack_python_core",  # the whole command, which wants both modules
    ),
    "goodput": ("lastack_bench_goodput",),
}


@dataclass
class Row:
    """One measured value beside a peer's. `ratio` is value / peer_value; `better` says in which direction it should go."""

    group: str
    name: str
    value: float
    unit: str
    better: str
    peer: str | None = None
    peer_value: float | None = None
    ratio: float | None = None


class Usage(Exception):
    """The command line asks for something that does not exist."""


def note(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def run(*command: str | Path, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a program and returns its output; with `check`, a failure ends the benchmark with the end of what it said."""
    environment = os.environ | {"LASTACK_BENCH_PEERS": str(PEERS)} | variables
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, cwd=ROOT, env=environment)
    if check and done.returncode != 0:
        note(f"{' '.join(str(c) for c in command)} failed ({done.returncode}):")
        print((done.stdout + done.stderr)[-3000:], file=sys.stderr)
        sys.exit(1)
    return done


def peers_take_part(groups: Sequence[str]) -> bool:
    """Other stacks are measured beside ours, and not only the judge."""
    return list(groups) != ["judge"]


def build(groups: Sequence[str]) -> None:
    note("building (build/release) and the peers (build/peers)")
    targets = {target for group in groups for target in TARGETS.get(group, ())}
    if peers_take_part(groups):
        targets |= set(TARGETS[""])
    run("cmake", "--preset", "release", f"-DLASTACK_PYTHON={'ON' if 'judge' in groups else 'OFF'}")
    run("cmake", "--build", "--preset", "release", "--target", *sorted(targets))
    if peers_take_part(groups):
        sys.stderr.write(run(ROOT / "stack/bench/peers/build").stderr)


class Bench:
    """The two executables: what they can do, and their measurements, each made once."""

    def __init__(self, repetitions: int, peers: bool) -> None:
        self.repetitions = repetitions
        self.contenders: dict[str, str] = {}
        self.units: dict[str, str] = {}
        for line in run(BUILD / "stack/lastack_bench_count", "list").stdout.splitlines() if peers else ():
            kind, name, second, third = line.split("\t")
            if kind == "contender":
                self.contenders.setdefault(name, f"{name} {second}: {third}")
            else:
                self.units[name] = third
        self.peers = [c for c in self.contenders if c != CORE]
        self._counts: dict[tuple[str, str], Count | None] = {}
        self._rates: dict[tuple[str, str], list[dict[str, float]]] = {}

    def count(self, work: str, contender: str) -> Count | None:
        """Instructions and frames of one unit; None where this contender cannot, or without valgrind."""
        key = (work, contender)
        if key not in self._counts:
            n = COUNT_UNITS[self.units[work]]
            first, second = self._collect(work, contender, n), self._collect(work, contender, 2 * n)
            self._counts[key] = None if first is None or second is None else (second - first).per(n)
        return self._counts[key]

    def _collect(self, work: str, contender: str, units: int) -> Count | None:
        if shutil.which("valgrind") is None:
            return None
        # From the end of the preparations on; where the program was built without valgrind's header, from its start.
        for option in ("--instr-atstart=no", "--instr-atstart=yes"):
            done = run(
                "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", option,
                BUILD / "stack/lastack_bench_count", "run", work, contender, str(units),
            )  # fmt: skip
            told = json.loads(done.stdout)
            if "unsupported" in told:
                note(f"{work}: {contender}: {told['unsupported']}")
                return None
            collected = re.search(r"Collected : (\d+)", done.stderr)
            assert collected is not None, done.stderr
            if int(collected[1]) != 0:
                return Count(float(collected[1]), told["frames"], told["allocations"])
        raise AssertionError(f"{work}: {contender}: callgrind counted nothing")

    def measure(self, *works: str) -> None:
        """Times these works for every contender, in random order among each other."""
        wanted = [w for w in works if not any(key[0] == w for key in self._rates)]
        if not wanted:
            return
        done = run(
            BUILD / "stack/lastack_bench", f"--benchmark_filter=^({'|'.join(wanted)})/",
            f"--benchmark_repetitions={self.repetitions}", "--benchmark_enable_random_interleaving=true",
            "--benchmark_min_time=0.1", "--benchmark_format=json",
        )  # fmt: skip
        for result in json.loads(done.stdout)["benchmarks"]:
            if result.get("run_type") != "iteration" or result.get("error_occurred"):
                continue
            work, contender = result["run_name"].split("/")[:2]
            self._rates.setdefault((work, contender), []).append(result)

    def rate(self, work: str, contender: str, counter: str) -> list[float]:
        """One value a repetition, per second of CPU time; empty where this contender cannot."""
        return [result[counter] for result in self._rates.get((work, contender), [])]

    def memory(self, kind: str, contender: str) -> float | None:
        # Without the allocator's cache of freed blocks, which would count as what a connection holds.
        done = run(
            BUILD / "stack/lastack_bench_count", "memory", kind, contender, str(HELD), check=False,
            GLIBC_TUNABLES="glibc.malloc.tcache_count=0",
        )  # fmt: skip
        told = json.loads(done.stdout) if done.returncode == 0 else {"unsupported": f"it ended with {done.returncode}"}
        if "unsupported" in told:
            note(f"memory {kind}: {contender}: {told['unsupported']}")
            return None
        return float(told["octets_per_connection"])


@dataclass
class Count:
    instructions: float
    frames: float
    allocations: float

    def __sub__(self, other: Count) -> Count:
        return Count(
            self.instructions - other.instructions, self.frames - other.frames, self.allocations - other.allocations
        )

    def per(self, n: int) -> Count:
        return Count(self.instructions / n, self.frames / n, self.allocations / n)

    @property
    def per_frame(self) -> float:
        return self.instructions / self.frames


def compared(group: str, name: str, unit: str, better: str, value: float, peer: str, peer_value: float) -> Row:
    return Row(group, name, value, unit, better, peer, peer_value, value / peer_value if peer_value else None)


def instruction_rows(
    bench: Bench, group: str, work: str, name: str, unit: str, of: Callable[[Count], float]
) -> Iterator[Row]:
    mine = bench.count(work, CORE)
    if mine is None:
        return
    found = False
    for peer in bench.peers:
        if (theirs := bench.count(work, peer)) is not None:
            found = True
            yield compared(group, name, unit, "lower", of(mine), peer, of(theirs))
    if not found:
        yield Row(group, name, of(mine), unit, "lower")


def faster_peer_row(
    bench: Bench, group: str, work: str, name: str, unit: str, counter: str, scale: float
) -> Iterator[Row]:
    """The core's rate against that of whichever peer is the fastest."""
    mine = bench.rate(work, CORE, counter)
    rates = {peer: theirs for peer in bench.peers if (theirs := bench.rate(work, peer, counter))}
    if mine and rates:
        peer = max(rates, key=lambda name: statistics.median(rates[name]))
        ratio = statistics.median(a / b for a, b in zip(mine, rates[peer]))
        yield Row(
            group, name, statistics.median(mine) / scale, unit, "higher", f"fastest peer: {peer}",
            statistics.median(rates[peer]) / scale, ratio,
        )  # fmt: skip


def speed_rows(bench: Bench, group: str, work: str, name: str, unit: str, counter: str, scale: float) -> Iterator[Row]:
    mine = bench.rate(work, CORE, counter)
    if not mine:
        return
    value = statistics.median(mine) / scale
    found = False
    for peer in bench.peers:
        if theirs := bench.rate(work, peer, counter):
            found = True
            ratio = statistics.median(a / b for a, b in zip(mine, theirs))
            yield Row(group, name, value, unit, "higher", peer, statistics.median(theirs) / scale, ratio)
    if not found:
        yield Row(group, name, value, unit, "higher")


def bulk(bench: Bench) -> Iterator[Row]:
    kinds = (("bulk", "checksums on"), ("bulk-offload", "checksums off"))
    for work, kind in kinds:
        yield from instruction_rows(
            bench, "bulk", work, f"bulk, sending and receiving a frame, {kind}", "instructions/frame",
            lambda count: count.per_frame,
        )  # fmt: skip
    bench.measure("bulk", "bulk-offload")
    for work, kind in kinds:
        yield from speed_rows(bench, "bulk", work, f"bulk throughput, {kind}", "MB/s", "octets", 1e6)
        yield from faster_peer_row(bench, "bulk", work, f"bulk throughput, {kind}", "MB/s", "octets", 1e6)


def connection(bench: Bench) -> Iterator[Row]:
    yield from instruction_rows(
        bench,
        "connection",
        "connection",
        "full connection of 7 frames",
        "instructions",
        lambda count: count.instructions,
    )
    bench.measure("connection")
    yield from speed_rows(bench, "connection", "connection", "full connections of 7 frames", "1/s", "units", 1)


def timewait(bench: Bench) -> Iterator[Row]:
    yield from instruction_rows(
        bench, "timewait", "connection-tw1023", "full connection, 1,023 TIME-WAIT resident", "instructions",
        lambda count: count.instructions,
    )  # fmt: skip
    for contender, work, many in (
        (CORE, "connection-tw100000", "100,000"),
        *((peer, "connection-tw1023", "1,023") for peer in bench.peers),
    ):
        full, empty = bench.count(work, contender), bench.count("connection", contender)
        if full is not None and empty is not None:
            yield compared(
                "timewait", f"{contender}: full connection, {many} TIME-WAIT resident, against none", "instructions", "lower",
                full.instructions, f"{contender}, none", empty.instructions,
            )  # fmt: skip
    bench.measure("connection-tw1023", "connection-tw100000")
    yield from speed_rows(
        bench, "timewait", "connection-tw1023", "full connections, 1,023 TIME-WAIT resident", "1/s", "units", 1
    )
    yield from speed_rows(
        bench, "timewait", "connection-tw100000", "full connections, 100,000 TIME-WAIT resident", "1/s", "units", 1
    )


def replay(bench: Bench) -> Iterator[Row]:
    yield from instruction_rows(
        bench, "replay", "replay", "replay of 4 frames, 193 octets", "instructions", lambda count: count.instructions
    )
    bench.measure("replay")
    yield from speed_rows(bench, "replay", "replay", "replays of 4 frames, 193 octets", "1/s", "units", 1)


def memory(bench: Bench) -> Iterator[Row]:
    for kind, name in (
        ("at-rest", "memory of an idle connection, 2 s at rest"), ("idle", "memory of an idle connection, just opened"),
        ("time-wait", "memory of a TIME-WAIT connection"),
        ("half-open", "memory of a half-open connection"),
    ):  # fmt: skip
        mine = bench.memory(kind, CORE)
        if mine is None:
            continue
        for peer in bench.peers:
            if (theirs := bench.memory(kind, peer)) is not None:
                yield compared("memory", name, "octets", "lower", mine, peer, theirs)
    if (count := bench.count("bulk", CORE)) is not None:
        yield Row("memory", "uses of the heap in bulk transfer", count.allocations / count.frames, "1/frame", "lower")


def features(bench: Bench) -> Iterator[Row]:
    """All features on against all off, for each contender; the ratio of times is per octet of text."""
    for contender in bench.contenders:
        on, off = bench.count("bulk-features", contender), bench.count("bulk", contender)
        if on is not None and off is not None:
            yield compared(
                "features", f"{contender}: bulk, all features on, against off", "instructions/MiB", "lower",
                on.instructions, f"{contender}, off", off.instructions,
            )  # fmt: skip
            loss = 100 * (1 - off.instructions / on.instructions)
            yield Row("features", f"{contender}: loss by all features, instructions per octet", loss, "%", "lower")
    bench.measure("bulk", "bulk-features")
    for contender in bench.contenders:
        rates_on, rates_off = (bench.rate(work, contender, "octets") for work in ("bulk-features", "bulk"))
        if rates_on and rates_off:
            ratio = statistics.median(a / b for a, b in zip(rates_on, rates_off))
            yield Row(
                "features", f"{contender}: bulk, all features on, against off", statistics.median(rates_on) / 1e6,
                "MB/s", "higher", f"{contender}, off", statistics.median(rates_off) / 1e6, ratio,
            )  # fmt: skip
            yield Row("features", f"{contender}: loss by all features, throughput", 100 * (1 - ratio), "%", "lower")


CAPTURE = ROOT / "build" / "bench"
CONNECTIONS = 20_000
ENOUGH_ROOM = 3 << 30  # octets free, for a capture of whole packets


def judge(bench: Bench) -> Iterator[Row]:
    """`lastack check` on what the Linux kernel sends, against a loop around libpcap that only counts; passes in turn."""
    for kind, snaplen in (("headers only", 96), ("whole packets", 65535)):
        file = CAPTURE / f"linux-{snaplen}.pcap"
        CAPTURE.mkdir(parents=True, exist_ok=True)
        if snaplen > 96 and shutil.disk_usage(CAPTURE).free < ENOUGH_ROOM:
            note(f"judge: {kind}: less than 3 GiB free in {CAPTURE}")
            continue
        made = run(BUILD / "stack/lastack_bench_capture", file, str(CONNECTIONS), str(snaplen), check=False)
        if made.returncode != 0:
            note(f"judge: no capture: {made.stderr.strip()}")
            return
        yield from against_libpcap(bench, file, kind)
        yield from readers(bench, file, kind)
        if snaplen == 96:
            yield from in_parallel(bench, file)
        file.unlink()
    yield from all_open()


def all_open() -> Iterator[Row]:
    """What the judge holds while many connections are open: those of the captures above are closed, or nearly all of them."""
    file = CAPTURE / "linux-open.pcap"
    run(BUILD / "stack/lastack_bench_capture", file, str(CONNECTIONS), "96", "open")
    told = json.loads(run(BUILD / "stack/lastack_bench_judge", "check", file).stdout)
    file.unlink()
    name = f"memory of check, {CONNECTIONS:,} connections open at a time, headers only"
    yield Row("judge", name, told["peak_kib"] / 1024, "MiB", "lower")


Pass = dict[str, float]


def passes(repetitions: int, commands: dict[str, Sequence[str | Path]]) -> dict[str, list[Pass]]:
    """What each command printed, run in turn; the first round fills the page cache and does not count."""
    results: dict[str, list[Pass]] = {name: [] for name in commands}
    for _ in range(repetitions + 1):
        for name, command in commands.items():
            results[name].append(json.loads(run(*command).stdout))
    return {name: all_of_it[1:] for name, all_of_it in results.items()}


def against_libpcap(bench: Bench, file: Path, kind: str) -> Iterator[Row]:
    """All rules on, one core."""
    program = BUILD / "stack/lastack_bench_judge"
    done = passes(bench.repetitions, {verb: (program, verb, file) for verb in ("count", "check")})
    count, check = done["count"], done["check"]
    packets = check[0]["packets"]
    if count[0]["packets"] != packets or check[0]["violations"]:
        note(
            f"judge: {kind}: {count[0]['packets']} packets read, {packets} judged, {check[0]['violations']} violations"
        )
    pairs = [(a["seconds"], b["seconds"]) for a, b in zip(check, count)]
    mine, theirs = (statistics.median(packets / pair[i] for pair in pairs) for i in (0, 1))
    ratio = statistics.median(b / a for a, b in pairs)
    name = f"check, {packets:,} packets of {CONNECTIONS:,} connections, {kind}"
    yield Row("judge", name, mine / 1e6, "Mpps", "higher", "libpcap counting", theirs / 1e6, ratio)
    peak = statistics.median(result["peak_kib"] for result in check) / 1024
    yield Row("judge", f"memory of check, {kind}", peak, "MiB", "lower")


def readers(bench: Bench, file: Path, kind: str) -> Iterator[Row]:
    """Reading alone, and finding the TCP segment in each frame: ours beside libraries (stack/DECISIONS.md 41)."""
    program = BUILD / "stack/lastack_bench_readers"
    names = run(program).stdout.splitlines()
    done = passes(min(bench.repetitions, 5), {name: (program, name, file) for name in names})
    base = done[names[0]]
    for name in names[1:]:
        pairs = [(a["seconds"], b["seconds"]) for a, b in zip(done[name], base)]
        mine, theirs = (statistics.median(base[0]["packets"] / pair[i] for pair in pairs) for i in (0, 1))
        ratio = statistics.median(b / a for a, b in pairs)
        yield Row("judge", f"{name}, {kind}", mine / 1e6, "Mpps", "higher", names[0], theirs / 1e6, ratio)
    if len(names) < 4:
        note("judge: libtins was not there when this was built (libtins-dev)")


def in_parallel(bench: Bench, file: Path) -> Iterator[Row]:
    """The whole command on eight captures, `--jobs 1` against `--jobs 2`: wall-clock time, so only an idle machine shows it.

    One capture is judged in about the time that Python needs to start; eight are enough for that not to count.
    """
    if (os.cpu_count() or 1) < 2:
        note("judge: --jobs 2 needs two cores")
        return
    others = [file.with_suffix(f".{number}.pcap") for number in range(2, 9)]
    for other in others:
        os.link(file, other)
    times: dict[int, list[float]] = {1: [], 2: []}
    environment = os.environ | {"LASTACK_BUILD_DIR": str(BUILD), "PYTHONPATH": str(ROOT / "conformance")}
    busy = os.getloadavg()[0]
    for _ in range(bench.repetitions):
        for jobs, seconds in times.items():
            command = [sys.executable, "-m", "lastack", "check", "--json", f"--jobs={jobs}", *map(str, [file, *others])]
            start = time.monotonic()
            subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
            seconds.append(time.monotonic() - start)
    for other in others:
        other.unlink()
    if busy > 0.5:
        note(f"judge: the load was {busy:.1f} when --jobs was measured: its ratio says less than it could")
    ratio = statistics.median(one / two for one, two in zip(times[1], times[2]))
    one, two = (statistics.median(times[jobs]) for jobs in (1, 2))
    yield Row(
        "judge", "check --jobs 2, eight captures, headers only", 1 / two, "1/s", "higher", "--jobs 1", 1 / one, ratio
    )


def paths(bench: Bench) -> Iterator[Row]:
    """Goodput over a path that delays and loses: the core, its peers and the models of the RFCs."""
    measured = goodput.Paths(BUILD / "stack/lastack_bench_goodput", run, note, seeds=3 if bench.repetitions <= 3 else 9)
    for c in goodput.comparisons(measured):
        yield compared("goodput", c.name, "kB/s", "higher", c.value, c.peer, c.peer_value)
    picture = CAPTURE / "goodput.svg"
    note(goodput.plot(measured, picture) or f"plot: {picture}")


GROUPS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "bulk": bulk,
    "connection": connection,
    "timewait": timewait,
    "replay": replay,
    "memory": memory,
    "features": features,
    "judge": judge,
    "goodput": paths,
}


def number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"


def print_table(rows: list[Row]) -> None:
    cells = [("measure", "value", "unit", "peer", "its value", "ratio", "better")]
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        cells.append((row.name, number(row.value), row.unit, row.peer or "", number(row.peer_value), ratio, row.better))
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
    right = (False, True, False, False, True, True, False)
    for line in cells:
        padded = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right))
        print("  ".join(padded).rstrip())


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ci/bench", description="Benchmarks of the core beside its peers.")
    parser.add_argument("--only", metavar="GROUP", action="append", choices=list(GROUPS), help=", ".join(GROUPS))
    parser.add_argument("--json", action="store_true", help="rows with name, value, unit, peer, peer_value, ratio")
    parser.add_argument("--quick", action="store_true", help="3 repetitions of each timing instead of 11")
    try:
        return parser.parse_args(arguments)
    except SystemExit as end:
        sys.exit(4 if end.code else 0)


def main() -> int:
    options = parse(sys.argv[1:])
    groups = options.only or list(GROUPS)
    build(groups)
    if shutil.which("valgrind") is None:
        note("no instruction counts: valgrind is not installed (apt-get install valgrind)")
    bench = Bench(repetitions=3 if options.quick else 11, peers=peers_take_part(groups))
    for text in bench.contenders.values():
        note(text)
    for skipped in sorted(PEERS.glob("*.skipped")) if bench.peers else ():
        note(f"{skipped.stem} left out: {skipped.read_text().strip()}")
    rows: list[Row] = []
    for group in groups:
        note(f"measuring: {group}")
        rows += GROUPS[group](bench)
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        print_table(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
