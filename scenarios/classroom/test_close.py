"""Closing a connection as the study notes tell it: u, v and w, FIN 5000 and 5001, 7000, 7001 and 7002.

RFC 9293 3.6 (Figures 12 and 13), 3.6.1, 3.10.4 and 3.10.7.4. In the notes' example the closer's next number is 5000
and the other side's is 7000; so ISS and ISN are one less.
"""

import pytest
from helpers import ACK_DELAY, FIRST_RTO, expect_reset
from lastack import requirement
from lastack.scapy import TCP

MSL = 60  # seconds; some stacks cannot choose another


@requirement("SEED-098", "SEED-099", "SEED-104", "SEED-107", "SEED-110", "SEED-112", "SEED-121", "SEED-123", "F-12")
def test_active_closer_closes_with_four_segments(lab):
    """FIN 5000, ACK 5001, FIN 7000, ACK 7001: FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT (RFC 9293 3.6, Figure 12).

    The notes' FIN has SYN-like flags "FIN=1" only; it also acknowledges. Either side may be the first to close.
    """
    sut, peer = lab.established(sut_iss=4999, peer_iss=6999, role="active")
    sut.shutdown()
    peer.expect(TCP(flags="FA", seq=5000, ack=7000))
    assert sut.state == "FIN-WAIT-1"
    peer.send(TCP(flags="A", seq=7000, ack=5001))
    peer.expect_nothing()
    assert sut.state == "FIN-WAIT-2"
    peer.send(TCP(flags="FA", seq=7000, ack=5001))
    peer.expect(TCP(flags="A", seq=5001, ack=7001))
    assert sut.state == "TIME-WAIT"


@requirement("SEED-099")
def test_fin_of_the_closer_is_5001_after_a_handshake_with_5000(lab):
    """After the handshake 1000/5000 without data the FIN is <SEQ=5001><ACK=1001><CTL=FIN,ACK> (RFC 9293 3.6, 3.10.4).

    The note shows "FIN=1 seq=x" without ACK: every segment after the handshake acknowledges.
    """
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    sut.shutdown()
    peer.expect(TCP(flags="FA", seq=5001, ack=1001), data=b"")
    peer.send(TCP(flags="A", seq=1001, ack=5002))


@requirement("SEED-098", "E-3.10.7.4-8-FIN-WAIT-1-fin-acked")
def test_fin_and_ack_in_one_segment_make_three(lab):
    """The peer answers FIN 5001 by FIN,ACK at once: FIN-WAIT-1 to TIME-WAIT directly, three segments in all (RFC 9293
    Figure 5 note 2).

    "Four-way close" is simplified: ACK and FIN of the passive side may be one segment.
    """
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    sut.shutdown()
    peer.expect(TCP(flags="FA", seq=5001, ack=1001))
    peer.send(TCP(flags="FA", seq=1001, ack=5002))
    peer.expect(TCP(flags="A", seq=5002, ack=1002))
    assert sut.state == "TIME-WAIT"


@requirement("SEED-100", "E-3.10.7.4-5-ESTABLISHED-noack")
def test_fin_without_ack_is_dropped(lab):
    """A FIN without ACK is dropped at the fifth step; FIN,ACK is acknowledged by 1002 (RFC 9293 3.10.7.4 fifth).

    The note draws the FIN without ACK flag.
    """
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    peer.send(TCP(flags="F", seq=1001))
    peer.expect_nothing(until=ACK_DELAY)
    assert sut.state == "ESTABLISHED"
    peer.send(TCP(flags="FA", seq=1001, ack=5001))
    peer.expect(TCP(flags="A", seq=5001, ack=1002), within=ACK_DELAY)
    assert sut.state == "CLOSE-WAIT"


