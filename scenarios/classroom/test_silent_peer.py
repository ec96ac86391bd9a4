"""A peer that does not answer: what the study notes say about repeated SYNs, SYN,ACKs, data and about giving up.

RFC 9293 3.8.1 (RTO by RFC 6298), 3.8.3 (R1 and R2), 3.10.8.
"""

from contextlib import suppress

from helpers import FIRST_RTO
from lastack import CallError, requirement
from lastack.scapy import TCP
from streams import assert_doubling, repeats

THREE_MINUTES = 180  # seconds a SYN must be repeated at least (MUST-23)
R2_AT_LEAST = 100  # seconds data should be repeated at least (SHLD-11)
LONG = 3600  # seconds after which any stack has given up


@requirement("SEED-014", "MUST-18", "MUST-20", "E-3.10.8-ESTABLISHED-rto")
def test_unacknowledged_data_is_repeated_with_doubling_gaps(lab):
    """Unacknowledged data at 5001 is sent again and again, the gap doubling each time (RFC 9293 3.8.1, RFC 6298
    5.5)."""
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    assert sut.send(b"0123456789", push=True) == 10
    gaps = repeats(peer, TCP(flags="A", seq=5001, ack=1001), data=b"0123456789", count=6)
    assert_doubling(gaps)
    peer.send(TCP(flags="A", seq=1001, ack=5011))
    assert sut.snd.una == 5011


@requirement("SEED-014", "MUST-20")
def test_sender_gives_up_at_r2(lab):
    """Retransmission is not for ever: at R2 the connection is closed and the user told (RFC 9293 3.8.3 MUST-20).

    The note says that what is not confirmed is resent "until it arrives".
    """
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    assert sut.send(b"0123456789", push=True) == 10
    peer.ignore(TCP(seq=5001))  # every repetition, and a RST that some stacks send as a farewell
    peer.ignore(TCP(flags="RA", seq=5011))
    lab.advance(R2_AT_LEAST - 1)
    with lab.soft("SHLD-11: R2 for data should be at least 100 s"):
        assert sut.state == "ESTABLISHED"
    lab.advance(LONG)
    assert sut.state == "CLOSED"
    assert "timeout" in sut.events()


@requirement("SEED-050", "SEED-092", "MUST-22", "MUST-23")
def test_connect_to_a_silent_peer_repeats_the_syn_and_ends_by_timeout(lab):
    """connect() only starts to synchronise: SYN 1000 is repeated for three minutes at least, then OPEN fails (RFC 9293
    3.8.3).

    The note lets connect() make sure that "address, port and physical link are fine": nothing is checked, the lack of
    answers is learnt by timeout.
    """
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=1000)
    gaps = repeats(peer, TCP(flags="S", seq=1000), data=b"", count=5)
    assert_doubling(gaps)
    peer.ignore(TCP(flags="S", seq=1000))
    lab.advance(THREE_MINUTES - 1 - lab.now)
    assert sut.state == "SYN-SENT"
    lab.advance(LONG)
    assert sut.state == "CLOSED"
    assert "timeout" in sut.events()


@requirement("SEED-056", "E-3.10.8-SYN-SENT-rto", "E-3.10.7.3-SYN-SENT-ack-only", "E-3.10.7.3-SYN-SENT-finack")
def test_syn_sent_repeats_its_syn_and_ignores_what_is_no_syn(lab):
    """In SYN-SENT the SYN keeps its number 1000; ACK 1001 or FIN without SYN changes nothing (RFC 9293 3.10.7.3 fifth,
    3.10.8)."""
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=1000)
    peer.expect(TCP(flags="S", seq=1000))
    assert sut.state == "SYN-SENT"
    peer.send(TCP(flags="A", seq=5001, ack=1001))
    peer.expect_nothing()
    peer.send(TCP(flags="FA", seq=5001, ack=1001))
    peer.expect_nothing()
    peer.send(TCP(flags="F", seq=5001))
    peer.expect_nothing()
    assert sut.state == "SYN-SENT"
    peer.expect(TCP(flags="S", seq=1000), within=FIRST_RTO)
    assert sut.state == "SYN-SENT"


@requirement("SEED-082")
def test_lost_syn_is_repeated_and_opens_the_connection(lab):
    """The first SYN is lost; the repeated one has the same number 1000 and the handshake completes (RFC 9293
    3.8.3)."""
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=1000)
    peer.lost(TCP(flags="S", seq=1000))
    peer.expect(TCP(flags="S", seq=1000), within=FIRST_RTO)
    peer.send(TCP(flags="SA", seq=5000, ack=1001))
    peer.expect(TCP(flags="A", seq=1001, ack=5001))
    assert sut.state == "ESTABLISHED"


@requirement("SEED-067", "E-3.10.8-SYN-RECEIVED-rto", "E-3.10.7.4-2-SYN-RECEIVED-rst-passive")
def test_syn_received_repeats_its_synack_until_reset(lab):
    """After its SYN,ACK the server is in SYN-RECEIVED and repeats it; RST 1001 sends it back to LISTEN (RFC 9293
    3.10.7.4 second)."""
    sut, peer = lab.listen(port=80, iss=[5000, 6000]), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=1000))
    peer.expect(TCP(flags="SA", seq=5000, ack=1001))
    assert sut.state == "SYN-RECEIVED"
    peer.expect(TCP(flags="SA", seq=5000, ack=1001), within=FIRST_RTO)
    peer.send(TCP(flags="R", seq=1001))
    peer.expect_nothing()
    assert sut.state == "LISTEN"
    peer.send(TCP(flags="S", seq=1000))
    peer.expect(TCP(flags="SA", seq=6000, ack=1001))


@requirement("SEED-090")
def test_without_the_third_segment_no_data_is_sent(lab):
    """Two messages confirm one number only: until 5000 is acknowledged the server repeats SYN,ACK and sends no data
    (RFC 9293 3.4.1)."""
    sut, peer = lab.listen(port=80, iss=5000), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=1000))
    peer.expect(TCP(flags="SA", seq=5000, ack=1001))
    with suppress(CallError):  # a stack may hide the connection from its user until it is established
        sut.send(b"too early")  # SYN-RECEIVED: queued (RFC 9293 3.10.2)
    peer.expect(TCP(flags="SA", seq=5000, ack=1001), data=b"", within=FIRST_RTO)
    assert sut.state == "SYN-RECEIVED"
    assert sut.accept() is None


@requirement("SEED-086", "RFC4987-3.3-a", "MUST-22")
def test_half_open_connection_is_given_up(lab):
    """A SYN,ACK that nobody answers is repeated a limited number of times; then the record is freed (RFC 9293 3.8.3
    R2).

    The note lets the server wait for ever. Figure: backlog of one, and after R2 the next SYN is answered.
    """
    sut, peer = lab.listen(port=80, iss=[5000, 6000], backlog=1), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=1000))
    peer.expect(TCP(flags="SA", seq=5000, ack=1001))
    peer.ignore(TCP(flags="SA", seq=5000, ack=1001))
    peer.ignore(TCP(flags="RA"))  # a farewell RST is the stack's choice
    lab.advance(LONG)
    assert sut.state == "LISTEN"
    later = lab.peer(port=4001)
    later.send(TCP(flags="S", seq=2000))
    later.expect(TCP(flags="SA", seq=6000, ack=2001))
    later.send(TCP(flags="A", seq=2001, ack=6001))
    assert sut.connection(later).state == "ESTABLISHED"
