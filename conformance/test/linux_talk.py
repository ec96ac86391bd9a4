"""What two Linux sockets say to each other in the recordings: each function is one conversation between two namespaces.

All follow the ordinary socket API, so whatever the kernel puts on the wire is the behaviour of an honest stack.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from linux_net import ADDRESSES, Namespace

LINGER_RESET = struct.pack("ii", 1, 0)


@dataclass
class Talk:
    """Where the conversations happen: two namespaces and the address family."""

    client: Namespace
    server: Namespace
    family: socket.AddressFamily
    port: int = 8000
    protocol: int = 0  # of the sockets: 0, or 262 for MPTCP
    dress: Callable[[socket.socket], None] | None = None  # sets options of every socket before LISTEN and CONNECT

    def address(self, side: str) -> str:
        """The address of a side in this family."""
        return ADDRESSES[side][0 if self.family == socket.AF_INET else 1]

    def new_socket(self, namespace: Namespace) -> socket.socket:
        """A dressed socket in one of the namespaces."""
        sock = namespace.socket(self.family, socket.SOCK_STREAM, self.protocol)
        sock.settimeout(20)
        if self.dress:
            self.dress(sock)
        return sock

    def pair(
        self,
        listen: Callable[[socket.socket], None] | None = None,
        connect: Callable[[socket.socket], None] | None = None,
    ) -> tuple[socket.socket, socket.socket]:
        """A connected pair (client's, server's); the callables set options before LISTEN and CONNECT."""
        self.port += 1
        with self.new_socket(self.server) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if listen:
                listen(listener)
            listener.bind((self.address("server"), self.port))
            listener.listen(8)
            client = self.new_socket(self.client)
            if connect:
                connect(client)
            client.connect((self.address("server"), self.port))
            server, _ = listener.accept()
            server.settimeout(20)
            return client, server


def read_to_end(sock: socket.socket) -> int:
    """Reads until the peer's FIN; returns the number of octets."""
    total = 0
    while piece := sock.recv(1 << 16):
        total += len(piece)
    return total


def in_parallel(*jobs: Callable[[], object]) -> None:
    """Runs jobs in threads and waits for all of them."""
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def orderly(talk: Talk) -> None:
    """Data both ways, then the client closes first."""
    client, server = talk.pair()
    client.sendall(b"question " * 30)
    server.recv(1000)
    server.sendall(b"answer " * 700)
    client.recv(4900, socket.MSG_WAITALL)
    time.sleep(0.02)
    client.close()
    read_to_end(server)
    server.close()


def server_first(talk: Talk) -> None:
    """The server closes first, the client answers later."""
    client, server = talk.pair()
    server.sendall(os.urandom(3000))
    server.shutdown(socket.SHUT_WR)
    read_to_end(client)
    time.sleep(0.1)
    client.close()
    read_to_end(server)
    server.close()


def half_close(talk: Talk) -> None:
    """The client closes its direction; the server sends on for a while."""
    client, server = talk.pair()
    client.sendall(b"all I have to say")
    client.shutdown(socket.SHUT_WR)
    read_to_end(server)
    for _ in range(5):
        server.sendall(os.urandom(2000))
        time.sleep(0.01)
    server.close()
    read_to_end(client)
    client.close()


def simultaneous_close(talk: Talk) -> None:
    """Both ends close at the same moment."""
    client, server = talk.pair()
    client.sendall(b"x")
    server.recv(1)
    gate = threading.Barrier(2)

    def close(sock: socket.socket) -> None:
        gate.wait()
        sock.shutdown(socket.SHUT_WR)
        read_to_end(sock)
        sock.close()

    in_parallel(lambda: close(client), lambda: close(server))


def reset_by_client(talk: Talk) -> None:
    """ABORT: the client's close sends RST."""
    client, server = talk.pair()
    client.sendall(b"some data")
    server.recv(100)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
    client.close()
    time.sleep(0.02)
    server.close()


def reset_unread(talk: Talk) -> None:
    """The server closes with data unread, which resets."""
    client, server = talk.pair()
    client.sendall(os.urandom(5000))
    time.sleep(0.02)
    server.close()
    time.sleep(0.02)
    client.close()


def reset_late_data(talk: Talk) -> None:
    """Data for a socket that is gone is answered by RST."""
    client, server = talk.pair()
    server.close()
    time.sleep(0.02)
    try:
        client.sendall(b"too late")
        time.sleep(0.02)
        client.sendall(b"still too late")
    except OSError:
        pass
    client.close()


