"""Half-open connections and resets: RFC 9293 3.5.1 to 3.5.3 with Figures 9, 10 and 11 and their exact numbers.

One side has lost its memory; the other finds out from the reset that its next segment, or its answer to a new SYN,
draws.
"""

import pytest
from helpers import ACK_DELAY, FIRST_RTO, established, expect_reset, gone
from lastack import requirement
from lastack.scapy import TCP


@requirement("F-9", "E-3.10.7.4-4-ESTABLISHED-syn", "RFC5961-4.2-c")
def test_live_side_answers_the_syn_of_a_rebooted_peer_and_accepts_its_reset(lab):
    """Figure 9, the stack as B: SYN 400 draws <SEQ=300><ACK=100>, the RST 100 closes, the SYN sent again opens anew
    (3.5.1)."""
    sut, peer = lab.listen(port=80, iss=[299, 700]), lab.peer(port=4000, to=80)
    peer.handshake(seq=99, iss=299)
    assert (sut.snd.nxt, sut.rcv.nxt) == (300, 100)
    peer.send(TCP(flags="S", seq=400))
    peer.expect(TCP(flags="A", seq=300, ack=100), data=b"")
    assert sut.state == "ESTABLISHED"
    peer.send(TCP(flags="R", seq=100))
    peer.expect_nothing()
    assert sut.state == "CLOSED" and "reset" in sut.events()
    peer.send(TCP(flags="S", seq=400))
    peer.expect(TCP(flags="SA", seq=700, ack=401))


@requirement("F-9", "E-3.10.7.3-SYN-SENT-ack-unacceptable", "U-15")
def test_rebooted_opener_resets_the_answer_of_the_old_connection(lab):
    """Figure 9, the stack as A: the ACK of the old connection draws <SEQ=100><CTL=RST>, the SYN is repeated (3.5.1)."""
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=400)
    peer.expect(TCP(flags="S", seq=400))
    peer.send(TCP(flags="A", seq=300, ack=100))
    expect_reset(peer, 100)
    assert sut.state == "SYN-SENT"
    peer.expect(TCP(flags="S", seq=400), within=FIRST_RTO)
    peer.send(TCP(flags="SA", seq=900, ack=401))
    peer.expect(TCP(flags="A", seq=401, ack=901))
    assert sut.state == "ESTABLISHED"


@requirement("F-10", "E-3.10.7.1-CLOSED-ack-data", "U-14")
def test_side_without_a_connection_resets_data(lab):
    """Figure 10, the stack as A: data for a connection it no longer has draws <SEQ=SEG.ACK><CTL=RST> (3.5.1)."""
    peer = lab.peer(port=4000, to=80)
    peer.send(TCP(flags="A", seq=300, ack=100), data=b"0123456789")
    expect_reset(peer, 100)


@requirement("F-10", "MUST-12", "E-3.10.7.4-2-ESTABLISHED-rst-exact")
def test_live_side_learns_from_the_reset_that_its_data_draws(lab):
    """Figure 10, the stack as B: its ten octets draw RST 100, it aborts and tells the user (3.5.1, 3.6 MUST-12)."""
    at = established(lab, sut_iss=299, peer_iss=99)
    at.sut.send(b"0123456789")
    at.peer.expect(TCP(flags="A", seq=300, ack=100), data=b"0123456789")
    at.peer.send(TCP(flags="R", seq=100))
    at.peer.expect_nothing(until=FIRST_RTO)
    assert "reset" in at.sut.events()
    gone(at.sut, at.peer)


@requirement("F-11", "E-3.10.7.4-2-SYN-RECEIVED-rst-passive")
def test_listener_returns_from_a_stale_syn(lab):
    """Figure 11, the stack as B: the SYN Z is answered by X/Z+1, the RST Z+1 of the other listener returns it to
    LISTEN (3.5.1)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=90))
    peer.expect(TCP(flags="SA", seq=300, ack=91))
    peer.send(TCP(flags="R", seq=91))
    peer.expect_nothing(until=FIRST_RTO)
    assert sut.state == "LISTEN"


@requirement("F-11", "E-3.10.7.2-LISTEN-ack", "U-15")
def test_listener_resets_a_syn_ack(lab):
    """Figure 11, the stack as A: a SYN,ACK at a listener draws <SEQ=SEG.ACK><CTL=RST>; it stays in LISTEN (3.5.1,
    3.10.7.2)."""
    sut, peer = lab.listen(port=80, iss=500), lab.peer(port=4000, to=80)
    peer.send(TCP(flags="SA", seq=300, ack=91))
    expect_reset(peer, 91)
    assert sut.state == "LISTEN"


@requirement("U-16", "E-3.10.7.4-1-ESTABLISHED-seq-unacceptable")
@pytest.mark.parametrize("ack", [301, 5000, 0], ids=["right", "of-the-future", "zero"])
def test_segment_of_another_connection_does_not_reset_a_live_one(lab, ack):
    """In a synchronized state an unacceptable segment draws an empty ACK with our numbers, never a reset (3.5.2 group
    3)."""
    at = established(lab)
    at.send("A", seq=at.rcv + 100_000, ack=ack, data=b"stray")
    at.expect_ack()
    at.unchanged()


@requirement("U-27", "E-3.10.7.1-CLOSED-rst", "U-14")
@pytest.mark.parametrize("flags", ["R", "RA", "RS", "RF", "RSFA"])
def test_reset_is_never_answered_with_a_reset(lab, flags):
    """A RST to a port without a connection is discarded; two ends can never throw resets at each other (3.5.2,
    3.10.7.1)."""
    peer = lab.peer(port=4000, to=80)
    peer.send(TCP(flags=flags, seq=1000, ack=2000))
    peer.expect_nothing()


@requirement("U-19")
def test_nothing_of_an_aborted_connection_comes_back(lab):
    """After our own RST the connection is over: late data draws a reset, or silence in TIME-WAIT, never an ACK (3.5.2,
    3.10.5)."""
    at = established(lab)
    at.sut.abort()
    expect_reset(at.peer, 301)
    at.send("A", data=b"late")
    for answer in at.peer.drain():
        assert answer.flags in ("R", "RA") and answer.seq == 301
    at.peer.expect_nothing(until=ACK_DELAY)
