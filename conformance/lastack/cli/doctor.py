"""``lastack doctor``: what works on this machine, and the command that repairs what does not."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from lastack import BUILD, __version__
from lastack.errors import LastackError
from lastack.sut.named import NAMES, open_sut

# Needed to run lastack, and those that only building and testing it needs.
_MODULES = {
    "scapy.layers.inet": "python3-scapy",
    "pytest": "python3-pytest",
    "rich": "python3-rich",
    "jinja2": "python3-jinja2",
}
_TOOLS = {"cmake": "cmake", "ninja": "ninja-build", "clang++": "clang", "g++": "g++", "tshark": "tshark"}
_BUILD_MODULES = {"hypothesis": "python3-hypothesis", "jsonschema": "python3-jsonschema"}


def _lines() -> Iterator[tuple[bool | None, str, str]]:
    """(works | None for optional, what, how to repair)."""
    yield True, f"lastack {__version__}, Python {sys.version.split()[0]} at {sys.executable}", ""
    for native in ("_core", "_judge"):
        try:
            importlib.import_module(f"lastack.{native}")
            yield True, f"native module {native}", ""
        except ImportError as error:
            yield False, f"native module {native}: {error}", f"cmake --build {BUILD}"
    for module, package in {**_MODULES, **_BUILD_MODULES}.items():
        try:
            importlib.import_module(module)
            yield True, f"Python module {module}", ""
        except ImportError:
            yield (
                (False if module in _MODULES else None),
                f"Python module {module}",
                f"sudo apt-get install -y {package}",
            )
    for tool, package in _TOOLS.items():
        found = shutil.which(tool)
        yield (True if found else None), f"{tool}: {found or 'not found'}", f"sudo apt-get install -y {package}"
    yield (
        (Path("/dev/net/tun").exists() or None),
        "/dev/net/tun (for the linux stack)",
        "modprobe tun, or run where it is allowed",
    )


@click.command()
def doctor() -> int:
    """Check tools, Python modules and stacks. Exit status 6 when something necessary is missing."""
    broken = False
    for works, what, how in _lines():
        mark = "ok  " if works else "--  " if works is None else "FAIL"
        broken |= works is False
        click.echo(f"{mark} {what}" + ("" if works else f"\n     {how}"))
    for name in NAMES:
        try:
            carrier = open_sut(name)
            hello = carrier.hello
            click.echo(f"ok   stack {name}: {hello.name} {hello.version} ({', '.join(sorted(hello.caps))})")
            carrier.close()
        except LastackError as error:
            broken |= name == "core"
            click.echo(f"{'FAIL' if name == 'core' else '--  '} stack {name}: {error}")
    return 6 if broken else 0
