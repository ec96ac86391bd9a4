"""What the Linux kernel knows of one TCP connection, in the variables of RFC 9293.

Three sources, all of them the kernel's own word: TCP_INFO and the queue ioctls of a socket that we hold, TCP_REPAIR for its sequence
numbers, and sock_diag for what has no socket (not accepted, TIME-WAIT, closed by the application). For those the sequence
numbers come from the last segments that the kernel itself sent, where the state makes them certain.
"""

from __future__ import annotations

import fcntl
import socket
import struct
from dataclasses import dataclass, field

from linux_netlink import STATES, Diagnosis

Info = dict[str, object]
TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ, TCP_REPAIR_WINDOW = 19, 20, 21, 29
REPAIR_ON, REPAIR_OFF = 1, -1  # -1: off, without the window probe that 0 would send
RECV_QUEUE, SEND_QUEUE = 1, 2
SIOCINQ, SIOCOUTQ, SIOCOUTQNSD = 0x541B, 0x5411, 0x894B
TIMERS = {1: "retransmit", 3: "time-wait", 4: "persist"}
_MASK = 0xFFFFFFFF
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10


@dataclass
class Sent:
    """What the kernel's segments of one connection have said so far: its ISS, its highest SEQ, its last ACK and window."""

    iss: int
    end: int
    ack: int | None = None
    window: int = 0

    def note(self, seq: int, length: int, ack: int | None, window: int) -> None:
        """One more segment."""
        if 0 < ((seq + length - self.end) & _MASK) < 1 << 31:
            self.end = (seq + length) & _MASK
        if ack is not None:
            self.ack, self.window = ack, window


@dataclass(frozen=True)
class Segment:
    """The fields of a TCP segment that the adapter looks at."""

    local_port: int
    remote: tuple[str, int]
    flags: int
    seq: int
    ack: int
    window: int
    length: int  # with SYN and FIN


def parse(packet: bytes, arriving: bool = False) -> Segment | None:
    """A TCP segment that the kernel sent, or one that arrives; None when the packet is nothing of the kind, or a later fragment."""
    version = packet[0] >> 4 if packet else 0
    if len(packet) < 40:
        return None
    if version == 6:
        next_header, header, family, size = packet[6], 40, socket.AF_INET6, 16
        end, addresses = 40 + int.from_bytes(packet[4:6], "big"), 8
    else:
        next_header, header, family, size = packet[9], (packet[0] & 15) * 4, socket.AF_INET, 4
        end, addresses = int.from_bytes(packet[2:4], "big"), 12
        if version != 4 or int.from_bytes(packet[6:8], "big") & 0x1FFF:
            return None
    if next_header != socket.IPPROTO_TCP or len(packet) < header + 20:
        return None
    source, destination, seq, ack, offset, flags, window = struct.unpack_from("!HHIIBBH", packet, header)
    length = end - header - (offset >> 4) * 4 + bool(flags & SYN) + bool(flags & FIN)
    start = addresses if arriving else addresses + size
    local, remote = (destination, source) if arriving else (source, destination)
    return Segment(
        local, (socket.inet_ntop(family, packet[start : start + size]), remote), flags, seq, ack, window, length
    )


@dataclass
class Connection:
    """A handle: a listener (``listeners`` not empty) or a connection with or without a socket of ours."""

    number: int
    local_port: int
    remote: tuple[str, int] = ("", 0)
    listeners: list[socket.socket] = field(default_factory=list)
    socket: socket.socket | None = None
    ready: list[Connection] = field(
        default_factory=list
    )  # of a listener: taken from the kernel before the user's ACCEPT
    closed: bool = False  # the user said CLOSE or ABORT
    was_connected: bool = False
    urgent: bool = False  # the kernel has told of urgent data, the user does not know yet
    reason: str = ""
    told: set[str] = field(default_factory=set)  # events that the user knows of
    told_unread: int = 0


def state_of(connection: Connection, diagnosis: Diagnosis | None) -> str:
    """The state of a connection; a socket that says CLOSED may have left a TIME-WAIT entry behind."""
    if connection.listeners:
        return "CLOSED" if connection.closed else "LISTEN"
    if connection.socket is not None:
        raw = connection.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
        state = STATES.get(raw[0], "CLOSED")
        if state != "CLOSED":
            return state
    return diagnosis.state if diagnosis is not None else "CLOSED"


