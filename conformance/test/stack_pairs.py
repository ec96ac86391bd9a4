"""Two stacks under test talking to each other, in virtual time unless one is the kernel, over a link that delays, loses, repeats and reorders: more honest traffic.

    stack_pairs.py DIRECTORY [--pairs core+lwip ...] [--rounds N] [--seed N]

Every stack is reached through the contract of conformance/sut, so whatever adapter is there can take part; what is not is named with its reason. All captures (both ends
and the middle) are judged, as they are and degraded. Known deviations of a stack stand in conformance/sut/known/<stack>.toml as [[capture]]. Exit status: 0
nothing found, 1 violations.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import false_alarms  # noqa: E402
from lastack.errors import AdapterBroken, Unavailable  # noqa: E402
from lastack.known import load as load_known  # noqa: E402
from lastack.sut.carrier import Carrier, Configuration, Packet  # noqa: E402
from lastack.sut.named import open_sut  # noqa: E402
from linux_net import ADDRESSES, write_pcap  # noqa: E402

STACKS = ("core", "lwip", "smoltcp", "gvisor", "linux")
_RAW_IP = 101
_SECOND = 1_000_000
# How long a connection may take, how long its end is watched, how often the applications run: virtual, and on the kernel's clock.
_TIMES = {False: (300 * _SECOND, 5 * _SECOND, 200_000), True: (4 * _SECOND, 250_000, 10_000)}


@dataclass
class Link:
    """One way takes `delay_us`; shares of packets lost, repeated, held back."""

    delay_us: int
    loss: float
    duplicate: float
    reorder: float


@dataclass
class Plan:
    """What one side of a connection does: sends so many octets, reads late, ends one way or another."""

    octets: int
    reads_from_us: int
    ending: str  # "close", "shutdown", "abort"
    piece: int


@dataclass
class Talker:
    """One side's application."""

    plan: Plan
    conn: int = -1
    sent: int = 0
    received: int = 0
    eof: bool = False
    ended: bool = False
    gone: bool = False
    connected: bool = False


