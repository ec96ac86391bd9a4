"""The few netlink messages that the Linux adapter needs: addresses, routes with metrics, and sock_diag's view of TCP sockets.

Standard library only. It knows message layouts (linux/netlink.h, linux/rtnetlink.h, linux/inet_diag.h) and no policy.
"""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass

NETLINK_ROUTE, NETLINK_SOCK_DIAG = 0, 4
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP, NLM_F_REPLACE, NLM_F_CREATE = 0x1, 0x4, 0x300, 0x100, 0x400
RTM_NEWADDR, RTM_NEWROUTE, SOCK_DIAG_BY_FAMILY = 20, 24, 20
IFA_ADDRESS, IFA_LOCAL, IFA_FLAGS = 1, 2, 8
IFA_F_NODAD, IFA_F_NOPREFIXROUTE = 0x02, 0x200
RTA_DST, RTA_OIF, RTA_PREFSRC, RTA_METRICS = 1, 4, 7, 8
RT_TABLE_MAIN, RTPROT_STATIC, RTN_UNICAST = 254, 4, 1
RTAX_LOCK, RTAX_RTO_MIN, RTAX_QUICKACK = 1, 13, 15
# The kernel's socket states (net/tcp_states.h) as RFC 9293 names them. 12 is a connection request: SYN-RECEIVED.
STATES = {
    1: "ESTABLISHED", 2: "SYN-SENT", 3: "SYN-RECEIVED", 4: "FIN-WAIT-1", 5: "FIN-WAIT-2", 6: "TIME-WAIT", 7: "CLOSED",
    8: "CLOSE-WAIT", 9: "LAST-ACK", 10: "LISTEN", 11: "CLOSING", 12: "SYN-RECEIVED",
}  # fmt: skip
# Without CLOSED and "bound, inactive": such a socket may stand beside the TIME-WAIT entry that it left behind.
LIVE_STATES = sum(1 << number for number, name in STATES.items() if name != "CLOSED")
_HEADER = struct.Struct("=IHHII")
_DIAG = struct.Struct("=BBBB2s2s16s16sI8sIIIII")


@dataclass(frozen=True)
class Diagnosis:
    """One TCP socket as sock_diag shows it. ``timer``: 0 none, 1 retransmit, 2 keepalive, 3 TIME-WAIT, 4 zero-window probe."""

    state: str
    local_port: int
    remote: tuple[str, int]
    timer: int
    expires_ms: int
    unread: int
    unacknowledged: int


def _attribute(kind: int, value: bytes) -> bytes:
    padding = -len(value) % 4
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * padding


class Netlink:
    """A netlink socket of the network namespace in which it was made."""

    def __init__(self, protocol: int) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        self._sequence = 0

    def close(self) -> None:
        """Gives the socket, and with it its namespace, back."""
        self._socket.close()

    def _ask(self, kind: int, flags: int, body: bytes) -> list[bytes]:
        """Sends a request; returns the bodies of the replies. Raises OSError with the kernel's errno."""
        self._sequence += 1
        self._socket.send(_HEADER.pack(_HEADER.size + len(body), kind, flags | NLM_F_REQUEST, self._sequence, 0) + body)
        bodies: list[bytes] = []
        while True:
            data = self._socket.recv(1 << 18)
            while len(data) >= _HEADER.size:
                length, reply_kind, _, sequence, _ = _HEADER.unpack_from(data)
                content, data = data[_HEADER.size : length], data[(length + 3) & ~3 :]
                if sequence != self._sequence:
                    continue
                if reply_kind == NLMSG_ERROR:
                    (error,) = struct.unpack_from("=i", content)
                    if error:
                        raise OSError(-error, os.strerror(-error))
                    return bodies
                if reply_kind == NLMSG_DONE:
                    return bodies
                bodies.append(content)

    def add_address(self, index: int, address: str, prefix: int) -> None:
        """Gives interface number ``index`` an address, without the route that usually comes with it."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        packed = socket.inet_pton(family, address)
        body = struct.pack("=BBBBI", family, prefix, 0, 0, index)
        body += _attribute(IFA_LOCAL, packed) + _attribute(IFA_ADDRESS, packed)
        body += _attribute(IFA_FLAGS, struct.pack("=I", IFA_F_NOPREFIXROUTE | IFA_F_NODAD))
        self._ask(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, body)

    def set_route(self, index: int, network: str, prefix: int, source: str, metrics: dict[int, int]) -> None:
        """Routes ``network`` to interface ``index``; ``metrics`` are RTAX_* values, all of them locked."""
        family = socket.AF_INET6 if ":" in network else socket.AF_INET
        scope = 0 if family == socket.AF_INET6 else 253  # link
        body = struct.pack("=BBBBBBBBI", family, prefix, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, scope, RTN_UNICAST, 0)
        body += _attribute(RTA_DST, socket.inet_pton(family, network)) + _attribute(RTA_OIF, struct.pack("=I", index))
        body += _attribute(RTA_PREFSRC, socket.inet_pton(family, source))
        if metrics:
            locked = {RTAX_LOCK: sum(1 << name for name in metrics), **metrics}
            packed = b"".join(_attribute(name, struct.pack("=I", value)) for name, value in sorted(locked.items()))
            body += _attribute(RTA_METRICS, packed)
        self._ask(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, body)

    def tcp_sockets(self) -> list[Diagnosis]:
        """All TCP sockets of the namespace, connection requests and TIME-WAIT included."""
        found = []
        for family in (socket.AF_INET, socket.AF_INET6):
            request = struct.pack("=BBBBI48x", family, socket.IPPROTO_TCP, 0, 0, LIVE_STATES)
            for body in self._ask(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, request):
                found.append(_diagnosis(body))
        return found


def _diagnosis(body: bytes) -> Diagnosis:
    family, state, timer, _, sport, dport, _, dst, _, _, expires, rqueue, wqueue, _, _ = _DIAG.unpack_from(body)
    address = socket.inet_ntop(family, dst[: 16 if family == socket.AF_INET6 else 4])
    remote = (address, int.from_bytes(dport, "big"))
    return Diagnosis(STATES.get(state, "CLOSED"), int.from_bytes(sport, "big"), remote, timer, expires, rqueue, wqueue)
