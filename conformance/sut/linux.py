#!/usr/bin/python3
"""The running Linux kernel as a stack under test: a `cmd:` program (PROTOCOL.md), wall clock, standard library only.

Every `reset` makes a network namespace of its own (linux_namespace.py), so no test sees another one. User calls are calls on
non-blocking sockets; errors are the kernel's, worded as in RFC 9293 3.10. The kernel chooses its initial sequence numbers,
and time is its own: nothing here pretends otherwise.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import platform
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from linux_namespace import CannotSetUp, Wire, enter_user_namespace, privileged  # noqa: E402
from linux_netlink import Diagnosis  # noqa: E402
from linux_tcp import (  # noqa: E402
    ACK,
    RST,
    SYN,
    TCP_REPAIR,
    Connection,
    Info,
    Sent,
    info_of_diagnosis,
    info_of_socket,
    parse,
    state_of,
    timers_of,
    unread_octets,
)

Json = dict[str, Any]
Tuple = tuple[int, tuple[str, int]]
PROTOCOL = 1
CAPS = ["info", "ipv6", "timestamps", "sack", "window-scale", "urgent", "simultaneous-open", "ecn"]
PROFILE = "msl_ms=30000,min_rto_ms=1000,initial_window=10,backlog_extra=1"
TCP_USER_TIMEOUT = 18
MSL_MS = 30_000  # half of TCP_TIMEWAIT_LEN, fixed when the kernel is compiled
MAX_LINE = 4 << 20
MAX_RECV = 1 << 20
MAX_WAIT_US = 600_000_000
MAX_FLOWS = 4096
# The kernel answers a packet before write() returns; what is left to a softirq comes within this time.
QUIET_S, SETTLE_S = 0.0005, 0.004
SWITCHES = {"timestamps": "tcp_timestamps", "sack": "tcp_sack", "window_scale": "tcp_window_scaling", "ecn": "tcp_ecn"}
HEADER_FIELDS = {
    "hop_limit": 255,
    "dscp": 63,
}  # options of the stack that set fields of the IP header, and their maxima
REASONS = {
    errno.ECONNRESET: ("reset", "connection reset"),
    errno.ECONNREFUSED: ("refused", "connection refused"),
    errno.ETIMEDOUT: ("timeout", "connection aborted due to user timeout"),
    errno.EHOSTUNREACH: ("timeout", "connection aborted: host unreachable"),
}
# What SO_ERROR says beyond that: a RST in CLOSE-WAIT.
PENDING = {**REASONS, errno.EPIPE: REASONS[errno.ECONNRESET]}
WORDS = {
    errno.EPIPE: "connection closing", errno.ENOTCONN: "connection does not exist", errno.EADDRINUSE: "connection already exists",
    errno.EADDRNOTAVAIL: "connection already exists", errno.EISCONN: "connection already exists",
    errno.EINVAL: "connection does not exist", errno.EBADF: "connection does not exist",
    errno.ENOMEM: "insufficient resources", errno.ENOBUFS: "insufficient resources",
}  # fmt: skip


urgent_signals = 0  # how often the kernel has told us of urgent data


def count_urgent_signal(*_: object) -> None:
    """The handler of SIGURG."""
    global urgent_signals
    urgent_signals += 1


class BadRequest(Exception):
    """The request is not as the protocol says."""


class Refused(Exception):
    """The user call failed; the text is what the user is told."""


class Unsupported(Exception):
    """The kernel has no such thing."""


def number(request: Json, name: str, maximum: int, default: int | None = None) -> int:
    """An integer field from 0 to ``maximum``."""
    value = request.get(name, default)
    if value is None:
        raise BadRequest(f"field '{name}' is missing")
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= maximum:
        raise BadRequest(f"field '{name}' is not an integer from 0 to {maximum}")
    return value


def text(request: Json, name: str, default: str | None = None) -> str:
    """A string field."""
    value = request.get(name, default)
    if not isinstance(value, str):
        raise BadRequest(f"field '{name}' is missing or not a string")
    return value


def octets(request: Json, name: str) -> bytes:
    """A field of hex digits."""
    digits = text(request, name)
    if not digits.isascii() or any(c.isspace() for c in digits):
        raise BadRequest(f"field '{name}' is not hex")
    try:
        return bytes.fromhex(digits)
    except ValueError as error:
        raise BadRequest(f"field '{name}' is not hex: {error}") from error


def ip_address(words: str, name: str) -> str:
    """Checks that the text is an IP address; returns it in its usual form."""
    family = socket.AF_INET6 if ":" in words else socket.AF_INET
    try:
        return socket.inet_ntop(family, socket.inet_pton(family, words))
    except (OSError, UnicodeError) as error:
        raise BadRequest(f"field '{name}' is not an IP address") from error


def remote_of(request: Json) -> tuple[str, int]:
    """The field ``remote``."""
    value = request.get("remote")
    if not isinstance(value, dict):
        raise BadRequest("field 'remote' is missing or not an object")
    return ip_address(text(value, "ip"), "ip"), number(value, "port", 65535)


def worded(error: OSError) -> Refused:
    """A kernel error in RFC 9293's words."""
    number_ = error.errno or 0
    if number_ in REASONS:
        return Refused(REASONS[number_][1])
    return Refused(WORDS.get(number_, f"{error.strerror} ({errno.errorcode.get(number_, number_)})"))


