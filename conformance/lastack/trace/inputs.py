"""What the user named on the command line, as captures to read: files, directories, globs, standard input, and segments
written as text (``textform``).
"""

from __future__ import annotations

import glob
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from lastack.errors import NoInput
from lastack.trace import textform

STDIN = "-"
_SUFFIXES = (".pcap", ".pcapng", ".cap", ".ntar")
_PACKED = ("", ".gz", ".zst", ".lz4")
_TEXT_LIMIT = 1 << 20


@dataclass(frozen=True)
class Source:
    """A capture: what the user calls it, where it can be read (twice), and for segments in text form what its
    endpoints are called and which line each packet comes from.
    """

    name: str
    path: str
    names: Mapping[str, str] = field(default_factory=dict)
    lines: Sequence[int] = ()
    exchange: textform.TextExchange | None = None

    def endpoint(self, address: str) -> str:
        """What to call an endpoint."""
        return self.names.get(address, address)


class Inputs:
    """The captures of one command, in order. A context manager: copies made for reading are removed at its end."""

    def __init__(self, words: Sequence[str]) -> None:
        self._stack = ExitStack()
        self.interrupted = False
        self.sources = [self._source(name) for word in words for name in _expand(word)]

    def __enter__(self) -> Inputs:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def by_name(self) -> dict[str, Source]:
        """The captures by what the user calls them."""
        return {source.name: source for source in self.sources}

    def _source(self, name: str) -> Source:
        if name == STDIN:
            return self._spooled(name, sys.stdin.fileno())
        if Path(name).is_fifo():
            with open(name, "rb", buffering=0) as pipe:
                return self._spooled(name, pipe.fileno())
        text = _text_of(Path(name))
        return Source(name, name) if text is None else self._written(name, text)

    def _spooled(self, name: str, pipe: int) -> Source:
        """A pipe can be read once only, and findings are looked at again: a copy on disk. An interrupt ends the copying,
        not the command: what has come so far is judged.
        """
        copy = Path(self._folder()) / "copy"
        with copy.open("wb") as file:
            try:
                while octets := os.read(pipe, 1 << 16):
                    file.write(octets)
            except KeyboardInterrupt:
                self.interrupted = True
        text = _text_of(copy)
        return Source(name, str(copy)) if text is None else self._written(name, text)

    def _written(self, name: str, text: str) -> Source:
        exchange = textform.parse(text, name)
        path = Path(self._folder()) / "text.pcapng"
        exchange.write(path)
        return Source(name, str(path), exchange.names, exchange.lines, exchange)

    def _folder(self) -> str:
        return self._stack.enter_context(tempfile.TemporaryDirectory(prefix="lastack-"))


def _expand(word: str) -> Iterator[str]:
    if word == STDIN:
        yield word
    elif os.path.isdir(word):
        found = sorted(str(path) for path in Path(word).rglob("*") if _is_capture(path))
        if not found:
            raise NoInput(f"{word}: there is no capture in this directory ({', '.join(_SUFFIXES)}, also packed)")
        yield from found
    elif glob.has_magic(word) and not os.path.lexists(word):
        found = sorted(path for path in glob.glob(word, recursive=True) if os.path.isfile(path))
        if not found:
            raise NoInput(f"{word}: no file has such a name")
        yield from found
    else:
        yield word


def _is_capture(path: Path) -> bool:
    name = path.name.lower()
    return path.is_file() and any(name.endswith(suffix + packed) for suffix in _SUFFIXES for packed in _PACKED)


def _text_of(path: Path) -> str | None:
    """The text of a file that holds segments as text; None for anything else, which the reader of captures will name."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            start = file.read(_TEXT_LIMIT + 1)
    except OSError:
        return None
    if len(start) > _TEXT_LIMIT or b"\0" in start:
        return None
    try:
        text = start.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if textform.looks_like(text) else None