@requirement("SEED-101", "SEED-109", "E-3.10.7.4-8-ESTABLISHED-fin")
def test_receiver_of_a_fin_acknowledges_it_and_may_still_write(lab):
    """FIN 1001 is acknowledged by 1002: CLOSE-WAIT, the reader gets end of stream, the writer goes on (RFC 9293
    3.10.7.4 eighth)."""
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    peer.send(TCP(flags="FA", seq=1001, ack=5001))
    peer.expect(TCP(flags="A", seq=5001, ack=1002), within=ACK_DELAY)
    assert sut.state == "CLOSE-WAIT"
    assert sut.recv() == b"" and sut.eof
    assert sut.send(b"still here", push=True) == 10
    peer.expect(TCP(flags="A", seq=5001, ack=1002), data=b"still here", within=1)
    peer.send(TCP(flags="A", seq=1002, ack=5011))


@requirement("SEED-102", "U-20", "U-21")
def test_passive_closer_sends_its_remaining_data_first(lab):
    """After the peer's FIN 100 octets go out at 5001; when the user closes, FIN 5101 (RFC 9293 3.6)."""
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    peer.send(TCP(flags="FA", seq=1001, ack=5001))
    peer.expect(TCP(flags="A", seq=5001, ack=1002), within=ACK_DELAY)
    assert sut.send(b"r" * 100, push=True) == 100
    peer.expect(TCP(flags="A", seq=5001, ack=1002), data=100, within=1)
    peer.send(TCP(flags="A", seq=1002, ack=5101))
    peer.expect_nothing(until=1)
    sut.shutdown()
    peer.expect(TCP(flags="FA", seq=5101, ack=1002))
    peer.send(TCP(flags="A", seq=1002, ack=5102))


@requirement("SEED-103")
def test_half_close_lasts_as_long_as_the_peer_wants(lab):
    """The peer never sends its FIN: FIN-WAIT-2 lasts, and what the peer still sends is taken (RFC 9293 3.6).

    The note reads the second FIN as agreement to the close: each side closes its own direction, nobody agrees to
    anything.
    """
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    sut.shutdown()
    peer.expect(TCP(flags="FA", seq=5001, ack=1001))
    peer.send(TCP(flags="A", seq=1001, ack=5002))
    peer.expect_nothing(until=3600 if lab.has("virtual-time") else 2)
    assert sut.state == "FIN-WAIT-2"
    peer.send(TCP(flags="PA", seq=1001, ack=5002), data=b"still talking")
    peer.expect(TCP(flags="A", seq=5002, ack=1014), within=ACK_DELAY)
    assert sut.read_exactly(13) == b"still talking"


@requirement("SEED-105", "SEED-120", "E-3.10.7.4-5-LAST-ACK-fin-acked")
def test_passive_closer_is_closed_by_the_last_ack(lab):
    """LAST-ACK ends with the ACK of the FIN: the TCB is gone, a further ACK is reset <SEQ=5002> (RFC 9293 3.10.7.4
    fifth)."""
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    peer.send(TCP(flags="FA", seq=1001, ack=5001))
    peer.expect(TCP(flags="A", seq=5001, ack=1002), within=ACK_DELAY)
    sut.shutdown()
    peer.expect(TCP(flags="FA", seq=5001, ack=1002))
    assert sut.state == "LAST-ACK"
    peer.send(TCP(flags="A", seq=1002, ack=5002))
    peer.expect_nothing()
    assert sut.state == "CLOSED"
    peer.send(TCP(flags="A", seq=1002, ack=5002))
    expect_reset(peer, 5002)


@requirement("SEED-105", "SEED-120", "E-3.10.7.4-5-LAST-ACK-fin-unacked")
def test_passive_closer_is_not_closed_by_an_older_ack(lab):
    """An ACK that does not cover FIN 5001 is not the last one: LAST-ACK stays and repeats its FIN (RFC 9293 3.10.7.4
    fifth)."""
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    peer.send(TCP(flags="FA", seq=1001, ack=5001))
    peer.expect(TCP(flags="A", seq=5001, ack=1002), within=ACK_DELAY)
    sut.shutdown()
    peer.expect(TCP(flags="FA", seq=5001, ack=1002))
    peer.send(TCP(flags="A", seq=1002, ack=5001))
    peer.expect(TCP(flags="FA", seq=5001, ack=1002), within=FIRST_RTO)
    assert sut.state == "LAST-ACK"
    peer.send(TCP(flags="A", seq=1002, ack=5002))
    peer.expect_nothing()
    assert sut.state == "CLOSED"