class Stack:
    """One namespace with its connections: between two `reset`s."""

    def __init__(self, request: Json) -> None:
        if number(request, "msl_ms", 1 << 32, 0) not in (0, MSL_MS):
            raise Unsupported(f"Linux fixes the MSL when it is compiled: {MSL_MS} ms")
        self._buffers = {
            socket.SO_RCVBUF: number(request, "rcv_buf", 1 << 30, 0),
            socket.SO_SNDBUF: number(request, "snd_buf", 1 << 30, 0),
        }
        self._nagle = True
        self._keepalive: tuple[int, int] | None = None  # on, ms
        self._user_timeout_ms = 0
        self._header_fields: dict[str, int] = {}
        options = self._parse_options(text(request, "options", ""))
        ip4, ip6 = (
            ip_address(text(request, "ip4", "192.0.2.1"), "ip4"),
            ip_address(text(request, "ip6", "2001:db8::1"), "ip6"),
        )
        self.wire = Wire(ip4, ip6, number(request, "mtu", 65535, 1500))
        self._apply_options(options)
        self._handles: list[Connection] = []
        self._by_tuple: dict[Tuple, Connection] = {}
        self._sent: dict[Tuple, Sent] = {}

    # ------------------------------------------------------------------------------------------------------- set-up

    @staticmethod
    def _parse_options(words: str) -> dict[str, str]:
        options: dict[str, str] = {}
        for item in filter(None, words.split(",")):
            name, _, value = item.partition("=")
            standard = name in SWITCHES or name in ("delayed_ack", "nagle")
            if name in HEADER_FIELDS:
                if not value.isascii() or not value.isdigit() or int(value) > HEADER_FIELDS[name]:
                    raise Refused(f"option '{name}' needs a value from 0 to {HEADER_FIELDS[name]}")
                options[name] = value
                continue
            if not standard and not (name.startswith("tcp_") and Path("/proc/sys/net/ipv4", name).name == name):
                raise Refused(f"unknown option '{name}'")
            if standard and value not in ("0", "1"):
                raise Refused(f"option '{name}' needs the value 0 or 1")
            options[name] = value
        return options

    def _apply_options(self, options: dict[str, str]) -> None:
        for name, value in options.items():
            if name == "delayed_ack":
                self.wire.set_delayed_ack(value == "1")
            elif name == "nagle":
                self._nagle = value == "1"
            elif name in HEADER_FIELDS:
                self._header_fields[name] = int(value)
            else:
                try:
                    self.wire.set_sysctl(SWITCHES.get(name, name), value)
                except OSError as error:
                    self.close()
                    raise Refused(f"option '{name}': the kernel does not take '{value}' ({error.strerror})") from error

    def close(self) -> None:
        """Gives the namespace back."""
        for connection in getattr(self, "_handles", []):
            for sock in [*connection.listeners, *([connection.socket] if connection.socket else [])]:
                sock.close()
        self.wire.close()

    def _new_socket(self, family: int) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # an active OPEN beside a listener of the same port
        ipv6 = family == socket.AF_INET6
        level = socket.IPPROTO_IPV6 if ipv6 else socket.IPPROTO_IP
        if "hop_limit" in self._header_fields:
            sock.setsockopt(
                level, socket.IPV6_UNICAST_HOPS if ipv6 else socket.IP_TTL, self._header_fields["hop_limit"]
            )
        if "dscp" in self._header_fields:
            sock.setsockopt(level, socket.IPV6_TCLASS if ipv6 else socket.IP_TOS, self._header_fields["dscp"] << 2)
        for name, size in self._buffers.items():
            if size:
                sock.setsockopt(socket.SOL_SOCKET, name, size)
        self._apply_choices(sock)
        return sock

    def _apply_choices(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)  # RFC 6093 section 6
        fcntl.fcntl(sock, fcntl.F_SETOWN, os.getpid())  # SIGURG when urgent data is ahead
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, not self._nagle)
        if self._keepalive is not None:
            self._set_keepalive(sock, *self._keepalive)
        if self._user_timeout_ms:
            sock.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, self._user_timeout_ms)

    @staticmethod
    def _set_keepalive(sock: socket.socket, on: int, interval_ms: int) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, on)
        if interval_ms:
            seconds = min(32767, -(-interval_ms // 1000))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, seconds)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, seconds)

    # ---------------------------------------------------------------------------------------------------- the wire

    def output(self) -> list[tuple[float, bytes]]:
        """What the kernel has sent since the last call."""
        packets = self.wire.take()
        for _, packet in packets:
            self._note(packet)
        return packets

    def receive(self, packet: bytes) -> None:
        """A packet arrives. SIGURG, which comes before write() returns, is about the connection of this packet."""
        before = urgent_signals
        self.wire.write(packet)
        if urgent_signals != before and (segment := parse(packet, arriving=True)) is not None:
            known = self._by_tuple.get((segment.local_port, segment.remote))
            if known is not None:
                known.urgent = True

    def _note(self, packet: bytes) -> None:
        segment = parse(packet)
        if segment is None:
            return
        key = (segment.local_port, segment.remote)
        sent = self._sent.get(key)
        if segment.flags & SYN and (sent is None or sent.iss != segment.seq):
            self._sent.pop(key, None)
            if len(self._sent) >= MAX_FLOWS:
                self._sent.pop(next(iter(self._sent)))
            sent = self._sent[key] = Sent(segment.seq, segment.seq)
        if sent is not None and not segment.flags & RST:  # a RST may carry the number of the segment that drew it
            sent.note(segment.seq, segment.length, segment.ack if segment.flags & ACK else None, segment.window)

    # ------------------------------------------------------------------------------------------------- connections

    def _add(self, local_port: int, remote: tuple[str, int] = ("", 0)) -> Connection:
        connection = Connection(len(self._handles), local_port, remote)
        self._handles.append(connection)
        if remote[1]:
            self._by_tuple[local_port, remote] = connection
        return connection

    def connection(self, request: Json) -> Connection:
        """The connection of the field ``conn``."""
        handle = request.get("conn")
        if not isinstance(handle, int) or isinstance(handle, bool):
            raise BadRequest("field 'conn' is missing or not an integer")
        if not 0 <= handle < len(self._handles):
            raise Refused("connection does not exist")
        return self._handles[handle]

    def _diagnose(self, connection: Connection) -> Diagnosis | None:
        for diagnosis in self.wire.diagnosis.tcp_sockets():
            ends = (diagnosis.local_port, diagnosis.remote)
            if ends == (connection.local_port, connection.remote) and diagnosis.state != "LISTEN":
                return diagnosis
        return None

    def _accept_into(self, listener: Connection) -> bool:
        """Takes one established connection from the kernel's queue."""
        for sock in listener.listeners:
            try:
                accepted, address = sock.accept()
            except OSError:
                continue
            accepted.setblocking(False)
            self._apply_choices(accepted)
            remote = (address[0], address[1])
            known = self._by_tuple.get((listener.local_port, remote))
            if known is None or known.socket is not None or known.closed:
                known = self._add(listener.local_port, remote)
            known.socket = accepted
            known.was_connected = True
            listener.ready.append(known)
            return True
        return False

    def _take_from_queue(self, connection: Connection) -> None:
        """A connection that the user has not accepted: its socket waits in a listener's queue, if it is established."""
        if connection.socket is not None or connection.closed or connection.listeners:
            return
        for listener in [
            handle for handle in self._handles if handle.listeners and handle.local_port == connection.local_port
        ]:
            while connection.socket is None and self._accept_into(listener):
                pass

    def _socket(self, connection: Connection) -> socket.socket:
        self._take_from_queue(connection)
        if connection.reason:
            raise Refused(connection.reason)
        if connection.closed:
            raise Refused("connection closing" if self._diagnose(connection) else "connection does not exist")
        if connection.socket is None:
            if self._diagnose(connection):
                raise Unsupported("Linux gives the user no handle of a connection before it is established")
            raise Refused("connection does not exist")
        return connection.socket

    def _failed(self, connection: Connection, error: OSError) -> Refused:
        if error.errno in REASONS:
            connection.told.discard(REASONS[error.errno][0])
            connection.reason = REASONS[error.errno][1]
        return worded(error)

    # -------------------------------------------------------------------------------------------------- user calls

    def listen(self, request: Json) -> Json:
        port, backlog = number(request, "port", 65535, 0), number(request, "backlog", 1 << 31, 8)
        listener = Connection(len(self._handles), port)
        for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            sock = self._new_socket(family)
            listener.listeners.append(sock)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                sock.bind((address, port))
                sock.listen(min(backlog, 65535))
            except OSError as error:
                for opened in listener.listeners:
                    opened.close()
                raise worded(error) from error
            listener.local_port = port = sock.getsockname()[1]
        self._handles.append(listener)
        return {"conn": listener.number}

    def connect(self, request: Json) -> Json:
        remote, port = remote_of(request), number(request, "port", 65535, 0)
        if not remote[1]:
            raise Refused("remote socket unspecified")
        sock = self._new_socket(socket.AF_INET6 if ":" in remote[0] else socket.AF_INET)
        try:
            if port:
                sock.bind(("::" if ":" in remote[0] else "0.0.0.0", port))
            code = sock.connect_ex(remote)
            if code not in (0, errno.EINPROGRESS):
                raise OSError(code, errno.errorcode.get(code, ""))
        except OSError as error:
            sock.close()
            raise worded(error) from error
        connection = self._add(sock.getsockname()[1], remote)
        connection.socket = sock
        return {"conn": connection.number}

    def accept(self, request: Json) -> Json:
        listener = self.connection(request)
        if not listener.listeners or listener.closed:
            raise Refused("not a listener")
        if not listener.ready and not self._accept_into(listener):
            raise Refused("would block")
        accepted = listener.ready.pop(0)
        return {"conn": accepted.number, "remote": {"ip": accepted.remote[0], "port": accepted.remote[1]}}

    def send(self, request: Json) -> Json:
        connection, data = self.connection(request), octets(request, "data")
        if connection.listeners:
            raise Refused("remote socket unspecified")
        sock = self._socket(connection)
        flags = socket.MSG_NOSIGNAL | (socket.MSG_OOB if request.get("urgent") is True else 0)
        try:
            return {"count": sock.send(data, flags)}
        except BlockingIOError:
            if state_of(connection, None) in ("SYN-SENT", "SYN-RECEIVED"):
                raise Unsupported("Linux takes no data before the connection is established") from None
            return {"count": 0}
        except OSError as error:
            raise self._failed(connection, error) from error

    def recv(self, request: Json) -> Json:
        connection, cap = self.connection(request), number(request, "cap", 1 << 32, 65536)
        sock = self._socket(connection)
        urgent = bool(self._poll(sock, select.POLLPRI))
        try:
            data = sock.recv(min(cap, MAX_RECV)) if cap else b""
        except BlockingIOError:
            return {"data": "", "urgent": urgent}
        except OSError as error:
            raise self._failed(connection, error) from error
        return {
            "data": data.hex(),
            "eof": not data and cap > 0,
            "urgent": urgent and bool(self._poll(sock, select.POLLPRI)),
        }

    def shutdown(self, request: Json) -> Json:
        connection = self.connection(request)
        if connection.listeners:
            return self.close_handle(request)
        try:
            self._socket(connection).shutdown(socket.SHUT_WR)
        except OSError as error:
            raise self._failed(connection, error) from error
        return {}

    def close_handle(self, request: Json) -> Json:
        connection = self.connection(request)
        if connection.closed:
            raise Refused("connection closing" if self._diagnose(connection) else "connection does not exist")
        if connection.listeners:
            for sock in [*connection.listeners, *(ready.socket for ready in connection.ready if ready.socket)]:
                sock.close()
            for ready in connection.ready:
                ready.closed, ready.socket = True, None
            connection.ready.clear()
            connection.closed = True
            return {}
        sock = self._socket(connection)
        # close() itself never fails; RFC 9293 3.10.4 has an error for a connection that is gone already.
        gone = state_of(connection, self._diagnose(connection)) == "CLOSED"
        self._forget(connection, sock)
        if gone:
            raise Refused(connection.reason or "connection does not exist")
        return {}

    def abort(self, request: Json) -> Json:
        connection = self.connection(request)
        if connection.listeners:
            return self.close_handle(request)
        sock = self._socket(connection)
        gone = state_of(connection, self._diagnose(connection)) == "CLOSED"
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._forget(connection, sock)
        if gone:
            raise Refused(connection.reason or "connection does not exist")
        return {}

    @staticmethod
    def _forget(connection: Connection, sock: socket.socket) -> None:
        sock.close()
        connection.socket, connection.closed = None, True

    def set_iss(self, _: Json) -> Json:
        raise Unsupported("Linux chooses its initial sequence numbers itself (RFC 6528)")

    def find(self, request: Json) -> Json:
        key = (number(request, "port", 65535), remote_of(request))
        known = self._by_tuple.get(key)
        if known is not None and not known.closed and known.socket is not None:
            return {"conn": known.number}
        for diagnosis in self.wire.diagnosis.tcp_sockets():
            if (diagnosis.local_port, diagnosis.remote) == key and diagnosis.state != "LISTEN":
                return {"conn": (known if known is not None else self._add(*key)).number}
        raise Refused("connection does not exist")

    def set_option(self, request: Json) -> Json:
        name, value = text(request, "name"), number(request, "value", (1 << 64) - 1)
        if name not in ("nodelay", "keepalive", "keepalive_ms", "user_timeout_ms", "delayed_ack"):
            raise Unsupported(f"no such option '{name}'")
        everywhere = request.get("conn", -1) == -1
        if name == "delayed_ack":
            if not everywhere:
                raise Unsupported("Linux has delayed ACKs on or off for a route, not for one connection")
            self.wire.set_delayed_ack(value != 0)
            return {}
        sock = None if everywhere else self._socket(self.connection(request))
        if name == "nodelay":
            self._set_nodelay(sock, value != 0)
        elif name == "user_timeout_ms":
            self._set_user_timeout(sock, min(value, 0x7FFFFFFF))
        elif sock is None:
            on, interval = self._keepalive or (0, 0)
            self._keepalive = (min(value, 1), interval) if name == "keepalive" else (on, value)
        else:
            on = sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            self._set_keepalive(sock, *((min(value, 1), 0) if name == "keepalive" else (on, value)))
        return {}

    def _set_nodelay(self, sock: socket.socket | None, on: bool) -> None:
        if sock is None:
            self._nagle = not on
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, on)

    def _set_user_timeout(self, sock: socket.socket | None, milliseconds: int) -> None:
        if sock is None:
            self._user_timeout_ms = milliseconds
        else:
            sock.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, milliseconds)

    # ------------------------------------------------------------------------------------------------------ reports

    @staticmethod
    def _poll(sock: socket.socket, what: int) -> int:
        poll = select.poll()
        poll.register(sock, what)
        ready = poll.poll(0)
        return ready[0][1] if ready else 0

    def events(self, request: Json) -> Json:
        connection = self.connection(request)
        if connection.listeners:
            listening = [] if connection.closed else connection.listeners
            readable = bool(connection.ready) or any(self._poll(sock, select.POLLIN) for sock in listening)
            return {"events": ["readable"] if readable else []}
        self._take_from_queue(connection)
        facts = self._facts(connection)
        new = sorted(facts - connection.told)
        connection.told |= facts - {"readable", "urgent"}
        return {"events": new, **({"reason": connection.reason} if connection.reason else {})}

    def _facts(self, connection: Connection) -> set[str]:
        facts: set[str] = set()
        state = state_of(connection, self._diagnose(connection))
        sock = connection.socket
        if sock is not None:
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                event, connection.reason = PENDING.get(code, ("soft_error", errno.errorcode.get(code, str(code))))
                facts.add(event)
            ready = self._poll(sock, select.POLLIN | select.POLLPRI | select.POLLRDHUP)
            unread = 0 if connection.reason or state == "CLOSED" else unread_octets(sock)
            if unread and unread != connection.told_unread:
                facts.add("readable")
            connection.told_unread = unread
            if connection.urgent:
                facts.add("urgent")
                connection.urgent = False
            if ready & select.POLLRDHUP and connection.was_connected and not connection.reason:
                facts.add("eof")
        if state not in ("CLOSED", "SYN-SENT", "SYN-RECEIVED", "LISTEN"):
            connection.was_connected = True
        if connection.was_connected:
            facts.add("connected")
        if state == "CLOSED":
            facts.add("closed")
        return facts

    def info(self, request: Json, now_us: int) -> Json:
        connection = self.connection(request)
        if connection.listeners:
            return {"info": {"state": state_of(connection, None)}}
        diagnosis = self._diagnose(connection)
        if connection.socket is None and diagnosis is not None and diagnosis.state not in ("SYN-RECEIVED", "TIME-WAIT"):
            self._take_from_queue(connection)
        info: Info = info_of_socket(connection.socket) if connection.socket is not None else {"state": "CLOSED"}
        sent = self._sent.get((connection.local_port, connection.remote))
        if info["state"] == "CLOSED" and diagnosis is not None:
            info = info_of_diagnosis(diagnosis, sent)
        if sent is not None and info["state"] not in ("CLOSED", "LISTEN"):
            info["iss"] = sent.iss
        if diagnosis is not None:
            info["timers"] = timers_of(diagnosis, now_us)
        if info["state"] not in ("CLOSED", "SYN-SENT", "SYN-RECEIVED"):
            connection.was_connected = True
        return {"info": info}


