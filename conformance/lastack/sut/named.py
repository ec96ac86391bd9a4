"""From the text after ``--sut`` to a carrier: ``core``, ``so:path``, ``cmd:command``, or one of the shipped adapters
by name.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from lastack import BUILD, REPOSITORY
from lastack.errors import Unavailable, UsageError, meant
from lastack.sut.carrier import Carrier
from lastack.sut.command import CommandCarrier
from lastack.sut.linked import linked_core, shared_object


@dataclass(frozen=True)
class Shipped:
    """An adapter of this repository: the program, what it is written for, and how it is built."""

    program: Path
    about: str
    how: str


SHIPPED = {
    "core-process": Shipped(
        BUILD / "sut" / "lastack-sut-core", "the built-in core in a process of its own", f"cmake --build {BUILD}"
    ),
    "lwip": Shipped(
        BUILD / "sut" / "lastack-sut-lwip",
        "lwIP (Debian's liblwip)",
        "install liblwip-dev, then configure and build again",
    ),
    "linux": Shipped(
        REPOSITORY / "conformance" / "sut" / "linux.py", "the running Linux kernel", "use a complete source tree"
    ),
    "smoltcp": Shipped(
        BUILD / "sut" / "lastack-sut-smoltcp",
        "smoltcp (Rust)",
        "build it with conformance/sut/smoltcp/build (needs cargo)",
    ),
    "gvisor": Shipped(
        BUILD / "sut" / "lastack-sut-gvisor",
        "gVisor netstack (Go)",
        "nobody has written it yet; conformance/sut/README.md is the way to do it",
    ),
}
NAMES = ("core", *SHIPPED)


def label_of(spec: str) -> str:
    """A short form of a SUT's spec for test ids and tables: no spaces, no brackets."""
    return "".join(c if c.isalnum() or c in ":./_-+" else "_" for c in spec)


def known_issues_file(spec: str) -> Path | None:
    """The known-issues file that the repository ships for this stack, if it does."""
    path = REPOSITORY / "conformance" / "sut" / "known" / f"{spec}.toml"
    return path if spec in NAMES and path.is_file() else None


def isolated(spec: str) -> str | None:
    """The same stack in a process of its own, for one that crashed inside ours; None when it already is in one."""
    if spec == "core":
        return "core-process" if SHIPPED["core-process"].program.is_file() else None
    server = BUILD / "sut" / "lastack-sut-so"
    return f"cmd:'{server}' '{spec[3:]}'" if spec.startswith("so:") and server.is_file() else None


def open_sut(spec: str) -> Carrier:
    """The carrier for a spec. Raises ``UsageError`` for an unknown form and ``Unavailable`` when it cannot be used
    here.
    """
    if spec == "core":
        return linked_core()
    if spec in SHIPPED:
        shipped = SHIPPED[spec]
        if not shipped.program.is_file():
            raise Unavailable(f"{spec} ({shipped.about}) has no adapter at {shipped.program}: {shipped.how}")
        words = f"'{sys.executable}' '{shipped.program}'" if shipped.program.suffix == ".py" else f"'{shipped.program}'"
        return CommandCarrier(words, label=spec)
    kind, separator, rest = spec.partition(":")
    if separator and kind == "so":
        return shared_object(rest)
    if separator and kind == "cmd":
        return CommandCarrier(rest)
    raise UsageError(f"unknown stack {spec!r}: use {', '.join(NAMES)}, so:PATH or cmd:COMMAND{meant(spec, NAMES)}")
