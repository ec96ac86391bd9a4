"""A small TCP of two ends in virtual time that can be told to do one thing wrong: the source of the rebuilt captures of RFC 2525 (rfc2525.py).

It is a generator of test material, neither the core nor the judge: plain slow start, congestion avoidance, fast retransmit without SACK, RFC 6298 timers, delayed
acknowledgements, window probes, keep-alives. A `flaw` is the name of the one rule that an end breaks; without one it behaves. Numbers of octets are
"places": 0 is the SYN, 1 the first octet of text.
"""

from __future__ import annotations

import heapq
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Records = list[tuple[int, bytes]]
SECOND = 1_000_000_000
_OCTET = 80e-9  # seconds on a link of 100 Mbit/s


@dataclass
class Segment:
    """What travels: places of the sender, and of the receiver in `ack`."""

    flags: str
    seq: int
    ack: int = 0
    wnd: int = 0
    text: bytes = b""
    mss: int = 0
    tsval: int | None = None
    tsecr: int = 0

    @property
    def length(self) -> int:
        """Sequence numbers taken."""
        return len(self.text) + ("S" in self.flags) + ("F" in self.flags)


@dataclass
class Net:
    """Clock, two directions of a path, a tap at each end and in the middle. Times are seconds, recorded in nanoseconds."""

    delay: float = 0.02  # one way
    family: int = 4
    now: float = 1_000_000.0
    taps: dict[str, Records] = field(default_factory=lambda: {"a": [], "b": [], "mid": []})
    cut: bool = False  # nothing arrives any more
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _count: int = 0
    _free: dict[str, float] = field(default_factory=lambda: {"a": 0.0, "b": 0.0})  # when an end's link is idle again

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Does something later."""
        self._count += 1
        heapq.heappush(self._events, (self.now + seconds, self._count, action))

    def run(self, until: float = 1e12) -> None:
        """Runs until nothing is left to do, or until so many seconds from now."""
        end = self.now + until
        while self._events and self._events[0][0] <= end:
            self.now, _, action = heapq.heappop(self._events)
            action()
        self.now = end if until < 1e12 else self.now

    def _tap(self, name: str, packet: bytes) -> None:
        self.taps[name].append((round(self.now * SECOND), packet))

    def recorded(self, tap: str) -> Records:
        """What a tap saw, in order of time."""
        return sorted(self.taps[tap], key=lambda record: record[0])

    def carry(self, sender: End, segment: Segment) -> None:
        """From one end to the other, past three taps, unless this segment is to be lost."""
        packet = sender.encode(segment)
        receiver = sender.peer
        depart = max(self.now, self._free[sender.name])
        self._free[sender.name] = depart + len(packet) * _OCTET
        wait = depart - self.now
        self.after(wait, lambda: self._tap(sender.name, packet))
        if sender.loses(segment):
            return

        def arrive() -> None:
            if not self.cut:
                self._tap(receiver.name, packet)
                receiver.receive(segment)

        self.after(wait + self.delay / 2, lambda: self._tap("mid", packet))
        self.after(wait + self.delay, arrive)


def _sum(data: bytes) -> int:
    total = sum(struct.unpack(f">{len(data) // 2}H", data)) if len(data) % 2 == 0 else _sum(data + b"\0")
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@dataclass
class End:
    """One endpoint. `flaw` names what it does wrong; the rest are its legal choices."""

    net: Net
    name: str  # "a" (192.0.2.1, opens) or "b"
    flaw: str = ""
    iss: int = 1000
    mss: int = 1460  # announced, 0: no option
    buffer: int = 60_000
    timestamps: bool = False
    ip_options: int = 0  # octets
    initial_window: int = 2  # segments
    ssthresh: float = 1e9
    minimum_rto: float = 1.0
    ack_delay: float = 0.2
    ack_every: int = 2
    keep_alive: tuple[float, float, int] = (0.0, 75.0, 9)  # idle time (0: off), interval, probes
    lose: set[int] = field(default_factory=set)  # the n-th segments with new text, from 1
    reading: bool = True

    def __post_init__(self) -> None:
        self.peer: End = self
        self.port = 40_000 if self.name == "a" else 80
        self.state = "CLOSED"
        self.deaf = False  # the host is gone
        self.muted = False  # all that it sends is lost behind its own tap
        self.una = self.nxt = self.top = 0
        self.wnd = 0
        self.stream = bytearray()
        self.closing = self.fin_sent = self.gone = False
        self.send_mss = 536
        self.cwnd = 0.0
        self.duplicates = 0
        self.recover = -1
        self.rto, self.srtt, self.rttvar = 1.0, 0.0, 0.0
        self.timed: tuple[int, float] | None = None
        self.retries = 0
        self.timer = self.timer_count = self.ack_timer = self.persist = self.idle = 0
        self.rcv_nxt = 0
        self.unread = 0
        self.edge = 0
        self.held: dict[int, bytes] = {}
        self.unacked = 0
        self.recent = 0
        self.ip_id = self.iss & 0xFFF
        self.new_segments = 0
        self.probing = self.lost_sync = False

    # What is on the wire.

    def encode(self, s: Segment) -> bytes:
        """The IP packet of a segment, checksums right."""
        options = b""
        if s.mss:
            options += struct.pack(">BBH", 2, 4, s.mss)
        if s.tsval is not None:
            options += struct.pack(">BBBBII", 1, 1, 8, 10, s.tsval & 0xFFFFFFFF, s.tsecr & 0xFFFFFFFF)
        flags = sum({"F": 1, "S": 2, "R": 4, "P": 8, "A": 16}[f] for f in s.flags)
        ack = (self.peer.iss + s.ack) & 0xFFFFFFFF if "A" in s.flags else 0
        seq = (self.iss + s.seq) & 0xFFFFFFFF
        size = 20 + len(options)
        tcp = (
            struct.pack(">HHIIBBHHH", self.port, self.peer.port, seq, ack, size * 4, flags, s.wnd, 0, 0)
            + options
            + s.text
        )
        addresses = (["192.0.2.1", "192.0.2.2"], ["2001:db8::1", "2001:db8::2"])[self.net.family == 6]
        family = socket.AF_INET if self.net.family == 4 else socket.AF_INET6
        here, there = (socket.inet_pton(family, x) for x in (addresses if self.name == "a" else addresses[::-1]))
        check = 0xFFFF - _sum(here + there + struct.pack(">HH", 6, len(tcp)) + tcp)
        tcp = tcp[:16] + struct.pack(">H", check) + tcp[18:]
        if self.net.family == 6:
            return struct.pack(">IHBB", 6 << 28, len(tcp), 6, 64) + here + there + tcp
        self.ip_id = (self.ip_id + 1) & 0xFFFF
        words = 5 + self.ip_options // 4
        header = struct.pack(">BBHHHBBH", 0x40 + words, 0, words * 4 + len(tcp), self.ip_id, 0x4000, 64, 6, 0)
        header += here + there + b"\1" * self.ip_options
        return header[:10] + struct.pack(">H", 0xFFFF - _sum(header)) + header[12:] + tcp

    def loses(self, s: Segment) -> bool:
        """Whether the path loses this one."""
        if not s.text or s.seq + len(s.text) <= self.top:
            return self.muted
        self.new_segments += 1
        return self.muted or self.new_segments in self.lose

    def emit(self, flags: str, seq: int, text: bytes = b"", wnd: int | None = None) -> None:
        """Sends one segment with whatever goes with it."""
        first = "S" in flags
        tsval = round(self.net.now * 1000) + self.iss if self.timestamps and (first or self.peer.timestamps) else None
        window = self.window() if wnd is None else wnd
        if "A" in flags:
            self.edge = max(self.edge, self.rcv_nxt + window)
            self.unacked, self.ack_timer = 0, self.ack_timer + 1
        mss = self.mss if first else 0
        echo = self.recent if "A" in flags else 0
        segment = Segment(flags, seq, self.rcv_nxt if "A" in flags else 0, window, text, mss, tsval, echo)
        self.net.carry(self, segment)
        self.top = max(self.top, seq + segment.length)

    def acknowledge(self) -> None:
        """<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>"""
        self.emit("A", self.top)

    def window(self) -> int:
        """RCV.WND, without silly windows and without moving the right edge back."""
        room = max(0, self.buffer - self.unread)
        grown = self.rcv_nxt + room - self.edge
        if grown < min(self.buffer // 2, self.mss or 536):
            return max(0, self.edge - self.rcv_nxt)
        return room

    # User calls.

    def connect(self) -> None:
        """OPEN, active."""
        self.state = "SYN-SENT"
        self.emit("S", 0)
        self.nxt = 1

    def send(self, text: bytes) -> None:
        """SEND."""
        self.stream += text
        self.output()

    def close(self) -> None:
        """CLOSE; reading goes on."""
        self.closing = True
        self.output()

    def leave(self) -> None:
        """The application ends: nothing can be read any more (RFC 9293 3.6.1)."""
        self.gone = True
        if self.unread and self.flaw != "close with data pending":
            self.emit("RA", self.nxt, wnd=0)
            self.state = "CLOSED"
            return
        self.close()

    def read(self, octets: int) -> None:
        """RECEIVE; tells the peer when the window has grown enough."""
        self.unread = max(0, self.unread - octets)
        if (
            self.state != "CLOSED"
            and self.window() > self.edge - self.rcv_nxt
            and self.edge - self.rcv_nxt < 2 * self.mss
        ):
            self.acknowledge()

    # The sender.

    def payload_limit(self) -> int:
        """Largest text of a segment (RFC 9293 3.7.1)."""
        if self.flaw == "options not counted":
            return self.send_mss
        return self.send_mss - self.ip_options - (12 if self.timestamps and self.peer.timestamps else 0)

    def text_at(self, place: int, size: int) -> bytes:
        """Octets of the stream."""
        return bytes(self.stream[place - 1 : place - 1 + size])

    def output(self) -> None:
        """Sends what the windows allow."""
        if self.state not in ("ESTABLISHED", "CLOSE-WAIT"):
            return
        end = 1 + len(self.stream)
        while self.nxt < end:
            room = self.una + min(int(self.cwnd), self.wnd) - self.nxt
            size = min(self.payload_limit(), end - self.nxt, room)
            if size <= 0 or (size < min(self.payload_limit(), end - self.nxt) and self.nxt > self.una):
                break
            fin = self.closing and self.nxt + size == end and self.flaw != "late FIN"
            if self.timed is None and self.nxt >= self.top:
                self.timed = (self.nxt + size, self.net.now)
            self.emit("PFA" if fin else "PA" if self.nxt + size == end else "A", self.nxt, self.text_at(self.nxt, size))
            self.nxt += size + fin
            self.fin_sent = self.fin_sent or fin
            self.arm()
        waits = self.flaw == "late FIN" and self.una < end
        if self.closing and not self.fin_sent and self.nxt == end and not waits:
            self.emit("FA", self.nxt)
            self.nxt += 1
            self.fin_sent = True
            self.arm()
        if self.nxt < end and self.nxt == self.una and self.wnd == 0 and not self.probing:
            self.probing = True
            self.probe_later(self.rto)

    def arm(self, restart: bool = False) -> None:
        """Starts the retransmission timer unless it runs."""
        if self.timer and not restart:
            return
        self.timer_count += 1
        self.timer = token = self.timer_count
        self.net.after(self.rto, lambda: self.expire(token))

    def expire(self, token: int) -> None:
        """The retransmission timer."""
        if token != self.timer or self.state == "CLOSED":
            return
        self.timer = 0
        if self.una >= self.top:
            return
        self.retries += 1
        if self.retries > 12:
            self.emit("RA", self.nxt, wnd=0)
            self.state = "CLOSED"
            return
        flight = self.top - self.una
        self.ssthresh = max(flight / 2, 2 * self.payload_limit())
        if self.flaw != "no slow start after time-out":
            self.cwnd = float(self.payload_limit())
        if self.flaw != "no back-off":
            self.rto = min(self.rto * 2, 64.0)
        self.timed, self.duplicates, self.recover = None, 0, -1
        self.again()
        if self.flaw != "no slow start after time-out" and self.una + self.payload_limit() < self.nxt:
            self.nxt = self.una + min(self.payload_limit(), self.nxt - self.una)
        self.arm(restart=True)

    def again(self) -> None:
        """Sends the segment at SND.UNA again."""
        end = 1 + len(self.stream)
        size = min(self.payload_limit(), end - self.una, max(self.top - self.una, 0))
        fin = self.fin_sent and self.una + size == end
        text = self.text_at(self.una, size)
        if self.flaw == "other octets":
            text = self.text_at(self.una + 1, max(0, size - 1)) + b"?" * (size > 0)
        if self.una + size > self.nxt:
            self.nxt = self.una + size + fin
        self.emit("PFA" if fin and text else "FA" if fin else "A", self.una, text)
        if self.flaw == "two segments" and self.una + size + 12 < self.top:
            self.emit("A", self.una + size, self.text_at(self.una + size, 12))

    def acknowledged(self, s: Segment) -> None:
        """RFC 9293 3.10.7.4 fifth, RFC 5681, RFC 6298."""
        old_window, self.wnd = self.wnd, s.wnd
        if s.ack > self.una:
            self.news(s)
        elif s.ack == self.una and not s.text and "F" not in s.flags and s.wnd == old_window and self.una < self.nxt:
            self.duplicates += 1
            if self.duplicates == 3 and self.una > self.recover:
                self.recover = self.nxt
                self.ssthresh = max((self.nxt - self.una) / 2, 2 * self.payload_limit())
                self.cwnd = self.ssthresh + 3 * self.payload_limit()
                self.timed = None
                self.again()
            elif self.duplicates > 3:
                self.cwnd += self.payload_limit()
        if self.wnd:
            self.persist += 1
            self.probing = False
        self.output()

    def news(self, s: Segment) -> None:
        """An ACK of new octets."""
        size = self.payload_limit()
        if self.timed and s.ack >= self.timed[0]:
            self.measure(self.net.now - self.timed[1])
            self.timed = None
        self.retries = 0
        if self.duplicates >= 3 and self.recover >= 0:
            if self.flaw != "window not deflated":
                self.cwnd = self.ssthresh
        elif self.cwnd < self.ssthresh:
            self.cwnd += size
        else:
            self.cwnd += size * size / self.cwnd + (size / 8 if self.flaw == "extra constant" else 0)
        self.duplicates = 0
        self.una = s.ack
        self.nxt = max(self.nxt, s.ack)
        self.timer = 0
        if self.una < self.top:
            self.arm(restart=True)

    def measure(self, rtt: float) -> None:
        """RFC 6298 2."""
        if self.flaw == "low initial RTO" and self.srtt == 0.0:
            return
        if self.srtt == 0.0:
            self.srtt, self.rttvar = rtt, rtt / 2
        else:
            self.rttvar += (abs(self.srtt - rtt) - self.rttvar) / 4
            self.srtt += (rtt - self.srtt) / 8
        self.rto = max(self.minimum_rto, self.srtt + 4 * self.rttvar)

    def probe_later(self, wait: float) -> None:
        """Probes a shut window, less and less often."""
        self.persist += 1
        token = self.persist

        def probe() -> None:
            if token != self.persist or self.wnd or self.state == "CLOSED":
                return
            top = self.top  # the octet is refused, as a rule: SND.NXT does not count it
            self.emit("A", self.nxt, self.text_at(self.nxt, 1))
            self.top = top
            self.probe_later(min(wait * 2, 60.0))

        self.net.after(wait, probe)

    def keep_alive_later(self, wait: float, count: int = 0) -> None:
        """Probes an idle peer."""
        self.idle += 1
        token = self.idle
        _, interval, probes = self.keep_alive

        def probe() -> None:
            if token != self.idle or self.state == "CLOSED":
                return
            if count == probes:
                self.emit("RA", self.nxt, wnd=0)
                self.state = "CLOSED"
                return
            self.emit("A", self.nxt - 1)
            self.keep_alive_later(interval, count + 1)

        self.net.after(wait, probe)

    # The receiver.

    def receive(self, s: Segment) -> None:
        """SEGMENT ARRIVES, as far as two ends that mean well need it."""
        if self.deaf or self.state == "CLOSED" and "S" not in s.flags:
            if self.state == "CLOSED" and not self.deaf and "R" not in s.flags:
                self.net.carry(self, Segment("R", s.ack))
            return
        if "R" in s.flags:
            self.state = "CLOSED"
            return
        if s.tsval is not None and s.seq <= self.rcv_nxt:
            self.recent = s.tsval
        if "S" in s.flags:
            self.opened(s)
            return
        if self.keep_alive[0]:
            self.keep_alive_later(self.keep_alive[0])
        if self.state == "SYN-RECEIVED":
            self.established()
        if self.lost_sync and s.ack > self.una:
            self.acknowledge()  # takes what is acceptable for unacceptable
            return
        self.acknowledged(s)
        if s.length:
            self.text(s)
        elif s.seq < self.rcv_nxt:
            self.acknowledge()

    def opened(self, s: Segment) -> None:
        """SYN or SYN-ACK."""
        self.send_mss = s.mss or 536
        self.rcv_nxt = 1
        self.wnd = s.wnd
        if self.state == "SYN-SENT":
            self.una = 1
            self.established()
            self.acknowledge()
            self.output()
        else:
            self.state = "SYN-RECEIVED"
            self.nxt = 1
            self.emit("SA", 0)

    def established(self) -> None:
        """The window of the beginning; the RTT of the handshake is the first measurement."""
        self.state = "ESTABLISHED"
        self.una = 1
        self.cwnd = float(self.initial_window * self.payload_limit())
        if self.flaw == "no slow start" or (self.flaw == "no MSS, no window" and not self.peer.mss):
            self.cwnd = 1e9
        self.measure(2 * self.net.delay)
        if self.flaw == "low initial RTO":
            self.rto = 0.2
        if self.keep_alive[0]:
            self.keep_alive_later(self.keep_alive[0])

    def text(self, s: Segment) -> None:
        """Seventh and eighth: text and FIN."""
        if self.gone and s.text and self.flaw not in ("half-duplex close", "close with data pending"):
            self.net.carry(self, Segment("R", s.ack))
            self.state = "CLOSED"
            return
        fits = s.seq <= self.rcv_nxt and (len(s.text) <= self.buffer - self.unread or s.seq + s.length <= self.rcv_nxt)
        if s.seq + s.length <= self.rcv_nxt or not (fits or s.seq > self.rcv_nxt):
            self.acknowledge()
            return
        if s.seq > self.rcv_nxt:
            if self.flaw != "above-sequence data":
                self.held[s.seq] = s.text + (b"F" if "F" in s.flags else b"")
                self.acknowledge()
            return
        if self.flaw == "probe deadlock" and s.seq + len(s.text) > self.edge:
            self.lost_sync = True
        hole = bool(self.held)
        self.take(s.seq, s.text, "F" in s.flags)
        while self.rcv_nxt in self.held:
            self.take(self.rcv_nxt, self.held.pop(self.rcv_nxt), False)
        self.unacked += 1
        every = 3 if self.flaw == "stretch ACK" else self.ack_every
        if hole or "F" in s.flags or self.unacked >= every or self.edge - self.rcv_nxt <= 0:
            self.acknowledge()
        else:
            self.ack_timer += 1
            token = self.ack_timer
            self.net.after(self.ack_delay, lambda: self.acknowledge() if token == self.ack_timer else None)

    def take(self, seq: int, text: bytes, fin: bool) -> None:
        """In order: to the application, or into the buffer."""
        new = text[self.rcv_nxt - seq :]
        self.rcv_nxt += len(new) + fin
        if not self.reading or self.gone:
            self.unread += len(new)
        if fin and self.state == "ESTABLISHED":
            self.state = "CLOSE-WAIT"


def pair(net: Net, a: dict[str, Any], b: dict[str, Any]) -> tuple[End, End]:
    """Two ends that know each other, their choices by name."""
    one, two = End(net, "a", **a), End(net, "b", **b)
    one.peer, two.peer = two, one
    return one, two
