"""The steps of ci/quickstart after the build, and its closing table. Everything goes through the `lastack` command."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
LASTACK = ROOT / "build" / "lastack"
UNAVAILABLE = 6  # exit status of `lastack run` when the stack cannot run here
FINDING = 7
FUZZ_SECONDS = 10

console = Console()


@dataclass
class Step:
    """One line of the table. `good` is None when the step could not be done here and that is no fault."""

    what: str
    result: str
    seconds: float
    good: bool | None


def call(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True, check=False)


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = (done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}").splitlines()
    return lines[-1]


def scenarios(sut: str, folder: Path) -> Step:
    started = time.monotonic()
    results = folder / f"{sut}.json"
    # The kernel runs on the wall clock: its scenarios mostly wait, so several at a time.
    jobs = 8 if sut == "linux" else 1
    done = call(LASTACK, "run", "--sut", sut, "--json", results, "--jobs", jobs)
    seconds = time.monotonic() - started
    if done.returncode == UNAVAILABLE:
        return Step(f"scenarios on {sut}", "not here: " + last_line(done), seconds, None)
    try:
        counts = json.loads(results.read_text(encoding="utf-8"))["summary"][sut]
    except (OSError, ValueError, KeyError):
        return Step(f"scenarios on {sut}", last_line(done), seconds, False)
    names = {"known": "known issues", "stale": "stale known issues", "error": "errors"}
    words = [f"{count} {names.get(name, name)}" for name, count in counts.items() if count or name == "passed"]
    return Step(f"scenarios on {sut}", ", ".join(words), seconds, done.returncode == 0)


def capture(folder: Path) -> list[Step]:
    """Two sockets of the running kernel in network namespaces of their own, recorded; then the recording is judged."""
    started = time.monotonic()
    recorded = call(
        sys.executable,
        ROOT / "conformance" / "test" / "record_linux.py",
        folder / "captures",
        "--only",
        "plain",
        "offload",
        "--quick",
    )
    seconds = time.monotonic() - started
    files = sorted((folder / "captures").glob("*.pcap*"))
    if recorded.returncode != 0 or not files:
        return [Step("record the Linux kernel", "not here: " + last_line(recorded), seconds, None)]
    steps = [Step("record the Linux kernel", f"{len(files)} captures", seconds, True)]
    started = time.monotonic()
    done = call(LASTACK, "check", "--json", *files)
    try:
        summary = json.loads(done.stdout)["summary"]
        text = (f"{summary['connections']} connections, {summary['packets']} packets: {summary['violations']} violations, "
                f"{summary['inconclusive']} inconclusive")  # fmt: skip
    except (ValueError, KeyError):
        text = last_line(done)
    return [*steps, Step("check the recording", text, time.monotonic() - started, done.returncode == 0)]


def fuzz(target: str, expected: int) -> Step:
    started = time.monotonic()
    done = call(LASTACK, "fuzz", target, "--time", f"{FUZZ_SECONDS}s")
    good = done.returncode == expected
    text = last_line(done).strip()[:90]
    if good:
        text = "the planted fault is found" if expected == FINDING else "nothing found"
    return Step(f"fuzz {target}", text, time.monotonic() - started, good)


def main() -> int:
    steps: list[Step] = []
    with tempfile.TemporaryDirectory(prefix="lastack-quickstart-") as name:
        folder = Path(name)
        for what, action in (
            ("scenarios on the core", lambda: [scenarios("core", folder)]),
            ("scenarios on lwIP", lambda: [scenarios("lwip", folder)]),
            ("scenarios on the running Linux kernel", lambda: [scenarios("linux", folder)]),
            ("a capture of the Linux kernel", lambda: capture(folder)),
            ("fuzzing: the planted fault must be found", lambda: [fuzz("canary", FINDING)]),
            ("fuzzing the core", lambda: [fuzz("program", 0)]),
            ("fuzzing two cores over a hostile network", lambda: [fuzz("world", 0)]),
        ):
            console.print(f"[bold]{what}[/bold] ...")
            steps += action()

    table = Table("", "step", "result", "s")
    for step in steps:
        sign = {True: "[green]ok[/green]", False: "[red]FAILED[/red]", None: "[yellow]--[/yellow]"}[step.good]
        table.add_row(sign, step.what, step.result, f"{step.seconds:.1f}")
    console.print(table)
    return 1 if any(step.good is False for step in steps) else 0


if __name__ == "__main__":
    sys.exit(main())