@dataclass
class World:
    """Two stacks, the link between them, three taps, and one connection at a time."""

    stacks: tuple[Carrier, Carrier]
    link: Link
    chance: random.Random
    family: int
    now: int = 0
    taps: dict[str, list[tuple[int, bytes]]] = field(default_factory=lambda: {"a": [], "mid": [], "b": []})
    _queue: list[tuple[int, int, str, int, bytes]] = field(default_factory=list)
    _count: Iterator[int] = field(default_factory=itertools.count)
    _free: list[int] = field(default_factory=lambda: [0, 0])

    def __post_init__(self) -> None:
        # The side whose stack has a clock of its own (the kernel), or -1: then time is only what we say.
        self.real = next((side for side, stack in enumerate(self.stacks) if not stack.virtual_time), -1)
        self._began = time.monotonic()

    def address(self, side: int) -> str:
        """An end's address in this family."""
        return ADDRESSES[("client", "server")[side]][self.family == 6]

    def tap(self, name: str, packet: bytes) -> None:
        """Records a packet."""
        self.taps[name].append(((1_000_000 * _SECOND + self.now) * 1000, packet))

    def emitted(self, side: int, packets: list[Packet]) -> None:
        """What a stack sent goes onto the link."""
        for _, packet in packets:
            depart = max(self.now, self._free[side])
            self._free[side] = depart + len(packet) * 8 // 100  # a link of 100 Mbit/s
            heapq.heappush(self._queue, (depart, next(self._count), "out", 1 - side, packet))

    def _half(self, at: str, to: int, packet: bytes) -> None:
        for _copy in range(2 if self.chance.random() < self.link.duplicate else 1):
            if self.chance.random() < self.link.loss:
                continue
            held = (
                self.chance.randrange(self.link.delay_us * 2 + 500) if self.chance.random() < self.link.reorder else 0
            )
            heapq.heappush(self._queue, (self.now + self.link.delay_us // 2 + held, next(self._count), at, to, packet))

    def step(self, until: int) -> bool:
        """The next thing that happens, or the time `until`; false when nothing is left."""
        due = [s.next_us for side, s in enumerate(self.stacks) if side != self.real and s.next_us is not None]
        when = min([*due, until, *([self._queue[0][0]] if self._queue else [])])
        if self.real >= 0:
            wait = max(0, when - int((time.monotonic() - self._began) * _SECOND))
            packets = self.stacks[self.real].tick(self.now, wait)
            self.now = int((time.monotonic() - self._began) * _SECOND)
            self.emitted(self.real, packets)
        else:
            self.now = max(self.now + (when <= self.now and not self._queue), when)
        while self._queue and self._queue[0][0] <= self.now:
            _, _, at, to, packet = heapq.heappop(self._queue)
            self.tap({"out": "ab"[1 - to], "mid": "mid", "end": "ab"[to]}[at], packet)
            if at != "end":
                self._half("mid" if at == "out" else "end", to, packet)
            else:
                self.emitted(to, self.stacks[to].rx(self.now, packet))
        for side, stack in enumerate(self.stacks):
            if side != self.real and stack.next_us is not None and stack.next_us <= self.now:
                self.emitted(side, stack.tick(self.now))
        return bool(self._queue or due)

    def call(self, side: int, op: str, conn: int = -1, **arguments: object) -> object:
        """A user call; its packets go onto the link."""
        reply = self.stacks[side].app(self.now, op, conn=conn, **arguments)  # type: ignore[arg-type]
        self.emitted(side, reply.out)
        return reply

    def drive(self, side: int, talker: Talker) -> None:
        """What the application does now: read, send, end."""
        if talker.conn < 0 or talker.gone:
            return
        stack = self.stacks[side]
        if not talker.connected:  # CLOSE in SYN-SENT would delete the connection
            events = stack.app(self.now, "events", conn=talker.conn).events
            talker.gone = bool(events & {"refused", "reset", "timeout"})
            talker.connected = "connected" in events
            return
        if self.now >= talker.plan.reads_from_us:
            while not talker.eof:
                got = stack.app(self.now, "recv", conn=talker.conn, cap=16_384)
                self.emitted(side, got.out)
                talker.received += len(got.data)
                talker.eof = talker.eof or got.eof
                if got.status != "ok":
                    talker.gone = True
                    return
                if not got.data:
                    break
        while talker.sent < talker.plan.octets and not talker.ended:
            size = min(talker.plan.piece, talker.plan.octets - talker.sent)
            taken = stack.app(self.now, "send", conn=talker.conn, data=bytes(size), push=True)
            self.emitted(side, taken.out)
            talker.sent += taken.count
            if taken.status != "ok" or taken.count == 0:
                break
        if talker.ended or talker.sent < talker.plan.octets:
            return
        if talker.plan.ending == "shutdown" or talker.eof or talker.plan.ending == "abort":
            self.call(side, "abort" if talker.plan.ending == "abort" else "shutdown", talker.conn)
            talker.ended = True

    def hold(self, port: int, plans: tuple[Plan, Plan]) -> None:
        """One connection from a to b, to its end or for some minutes of virtual time."""
        listener = self.stacks[1].app(self.now, "listen", port=port, backlog=4)
        talkers = [Talker(plans[0]), Talker(plans[1])]
        opened = self.stacks[0].app(self.now, "connect", remote=(self.address(1), port))
        self.emitted(0, opened.out)
        talkers[0].conn = opened.conn
        limit, watched, often = _TIMES[self.real >= 0]
        end = self.now + limit
        accepted = False
        while self.now < end:
            if not accepted:
                server = self.stacks[1].app(self.now, "accept", conn=listener.conn)
                self.emitted(1, server.out)
                accepted = server.status == "ok"
                talkers[1].conn = server.conn if accepted else -1
                talkers[1].connected = accepted
            for side in (0, 1):
                self.drive(side, talkers[side])
            if all(t.ended and (t.eof or t.gone) for t in talkers):
                break
            if not self.step(self.now + often) and accepted and self.now > end - limit * 4 // 5:
                break
        for side in (0, 1):
            if talkers[side].conn >= 0:
                self.call(side, "close", talkers[side].conn)
        settle = self.now + watched
        while self.now < settle and self.step(settle):
            pass
        self.call(1, "close", listener.conn)


def draw_plans(chance: random.Random, now: int, hurry: bool) -> tuple[Plan, Plan]:
    """What both sides of a connection will do; in real time nobody waits long."""
    plans = [
        Plan(
            octets=chance.choice((0, 1, 500, 4000, 40_000)),
            reads_from_us=now + chance.choice((0, 0, 0, 300_000, 700_000 if hurry else 4_000_000)),
            ending=chance.choice(
                ("shutdown", "shutdown", "close", "abort") if side else ("shutdown", "shutdown", "close")
            ),
            piece=chance.choice((1, 90, 1400, 9000)) if chance.random() < 0.5 else 65_536,
        )
        for side in (0, 1)
    ]
    if all(plan.ending == "close" for plan in plans):
        plans[0].ending = "shutdown"
    for plan in plans:
        plan.octets = min(plan.octets, plan.piece * 40)
    return plans[0], plans[1]


def run_pair(pair: tuple[str, str], round_number: int, seed: int, campaign: false_alarms.Campaign) -> list[str]:
    """Several connections between two stacks under one setting; returns what was held against them."""
    chance = random.Random(f"pair {pair} {seed} {round_number}")
    link = chance.choice(
        [Link(20_000, 0, 0, 0), Link(4000, 0.02, 0, 0), Link(60_000, 0, 0.03, 0.1), Link(8000, 0.02, 0.01, 0.03)]
    )
    carriers = (open_sut(pair[0]), open_sut("core-process" if pair == ("core", "core") else pair[1]))
    try:
        ipv6 = all("ipv6" in carrier.hello.caps for carrier in carriers)
        family = chance.choice((4, 6)) if ipv6 else 4
        mtu = chance.choice((1500, 1500, 1280, 576 if family == 4 else 9000))
        wishes = {name: chance.randrange(2) for name in ("timestamps", "sack", "window_scale", "nagle")}
        options = ",".join(f"{name}={value}" for name, value in wishes.items())
        for side, carrier in enumerate(carriers):
            four, six = ADDRESSES[("client", "server")[side]]
            carrier.create(Configuration(chance.randrange(1 << 31), four, six, mtu, options=options))
        world = World(carriers, link, chance, family)
        for port in range(2000, 2000 + 6):
            world.hold(port, draw_plans(chance, world.now, world.real >= 0))
    except AdapterBroken as error:
        return [f"{pair[0]}+{pair[1]} round {round_number}: {error}"]
    finally:
        for carrier in carriers:
            carrier.close()
    story = f"{pair[0]}+{pair[1]} round {round_number} of seed {seed}: ipv{family} mtu={mtu} {link} {options}"
    found = []
    for tap, packets in world.taps.items():
        path = campaign.directory / f"{pair[0]}+{pair[1]}-{round_number}-{tap}.pcap"
        write_pcap(path, packets, _RAW_IP)
        found += campaign.examine(path, f"{pair[0]}+{pair[1]}, tap {tap}", story, round_number, worse=True)
    return found


def usable(names: tuple[str, ...]) -> list[str]:
    """The stacks that can be used here; says why the others cannot."""
    ready = []
    for name in names:
        try:
            open_sut(name).close()
            ready.append(name)
        except Unavailable as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
    return ready


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--pairs", nargs="*", metavar="A+B", help="default: every ordered pair of what is there")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.directory.mkdir(parents=True, exist_ok=True)
    pairs = [tuple(pair.split("+")) for pair in options.pairs or []] or [
        pair for pair in itertools.product(usable(STACKS), repeat=2) if pair != ("linux", "linux")
    ]
    start = time.monotonic()
    campaign = false_alarms.Campaign(options.directory)
    for number in range(options.first, options.first + options.rounds):
        for one, two in pairs:
            files = [false_alarms.KNOWN_DIRECTORY / f"{name}.toml" for name in {one, two}]
            campaign.known = [
                deviation for file in files if file.is_file() for deviation in load_known(file).deviations
            ]
            for line in run_pair((one, two), number, options.seed, campaign):
                print(line, flush=True)
    false_alarms.show(campaign, time.monotonic() - start)
    return 1 if any(tally.violations for tally in campaign.tallies.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
