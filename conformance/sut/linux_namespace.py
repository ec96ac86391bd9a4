"""A network namespace of our own with one TUN device: the wire between the harness and the running kernel.

Nothing here leaves the machine: the namespace has no other interface, the addresses are documentation addresses (RFC 5737,
RFC 3849), and the peer's address belongs to nobody, so that no other TCP answers for it. Everything vanishes with the namespace.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import select
import socket
import struct
import time
from pathlib import Path

from linux_netlink import NETLINK_ROUTE, NETLINK_SOCK_DIAG, RTAX_QUICKACK, RTAX_RTO_MIN, Netlink

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFMTU, IFF_UP = 0x8913, 0x8914, 0x8922, 0x1
IPV6_LEAST_MTU = 1280
DEVICE = "tun0"
RTO_MIN_MS = 1000  # RFC 6298 2.4; the default of 200 ms is also too short for a tester that is written in Python
MAX_QUEUED = 4096  # packets kept for the harness; more are lost, as on a full link
# Plain choices: no rate limits on what a scenario waits for, nothing learnt from one connection to the next, what newer kernels
# do differently by default as older ones do it. Missing ones are no error. Options of the stack may override each.
SYSCTLS: dict[str, int | str] = {
    "tcp_invalid_ratelimit": 0, "tcp_challenge_ack_limit": 0x7FFFFFFF, "icmp_ratelimit": 0,
    "icmp_msgs_per_sec": 1_000_000, "tcp_no_metrics_save": 1, "tcp_syncookies": 0, "tcp_fastopen": 0,
    "tcp_mtu_probing": 0, "tcp_early_retrans": 0, "tcp_autocorking": 0, "tcp_min_tso_segs": 1,
    "tcp_moderate_rcvbuf": 0, "tcp_comp_sack_nr": 0, "tcp_backlog_ack_defer": 0, "tcp_tw_reuse": 0,
    "tcp_slow_start_after_idle": 1, "tcp_ecn": 0, "tcp_syn_linear_timeouts": 0, "tcp_congestion_control": "reno",
    "tcp_wmem": "4096 262144 4194304", "ip_local_port_range": "49152 65535",
    # Each namespace gets a small table of its own: the kernel walks the whole table, else the machine's with 10^5 buckets, for
    # every question about a socket and at the end of the namespace.
    "tcp_child_ehash_entries": 256,
}  # fmt: skip


class CannotSetUp(Exception):
    """The kernel does not permit it; the text says which step, why, and what to do."""


def _unshare(flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(ctypes.c_int(flags)) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def enter_user_namespace() -> None:
    """Without root: a user namespace in which we are root. Raises ``CannotSetUp``."""
    uid, gid = os.getuid(), os.getgid()
    try:
        _unshare(CLONE_NEWUSER | CLONE_NEWNET)
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1", encoding="ascii")
    except OSError as error:
        raise CannotSetUp(f"this user may not make a user namespace ({error.strerror}): run as root") from error


def privileged() -> bool:
    """Whether we may make a network namespace as we are (CAP_SYS_ADMIN). Enters one."""
    try:
        _unshare(CLONE_NEWNET)
    except OSError as error:
        if error.errno == errno.EPERM:
            return False
        raise CannotSetUp(f"this kernel makes no network namespace ({error.strerror})") from error
    return True


class Wire:
    """A fresh network namespace for this process and its TUN device. ``close`` gives it all back to the kernel."""

    def __init__(self, ip4: str, ip6: str, mtu: int) -> None:
        # No IPv6 over links that cannot carry its smallest MTU (RFC 8200 5): the kernel refuses the address.
        self._networks = [(ip4, 24)] + ([(ip6, 64)] if mtu >= IPV6_LEAST_MTU else [])
        self._queued: list[tuple[float, bytes]] = []
        try:
            _unshare(CLONE_NEWNET)
        except OSError as error:
            raise CannotSetUp(f"no new network namespace ({error.strerror}): run as root") from error
        self._tun = self._open_tun()
        self._poll = select.poll()
        self._poll.register(self._tun, select.POLLIN)
        self._route = Netlink(NETLINK_ROUTE)
        self.diagnosis = Netlink(NETLINK_SOCK_DIAG)
        self._bring_up(mtu)

    def _open_tun(self) -> int:
        try:
            tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            how = "load the module tun" if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO) else "run as root"
            raise CannotSetUp(f"cannot open /dev/net/tun ({error.strerror}): {how}") from error
        try:
            fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
        except OSError as error:
            os.close(tun)
            raise CannotSetUp(f"cannot make a TUN device ({error.strerror}): run as root") from error
        return tun

    def _bring_up(self, mtu: int) -> None:
        for name, value in SYSCTLS.items():
            with contextlib.suppress(OSError):
                self.set_sysctl(name, value)
        for name, value in (("addr_gen_mode", 1), ("router_solicitations", 0), ("accept_ra", 0)):
            with contextlib.suppress(OSError):
                Path(f"/proc/sys/net/ipv6/conf/{DEVICE}/{name}").write_text(str(value), encoding="ascii")
        with contextlib.suppress(OSError):
            Path("/proc/sys/net/ipv6/icmp/ratelimit").write_text("0", encoding="ascii")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            try:
                fcntl.ioctl(control, SIOCSIFMTU, struct.pack("16si20x", DEVICE.encode(), mtu))
            except OSError as error:
                raise CannotSetUp(f"the kernel does not take the MTU {mtu} ({error.strerror})") from error
            request = fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16sH22x", DEVICE.encode(), 0))
            (flags,) = struct.unpack_from("=H", request, 16)
            fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH22x", DEVICE.encode(), flags | IFF_UP))
        self._index = socket.if_nametoindex(DEVICE)
        for address, prefix in self._networks:
            self._route.add_address(self._index, address, prefix)
        self.set_delayed_ack(False)
        self._await_local_route()

    def _await_local_route(self) -> None:
        """The kernel delivers to an IPv6 address only after a work queue of its own has made the address's route."""
        if len(self._networks) < 2:
            return
        wanted = socket.inet_pton(socket.AF_INET6, self._networks[1][0]).hex() + " 80 "
        deadline = time.monotonic() + 2.0
        while time.monotonic() < deadline:
            if wanted in Path("/proc/net/ipv6_route").read_text(encoding="ascii"):
                return
            time.sleep(0.0002)

    def set_delayed_ack(self, on: bool) -> None:
        """The kernel has no switch for delayed ACKs but a metric of the route: connections made from now on follow it."""
        metrics = {RTAX_RTO_MIN: RTO_MIN_MS} if on else {RTAX_RTO_MIN: RTO_MIN_MS, RTAX_QUICKACK: 1}
        for address, prefix in self._networks:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            host_bits = (128 if ":" in address else 32) - prefix
            packed = socket.inet_pton(family, address)
            network = (int.from_bytes(packed, "big") >> host_bits << host_bits).to_bytes(len(packed), "big")
            self._route.set_route(self._index, socket.inet_ntop(family, network), prefix, address, metrics)

    @staticmethod
    def set_sysctl(name: str, value: int | str) -> None:
        """Sets net.ipv4.<name> of the namespace. Raises OSError."""
        Path(f"/proc/sys/net/ipv4/{name}").write_text(f"{value}\n", encoding="ascii")

    def write(self, packet: bytes) -> None:
        """A packet arrives at the kernel. What the device itself refuses (no IP version, no octets) is lost."""
        self.read(0)
        with contextlib.suppress(OSError):
            os.write(self._tun, packet)

    def read(self, wait_s: float) -> None:
        """Queues what the kernel sends; waits up to ``wait_s`` seconds for the first packet, then takes what is there."""
        self._poll.poll(max(wait_s, 0) * 1000)
        while True:
            try:
                packet = os.read(self._tun, 65536)
            except OSError:  # EAGAIN: nothing more
                return
            if len(self._queued) < MAX_QUEUED and not _is_multicast(packet):
                self._queued.append((time.monotonic(), packet))

    def settle(self, quiet_s: float) -> None:
        """Takes packets until none has come for ``quiet_s`` seconds."""
        count = -1
        while count != len(self._queued) and len(self._queued) < MAX_QUEUED:
            count = len(self._queued)
            self.read(quiet_s)

    def take(self) -> list[tuple[float, bytes]]:
        """The queued packets, with the moment (time.monotonic) at which each was read."""
        packets, self._queued = self._queued, []
        return packets

    def close(self) -> None:
        """Ends the namespace's last uses by us; the kernel removes it when the sockets are closed too."""
        os.close(self._tun)
        self._route.close()
        self.diagnosis.close()


def _is_multicast(packet: bytes) -> bool:
    """Group traffic of the interface (IPv6 listener reports): not meant for the peer."""
    return packet[24] == 0xFF if packet[0] >> 4 == 6 else packet[16] >> 4 == 14
