"""Proves that an adapter keeps its contract (conformance/sut/PROTOCOL.md, lastack_sut.h), whatever the stack behind it
does right or wrong.

Each check is a small function that yields findings; a check that an adapter's capabilities exclude says so.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from lastack import _core
from lastack.errors import AdapterBroken, CallError, Mismatch, Unavailable, Unsupported
from lastack.lab import Lab
from lastack.options import PEER_IP4, SUT_IP4
from lastack.sanity import sanity
from lastack.sut.carrier import STATES, Carrier, Configuration
from lastack.sut.command import CommandCarrier

_SYN, _ACK, _FIN = 2, 16, 1
_GARBAGE_PACKETS = 300


@dataclass(frozen=True)
class Finding:
    """One checked property: "ok", "fault", or "skip" when it cannot be asked; ``text`` explains."""

    verdict: Literal["ok", "fault", "skip"]
    what: str
    text: str = ""


def examine(carrier: Carrier) -> Iterator[Finding]:
    """All checks in order. When not even a handshake works, nothing after it is asked."""
    try:
        sanity(carrier)
    except Unavailable as error:
        yield Finding("fault", "a plain handshake", str(error))
        return
    yield Finding("ok", "a plain handshake")
    for check in _CHECKS:
        what = (check.__doc__ or "").splitlines()[0].rstrip(".")
        try:
            fault = check(carrier)
        except Unsupported as error:
            yield Finding("skip", what, str(error))
        except (Mismatch, CallError) as error:
            yield Finding("fault", what, str(error))
        except AdapterBroken as error:
            # The next check starts a fresh instance; a cmd: adapter a fresh process.
            yield Finding("fault", what, str(error))
        else:
            yield Finding("fault" if fault else "ok", what, fault)


def _data_and_close(carrier: Carrier) -> str:
    """Data both ways and an orderly close."""
    lab = Lab(carrier)
    sut, peer = lab.established()
    _send(lab, peer.port, _ACK | 8, 101, 301, b"ping")
    if (got := sut.recv()) != b"ping":
        return f"the peer sent b'ping', recv gives {got!r}"
    taken = sut.send(b"pong")
    if taken != 4:
        return f"send of 4 octets on an idle connection takes {taken}"
    lab.advance(min(1.0, lab.settings.max_wait))
    sent = b"".join(dict((segment.seq, segment.data) for segment in peer.drain() if segment.data).values())
    if sent != b"pong":
        return f"send took b'pong', the segments carry {sent!r}"
    _send(lab, peer.port, _ACK | _FIN, 105, 305)
    lab.advance(min(1.0, lab.settings.max_wait))
    if sut.recv() != b"" or not sut.eof:
        return "after the peer's FIN recv must answer no data and the end of stream"
    sut.close()
    lab.advance(min(1.0, lab.settings.max_wait))
    if not any(segment.bits & _FIN for segment in peer.drain()):
        return "close sends no FIN"
    return ""


def _unknown_operation(carrier: Carrier) -> str:
    """An unknown operation is answered unsupported."""
    carrier.create(Configuration())
    reply = carrier.app(0, "frobnicate-7f3a")
    return "" if reply.status == "unsupported" else f"it is answered {reply.status} {reply.text!r}"


def _unknown_verb(carrier: Carrier) -> str:
    """An unknown verb is answered unsupported or internal, and the adapter goes on."""
    if not isinstance(carrier, CommandCarrier):
        raise Unsupported("only the cmd: protocol has verbs as text")
    carrier.create(Configuration())
    try:
        reply = carrier.raw({"cmd": "frobnicate-7f3a", "t_us": 0})
    except AdapterBroken as error:
        if "it answers to" not in str(error):
            return str(error)
        return ""
    return "" if "unsupported" in reply else f"it is answered {reply}"


def _unknown_handle(carrier: Carrier) -> str:
    """A handle that does not exist is refused, not accepted."""
    carrier.create(Configuration())
    for op in ("recv", "shutdown", "close", "abort"):
        reply = carrier.app(0, op, conn=12345, cap=10)
        if reply.status == "ok":
            return f"{op} on handle 12345 is answered as done"
    return ""


def _garbage(carrier: Carrier) -> str:
    """Garbage packets are survived."""
    lab = Lab(carrier)
    lab.established()
    rng = random.Random(1)
    good = _core.build(
        src=PEER_IP4,
        dst=SUT_IP4,
        src_port=4000,
        dst_port=80,
        seq=101,
        ack=301,
        flags=_ACK,
        options=b"\x01\x01\x08\x0a" + bytes(8),
    )
    carrier.rx(lab.world.now_us, b"")
    for _ in range(_GARBAGE_PACKETS):
        packet = bytearray(good[: rng.randrange(1, len(good) + 1)])
        for _ in range(rng.randrange(1, 6)):
            packet[rng.randrange(len(packet))] = rng.randrange(256)
        carrier.rx(lab.world.now_us, bytes(packet))
    Lab(carrier).established()
    return ""


def _fresh_start(carrier: Carrier) -> str:
    """A new instance has forgotten the old one."""
    for _ in range(20):
        lab = Lab(carrier)
        sut, _ = lab.established()
        if lab.has("info") and sut.state != "ESTABLISHED":
            return "a second handshake on the same addresses does not end in ESTABLISHED"
    lab = Lab(carrier)
    peer = lab.peer()
    _send(lab, peer.port, _ACK, 101, 301)
    answers = peer.drain()
    if answers and not answers[0].bits & 4:
        return f"a connection of the instance before still answers: {answers[0].text}"
    return ""


def _script(carrier: Carrier) -> list[bytes]:
    lab = Lab(carrier, {"seed": 7})
    sut, _ = lab.established()
    sut.send(b"x" * 3000)
    lab.advance(30)
    sut.close()
    lab.advance(30)
    return [event.raw for event in lab.world.log if event.kind == "out"]


def _deterministic(carrier: Carrier) -> str:
    """The same input twice gives the same octets."""
    if not {"deterministic", "virtual-time"} <= carrier.hello.caps:
        raise Unsupported("the adapter does not claim to be deterministic")
    first, second = _script(carrier), _script(carrier)
    if first == second:
        return ""
    at = next((i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second)))
    return f"packet {at + 1} differs (of {len(first)} and {len(second)})"


def _next_is_honest(carrier: Carrier) -> str:
    """Nothing happens before the time that next() names, and tick at that time moves on."""
    if not carrier.virtual_time:
        raise Unsupported("the adapter runs on its own clock")
    lab = Lab(carrier)
    sut, _ = lab.established()
    sut.send(b"x" * 100)
    now = lab.world.now_us
    for timer in range(50):
        due = carrier.next_us
        if due is None:
            # After enough retransmissions a stack gives up (RFC 9293 3.8.3).
            return "100 octets are unacknowledged, yet no timer runs" if timer < 3 else ""
        if due > now + 1:
            early = carrier.tick(due - 1)
            if early:
                return f"next says {due} us, but a tick at {due - 1} us sends {len(early)} packets"
            if (again := carrier.next_us) != due:
                return f"next says {due} us; after a tick at {due - 1} us, when nothing was due, it says {again}"
        carrier.tick(due)
        if carrier.next_us is not None and carrier.next_us <= due:
            carrier.tick(due)
            if carrier.next_us is not None and carrier.next_us <= due:
                return f"after two ticks at {due} us next still says {carrier.next_us}"
        now = max(now, due)
    return ""


def _spurious_tick(carrier: Carrier) -> str:
    """A tick when nothing is due is harmless."""
    if not carrier.virtual_time:
        raise Unsupported("the adapter runs on its own clock")
    lab = Lab(carrier)
    sut, _ = lab.established()
    before = sut.state if lab.has("info") else ""
    for _ in range(10):
        if out := carrier.tick(lab.world.now_us):
            return f"it sends {len(out)} packets"
    return "" if not before or sut.state == before else f"the state goes from {before} to {sut.state}"


def _information(carrier: Carrier) -> str:
    """The information agrees with what is on the wire."""
    if "info" not in carrier.hello.caps:
        raise Unsupported("the adapter has no info")
    lab = Lab(carrier)
    sut, peer = lab.established()
    known = sut.information()
    if known.get("state") not in STATES:
        return f"state is {known.get('state')!r}"
    # established() has compared SND.NXT and RCV.NXT; here they move.
    _send(lab, peer.port, _ACK | 8, 101, 301, b"12345")
    after = sut.information()
    if after.get("rcv_nxt", 106) != 106:
        return f"5 octets were received at 101, but rcv_nxt is {after['rcv_nxt']}"
    if after.get("unread", 5) != 5:
        return f"5 octets wait to be read, but unread is {after['unread']}"
    if carrier.info(lab.world.now_us, 54321) is not None:
        return "info of handle 54321, which does not exist, is answered"
    return ""


def _seeded_iss(carrier: Carrier) -> str:
    """The ISS is the one that was set."""
    if "set-iss" not in carrier.hello.caps:
        raise Unsupported("the adapter has no set-iss: numbers are shifted")
    lab = Lab(carrier)
    lab.listen(iss=[4294967295, 5])
    for port, iss in ((4000, 4294967295), (4001, 5)):
        answer = lab.peer(port=port).handshake(iss=iss)
        if answer.seq != iss:
            return f"the ISS was set to {iss}, the SYN-ACK has {answer.seq}"
    return ""


def _ipv6(carrier: Carrier) -> str:
    """A handshake over IPv6."""
    lab = Lab(carrier, {"ipv6": True})
    lab.established()
    return ""


def _send(lab: Lab, port: int, flags: int, seq: int, ack: int, data: bytes = b"") -> None:
    peer = next(peer for peer in lab.peers if peer.port == port)
    packet = _core.build(
        src=peer.ip,
        dst=peer.sut_ip,
        src_port=port,
        dst_port=80,
        seq=seq,
        ack=ack,
        flags=flags,
        window=65535,
        payload=data,
    )
    peer.send(packet)


_CHECKS: tuple[Callable[[Carrier], str], ...] = (
    _data_and_close,
    _unknown_operation,
    _unknown_verb,
    _unknown_handle,
    _garbage,
    _fresh_start,
    _deterministic,
    _next_is_honest,
    _spurious_tick,
    _information,
    _seeded_iss,
    _ipv6,
)
