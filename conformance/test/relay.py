"""A relay between two Linux namespaces that loses, delays, reorders and duplicates, with taps at both ends and in the middle.

    relay.py DIRECTORY [--connections N] [--seed N]

The kernel's own stacks talk through it, so every tap shows honest behaviour seen under bad conditions: the judge must find nothing at
any of them. Writes DIRECTORY/<regime>-ipv<4|6>-<a|mid|b>.pcap (raw IP). Needs root; exit status 77 says why it cannot.
"""

from __future__ import annotations

import argparse
import heapq
import os
import random
import select
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from linux_net import Namespace, why_not, write_pcap  # noqa: E402
from linux_talk import QUICK_TALKS, TALKS, Talk  # noqa: E402

_RAW_IP = 101
# Many at a time: none that is long, and none that needs the order of several connections.
_TALKS = [name for name in QUICK_TALKS if name not in ("bulk", "urgent", "port_reuse")]


@dataclass
class Regime:
    """What each half of the path does; probabilities per packet, times in seconds."""

    name: str
    delay: float = 0.005
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0  # share of packets that are held back
    held: float = 0.004
    corrupt: float = 0.0  # share of packets in which one bit turns over
    rate: float = 0.0  # octets per second of each half, 0: no limit
    queue: float = 0.05  # seconds that a packet may wait for the rate; beyond it is lost
    outage: tuple[float, float] = (0.0, 0.0)  # begins and ends so many seconds after the start: everything is lost
    sysctls: dict[str, int] = field(default_factory=dict)


REGIMES = [
    Regime("clean"),
    Regime("loss", loss=0.01),
    Regime("shuffle", duplicate=0.02, reorder=0.05),
    Regime("all", loss=0.01, duplicate=0.01, reorder=0.03),
    Regime(
        "all-bare",
        loss=0.01,
        duplicate=0.01,
        reorder=0.03,
        sysctls={"tcp_timestamps": 0, "tcp_sack": 0, "tcp_window_scaling": 0},
    ),
]


class Relay:
    """Moves IP packets between two TUN devices in two stages, so that the middle tap has losses before and after it."""

    def __init__(self, regime: Regime, a: int, b: int, seed: int) -> None:
        self.taps: dict[str, list[tuple[int, bytes]]] = {"a": [], "mid": [], "b": []}
        self._regime = regime
        self._fds = {"a": a, "b": b}
        self._random = random.Random(seed)
        self._queue: list[tuple[float, int, str, str, bytes]] = []
        self._count = 0
        self._free = {"a": 0.0, "b": 0.0}  # when the half towards an end can take the next packet
        self._start = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops once the path is empty."""
        self._stop.set()
        self._thread.join()

    def _tap(self, name: str, packet: bytes) -> None:
        self.taps[name].append((time.time_ns(), packet))

    def _stage(self, at: str, to: str, packet: bytes) -> None:
        """Puts a packet on the next half of the path: it arrives at ``at`` on its way ``to`` an end."""
        regime, chance = self._regime, self._random.random
        now = time.monotonic()
        if regime.outage[0] <= now - self._start < regime.outage[1]:
            return
        for _copy in range(2 if chance() < regime.duplicate else 1):
            if chance() < regime.loss:
                continue
            if chance() < regime.corrupt:
                packet = self._damaged(packet)
            delay = regime.delay + (regime.held * chance() if chance() < regime.reorder else 0.0)
            if regime.rate and at == "mid":
                wait = max(0.0, self._free[to] - now)
                if wait > regime.queue:
                    continue
                self._free[to] = now + wait + len(packet) / regime.rate
                delay += wait
            self._count += 1
            heapq.heappush(self._queue, (now + delay, self._count, at, to, packet))

    def _damaged(self, packet: bytes) -> bytes:
        """One bit of the transport header or the payload turned over."""
        at = self._random.randrange(20 if packet[0] >> 4 == 4 else 40, len(packet))
        return packet[:at] + bytes([packet[at] ^ 1 << self._random.randrange(8)]) + packet[at + 1 :]

    def _run(self) -> None:
        ends = {fd: name for name, fd in self._fds.items()}
        while not self._stop.is_set() or self._queue:
            wait = max(0.0, self._queue[0][0] - time.monotonic()) if self._queue else 0.05
            ready, _, _ = select.select(list(ends), [], [], min(wait, 0.05))
            for fd in ready:
                packet = os.read(fd, 1 << 16)
                self._tap(ends[fd], packet)
                self._stage("mid", "b" if ends[fd] == "a" else "a", packet)
            while self._queue and self._queue[0][0] <= time.monotonic():
                _, _, at, to, packet = heapq.heappop(self._queue)
                self._tap(at, packet)
                if at == "mid":
                    self._stage(to, to, packet)
                else:
                    os.write(self._fds[to], packet)


class RelayedPath:
    """Two namespaces joined by a relay."""

    def __init__(self, regime: Regime, seed: int, mtu: int = 1500) -> None:
        self.client, self.server = Namespace(), Namespace()
        self._tuns = {}
        for name, namespace, side in (("a", self.client, "client"), ("b", self.server, "server")):
            self._tuns[name] = namespace.tun("tun0")
            namespace.configure("tun0", side, mtu)
            for key, value in regime.sysctls.items():
                namespace.sysctl(f"ipv4.{key}", value)
        self._relay = Relay(regime, self._tuns["a"], self._tuns["b"], seed)

    def stop(self) -> dict[str, list[tuple[int, bytes]]]:
        """Ends the path once it is empty and returns what each tap saw."""
        self._relay.close()
        for fd in self._tuns.values():
            os.close(fd)
        return self._relay.taps


def talk_through(
    regime: Regime, family: socket.AddressFamily, connections: int, seed: int
) -> dict[str, list[tuple[int, bytes]]]:
    """Holds conversations through a relay and returns what each tap saw."""
    path = RelayedPath(regime, seed)
    shared = Talk(path.client, path.server, family)

    def converse(index: int) -> None:
        talk = Talk(path.client, path.server, family, shared.port + 50 * index)
        name = _TALKS[index % len(_TALKS)]
        try:
            TALKS[name](talk)
        except OSError:
            pass  # a reset that overtakes data, a lost FIN: the conversation ends early, which is as good for the judge

    for first in range(0, connections, 20):
        threads = [threading.Thread(target=converse, args=(i,)) for i in range(first, min(first + 20, connections))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    time.sleep(0.3)
    return path.stop()


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--connections", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if reason := why_not():
        print(f"relay: {reason}", file=sys.stderr)
        return 77
    options.directory.mkdir(parents=True, exist_ok=True)
    for regime in REGIMES:
        for version, family in ((4, socket.AF_INET), (6, socket.AF_INET6)):
            taps = talk_through(regime, family, options.connections, options.seed)
            for name, packets in taps.items():
                path = options.directory / f"{regime.name}-ipv{version}-{name}.pcap"
                write_pcap(path, packets, _RAW_IP)
                print(f"{path}: {len(packets)} packets", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
