"""Establishing a connection: RFC 9293 3.5 with Figures 6, 7 and 8 and their exact numbers.

Each figure has two ends; the stack under test plays either of them. Below the figures: what happens when a segment of
the handshake is lost, repeated or carries data.
"""

import pytest
from helpers import ACK_DELAY, FIRST_RTO, case, enter, established, expect_reset, gone
from lastack import requirement
from lastack.scapy import TCP


@requirement("F-6", "E-3.10.7.2-LISTEN-syn", "E-3.10.7.4-5-SYN-RECEIVED-ack-ok")
def test_three_way_handshake_opens_the_passive_side(lab):
    """Figure 6, the stack as TCP peer B: the SYN,ACK acknowledges SYN+1, the data reuses the number of the pure ACK
    (3.5)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    assert sut.state == "LISTEN"
    peer.send(TCP(flags="S", seq=100))
    peer.expect(TCP(flags="SA", seq=300, ack=101), data=b"")
    assert sut.state == "SYN-RECEIVED"
    assert (sut.snd.una, sut.snd.nxt, sut.rcv.nxt) == (300, 301, 101)
    peer.send(TCP(flags="A", seq=101, ack=301))
    peer.expect_nothing()
    assert sut.state == "ESTABLISHED"
    assert (sut.snd.una, sut.snd.nxt, sut.rcv.nxt) == (301, 301, 101)
    peer.send(TCP(flags="A", seq=101, ack=301), data=b"abc", note="an ACK occupies no sequence number")
    peer.expect(TCP(flags="A", seq=301, ack=104), data=b"", within=ACK_DELAY)
    assert sut.read_exactly(3) == b"abc"


@requirement("F-6", "E-3.10.1-CLOSED-active", "E-3.10.7.3-SYN-SENT-synack", "E-3.10.2-ESTABLISHED-data")
def test_three_way_handshake_opens_the_active_side(lab):
    """Figure 6, the stack as TCP peer A: SYN 100, ACK 101/301, and the data with the same SEQ=101 (3.5)."""
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=100)
    peer.expect(TCP(flags="S", seq=100), data=b"")
    assert sut.state == "SYN-SENT"
    assert (sut.snd.una, sut.snd.nxt) == (100, 101)
    peer.send(TCP(flags="SA", seq=300, ack=101))
    peer.expect(TCP(flags="A", seq=101, ack=301), data=b"")
    assert sut.state == "ESTABLISHED"
    assert (sut.snd.una, sut.snd.nxt, sut.rcv.nxt) == (101, 101, 301)
    sut.send(b"abc")
    peer.expect(TCP(flags="A", seq=101, ack=301), data=b"abc")
    peer.send(TCP(flags="A", seq=301, ack=104))


@pytest.mark.parametrize("own,other", [(100, 300), (300, 100)], ids=["as-A", "as-B"])
@requirement("F-7", "MUST-10", "E-3.10.7.3-SYN-SENT-syn", "E-3.10.7.4-X-simopen-synack")
def test_simultaneous_open_makes_one_connection(lab, own, other):
    """Figure 7: two crossing SYNs make one connection through SYN-SENT, SYN-RECEIVED, ESTABLISHED on both sides (3.5
    MUST-10).

    The crossing SYN,ACK repeats SEQ=IRS, one left of the window. The figure completes on it; the test of 3.10.7.4 first
    (see Appendix A.2) answers it with an ACK and waits for an ACK; both end in ESTABLISHED with the same numbers.
    """
    lab.needs("simultaneous-open")
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=own)
    peer.expect(TCP(flags="S", seq=own))
    peer.send(TCP(flags="S", seq=other))
    peer.expect(TCP(flags="SA", seq=own, ack=other + 1), data=b"")
    assert sut.state == "SYN-RECEIVED"
    peer.send(TCP(flags="SA", seq=other, ack=own + 1))
    for answer in peer.drain():
        assert (answer.flags, answer.seq, answer.ack, len(answer.payload)) == ("A", own + 1, other + 1, 0)
    if sut.state == "SYN-RECEIVED":
        peer.send(TCP(flags="A", seq=other + 1, ack=own + 1))
        peer.expect_nothing()
    assert sut.state == "ESTABLISHED"
    assert (sut.snd.una, sut.snd.nxt, sut.rcv.nxt) == (own + 1, own + 1, other + 1)
    peer.send(TCP(flags="A", seq=other + 1, ack=own + 1), data=b"one connection")
    peer.expect(TCP(flags="A", seq=own + 1, ack=other + 15), within=ACK_DELAY)


@requirement("MUST-10", "E-3.10.7.4-5-SYN-RECEIVED-ack-ok")
def test_simultaneous_open_completes_on_a_plain_ack(lab):
    """After crossing SYNs the ACK of our SYN alone completes the handshake (3.10.7.4 fifth, SYN-RECEIVED from
    SYN-SENT)."""
    at = enter(lab, "SYN-RECEIVED", role="active")
    at.send("A")
    at.peer.expect_nothing()
    assert at.sut.state == "ESTABLISHED"
    assert (at.sut.snd.una, at.sut.snd.nxt, at.sut.rcv.nxt) == (301, 301, 101)


@requirement("F-8", "E-3.10.7.4-2-SYN-RECEIVED-rst-passive", "MUST-11")
def test_stale_syn_is_reset_by_the_peer(lab):
    """Figure 8, the stack as B: a stale SYN is answered, the peer's RST returns it to LISTEN, the new SYN opens
    (3.5)."""
    sut, peer = lab.listen(port=80, iss=[300, 400]), lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=90), note="the old duplicate")
    peer.expect(TCP(flags="SA", seq=300, ack=91))
    assert sut.state == "SYN-RECEIVED"
    peer.send(TCP(flags="R", seq=91))
    peer.expect_nothing()
    assert sut.state == "LISTEN"
    assert sut.accept() is None, "the application never sees the stale attempt"
    peer.send(TCP(flags="S", seq=100))
    peer.expect(TCP(flags="SA", seq=400, ack=101))
    peer.send(TCP(flags="A", seq=101, ack=401))
    assert sut.state == "ESTABLISHED"
    assert (sut.snd.una, sut.snd.nxt, sut.rcv.nxt) == (401, 401, 101)


@requirement("F-8", "E-3.10.7.3-SYN-SENT-ack-unacceptable", "U-15", "RFC1337-2.4-a")
def test_syn_ack_of_a_stale_syn_is_reset(lab):
    """Figure 8, the stack as A: a SYN,ACK for an old SYN draws <SEQ=SEG.ACK><CTL=RST> and SYN-SENT goes on (3.5,
    3.10.7.3)."""
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=100)
    peer.expect(TCP(flags="S", seq=100))
    peer.send(TCP(flags="SA", seq=300, ack=91))
    expect_reset(peer, 91)
    assert sut.state == "SYN-SENT"
    peer.ignore(TCP(flags="S", seq=100))  # some stacks repeat their SYN at once after a stale answer
    peer.send(TCP(flags="SA", seq=400, ack=101))
    peer.expect(TCP(flags="A", seq=101, ack=401))
    assert sut.state == "ESTABLISHED"
    assert (sut.snd.una, sut.snd.nxt, sut.rcv.nxt) == (101, 101, 401)


@requirement("E-3.10.7.4-X-synack-dup", "E-3.10.7.4-1-ESTABLISHED-seq-unacceptable")
def test_repeated_syn_ack_gets_the_lost_third_segment_again(lab):
    """When the third segment is lost the peer repeats its SYN,ACK; an established client answers with its ACK again
    (3.10.7.4)."""
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=300)
    peer.expect(TCP(flags="S", seq=300))
    peer.send(TCP(flags="SA", seq=100, ack=301))
    peer.lost(TCP(flags="A", seq=301, ack=101))
    peer.send(TCP(flags="SA", seq=100, ack=301))
    peer.expect(TCP(flags="A", seq=301, ack=101), data=b"")
    assert sut.state == "ESTABLISHED"
    assert sut.rcv.nxt == 101, "the SYN is not counted twice"


@requirement("E-3.10.7.4-X-synrcvd-data-ack", "E-3.10.7.4-5-SYN-RECEIVED-ack-ok")
def test_data_completes_the_handshake_when_the_third_segment_is_lost(lab):
    """The lost third segment of the handshake does not matter: data carries the same ACK and is kept (3.10.7.4 fifth,
    seventh)."""
    at = enter(lab, "SYN-RECEIVED")
    at.send("PA", data=b"hello")
    at.expect_ack(106, within=ACK_DELAY)
    assert at.sut.state == "ESTABLISHED"
    assert (at.sut.snd.una, at.sut.rcv.nxt) == (301, 106)
    assert at.sut.read_exactly(5) == b"hello"


@requirement("E-3.10.7.4-X-synrcvd-finack", "E-3.10.7.4-8-SYN-RECEIVED-fin")
def test_fin_with_the_third_ack_goes_on_to_close_wait(lab):
    """A FIN,ACK in place of the third segment passes ESTABLISHED and is acknowledged in CLOSE-WAIT (3.10.7.4 fifth,
    eighth)."""
    at = enter(lab, "SYN-RECEIVED")
    at.send("FA")
    at.expect_ack(102, within=ACK_DELAY)
    assert at.sut.state == "CLOSE-WAIT"
    assert (at.sut.snd.una, at.sut.rcv.nxt) == (301, 102)


@requirement("E-3.10.7.4-1-SYN-RECEIVED-seq-unacceptable", "E-3.10.8-SYN-RECEIVED-rto")
def test_repeated_syn_does_not_start_a_second_connection(lab):
    """A repeated SYN (SEQ=IRS) in SYN-RECEIVED draws the ACK of 3.10.7.4 or the same SYN,ACK again, never a new ISS
    (3.5)."""
    at = enter(lab, "SYN-RECEIVED")
    at.peer.send(TCP(flags="S", seq=100))
    at.peer.expect_one_of(TCP(flags="A", seq=301, ack=101), TCP(flags="SA", seq=300, ack=101))
    at.unchanged()
    at.send("A")
    assert at.sut.state == "ESTABLISHED"


@requirement("E-3.10.7.2-LISTEN-syn-data", "U-13", "RFC4987-3.5-a")
def test_data_on_the_syn_is_not_delivered_before_established(lab):
    """Text on a SYN is legal; whether kept or left to be resent, the user sees it only once the connection is open
    (3.5)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=100), data=b"0123456789")
    peer.expect(TCP(flags="SA", seq=300, ack=101), data=b"")
    assert sut.accept() is None
    peer.send(TCP(flags="A", seq=101, ack=301), data=b"0123456789", note="the whole text again")
    peer.expect(TCP(flags="A", seq=301, ack=111), data=b"", within=ACK_DELAY)
    assert sut.read_exactly(10) == b"0123456789"
    assert sut.unread == 0, "delivered once"


