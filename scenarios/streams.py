"""A scripted peer that takes whole flights of data, measures repetitions, or loses segments on purpose.

For scenarios in which the single segment does not matter but the stream does. The helpers only use the Lab; they know
no stack.
"""

from __future__ import annotations

from typing import Any

from helpers import FIRST_RTO, PEER_WINDOW, add
from lastack.scapy import TCP


def next_flight(peer: Any, within: float = 1.0) -> list[Any]:
    """The data segments that the stack sends in one go: the first within so many seconds, and those that come with
    it."""
    first = peer.expect(TCP(), within=within)
    return [segment for segment in (first, *peer.drain()) if segment.payload]


def needs_at_once(lab: Any, peer: Any, octets: int) -> None:
    """Goes on when so many octets have left in one go. The first window of congestion control may hold some back: RFC
    5681 3.1 bounds it from above, and a stack that begins with one segment cannot show what such a scenario asks."""
    lab.advance(0.25)
    sent = sum(len(segment.payload) for segment in peer.pending())
    if 0 < sent < octets:
        lab.unsupported(f"the first window of this stack holds {sent} octets, not {octets}")


def sequence_end(segments: list[Any]) -> int:
    """The number after the last octet of the segments (no FIN, no wrap)."""
    assert segments, "no data was sent"
    return max(int(segment.seq) + len(segment.payload) for segment in segments)


def repeats(peer: Any, segment: Any, data: bytes, count: int) -> list[float]:
    """Expects the segment and `count` repetitions of it; returns the gaps between them in seconds."""
    times = [peer.expect(segment, data=data, within=1).time]
    wait = FIRST_RTO
    for number in range(count):
        times.append(peer.expect(segment, data=data, within=wait, note=f"repetition {number + 1}").time)
        wait = max(FIRST_RTO, 2.5 * (times[-1] - times[-2]))
    return [later - earlier for earlier, later in zip(times, times[1:])]


def assert_doubling(gaps: list[float]) -> None:
    """RFC 6298 5.5: each time-out doubles the RTO, up to a maximum of 60 s or more (2.5). The first gap may be a
    partial tick."""
    for shorter, longer in zip(gaps[1:], gaps[2:]):
        assert min(1.6 * shorter, 59) <= longer <= 2.5 * shorter, f"the gaps {gaps} (seconds) do not double"


class LossyPeer:
    """A peer behind a network that loses every n-th segment, counted for each direction.

    It keeps no out-of-order data, acknowledges every segment that gets through, and sends its own data in pieces of
    100 octets, going back to the first unacknowledged one after a second without progress.
    """

    def __init__(self, lab: Any, sut: Any, peer: Any, *, seq: int, ack: int, drop_every: int) -> None:
        self.lab, self.sut, self.peer = lab, sut, peer
        self.una, self.expected = seq, ack
        self.drop_every = drop_every
        self.received = b""
        self.sent_to_sut = self.sent_by_sut = 0
        self.lost_to_sut = self.lost_from_sut = 0

    def exchange(self, to_sut: bytes, from_sut: bytes, limit: float) -> tuple[bytes, bytes]:
        """Carries both streams, for `limit` seconds at most; returns what the stack's user read and what the peer
        got."""
        first, end = self.una, add(self.una, len(to_sut))
        offered, read = 0, b""
        stop = self.lab.now + limit
        while len(read) < len(to_sut) or len(self.received) < len(from_sut) or self.una != end:
            if self.lab.now >= stop:
                break
            if offered < len(from_sut):
                offered += self.sut.send(from_sut[offered:])
            before = (self.una, len(self.received))
            self._take()
            read += self.sut.recv()
            if self.una != end:
                start = (self.una - first) % 2**32
                self._burst(to_sut[start : start + 1000])
                self._take()
            read += self.sut.recv()
            if before == (self.una, len(self.received)):
                self.lab.advance(1)
        return read, self.received

    def _burst(self, data: bytes) -> None:
        """Up to ten segments of 100 octets, from the first unacknowledged octet on."""
        start = self.una
        for offset in range(0, len(data), 100):
            piece = data[offset : offset + 100]
            self._to_sut(TCP(flags="PA", seq=add(start, offset), ack=self.expected, window=PEER_WINDOW), piece)

    def _take(self) -> None:
        """Everything that the stack has sent and the network has not lost; each data segment is acknowledged."""
        for segment in self.peer.drain():
            self.sent_by_sut += 1
            if self.sent_by_sut % self.drop_every == 0:
                self.lost_from_sut += 1
                continue
            if 0 < (segment.ack - self.una) % 2**32 < 2**31:
                self.una = segment.ack
            if segment.payload:
                known = (self.expected - segment.seq) % 2**32
                if known < len(segment.payload):  # a repetition may be packaged anew and bring new octets as well
                    self.received += segment.payload[known:]
                    self.expected = segment.end
                self._to_sut(TCP(flags="A", seq=self.una, ack=self.expected, window=PEER_WINDOW), b"")

    def _to_sut(self, segment: Any, data: bytes) -> None:
        self.sent_to_sut += 1
        if self.sent_to_sut % self.drop_every == 0:
            self.lost_to_sut += 1
        else:
            self.peer.send(segment, data=data)
