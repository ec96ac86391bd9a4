"""Says in words what a segment is, in the terms of RFC 9293: what it takes of the sequence space, what it acknowledges, what
the other side will answer, how the states move. Works on the steps of ``lastack._judge.exchange``; judges nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Step = Mapping[str, Any]
_MOD = 2**32
_HALF = 2**31


def _plus(number: int, octets: int) -> int:
    return (number + octets) % _MOD


def _distance(a: int, b: int) -> int:
    """b - a on the circle of sequence numbers."""
    return (b - a + _HALF) % _MOD - _HALF


def _octets(count: int) -> str:
    return "1 octet" if count == 1 else f"{count:,} octets"


class Narrator:
    """Tells one exchange from its beginning; ``endpoints`` are the names of its two ends."""

    def __init__(self, endpoints: Sequence[str]) -> None:
        self._names = endpoints
        self._before: Sequence[Mapping[str, Any]] | None = None
        self._isn: list[int | None] = [None, None]
        self._fin: list[int | None] = [None, None]
        self._window: list[int | None] = [None, None]
        self._said_empty = False

    def tell(self, step: Step) -> list[str]:
        """The sentences about one segment; call it in order."""
        if step["malformed"] or step["checksum"] == "wrong":
            what = "is malformed" if step["malformed"] else "has a wrong checksum"
            return [f"It {what}: a receiver drops it without an answer (RFC 9293 3.1), and nothing changes."]
        flags = set(step["flags"].split(","))
        sentences = [*self._kind(step, flags), *self._acknowledgment(step, flags), *self._rest(step, flags)]
        self._note(step, flags)
        sentences += self._moves(step)
        self._before = step["ends"]
        return sentences

    def _note(self, step: Step, flags: set[str]) -> None:
        if "SYN" in flags:
            self._isn[step["from"]] = step["seq"]
        self._window[step["from"]] = step["window"]
        if "FIN" in flags:
            self._fin[step["from"]] = _plus(step["seq"], step["len"] + ("SYN" in flags))

    def _known(self, end: int, name: str) -> int | None:
        value = self._before[end][name] if self._before else None
        return value if isinstance(value, int) else None

    # ------------------------------------------------------------------------------------------------ what it takes

    def _kind(self, step: Step, flags: set[str]) -> Iterator[str]:
        sender = self._names[step["from"]]
        if "RST" in flags:
            yield from self._reset(step, flags)
            return
        if "SYN" in flags:
            again = self._isn[step["from"]] == step["seq"]
            verb = "repeats its SYN" if again else "answers and opens its own direction" if "ACK" in flags else "opens"
            yield (
                f"{sender} {verb} with ISN {step['seq']}. SYN takes one sequence number, so the ACK of it will be "
                f"{_plus(step['seq'], 1)}."
            )
        if step["len"]:
            yield from self._data(step, "SYN" in flags)
        if "FIN" in flags:
            number = _plus(step["seq"], step["len"] + ("SYN" in flags))
            yield (
                f"FIN: {sender} has nothing more to send. It takes one sequence number ({number}), so the ACK of it "
                f"will be {_plus(number, 1)}."
            )
            if not step["len"]:
                yield from self._place(step, number, 1)
        if not step["seg_len"] and "ACK" in flags:
            yield from self._empty(step)

    def _data(self, step: Step, syn: bool) -> Iterator[str]:
        first = _plus(step["seq"], int(syn))
        last = _plus(first, step["len"] - 1)
        numbers = f"number {first}" if step["len"] == 1 else f"numbers {first} to {last}"
        yield f"{_octets(step['len'])} of data, {numbers}: the ACK of all of it will be {_plus(last, 1)}."
        if not syn:
            yield from self._place(step, first, step["len"])

    def _place(self, step: Step, first: int, length: int) -> Iterator[str]:
        """Where the numbers stand beside what was sent before, and beside what the receiver waits for."""
        sender, receiver = step["from"], 1 - step["from"]
        sent, wanted = self._known(sender, "snd_nxt"), self._known(receiver, "rcv_nxt")
        if sent is not None:
            ahead = _distance(sent, first)
            if ahead > 0:
                what = f"number {sent}" if ahead == 1 else f"numbers {sent} to {_plus(first, -1)}"
                yield f"Not shown before it: {_octets(ahead)}, {what}. Without them this is a hole in the stream."
            elif ahead < 0 and _distance(sent, _plus(first, length)) <= 0:
                yield "All of it was sent before: a retransmission."
            elif ahead < 0:
                yield f"It repeats what was sent before {sent}, and goes on."
        if wanted is not None and _distance(wanted, first) > 0:
            yield f"{self._names[receiver]} waits for {wanted}: until that arrives its ACK stays {wanted}."

    def _empty(self, step: Step) -> Iterator[str]:
        sent = self._known(step["from"], "snd_nxt")
        if sent is not None and step["seq"] == _plus(sent, -1) and sent != _plus(self._isn[step["from"]] or 0, 1):
            yield "One number below SND.NXT: a keep-alive or a window probe, which wants an ACK."
            return
        if sent is not None and sent != step["seq"]:
            yield f"SEQ={step['seq']}, although SND.NXT is {sent}."
        elif not self._said_empty:
            self._said_empty = True
            name = self._names[step["from"]]
            yield (
                f"An ACK alone takes no sequence number: nothing acknowledges it, and {name}'s next segment has "
                f"SEQ={step['seq']} again."
            )

    def _reset(self, step: Step, flags: set[str]) -> Iterator[str]:
        sender, receiver = self._names[step["from"]], self._names[1 - step["from"]]
        wanted = self._known(1 - step["from"], "rcv_nxt")
        other_isn = self._isn[1 - step["from"]]
        if self._isn[step["from"]] is None and other_isn is not None and "ACK" in flags and step["seq"] == 0:
            yield (
                f"{sender} refuses: no connection there, so SEQ is 0 and ACK counts what arrived "
                f"({other_isn} and its SYN: {_plus(other_isn, 1)})."
            )
        else:
            yield f"RST: {sender} ends the connection at once; nothing is sent after it and nothing answers it."
            if wanted is not None:
                exact = "that is RCV.NXT" if wanted == step["seq"] else f"RCV.NXT is {wanted}"
                yield f"{receiver} obeys when SEQ={step['seq']} is the number that it waits for; {exact}."

    # --------------------------------------------------------------------------------------------- what it acknowledges

    def _acknowledgment(self, step: Step, flags: set[str]) -> Iterator[str]:
        if "ACK" not in flags or "RST" in flags:
            return
        other = 1 - step["from"]
        name, ack = self._names[other], step["ack"]
        una, nxt = self._known(other, "snd_una"), self._known(other, "snd_nxt")
        if una is None or nxt is None:
            yield f"ACK={ack}: everything of {name} before {ack} has arrived, {ack} is expected next."
        elif _distance(nxt, ack) > 0:
            yield f"ACK={ack} acknowledges what {name} was not seen to send: its SND.NXT is {nxt}."
        elif (new := _distance(una, ack)) > 0:
            yield f"ACK={ack} = {una} + {new}: {self._what(other, una, ack)} arrived; {ack} is expected next."
        elif new < 0:
            yield f"ACK={ack} is old: {una} was acknowledged before."
        elif step["seg_len"] == 0 and una != nxt:
            yield f"ACK={ack} again, while {_octets(_distance(una, nxt))} are on the way: a duplicate ACK."
        elif step["seg_len"] == 0:
            known = self._window[step["from"]]
            update = known is not None and known != step["window"] and "SYN" not in flags
            yield f"ACK={ack} again: nothing new" + (", but the window has changed." if update else ".")

    def _what(self, other: int, una: int, ack: int) -> str:
        """What lies between two acknowledgment numbers: SYN, octets, FIN."""
        parts, octets, name = [], _distance(una, ack), self._names[other]
        if self._isn[other] == una:
            parts.append("SYN")
            octets -= 1
        fin = self._fin[other]
        with_fin = fin is not None and _plus(fin, 1) == ack
        octets -= int(with_fin)
        if octets > 0:
            parts.append(_octets(octets))
        if with_fin:
            parts.append("FIN")
        return f"{name}'s " + " and ".join(parts)

    # ------------------------------------------------------------------------------------------------- window, options

    def _rest(self, step: Step, flags: set[str]) -> Iterator[str]:
        name = self._names[1 - step["from"]]
        if "RST" not in flags and step["window"] == 0:
            yield f"Window 0: {name} must wait, and may only probe."
        if "URG" in flags:
            yield f"URG: urgent data ends at {_plus(step['seq'], step['urgent'])}."
        options = step["text"].partition("<")[2]
        if "SYN" in flags:
            if match := re.search(r"mss (\d+)", options):
                yield f"MSS {match[1]}: {name} may send at most so many octets in a segment."
            if match := re.search(r"ws (\d+)", options):
                yield f"Window scale {match[1]}: later windows are to be multiplied by {2 ** int(match[1]):,} (if both offer it)."
        elif match := re.search(r"sack ([\d, sack-]+)", options):
            blocks = re.findall(r"(\d+)-(\d+)", match[0])
            texts = [f"{left} to {_plus(int(right), -1)}" for left, right in blocks]
            yield f"SACK: {', '.join(texts)} arrived too, beyond what is missing."

    def _moves(self, step: Step) -> Iterator[str]:
        for end in (0, 1):
            now = step["ends"][end]["state"].split("|")
            before = self._before[end]["state"].split("|") if self._before else now
            # That fewer states are possible than before is no move.
            if not set(now) <= set(before):
                yield f"{self._names[end]}: {' or '.join(before)} -> {' or '.join(now)}."


def variables(end: Mapping[str, Any]) -> str:
    """The variables of one end, and what it may send next."""
    if end["snd_una"] is not None and end["snd_una"] == end["snd_nxt"]:
        parts = [f"SND.UNA=SND.NXT={end['snd_nxt']}"]
    else:
        parts = [
            f"{name}={end[key]}"
            for name, key in (("SND.UNA", "snd_una"), ("SND.NXT", "snd_nxt"))
            if end[key] is not None
        ]
    if end["rcv_nxt"] is not None:
        parts.append(f"RCV.NXT={end['rcv_nxt']}")
    closed = end["state"] in ("CLOSED", "LISTEN", "TIME-WAIT")
    if end["may_send"] is not None and not closed:
        left = end["may_send"]
        parts.append(f"may send {_octets(left)}" if left > 0 else "may send nothing but a probe")
    return " ".join(parts)