def refused(talk: Talk) -> None:
    """No listener."""
    with talk.client.socket(talk.family) as client:
        try:
            client.connect((talk.address("server"), 7))
        except ConnectionRefusedError:
            pass


def bulk(talk: Talk, octets: int = 2_000_000) -> None:
    """A transfer in both directions at once."""
    client, server = talk.pair()
    block = os.urandom(50_000)

    def send(sock: socket.socket) -> None:
        for _ in range(octets // len(block)):
            sock.sendall(block)
        sock.shutdown(socket.SHUT_WR)

    in_parallel(lambda: send(client), lambda: send(server), lambda: read_to_end(client), lambda: read_to_end(server))
    client.close()
    server.close()


def short_bulk(talk: Talk) -> None:
    """The same, short."""
    bulk(talk, 200_000)


def slow_reader(talk: Talk) -> None:
    """The receiver's window shuts and opens again."""
    client, server = talk.pair(listen=lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192))

    def send() -> None:
        client.sendall(os.urandom(120_000))
        client.shutdown(socket.SHUT_WR)

    def receive() -> None:
        time.sleep(0.9)
        while server.recv(3000):
            time.sleep(0.002)

    in_parallel(send, receive)
    server.close()
    client.close()


def chatter(talk: Talk) -> None:
    """Many small writes without Nagle's algorithm, crossing each other."""
    client, server = talk.pair(connect=lambda s: s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1))

    def speak(sock: socket.socket, size: int) -> None:
        for i in range(60):
            sock.sendall(bytes([i]) * size)
            if i % 7 == 0:
                time.sleep(0.003)
        sock.shutdown(socket.SHUT_WR)

    in_parallel(
        lambda: speak(client, 11), lambda: speak(server, 300), lambda: read_to_end(client), lambda: read_to_end(server)
    )
    client.close()
    server.close()


def urgent(talk: Talk) -> None:
    """Urgent data in the middle of a stream."""
    client, server = talk.pair()
    client.sendall(b"ordinary")
    client.send(b"!", socket.MSG_OOB)
    client.sendall(b"ordinary again")
    time.sleep(0.02)
    client.close()
    read_to_end(server)
    server.close()


def keep_alive(talk: Talk) -> None:
    """Keep-alive probes on an idle connection."""

    def arm(sock: socket.socket) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)

    client, server = talk.pair(listen=arm, connect=arm)
    client.sendall(b"hello")
    server.recv(10)
    time.sleep(2.3)
    client.close()
    read_to_end(server)
    server.close()


def port_reuse(talk: Talk) -> None:
    """The same four numbers again and again, from TIME-WAIT too."""
    talk.port += 1
    with talk.server.socket(talk.family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((talk.address("server"), talk.port))
        listener.listen(8)
        for turn in range(4):
            client = talk.client.socket(talk.family)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            client.bind((talk.address("client"), 5555))
            client.settimeout(5)
            client.connect((talk.address("server"), talk.port))
            server, _ = listener.accept()
            client.sendall(b"turn %d" % turn)
            server.recv(100)
            if turn % 2 == 0:  # the server is left in TIME-WAIT
                server.close()
                read_to_end(client)
                client.close()
            else:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
                client.close()
                time.sleep(0.01)
                server.close()
            time.sleep(0.02)


def silent_server(talk: Talk) -> None:
    """A SYN that nobody answers is repeated."""
    talk.port += 1
    target = "192.0.2.77" if talk.family == socket.AF_INET else "2001:db8::77"
    talk.client.run("ip", "neigh", "replace", target, "lladdr", "02:00:00:00:00:77", "dev", "eth0")
    with talk.client.socket(talk.family) as client:
        client.settimeout(1.5)
        try:
            client.connect((target, talk.port))
        except TimeoutError:
            pass


_ALL: tuple[Callable[[Talk], None], ...] = (
    orderly,
    server_first,
    half_close,
    simultaneous_close,
    reset_by_client,
    reset_unread,
    reset_late_data,
    refused,
    bulk,
    short_bulk,
    slow_reader,
    chatter,
    urgent,
    keep_alive,
    port_reuse,
    silent_server,
)
TALKS: dict[str, Callable[[Talk], None]] = {str(talk.__name__): talk for talk in _ALL}
# Those that wait for no timer.
QUICK_TALKS = [
    "orderly",
    "server_first",
    "half_close",
    "simultaneous_close",
    "reset_by_client",
    "reset_unread",
    "reset_late_data",
    "refused",
    "bulk",
    "chatter",
    "urgent",
    "port_reuse",
]
