"""Prints a scenario (``lastack run``) that replays a finding's connection against a stack: the accused endpoint is the stack
under test, the other end's segments are sent by the peer, and what the finding expects is asserted. It fails on a stack
that does what was recorded and passes on a right one.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lastack import _judge, catalogue, citations
from lastack.errors import UsageError
from lastack.outcome import is_advisory
from lastack.segment import letters
from lastack.trace.inputs import Source
from lastack.trace.judging import Options
from lastack.trace.recorded_options import RecordedOptions, options_text

SUT_ISS, PEER_ISS = 300, 100
_MOD, _HALF, _WINDOW = 2**32, 2**31, 2**30
_FIN, _SYN, _RST, _ACK = 1, 2, 4, 16
_WHOLE = 60  # segments that are replayed from the handshake on; of a longer exchange only its end
_MOST = 2_000
_MSS = re.compile(r"<(?:.*,)?mss (\d+)")
_PIECE = 1400  # octets that a segment of any stack may have
_IP4, _IP6, _ETHERNET = 40, 60, 1500  # octets of both headers, and the MTU that a laboratory has by itself
_FLIGHT = 3  # segments that any stack sends at once on a fresh connection (RFC 5681 3.1)
_LONG = 45  # characters of an expression that gets a line of its own
_BUFFER = 32_000  # more than that waiting at a time may need a larger one than a stack has
_PAUSE = 0.01  # shorter gaps of the recording do not matter to a stack
_REACTION = 0.5  # RFC 9293 3.8.6.3: an ACK is not delayed longer

Step = Mapping[str, Any]


def of_finding(source: Source, finding: Mapping[str, Any], options: Options) -> str:
    """The text of the scenario."""
    found = json.loads(
        _judge.exchange(
            source.path,
            connections=[finding["connection"]],
            max_steps=200_000,
            max_payload=0,
            **options.as_keywords(),
        )
    )
    exchange = next((e for e in found["exchanges"] if e["connection"] == finding["connection"]), None)
    steps = exchange["steps"] if exchange else []
    at = next((i for i, step in enumerate(steps) if step["packet"] == finding["packet"]), None)
    if exchange is None or at is None:
        raise UsageError(f"packet {finding['packet']} is too far into its connection to be replayed")
    accused = exchange["endpoints"].index(finding["endpoint"])
    return Writer(source, finding, steps[: at + 1], accused).text()


@dataclass
class Writer:
    """Writes one scenario. ``steps`` end with the finding's packet; ``accused`` is an index of their ends."""

    source: Source
    finding: Mapping[str, Any]
    steps: Sequence[Step]
    accused: int
    lines: list[str] = field(default_factory=list)
    before: Sequence[Step] = ()  # what was recorded earlier and is not replayed
    # Which captured number is SUT_ISS, and which is PEER_ISS.
    sut_base: int = 0
    peer_base: int = 0
    role: str = "passive"  # passive, active, established (the handshake is not replayed), closed (nobody listens)
    pushed: int = 0  # octets that the user has sent, from the first
    mss: int = 1460  # the peer's
    acked: int = 0
    most_waiting: int = 0
    received: int = 0  # octets of the peer
    peer_next: int = PEER_ISS + 1  # its SND.NXT
    peer_window: str = ""  # its latest, as an argument
    closed: bool = False
    connected: bool = False

    def __post_init__(self) -> None:
        self.options = RecordedOptions(self.steps, self.accused)
        self.wishes = self.options.wishes()
        self.ipv6 = self.finding["endpoint"].startswith("[")
        usual = _ETHERNET - (_IP6 if self.ipv6 else _IP4)
        self.largest = self._announced(self.accused) or usual
        # Larger segments than usual arrived as they were: the laboratory's link must carry them, too.
        self.mtu = 0
        if any(usual < _octets(step) <= self.largest for step in self.steps if step["from"] != self.accused):
            self.mtu = min(self.largest + _ETHERNET - usual, 65535)

    def _announced(self, end: int) -> int:
        """The MSS in an end's SYN."""
        texts = (step["text"] for step in self.steps if step["from"] == end and step["bits"] & _SYN)
        return next((int(match[1]) for match in map(_MSS.search, texts) if match), 0)

    def text(self) -> str:
        """The whole file."""
        self._choose_beginning()
        self._open()
        for i, step in enumerate(self.steps[:-1]):
            self._pause(self.steps[i - 1] if i else None, step)
            if step["from"] == self.accused:
                self._user_calls(step)
                self.options.heard(step)
            else:
                self._peer_sends(step)
        self._last()
        return "\n".join([*self._head(), *(f"    {line}" for line in self.lines), ""])

    # ------------------------------------------------------------------------------------------------------ beginning

    def _choose_beginning(self) -> None:
        self.mss = self._announced(1 - self.accused) or self.mss
        own = next((step for step in self.steps if step["from"] == self.accused), None)
        syns = {step["from"]: step["seq"] for step in reversed(self.steps) if step["bits"] & _SYN}
        quiet = self._last_quiet_point() if len(self.steps) > _WHOLE or not syns else None
        if quiet is not None:
            self.role = "established"
            self.sut_base, self.peer_base = self._nxt(quiet, self.accused) - 1, self._nxt(quiet, 1 - self.accused) - 1
            self.before, self.steps = self.steps[: quiet + 1], self.steps[quiet + 1 :]
        elif len(self.steps) > _MOST:
            raise UsageError(f"{len(self.steps):,} segments without a quiet moment lead to it: too many for a scenario")
        elif not syns:
            self.role = "established"
            self.sut_base, self.peer_base = self._first(self.accused), self._first(1 - self.accused)
        else:
            self.peer_base = syns.get(1 - self.accused, self._first(1 - self.accused))
            self.sut_base = syns.get(self.accused, self._first(self.accused))
            first_syn = next(step for step in self.steps if step["bits"] & _SYN)
            if first_syn["from"] == self.accused and not first_syn["bits"] & _ACK:
                self.role = "active"
            elif own is not None and own["bits"] & _RST and self.accused not in syns:
                self.role = "closed"

    def _nxt(self, at: int, end: int) -> int:
        return int(self.steps[at]["ends"][end]["snd_nxt"])

    def _first(self, end: int) -> int:
        """One below the first number known of an end, as if its SYN had taken that."""
        for step in self.steps:
            if step["from"] == end:
                return int(step["seq"] - 1)
            if step["bits"] & _ACK:
                return int(step["ack"] - 1)
        return 0

    def _last_quiet_point(self) -> int | None:
        """The last step but few after which everything was acknowledged and both ends were ESTABLISHED."""
        for at in range(len(self.steps) - 3, -1, -1):
            ends = self.steps[at]["ends"]
            if all(e["state"] == "ESTABLISHED" and e["snd_una"] is not None for e in ends) and all(
                e["snd_una"] == e["snd_nxt"] for e in ends
            ):
                return at
        return None

    def _open(self) -> None:
        if self.role == "established":
            options = self.options.of_syn(self.mss, self.before)
            self.lines += [
                f"options = {options_text(options)}",
                f"sut, peer = lab.established(sut_iss={SUT_ISS}, peer_iss={PEER_ISS}, options=options)",
            ]
            self.connected = True
        elif self.role == "active":
            self.lines += ["peer = lab.peer(port=80)", f"sut = lab.connect(peer, iss={SUT_ISS})"]
            self.connected = True
        elif self.role == "closed":
            self.lines.append("peer = lab.peer(port=4000, to=80)  # nobody listens there")
        else:
            self.lines.append(f"sut, peer = lab.listen(port=80, iss={SUT_ISS}), lab.peer(port=4000)")

    # -------------------------------------------------------------------------------------------------------- numbers

    def _sut_number(self, number: int) -> int:
        return (number - self.sut_base + SUT_ISS) % _MOD

    def _peer_number(self, number: int) -> int:
        return (number - self.peer_base + PEER_ISS) % _MOD

    def _offset(self, number: int) -> int:
        """How many octets of the accused's stream stand before a number."""
        return (number - self.sut_base - 1 + _HALF) % _MOD - _HALF

    # ---------------------------------------------------------------------------------------------------------- steps

    def _pause(self, before: Step | None, step: Step) -> None:
        gap = min(step["time"] - before["time"], 60.0) if before else 0.0
        if gap >= _PAUSE:
            self.lines.append(f"lab.advance({gap:.2f})")

    def _peer_sends(self, step: Step) -> None:
        bits = step["bits"]
        arguments = [f'flags="{letters(bits)}"', f"seq={self._peer_number(step['seq'])}"]
        if bits & _ACK:
            arguments.append(f"ack={self._sut_number(step['ack'])}")
            self.acked = max(self.acked, self._offset(step["ack"]))
        scaled = self.wishes.get("window_scale") or bits & _SYN
        window = step["window"] << (0 if scaled else self.options.shift(step["from"]))
        self.peer_window = f", window={window}" if window < 65535 else ""
        if self.peer_window:
            arguments.append(self.peer_window[2:])
        if step["urgent"]:
            arguments.append(f"urgptr={step['urgent']}")
        if options := self.options.text(step, self._sut_number):
            if len(options) > _LONG:
                self.lines.append(f"options = {options}")
                options = "options"
            arguments.append(f"options={options}")
        self.received += step["len"]
        end = (self._peer_number(step["seq"]) + step["seg_len"]) % _MOD
        if (end - self.peer_next) % _MOD < _WINDOW:
            self.peer_next = end
        if _octets(step) > self.largest and not bits & _SYN:
            self._peer_sends_pieces(step, arguments)
            return
        data = f", data=b\"x\" * {step['len']}" if step["len"] else ""
        bad = ", badsum=True" if step["checksum"] == "wrong" else ""
        self.lines.append(f"peer.send(TCP({', '.join(arguments)}){data}{bad})  # packet {step['packet']}")
        if self.role != "closed" and bits & _ACK and not bits & (_RST | _SYN):
            self.connected = True

    def _peer_sends_pieces(self, step: Step, arguments: Sequence[str]) -> None:
        """What the capture shows as one segment although it is larger than the stack's MSS: the card or the kernel cut it
        later. All others are sent as they were captured, because their number decides when a stack acknowledges.
        """
        piece = max(self.largest - len(step["options"]) // 2, 1)
        first = self._peer_number(step["seq"])
        rest = ", ".join(arguments[2:])
        flags = letters(step["bits"] & ~_FIN)
        self.lines += [
            f"for at in range(0, {step['len']}, {piece}):  # packet {step['packet']}",
            f'    peer.send(TCP(flags="{flags}", seq={first} + at, {rest}), data=b"x" * min({piece}, {step["len"]} - at))',
        ]
        if step["bits"] & _FIN:
            self.lines.append(f'peer.send(TCP(flags="FA", seq={first + step["len"]}, {rest}))')

    def _user_calls(self, step: Step, last: bool = False) -> None:
        """What the user of the accused must have done for it to send this."""
        bits = step["bits"]
        if bits & _RST:
            if self.connected and (last or not self.closed):
                self.lines.append(f"sut.abort()  {_remark(step)}")
                self.closed = True
            return
        if bits & _SYN:
            return
        end = self._offset(step["seq"]) + step["len"]
        fresh = end - self.pushed
        if last and step["len"] and not 0 < fresh <= 2 * step["len"]:
            # A misnumbered segment: the user sent that many octets, wherever they were put.
            fresh = step["len"] if fresh > 0 else 0
        if fresh > 0 and step["len"] and not self.closed:
            self._push(fresh, step)
        if bits & _FIN and not self.closed:
            self.lines.append(f"lab.advance({_PAUSE})")
            self.lines.append(f"sut.shutdown()  {_remark(step)}")
            self.closed = True

    def _push(self, octets: int, step: Step) -> None:
        """SEND. Where the beginning is left out, the recorded congestion window is wider than a fresh connection's, and the
        recorded ACKs may come only after more than that can send: then the peer acknowledges in between.
        """
        while octets > 0:
            room = octets
            if self.role == "established":
                waiting, window = self.pushed - self.acked, _FLIGHT * min(self.mss, _PIECE)
                if waiting and waiting + min(octets, _PIECE) > window:
                    self._acknowledge_in_between()
                    continue
                room = window - waiting
            part = min(octets, room)
            if not (self.lines and self.lines[-1].startswith("sut.send(")):
                self.lines.append(f"lab.advance({_PAUSE})")
            self.lines.append(f'sut.send(b"y" * {part}, push=True)  {_remark(step)}')
            self.pushed += part
            octets -= part
            self.most_waiting = max(self.most_waiting, self.pushed - self.acked)

    def _acknowledge_in_between(self) -> None:
        options = self.options.stamp_again()
        arguments = f"{self.peer_next}, ack={self._sut_number(self.sut_base + 1 + self.pushed)}{self.peer_window}"
        arguments += f", options={options}" if options else ""
        self.lines.append(f'peer.send(TCP(flags="A", seq={arguments}))  # not recorded: lets the stack send on')
        self.acked = self.pushed

    # -------------------------------------------------------------------------------------------------------- finding

    def _last(self) -> None:
        step = self.steps[-1]
        if len(self.steps) > 1:
            self._pause(self.steps[-2], step)
        # In virtual time the reaction to the peer's last segment is there at once: it is what the finding is about.
        self.lines.insert(self._last_stimulus(), "peer.drain()  # what came so far was permitted")
        if step["from"] == self.accused:
            calls = len(self.lines)
            self._user_calls(step, last=True)
            if len(self.lines) == calls and (step["len"] or self._repeats_syn(step)):
                self.lines.append("lab.advance(3)  # until it sends again")
        else:
            self._peer_sends(step)
        self.lines.append(f"lab.advance({_REACTION})")
        self.lines.append("answers = peer.drain()")
        self.lines.append(f"# recorded, in the capture's numbers: {step['text']}")
        self.lines.append(f"# expected: {self.finding['expected']}")
        self.lines += self._assertions(step)
        self.lines.append(f'assert "{self.finding["rule"]}" not in rules_broken(lab)')

    def _repeats_syn(self, step: Step) -> bool:
        earlier = (other for other in self.steps[:-1] if other["from"] == step["from"])
        return bool(step["bits"] & _SYN) and any(other["bits"] & _SYN for other in earlier)

    def _last_stimulus(self) -> int:
        """Index in ``lines`` of the peer's last segment when nothing of the user follows it, else the end."""
        for at in range(len(self.lines) - 1, -1, -1):
            if self.lines[at].startswith("peer.send("):
                return at
            if self.lines[at].startswith("    peer.send("):  # in a loop
                return at - 1
            if self.lines[at].startswith("sut."):
                break
        return len(self.lines)

    def _assertions(self, step: Step) -> Iterator[str]:
        match = re.match(r"(ACK|SEQ)=(\d+)(?: or (more|less)| within .*)?$", self.finding["expected"])
        # How data is cut into segments is the stack's choice: there only the judge can tell.
        if match is None or self._repeats_syn(step) or (step["len"] and match[1] == "SEQ"):
            return
        name, number, bound = match[1].lower(), int(match[2]), match[3]
        wanted = self._peer_number(number) if name == "ack" else self._sut_number(number)
        yield 'assert answers, "the stack says nothing"'
        chosen = "answers"
        if name == "seq":
            chosen = "answers if not answer.data"
        elif not step["bits"] & _RST:
            chosen = 'answers if "A" in answer.flags'
        if bound is None:
            yield f"assert {wanted} in [answer.{name} for answer in {chosen}]"
        else:
            last = f"[answer.{name} for answer in {chosen}][-1]"
            difference = f"{last} - {wanted}" if bound == "more" else f"{wanted} - {last}"
            yield f"assert ({difference}) % 2**32 < 2**31"

    # ----------------------------------------------------------------------------------------------------------- head

    def _head(self) -> Iterator[str]:
        finding = self.finding
        name = re.sub(r"\W+", "_", finding["rule"])
        other = self.source.endpoint(finding["peer"])
        about = (
            f"{finding['rule']} ({finding['clause']}, {finding['level']}): packet {finding['packet']} of "
            f"{self.source.name}, as a scenario."
        )
        roles = (
            f"The stack under test plays {self.source.endpoint(finding['endpoint'])}, the peer {other}. Numbers are "
            f"relative: the stack's ISN {self.sut_base % _MOD} is {SUT_ISS} here, the peer's {self.peer_base % _MOD} is {PEER_ISS}."
        )
        why = f"There: expected {finding['expected']}, actual {finding['actual']}; {finding['why']}."
        yield '"""' + _wrapped(about)
        yield from ("", _wrapped(roles), "", _wrapped(why), '"""', "")
        known = catalogue.load()
        # A scenario of rows that are advice only would not be red when it fails.
        ids = [
            id_
            for id_ in citations.REQUIREMENT_ID.findall(finding["clause"])
            if id_ in known and not is_advisory([id_], known)
        ]
        yield from ["import pytest"] + (["from lastack import requirement"] if ids else [])
        yield from ["from lastack.scapy import TCP", "from lastack.trace.recorded import rules_broken", "", ""]
        if ids:
            yield f"@requirement({', '.join(json.dumps(id_) for id_ in ids)})"
        yield f"@pytest.mark.lab({', '.join(self._chosen())})"
        yield f"def test_packet_{finding['packet']}_{name}(lab):"
        yield f'    """{_plain(finding["requires"])}"""'

    def _chosen(self) -> Iterator[str]:
        """What the laboratory must offer for this."""
        yield "nagle=False"
        yield from (f"{name}=True" for name in self.wishes)
        if self.ipv6:
            yield "ipv6=True"
        if self.mtu:
            yield f"mtu={self.mtu}"
        if self.most_waiting > _BUFFER:
            yield "snd_buf=2**20"
        if self.received > _BUFFER:
            yield "rcv_buf=2**20"


def _octets(step: Step) -> int:
    """Text and options, which have to fit the MSS together (RFC 6691)."""
    return int(step["len"]) + len(step["options"]) // 2


def _remark(step: Step) -> str:
    """The accused's segment that a user call stands for."""
    return f"# packet {step['packet']}: " + re.sub(r" <[^>]*>", "", step["text"])


def _plain(text: str) -> str:
    """Without what would end a docstring."""
    return text.replace("\\", "/").replace('"', "'")


def _wrapped(text: str) -> str:
    return textwrap.fill(_plain(text), 110, break_on_hyphens=False, break_long_words=False)
