"""More conversations between two Linux sockets: socket options, odd ways to open and close, and applications that read late or not at all.

Like linux_talk.py: only the ordinary socket API, so that all that is on the wire is an honest stack's behaviour. A conversation may end early with an
OSError on a bad path; that is as good for the judge.
"""

from __future__ import annotations

import os
import random
import socket
import struct
import time
from collections.abc import Callable

from linux_talk import LINGER_RESET, Talk, in_parallel, read_to_end

_MSG_FASTOPEN, _TCP_MD5SIG = 0x20000000, 14
_SHORT = 3.0  # no conversation waits longer for a peer that is gone


def _pair(talk: Talk) -> tuple[socket.socket, socket.socket]:
    client, server = talk.pair()
    client.settimeout(_SHORT)
    server.settimeout(_SHORT)
    return client, server


def corked(talk: Talk) -> None:
    """Small writes held back by the cork, then pulled; and MSG_MORE."""
    client, server = _pair(talk)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    for _ in range(9):
        client.sendall(os.urandom(400))
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
    for _ in range(5):
        server.send(os.urandom(70), socket.MSG_MORE)
    server.sendall(b"end")
    server.close()
    read_to_end(client)
    client.close()


def slow_acks(talk: Talk) -> None:
    """Quick acknowledgements off, small writes with Nagle's algorithm on."""
    client, server = _pair(talk)
    for sock in (client, server):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
    for i in range(6):
        client.sendall(bytes([i]) * 37)
        client.sendall(bytes([i]) * 11)
        server.recv(100)
        server.sendall(b"a")
        client.recv(10)
    client.close()
    read_to_end(server)
    server.close()


def fast_open(talk: Talk) -> None:
    """A cookie request, then data on the SYN; both directions at once the second time."""
    talk.port += 1
    with talk.new_socket(talk.server) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((talk.address("server"), talk.port))
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
        listener.listen(8)
        listener.settimeout(_SHORT)
        for turn in range(3):
            client = talk.new_socket(talk.client)
            client.settimeout(_SHORT)
            client.sendto(b"early data " * (20 + 200 * turn), _MSG_FASTOPEN, (talk.address("server"), talk.port))
            server, _ = listener.accept()
            server.settimeout(_SHORT)
            server.sendall(b"answer" * 300)
            server.recv(100)
            client.recv(1800, socket.MSG_WAITALL)
            client.close()
            read_to_end(server)
            server.close()


def deferred_accept(talk: Talk) -> None:
    """The listener waits for data before it accepts."""
    client, server = talk.pair(
        listen=lambda s: s.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1),
        connect=lambda s: s.settimeout(_SHORT),
    )
    client.sendall(b"now")
    server.recv(10)
    server.close()
    client.close()


def sips(talk: Talk) -> None:
    """A reader of a small buffer that takes some octets, waits, and takes more: the window shuts and opens several times."""
    client, server = talk.pair(listen=lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 3000))

    def send() -> None:
        client.sendall(os.urandom(60_000))
        client.shutdown(socket.SHUT_WR)

    def receive() -> None:
        for pause in (0.3, 0.02, 0.25, 0.05):
            time.sleep(pause)
            server.recv(700)
        read_to_end(server)

    in_parallel(send, receive)
    server.close()
    client.close()


def buffer_changes(talk: Talk) -> None:
    """The receive buffer is made smaller, then larger, while data flows."""
    client, server = _pair(talk)

    def send() -> None:
        client.sendall(os.urandom(400_000))
        client.shutdown(socket.SHUT_WR)

    def receive() -> None:
        for size in (65536, 4096, 200_000, 2304):
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
            time.sleep(0.02)
            server.recv(20_000)
        read_to_end(server)

    in_parallel(send, receive)
    server.close()
    client.close()


def never_read(talk: Talk) -> None:
    """The window shuts for good, is probed, and the reader's process ends: a reset with data pending."""
    client, server = talk.pair(listen=lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096))
    client.setblocking(False)
    try:
        while client.send(bytes(5000)):
            pass
    except BlockingIOError:
        pass
    time.sleep(0.7)
    server.close()
    time.sleep(0.1)
    client.close()


def shutdown_variants(talk: Talk) -> None:
    """SHUT_RD and data after it; SHUT_RDWR at both ends."""
    client, server = _pair(talk)
    server.shutdown(socket.SHUT_RD)
    client.sendall(b"to nobody")
    time.sleep(0.02)
    server.sendall(b"still speaking")
    client.recv(100)
    client.shutdown(socket.SHUT_RDWR)
    time.sleep(0.02)
    try:
        server.sendall(b"into a closed direction")
    except OSError:
        pass
    server.close()
    client.close()