@requirement("MUST-42", "E-3.10.7.2-LISTEN-syn")
def test_listener_answers_others_while_one_handshake_is_half_open(lab):
    """A half-open handshake does not stop the port from listening (3.9.1.1 MUST-42)."""
    lab.listen(port=80, iss=[300, 500])
    first, second = lab.peer(port=4000, to=80), lab.peer(port=4001, to=80)
    first.send(TCP(flags="S", seq=100))
    first.expect(TCP(flags="SA", seq=300, ack=101))
    second.send(TCP(flags="S", seq=200))
    second.expect(TCP(flags="SA", seq=500, ack=201))
    second.send(TCP(flags="A", seq=201, ack=501))
    first.send(TCP(flags="A", seq=101, ack=301))
    first.expect_nothing()
    second.expect_nothing()


@requirement("MUST-11", "E-3.10.7.4-2-SYN-RECEIVED-rst-active")
def test_reset_after_crossing_syns_refuses_the_active_open(lab):
    """SYN-RECEIVED remembers its origin: after an active OPEN an exact RST means "connection refused" and CLOSED
    (MUST-11)."""
    at = enter(lab, "SYN-RECEIVED", role="active")
    at.send("R")
    at.peer.expect_nothing()
    assert {"refused", "reset"} & at.sut.events()
    gone(at.sut, at.peer)


