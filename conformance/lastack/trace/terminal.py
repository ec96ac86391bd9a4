"""Prints lines with styles on a terminal: colour where there is one (and NO_COLOR is not set), plain text elsewhere, and
never a failure because of an encoding.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from lastack.ladder import Glyphs, Line, glyphs_for

_STYLES = {
    "plain": "",
    "fail": "bold red",
    "warn": "yellow",
    "ok": "green",
    "dim": "dim",
    "state": "cyan",
    "head": "bold",
}


class Printer:
    """Standard output."""

    def __init__(self) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        self.glyphs: Glyphs = glyphs_for(getattr(sys.stdout, "encoding", None))
        self._console = Console(highlight=False, soft_wrap=True)
        self._plain = not self._console.is_terminal

    def print(self, lines: Iterable[Line]) -> None:
        """Prints the lines."""
        for line in lines:
            text = printable(line.text)
            if self._plain:
                print(text)
            else:
                self._console.print(Text(text, style=_STYLES[line.style]))


def printable(text: str) -> str:
    """File names may hold anything: what would move a terminal's cursor is shown as an escape."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
