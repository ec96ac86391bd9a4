"""Closing a connection: RFC 9293 3.6 with Figures 12 and 13 and their exact numbers.

The figures from both ends; then lost and repeated FINs and ACKs, TIME-WAIT, and data around the close.
"""

import pytest
from helpers import ACK_DELAY, FIRST_RTO, case, enter, established, expect_reset, gone, take_until_fin
from lastack import requirement
from lastack.scapy import TCP

MSL = 30  # seconds; a Lab option, so that 2MSL is known
short_msl = pytest.mark.lab(msl=MSL)


@requirement("F-12", "E-3.10.4-ESTABLISHED-idle", "E-3.10.7.4-5-FIN-WAIT-1-fin-acked", "E-3.10.7.4-8-FIN-WAIT-2-fin")
def test_normal_close_by_the_side_that_closes_first(lab):
    """Figure 12, the stack as A: FIN 100 occupies one number, the peer's FIN 300 is acknowledged by 301 (3.6)."""
    at = established(lab, sut_iss=99, peer_iss=299)
    at.sut.shutdown()
    at.peer.expect(TCP(flags="FA", seq=100, ack=300), data=b"")
    assert at.sut.state == "FIN-WAIT-1" and at.sut.snd.nxt == 101
    at.peer.send(TCP(flags="A", seq=300, ack=101))
    at.peer.expect_nothing()
    assert at.sut.state == "FIN-WAIT-2"
    at.peer.send(TCP(flags="FA", seq=300, ack=101), note="the FIN has the number of the pure ACK")
    at.peer.expect(TCP(flags="A", seq=101, ack=301), data=b"", within=ACK_DELAY)
    assert at.sut.state == "TIME-WAIT"
    assert at.sut.recv() == b"" and at.sut.eof


@requirement("F-12", "U-20")
@requirement("E-3.10.7.4-8-ESTABLISHED-fin", "E-3.10.4-CLOSE-WAIT-idle", "E-3.10.7.4-5-LAST-ACK-fin-acked")
def test_normal_close_by_the_side_that_closes_second(lab):
    """Figure 12, the stack as B: ACK 101, its own FIN with the same SEQ=300 as that ACK, CLOSED after the ACK 301
    (3.6)."""
    at = established(lab, sut_iss=299, peer_iss=99)
    at.peer.send(TCP(flags="FA", seq=100, ack=300))
    at.peer.expect(TCP(flags="A", seq=300, ack=101), data=b"", within=ACK_DELAY)
    assert at.sut.state == "CLOSE-WAIT" and at.sut.rcv.nxt == 101
    at.peer.expect_nothing(until=1)  # no FIN before the user closes
    at.sut.shutdown()
    at.peer.expect(TCP(flags="FA", seq=300, ack=101), data=b"")
    assert at.sut.state == "LAST-ACK"
    at.peer.send(TCP(flags="A", seq=101, ack=301))
    at.peer.expect_nothing()
    assert at.sut.state == "CLOSED"


@pytest.mark.parametrize("own,other", [(100, 300), (300, 100)], ids=["as-A", "as-B"])
@requirement("F-13", "E-3.10.7.4-8-FIN-WAIT-1-fin-unacked", "E-3.10.7.4-5-CLOSING-fin-acked")
def test_simultaneous_close(lab, own, other):
    """Figure 13: crossing FINs, each acknowledged by the next number, both sides through CLOSING to TIME-WAIT (3.6)."""
    at = established(lab, sut_iss=own - 1, peer_iss=other - 1)
    at.sut.shutdown()
    at.peer.expect(TCP(flags="FA", seq=own, ack=other), data=b"")
    at.peer.send(TCP(flags="FA", seq=other, ack=own))
    at.peer.expect(TCP(flags="A", seq=own + 1, ack=other + 1), data=b"", within=ACK_DELAY)
    assert at.sut.state == "CLOSING"
    at.peer.send(TCP(flags="A", seq=other + 1, ack=own + 1))
    at.peer.expect_nothing()
    assert at.sut.state == "TIME-WAIT"


@requirement("E-3.10.7.4-8-FIN-WAIT-1-fin-acked")
def test_three_segment_close(lab):
    """A FIN that acknowledges our FIN leads from FIN-WAIT-1 to TIME-WAIT at once (3.10.7.4 eighth)."""
    at = enter(lab, "FIN-WAIT-1")
    at.send("FA", ack=302)
    at.expect_ack(102, within=ACK_DELAY)
    assert at.sut.state == "TIME-WAIT"