@requirement("E-3.10.7.2-LISTEN-rst", "MUST-11")
def test_listener_survives_the_reset_of_a_handshake(lab):
    """After a RST in SYN-RECEIVED the same port accepts the next SYN of another peer (3.10.7.4 second, MUST-11)."""
    sut = lab.listen(port=80, iss=[300, 400])
    first, second = lab.peer(port=4000, to=80), lab.peer(port=4001, to=80)
    first.send(TCP(flags="S", seq=100))
    first.expect(TCP(flags="SA", seq=300, ack=101))
    first.send(TCP(flags="R", seq=101))
    first.expect_nothing()
    second.send(TCP(flags="S", seq=100))
    second.expect(TCP(flags="SA", seq=400, ack=101))
    second.send(TCP(flags="A", seq=101, ack=401))
    assert sut.accept() is not None


@pytest.mark.parametrize(
    "sut_iss,peer_iss",
    [(2**32 - 1, 100), (300, 2**32 - 1), (2**32 - 1, 2**32 - 1), (2**31 - 1, 2**31), (0, 0)],
)
@requirement("U-12")
def test_handshake_and_data_cross_the_wrap_of_sequence_space(lab, sut_iss, peer_iss):
    """All numbers are modulo 2^32: a SYN at 2^32-1 is acknowledged by 0, and data goes on from there (3.4)."""
    at = established(lab, sut_iss=sut_iss, peer_iss=peer_iss)
    at.send("PA", data=b"0123456789")
    at.expect_ack(at.rcv + 10, within=ACK_DELAY)
    at.rcv = (at.rcv + 10) % 2**32
    assert at.sut.read_exactly(10) == b"0123456789"
    at.sut.send(b"abcdefghij")
    at.peer.expect(TCP(flags="A", seq=at.nxt, ack=at.rcv), data=b"abcdefghij")
    at.nxt = (at.nxt + 10) % 2**32
    at.send("A")
    assert at.sut.snd.una == at.nxt


