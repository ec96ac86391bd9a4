"""Scenario numbers and wire numbers: a stack whose initial sequence number cannot be set still runs scenarios with
fixed ones.

For each connection the stack's own ISS is mapped onto the one that the scenario asked for; every sequence number of
the stack's space is shifted by the difference on its way. Checksums that were right stay right, wrong ones stay wrong.
"""

from __future__ import annotations

from collections import deque

from lastack import _core

_SYN, _RST, _ACK = 2, 4, 16
# Information fields that are numbers of the stack's own sequence space.
_OWN_NUMBERS = ("iss", "snd_una", "snd_nxt", "snd_wl2", "snd_up")

# (peer address, peer port, port of the stack)
Tuple = tuple[str, int, int]


class Rebase:
    """The shifts of one stack. A stack with ``set-iss`` needs none: then nothing is ever queued and nothing shifts."""

    def __init__(self) -> None:
        self._wanted: deque[int] = deque()
        self._shift: dict[Tuple, int] = {}
        self._wire_iss: dict[Tuple, int] = {}
        self.active = False

    def want(self, iss: int) -> None:
        """The next new connection's ISS in the scenario."""
        self.active = True
        self._wanted.append(iss)

    def shift(self, connection: Tuple) -> int:
        """Scenario number minus wire number, modulo 2**32."""
        return self._shift.get(connection, 0)

    def outgoing(self, packet: bytes) -> bytes:
        """A packet of the stack in scenario numbers; learns the ISS from its SYN."""
        if not self.active:
            return packet
        segment = _core.parse(packet)
        if isinstance(segment, str):
            return packet
        connection = (segment.dst, segment.dst_port, segment.src_port)
        if segment.flags & _SYN and self._wire_iss.get(connection) != segment.seq:
            self._wire_iss[connection] = segment.seq
            self._shift[connection] = (self._wanted.popleft() - segment.seq) % 2**32 if self._wanted else 0
        if segment.flags & _RST and segment.flags & _ACK and segment.seq == 0:
            return packet  # <SEQ=0><ACK=...><CTL=RST,ACK> (RFC 9293 3.5.2): the zero is no number of the stack's
        shift = self.shift(connection)
        return _core.rebase(packet, shift, 0) if shift else packet

    def incoming(self, packet: bytes) -> bytes:
        """A packet to the stack in its own numbers."""
        if not self.active:
            return packet
        segment = _core.parse(packet)
        if isinstance(segment, str):
            return self._icmp(packet)
        shift = self.shift((segment.src, segment.src_port, segment.dst_port))
        return _core.rebase(packet, 0, -shift % 2**32) if shift else packet

    def information(self, fields: dict[str, object], connection: Tuple | None) -> dict[str, object]:
        """The fields of ``info`` in scenario numbers."""
        shift = self.shift(connection) if connection else 0
        if not shift:
            return fields
        return {name: (int(value) + shift) % 2**32 if name in _OWN_NUMBERS else value for name, value in fields.items()}  # type: ignore[call-overload]

    def _icmp(self, packet: bytes) -> bytes:
        """An ICMP error quotes a segment of the stack: its sequence number has to be the stack's own (RFC 5927 4.1)."""
        if len(packet) < 20 or packet[0] >> 4 != 4 or packet[9] != 1:
            return packet
        icmp = (packet[0] & 15) * 4
        quoted = icmp + 8
        if len(packet) < quoted + 28 or packet[icmp] not in (3, 4, 11, 12) or packet[quoted] >> 4 != 4:
            return packet
        tcp = quoted + (packet[quoted] & 15) * 4
        if len(packet) < tcp + 8:
            return packet
        peer = ".".join(str(octet) for octet in packet[quoted + 16 : quoted + 20])
        ports = int.from_bytes(packet[tcp : tcp + 2], "big"), int.from_bytes(packet[tcp + 2 : tcp + 4], "big")
        shift = self.shift((peer, ports[1], ports[0]))
        if not shift:
            return packet
        seq = (int.from_bytes(packet[tcp + 4 : tcp + 8], "big") - shift) % 2**32
        body = (
            packet[icmp:tcp][:2]
            + b"\0\0"
            + packet[icmp + 4 : tcp]
            + packet[tcp : tcp + 4]
            + seq.to_bytes(4, "big")
            + packet[tcp + 8 :]
        )
        checksum = _core.internet_checksum(body).to_bytes(2, "big")
        return packet[:icmp] + body[:2] + checksum + body[4:]