@requirement("SEED-107", "E-3.10.8-FIN-WAIT-1-rto", "E-3.10.7.4-7-FIN-WAIT-1-text")
def test_fin_wait_1_repeats_its_fin_and_still_receives(lab):
    """In FIN-WAIT-1 the FIN keeps its number 5001 when repeated, and data of the peer is acknowledged (RFC 9293
    3.10.4, 3.10.8)."""
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    sut.shutdown()
    peer.expect(TCP(flags="FA", seq=5001, ack=1001))
    assert sut.state == "FIN-WAIT-1"
    peer.expect(TCP(flags="FA", seq=5001, ack=1001), within=FIRST_RTO)
    peer.send(TCP(flags="PA", seq=1001, ack=5001), data=b"0123456789")
    peer.expect(TCP(flags="A", seq=5002, ack=1011), within=ACK_DELAY)
    assert sut.state == "FIN-WAIT-1"
    assert sut.read_exactly(10) == b"0123456789"


@requirement("SEED-110", "E-3.10.7.4-5-FIN-WAIT-1-fin-acked", "E-3.10.7.4-5-FIN-WAIT-1-data-acked")
def test_only_an_ack_of_the_fin_leads_to_fin_wait_2(lab):
    """ACK 5001 does not cover FIN 5001: FIN-WAIT-1 stays and repeats; ACK 5002 leads to FIN-WAIT-2 (RFC 9293 3.10.7.4
    fifth)."""
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    sut.shutdown()
    peer.expect(TCP(flags="FA", seq=5001, ack=1001))
    peer.send(TCP(flags="A", seq=1001, ack=5001))
    assert sut.state == "FIN-WAIT-1"
    peer.expect(TCP(flags="FA", seq=5001, ack=1001), within=FIRST_RTO)
    peer.send(TCP(flags="A", seq=1001, ack=5002))
    assert sut.state == "FIN-WAIT-2"
    peer.expect_nothing(until=3)


@requirement("SEED-108", "SEED-111", "SEED-114", "SEED-115")
def test_server_repeats_7000_when_it_has_sent_nothing(lab):
    """FIN u=5000 is acknowledged by 5001 with v=7000; without data in between the server's FIN is w=7000 again (RFC
    9293 3.6, Figure 12).

    The note's FIN 7001 is wrong here: a pure ACK takes no number, so w = v.
    """
    sut, peer = lab.established(sut_iss=6999, peer_iss=4999)
    peer.send(TCP(flags="FA", seq=5000, ack=7000))
    peer.expect(TCP(flags="A", seq=7000, ack=5001), within=ACK_DELAY)
    assert sut.state == "CLOSE-WAIT"
    sut.shutdown()
    peer.expect(TCP(flags="FA", seq=7000, ack=5001))
    assert sut.state == "LAST-ACK"
    peer.send(TCP(flags="A", seq=5001, ack=7001))
    peer.expect_nothing()
    assert sut.state == "CLOSED"


@requirement("SEED-111", "SEED-115")
def test_server_fin_is_7001_after_one_octet(lab):
    """With exactly one octet sent at 7000 the server's FIN is 7001 and the last ACK 7002: the note's numbers (RFC 9293
    3.4, 3.6)."""
    sut, peer = lab.established(sut_iss=6999, peer_iss=4999)
    peer.send(TCP(flags="FA", seq=5000, ack=7000))
    peer.expect(TCP(flags="A", seq=7000, ack=5001), within=ACK_DELAY)
    assert sut.send(b"!", push=True) == 1
    peer.expect(TCP(flags="A", seq=7000, ack=5001), data=b"!", within=1)
    peer.send(TCP(flags="A", seq=5001, ack=7001))
    sut.shutdown()
    peer.expect(TCP(flags="FA", seq=7001, ack=5001))
    peer.send(TCP(flags="A", seq=5001, ack=7002))
    peer.expect_nothing()
    assert sut.state == "CLOSED"


