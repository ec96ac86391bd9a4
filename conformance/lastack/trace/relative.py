"""Recorded steps with numbers relative to each end's initial sequence number, as most tools show them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_MOD = 2**32


def relative(exchange: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Copies of the steps of an exchange, which says what each end counts from."""
    isn = [number or 0 for number in exchange["isn"]]
    return [_step(step, isn) for step in exchange["steps"]]


def _step(step: Mapping[str, Any], isn: Sequence[int]) -> dict[str, Any]:
    own, other = isn[step["from"]], isn[1 - step["from"]]

    def shifted(name: str, base: int) -> str:
        return re.sub(rf"\b{name}=(\d+)", lambda match: f"{name}={(int(match[1]) - base) % _MOD}", text)

    text = step["text"]
    text = shifted("seq", own)
    text = shifted("ack", other)
    text = re.sub(
        r"sack (\d+)-(\d+)", lambda m: f"sack {(int(m[1]) - other) % _MOD}-{(int(m[2]) - other) % _MOD}", text
    )
    refused = bool(step["bits"] & 4) and step["seq"] == 0
    return {
        **step,
        "text": text if not refused else text.replace(f"seq={-own % _MOD}", "seq=0"),
        "seq": 0 if refused else (step["seq"] - own) % _MOD,
        "ack": None if step["ack"] is None else (step["ack"] - other) % _MOD,
        "ends": [_end(step["ends"][end], isn[end], isn[1 - end]) for end in (0, 1)],
    }


def _end(end: Mapping[str, Any], own: int, other: int) -> dict[str, Any]:
    bases = {"snd_una": own, "snd_nxt": own, "rcv_nxt": other}
    return {
        name: (value - bases[name]) % _MOD if name in bases and value is not None else value
        for name, value in end.items()
    }
