"""What the scenarios of several RFC sections share: bringing the stack under test into a state with known numbers.

Everywhere the stack under test starts at ISS 300 and the peer at 100, unless a scenario says otherwise. The helpers
only use the Lab; they check every segment on the way, so a scenario that starts from `enter` starts from proven
ground.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from lastack import CallError
from lastack.scapy import TCP

SUT_ISS = 300
PEER_ISS = 100
ACK_DELAY = 0.5  # seconds an acknowledgment may be postponed (RFC 9293 3.8.6.3 MUST-40)
FIRST_RTO = 3.0  # seconds within which every stack repeats a segment for the first time (RFC 6298 2.1, 5.7)
PEER_WINDOW = 65535  # octets

SYNCHRONIZED = ["ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT"]
AFTER_SYN = ["SYN-RECEIVED", *SYNCHRONIZED]
RECEIVES_TEXT = ["ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2"]


def add(number: int, octets: int) -> int:
    """`number + octets` in sequence space (modulo 2^32)."""
    return (number + octets) % 2**32


@dataclass
class Place:
    """A connection in a known state: its two ends and the variables of the stack under test, as the segments proved
    them."""

    lab: Any
    sut: Any
    peer: Any
    state: str
    una: int  # SND.UNA
    nxt: int  # SND.NXT
    rcv: int  # RCV.NXT
    wnd: int  # RCV.WND as it was announced last, octets

    def send(
        self,
        flags: str = "A",
        *,
        seq: int | None = None,
        ack: int | None = None,
        data: bytes = b"",
        note: str = "",
        **fields: Any,
    ) -> None:
        """The peer sends a segment; without other numbers the one the stack under test expects next."""
        if ack is None and "A" in flags:
            ack = self.nxt
        if ack is not None:
            fields["ack"] = ack % 2**32
        fields.setdefault("window", PEER_WINDOW)
        self.peer.send(TCP(flags=flags, seq=(self.rcv if seq is None else seq) % 2**32, **fields), data=data, note=note)

    def expect_ack(self, ack: int | None = None, *, within: float | None = None, note: str = "") -> Any:
        """<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> without data."""
        number = self.rcv if ack is None else ack
        return self.peer.expect(TCP(flags="A", seq=self.nxt, ack=number % 2**32), data=b"", within=within, note=note)

    def read(self, octets: int) -> bytes:
        """The user reads; a window update (3.8.6.2.2) that this causes is legal and is taken from the queue."""
        data: bytes = self.sut.read_exactly(octets)
        for update in self.peer.drain():
            assert (update.flags, update.ack, update.payload) == ("A", self.sut.rcv.nxt, b"")
        return data

    def unchanged(self) -> None:
        """The state and the three variables are still those of this place."""
        assert self.sut.state == self.state
        if self.state != "TIME-WAIT":  # many stacks keep only a stub of the connection then
            assert (self.sut.snd.una, self.sut.snd.nxt, self.sut.rcv.nxt) == (self.una, self.nxt, self.rcv)


def enter(
    lab: Any,
    state: str,
    *,
    role: str = "passive",
    sut_iss: int = SUT_ISS,
    peer_iss: int = PEER_ISS,
    window: int = PEER_WINDOW,
    mss: int = 1460,
) -> Place:
    """Bring the stack under test into `state`, opened by `role`, every segment on the way checked.

    SND.NXT is ISS+1, and ISS+2 once the FIN is out; RCV.NXT is the peer's ISN+1, and one more after its FIN.
    """
    place = _open(lab, state, role, sut_iss, peer_iss, window, mss)
    for step in _WAY[state]:
        step(place)
    place.state = state
    assert place.sut.state == state
    return place


def established(lab: Any, **options: Any) -> Place:
    """A connection in ESTABLISHED; the options are those of `enter`."""
    return enter(lab, "ESTABLISHED", **options)


def _open(lab: Any, state: str, role: str, sut_iss: int, peer_iss: int, window: int, mss: int) -> Place:
    peer = lab.peer(port=4000, to=80)
    options = [("MSS", mss)]
    if role == "passive":
        sut = lab.listen(port=80, iss=sut_iss)
        peer.send(TCP(flags="S", seq=peer_iss, window=window, options=options))
        got = peer.expect(TCP(flags="SA", seq=sut_iss, ack=add(peer_iss, 1)))
    elif state == "SYN-RECEIVED":
        lab.needs("simultaneous-open")
        sut = lab.connect(peer, iss=sut_iss)
        peer.expect(TCP(flags="S", seq=sut_iss))
        peer.send(TCP(flags="S", seq=peer_iss, window=window, options=options))
        got = peer.expect(TCP(flags="SA", seq=sut_iss, ack=add(peer_iss, 1)))
    else:
        sut = lab.connect(peer, iss=sut_iss)
        got = peer.expect(TCP(flags="S", seq=sut_iss))
        peer.send(TCP(flags="SA", seq=peer_iss, ack=add(sut_iss, 1), window=window, options=options))
    place = Place(lab, sut, peer, state, sut_iss, add(sut_iss, 1), add(peer_iss, 1), got.window)
    if state != "SYN-RECEIVED":
        _complete(place, role, window)
    return place


def _complete(place: Place, role: str, window: int) -> None:
    if role == "passive":
        place.send("A", window=window)
    else:
        place.wnd = place.expect_ack().window
    place.una = place.nxt
    assert place.sut.state == "ESTABLISHED"


def _close(place: Place) -> None:
    place.sut.shutdown()
    place.peer.expect(TCP(flags="FA", seq=place.nxt, ack=place.rcv), data=b"")
    place.nxt = add(place.nxt, 1)


def _fin_is_acknowledged(place: Place) -> None:
    place.send("A")
    place.una = place.nxt


def _peer_closes(place: Place) -> None:
    place.send("FA", ack=place.una)
    place.rcv = add(place.rcv, 1)
    place.wnd = place.expect_ack(within=ACK_DELAY).window


_WAY: dict[str, list[Any]] = {
    "SYN-RECEIVED": [],
    "ESTABLISHED": [],
    "FIN-WAIT-1": [_close],
    "FIN-WAIT-2": [_close, _fin_is_acknowledged],
    "CLOSE-WAIT": [_peer_closes],
    "CLOSING": [_close, _peer_closes],
    "LAST-ACK": [_peer_closes, _close],
    "TIME-WAIT": [_close, _fin_is_acknowledged, _peer_closes],
}


def expect_reset(peer: Any, seq: int, *, within: float | None = None, note: str = "") -> Any:
    """<SEQ=seq><CTL=RST>. Many stacks add an ACK, which changes nothing; that it is not in the RFC's form is shown
    elsewhere."""
    return peer.expect_one_of(TCP(flags="R", seq=seq), TCP(flags="RA", seq=seq), within=within, note=note)


def gone(sut: Any, peer: Any) -> None:
    """The connection does not exist any more: CLOSED, and its port answers an ACK as CLOSED and LISTEN do, by a RST at
    SEG.ACK."""
    assert sut.state == "CLOSED"
    peer.send(TCP(flags="A", seq=7777, ack=8888))
    expect_reset(peer, 8888, note="no connection: a segment with an ACK is reset")


def option_body(segment: Any, kind: int) -> bytes | None:
    """The octets of an option behind kind and length, as on the wire; None when the segment has none."""
    area = segment.option_octets
    at = 0
    while at < len(area) and area[at] != 0:
        size = 1 if area[at] == 1 else area[at + 1]
        if area[at] == kind:
            return bytes(area[at + 2 : at + size])
        at += size
    return None


def case(*values: Any, req: tuple[str, ...] | list[str] | str, name: str | None = None, **lab: Any) -> Any:
    """One row of a parametrised scenario with its own catalogue ids and Lab options."""
    ids = (req,) if isinstance(req, str) else tuple(req)
    marks = [pytest.mark.requirement(*ids)]
    if lab:
        marks.append(pytest.mark.lab(**lab))
    return pytest.param(*values, id=name, marks=marks)


def states(template: str, names: list[str]) -> list[Any]:
    """One row per state; `template` is the catalogue id with STATE where the state's name goes."""
    return [case(state, req=template.replace("STATE", state), name=state) for state in names]