@requirement("E-3.10.7.4-1-TIME-WAIT-seq-unacceptable", "E-3.10.7.4-5-TIME-WAIT-fin-rexmit", "MUST-13")
def test_lost_final_ack_is_sent_again_in_time_wait(lab):
    """The lost final ACK, first reading: the peer repeats its FIN and the client in TIME-WAIT answers it again (3.6,
    3.10.7.4)."""
    at = enter(lab, "FIN-WAIT-2")
    at.send("FA")
    at.peer.lost(TCP(flags="A", seq=302, ack=102), within=ACK_DELAY)
    assert at.sut.state == "TIME-WAIT"
    lab.advance(1)
    at.send("FA")
    at.peer.expect(TCP(flags="A", seq=302, ack=102), data=b"")
    assert at.sut.state == "TIME-WAIT"


@requirement("E-3.10.8-LAST-ACK-rto")
def test_last_ack_repeats_its_fin_until_it_is_acknowledged(lab):
    """The lost final ACK, second reading: the server in LAST-ACK repeats its FIN with the same numbers (3.10.8)."""
    at = enter(lab, "LAST-ACK")
    at.peer.expect(TCP(flags="FA", seq=301, ack=102), data=b"", within=FIRST_RTO)
    assert at.sut.state == "LAST-ACK"
    at.peer.expect(TCP(flags="FA", seq=301, ack=102), data=b"", within=2 * FIRST_RTO)
    at.send("A")
    at.peer.expect_nothing()
    gone(at.sut, at.peer)


@requirement("E-3.10.8-FIN-WAIT-1-rto")
def test_fin_wait_1_repeats_its_fin(lab):
    """A lost FIN is repeated in FIN-WAIT-1 as <SEQ=SND.NXT-1><ACK=RCV.NXT><CTL=FIN,ACK> (3.10.8)."""
    at = enter(lab, "FIN-WAIT-1")
    at.peer.expect(TCP(flags="FA", seq=301, ack=101), data=b"", within=FIRST_RTO)
    at.send("A")
    assert at.sut.state == "FIN-WAIT-2"
    at.peer.expect_nothing(until=3 * FIRST_RTO)


@requirement("E-3.10.8-CLOSING-rto")
def test_closing_repeats_its_fin(lab):
    """When our FIN of a crossing close is lost, CLOSING repeats it, now acknowledging the peer's FIN too (3.10.8)."""
    at = enter(lab, "CLOSING")
    at.peer.expect(TCP(flags="FA", seq=301, ack=102), data=b"", within=FIRST_RTO)
    at.send("A")
    at.peer.expect_nothing()
    assert at.sut.state == "TIME-WAIT"


@short_msl
@requirement("MUST-13", "E-3.10.8-TIME-WAIT-timeout", "RFC1122-4.2.2.13-a")
def test_time_wait_lasts_twice_the_msl(lab):
    """The side that closes first stays in TIME-WAIT for 2MSL and answers until then, and forgets after (3.6.1
    MUST-13)."""
    at = enter(lab, "TIME-WAIT")
    lab.advance(2 * MSL - 0.1)
    assert at.sut.state == "TIME-WAIT"
    lab.advance(0.2)
    assert at.sut.state == "CLOSED"
    at.send("FA", seq=101, note="the peer's FIN again: nobody knows it")
    expect_reset(at.peer, 302)


@short_msl
@requirement("E-3.10.7.4-8-TIME-WAIT-fin", "E-3.10.7.4-5-TIME-WAIT-fin-rexmit")
def test_repeated_fin_restarts_the_time_wait_timeout(lab):
    """A retransmitted FIN in TIME-WAIT is acknowledged and restarts the 2MSL timeout (3.10.7.4 fifth and eighth).

    Read literally the FIN is left of the window and the first check drops it after the ACK, so only the ACK is strict.
    """
    at = enter(lab, "TIME-WAIT")
    lab.advance(2 * MSL - 1)
    at.send("FA", seq=101)
    at.expect_ack(102)
    lab.advance(2)
    with lab.soft("the restart of the timeout contradicts the first check (3.10.7.4)"):
        assert at.sut.state == "TIME-WAIT"
        at.send("FA", seq=101)
        at.expect_ack(102)
        lab.advance(2 * MSL + 0.1)
    assert at.sut.state == "CLOSED"


@pytest.mark.parametrize(
    "restarts",
    [
        case(True, req="E-3.10.7.4-8-TIME-WAIT-fin", name="on", msl=MSL, sut_options={"time_wait_restart": 1}),
        case(False, req="E-3.10.8-TIME-WAIT-timeout", name="off", msl=MSL, sut_options={"time_wait_restart": 0}),
    ],
)
def test_restart_of_the_time_wait_timeout_is_as_chosen(lab, restarts):
    """Where one can choose between the two readings, a FIN at 2MSL-1 s restarts 2MSL or does not, as chosen."""
    at = enter(lab, "TIME-WAIT")
    lab.advance(2 * MSL - 1)
    at.send("FA", seq=101)
    at.expect_ack(102)
    lab.advance(2)
    if not restarts:
        gone(at.sut, at.peer)
        return
    assert at.sut.state == "TIME-WAIT"
    lab.advance(2 * MSL - 3)
    assert at.sut.state == "TIME-WAIT"
    lab.advance(1.5)
    gone(at.sut, at.peer)