class Program:
    """The loop: one line in, one line out."""

    def __init__(self) -> None:
        self._stack: Stack | None = None
        self._ready = ""  # why we cannot work, once known; "yes" when we can

    def hello(self) -> Json:
        """Tries everything that a test will need, so that the reason is told before the first one."""
        if not self._ready:
            try:
                if not privileged():
                    enter_user_namespace()
                self._stack = Stack({})
                self._check_repair()
                self._ready = "yes"
            except CannotSetUp as error:
                self._ready = str(error)
            except OSError as error:
                self._ready = f"setting up the interface failed: {error}"
            finally:
                self._drop()
        if self._ready != "yes":
            return {"unsupported": self._ready}
        return {"protocol": PROTOCOL, "name": "linux", "version": platform.release(), "caps": CAPS, "profile": PROFILE}

    @staticmethod
    def _check_repair() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
                probe.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, -1)
            except OSError as error:
                print(
                    f"linux: TCP_REPAIR does not work ({error.strerror}): sequence numbers stay unknown",
                    file=sys.stderr,
                )

    def _drop(self) -> None:
        stack, self._stack = self._stack, None
        if stack is not None:
            stack.close()

    def answer(self, request: Json) -> Json:
        """The reply to one request, without its id."""
        command = text(request, "cmd")
        if command == "hello":
            return self.hello()
        if command == "bye":
            return {}
        if command == "reset":
            return self._reset(request)
        if command not in ("rx", "tick", "app", "info"):
            return {"unsupported": f"unknown command '{command}'"}
        if self._stack is None:
            raise BadRequest("no stack yet: send 'reset' first")
        now_us, began = number(request, "t_us", 1 << 63), time.monotonic()
        stack = self._stack
        if command == "info":
            stack.wire.read(0)
            stack.wire.settle(0)
            return stack.info(request, now_us)
        return self._input(stack, command, request, now_us, began)

    def _reset(self, request: Json) -> Json:
        self._drop()
        if not self._ready:
            self.hello()
        if self._ready != "yes":
            return {"unsupported": self._ready}
        try:
            self._stack = Stack(request)
        except CannotSetUp as error:
            return {"error": str(error)}
        return {}

    def _input(self, stack: Stack, command: str, request: Json, now_us: int, began: float) -> Json:
        reply: Json = {}
        try:
            if command == "rx":
                stack.receive(octets(request, "ip"))
            elif command == "tick":
                stack.wire.read(number(request, "wait_us", MAX_WAIT_US, 0) / 1e6)
            else:
                reply = self._app(stack, request)
        except Refused as refused:
            reply = {"error": str(refused)}
        except Unsupported as unsupported:
            reply = {"unsupported": str(unsupported)}
        quiet = command == "tick" or request.get("op") in ("recv", "events", "find", "accept", "set")
        stack.wire.settle(QUIET_S if quiet else SETTLE_S)
        packets = stack.output()
        if packets:
            reply["out"] = [packet.hex() for _, packet in packets]
            reply["out_t_us"] = [max(0, now_us + int((at - began) * 1e6)) for at, _ in packets]
        return reply

    @staticmethod
    def _app(stack: Stack, request: Json) -> Json:
        operations: dict[str, Callable[[Json], Json]] = {
            "listen": stack.listen, "connect": stack.connect, "accept": stack.accept, "send": stack.send, "recv": stack.recv,
            "shutdown": stack.shutdown, "close": stack.close_handle, "abort": stack.abort, "set-iss": stack.set_iss,
            "find": stack.find, "set": stack.set_option, "events": stack.events,
        }  # fmt: skip
        op = text(request, "op")
        if op not in operations:
            raise Unsupported(f"unknown operation '{op}'")
        return operations[op](request)

    def line(self, line: bytes) -> tuple[Json, bool]:
        """The whole reply to a line, and whether the program goes on."""
        identity: int | None = None
        command: object = None
        try:
            if len(line) > MAX_LINE:
                raise BadRequest(f"the line is longer than {MAX_LINE} octets")
            request = json.loads(line)
            if not isinstance(request, dict):
                raise BadRequest("the request is not a JSON object")
            if not isinstance(request.get("id"), int) or isinstance(request["id"], bool):
                raise BadRequest("field 'id' is missing or not an integer")
            identity, command = request["id"], request.get("cmd")
            reply = self.answer(request)
        except BadRequest as error:
            reply = {"internal": str(error)}
        except Refused as error:
            reply = {"error": str(error)}
        except Unsupported as error:
            reply = {"unsupported": str(error)}
        except (ValueError, RecursionError) as error:
            reply = {"internal": f"the line is not JSON: {error}"}
        except OSError as error:
            reply = {"internal": f"{command}: {error}"}
        return {"id": identity, **reply}, command != "bye" or "internal" in reply


def main() -> int:
    """Serves standard input until its end."""
    if sys.stdin.isatty():
        print("linux.py speaks PROTOCOL.md on standard input; run it with: lastack run --sut linux", file=sys.stderr)
    signal.signal(signal.SIGURG, count_urgent_signal)
    program = Program()
    going = True
    while going:
        line = sys.stdin.buffer.readline(MAX_LINE + 1)
        if not line:
            break
        while len(line) > MAX_LINE and not line.endswith(b"\n"):  # the rest of a line that is too long
            rest = sys.stdin.buffer.readline(MAX_LINE)
            if not rest or rest.endswith(b"\n"):
                break
        reply, going = program.line(line)
        sys.stdout.buffer.write(json.dumps(reply).encode() + b"\n")
        sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