@contextmanager
def refused(lab: Any, wording: str) -> Iterator[None]:
    """The user call inside is answered by an error; the built-in core words it as RFC 9293 3.10 does."""
    with pytest.raises(CallError) as error:
        yield
    if lab.sut_name == "core":
        assert wording in str(error.value)


def fill_receive_window(place: Place, leave: int = 0) -> int:
    """The peer sends data that nobody reads until the announced window is at most `leave` octets; returns how much it
    sent.

    RCV.NXT and RCV.WND of `place` follow. Receivers may hold back small updates (SWS), so the announced window decides.
    """
    sent = 0
    while place.wnd > leave:
        assert sent < 2**21, "the window does not close"
        size = min(1400, place.wnd - leave)
        place.send("A", data=b"x" * size)
        place.rcv = add(place.rcv, size)
        sent += size
        place.wnd = place.expect_ack(within=ACK_DELAY).window
    return sent


def close_window(place: Place) -> None:
    """One octet is sent and acknowledged by a segment that closes the window: SND.UNA and SND.NXT are one more,
    SND.WND is 0."""
    place.sut.send(b"0")
    place.peer.expect(TCP(flags="A", seq=place.nxt, ack=place.rcv), data=b"0", within=1.0)
    place.una = place.nxt = add(place.nxt, 1)
    place.send("A", window=0)


