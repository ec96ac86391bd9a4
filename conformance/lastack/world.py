"""One stack, its clock and everything that goes in and out: the middle layer between carriers and the laboratory.

It moves time (virtual, or the wall clock of a stack that has one of its own), renumbers packets, feeds the judge and
keeps the log from which ladders are drawn. It does not know what a scenario expects.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from lastack import _core, _judge
from lastack.errors import AdapterBroken, CallError, Unsupported
from lastack.rebase import Rebase, Tuple
from lastack.segment import Segment
from lastack.sut.carrier import AppReply, Carrier, Configuration, Packet

# So many timer runs without time moving on: `next` is not honest.
_MAX_TICKS_AT_ONCE = 1000
# The longest single wait of a wall-clock stack between two looks at its output.
_WALL_SLICE_US = 50_000
# A stack on its own clock may still be answering an earlier packet so long after the next one has arrived.
_WALL_REACTION_US = 100_000
# What one request to a wall-clock stack takes on a machine that has time for it (the kernel's adapter: 5 ms).
_WALL_REQUEST_US = 20_000


@dataclass
class Event:
    """One line of the log: ``kind`` is "in" (to the stack), "out", "call", "note"; ``time`` in seconds."""

    time: float
    kind: str
    text: str
    peer: str = ""
    note: str = ""
    state: str = ""
    rcv_nxt: int | None = None
    raw: bytes = b""
    segment: Segment | None = None
    failed: bool = False
    number: int = 0  # of a packet, as the judge counts them, from 1


@dataclass
class Other:
    """A packet of the stack that is not a TCP segment: ``what`` says why (ICMP, malformed ...)."""

    packet: bytes
    what: str
    time: float


@dataclass
class Settings:
    """What the user chose for a whole run: seconds of real time that one wait may take, wire numbers, strictness."""

    max_wait: float = 3.0
    wire: bool = False
    strict: bool = False


@dataclass
class World:
    """A running stack. ``on_segment`` gets every TCP segment that it sends; ``describe`` names a connection's state
    for the log.
    """

    carrier: Carrier
    configuration: Configuration
    settings: Settings
    on_segment: Callable[[Segment], None]
    describe: Callable[[Event], None]
    rebase: Rebase = field(default_factory=Rebase)
    log: list[Event] = field(default_factory=list)
    others: list[Other] = field(default_factory=list)
    ignored_options: tuple[str, ...] = ()
    judge: _judge.Judge = field(init=False)
    packets: int = 0
    late_us: int = 0  # so much longer than due the requests to a wall-clock stack took in all
    _now_us: int = 0
    _started: float = 0.0

    def __post_init__(self) -> None:
        self.ignored_options = self.carrier.create(self.configuration)
        self._started = time.monotonic()
        addresses = [self.configuration.ip4, self.configuration.ip6]
        self.judge = _judge.Judge(addresses, reaction_us=0 if self.carrier.virtual_time else _WALL_REACTION_US)

    # ----------------------------------------------------------------------------------------------------------- time

    @property
    def virtual(self) -> bool:
        """Whether time is only what we say."""
        return self.carrier.virtual_time

    @property
    def now_us(self) -> int:
        """Microseconds since the stack was created."""
        if not self.virtual:
            self._now_us = max(self._now_us, int((time.monotonic() - self._started) * 1e6))
        return self._now_us

    def run_until(self, target_us: int, stop: Callable[[], bool] = lambda: False) -> None:
        """Lets time pass up to ``target_us``, timers in their order; returns early as soon as ``stop()`` is true."""
        if self.virtual:
            self._run_virtual(target_us, stop)
        else:
            self._run_wall(target_us, stop)
        if not stop():
            self.judge.advance(self.now_us)

    def _run_virtual(self, target_us: int, stop: Callable[[], bool]) -> None:
        ticks = 0
        while not stop() and (due := self.carrier.next_us) is not None and due <= target_us:
            ticks = 0 if due > self._now_us else ticks + 1
            if ticks > _MAX_TICKS_AT_ONCE:
                raise AdapterBroken(
                    f"{self.carrier.hello.name} wants to be called again and again at {self._now_us / 1e6:.6f} s: "
                    "its next() does not advance"
                )
            self._now_us = max(self._now_us, due)
            self.absorb(self.carrier.tick(self._now_us))
        if not stop():
            self._now_us = max(self._now_us, target_us)
            self.absorb(self.carrier.tick(self._now_us))

    def _run_wall(self, target_us: int, stop: Callable[[], bool]) -> None:
        left = target_us - self.now_us
        if left > self.settings.max_wait * 1e6:
            raise Unsupported(
                f"needs virtual time: would wait {left / 1e6:.1f} s, and --max-wait is {self.settings.max_wait:g} s"
            )
        while not stop() and (left := target_us - self.now_us) > 0:
            wait_us = min(left, _WALL_SLICE_US)
            with self._timed(wait_us):
                out = self.carrier.tick(self.now_us, wait_us)
            self.absorb(out)

    @contextmanager
    def _timed(self, wait_us: int = 0) -> Iterator[None]:
        """Notes how late a request ends on a stack's own clock: a busy machine spoils what a scenario measures."""
        began = self.now_us
        yield
        if not self.virtual:
            self.late_us += max(0, self.now_us - began - wait_us - _WALL_REQUEST_US)

    # -------------------------------------------------------------------------------------------------- in and out

    def deliver(self, packet: bytes, event: Event) -> None:
        """A packet of a peer (scenario numbers) reaches the stack."""
        now = self.now_us
        event.time, event.raw = now / 1e6, packet
        self.log.append(event)
        self.packets += 1
        event.number = self.packets
        self.judge.received(now, packet)
        wire = self.rebase.incoming(packet)
        if self.settings.wire:
            event.text = _text(wire)
        with self._timed():
            out = self.carrier.rx(now, wire)
        self._answered(out, event)

    def call(self, op: str, text: str, peer: str = "", **fields: Any) -> AppReply:
        """A user call; ``text`` is what the ladder shows. Raises ``CallError`` or ``Unsupported`` when the stack says
        so.
        """
        event = Event(self.now_us / 1e6, "call", text, peer)
        self.log.append(event)
        with self._timed():
            reply = self.carrier.app(self.now_us, op, **fields)
        self._answered(reply.out, event)
        if reply.status == "error":
            event.note = f'error "{reply.text}"'
            raise CallError(reply.text)
        if reply.status == "unsupported":
            raise Unsupported(f"{self.carrier.hello.name}: {reply.text}")
        return reply

    def ask(self, op: str, **fields: Any) -> AppReply:
        """A user call that leaves no line in the log and raises nothing: ``find``, ``accept``, ``events``,
        ``set-iss``.
        """
        reply = self.carrier.app(self.now_us, op, **fields)
        self.absorb(reply.out)
        return reply

    def information(self, conn: int, connection: Tuple | None) -> dict[str, object] | None:
        """The stack's variables of a connection in scenario numbers; None when the handle is unknown to it."""
        with self._timed():
            known = self.carrier.info(self.now_us, conn)
        return None if known is None else self.rebase.information(known, connection)

    def absorb(self, out: list[Packet]) -> list[Event]:
        """Takes what the stack sent: renumbers, judges, logs, and hands it on."""
        events = []
        for at, wire in out:
            packet = self.rebase.outgoing(wire)
            self.packets += 1
            self.judge.sent(at, packet)
            core = _core.parse(packet)
            if isinstance(core, str):
                self.others.append(Other(packet, core, at / 1e6))
                continue
            segment = Segment(core, packet, at / 1e6)
            text = _text(wire) if self.settings.wire else segment.text
            event = Event(at / 1e6, "out", text, str(core.dst_port), raw=packet, segment=segment, number=self.packets)
            events.append(event)
            self.log.append(event)
            self.on_segment(segment)
        for event in events:
            self.describe(event)
        return events

    def _answered(self, out: list[Packet], cause: Event) -> None:
        """States are asked once the whole answer is there: a stack cannot be asked in the middle of its reaction."""
        self.absorb(out)
        self.describe(cause)


def _text(packet: bytes) -> str:
    parsed = _core.parse(packet)
    return parsed if isinstance(parsed, str) else parsed.text