@pytest.mark.parametrize("lost", [1, 2])
@requirement("E-3.10.8-SYN-SENT-rto", "MUST-18", "RFC1122-4.2.3.1-a")
def test_lost_syn_is_repeated_with_the_same_iss(lab, lost):
    """A SYN that nobody answers is sent again with the same sequence number, and the handshake then completes
    (3.10.8)."""
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=300)
    peer.lost(TCP(flags="S", seq=300))
    for count in range(1, lost):
        peer.lost(TCP(flags="S", seq=300), within=FIRST_RTO * 2**count)
    peer.expect(TCP(flags="S", seq=300), within=FIRST_RTO * 2**lost)
    peer.send(TCP(flags="SA", seq=100, ack=301))
    peer.expect(TCP(flags="A", seq=301, ack=101))
    assert sut.state == "ESTABLISHED"


@requirement("E-3.10.8-SYN-RECEIVED-rto")
def test_lost_syn_ack_is_repeated_with_the_same_iss(lab):
    """In SYN-RECEIVED the retransmission timeout repeats <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK> (3.10.8)."""
    at = enter(lab, "SYN-RECEIVED")
    at.peer.expect(TCP(flags="SA", seq=300, ack=101), data=b"", within=FIRST_RTO)
    at.unchanged()
    at.send("A")
    assert at.sut.state == "ESTABLISHED"


@pytest.mark.parametrize(
    "fields",
    [
        case({}, req=["E-3.10.7.2-LISTEN-syn", "RFC8200-8.1-a"], name="passive", ipv6=True),
        case({"role": "active"}, req=["E-3.10.7.3-SYN-SENT-synack", "RFC8200-8.1-a"], name="active", ipv6=True),
    ],
)
def test_handshake_and_data_over_ipv6(lab, fields):
    """TCP over IPv6 is the same protocol with another pseudo-header (3.1, RFC 8200 8.1); the checksum is verified on
    receipt."""
    at = established(lab, **fields)
    at.send("PA", data=b"odd")
    at.expect_ack(104, within=ACK_DELAY)
    assert at.sut.read_exactly(3) == b"odd"
    at.rcv = 104
    at.sut.send(b"even")
    at.peer.expect(TCP(flags="A", seq=301, ack=104), data=b"even")
    at.send("A", ack=305)
    assert at.sut.snd.una == 305
