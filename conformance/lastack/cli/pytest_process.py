"""Runs pytest with the plugin: paths and node ids of scenarios are found from any working directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import click

from lastack import BUILD, REPOSITORY
from lastack.errors import AdapterBroken, Unavailable, UsageError
from lastack.sut.named import isolated

SCENARIOS = REPOSITORY / "scenarios"
_CRASHES = (signal.SIGILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGTRAP)


def split_selectors(selectors: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """(paths or node ids for pytest, other texts to select by)."""
    paths, texts = [], []
    for selector in selectors:
        file, separator, rest = selector.partition("::")
        place = next(
            (base / file for base in (Path.cwd(), REPOSITORY, SCENARIOS) if file and (base / file).exists()), None
        )
        if place is not None and (separator or "/" in file or file.endswith(".py")):
            paths.append(str(place.resolve()) + separator + rest)
        elif separator:
            raise UsageError(f"there is no scenario file {file}")
        else:
            texts.append(selector)
    return paths, texts


def command_line(selectors: tuple[str, ...], options: list[str]) -> list[str]:
    """The words that run pytest on these scenarios."""
    paths, texts = split_selectors(selectors)
    if not paths:
        if not SCENARIOS.is_dir():
            raise Unavailable(f"there are no scenarios at {SCENARIOS}: name a file or folder")
        paths = [str(SCENARIOS)]
    inside = all(Path(path.partition("::")[0]).is_relative_to(REPOSITORY) for path in paths)
    settings = REPOSITORY / "pyproject.toml"
    root = ["--rootdir", str(REPOSITORY)] if inside else []
    root += ["-c", str(settings)] if inside and settings.is_file() else ["-q", "-ra", "--tb=short"]
    words = [
        sys.executable,
        "-P",  # what lies in the current directory is not Python's library
        "-m",
        "pytest",
        "-p",
        "lastack.plugin",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:faulthandler",
        "--no-header",
        *root,
        *options,
    ]
    for text in texts:
        words += ["--select", text]
    return [*words, *paths]


def child_environment() -> dict[str, str]:
    """The environment in which a child Python finds this package and the scenarios' helpers."""
    # `scenarios` holds helper modules of its own; in a source tree pyproject.toml says so too.
    folders = [
        str(Path(__file__).resolve().parents[2]),
        str(SCENARIOS),
        *os.environ.get("PYTHONPATH", "").split(os.pathsep),
    ]
    search = os.pathsep.join(dict.fromkeys(folder for folder in folders if folder))
    # Absolute, as the child, or what it starts, may stand elsewhere.
    return {**os.environ, "PYTHONPATH": search, "LASTACK_BUILD_DIR": str(BUILD)}


def run_pytest(selectors: tuple[str, ...], options: list[str], suts: tuple[str, ...] = ("core",)) -> int:
    """Runs pytest as a child and returns its exit status.

    A stack inside that process may crash it. Then the run is repeated with the stack in a process of its own, so that
    the crash becomes the outcome of one scenario and all others have theirs.
    """
    environment = child_environment()
    words = command_line(selectors, options)
    sys.stdout.flush()
    status = _wait(words + [f"--sut={sut}" for sut in suts], environment)
    if status >= 0:
        return status
    name = signal.Signals(-status).name
    apart = tuple(isolated(sut) or sut for sut in suts)
    if -status in _CRASHES and apart != suts:
        click.echo(f"lastack: a stack crashed this process ({name}); running again with {', '.join(apart)}\n", err=True)
        status = _wait(words + [f"--sut={sut}" for sut in apart], environment)
    if status < 0:
        raise AdapterBroken(f"pytest was killed by {name}")
    return status


def _wait(words: list[str], environment: dict[str, str]) -> int:
    process = subprocess.Popen(words, env=environment)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # The terminal has sent it to pytest too, which ends in its own orderly way.
            continue