@requirement("E-3.10.7.4-5-LAST-ACK-fin-unacked")
def test_old_ack_does_not_end_last_ack(lab):
    """In LAST-ACK only the acknowledgment of our FIN closes; an older ACK changes nothing (3.10.7.4 fifth)."""
    at = enter(lab, "LAST-ACK")
    at.send("A", ack=301)
    at.unchanged()
    at.peer.expect(TCP(flags="FA", seq=301, ack=102), within=FIRST_RTO, note="the FIN is still unacknowledged")


@requirement("E-3.10.7.4-5-CLOSING-fin-unacked")
def test_old_ack_does_not_end_closing(lab):
    """In CLOSING an ACK that does not cover our FIN is ignored (3.10.7.4 fifth)."""
    at = enter(lab, "CLOSING")
    at.send("A", ack=301)
    at.peer.expect_nothing()
    at.unchanged()


@requirement("E-3.10.7.4-5-FIN-WAIT-1-data-acked", "E-3.10.7.4-5-FIN-WAIT-1-fin-acked", "U-21")
def test_ack_of_the_data_before_the_fin_does_not_leave_fin_wait_1(lab):
    """Only an ACK that covers the FIN leads to FIN-WAIT-2; one that covers the data before it does not (3.10.7.4
    fifth)."""
    at = established(lab)
    at.sut.send(b"0123456789")
    at.peer.expect(TCP(flags="A", seq=301, ack=101), data=b"0123456789")
    at.sut.shutdown()
    at.peer.expect(TCP(flags="FA", seq=311, ack=101), data=b"")
    for ack in (306, 311):
        at.send("A", ack=ack)
        at.peer.expect_nothing()
        assert at.sut.state == "FIN-WAIT-1" and at.sut.snd.una == ack
    at.send("A", ack=312)
    at.peer.expect_nothing()
    assert at.sut.state == "FIN-WAIT-2"


@requirement("E-3.10.4-ESTABLISHED-pending", "U-21")
def test_buffered_data_leaves_before_the_fin(lab):
    """CLOSE with unsent data: FIN-WAIT-1 at once, the FIN only after the last octet (3.10.4, 3.6)."""
    at = established(lab, window=1000)
    stream = bytes(i % 251 for i in range(2000))
    at.sut.send(stream)
    first = at.peer.expect(TCP(flags="A", seq=301, ack=101), within=1.0).payload
    for more in at.peer.drain():
        first += more.payload
    at.sut.shutdown()
    assert at.sut.state == "FIN-WAIT-1"
    at.peer.expect_nothing()
    at.una = at.nxt = 301 + len(first)
    at.send("A")
    assert first + take_until_fin(at) == stream
    assert at.nxt == 301 + 2000 + 1
    assert at.sut.state == "FIN-WAIT-2"


@requirement("E-3.10.4-CLOSE-WAIT-pending", "E-3.10.2-CLOSE-WAIT-data")
def test_close_wait_sends_its_data_and_then_its_fin(lab):
    """In CLOSE-WAIT data may still be sent; the FIN follows it and leads to LAST-ACK (3.10.2, 3.10.4)."""
    at = enter(lab, "CLOSE-WAIT")
    at.sut.send(b"0123456789")
    at.peer.expect(TCP(flags="A", seq=301, ack=102), data=b"0123456789")
    at.sut.shutdown()
    at.peer.expect(TCP(flags="FA", seq=311, ack=102), data=b"")
    assert at.sut.state == "LAST-ACK"
    at.send("A", ack=311)
    assert at.sut.state == "LAST-ACK"
    at.send("A", ack=312)
    assert at.sut.state == "CLOSED"


@pytest.mark.parametrize("octets", [1, 10, 1460])
@requirement("E-3.10.7.4-8-ESTABLISHED-fin-data", "MUST-12")
def test_fin_with_data_counts_both(lab, octets):
    """A FIN behind the last data occupies one more number: ACK = SEQ + length + 1 (3.4, 3.10.7.4 eighth)."""
    at = established(lab)
    at.send("FA", data=b"d" * octets)
    at.expect_ack(101 + octets + 1, within=ACK_DELAY)
    assert at.sut.state == "CLOSE-WAIT"
    assert at.read(octets) == b"d" * octets
    assert at.sut.recv() == b"" and at.sut.eof


