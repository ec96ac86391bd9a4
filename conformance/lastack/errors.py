"""The exceptions of the package: what can go wrong with a stack, an adapter, a scenario or the user's input.

Nothing here prints or decides an exit status; ``cli`` and ``plugin`` do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


class LastackError(Exception):
    """Base of errors whose text is meant for the user as it is, without a traceback."""


class UsageError(LastackError):
    """The user asked for something that does not exist or contradicts itself (exit status 4)."""


class Unavailable(LastackError):
    """A stack cannot be used on this machine; the text says why and what to do (exit status 6)."""


class AdapterBroken(LastackError):
    """An adapter died, did not answer or answered nonsense (exit status 6)."""


class NoInput(LastackError):
    """There is nothing to read where the user said (exit status 6)."""


def meant(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """What to say after "there is no such ...": the names that look like it."""
    names, low = list(known), word.lower()
    close = [name for name in names if low and low in name.lower()]
    close += [name for name in difflib.get_close_matches(word, names, 4) if name not in close]
    return f"; do you mean {', '.join(close[:4])}?" if close else otherwise


class CallError(Exception):
    """The stack refused a user call. The text is the stack's own, worded as in RFC 9293 3.10 where it can."""


class Unsupported(Exception):
    """The stack under test has no such thing; the scenario ends as UNSUPPORTED with this reason."""


@dataclass(frozen=True)
class Difference:
    """One field that is not as expected. ``hint`` explains in a few words, or is empty."""

    field: str
    expected: str
    got: str
    hint: str = ""


class Mismatch(AssertionError):
    """The stack did something that the scenario does not allow.

    ``headline`` is one line; ``differences`` are the fields that differ; ``matches`` names those that do not; ``why``
    argues from the exchange so far.
    """

    def __init__(
        self, headline: str, differences: list[Difference] | None = None, matches: str = "", why: str = ""
    ) -> None:
        super().__init__(headline)
        self.headline = headline
        self.differences = differences or []
        self.matches = matches
        self.why = why

    def __str__(self) -> str:
        lines = [self.headline]
        for difference in self.differences:
            hint = f"   ({difference.hint})" if difference.hint else ""
            lines.append(f"  {difference.field:<8} expected {difference.expected:<12} got {difference.got}{hint}")
        if self.matches:
            lines.append(f"  matches: {self.matches}")
        if self.why:
            lines.append(f"  why: {self.why}")
        return "\n".join(lines)
