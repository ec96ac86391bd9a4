"""A peer with SACK whose segments and blocks are written by hand: what the scenarios of loss recovery share."""

from __future__ import annotations

from typing import Any

from lastack.scapy import TCP

MSS = 1000  # octets that the peer announces
RTT = 0.1  # seconds that every acknowledgment takes


class Sacking:
    """A connection with SACK: the stack's first octet is 301, a round trip takes 0.1 s, and nothing is lost by
    itself."""

    def __init__(self, lab: Any, *, window: int = 65535) -> None:
        lab.needs("sack")
        self.lab = lab
        self.sut, self.peer = lab.listen(port=80, iss=300), lab.peer(port=4000)
        options = [("MSS", MSS), ("NOP", None), ("NOP", None), ("SAckOK", b"")]
        self.peer.send(TCP(flags="S", seq=100, window=window, options=options))
        if self.peer.expect(TCP(flags="SA", seq=300, ack=101)).option("SAckOK") is None:
            lab.unsupported("the stack does not permit SACK")
        lab.advance(RTT)
        self.window = window
        self.ack(301)

    def ack(self, number: int, *blocks: tuple[int, int], data: bytes = b"", seq: int = 101) -> None:
        """Acknowledges up to `number` and reports the blocks."""
        edges = tuple(edge for block in blocks for edge in block)
        options = [("NOP", None), ("NOP", None), ("SAck", edges)] if edges else []
        self.peer.send(TCP(flags="A", seq=seq, ack=number, window=self.window, options=options), data=data)

    def sent(self, after: float = 0.01) -> list[tuple[int, int]]:
        """What the stack has sent within `after` seconds, as (number, octets)."""
        self.lab.advance(after)
        return [(segment.seq, len(segment.payload)) for segment in self.peer.drain() if segment.payload]

    def flight(self, segments: int) -> None:
        """So many segments are in flight, nothing is left to send, and a round trip has passed."""
        assert self.sut.send(bytes(segments * MSS), push=True) == segments * MSS
        flight = self.sent()
        if [number for number, _ in flight] != [301 + MSS * i for i in range(segments)]:
            self.lab.unsupported(f"this stack does not send {segments} segments of {MSS} octets at once")
        self.lab.advance(RTT - 0.01)
        early = self.peer.drain()
        if early:
            self.lab.unsupported("the stack repeats what has been silent for one round trip")
