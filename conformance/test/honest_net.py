"""The paths of the false-alarm campaign: a veth cable, a bridge with an `any`-like tap, a router with a smaller MTU behind it, a relay.

Every path has two ends (``client``, ``server``) in namespaces of their own and gives its recordings by tap: link type and packets.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from linux_net import ADDRESSES, Namespace, Tap, join
from relay import Regime, RelayedPath

ETHERNET, RAW_IP = 1, 101
Recordings = dict[str, tuple[int, list[tuple[int, bytes]]]]

REGIMES = [
    Regime("clean"),
    Regime("far", delay=0.04),
    Regime("loss", loss=0.01),
    Regime("heavy-loss", loss=0.06, delay=0.002),
    Regime("shuffle", duplicate=0.02, reorder=0.05),
    Regime("far-shuffle", delay=0.02, duplicate=0.05, reorder=0.2, held=0.015),
    Regime("slow", rate=400_000.0, queue=0.06),
    Regime("damage", corrupt=0.01, delay=0.002),
    Regime("outage", outage=(0.3, 0.9), delay=0.003),
    Regime("all", loss=0.02, duplicate=0.02, reorder=0.05, corrupt=0.003, rate=2_000_000.0),
]


@dataclass
class Path:
    """Two ends joined somehow; ``stop`` ends the recording."""

    client: Namespace
    server: Namespace
    stop: Callable[[], Recordings]
    others: list[Namespace] = field(default_factory=list)

    def close(self) -> None:
        """Gives the namespaces up."""
        for namespace in (self.client, self.server, *self.others):
            namespace.close()


def _frames(taps: dict[str, Tap]) -> Callable[[], Recordings]:
    return lambda: {name: (ETHERNET, tap.stop().packets) for name, tap in taps.items()}


def cable(mtu: int, offload: bool) -> Path:
    """The two ends face each other."""
    ends = join(offload, mtu)
    return Path(ends.client, ends.server, _frames(ends.taps))


def loopback(mtu: int, offload: bool) -> Path:
    """Both ends in one namespace: what a tap on lo sees."""
    del offload
    here = Namespace()
    here.run("ip", "link", "set", "lo", "mtu", str(max(mtu, 1280)))
    for side in ADDRESSES:
        here.run("ip", "addr", "add", f"{ADDRESSES[side][0]}/32", "dev", "lo")
        here.run("ip", "-6", "addr", "add", f"{ADDRESSES[side][1]}/128", "dev", "lo", "nodad")
    tap = Tap(here, "lo", skip_outgoing=True).start()
    return Path(here, here, _frames({"lo": tap}))


def _arm(middle: Namespace, end: Namespace, device: str, offload: bool, mtu: int) -> None:
    """A cable from ``middle`` (named ``device`` there) to ``end`` (named eth0)."""
    middle.run("ip", "link", "add", device, "type", "veth", "peer", "name", "eth0")
    end.move_here("eth0", middle)
    middle.offload(device, offload)
    end.offload("eth0", offload)
    middle.run("ip", "link", "set", device, "mtu", str(mtu), "up")


def bridge(mtu: int, offload: bool) -> Path:
    """A bridge between the ends, with a tap on all its ports at once: each packet is seen entering and leaving."""
    client, server, middle = Namespace(), Namespace(), Namespace()
    middle.run("ip", "link", "add", "name", "br0", "type", "bridge")
    middle.run("ip", "link", "set", "br0", "up")
    for end, device, side in ((client, "port0", "client"), (server, "port1", "server")):
        _arm(middle, end, device, offload, mtu)
        end.configure("eth0", side, mtu)
        middle.run("ip", "link", "set", device, "master", "br0")
    taps = {"any": Tap(middle, "").start(), "client": Tap(client, "eth0").start()}
    return Path(client, server, _frames(taps), [middle])


def router(mtu: int, offload: bool) -> Path:
    """A router between the ends whose far side has an MTU of 1280: path MTU discovery; hop limits differ between the taps' copies."""
    mtu = max(mtu, 1280)
    client, server, middle = Namespace(), Namespace(), Namespace()
    middle.sysctl("ipv4.ip_forward", 1)
    middle.sysctl("ipv6.conf.all.forwarding", 1)
    for end, device, side, here in ((client, "port0", "client", mtu), (server, "port1", "server", 1280)):
        _arm(middle, end, device, offload, here)
        end.run("ip", "link", "set", "eth0", "mtu", str(mtu), "up")
        four, six = ADDRESSES[side]
        end.run("ip", "addr", "add", f"{four}/32", "dev", "eth0")
        end.run("ip", "-6", "addr", "add", f"{six}/128", "dev", "eth0", "nodad")
        middle.run("ip", "addr", "add", "192.0.2.254/32", "dev", device)
        middle.run("ip", "-6", "addr", "add", "2001:db8::fe/128", "dev", device, "nodad")
        middle.run("ip", "route", "add", f"{four}/32", "dev", device)
        middle.run("ip", "-6", "route", "add", f"{six}/128", "dev", device)
        end.run("ip", "route", "add", "192.0.2.254/32", "dev", "eth0")
        end.run("ip", "route", "add", "192.0.2.0/24", "via", "192.0.2.254")
        end.run("ip", "-6", "route", "add", "2001:db8::fe/128", "dev", "eth0")
        end.run("ip", "-6", "route", "add", "2001:db8::/64", "via", "2001:db8::fe")
    taps = {
        "any": Tap(middle, "").start(),
        "client": Tap(client, "eth0").start(),
        "server": Tap(server, "eth0").start(),
    }
    return Path(client, server, _frames(taps), [middle])


def relayed(regime: Regime, seed: int, mtu: int) -> Path:
    """A relay that loses, delays, repeats, reorders, damages."""
    path = RelayedPath(regime, seed, mtu)
    return Path(path.client, path.server, lambda: {name: (RAW_IP, packets) for name, packets in path.stop().items()})


def has_family(family: socket.AddressFamily, mtu: int) -> bool:
    """IPv6 needs links of 1280 octets."""
    return family == socket.AF_INET or mtu >= 1280
