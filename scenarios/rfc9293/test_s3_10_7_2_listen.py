"""SEGMENT ARRIVES in LISTEN: RFC 9293 3.10.7.2, its four checks in order."""

import pytest
from helpers import case, expect_reset
from lastack import requirement
from lastack.scapy import TCP

LISTEN = "E-3.10.7.2-LISTEN-"


def still_listens(sut, peer):
    """The next SYN is answered as if nothing had happened before."""
    assert sut.state == "LISTEN"
    peer.send(TCP(flags="S", seq=100))
    peer.expect(TCP(flags="SA", seq=300, ack=101))
    assert sut.state == "SYN-RECEIVED"


@pytest.mark.parametrize("flags", ["R", "RA", "RS", "RSA"])
@requirement(LISTEN + "rst", "U-27")
def test_first_check_ignores_a_reset(lab, flags):
    """A RST cannot be an answer to anything this listener sent: it is ignored (3.10.7.2 first)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.send(TCP(flags=flags, seq=100, ack=300))
    peer.expect_nothing()
    still_listens(sut, peer)


@pytest.mark.parametrize("flags,octets", [("A", 0), ("A", 10), ("FA", 0), ("SA", 0), ("FPUA", 5)])
@requirement(LISTEN + "ack", "U-15")
def test_second_check_resets_any_acknowledgment(lab, flags, octets):
    """Nothing was sent, so every ACK is bad: <SEQ=SEG.ACK><CTL=RST>, before the SYN is even looked at (3.10.7.2
    second)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.send(TCP(flags=flags, seq=100, ack=8888), data=b"d" * octets)
    expect_reset(peer, 8888)
    still_listens(sut, peer)


@pytest.mark.parametrize("seq", [0, 100, 2**31, 2**32 - 1])
@requirement(LISTEN + "syn", "U-12")
def test_third_check_answers_a_syn(lab, seq):
    """A SYN draws <SEQ=ISS><ACK=SEG.SEQ+1><CTL=SYN,ACK>; SND.UNA = ISS, SND.NXT = ISS+1, RCV.NXT = IRS+1 (3.10.7.2
    third)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=seq))
    peer.expect(TCP(flags="SA", seq=300, ack=(seq + 1) % 2**32), data=b"")
    assert sut.state == "SYN-RECEIVED"
    assert (sut.snd.una, sut.snd.nxt, sut.rcv.nxt) == (300, 301, (seq + 1) % 2**32)


@requirement(LISTEN + "syn-fin")
def test_syn_with_fin_is_a_syn_or_nothing(lab):
    """The FIN of a SYN,FIN waits; many stacks drop such a segment instead. It never closes and never resets (3.10.7.2
    third)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.send(TCP(flags="SF", seq=100))
    answers = peer.drain()
    if not answers:
        still_listens(sut, peer)
        return
    assert [(a.flags, a.seq, a.ack) for a in answers] == [("SA", 300, 101)]
    assert sut.state == "SYN-RECEIVED"
    peer.send(TCP(flags="A", seq=101, ack=301))
    for answer in peer.drain():  # a FIN that was kept is acknowledged now
        assert (answer.flags, answer.seq, answer.ack) == ("A", 301, 102)
    assert sut.state in ("ESTABLISHED", "CLOSE-WAIT")


@pytest.mark.parametrize(
    "flags,octets",
    [
        case("", 0, req=LISTEN + "other-null", name="null"),
        case("F", 0, req=[LISTEN + "other-fin", "E-3.10.7.4-8-LISTEN-fin"], name="fin"),
        case("FPU", 0, req=LISTEN + "other-xmas", name="xmas"),
        case("P", 10, req=LISTEN + "other-data", name="data"),
        case("U", 1, req=LISTEN + "other-data", name="urgent"),
    ],
)
def test_fourth_check_drops_everything_else(lab, flags, octets):
    """Neither RST nor ACK nor SYN: drop. The RFC says that this "should not be reached"; hostile input does (3.10.7.2
    fourth)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.send(TCP(flags=flags, seq=100), data=b"d" * octets)
    peer.expect_nothing()
    still_listens(sut, peer)
