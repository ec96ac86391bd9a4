"""The user's side of the stack under test: user calls and state, for one connection or listener."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lastack.errors import CallError, Mismatch, Unsupported, UsageError
from lastack.sut.carrier import TIMERS, AppReply

if TYPE_CHECKING:
    from lastack.lab import Lab
    from lastack.peer import Peer

_TIMER_NAMES = {"2msl": "time-wait", **{name: name for name in TIMERS}}


class SendVariables:
    """SND.UNA, SND.NXT ... (RFC 9293 3.3.1), read at each access."""

    def __init__(self, sut: Sut) -> None:
        self._sut = sut

    @property
    def una(self) -> int:
        """SND.UNA."""
        return self._sut.number("snd_una")

    @property
    def nxt(self) -> int:
        """SND.NXT."""
        return self._sut.number("snd_nxt")

    @property
    def wnd(self) -> int:
        """SND.WND, octets after scaling."""
        return self._sut.number("snd_wnd")

    @property
    def wl1(self) -> int:
        """SND.WL1."""
        return self._sut.number("snd_wl1")

    @property
    def wl2(self) -> int:
        """SND.WL2."""
        return self._sut.number("snd_wl2")

    @property
    def up(self) -> int:
        """SND.UP."""
        return self._sut.number("snd_up")

    @property
    def iss(self) -> int:
        """ISS."""
        return self._sut.number("iss")


class ReceiveVariables:
    """RCV.NXT, RCV.WND ... (RFC 9293 3.3.1), read at each access."""

    def __init__(self, sut: Sut) -> None:
        self._sut = sut

    @property
    def nxt(self) -> int:
        """RCV.NXT."""
        return self._sut.number("rcv_nxt")

    @property
    def wnd(self) -> int:
        """RCV.WND, octets after scaling."""
        return self._sut.number("rcv_wnd")

    @property
    def up(self) -> int:
        """RCV.UP."""
        return self._sut.number("rcv_up")

    @property
    def irs(self) -> int:
        """IRS."""
        return self._sut.number("irs")


class Sut:
    """A handle of the stack. That of ``lab.listen`` is the listener until a peer's connection exists, then that
    connection.

    With several peers it is the connection of the one that spoke last; ``lab.established`` gives a handle that stays
    with its peer. User calls on it accept the connection first when that is still to be done. Calls that the stack
    refuses raise ``CallError``.
    """

    def __init__(
        self, lab: Lab, conn: int | None = None, listener: int | None = None, port: int = 0, peer: Peer | None = None
    ) -> None:
        self._lab = lab
        self._conn = conn
        self._listener = listener
        self._port = port
        self._peer = peer
        self._accepted: set[int] = set()
        self.eof = False

    def __repr__(self) -> str:
        conn, peer = self._current()
        what = "listener" if conn == self._listener and peer is None else f"connection {conn}"
        return f"<Sut {self._lab.sut_name} {what}>"

    # ------------------------------------------------------------------------------------------------------- user calls

    def send(self, data: bytes, push: bool = False, urgent: bool = False) -> int:
        """SEND (3.10.2): returns the octets that the stack took, perhaps fewer than offered."""
        flags = "".join(f" {name}" for name, on in (("PUSH", push), ("URGENT", urgent)) if on)
        return self._call("send", f"SEND {len(data)} octets{flags}", data=data, push=push, urgent=urgent).count

    def recv(self, n: int = 65536) -> bytes:
        """RECEIVE (3.10.3): what is there, at most ``n`` octets; ``eof`` is then true when the peer's FIN has been
        reached.
        """
        reply = self._call("recv", f"RECEIVE up to {n}", cap=n)
        self.eof = reply.eof
        self._lab.world.log[-1].note = f"{len(reply.data)} octets" + (", end of stream" if reply.eof else "")
        return reply.data

    def read_exactly(self, n: int) -> bytes:
        """RECEIVE until ``n`` octets are there; a failure when the stack has fewer."""
        data = b""
        while len(data) < n:
            part = self.recv(n - len(data))
            if not part:
                raise Mismatch(
                    f"RECEIVE of {n} octets: the stack has only {len(data)}"
                    + (" before the end of stream" if self.eof else "")
                )
            data += part
        return data

    def shutdown(self) -> None:
        """CLOSE (3.10.4): no more data to send; receiving goes on."""
        self._call("shutdown", "CLOSE (receiving goes on)")

    def close(self) -> None:
        """CLOSE (3.10.4), and the application is gone: nothing will be received any more (3.6.1). Also closes a
        listener.
        """
        self._call("close", "CLOSE")

    def abort(self) -> None:
        """ABORT (3.10.5)."""
        self._call("abort", "ABORT")

    def set(self, name: str, value: int) -> None:
        """An option of the connection: ``nodelay``, ``keepalive``, ``keepalive_ms``, ``user_timeout_ms``,
        ``delayed_ack``.
        """
        self._call("set", f"set {name}={value}", name=name, value=value)

    def accept(self) -> Sut | None:
        """The next connection that is ready at this listener, or None."""
        if self._listener is None:
            raise UsageError("accept() needs the handle of a listener")
        reply = self._lab.world.ask("accept", conn=self._listener)
        if reply.status == "unsupported":
            raise Unsupported(reply.text)
        if reply.status == "error":
            if "would block" in reply.text:
                return None
            raise CallError(reply.text)
        return Sut(self._lab, conn=reply.conn, peer=self._took(reply))

    def connection(self, peer: Peer) -> Sut:
        """The stack's connection with this peer, accepted or not."""
        peer.track()
        if peer.conn is None:
            raise Mismatch(f"the stack has no connection with port {peer.port}")
        sut = Sut(self._lab, conn=peer.conn, listener=self._listener, port=self._port, peer=peer)
        sut._accepted = self._accepted
        return sut

    @property
    def listener(self) -> Sut:
        """The listener itself, whatever connections there are."""
        if self._listener is None:
            raise UsageError("this handle does not come from a listener")
        return Sut(self._lab, conn=self._listener)

    def events(self) -> frozenset[str]:
        """What happened to the connection since the last call: connected, eof, reset, refused, timeout, closed,
        urgent, soft_error.
        """
        conn, _ = self._ready()
        reply = self._lab.world.ask("events", conn=conn)
        if reply.status == "unsupported":
            raise Unsupported(reply.text)
        if reply.status == "error":
            raise CallError(reply.text)
        return reply.events

    # ------------------------------------------------------------------------------------------------------------ state

    @property
    def state(self) -> str:
        """The state in RFC 9293's spelling; CLOSED when there is no connection (any more)."""
        conn, peer = self._current()
        known = self._lab.world.information(conn, peer.tuple if peer else None)
        if known is None:
            return "CLOSED"
        return str(self._known(known, "state"))

    @property
    def snd(self) -> SendVariables:
        """The send variables."""
        return SendVariables(self)

    @property
    def rcv(self) -> ReceiveVariables:
        """The receive variables."""
        return ReceiveVariables(self)

    @property
    def mss(self) -> int:
        """The effective send MSS, octets (RFC 9293 3.7.1)."""
        return self.number("mss")

    @property
    def cwnd(self) -> int:
        """The congestion window, octets."""
        return self.number("cwnd")

    @property
    def ssthresh(self) -> int:
        """The slow start threshold, octets."""
        return self.number("ssthresh")

    @property
    def rto(self) -> float:
        """The retransmission timeout, seconds."""
        return self.number("rto_us") / 1e6

    @property
    def srtt(self) -> float:
        """The smoothed round-trip time, seconds."""
        return self.number("srtt_us") / 1e6

    @property
    def unread(self) -> int:
        """Octets that RECEIVE would return."""
        return self.number("unread")

    @property
    def unsent(self) -> int:
        """Octets that SEND took and that were not sent yet."""
        return self.number("unsent")

    def timer(self, name: str) -> float | None:
        """Seconds until a timer expires, None when off: retransmit, persist, 2msl, user, delayed-ack, keepalive."""
        if name not in _TIMER_NAMES:
            raise UsageError(f"there is no timer {name!r}; use {', '.join(_TIMER_NAMES)}")
        timers = self._known(self.information(), "timers")
        if _TIMER_NAMES[name] not in timers:
            raise Unsupported(f"{self._lab.sut_name} does not show its {name} timer")
        deadline = timers[_TIMER_NAMES[name]]
        return None if deadline is None else (deadline - self._lab.world.now_us) / 1e6

    def information(self) -> dict[str, object]:
        """All known fields, named as in PROTOCOL.md, in scenario numbers; empty when the connection is unknown."""
        conn, peer = self._current()
        return self._lab.world.information(conn, peer.tuple if peer else None) or {}

    def number(self, name: str) -> int:
        """One field of ``information``; UNSUPPORTED when the stack does not tell it."""
        return int(self._known(self.information(), name))

    # ---------------------------------------------------------------------------------------------------------- helpers

    def _known(self, fields: dict[str, object], name: str) -> Any:
        if name not in fields:
            raise Unsupported(f"{self._lab.sut_name} does not tell {name}")
        return fields[name]

    def _current(self) -> tuple[int, Peer | None]:
        """The stack's handle that this object means now."""
        if self._conn is not None:
            return self._conn, self._peer
        assert self._listener is not None
        candidates = [self._peer] if self._peer else [peer for peer in self._lab.peers if peer.to == self._port]
        for peer in sorted(candidates, key=lambda peer: -peer.last_activity):
            peer.track()
            if peer.conn is not None:
                return peer.conn, peer
        return self._listener, None

    def _ready(self) -> tuple[int, Peer | None]:
        """Like ``_current``, for a user call: a connection that waits to be accepted is accepted."""
        conn, peer = self._current()
        if self._listener is None or conn == self._listener and peer is None and not self._waits_for_accept():
            return conn, peer
        while conn not in self._accepted and self._accept_one():
            pass
        return self._current() if self._conn is None else (conn, peer)

    def _waits_for_accept(self) -> bool:
        """A stack that cannot find its connections shows them only when they are accepted."""
        return any(peer.to == self._port and peer.last_activity for peer in self._lab.peers)

    def _accept_one(self) -> bool:
        reply = self._lab.world.ask("accept", conn=self._listener)
        if reply.status != "ok":
            return False
        self._took(reply)
        return True

    def _took(self, reply: AppReply) -> Peer | None:
        self._accepted.add(reply.conn)
        peer = next((peer for peer in self._lab.peers if reply.remote == (peer.ip, peer.port)), None)
        if peer is not None:
            peer.follow(reply.conn)
        return peer

    def _call(self, op: str, text: str, **fields: Any) -> AppReply:
        conn, peer = self._ready()
        return self._lab.world.call(op, text, str(peer.port) if peer else "", conn=conn, **fields)
