"""A Scapy SuperSocket over a stack in the laboratory: ``sr1``, ``sr``, ``sniff`` and automata run against it in
virtual time.

When nothing is waiting, reading lets virtual time run to the stack's next timer; when no timer is left within
``patience`` seconds of virtual time, the socket is at its end, so a silent stack costs no real time. Sending is locked
because newer Scapy sends from a second thread.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.supersocket import SuperSocket

from lastack import _core
from lastack.options import PEER_IP4, PEER_IP6
from lastack.world import Event

if TYPE_CHECKING:
    from lastack.lab import Lab
    from lastack.segment import Segment


def _address(packets: Any) -> None:
    """Fills in the peer's address where none is set; Scapy would take one of this machine."""
    for packet in [packets] if hasattr(packets, "fields") else packets:
        packet.fields.setdefault("src", PEER_IP6 if packet.name == "IPv6" else PEER_IP4)


class LabSocket(SuperSocket):  # type: ignore[misc]
    """Reads and writes whole IP packets. ``patience``: seconds of virtual time that a read may let pass, default 5."""

    desc = "a stack under test in lastack"
    nonblocking_socket = True

    def __init__(self, lab: Lab, patience: float = 5.0) -> None:
        self._lab = lab
        self._patience = patience
        self._queue: list[Segment] = []
        self._lock = threading.Lock()
        self.closed = False

    def send(self, x: Any) -> int:
        """Delivers one IP packet to the stack."""
        if hasattr(x, "fields"):
            _address(x)
            x.sent_time = self._lab.now
        raw = bytes(x)
        parsed = _core.parse(raw)
        text, port = (parsed, "") if isinstance(parsed, str) else (parsed.text, str(parsed.src_port))
        with self._lock:
            self._lab.world.deliver(raw, Event(0.0, "in", text, port))
        return len(raw)

    def sr(self, *args: Any, **kwargs: Any) -> Any:
        """Scapy's ``sr``; the peer's address is filled in first, because Scapy matches answers by it."""
        _address(args[0])
        return super().sr(*args, **kwargs)

    def sr1(self, *args: Any, **kwargs: Any) -> Any:
        """Scapy's ``sr1``."""
        _address(args[0])
        return super().sr1(*args, **kwargs)

    def recv(self, x: int = 65535, **_: Any) -> Any:
        """The next packet of the stack; raises EOFError when the stack has nothing more to say."""
        segment = self._take()
        if segment is None:
            raise EOFError
        layer = IPv6 if segment.raw[0] >> 4 == 6 else IP
        packet = layer(segment.raw)
        packet.time = segment.time
        return packet

    def close(self) -> None:
        """Nothing to release: the stack belongs to the laboratory."""
        self.closed = True

    def fileno(self) -> int:
        """No file stands behind it."""
        return -1

    def _collect(self) -> None:
        for peer in self._lab.peers:
            self._queue += peer.drain()
        self._queue += self._lab.take_strays()
        self._queue.sort(key=lambda segment: segment.time)

    def _take(self) -> Segment | None:
        with self._lock:
            self._collect()
            if not self._queue:
                world = self._lab.world
                world.run_until(world.now_us + round(self._patience * 1e6), stop=self._arrived)
            return self._queue.pop(0) if self._queue else None

    def _arrived(self) -> bool:
        self._collect()
        return bool(self._queue)

    @staticmethod
    def select(sockets: list[SuperSocket], remain: float | None = None) -> list[SuperSocket]:
        """Those that have packets; else all, so that ``recv`` can let time pass or report the end."""
        ready = [s for s in sockets if isinstance(s, LabSocket) and s._arrived()]
        return ready or list(sockets)
