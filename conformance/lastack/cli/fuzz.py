"""``lastack fuzz`` and ``lastack replay``: a front for the fuzz executables (fuzz/README.md has their interface).

libFuzzer's output goes into a log file; what is shown is one line of progress, and each finding with the command that
replays it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click

from lastack import BUILD, REPOSITORY
from lastack.errors import Unavailable, UsageError

FINDING = 7
TARGETS = ("wire", "program", "world", "canary", "judge", "pcap")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
_PROGRESS = re.compile(r"#(\d+)\s+(?:\w+)\s+cov: (\d+).*?corp: (\d+)/\S+.*?exec/s: (\d+)")
_WRITTEN = re.compile(r"Test unit written to (\S+)")


class Duration(click.ParamType):
    """``60``, ``60s``, ``10m``, ``2h`` as seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Seconds, at least one."""
        match = re.fullmatch(r"(\d+)([smh]?)", str(value))
        if not match or int(match[1]) == 0:
            self.fail(f"{value!r} is not a duration such as 60s, 10m or 2h", param, ctx)
        return int(match[1]) * _UNITS[match[2]]


@click.command()
@click.argument("target", type=click.Choice(TARGETS))
@click.option("--time", "seconds", type=Duration(), default="60s", show_default=True, help="How long: 60s, 10m, 2h.")
@click.option("--sanitizer", type=click.Choice(("address", "undefined")), default="address", show_default=True)
@click.option(
    "--corpus", type=click.Path(file_okay=False, path_type=Path), help="Where new inputs go [out/corpus/TARGET]."
)
@click.option(
    "--findings", type=click.Path(file_okay=False, path_type=Path), default=Path("findings"), show_default=True
)
@click.option("--sut", metavar="so:PATH", help="Fuzz this stack instead of the core (targets program and world).")
@click.option("--seed", type=int, help="libFuzzer's seed; with the same corpus the same run.")
def fuzz(
    target: str, seconds: int, sanitizer: str, corpus: Path | None, findings: Path, sut: str | None, seed: int | None
) -> int:
    """Fuzz a target; go on from its corpus. Exit status 7 when something is found."""
    build = BUILD / ("fuzz-asan" if sanitizer == "address" else "fuzz-ubsan")
    executable = _executable(build, target, sanitizer)
    corpus = corpus or Path("out") / "corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    findings.mkdir(parents=True, exist_ok=True)
    words = [
        str(executable),
        f"-max_total_time={seconds}",
        "-timeout=25",
        "-rss_limit_mb=2560",
        "-len_control=0",
        "-print_final_stats=1",
        f"-artifact_prefix={findings}/{target}-",
        *_options(target),
        *([f"-seed={seed}"] if seed is not None else []),
        str(corpus),
    ]
    words += [
        str(folder)
        for folder in (build / "fuzz" / "seeds" / target, REPOSITORY / "fuzz" / "corpus" / target)
        if folder.is_dir()
    ]
    environment = {**os.environ, **({"LASTACK_SUT": sut} if sut else {})}
    log = findings / f"{target}.log"
    click.echo(f"fuzzing {target} for {seconds} s; corpus {corpus}, libFuzzer's log {log}")
    return _watch(words, environment, log, target, sut)


def _executable(build: Path, target: str, sanitizer: str) -> Path:
    executable = build / "fuzz" / target
    if not executable.is_file():
        preset = "fuzz" if sanitizer == "address" else "fuzz-ubsan"
        raise Unavailable(
            f"the fuzz target {executable} is not built. Build it with\n"
            f"  cmake --preset {preset} && cmake --build --preset {preset}\nin {REPOSITORY} (needs clang)"
        )
    return executable


def _options(target: str) -> Iterator[str]:
    """libFuzzer's options of a target, from fuzz/options and fuzz/dict."""
    options = REPOSITORY / "fuzz" / "options" / f"{target}.options"
    if options.is_file():
        for line in options.read_text(encoding="utf-8").splitlines():
            name, separator, value = (part.strip() for part in line.partition("="))
            if separator and name == "max_len":
                yield f"-{name}={value}"
    dictionary = REPOSITORY / "fuzz" / "dict" / f"{target}.dict"
    if dictionary.is_file():
        yield f"-dict={dictionary}"