def abort_in_full_flow(talk: Talk) -> None:
    """The sender aborts a bulk transfer; then, on another connection, the receiver does."""
    for who in (0, 1):
        client, server = _pair(talk)
        victim = (client, server)[who]
        victim.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)

        def send(sock: socket.socket = client) -> None:
            try:
                for _ in range(40):
                    sock.sendall(bytes(20_000))
            except OSError:
                pass

        def stop(victim: socket.socket = victim, reader: socket.socket = server) -> None:
            for _ in range(5):
                reader.recv(30_000)
            victim.close()

        in_parallel(send, stop)
        time.sleep(0.02)
        client.close()
        server.close()


def disconnect(talk: Talk) -> None:
    """connect() to AF_UNSPEC resets a live connection."""
    client, server = _pair(talk)
    client.sendall(b"hello")
    server.recv(5)
    libc_connect_unspec(client)
    time.sleep(0.02)
    server.close()
    client.close()


def libc_connect_unspec(sock: socket.socket) -> None:
    """Python's connect cannot name AF_UNSPEC."""
    import ctypes

    ctypes.CDLL(None).connect(sock.fileno(), struct.pack("=H14x", socket.AF_UNSPEC), 16)


def impatient(talk: Talk) -> None:
    """Closed before the handshake was over, and before the peer could accept."""
    talk.port += 1
    with talk.new_socket(talk.server) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((talk.address("server"), talk.port))
        listener.listen(4)
        for linger in (False, True):
            client = talk.new_socket(talk.client)
            client.setblocking(False)
            if linger:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
            client.connect_ex((talk.address("server"), talk.port))
            client.close()
            time.sleep(0.02)


def full_backlog(talk: Talk) -> None:
    """More connections than the listener takes; some are accepted late, some never."""
    talk.port += 1
    clients = []
    with talk.new_socket(talk.server) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((talk.address("server"), talk.port))
        listener.listen(1)
        for i in range(6):
            client = talk.new_socket(talk.client)
            client.setblocking(False)
            client.connect_ex((talk.address("server"), talk.port))
            clients.append(client)
            time.sleep(0.01)
            if i % 2:
                try:
                    client.send(b"to a full queue")
                except OSError:
                    pass
        time.sleep(1.2)
        listener.settimeout(0.2)
        try:
            for _ in range(2):
                server, _ = listener.accept()
                server.close()
        except OSError:
            pass
        time.sleep(0.1)
    time.sleep(0.05)
    for client in clients:
        client.close()
    time.sleep(0.05)


def few_ports(talk: Talk) -> None:
    """Twelve connections over three client ports: tuples are used again within TIME-WAIT, closed by either side."""
    talk.port += 1
    with talk.new_socket(talk.server) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((talk.address("server"), talk.port))
        listener.listen(8)
        listener.settimeout(1)
        for turn in range(12):
            client = talk.new_socket(talk.client)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            client.settimeout(1)
            try:
                client.bind((talk.address("client"), 3000 + talk.port % 500 * 3 + turn % 3))
                client.connect((talk.address("server"), talk.port))
                server, _ = listener.accept()
            except OSError:
                client.close()
                continue
            client.sendall(b"q" * turn)
            first, second = (server, client) if turn % 5 else (client, server)
            first.shutdown(socket.SHUT_WR)
            time.sleep(0.003)
            second.close()
            time.sleep(0.003)
            first.close()


def simultaneous_open(talk: Talk) -> None:
    """Both ends OPEN actively to each other; the path must take some milliseconds for the SYNs to cross."""
    talk.port += 1
    ends = []
    for namespace, here, there in ((talk.client, "client", "server"), (talk.server, "server", "client")):
        sock = talk.new_socket(namespace)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((talk.address(here), talk.port))
        sock.setblocking(False)
        ends.append((sock, (talk.address(there), talk.port)))
    for sock, address in ends:
        sock.connect_ex(address)
    time.sleep(0.2)
    for sock, _ in ends:
        try:
            sock.setblocking(True)
            sock.settimeout(1)
            sock.sendall(b"crossing")
        except OSError:
            pass
    time.sleep(0.1)
    for sock, _ in ends:
        sock.close()


def urgent_both_ways(talk: Talk) -> None:
    """Urgent octets in both directions, one inline, one of several, one as the last octet."""
    client, server = _pair(talk)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    for _ in range(4):
        client.sendall(b"x" * 3000)
        client.send(b"abc", socket.MSG_OOB)
        server.send(b"!", socket.MSG_OOB)
    time.sleep(0.02)
    client.send(b"z", socket.MSG_OOB)
    client.shutdown(socket.SHUT_WR)
    read_to_end(server)
    server.close()
    client.close()


