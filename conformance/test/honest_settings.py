"""How honest conversations may be set up: sysctls of each end, socket options, path, MTU, offloads, family; all drawn from one seed.

Each round of the campaign surely holds one value of one sysctl (in turn), so that as many rounds as there are values have seen them all, and
further ones by chance, on the two ends independently.
"""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

import honest_net
from linux_net import Namespace

# net.ipv4.NAME: values other than the default. Both ends may draw any; what a kernel does not have is left out.
SYSCTLS: dict[str, tuple[int | str, ...]] = {
    "tcp_timestamps": (0, 2),
    "tcp_sack": (0,),
    "tcp_dsack": (0,),
    "tcp_window_scaling": (0,),
    "tcp_ecn": (0, 1, 3, 4, 5),
    "tcp_ecn_option": (0, 1, 2),
    "tcp_ecn_fallback": (0,),
    "tcp_fastopen": (0, 0x3, 0x603, 0x7),
    "tcp_rmem": ("4096 4096 4096", "4096 8192 16384", "4096 262144 33554432", "4096 1000000 33554432"),
    "tcp_wmem": ("4096 4096 4096", "4096 16384 65536", "4096 1000000 33554432"),
    "tcp_adv_win_scale": (-2, 0, 2, 4),
    "tcp_app_win": (1, 16),
    "tcp_base_mss": (256, 1460),
    "tcp_mtu_probing": (1, 2),
    "tcp_min_snd_mss": (500,),
    "tcp_congestion_control": ("reno", "cubic", "bbr"),
    "tcp_slow_start_after_idle": (0,),
    "tcp_tw_reuse": (0, 1),
    "tcp_tw_reuse_delay": (1,),
    "tcp_syncookies": (0, 2),
    "tcp_abort_on_overflow": (1,),
    "tcp_rfc1337": (1,),
    "tcp_stdurg": (1,),
    "tcp_shrink_window": (1,),
    "tcp_moderate_rcvbuf": (0,),
    "tcp_frto": (0,),
    "tcp_recovery": (0, 1, 3, 7),
    "tcp_early_retrans": (0, 4),
    "tcp_reordering": (10,),
    "tcp_autocorking": (0,),
    "tcp_limit_output_bytes": (8192, 10_000_000),
    "tcp_comp_sack_nr": (0, 200),
    "tcp_min_tso_segs": (1, 16),
    "tcp_tso_win_divisor": (1, 10),
    "tcp_retrans_collapse": (0,),
    "tcp_thin_linear_timeouts": (1,),
    "tcp_workaround_signed_windows": (1,),
    "tcp_notsent_lowat": (4096,),
    "tcp_invalid_ratelimit": (0, 5000),
    "tcp_challenge_ack_limit": (1,),
    "tcp_rto_min_us": (5000, 400_000),
    "tcp_rto_max_ms": (1000,),
    "tcp_syn_linear_timeouts": (0,),
    "tcp_fin_timeout": (1,),
    "tcp_max_tw_buckets": (0,),
    "tcp_backlog_ack_defer": (0,),
    "tcp_pingpong_thresh": (3,),
    "tcp_plb_enabled": (1,),
    "tcp_reflect_tos": (1,),
    "tcp_no_metrics_save": (1,),
    "tcp_keepalive_time": (1,),
    "tcp_synack_retries": (1,),
    "ip_default_ttl": (1, 128, 255),
    "ip_no_pmtu_disc": (1, 2),
}
SINGLES = [(name, value) for name, values in SYSCTLS.items() for value in values]
MTUS = (1500, 1500, 1500, 576, 1280, 1492, 9000, 65535)
_MPTCP = 262
_NOPS = bytes(4 * [1])


@dataclass
class Setting:
    """One round: everything that the two ends and the path are told."""

    seed: int
    path: str = "cable"
    mtu: int = 1500
    offload: bool = False
    family: socket.AddressFamily = socket.AF_INET
    protocol: int = 0
    sysctls: tuple[dict[str, int | str], dict[str, int | str]] = field(default_factory=lambda: ({}, {}))
    dressed: bool = False

    def text(self) -> str:
        """One line for the table and for the file that goes with a finding."""
        version = 4 if self.family == socket.AF_INET else 6
        parts = [self.path, f"ipv{version}", f"mtu={self.mtu}"]
        parts += ["offload"] * self.offload + ["mptcp"] * bool(self.protocol) + ["options"] * self.dressed
        for side, values in zip(("client", "server"), self.sysctls, strict=True):
            parts += [f"{side}.{name}={value}".replace(" ", ",") for name, value in values.items()]
        return " ".join(parts)

    def join(self) -> honest_net.Path:
        """Makes the path and applies the sysctls."""
        regimes = {regime.name: regime for regime in honest_net.REGIMES}
        if self.path in regimes:
            path = honest_net.relayed(regimes[self.path], self.seed, self.mtu)
        else:
            path = _PATHS[self.path](self.mtu, self.offload)
        for namespace, values in zip((path.client, path.server), self.sysctls, strict=True):
            for name, value in values.items():
                _set(namespace, name, value)
        return path

    def dress(self, chance: random.Random) -> Callable[[socket.socket], None] | None:
        """Socket options for every socket of a conversation, or none."""
        if not self.dressed:
            return None
        drawn = [option(self.family, chance) for option in _OPTIONS if chance.random() < 0.17]

        def apply(sock: socket.socket) -> None:
            for level, name, value in drawn:
                try:
                    sock.setsockopt(level, name, value)
                except OSError:
                    pass  # not every family and protocol has each

        return apply