def _watch(words: list[str], environment: dict[str, str], log: Path, target: str, sut: str | None) -> int:
    """Runs libFuzzer, shows one line of progress, and reports what it wrote."""
    started, shown, found, last = time.monotonic(), 0.0, "", None
    with log.open("w", encoding="utf-8", errors="replace") as raw:
        process = subprocess.Popen(
            words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        assert process.stdout
        try:
            for line in process.stdout:
                raw.write(line)
                last = _PROGRESS.search(line) or last
                if match := _WRITTEN.search(line):
                    found = match[1]
                if last and time.monotonic() - shown > (1 if sys.stdout.isatty() else 30):
                    shown = time.monotonic()
                    _progress(last, shown - started, "\r" if sys.stdout.isatty() else "\n")
            status = process.wait()
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise
    if last:
        _progress(last, time.monotonic() - started, "\n")
    if status == 0:
        click.echo("nothing found")
        return 0
    if not found:
        raise Unavailable(
            f"{words[0]} ended with status {status} without a finding; its output is in {log}:\n{_tail(log)}"
        )
    click.echo(
        f"FINDING {found}\n{_tail(log)}\n again  lastack replay {found} --target {target}"
        + (f" --sut {sut}" if sut else "")
    )
    return FINDING


def _progress(match: re.Match[str], seconds: float, end: str) -> None:
    clock = time.strftime("%H:%M:%S", time.gmtime(seconds))
    text = (
        f" {clock}  {int(match[4]):,} exec/s  {int(match[1]):,} runs  edges {int(match[2]):,}  corpus {int(match[3]):,}"
    )
    click.echo(f"{text:<79}" + end, nl=False)
    sys.stdout.flush()


def _tail(log: Path) -> str:
    """The lines of a log that say what happened: the assertion and the line before it, or the sanitizer's summary;
    else the last ones.
    """
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    telling: list[str] = []
    for before, line in zip(["", *lines], lines, strict=False):
        if "Assertion `" in line:
            telling += [before, line] if before and not before.startswith("#") else [line]
    telling = telling or [line for line in lines if line.startswith("SUMMARY:") or "ERROR: " in line]
    return "\n".join(f"  {line}" for line in (telling or lines)[-6:])


@click.command(short_help="Run a fuzz input again, or as a scenario.")
@click.argument("file")
@click.option("--as-scenario", is_flag=True, help="Print a pytest function for the laboratory.")
@click.option("--minimize", metavar="OUT", help="Write the shortest program with the same finding, as text, to OUT.")
@click.option("--pcapng", metavar="OUT", help="Write the packets as pcapng to OUT.")
@click.option("--text", "as_text", is_flag=True, help="Print the program as text.")
@click.option("--transcript", is_flag=True, help="Print every call and packet with time and state.")
@click.option(
    "--target", type=click.Choice(("program", "world", "canary")), help="The target that the file belongs to."
)
@click.option("--sut", metavar="SUT", help="core (default) or so:PATH.")
def replay(
    file: str,
    as_scenario: bool,
    minimize: str | None,
    pcapng: str | None,
    as_text: bool,
    transcript: bool,
    target: str | None,
    sut: str | None,
) -> int:
    """Run a fuzz input again, or turn it into something a person can read.

    Exit status: 0 nothing found, 4 usage, 6 unreadable file or target not built,
    7 it still finds something.
    """
    if not Path(file).is_file():
        raise Unavailable(f"cannot read {file}: there is no such file")
    chosen = [
        name
        for name, on in (
            ("--as-scenario", as_scenario),
            ("--minimize", minimize),
            ("--pcapng", pcapng),
            ("--text", as_text),
            ("--transcript", transcript),
        )
        if on
    ]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} cannot be combined")
    tool = BUILD / "fuzz" / "lastack-fuzz-tool"
    if not tool.is_file():
        raise Unavailable(f"{tool} is not built: cmake --build {BUILD}")
    actions = {
        "--as-scenario": ["--scenario"],
        "--minimize": ["--minimize", minimize or ""],
        "--pcapng": ["--pcapng", pcapng or ""],
        "--text": ["--text"],
        "--transcript": ["--transcript"],
    }
    action = actions[chosen[0]] if chosen else ["--run"]
    words = [str(tool), *(["--target", target] if target else []), *(["--sut", sut] if sut else []), *action, file]
    status = subprocess.run(words, check=False).returncode
    if status < 0:
        raise Unavailable(f"{tool.name} was killed by signal {-status}")
    return status
