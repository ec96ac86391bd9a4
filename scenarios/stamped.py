"""A scripted peer that negotiated timestamps (RFC 7323): each segment carries a TSval of the scenario's choice.

TSecr is the last TSval that the stack sent. The helper only uses the Lab; it asserts no more than that the option is
there, since section 3.2 demands it on every segment once it is negotiated.
"""

from __future__ import annotations

from typing import Any

from helpers import ACK_DELAY, PEER_ISS, PEER_WINDOW, SUT_ISS
from lastack.scapy import TCP


class Stamped:
    """One connection with timestamps, opened by the peer; ``echo`` is the last TSval of the stack."""

    def __init__(self, lab: Any, *, tsval: int, options: list[tuple[str, Any]] | None = None) -> None:
        lab.needs("timestamps")
        self.lab, self.tsval, self.window = lab, tsval, PEER_WINDOW
        self.sut, self.peer = lab.listen(port=80, iss=SUT_ISS), lab.peer(port=4000)
        wishes = [("MSS", 1460), ("Timestamp", (tsval, 0)), *(options or [])]
        self.peer.send(TCP(flags="S", seq=PEER_ISS, window=self.window, options=wishes))
        synack = self.peer.expect(TCP(flags="SA", seq=SUT_ISS, ack=PEER_ISS + 1))
        assert synack.option("Timestamp") is not None, "the stack does not answer the Timestamps option"
        assert synack.option("Timestamp")[1] == tsval
        self.echo = synack.option("Timestamp")[0]
        self.send("A", seq=PEER_ISS + 1, ack=SUT_ISS + 1)

    def send(
        self, flags: str, *, tsval: int | None = None, tsecr: int | None = None, data: bytes = b"", **fields: Any
    ) -> None:
        """A segment with the option; without `tsval` it repeats the last one, without `tsecr` it echoes the stack's
        last TSval."""
        self.tsval = self.tsval if tsval is None else tsval
        stamp = (self.tsval % 2**32, self.echo if tsecr is None else tsecr)
        self.peer.send(TCP(flags=flags, window=self.window, options=[("Timestamp", stamp)], **fields), data=data)

    def expect(self, layer: Any, *, tsecr: int | None = None, within: float | None = ACK_DELAY, **options: Any) -> Any:
        """The stack's next segment, with the option; `tsecr` is the echo it must carry."""
        segment = self.peer.expect(layer, within=within, **options)
        stamp = segment.option("Timestamp")
        assert stamp is not None, f"no Timestamps option on {segment.text} (RFC 7323 3.2)"
        self.echo = stamp[0]
        if tsecr is not None:
            echo = tsecr % 2**32
            assert stamp[1] == echo, f"TSecr {stamp[1]}, expected {echo} (RFC 7323 4.3) on {segment.text}"
        return segment

    def settled(self) -> list[Any]:
        """What the stack has sent once every delayed acknowledgment must be out."""
        self.lab.advance(ACK_DELAY)
        return list(self.peer.drain())
