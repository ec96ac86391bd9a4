"""The laboratory: what a scenario sees as ``lab``. One stack under test, scripted peers around it, and time.

It ties peers and handles to the ``World``, decides at the end whether anything happened that nobody expected, and
collects what the judge found. It does not know pytest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from lastack.errors import CallError, Difference, Mismatch, Unsupported, UsageError
from lastack.handle import Sut
from lastack.options import PEER_IP4, PEER_IP6, SUT_IP4, SUT_IP6, LabOptions
from lastack.peer import Peer
from lastack.segment import Option, Segment
from lastack.sut.carrier import Carrier
from lastack.world import Event, Settings, World

# How long an expected segment may take when the stack delays ACKs or runs on its own clock (RFC 9293 3.8.6.3: less than
# 0.5 s).
GRACE_S = 0.5
_MANDATORY = ("MUST", "MUST NOT", "must", "SPEC")


class Lab:
    """A fresh stack under test and the means to test it. Times are seconds since the stack was created."""

    def __init__(
        self, carrier: Carrier, chosen: Mapping[str, object] | None = None, settings: Settings | None = None
    ) -> None:
        self._carrier = carrier
        self._chosen = dict(chosen or {})
        self.options = LabOptions.of(self._chosen)
        self.settings = settings or Settings()
        self.soft_failures: list[tuple[str, str]] = []
        self.non_strict: list[str] = []
        self._peers: list[Peer] = []
        self._listeners: dict[int, int] = {}
        self._strays: list[Segment] = []
        self._waived: set[str] = set()
        self._activity = 0
        self.world = self._create()

    def _create(self) -> World:
        try:
            world = World(self._carrier, self.options.configuration(), self.settings, self._on_segment, self._describe)
        except UsageError as error:
            if self.options.sut_options or {"rcv_buf", "snd_buf", "msl", "mtu"} & self._chosen.keys():
                raise Unsupported(str(error)) from error
            raise
        self.options.check(self._carrier.hello, world.ignored_options, self._chosen)
        return world

    # ---------------------------------------------------------------------------------------------------------- opening

    def listen(self, port: int = 80, iss: int | Sequence[int] | None = None, backlog: int = 8) -> Sut:
        """Passive OPEN on the stack (RFC 9293 3.10.1). ``iss``: the ISS of the next connection, or of the next ones."""
        self._want_iss(iss)
        listener = self.world.call("listen", f"OPEN passive, port {port}", port=port, backlog=backlog).conn
        self._listeners[port] = listener
        return Sut(self, listener=listener, port=port)

    def peer(self, port: int = 4000, to: int = 80, ip: str | None = None) -> Peer:
        """A scripted endpoint at ``port`` that talks to the stack's port ``to``."""
        own = ip or (PEER_IP6 if self.options.ipv6 else PEER_IP4)
        if any(peer.port == port and peer.ip == own for peer in self._peers):
            raise UsageError(f"there is already a peer at {own} port {port}")
        peer = Peer(self, own, SUT_IP6 if ":" in own else SUT_IP4, port, to)
        self._peers.append(peer)
        return peer

    def connect(self, peer: Peer, iss: int | None = None, port: int = 0, data: bytes = b"") -> Sut:
        """Active OPEN on the stack towards the peer, from local ``port`` (0: the stack chooses, the peer learns it
        from the SYN). ``data`` is text to send at once; a stack with Fast Open may put it on the SYN.
        """
        self._want_iss(iss)
        peer.to = port
        remote = (peer.ip, peer.port)
        conn = self.world.call(
            "connect", f"OPEN active, to port {peer.port}", str(peer.port), port=port, remote=remote, data=data
        ).conn
        peer.follow(conn)
        return Sut(self, conn=conn, peer=peer)

    def established(
        self,
        sut_iss: int = 300,
        peer_iss: int = 100,
        role: str = "passive",
        window: int = 65535,
        port: int = 80,
        peer_port: int = 4000,
        options: list[Option] | None = None,
    ) -> tuple[Sut, Peer]:
        """A connection after its handshake, everything checked: SND.NXT is ``sut_iss + 1``, RCV.NXT ``peer_iss + 1``.

        ``role`` is the stack's: "passive" or "active". ``options`` go into the peer's SYN. Called again with the same
        port it reuses the listener.
        """
        if role not in ("passive", "active"):
            raise UsageError(f"role is 'passive' or 'active', not {role!r}")
        peer = self.peer(port=peer_port, to=port)
        peer.window = window
        if role == "active":
            sut = self.connect(peer, iss=sut_iss, port=port)
            peer.answer_handshake(seq=peer_iss, options=options, iss=sut_iss)
        elif port in self._listeners:
            self._want_iss(sut_iss)
            peer.handshake(seq=peer_iss, options=options, iss=sut_iss)
            sut = Sut(self, listener=self._listeners[port], port=port, peer=peer)
        else:
            self.listen(port, iss=sut_iss)
            peer.handshake(seq=peer_iss, options=options, iss=sut_iss)
            sut = Sut(self, listener=self._listeners[port], port=port, peer=peer)
        if self.has("info"):
            self._check_established(sut, sut_iss, peer_iss)
        return sut, peer

    def _check_established(self, sut: Sut, sut_iss: int, peer_iss: int) -> None:
        wanted = {
            "state": "ESTABLISHED",
            "snd_nxt": (sut_iss + 1) % 2**32,
            "snd_una": (sut_iss + 1) % 2**32,
            "rcv_nxt": (peer_iss + 1) % 2**32,
        }
        known = sut.information()
        wrong = [
            Difference(name, str(value), str(known[name]))
            for name, value in wanted.items()
            if known.get(name, value) != value
        ]
        if wrong:
            raise Mismatch("the connection is not as it must be after the handshake", wrong)

    def set_iss(self, *values: int) -> None:
        """The ISS of the connections to come, in order."""
        self._want_iss(values)

    def _want_iss(self, iss: int | Sequence[int] | None) -> None:
        for value in [iss] if isinstance(iss, int) else iss or ():
            if self.has("set-iss"):
                self.world.call("set-iss", f"ISS of the next connection: {value}", value=value)
            else:
                self.world.rebase.want(value)

    # ------------------------------------------------------------------------------------------------------------- time

    @property
    def now(self) -> float:
        """Seconds since the stack was created."""
        return self.world.now_us / 1e6

    def advance(self, seconds: float) -> None:
        """Lets time pass; the stack's timers run on the way, in order."""
        if seconds < 0:
            raise UsageError("time does not go backwards")
        self.world.run_until(self.world.now_us + round(seconds * 1e6))

    def grace(self, within: float | None) -> float:
        """How long an ``expect`` may wait, seconds: ``within``, else as long as a stack that delays ACKs or has its
        own clock needs.
        """
        if within is not None:
            return within
        return GRACE_S if not self.world.virtual or "delayed_ack" in self.world.ignored_options else 0.0

    # ---------------------------------------------------------------------------------------------------- what is there

    @property
    def sut_name(self) -> str:
        """The stack's own name."""
        return self._carrier.hello.name

    def has(self, capability: str) -> bool:
        """Whether the stack has a capability (``virtual-time``, ``set-iss``, ``info`` ...)."""
        return capability in self._carrier.hello.caps

    def needs(self, *capabilities: str) -> None:
        """Ends the scenario as UNSUPPORTED when the stack lacks one of these capabilities."""
        for capability in capabilities:
            if not self.has(capability):
                raise Unsupported(f"{self.sut_name} has no {capability}")

    def unsupported(self, reason: str) -> NoReturn:
        """Ends the scenario as UNSUPPORTED."""
        raise Unsupported(reason)

    def note(self, text: str) -> None:
        """Puts a line into the ladder."""
        self.world.log.append(Event(self.now, "note", text))

    @contextmanager
    def soft(self, text: str) -> Iterator[None]:
        """A point on which the RFC leaves room or contradicts itself: a failing assert is recorded, and red only under
        ``--strict``.
        """
        try:
            yield
        except AssertionError as error:
            self.soft_failures.append((text, str(error)))
            self.world.log.append(
                Event(self.now, "note", f"soft: {text}: {str(error).splitlines()[0] if str(error) else 'failed'}")
            )
            if self.settings.strict:
                raise

    def waive(self, rule: str, reason: str) -> None:
        """Tells the judge's rule of this id to keep silent in this scenario; say why."""
        if not reason:
            raise UsageError("a waived rule needs a reason")
        self._waived.add(rule)

    def socket(self) -> Any:
        """A Scapy SuperSocket over this stack, in virtual time: ``sr1``, ``sniff``, automata. See ``lastack.scapy``."""
        from lastack.scapy_socket import LabSocket

        return LabSocket(self)

    def restart(self) -> None:
        """Ends this stack as at the end of a scenario and goes on with a fresh one: for loops inside one scenario."""
        self.finish()
        self._peers.clear()
        self._listeners.clear()
        self._strays.clear()
        late_us = self.world.late_us
        self.world = self._create()
        self.world.late_us = late_us  # of the whole scenario

    # ---------------------------------------------------------------------------------------------------------- the end

    def finish(self) -> None:
        """Fails the scenario when a segment came that nobody expected, one was malformed, or the judge found a
        violation.
        """
        self._check_unexpected()
        for other in self.world.others:
            if "not TCP" not in other.what:
                raise Mismatch(
                    f"the stack sent a malformed packet at {other.time:.3f} s: {other.what}: {other.packet.hex()}"
                )
        self._check_judge()

    def _check_unexpected(self) -> None:
        left = [segment for peer in self._peers for segment in peer.pending()] + self._strays
        if not left:
            return
        left.sort(key=lambda segment: segment.time)
        for segment in left:
            self.mark_failed(segment)
        first = f"{left[0].text} at {left[0].time:.3f} s" + (
            "" if left[0] not in self._strays else f" to port {left[0].dst_port}, where no peer is"
        )
        more = f", and {len(left) - 1} more" if len(left) > 1 else ""
        raise Mismatch(f"a segment that nobody expected: {first}{more}")

    def judge_findings(self) -> list[dict[str, Any]]:
        """What the judge has found so far: one dict per finding, as in ``lastack check --json``."""
        self.world.judge.finish()
        return list(self.world.judge.findings())

    def _check_judge(self) -> None:
        for finding in self.judge_findings():
            if finding["verdict"] != "violated" or finding["rule"] in self._waived:
                continue
            rule = f"{finding['rule']} ({finding['clause']}, {finding['level']})"
            headline = f"judge: {rule} violated in packet {finding['packet']}"
            if finding["level"] in _MANDATORY or self.settings.strict:
                for event in self.world.log:
                    event.failed |= event.number == finding["packet"]
                shown = Difference("judge", str(finding["expected"]), str(finding["actual"]))
                raise Mismatch(headline, [shown], why=str(finding["why"]))
            self.non_strict.append(headline)

    # --------------------------------------------------------------------------------------------- for peers and
    # handles

    @property
    def peers(self) -> list[Peer]:
        """The peers of this scenario, in the order of their creation."""
        return self._peers

    def listener_of(self, port: int) -> int | None:
        """The handle of the listener on a port of the stack."""
        return self._listeners.get(port)

    def mark_failed(self, segment: Segment | None) -> None:
        """Marks the segment's line of the ladder."""
        for event in self.world.log:
            if segment is not None and event.segment is segment:
                event.failed = True

    def touched(self) -> int:
        """A number that grows with every activity, to tell the latest peer."""
        self._activity += 1
        return self._activity

    def _on_segment(self, segment: Segment) -> None:
        for peer in self._peers:
            if peer.port == segment.dst_port and peer.ip == segment.core.dst:
                peer.take(segment)
                return
        self._strays.append(segment)

    def take_strays(self) -> list[Segment]:
        """Segments to addresses where no peer is; they then count as seen."""
        strays, self._strays = self._strays, []
        return strays

    def _describe(self, event: Event) -> None:
        if not event.peer or not self.has("info"):
            return
        peer = next((peer for peer in self._peers if str(peer.port) == event.peer), None)
        if peer is None:
            return
        peer.track()
        listener = self._listeners.get(peer.to)
        if peer.conn is not None:
            known = self.world.information(peer.conn, peer.tuple) or {}
            event.state = str(known.get("state", "CLOSED"))
            rcv_nxt = known.get("rcv_nxt")
            event.rcv_nxt = (
                rcv_nxt if isinstance(rcv_nxt, int) and event.state not in ("CLOSED", "LISTEN", "SYN-SENT") else None
            )
        else:
            event.state = "LISTEN" if listener is not None else "CLOSED"


__all__ = ["CallError", "Lab", "Mismatch", "Unsupported"]