def acknowledge_until(place: Place, end: int, *, window: int = PEER_WINDOW, within: float = 2 * FIRST_RTO) -> bytes:
    """The peer takes data and acknowledges each segment until `end` is reached; returns the new octets, in order.

    Repetitions are fine, gaps are kept as a receiver would keep them. SND.UNA and SND.NXT of `place` follow.
    """
    held: dict[int, bytes] = {}
    stream = b""
    while place.una != end:
        segment = place.peer.expect_any(within=within)
        assert "F" not in segment.flags
        held[segment.seq] = max(held.get(segment.seq, b""), segment.payload, key=len)
        for seq in sorted(held, key=lambda seq: (seq - place.una + 2**31) % 2**32):
            known = (place.una - seq) % 2**32
            if known < len(held[seq]):
                stream += held[seq][known:]
                place.una = add(seq, len(held[seq]))
        place.nxt = place.una
        place.send("A", window=window)
    return stream


def send_and_acknowledge(place: Place, octets: int, *, window: int = PEER_WINDOW) -> None:
    """The stack under test sends this much and the peer acknowledges it all, in portions that every buffer can hold."""
    end = add(place.nxt, octets)
    while (left := (end - place.nxt) % 2**32) > 0:
        taken = place.sut.send(b"w" * min(left, 4096))
        acknowledge_until(place, add(place.nxt, taken), window=window)


def take_until_fin(place: Place, *, within: float = 2 * FIRST_RTO) -> bytes:
    """The peer takes what comes, in order, up to the FIN, and acknowledges that too; returns the octets in front of
    it."""
    stream = b""
    while True:
        segment = place.peer.expect_any(within=within)
        known = (place.una - segment.seq) % 2**32
        assert known <= len(segment.payload), "nothing is left out"
        stream += segment.payload[known:]
        place.una = place.nxt = add(segment.seq, len(segment.payload) + segment.flags.count("F"))
        place.send("A")
        if "F" in segment.flags:
            return stream
