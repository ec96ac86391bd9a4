"""What every carrier of a stack offers to the laboratory: the verbs of conformance/sut/lastack_sut.h as Python calls.

All times are integers in microseconds. A carrier never interprets a packet and knows nothing of scenarios.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

# (time sent in microseconds, the IP packet)
Packet = tuple[int, bytes]

CAPABILITIES = (
    "virtual-time",
    "set-iss",
    "info",
    "ipv6",
    "timestamps",
    "sack",
    "window-scale",
    "deterministic",
    "multi",
    "urgent",
    "simultaneous-open",
    "ecn",
    "fast-open",
)
STATES = (
    "CLOSED",
    "LISTEN",
    "SYN-SENT",
    "SYN-RECEIVED",
    "ESTABLISHED",
    "FIN-WAIT-1",
    "FIN-WAIT-2",
    "CLOSE-WAIT",
    "CLOSING",
    "LAST-ACK",
    "TIME-WAIT",
)
TIMERS = ("retransmit", "persist", "time-wait", "user", "delayed-ack", "keepalive")
EVENTS = ("connected", "readable", "eof", "reset", "refused", "timeout", "closed", "urgent", "soft_error")
OPTION_WISHES = ("timestamps", "sack", "window_scale", "delayed_ack", "nagle", "ecn")


@dataclass(frozen=True)
class Hello:
    """What a stack says of itself. ``profile`` is ``name=value,...`` of its legal choices."""

    name: str
    version: str
    caps: frozenset[str]
    profile: str = ""


@dataclass(frozen=True)
class Configuration:
    """What a stack is created with: octets, milliseconds; 0 is the stack's default."""

    seed: int = 1
    ip4: str = "192.0.2.1"
    ip6: str = "2001:db8::1"
    mtu: int = 1500
    rcv_buf: int = 0
    snd_buf: int = 0
    msl_ms: int = 0
    options: str = ""


@dataclass
class AppReply:
    """The answer to a user call. ``status`` is "ok", "error" or "unsupported"; ``text`` the reason of the last two."""

    status: str = "ok"
    text: str = ""
    conn: int = -1
    count: int = 0
    data: bytes = b""
    eof: bool = False
    push: bool = False
    urgent: bool = False
    remote: tuple[str, int] | None = None
    events: frozenset[str] = frozenset()
    out: list[Packet] = field(default_factory=list)


class Carrier(ABC):
    """One stack, one instance at a time. Everything may raise ``AdapterBroken``."""

    hello: Hello
    # When tick() is due, microseconds; None when no timer runs. Kept up to date by every call.
    next_us: int | None = None

    @abstractmethod
    def create(self, configuration: Configuration) -> tuple[str, ...]:
        """A fresh stack at time 0. Returns the wishes it cannot honour; raises ``UsageError`` when it refuses."""

    @abstractmethod
    def rx(self, now_us: int, packet: bytes) -> list[Packet]:
        """One IP packet arrives; returns all that the stack sends in answer."""

    @abstractmethod
    def tick(self, now_us: int, wait_us: int = 0) -> list[Packet]:
        """Runs due timers. A wall-clock stack waits up to ``wait_us`` for its first packet."""

    @abstractmethod
    def app(
        self,
        now_us: int,
        op: str,
        *,
        conn: int = -1,
        port: int = 0,
        backlog: int = 0,
        remote: tuple[str, int] | None = None,
        data: bytes = b"",
        cap: int = 0,
        push: bool = False,
        urgent: bool = False,
        name: str = "",
        value: int = 0,
    ) -> AppReply:
        """A user call, named as in PROTOCOL.md (``listen``, ``set-iss`` ...). A refusal is no exception."""

    @abstractmethod
    def info(self, now_us: int, conn: int) -> dict[str, object] | None:
        """The known fields of a connection, named as in PROTOCOL.md; None for an unknown handle. Raises
        ``Unsupported``.
        """

    def state(self, now_us: int, conn: int) -> str | None:
        """The state alone, or None when it is unknown for whatever reason."""
        if "info" not in self.hello.caps:
            return None
        known = self.info(now_us, conn)
        return None if known is None else str(known.get("state", "")) or None

    @abstractmethod
    def close(self) -> None:
        """Ends the stack and everything that belongs to it. May be called twice."""

    @property
    def virtual_time(self) -> bool:
        """Whether time is only what the harness says."""
        return "virtual-time" in self.hello.caps