_PATHS: dict[str, Callable[[int, bool], honest_net.Path]] = {
    "cable": honest_net.cable,
    "bridge": honest_net.bridge,
    "router": honest_net.router,
    "loopback": honest_net.loopback,
}
PATHS = [*_PATHS, *(regime.name for regime in honest_net.REGIMES)]


def _set(namespace: Namespace, name: str, value: int | str) -> None:
    try:
        namespace.sysctl(f"ipv4.{name}", value)
    except OSError:
        pass  # an older kernel, or one that does not take the value


Option = tuple[int, int, "int | bytes"]
_TCP, _ANY, _IP, _IP6 = socket.IPPROTO_TCP, socket.SOL_SOCKET, socket.IPPROTO_IP, socket.IPPROTO_IPV6


def _ip_header(family: socket.AddressFamily, chance: random.Random) -> Option:
    if family == socket.AF_INET:
        return _IP, socket.IP_OPTIONS, _NOPS * chance.randrange(1, 5)
    # A destination options header: next header (filled in by the kernel), length 0, PadN of 4 octets.
    return _IP6, socket.IPV6_DSTOPTS, struct.pack("BBBB4x", 0, 0, 1, 4)


def _traffic_class(family: socket.AddressFamily, chance: random.Random) -> Option:
    value = chance.choice((0x10, 0x08, 0xB8))
    return (_IP, socket.IP_TOS, value) if family == socket.AF_INET else (_IP6, socket.IPV6_TCLASS, value)


def _hops(family: socket.AddressFamily, chance: random.Random) -> Option:
    value = chance.choice((3, 64, 255))
    return (_IP, socket.IP_TTL, value) if family == socket.AF_INET else (_IP6, socket.IPV6_UNICAST_HOPS, value)


_SO_MAX_PACING_RATE, _TCP_THIN_DUPACK = 47, 17
_OPTIONS: list[Callable[[socket.AddressFamily, random.Random], Option]] = [
    lambda f, c: (_TCP, socket.TCP_NODELAY, 1),
    lambda f, c: (_TCP, socket.TCP_QUICKACK, c.randrange(2)),
    lambda f, c: (_TCP, socket.TCP_MAXSEG, c.choice((88, 200, 536, 1000, 1460))),
    lambda f, c: (_TCP, socket.TCP_WINDOW_CLAMP, c.choice((2000, 10_000, 70_000))),
    lambda f, c: (_TCP, socket.TCP_USER_TIMEOUT, 1500),
    lambda f, c: (_TCP, socket.TCP_NOTSENT_LOWAT, 1),
    lambda f, c: (_TCP, socket.TCP_CONGESTION, c.choice((b"reno", b"cubic", b"bbr"))),
    lambda f, c: (_TCP, socket.TCP_KEEPIDLE, 1),
    lambda f, c: (_TCP, socket.TCP_SYNCNT, 2),
    lambda f, c: (_TCP, _TCP_THIN_DUPACK, 1),
    lambda f, c: (_ANY, socket.SO_KEEPALIVE, 1),
    lambda f, c: (_ANY, socket.SO_RCVBUF, c.choice((2304, 5000, 20_000, 300_000))),
    lambda f, c: (_ANY, socket.SO_SNDBUF, c.choice((2304, 5000, 20_000, 300_000))),
    lambda f, c: (_ANY, _SO_MAX_PACING_RATE, c.choice((300_000, 5_000_000))),
    lambda f, c: (_ANY, socket.SO_OOBINLINE, 1),
    lambda f, c: (_ANY, socket.SO_PRIORITY, 4),
    _ip_header,
    _traffic_class,
    _hops,
]


def draw(index: int, seed: int) -> Setting:
    """The setting of one round."""
    chance = random.Random(f"setting {seed} {index}")
    name, value = SINGLES[index % len(SINGLES)]
    client: dict[str, int | str] = {}
    server: dict[str, int | str] = {}
    for side in ((client, server), (client,), (server,))[chance.choice((0, 0, 1, 2))]:
        side[name] = value
    if chance.random() < 0.6:
        for side in (client, server):
            for other in chance.sample(sorted(SYSCTLS), chance.randrange(5)):
                side.setdefault(other, chance.choice(SYSCTLS[other]))
    path = chance.choice(PATHS + ["cable"] * 4)
    mtu = chance.choice(MTUS)
    families = [f for f in (socket.AF_INET, socket.AF_INET6) if honest_net.has_family(f, mtu)]
    return Setting(
        seed=chance.randrange(1 << 30),
        path=path,
        mtu=mtu,
        offload=chance.random() < 0.4,
        family=chance.choice(families),
        protocol=_MPTCP if chance.random() < 0.15 else 0,
        sysctls=(client, server),
        dressed=chance.random() < 0.6,
    )