@requirement("SEED-112", "SEED-117")
def test_client_answers_w_7000_by_7001(lab):
    """The closer's u=5000 and the other side's w=7000: the last segment is <SEQ=5001><ACK=7001><CTL=ACK> (RFC 9293
    3.6).

    One note gives both FINs the number 5000: each direction has a sequence space of its own.
    """
    sut, peer = lab.established(sut_iss=4999, peer_iss=6999, role="active")
    sut.shutdown()
    own = peer.expect(TCP(flags="FA", seq=5000, ack=7000))
    peer.send(TCP(flags="A", seq=7000, ack=5001))
    peer.send(TCP(flags="FA", seq=7000, ack=5001))
    last = peer.expect(TCP(flags="A", seq=5001, ack=7001))
    assert own.seq != last.ack - 1
    assert sut.state == "TIME-WAIT"


@requirement("SEED-116")
def test_client_answers_fin_7001_after_one_octet_by_7002(lab):
    """One octet at 7000, then FIN 7001: the client's last ACK is <SEQ=5001><ACK=7002> (RFC 9293 3.6).

    The note's 7002 follows from a FIN at 7001; that number needs the octet at 7000, which the note leaves out.
    """
    sut, peer = lab.established(sut_iss=4999, peer_iss=6999, role="active")
    sut.shutdown()
    peer.expect(TCP(flags="FA", seq=5000, ack=7000))
    peer.send(TCP(flags="A", seq=7000, ack=5001))
    peer.send(TCP(flags="PA", seq=7000, ack=5001), data=b"!")
    peer.expect(TCP(flags="A", seq=5001, ack=7001), within=ACK_DELAY)
    peer.send(TCP(flags="FA", seq=7001, ack=5001))
    peer.expect(TCP(flags="A", seq=5001, ack=7002))
    assert sut.state == "TIME-WAIT"
    assert sut.read_exactly(1) == b"!"


@requirement("SEED-116", "E-3.10.7.4-8-ESTABLISHED-fin-ooo")
def test_fin_7001_without_octet_7000_has_to_wait(lab):
    """FIN 7001 straight after ACK 7000 leaves a gap: the client expects 7000, no TIME-WAIT until it has come (RFC 9293
    3.10.7.4 eighth).

    The note's FIN 7001 directly after the pure ACK 7000 is such a gap.
    """
    sut, peer = lab.established(sut_iss=4999, peer_iss=6999, role="active")
    sut.shutdown()
    peer.expect(TCP(flags="FA", seq=5000, ack=7000))
    peer.send(TCP(flags="A", seq=7000, ack=5001))
    peer.send(TCP(flags="FA", seq=7001, ack=5001))
    lab.advance(ACK_DELAY)
    for duplicate in peer.drain():  # MAY-13: an ACK for the gap is allowed, not demanded
        assert (duplicate.seq, duplicate.ack) == (5001, 7000)
    assert sut.state == "FIN-WAIT-2"
    peer.send(TCP(flags="PA", seq=7000, ack=5001), data=b"!")
    lab.advance(ACK_DELAY)
    assert peer.drain()[-1].ack in (7001, 7002)  # the FIN may have been kept (SHLD-31) or not
    peer.send(TCP(flags="FA", seq=7001, ack=5001), note="repeated")
    peer.expect(TCP(flags="A", seq=5001, ack=7002))
    assert sut.state == "TIME-WAIT"


