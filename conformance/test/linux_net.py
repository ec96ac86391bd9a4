"""Network namespaces, veth pairs and taps of our own, for tests that let the running Linux kernel talk to itself.

Everything lives in namespaces that this module makes (192.0.2.0/24 and 2001:db8::/64 only) and that vanish with the last socket.
Needs root (CAP_NET_ADMIN, CAP_SYS_ADMIN); ``why_not`` says so. Standard library only.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import fcntl
import os
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_CLONE_NEWNET = 0x40000000
_ETH_P_ALL, _PACKET_OUTGOING = 0x0003, 4
_SOL_PACKET, _PACKET_STATISTICS, _SO_TIMESTAMPNS, _SO_RCVBUFFORCE = 263, 6, 35, 33
_SIOCETHTOOL = 0x8946
_OFFLOADS = {"rx-checksum": 0x15, "tx-checksum": 0x17, "scatter-gather": 0x19, "tso": 0x1F, "gso": 0x24, "gro": 0x2C}
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000

_libc = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True)

ADDRESSES = {"client": ("192.0.2.1", "2001:db8::1"), "server": ("192.0.2.2", "2001:db8::2")}


def why_not() -> str:
    """Why namespaces cannot be made here, or an empty text."""
    if os.geteuid() != 0:
        return "needs root: it makes its own network namespaces and packet sockets"
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        _call("unshare", _libc.unshare(_CLONE_NEWNET))
        _call("setns", _libc.setns(here, _CLONE_NEWNET))
    except OSError as error:
        return f"cannot make a network namespace: {error}"
    finally:
        os.close(here)
    return ""


def _call(name: str, result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


class Namespace:
    """A network namespace; ``with namespace.entered():`` sockets are made and commands run inside it."""

    def __init__(self) -> None:
        here = os.open("/proc/self/ns/net", os.O_RDONLY)
        _call("unshare", _libc.unshare(_CLONE_NEWNET))
        self._fd = os.open("/proc/self/ns/net", os.O_RDONLY)
        _call("setns", _libc.setns(here, _CLONE_NEWNET))
        os.close(here)
        self.run("ip", "link", "set", "lo", "up")

    def close(self) -> None:
        """Lets the namespace vanish with the last socket in it."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    @contextmanager
    def entered(self) -> Iterator[None]:
        """The calling thread is inside the namespace."""
        here = os.open("/proc/self/ns/net", os.O_RDONLY)
        _call("setns", _libc.setns(self._fd, _CLONE_NEWNET))
        try:
            yield
        finally:
            _call("setns", _libc.setns(here, _CLONE_NEWNET))
            os.close(here)

    def run(self, *command: str) -> None:
        """A command inside the namespace; its error output becomes the exception's text."""
        with self.entered():
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")

    def sysctl(self, name: str, value: int | str) -> None:
        """Sets net.<name> of this namespace. /proc/sys/net shows the namespace of the thread that opens it."""
        with self.entered():
            Path("/proc/thread-self/root/proc/sys/net", *name.split(".")).write_text(f"{value}\n", encoding="ascii")

    def socket(
        self, family: socket.AddressFamily, kind: socket.SocketKind = socket.SOCK_STREAM, protocol: int = 0
    ) -> socket.socket:
        """A socket that lives in the namespace."""
        with self.entered():
            return socket.socket(family, kind, protocol)

    def offload(self, device: str, on: bool) -> None:
        """Switches every segmentation and checksum offload of a device."""
        with self.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            for command in _OFFLOADS.values():
                value = ctypes.create_string_buffer(struct.pack("II", command, int(on)))
                request = struct.pack("16sP16x", device.encode(), ctypes.addressof(value))
                try:
                    fcntl.ioctl(control, _SIOCETHTOOL, request)
                except OSError:
                    continue  # a device need not have each of them

    def move_here(self, device: str, other: Namespace) -> None:
        """Moves a device of ``other`` into this namespace."""
        with other.entered():
            done = subprocess.run(
                ["ip", "link", "set", device, "netns", f"/proc/{os.getpid()}/fd/{self._fd}"],
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())

    def tun(self, device: str) -> int:
        """A TUN device in the namespace; returns its file descriptor (one IP packet per read and write)."""
        with self.entered():
            fd = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", device.encode(), _IFF_TUN | _IFF_NO_PI))
        return fd

    def configure(self, device: str, side: str, mtu: int = 1500) -> None:
        """Addresses of one side, without address detection delays."""
        four, six = ADDRESSES[side]
        self.run("ip", "link", "set", device, "mtu", str(mtu), "up")
        self.run("ip", "addr", "add", f"{four}/24", "dev", device)
        if mtu >= 1280:
            self.run("ip", "-6", "addr", "add", f"{six}/64", "dev", device, "nodad")


@dataclass
class Tap:
    """Records every frame of a device ("": of all), both directions, until ``stop``; ``packets`` are (time in ns, frame).

    ``patience``: seconds that ``stop`` waits at most for frames to end that come one after the other.
    """

    namespace: Namespace
    device: str
    skip_outgoing: bool = False  # on lo each frame would be seen leaving and arriving
    patience: float = 10.0
    packets: list[tuple[int, bytes]] = field(default_factory=list)
    dropped: int = 0

    def start(self) -> Tap:
        """Begins recording."""
        self._socket = self.namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 256 << 20)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        if self.device:
            with self.namespace.entered():
                self._socket.bind((self.device, _ETH_P_ALL))
        self._socket.settimeout(0.1)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._record, daemon=True)
        self._thread.start()
        return self

    def _record(self) -> None:
        while not self._stopping.is_set() or time.monotonic() < self._latest:
            try:
                frame, notes, _flags, origin = self._socket.recvmsg(1 << 20, 256)
            except TimeoutError:
                if self._stopping.is_set():
                    return
                continue
            if self.skip_outgoing and origin[2] == _PACKET_OUTGOING:
                continue
            seconds, nanoseconds = struct.unpack("qq", notes[0][2][:16])
            self.packets.append((seconds * 1_000_000_000 + nanoseconds, frame))

    def stop(self) -> Tap:
        """Ends recording once nothing more comes: a conversation that was given up may still go on."""
        self._latest = time.monotonic() + self.patience
        self._stopping.set()
        self._thread.join()
        statistics = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        self.dropped = struct.unpack("II", statistics)[1]
        self._socket.close()
        return self


def write_pcap(path: Path, packets: list[tuple[int, bytes]], link_type: int = 1, snap: int = 262144) -> None:
    """Writes (time in ns, frame) as a pcap file with nanosecond times."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, snap, link_type))
        for when, frame in packets:
            kept = frame[:snap]
            out.write(struct.pack("<IIII", when // 1_000_000_000, when % 1_000_000_000, len(kept), len(frame)) + kept)


@dataclass
class Cable:
    """Two namespaces joined by a veth pair, with a tap at each end."""

    client: Namespace
    server: Namespace
    taps: dict[str, Tap]

    def stop(self) -> dict[str, Tap]:
        """Ends both taps and returns them by side."""
        return {side: tap.stop() for side, tap in self.taps.items()}


def join(offload: bool, mtu: int = 1500) -> Cable:
    """Makes two namespaces and a veth pair between them, recording from the start."""
    client, server = Namespace(), Namespace()
    client.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
    server.move_here("eth1", client)
    for namespace, device, side in ((client, "eth0", "client"), (server, "eth1", "server")):
        namespace.offload(device, offload)
        namespace.configure(device, side, mtu)
    taps = {"client": Tap(client, "eth0").start(), "server": Tap(server, "eth1").start()}
    return Cable(client, server, taps)
