"""The built-in core as a host on a TUN device, in real time, behind a relay that loses and delays: the other end is the running Linux kernel.

One loop does everything: it takes what the kernel sends, lets the path lose or delay it, gives it to the core, runs the core's timers
and its application. Both ends of the path are tapped. The wire is a namespace of its own (linux_net.py).
"""

from __future__ import annotations

import heapq
import os
import random
import select
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from lastack.sut.carrier import Configuration, Packet
from lastack.sut.linked import StackCarrier, linked_core

RAW_IP = 101
_MOST_AT_ONCE = 64  # packets taken from the device before the core's application runs again


class PcapFile:
    """A pcap file with nanosecond times that grows while packets come."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.packets = 0
        self._out: BinaryIO = path.open("wb")
        self._out.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, RAW_IP))

    def add(self, packet: bytes) -> None:
        """A packet passes the tap now."""
        now = time.time_ns()
        self._out.write(struct.pack("<IIII", now // 10**9, now % 10**9, len(packet), len(packet)) + packet)
        self.packets += 1

    def close(self) -> None:
        """Writes what is still in memory."""
        self._out.close()


@dataclass
class Way:
    """What the way between the two ends does to each packet, the same in both directions; times in seconds."""

    loss: float = 0.0
    delay: float = 0.001
    reorder: float = 0.0  # share of packets that come 2 ms later than the others
    seed: int = 1
    lost: int = field(default=0, init=False)
    carried: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._queue: list[tuple[float, int, bool, bytes]] = []

    def put(self, packet: bytes, to_core: bool) -> None:
        """A packet enters the path."""
        self.carried += 1
        if self._random.random() < self.loss:
            self.lost += 1
            return
        delay = self.delay + (0.002 if self._random.random() < self.reorder else 0.0)
        heapq.heappush(self._queue, (time.monotonic() + delay, self.carried, to_core, packet))

    def take(self) -> tuple[bool, bytes] | None:
        """What leaves the path now, and whether it goes to the core."""
        if not self._queue or self._queue[0][0] > time.monotonic():
            return None
        _, _, to_core, packet = heapq.heappop(self._queue)
        return to_core, packet

    def next_at(self) -> float | None:
        """When the next packet leaves (time.monotonic)."""
        return self._queue[0][0] if self._queue else None


class CoreHost:
    """The core, its end of the path and its clock."""

    def __init__(self, tun: int, path: Way, configuration: Configuration, taps: tuple[PcapFile, PcapFile]) -> None:
        self.stack: StackCarrier = linked_core()
        self.stack.create(configuration)
        self._tun = tun
        self._path = path
        self._at_core, self._at_kernel = taps
        self._began = time.monotonic()
        self._poll = select.poll()
        self._poll.register(tun, select.POLLIN)
        os.set_blocking(tun, False)

    def now_us(self) -> int:
        """The core's time."""
        return int((time.monotonic() - self._began) * 1e6)

    def send_out(self, packets: list[Packet]) -> None:
        """What the core answers goes onto the path."""
        for _, packet in packets:
            self._at_core.add(packet)
            self._path.put(packet, to_core=False)

    def run(self, application: Callable[[], bool], until: Callable[[], bool], limit_s: float) -> bool:
        """Runs both ends until ``until`` holds; False when ``limit_s`` seconds were not enough.

        ``application`` does what the user of the core can do now, and says whether it wants to be asked again at once.
        """
        end = time.monotonic() + limit_s
        while not until():
            if time.monotonic() > end:
                return False
            busy = application()
            self._wait(0.0 if busy else 0.05)
            self._from_kernel()
            self._deliver()
            if self.stack.next_us is not None and self.stack.next_us <= self.now_us():
                self.send_out(self.stack.tick(self.now_us()))
        return True

    def _wait(self, most: float) -> None:
        moments = [most]
        if (arrival := self._path.next_at()) is not None:
            moments.append(arrival - time.monotonic())
        if self.stack.next_us is not None:
            moments.append((self.stack.next_us - self.now_us()) / 1e6)
        self._poll.poll(max(0.0, min(moments)) * 1000)

    def _from_kernel(self) -> None:
        for _ in range(_MOST_AT_ONCE):
            try:
                packet = os.read(self._tun, 1 << 16)
            except BlockingIOError:
                return
            if _is_tcp(packet):
                self._at_kernel.add(packet)
                self._path.put(packet, to_core=True)

    def _deliver(self) -> None:
        while (arrived := self._path.take()) is not None:
            to_core, packet = arrived
            if to_core:
                self._at_core.add(packet)
                self.send_out(self.stack.rx(self.now_us(), packet))
            else:
                self._at_kernel.add(packet)
                os.write(self._tun, packet)


def _is_tcp(packet: bytes) -> bool:
    """The kernel also announces its IPv6 address; that is none of ours."""
    return packet[9] == 6 if packet[0] >> 4 == 4 else packet[6] == 6
