"""A scripted endpoint: sends exactly what the scenario says, and compares what the stack answers.

A peer has no TCP of its own: it keeps a queue of the stack's segments that were not looked at yet, and a record of
what was said for the ``why`` of a failure. Which connection of the stack talks to it is tracked here too, because only
the tuple tells.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from lastack import _core
from lastack import segment as seg
from lastack.errors import Difference, Mismatch, UsageError
from lastack.rebase import Tuple
from lastack.segment import Expectation, Option, Segment
from lastack.why import why
from lastack.world import Event

if TYPE_CHECKING:
    from lastack.lab import Lab

_SYN, _ACK = 2, 16


class Peer:
    """The tester's end of a connection at ``ip`` and ``port``. ``window`` is what its segments advertise unless they
    say otherwise.
    """

    def __init__(self, lab: Lab, ip: str, sut_ip: str, port: int, to: int) -> None:
        self._lab = lab
        self.ip = ip
        self.sut_ip = sut_ip
        self.port = port
        self.to = to
        self.window = 65535
        self.last_activity = 0
        self._queue: deque[Segment] = deque()
        self._ignored: list[Expectation] = []
        # The stack's connection with this peer; `_bound` once it cannot fall back to LISTEN any more.
        self.conn: int | None = None
        self._bound = False
        self._find_again = False
        # RFC 7323 4.3: TS.Recent and Last.ACK.sent.
        self.ts_recent = 0
        self._last_ack_sent: int | None = None

    def __repr__(self) -> str:
        return f"<Peer {self.ip} port {self.port}, {len(self._queue)} segments not looked at>"

    @property
    def tuple(self) -> Tuple:
        """The connection's identity for renumbering."""
        return (self.ip, self.port, self.to)

    # ---------------------------------------------------------------------------------------------------------- sending

    def send(self, what: Any, data: bytes | None = None, badsum: bool = False, note: str = "") -> None:
        """Sends one segment to the stack.

        ``what``: a Scapy ``TCP`` layer (ports, checksum and everything else that is not set are filled in), a whole
        ``IP()/...`` packet (only unset addresses and ports are filled in), or raw octets of an IP packet. ``data`` is
        payload.
        """
        packet = self._packet(what, data)
        if badsum:
            packet = seg.spoil_checksum(packet)
        parsed = _core.parse(packet)
        text = parsed if isinstance(parsed, str) else parsed.text
        if not isinstance(parsed, str) and parsed.flags & _ACK:
            self._last_ack_sent = parsed.ack
        self.last_activity = self._lab.touched()
        note = ", ".join(part for part in (note, "wrong checksum" if badsum else "") if part)
        self._lab.world.deliver(packet, Event(0.0, "in", text, str(self.port), note))

    def stamp(self, tsval: int, tsecr: int | None = None) -> list[Option]:
        """The timestamps option of a segment of this peer, for ``TCP(options=...)``. It echoes TS.Recent (RFC 7323 4.3)
        unless ``tsecr`` says otherwise.
        """
        return [("NOP", None), ("NOP", None), ("Timestamp", (tsval, self.ts_recent if tsecr is None else tsecr))]

    def _packet(self, what: Any, data: bytes | None) -> bytes:
        if isinstance(what, (bytes, bytearray)):
            return bytes(what)
        if seg.is_layer(what, "TCP"):
            if not self.to and "dport" not in what.fields:
                raise UsageError("the stack's port is not known yet: expect its SYN first, or say connect(..., port=)")
            return seg.build(what, (self.ip, self.port), (self.sut_ip, self.to), self.window, data, False)
        if seg.is_layer(what, "IP") or seg.is_layer(what, "IPv6"):
            packet = what.copy()
            if data is not None:
                packet = packet / data
            packet.fields.setdefault("src", self.ip)
            packet.fields.setdefault("dst", self.sut_ip)
            if seg.is_layer(packet.payload, "TCP"):
                packet.payload.fields.setdefault("sport", self.port)
                packet.payload.fields.setdefault("dport", self.to)
            return bytes(packet)
        raise UsageError(f"send() takes a Scapy TCP layer, an IP packet or bytes, not {what!r}")

    # -------------------------------------------------------------------------------------------------------- expecting

    def expect(
        self, what: Any = None, data: bytes | int | None = None, within: float | None = None, note: str = ""
    ) -> Segment:
        """The stack's next segment must match: only fields that were set are compared.

        ``data``: the payload, or its length. ``within``: seconds that may pass until the segment comes.
        PSH is ignored unless the expectation has it.
        """
        expectation = Expectation(what, data)
        segment = self._next(self._lab.grace(within))
        if segment is None:
            raise self._missing(expectation.text, within)
        self._annotate(segment, note)
        if differences := expectation.differences(segment):
            self._lab.mark_failed(segment)
            reason = why(self._lab.world.log, str(self.port), differences, segment)
            raise Mismatch(
                f"expected {expectation.text}, got {segment.text}", differences, expectation.matching(segment), reason
            )
        return segment

    def expect_one_of(self, *choices: Any, within: float | None = None, note: str = "") -> Segment:
        """The next segment must match one of these layers."""
        expectations = [Expectation(choice) for choice in choices]
        segment = self._next(self._lab.grace(within))
        texts = " or ".join(expectation.text for expectation in expectations)
        if segment is None:
            raise self._missing(texts, within)
        self._annotate(segment, note)
        if all(expectation.differences(segment) for expectation in expectations):
            self._lab.mark_failed(segment)
            closest = min((expectation.differences(segment) for expectation in expectations), key=len)
            raise Mismatch(f"expected {texts}, got {segment.text}", closest)
        return segment

    def expect_any(self, within: float | None = None, note: str = "") -> Segment:
        """The stack's next segment, whatever it is."""
        return self.expect(None, within=within, note=note)

    def lost(self, what: Any = None, data: bytes | int | None = None, within: float | None = None) -> Segment:
        """Like ``expect``, for a segment that the story says never arrived at the peer."""
        return self.expect(what, data, within, note="lost")

    def expect_nothing(self, until: float | None = None) -> None:
        """The stack must be silent: now, or for ``until`` seconds from now."""
        segment = self._next(until or 0.0)
        if segment is not None:
            self._lab.mark_failed(segment)
            raise Mismatch(
                f"expected nothing, got {segment.text} at {segment.time:.3f} s",
                [Difference("segment", "none", segment.text)],
            )

    def drain(self) -> list[Segment]:
        """All segments that were not looked at yet; they then count as seen."""
        self._purge()
        segments = list(self._queue)
        self._queue.clear()
        return segments

    def ignore(self, what: Any = None) -> None:
        """Segments that match are waived for the rest of the scenario."""
        self._ignored.append(Expectation(what))

    def pending(self) -> list[Segment]:
        """Segments that were not looked at yet."""
        self._purge()
        return list(self._queue)

    def _next(self, wait: float) -> Segment | None:
        self._purge()
        if not self._queue and wait > 0:
            world = self._lab.world
            world.run_until(world.now_us + round(wait * 1e6), stop=lambda: bool(self.pending()))
        return self._queue.popleft() if self._queue else None

    def _purge(self) -> None:
        if self._ignored:
            self._queue = deque(s for s in self._queue if not any(not e.differences(s) for e in self._ignored))

    def _annotate(self, segment: Segment, note: str) -> None:
        if note:
            for event in reversed(self._lab.world.log):
                if event.segment is segment:
                    event.note = note
                    return

    def _missing(self, wanted: str, within: float | None) -> Mismatch:
        world = self._lab.world
        world.log.append(
            Event(self._lab.now, "out", wanted, str(self.port), note="expected, did not come", failed=True)
        )
        waited = f" within {within:g} s" if within else ""
        return Mismatch(
            f"expected {wanted}, but the stack sent nothing{waited}", [Difference("segment", wanted, "none")]
        )

    # ---------------------------------------------------------------------------------------------------------
    # handshake

    def handshake(self, seq: int = 100, options: list[Option] | None = None, iss: int | None = None) -> Segment:
        """SYN, SYN-ACK, ACK from this side; returns the stack's SYN-ACK. ``iss``: what its number must be.

        Where timestamps are agreed, the ACK carries one too (RFC 7323 3.2); what the peer sends later is the
        scenario's business.
        """
        from lastack.scapy import TCP

        self.send(TCP(flags="S", seq=seq, options=options or []))
        numbers = {} if iss is None else {"seq": iss}
        answer = self.expect(TCP(flags="SA", ack=(seq + 1) % 2**32, **numbers))
        own = next((value for kind, value in options or [] if kind == "Timestamp"), None)
        stamp = self.stamp(own[0]) if own and answer.option("Timestamp") else []
        self.send(TCP(flags="A", seq=(seq + 1) % 2**32, ack=(answer.seq + 1) % 2**32, options=stamp))
        return answer

    def answer_handshake(self, seq: int = 100, options: list[Option] | None = None, iss: int | None = None) -> Segment:
        """Answers the stack's active OPEN: SYN, SYN-ACK, ACK; returns its SYN."""
        from lastack.scapy import TCP

        syn = self.expect(TCP(flags="S") if iss is None else TCP(flags="S", seq=iss))
        self.send(TCP(flags="SA", seq=seq, ack=(syn.seq + 1) % 2**32, options=options or []))
        self.expect(TCP(flags="A", seq=(syn.seq + 1) % 2**32, ack=(seq + 1) % 2**32))
        return syn

    # ----------------------------------------------------------------------------------------------------------
    # tracking

    def take(self, segment: Segment) -> None:
        """A segment of the stack has arrived here."""
        self.last_activity = self._lab.touched()
        if not self.to:
            self.to = segment.src_port
        if segment.bits & _SYN:
            self._find_again = True
        if segment.option("Timestamp"):
            self._remember_stamp(segment)
        self._queue.append(segment)

    def _remember_stamp(self, segment: Segment) -> None:
        tsval = segment.option("Timestamp")[0]
        in_order = self._last_ack_sent is None or (self._last_ack_sent - segment.seq) % 2**32 < 2**31
        if segment.bits & _SYN or in_order and (tsval - self.ts_recent) % 2**32 < 2**31:
            self.ts_recent = tsval

    def follow(self, conn: int) -> None:
        """The connection is known: the stack opened it, or accepted it."""
        self.conn, self._bound, self._find_again = conn, True, False

    def track(self) -> None:
        """Finds out which connection of the stack talks to this peer, as far as the stack tells."""
        if self._bound and not self._find_again:
            return
        world = self._lab.world
        reply = world.ask("find", port=self.to, remote=(self.ip, self.port))
        if reply.status == "ok":
            self._bound = self._bound and reply.conn == self.conn
            self.conn = reply.conn
        elif not self._bound:
            self.conn = None
        if self.conn is not None:
            state = world.carrier.state(world.now_us, self.conn)
            if state not in (None, "CLOSED", "LISTEN", "SYN-RECEIVED"):
                self._bound = True
            elif state in ("CLOSED", "LISTEN") and not self._bound:
                self.conn = None
        self._find_again = False
