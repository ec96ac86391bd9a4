"""What a finding's numbers mean: how far the actual one is off, what both are relative to the initial sequence numbers, and
which fields of the accused segment they stand in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lastack.trace.findings import Finding

_MOD, _HALF = 2**32, 2**31
_LONG = 10**5  # shorter numbers can be read as they are
_FAR = 10**7  # what is further off has nothing to do with it
# How a number is introduced, by the end whose numbers it counts among; a clock's and a length's are of nobody.
_INTRODUCED = re.compile(
    r"(?:(?P<own>SEQ=|FIN at |octet 0x\w\w at |(?:data|numbers|octets) up to |SEG\.UP(?: up to |=))"
    r"|(?P<peer>ACK=|right edge |blocks? (?:up to |from )?|(?<=\d)-)"
    r"|(?P<nobody>TSval=|TSecr=|TSval of the peer, |^(?:at most )?(?=\d+ octets$)))(?P<number>\d+)"
)
_OPTIONS = {
    "ts": "tsval|tsecr|timestamp",
    "sack": "block",
    "mss": "mss",
    "ws": "scale|shift",
    "sackOK": "sack-permitted",
    "fastopen": "fast open|cookie",
}


class Number(int):
    """A number with the end that counts with it: "own" (the accused), "peer" or "nobody"."""

    of: str
    introduced: str


def _numbers(text: str) -> list[Number]:
    found = []
    for match in _INTRODUCED.finditer(text):
        number = Number(match["number"])
        number.of = next(name for name in ("own", "peer", "nobody") if match[name] is not None)
        number.introduced = match[number.of]
        found.append(number)
    return found


def off_by(finding: Finding) -> str:
    """``off by -1448``: where one number is expected and another one is there."""
    expected, actual = _numbers(finding["expected"]), _numbers(finding["actual"])
    if len(actual) > len(expected) and all(a.introduced == b.introduced for a, b in zip(expected, actual)):
        actual = actual[: len(expected)]  # what else the segment has was not asked
    if [number.of for number in expected] != [number.of for number in actual]:
        return ""
    off = [(b - a + _HALF) % _MOD - _HALF for a, b in zip(expected, actual) if a != b]
    return f"off by {off[0]:+d}" if len(off) == 1 and abs(off[0]) < _FAR else ""


def expected_and_actual(finding: Finding, exchange: Mapping[str, Any] | None) -> tuple[str, str]:
    """Both with what helps to read them: ``ACK=3407776784 (relative 9019, off by +1)``."""
    return tuple(  # type: ignore[return-value]
        _with(finding[name], [*_relative(finding, name, exchange), *(off for off in [hint] if off)])
        for name, hint in (("expected", ""), ("actual", off_by(finding)))
    )


def _with(text: str, hints: list[str]) -> str:
    return f"{text} ({', '.join(hints)})" if hints else text


def _relative(finding: Finding, name: str, exchange: Mapping[str, Any] | None) -> Iterator[str]:
    if exchange is None or finding["endpoint"] not in exchange["endpoints"]:
        return
    accused = exchange["endpoints"].index(finding["endpoint"])
    isn = {"own": exchange["isn"][accused], "peer": exchange["isn"][1 - accused]}
    numbers = [number for number in _numbers(finding[name]) if isn.get(number.of) is not None]
    if any(number >= _LONG and number - isn[number.of] != number for number in numbers):
        texts = [str((number - isn[number.of] + _HALF) % _MOD - _HALF) for number in numbers]
        yield f"relative {' and '.join(texts)}"


# ------------------------------------------------------------------------------------------------------ fields of a segment


def fields(finding: Finding) -> frozenset[str]:
    """Which options a finding is about (of several blocks the one that it names), and "win" for the window."""
    text = f"{finding['rule']} {finding['expected']} {finding['actual']}".lower()
    found = {name for name, words in _OPTIONS.items() if re.search(words, text)}
    found |= {f"sack {block}" for block in re.findall(r"\bblock (\d+-\d+)", finding["actual"])}
    return frozenset(found | ({"win"} if "window" in text or "right edge" in text else set()))


def fitting(text: str, room: int, more: str, wanted: frozenset[str]) -> str:
    """A segment's text in so many characters, in which the wanted fields are still seen: other options go first, then the
    window, the length, the numbers, and of several blocks those that were not named.
    """
    head, begin, rest = text.partition("<")
    inside, _, tail = rest.partition(">")
    items = inside.split(",") if begin else []
    kept = [item for item in items if item.split(" ")[0] in wanted]
    if len(text) <= room or (not kept and "win" not in wanted):
        return text

    def text_with(some: list[str]) -> str:
        dots = [more] if len(some) < len(items) else []
        return f"{head}<{','.join([*dots, *some])}>{tail}" if items else text

    text = text_with(kept)
    for field in ("win", "len", "seq", "ack"):
        if len(text) > room and field not in wanted:
            head, tail = (re.sub(rf" {field}=\d+", "", part) for part in (head, tail))
            text = text_with(kept)
    while len(text) > room and len(kept) > 1:
        kept.remove(next((item for item in reversed(kept) if item not in wanted), kept[-1]))
        text = text_with(kept)
    return text