@requirement("E-3.10.7.4-8-ESTABLISHED-fin-ooo", "SHLD-31")
def test_fin_beyond_a_gap_waits_for_the_gap(lab):
    """A FIN that arrives before the data in front of it takes effect only when that data has come (3.10.7.4 first,
    eighth)."""
    at = established(lab)
    at.send("FA", seq=106, data=b"56789")
    for answer in at.peer.drain():
        assert (answer.flags, answer.seq, answer.ack) == ("A", 301, 101)
    assert at.sut.state == "ESTABLISHED" and at.sut.rcv.nxt == 101
    at.send("A", data=b"01234")
    # SHLD-31 holds a segment for later: with its FIN, its text alone, or (it is a SHOULD) not at all.
    kept = [TCP(flags="A", seq=301, ack=ack) for ack in (112, 111, 106)]
    got = at.peer.expect_one_of(*kept, within=ACK_DELAY)
    if got.ack != 112:
        at.send("FA", seq=got.ack, data=b"56789"[got.ack - 106 :])
        at.expect_ack(112, within=ACK_DELAY)
    assert at.sut.state == "CLOSE-WAIT"
    assert at.sut.read_exactly(10) == b"0123456789"


@requirement("E-3.10.7.4-7-FIN-WAIT-1-text", "E-3.10.7.4-7-FIN-WAIT-2-text")
@pytest.mark.parametrize("state", ["FIN-WAIT-1", "FIN-WAIT-2"])
def test_half_closed_side_still_receives(lab, state):
    """CLOSE means "I have no more to send": data of the peer is still acknowledged and delivered (3.6)."""
    at = enter(lab, state)
    at.send("PA", ack=at.una, data=b"still here")
    at.expect_ack(111, within=ACK_DELAY)
    assert at.sut.state == state
    assert at.sut.read_exactly(10) == b"still here"


@requirement("MUST-12")
def test_user_can_tell_a_close_from_a_reset(lab):
    """The user learns whether the peer closed or aborted (3.6 MUST-12): here the FIN; the reset is in the next
    scenario."""
    at = established(lab)
    at.send("FA")
    at.expect_ack(102, within=ACK_DELAY)
    events = at.sut.events()
    assert "eof" in events and "reset" not in events


@requirement("MUST-12", "E-3.10.7.4-2-ESTABLISHED-rst-exact")
def test_user_can_tell_a_reset_from_a_close(lab):
    """After the peer's reset the user hears "connection reset", not an orderly end (3.6 MUST-12)."""
    at = established(lab)
    at.send("R")
    at.peer.expect_nothing()
    events = at.sut.events()
    assert "reset" in events and "eof" not in events


@requirement("SHLD-3", "MAY-1")
def test_closing_with_unread_data_says_that_it_is_lost(lab):
    """An application that goes away with data unread should answer with a RST, so that the peer knows (3.6.1
    SHLD-3)."""
    at = established(lab)
    at.send("PA", data=b"nobody reads this")
    at.expect_ack(118, within=ACK_DELAY)
    at.sut.close()
    with lab.soft("SHLD-3: a RST tells that data was lost"):
        expect_reset(at.peer, 301)
        assert at.sut.state == "CLOSED"
    at.peer.drain()


@requirement("SHLD-3", "MAY-1")
def test_data_after_the_application_is_gone_is_reset(lab):
    """Data that arrives when the application can no longer read should draw a RST (3.6.1 SHLD-3)."""
    at = established(lab)
    at.sut.close()
    at.peer.expect(TCP(flags="FA", seq=301, ack=101))
    at.send("A", ack=302)
    at.send("PA", ack=302, data=b"too late")
    with lab.soft("SHLD-3: late data draws a RST"):
        expect_reset(at.peer, 302)
    at.peer.drain()


@pytest.mark.parametrize(
    "syn_seq",
    [
        case(102, req=["MAY-2", "E-3.10.7.4-4-TIME-WAIT-syn-seq", "RFC6191-2-f"], name="next"),
        case(50_000, req=["MAY-2", "E-3.10.7.4-4-TIME-WAIT-syn-seq"], name="in-window"),
    ],
)
def test_new_syn_may_reopen_from_time_wait(lab, syn_seq):
    """A SYN above the old numbers may reopen from TIME-WAIT with an ISS above the old SND.NXT; else it is challenged
    (3.6.1)."""
    at = enter(lab, "TIME-WAIT")
    at.peer.send(TCP(flags="S", seq=syn_seq))
    answers = at.peer.drain()
    for answer in answers:
        if answer.flags == "SA":
            assert answer.ack == syn_seq + 1
            assert answer.seq > 302, "the new ISS is larger than the old SND.NXT"
        elif "R" in answer.flags:  # without RFC 5961: "if the SYN is in the window it is an error: send a reset"
            assert (answer.flags, answer.seq, answer.ack) == ("RA", 0, syn_seq + 1)
        else:
            assert (answer.flags, answer.seq, answer.ack) == ("A", 302, 102)
    assert len(answers) <= 1