def info_of_socket(sock: socket.socket) -> Info:
    """The variables of a connection whose socket we hold."""
    raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256).ljust(256, b"\0")
    state = STATES.get(raw[0], "CLOSED")
    options, scales = raw[5], raw[6]
    word = struct.unpack_from("=64I", raw)
    info: Info = {"state": state}
    if state in ("CLOSED", "LISTEN"):
        return info
    scaled = bool(options & 4)
    info.update(mss=word[4], rto_us=word[2], srtt_us=word[17], cwnd=word[20] * word[4])
    if word[19] * word[4] < 1 << 31:  # else: no threshold yet
        info["ssthresh"] = word[19] * word[4]
    info.update(timestamps=bool(options & 1), sack=bool(options & 2), ecn=bool(options & 8))
    info.update(snd_scale=scales & 15 if scaled else 0, rcv_scale=scales >> 4 if scaled else 0)
    info.update(_sequence_numbers(sock, state))
    info["unread"] = unread_octets(sock)
    return info


def _sequence_numbers(sock: socket.socket, state: str) -> Info:
    """SND.UNA, SND.NXT, RCV.NXT and the windows. TCP_REPAIR shows them; it is left at once and changes nothing on the wire."""
    tcp = socket.IPPROTO_TCP
    try:
        sock.setsockopt(tcp, TCP_REPAIR, REPAIR_ON)
    except OSError:  # no CAP_NET_ADMIN, or no such state: then they stay unknown
        return {}
    try:
        sock.setsockopt(tcp, TCP_REPAIR_QUEUE, SEND_QUEUE)
        write_seq = sock.getsockopt(tcp, TCP_QUEUE_SEQ) & _MASK
        sock.setsockopt(tcp, TCP_REPAIR_QUEUE, RECV_QUEUE)
        rcv_nxt = sock.getsockopt(tcp, TCP_QUEUE_SEQ) & _MASK
        snd_wl1, snd_wnd, _, rcv_wnd, rcv_wup = struct.unpack("=5I", sock.getsockopt(tcp, TCP_REPAIR_WINDOW, 20))
    finally:
        sock.setsockopt(tcp, TCP_REPAIR, REPAIR_OFF)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # leaving repair clears it
    if state in ("SYN-SENT", "SYN-RECEIVED"):  # the queue ioctls count nothing yet; only the SYN is out
        iss = (write_seq - 1) & _MASK
        received: Info = {"rcv_nxt": rcv_nxt, "snd_wnd": snd_wnd, "rcv_wnd": rcv_wnd} if state == "SYN-RECEIVED" else {}
        return {"iss": iss, "snd_una": iss, "snd_nxt": write_seq, **received}
    unsent = _ioctl(sock, SIOCOUTQNSD)
    fin = 1 if state in ("FIN-WAIT-1", "CLOSING", "LAST-ACK") and unsent else 0
    return {
        "snd_una": (write_seq - _ioctl(sock, SIOCOUTQ)) & _MASK,
        "snd_nxt": (write_seq - unsent) & _MASK,
        "unsent": unsent - fin,
        "snd_wnd": snd_wnd,
        "snd_wl1": snd_wl1,
        "rcv_nxt": rcv_nxt,
        "rcv_wnd": max(0, rcv_wnd - ((rcv_nxt - rcv_wup) & _MASK)),
    }


def unread_octets(sock: socket.socket) -> int:
    """What RECV would return."""
    return _ioctl(sock, SIOCINQ)


def _ioctl(sock: socket.socket, request: int) -> int:
    (value,) = struct.unpack("=i", fcntl.ioctl(sock, request, b"\0" * 4))
    return int(value)


def info_of_diagnosis(diagnosis: Diagnosis, sent: Sent | None) -> Info:
    """The variables of a connection without a socket."""
    info: Info = {"state": diagnosis.state}
    if sent is None:
        return info
    if diagnosis.state == "SYN-RECEIVED" and sent.ack is not None:
        info.update(
            snd_una=sent.iss, snd_nxt=sent.end, rcv_nxt=sent.ack, irs=(sent.ack - 1) & _MASK, rcv_wnd=sent.window
        )
    elif diagnosis.state == "TIME-WAIT" and sent.ack is not None:
        # Entering TIME-WAIT the kernel has acknowledged the peer's FIN, and the peer ours.
        info.update(snd_una=sent.end, snd_nxt=sent.end, rcv_nxt=sent.ack)
    elif diagnosis.state == "FIN-WAIT-2":
        info.update(snd_una=sent.end, snd_nxt=sent.end)
    return info


def timers_of(diagnosis: Diagnosis, now_us: int) -> Info:
    """The timers that sock_diag shows: at most one runs at a time."""
    timers: Info = {name: None for name in TIMERS.values()}
    if diagnosis.timer in TIMERS:
        timers[TIMERS[diagnosis.timer]] = now_us + diagnosis.expires_ms * 1000
    elif diagnosis.timer == 2:
        timers["keepalive"] = now_us + diagnosis.expires_ms * 1000
    return timers
