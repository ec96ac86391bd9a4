"""The TCP options of a recorded connection as a scenario says them: what the stack under test must be allowed to use, and
the peer's options with numbers that fit the replay (SACK blocks, and timestamps that echo what the stack really sent).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lastack.segment import Option, decode_options, encode_options

Step = Mapping[str, Any]

FIRST_TSVAL = 1000  # the peer's first timestamp in the scenario
_MOD, _HALF = 2**32, 2**31
_SYN, _ACK = 2, 16
_ECE, _CWR = 64, 128
_MOST_SHIFT = 14
_UNSIGNED = (19, 29)  # MD5 and AO: the replayed octets are not the signed ones
_NOPS = [("NOP", None), ("NOP", None)]


class RecordedOptions:
    """``steps`` is the connection from its beginning; ``accused`` the end that the stack under test plays."""

    def __init__(self, steps: Sequence[Step], accused: int) -> None:
        self._accused = accused
        self._steps = steps
        self._syns: dict[int, dict[Any, Any]] = {}
        for step in steps:
            if step["bits"] & _SYN:
                self._syns.setdefault(step["from"], dict(options_of(step)))
        self._stamped = {end: self._has_used(end, "Timestamp") for end in (0, 1)}
        self._tsval_base: int | None = None
        self._last_tsval = 0
        self._heard: set[int] = set()  # TSvals of the accused so far
        self._latest = 0

    # -------------------------------------------------------------------------------------------------------- the stack

    def wishes(self) -> dict[str, bool]:
        """Options of the laboratory: what the accused had switched on."""
        own = self._syns.get(self._accused)
        syn_bits = next(
            (s["bits"] for s in self._steps if s["from"] == self._accused and s["bits"] & _SYN),
            0,
        )
        found = {
            "timestamps": self._stamped[self._accused],
            "sack": "SAckOK" in own if own is not None else any(self._has_used(end, "SAck") for end in (0, 1)),
            "window_scale": "WScale" in own if own is not None else self.shift(1 - self._accused) > 0,
            "ecn": bool(syn_bits & _ECE) and bool(syn_bits & _CWR) != bool(syn_bits & _ACK),
        }
        return {name: True for name, wanted in found.items() if wanted}

    def _has_used(self, end: int, kind: str) -> bool:
        return any(kind in dict(options_of(step)) for step in self._steps if step["from"] == end)

    # --------------------------------------------------------------------------------------------------------- the peer

    def shift(self, end: int) -> int:
        """Of an end's window field: as both SYNs agreed, or the least with which its window held what was in flight."""
        if len(self._syns) == 2:
            agreed = all("WScale" in options for options in self._syns.values())
            return min(_MOST_SHIFT, int(self._syns[end]["WScale"])) if agreed else 0
        return 0 if self._syns else self._least_shift(end)

    def _least_shift(self, end: int) -> int:
        shift, acked, window = 0, None, 0
        for step in self._steps:
            if step["from"] == end and step["ack"] is not None:
                acked, window = step["ack"], step["window"]
            elif step["from"] != end and acked is not None and step["len"]:
                flight = (step["seq"] + step["len"] - acked) % _MOD
                while window and flight < _HALF and flight > window << shift and shift < _MOST_SHIFT:
                    shift += 1
        return shift

    def of_syn(self, mss: int, before: Sequence[Step]) -> list[Option]:
        """The options of the peer's SYN for a replay that begins after ``before``, with the handshake left out."""
        peer = 1 - self._accused
        recorded = self._syns.get(peer)
        wishes = self.wishes()
        options: list[Option] = [("MSS", mss)]
        if wishes.get("sack") if recorded is None else "SAckOK" in recorded:
            options.append(("SAckOK", b""))
        if self._stamped[peer] if recorded is None else "Timestamp" in recorded:
            options.append(("Timestamp", (FIRST_TSVAL, 0)))
        if self._syns and recorded is not None and "WScale" in recorded:
            options.append(("WScale", recorded["WScale"]))
        elif not self._syns and self.shift(peer):
            options.append(("WScale", self.shift(peer)))
        self._last_tsval = FIRST_TSVAL
        for step in before:
            stamp = dict(options_of(step)).get("Timestamp")
            if stamp and step["from"] == peer:
                self._tsval_base = stamp[0]
            elif stamp:
                self.heard(step)
        return options

    def heard(self, step: Step) -> None:
        """The accused has sent this."""
        if stamp := dict(options_of(step)).get("Timestamp"):
            self._latest = stamp[0]
            self._heard.add(stamp[0])

    def text(self, step: Step, sut_number: Callable[[int], int]) -> str:
        """The options of a segment of the peer as an expression, empty without any."""
        options = [option for option in options_of(step) if option[0] not in (*_UNSIGNED, "EOL")]
        stamp = next((value for kind, value in options if kind == "Timestamp"), None)
        if stamp and options[:3] == [*_NOPS, ("Timestamp", stamp)]:
            echo = self._echo(stamp[1], step)
            parts = [f"peer.stamp({self._tsval(stamp[0])}{'' if echo == 'peer.ts_recent' else f', {echo}'})"]
            options = options[3:]
        else:
            parts = []
        if options:
            parts.append(f"[{', '.join(self._one(option, step, sut_number) for option in options)}]")
        return " + ".join(parts)

    def stamp_again(self) -> str:
        """The option of a segment that was not recorded: the latest timestamp again."""
        return f"peer.stamp({self._last_tsval})" if self._stamped[1 - self._accused] and self._last_tsval else ""

    def _one(self, option: Option, step: Step, sut_number: Callable[[int], int]) -> str:
        kind, value = option
        if kind == "Timestamp" and value:
            return f'("Timestamp", ({self._tsval(value[0])}, {self._echo(value[1], step)}))'
        if kind == "SAck" and value:
            return _text((kind, tuple(sut_number(number) for number in value)))
        return _text(option)

    def _tsval(self, recorded: int) -> int:
        if self._tsval_base is None:
            self._tsval_base = recorded
        self._last_tsval = (recorded - self._tsval_base + FIRST_TSVAL) % _MOD
        return self._last_tsval

    def _echo(self, recorded: int, step: Step) -> str:
        """What the peer echoes. A value that the accused had never sent keeps its distance from the newest."""
        if recorded == 0 and (not step["bits"] & _ACK or self._heard):
            return "0"
        if recorded in self._heard or not self._heard:
            return "peer.ts_recent"
        return f"(peer.ts_recent + {(recorded - self._latest) % _MOD}) % 2**32"


def options_text(options: Sequence[Option]) -> str:
    """Options as a scenario writes them."""
    return f"[{', '.join(map(_text, options))}]"


def _text(option: Option) -> str:
    kind, value = option
    name = f'"{kind}"' if isinstance(kind, str) else str(kind)
    return f'({name}, b"")' if value == b"" else f"({name}, {value!r})"


def options_of(step: Step) -> list[Option]:
    """A step's options as Scapy's tuples; none where they are not well-formed, because Scapy could not say them."""
    octets = bytes.fromhex(step["options"])
    options = decode_options(octets)
    if encode_options(options).rstrip(b"\0\1") != octets.rstrip(b"\0\1"):
        return []
    return options