@requirement("SEED-106", "SEED-113", "SEED-118", "MUST-13")
@pytest.mark.lab(msl=MSL)
def test_active_closer_waits_two_segment_lifetimes(lab):
    """TIME-WAIT lasts 2 MSL: a FIN sent again at 1 s is acknowledged; after 2 MSL it is reset (RFC 9293 3.6.1
    MUST-13).

    One note leaves 2 MSL out. Whether the repeated FIN restarts the wait is a point on which the RFC contradicts
    itself.
    """
    lab.needs("virtual-time")
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000, role="active")
    sut.shutdown()
    peer.expect(TCP(flags="FA", seq=5001, ack=1001))
    peer.send(TCP(flags="FA", seq=1001, ack=5002))
    peer.expect(TCP(flags="A", seq=5002, ack=1002))
    lab.advance(1)
    peer.send(TCP(flags="FA", seq=1001, ack=5002), note="the last ACK was lost")
    peer.expect(TCP(flags="A", seq=5002, ack=1002))
    lab.advance(2 * MSL - 2)
    assert sut.state == "TIME-WAIT"
    peer.expect_nothing()
    lab.advance(1.5)
    with lab.soft("3.10.7.4 eighth: a FIN again restarts the 2MSL time-out; by the first check it is not acceptable"):
        assert sut.state == "TIME-WAIT"
    lab.advance(1.5)
    assert sut.state == "CLOSED"
    peer.send(TCP(flags="FA", seq=1001, ack=5002))
    expect_reset(peer, 5002)


@requirement("SEED-113", "MUST-13", "E-3.10.8-TIME-WAIT-timeout")
@pytest.mark.lab(msl=MSL)
def test_time_wait_ends_after_two_segment_lifetimes(lab):
    """The measured length of TIME-WAIT is 2 MSL (RFC 9293 3.6.1 MUST-13)."""
    lab.needs("virtual-time")
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    sut.shutdown()
    peer.expect(TCP(flags="FA", seq=5001, ack=1001))
    peer.send(TCP(flags="FA", seq=1001, ack=5002))
    peer.expect(TCP(flags="A", seq=5002, ack=1002))
    begin = lab.now
    while sut.state == "TIME-WAIT" and lab.now - begin < 10 * MSL:
        lab.advance(0.5)
    assert lab.now - begin == pytest.approx(2 * MSL, abs=1)


@requirement("SEED-119")
@pytest.mark.lab(msl=MSL)
def test_passive_closer_is_closed_before_the_active_closer(lab):
    """The passive closer forgets the connection with the last ACK, the active closer 2 MSL later (RFC 9293 3.6, Figure
    12).

    The stack plays both parts on two connections; a late ACK shows which of them it still knows.
    """
    sut = lab.listen(port=80, iss=[5000, 6000])
    opener, server = lab.peer(port=4000), lab.peer(port=4001)
    opener.handshake(seq=1000, iss=5000)
    server.handshake(seq=2000, iss=6000)
    opener.send(TCP(flags="FA", seq=1001, ack=5001))
    opener.expect(TCP(flags="A", seq=5001, ack=1002), within=ACK_DELAY)
    sut.connection(opener).shutdown()
    opener.expect(TCP(flags="FA", seq=5001, ack=1002))
    opener.send(TCP(flags="A", seq=1002, ack=5002))
    sut.connection(server).shutdown()
    server.expect(TCP(flags="FA", seq=6001, ack=2001))
    server.send(TCP(flags="FA", seq=2001, ack=6002))
    server.expect(TCP(flags="A", seq=6002, ack=2002))

    opener.send(TCP(flags="A", seq=1002, ack=5002), note="the stack closed passively: it is gone")
    expect_reset(opener, 5002)
    server.send(TCP(flags="FA", seq=2001, ack=6002), note="the stack closed actively: TIME-WAIT")
    server.expect(TCP(flags="A", seq=6002, ack=2002))
    lab.advance(2 * MSL + 1)
    server.send(TCP(flags="FA", seq=2001, ack=6002))
    expect_reset(server, 6002)