def small_segments(talk: Talk) -> None:
    """A small MSS by choice of either side."""
    size = random.Random(talk.port).choice((88, 128, 256, 536, 1000))
    client, server = talk.pair(connect=lambda s: s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, size))
    client.settimeout(_SHORT)
    server.settimeout(_SHORT)
    in_parallel(
        lambda: (client.sendall(os.urandom(6000)), client.shutdown(socket.SHUT_WR)),
        lambda: (server.sendall(os.urandom(6000)), server.shutdown(socket.SHUT_WR)),
        lambda: read_to_end(client),
        lambda: read_to_end(server),
    )
    client.close()
    server.close()


def ping_pong(talk: Talk) -> None:
    """Questions and answers of changing size, with pauses longer than the retransmission time-out."""
    chance = random.Random(talk.port)
    client, server = _pair(talk)
    for _ in range(25):
        for here, there in ((client, server), (server, client)):
            size = chance.choice((1, 3, 500, 1448, 1460, 4000, 20_000))
            here.sendall(bytes(size))
            there.recv(size, socket.MSG_WAITALL)
        if chance.random() < 0.08:
            time.sleep(0.35)
    client.close()
    read_to_end(server)
    server.close()


def idle_then_burst(talk: Talk) -> None:
    """A transfer, silence, and a burst: congestion window validation and PAWS clocks."""
    client, server = _pair(talk)

    def send() -> None:
        for pause in (0.0, 0.9, 0.3):
            time.sleep(pause)
            client.sendall(os.urandom(150_000))
        client.shutdown(socket.SHUT_WR)

    in_parallel(send, lambda: read_to_end(server))
    server.close()
    client.close()


def gone_peer(talk: Talk) -> None:
    """FIN-WAIT-2 runs out while the peer still has its half open; the peer's late data is reset."""
    client, server = talk.pair(connect=lambda s: s.setsockopt(socket.IPPROTO_TCP, socket.TCP_LINGER2, 1))
    client.close()
    time.sleep(1.4)
    try:
        server.sendall(b"anybody there?")
        time.sleep(0.02)
        server.sendall(b"no")
    except OSError:
        pass
    server.close()


def signed(talk: Talk) -> None:
    """The MD5 signature option (RFC 2385) on every segment; skipped where the kernel has none."""

    def key(there: str) -> Callable[[socket.socket], None]:
        four = talk.family == socket.AF_INET
        packed = socket.inet_pton(talk.family, talk.address(there))
        address = (
            struct.pack("=HH4s120x", talk.family, 0, packed)
            if four
            else struct.pack("=HHI16sI100x", talk.family, 0, 0, packed, 0)
        )
        secret = b"secret"
        value = address + struct.pack("=BBHi80s", 0, 0, len(secret), 0, secret)
        return lambda s: s.setsockopt(socket.IPPROTO_TCP, _TCP_MD5SIG, value)

    client, server = talk.pair(listen=key("client"), connect=key("server"))
    client.sendall(b"signed" * 500)
    server.recv(3000, socket.MSG_WAITALL)
    server.close()
    read_to_end(client)
    client.close()


def many_short(talk: Talk) -> None:
    """Many connections at once, each with one question and one answer."""
    talk.port += 1
    with talk.new_socket(talk.server) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((talk.address("server"), talk.port))
        listener.listen(64)
        listener.settimeout(_SHORT)
        clients = []
        for _ in range(15):
            client = talk.new_socket(talk.client)
            client.settimeout(_SHORT)
            client.setblocking(False)
            client.connect_ex((talk.address("server"), talk.port))
            clients.append(client)
        servers = [listener.accept()[0] for _ in clients]
        for i, client in enumerate(clients):
            client.settimeout(_SHORT)
            client.sendall(b"question %d" % i)
        for server in servers:
            server.recv(50)
            server.sendall(os.urandom(2500))
            server.close()
        for client in clients:
            read_to_end(client)
            client.close()


_ALL: tuple[Callable[[Talk], None], ...] = (
    corked,
    slow_acks,
    fast_open,
    deferred_accept,
    sips,
    buffer_changes,
    never_read,
    shutdown_variants,
    abort_in_full_flow,
    disconnect,
    impatient,
    full_backlog,
    few_ports,
    simultaneous_open,
    urgent_both_ways,
    small_segments,
    ping_pong,
    idle_then_burst,
    gone_peer,
    signed,
    many_short,
)
MORE_TALKS: dict[str, Callable[[Talk], None]] = {str(talk.__name__): talk for talk in _ALL}