@requirement("SEED-121", "E-3.10.4-ESTABLISHED-pending")
def test_close_sends_queued_data_before_the_fin(lab):
    """100 octets are written and the connection closed: data 5001, then FIN 5101 (RFC 9293 3.10.4)."""
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    assert sut.send(b"d" * 100) == 100
    sut.shutdown()
    first = peer.expect_one_of(TCP(flags="A", seq=5001, ack=1001), TCP(flags="FA", seq=5001, ack=1001), within=1)
    assert first.payload == b"d" * 100
    if "F" not in first.flags:
        peer.expect(TCP(flags="FA", seq=5101, ack=1001), data=b"", within=1)
    peer.send(TCP(flags="A", seq=1001, ack=5102))
    assert sut.state == "FIN-WAIT-2"


@requirement("SEED-122", "U-20")
def test_passive_closer_waits_for_its_user(lab):
    """The FIN is acknowledged at once; the stack's own FIN follows when its user closes, here 5 s later (RFC 9293
    3.6)."""
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    peer.send(TCP(flags="FA", seq=1001, ack=5001))
    peer.expect(TCP(flags="A", seq=5001, ack=1002), within=ACK_DELAY)
    peer.expect_nothing(until=5 if lab.has("virtual-time") else 2)
    sut.shutdown()
    peer.expect(TCP(flags="FA", seq=5001, ack=1002))
    peer.send(TCP(flags="A", seq=1002, ack=5002))


@requirement("SEED-124", "SHLD-3")
def test_close_with_unread_data_resets(lab):
    """The application goes away with ten octets unread: the peer should learn by RST that data was lost (RFC 9293
    3.6.1 SHLD-3).

    The note promises that four segments make sure both sides have finished: not for such a close, nor for an abort.
    """
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    peer.send(TCP(flags="PA", seq=1001, ack=5001), data=b"0123456789")
    peer.expect(TCP(flags="A", seq=5001, ack=1011), within=ACK_DELAY)
    sut.close()
    end = peer.expect_one_of(TCP(flags="R", seq=5001), TCP(flags="RA", seq=5001), TCP(flags="FA", seq=5001, ack=1011))
    with lab.soft("SHLD-3: a close with unread data should send RST"):
        assert "R" in end.flags


@requirement("SEED-039", "SEED-125", "F-13", "E-3.10.7.4-8-FIN-WAIT-1-fin-unacked", "E-3.10.7.4-5-CLOSING-fin-acked")
def test_both_sides_close_at_once(lab):
    """FIN 100 and FIN 300 cross: FIN-WAIT-1, CLOSING, TIME-WAIT (RFC 9293 3.6, Figure 13).

    Notes in which the client closes first, by four segments, know one case of three.
    """
    sut, peer = lab.established(sut_iss=99, peer_iss=299, role="active")
    sut.shutdown()
    peer.expect(TCP(flags="FA", seq=100, ack=300))
    assert sut.state == "FIN-WAIT-1"
    peer.send(TCP(flags="FA", seq=300, ack=100), note="crosses the other")
    peer.expect(TCP(flags="A", seq=101, ack=301))
    assert sut.state == "CLOSING"
    peer.send(TCP(flags="A", seq=301, ack=101))
    peer.expect_nothing()
    assert sut.state == "TIME-WAIT"


@requirement("SEED-125")
def test_server_may_close_first(lab):
    """The passive opener closes first: the same segments with the parts exchanged (RFC 9293 3.6).

    The note's "the client is the one to start the close" is the usual case, not a rule.
    """
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000, role="passive")
    sut.shutdown()
    peer.expect(TCP(flags="FA", seq=5001, ack=1001))
    peer.send(TCP(flags="A", seq=1001, ack=5002))
    peer.send(TCP(flags="FA", seq=1001, ack=5002))
    peer.expect(TCP(flags="A", seq=5002, ack=1002))
    assert sut.state == "TIME-WAIT"
