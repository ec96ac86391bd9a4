"""SEGMENT ARRIVES in the other states, fifth check: the ACK field. RFC 9293 3.10.7.4, with RFC 5961 section 5 as
it has it.

Numbers: SND.UNA, SND.NXT and RCV.NXT are those of `helpers.enter`.
"""

import pytest
from helpers import (
    ACK_DELAY,
    AFTER_SYN,
    FIRST_RTO,
    enter,
    established,
    expect_reset,
    gone,
    send_and_acknowledge,
    states,
)
from lastack import requirement
from lastack.scapy import TCP


@pytest.mark.parametrize("flags,octets", [("", 0), ("P", 5), ("F", 0)], ids=["null", "data", "fin"])
@pytest.mark.parametrize("state", states("E-3.10.7.4-5-STATE-noack", AFTER_SYN))
def test_segment_without_ack_is_dropped(lab, state, flags, octets):
    """If the ACK bit is off, drop: no answer, no delivery, no close (fifth)."""
    at = enter(lab, state)
    at.send(flags, data=b"d" * octets)
    at.peer.expect_nothing()
    at.unchanged()
    assert state == "TIME-WAIT" or at.sut.unread == 0


@requirement("E-3.10.7.4-X-null")
def test_null_segment_in_the_window_is_dropped(lab):
    """A segment without any flag inside the window is dropped at the fifth check without a reply (order of checks)."""
    at = established(lab)
    at.send("", data=b"stealth")
    at.peer.expect_nothing(until=ACK_DELAY)
    at.unchanged()


@requirement("E-3.10.7.4-X-xmas")
def test_xmas_segment_in_the_window_is_dropped(lab):
    """FIN,PSH,URG without ACK is dropped at the fifth check; its FIN does not close (order of checks)."""
    at = established(lab)
    at.send("FPU", urgptr=1, data=b"!")
    at.peer.expect_nothing(until=ACK_DELAY)
    at.unchanged()


@pytest.mark.parametrize("sut_iss", [300, 2**32 - 2, 2**31 - 2])
@requirement("E-3.10.7.4-5-SYN-RECEIVED-ack-ok", "U-12")
def test_ack_of_the_syn_opens(lab, sut_iss):
    """SND.UNA < SEG.ACK =< SND.NXT enters ESTABLISHED; SND.WND, WL1 and WL2 come from the segment (fifth,
    SYN-RECEIVED)."""
    at = enter(lab, "SYN-RECEIVED", sut_iss=sut_iss)
    at.send("A", window=4321)
    at.peer.expect_nothing()
    assert at.sut.state == "ESTABLISHED"
    assert (at.sut.snd.una, at.sut.snd.wnd, at.sut.snd.wl1, at.sut.snd.wl2) == (at.nxt, 4321, 101, at.nxt)


@pytest.mark.parametrize("data", [b"", b"data"], ids=["empty", "data"])
@requirement("E-3.10.7.4-5-SYN-RECEIVED-ack-low", "U-15")
def test_ack_of_nothing_in_syn_received_is_reset(lab, data):
    """An ACK of the ISS itself does not acknowledge the SYN: <SEQ=SEG.ACK><CTL=RST>, and the state stays (fifth,
    3.5.2)."""
    at = enter(lab, "SYN-RECEIVED")
    at.send("A", ack=300, data=data)
    expect_reset(at.peer, 300)
    at.unchanged()
    at.send("A")
    assert at.sut.state == "ESTABLISHED"


@pytest.mark.parametrize("ack", [302, 300 + 2**30])
@requirement("E-3.10.7.4-5-SYN-RECEIVED-ack-high", "E-3.10.7.4-5-SYN-RECEIVED-ack-range", "U-15")
def test_ack_of_the_future_in_syn_received_does_not_open(lab, ack):
    """SEG.ACK > SND.NXT: RST with that number, or (RFC 5961 section 5 comes first) an ACK; the right ACK still opens
    (fifth)."""
    at = enter(lab, "SYN-RECEIVED")
    at.send("A", ack=ack)
    at.peer.expect_one_of(TCP(flags="R", seq=ack), TCP(flags="RA", seq=ack), TCP(flags="A", seq=301, ack=101))
    at.unchanged()
    at.send("A")
    assert at.sut.state == "ESTABLISHED"


@pytest.mark.parametrize(
    "state",
    states("E-3.10.7.4-5-STATE-ack-unsent", ["ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING"])
    + states("E-3.10.7.4-5-STATE-ack-range", ["LAST-ACK"]),
)
@pytest.mark.parametrize("beyond", [1, 1000, 2**30])
@requirement("U-09", "U-16")
def test_ack_of_something_not_yet_sent_draws_an_ack(lab, state, beyond):
    """SEG.ACK > SND.NXT: send an ACK, drop the segment; no reset, no change (fifth)."""
    at = enter(lab, state)
    at.send("A", ack=at.nxt + beyond)
    at.expect_ack()
    at.unchanged()


@pytest.mark.parametrize("sut_iss", [300, 2**32 - 2])
@requirement("E-3.10.7.4-X-ack-unsent-data", "E-3.10.7.4-5-ESTABLISHED-ack-unsent", "U-10")
def test_text_with_an_ack_of_the_future_is_not_delivered(lab, sut_iss):
    """In-order text whose ACK is SND.NXT+1 is dropped with the segment: RCV.NXT stays (fifth before seventh)."""
    at = established(lab, sut_iss=sut_iss)
    at.send("A", ack=at.nxt + 1, data=b"from the future")
    at.expect_ack()
    at.unchanged()
    assert at.sut.unread == 0


@pytest.mark.parametrize("state", ["ESTABLISHED", "CLOSE-WAIT"])
@requirement("E-3.10.7.4-5-ESTABLISHED-ack-new", "E-3.10.7.4-5-CLOSE-WAIT-ack")
def test_new_ack_advances_and_stops_the_timer(lab, state):
    """SND.UNA < SEG.ACK =< SND.NXT sets SND.UNA; fully acknowledged segments leave the retransmission queue (fifth)."""
    at = enter(lab, state)
    at.sut.send(b"0123456789")
    at.peer.expect(TCP(flags="A", seq=301, ack=at.rcv), data=b"0123456789")
    at.send("A", ack=311)
    assert (at.sut.snd.una, at.sut.snd.nxt) == (311, 311)
    at.peer.expect_nothing(until=60)  # nothing is outstanding: no timer sends anything


@requirement("E-3.10.7.4-5-ESTABLISHED-ack-new", "U-28")
def test_partial_ack_keeps_the_rest_on_the_queue(lab):
    """An ACK in the middle of a segment acknowledges that far; the timeout repeats what is left from SND.UNA (fifth,
    3.10.8)."""
    at = established(lab)
    at.sut.send(b"0123456789")
    at.peer.expect(TCP(flags="A", seq=301), data=b"0123456789")
    at.send("A", ack=305)
    assert at.sut.snd.una == 305
    got = at.peer.expect(TCP(flags="A", ack=101), within=FIRST_RTO)
    start = 305 - got.seq  # a stack may repeat the whole segment
    assert 0 <= start <= 4 and got.payload[start:] == b"456789"
    at.send("A", ack=311)
    at.peer.expect_nothing(until=2 * FIRST_RTO)


@pytest.mark.parametrize("back", [0, 1, 11, 65535])
@requirement("E-3.10.7.4-5-ESTABLISHED-ack-dup", "E-3.10.7.4-X-old-ack-data", "U-09")
def test_text_with_an_old_ack_is_accepted(lab, back):
    """A duplicate ACK can be ignored but the text of its segment counts, back to SND.UNA-MAX.SND.WND (fifth, RFC 5961
    5.2)."""
    at = established(lab)
    send_and_acknowledge(at, 66_000)  # so that the old number is one that was acknowledged once
    at.send("A", ack=at.una - back, data=b"old news")
    at.expect_ack(109, within=ACK_DELAY)
    assert at.sut.snd.una == at.una
    assert at.sut.read_exactly(8) == b"old news"


@pytest.mark.parametrize("state", states("E-3.10.7.4-5-STATE-ack-range", ["ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2"]))
@requirement("MAY-12", "RFC5961-5.2-a", "RFC5961-5.2-b", "U-09", "U-10")
def test_text_with_a_very_old_ack_may_be_refused(lab, state):
    """SEG.ACK < SND.UNA-MAX.SND.WND: a stack with the defence of RFC 5961 5 discards and ACKs, another takes the text
    (MAY-12)."""
    at = enter(lab, state)
    at.send("A", ack=at.una - 65536, data=b"blind")
    refusal, acceptance = (TCP(flags="A", seq=at.nxt, ack=ack) for ack in (101, 106))
    got = at.peer.expect_one_of(refusal, acceptance, within=ACK_DELAY)
    assert at.sut.rcv.nxt == got.ack
    assert at.sut.unread == got.ack - 101
    assert at.sut.state == state and at.sut.snd.una == at.una


@pytest.mark.parametrize(
    "state", states("E-3.10.7.4-5-STATE-ack-range", ["CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT"])
)
@requirement("MAY-12", "RFC5961-5.2-a")
def test_very_old_ack_while_closing_changes_nothing(lab, state):
    """Where no text can come any more a very old ACK is discarded, with an ACK back or without (fifth, MAY-12)."""
    at = enter(lab, state)
    at.send("A", ack=at.una - 65536)
    for answer in at.peer.drain():
        assert (answer.flags, answer.seq, answer.ack) == ("A", at.nxt, at.rcv)
    at.unchanged()


@requirement("E-3.10.7.4-5-ESTABLISHED-wnd-update", "MUST-1")
@pytest.mark.parametrize("window", [1, 1000, 32767, 32768, 40000, 65535])
def test_window_update_is_taken_unsigned(lab, window):
    """SND.WND follows the window field of the newest segment, as an unsigned number (fifth, 3.1 MUST-1)."""
    at = established(lab, window=500)
    at.send("A", window=window)
    assert at.sut.snd.wnd == window
    assert (at.sut.snd.wl1, at.sut.snd.wl2) == (101, 301)


@requirement("E-3.10.7.4-5-ESTABLISHED-wnd-stale", "E-3.10.7.4-5-ESTABLISHED-wnd-update")
def test_window_of_an_older_segment_is_not_used(lab):
    """SND.WL1 and SND.WL2 keep a segment sent earlier from updating the window (fifth)."""
    at = established(lab)
    at.send("A", data=b"0123456789")
    at.expect_ack(111, within=ACK_DELAY)
    at.send("A", seq=111, window=3000)
    assert (at.sut.snd.wnd, at.sut.snd.wl1) == (3000, 111)
    at.send("A", seq=106, data=b"56789abcde", window=60000, note="sent before, overtaken: it still brings new text")
    at.expect_ack(116, within=ACK_DELAY)
    assert (at.sut.snd.wnd, at.sut.snd.wl1) == (3000, 111), "SND.WL1 > SEG.SEQ: the window field is old"


@requirement("E-3.10.7.4-5-ESTABLISHED-wnd-stale", "E-3.10.7.4-5-ESTABLISHED-wnd-update")
def test_every_segment_moves_what_its_window_is_compared_with(lab):
    """SND.WL1 and SND.WL2 follow each segment, also one that offers the same window as before (fifth)."""
    at = established(lab, window=2000)
    for seq, data in ((101, b"abcdefghij"), (111, b"klmnopqrst")):
        at.send("A", seq=seq, data=data, window=2000)
        at.expect_ack(seq + 10, within=ACK_DELAY)
    assert (at.sut.snd.wnd, at.sut.snd.wl1, at.sut.snd.wl2) == (2000, 111, 301)
    at.send("A", seq=106, data=b"fghijklmnopqrstuvwxyz", window=60000, note="sent before the last one")
    at.expect_ack(127, within=ACK_DELAY)
    assert (at.sut.snd.wnd, at.sut.snd.wl1, at.sut.snd.wl2) == (2000, 111, 301), "SND.WL1 > SEG.SEQ"


@requirement("E-3.10.7.4-5-ESTABLISHED-wnd-stale")
def test_stale_window_does_not_release_data(lab):
    """What the peer closed stays closed, even if an older segment with a large window arrives late (fifth, 3.8.6)."""
    at = established(lab)
    at.send("A", data=b"0123456789", window=65535)
    at.expect_ack(111, within=ACK_DELAY)
    at.send("A", seq=111, window=0)
    at.sut.send(b"must wait")
    at.send("A", seq=106, data=b"56789abcde", window=65535)
    at.peer.expect(TCP(flags="A", seq=301, ack=116), data=b"", within=ACK_DELAY)
    at.peer.expect_nothing()
    assert at.sut.snd.nxt == 301


@requirement("E-3.10.7.4-5-ESTABLISHED-wnd-stale")
def test_window_of_an_older_acknowledgment_is_not_used(lab):
    """With SND.WL1 = SEG.SEQ an ACK older than SND.WL2 does not update the window (fifth)."""
    at = established(lab)
    at.sut.send(b"0123456789")
    at.peer.expect(TCP(flags="A", seq=301), data=b"0123456789")
    at.send("A", ack=311, window=2000)
    assert (at.sut.snd.wnd, at.sut.snd.wl2) == (2000, 311)
    at.send("A", ack=305, window=60000)
    assert (at.sut.snd.wnd, at.sut.snd.wl2, at.sut.snd.una) == (2000, 311, 311)


@requirement("E-3.10.7.4-5-FIN-WAIT-1-fin-acked", "E-3.10.7.4-5-FIN-WAIT-2-ack")
def test_ack_of_the_fin_leads_to_fin_wait_2(lab):
    """When the FIN is acknowledged FIN-WAIT-1 becomes FIN-WAIT-2, and the TCB stays (fifth)."""
    at = enter(lab, "FIN-WAIT-1")
    at.send("A")
    at.peer.expect_nothing(until=FIRST_RTO)
    assert at.sut.state == "FIN-WAIT-2"
    at.send("A")
    at.peer.expect_nothing()
    assert at.sut.state == "FIN-WAIT-2"


@requirement("E-3.10.7.4-5-FIN-WAIT-1-fin-acked", "E-3.10.7.4-7-FIN-WAIT-2-text")
def test_ack_of_the_fin_with_text_continues_in_fin_wait_2(lab):
    """The segment that acknowledges the FIN continues in FIN-WAIT-2: its text is delivered (fifth, seventh)."""
    at = enter(lab, "FIN-WAIT-1")
    at.send("A", data=b"more")
    at.expect_ack(105, within=ACK_DELAY)
    assert at.sut.state == "FIN-WAIT-2"
    assert at.sut.read_exactly(4) == b"more"


@requirement("E-3.10.7.4-5-CLOSING-fin-acked", "E-3.10.7.4-5-CLOSING-fin-unacked")
def test_closing_waits_for_the_ack_of_its_fin(lab):
    """CLOSING goes to TIME-WAIT on the ACK of our FIN and on nothing less (fifth)."""
    at = enter(lab, "CLOSING")
    at.send("A", ack=301)
    at.peer.expect_nothing()
    assert at.sut.state == "CLOSING"
    at.send("A", ack=302)
    at.peer.expect_nothing()
    assert at.sut.state == "TIME-WAIT"


@requirement("E-3.10.7.4-5-LAST-ACK-fin-acked", "RFC1122-4.2.2.20-a")
def test_last_ack_ends_with_the_ack_of_its_fin(lab):
    """LAST-ACK deletes the TCB when our FIN is acknowledged; later segments find no connection (fifth)."""
    at = enter(lab, "LAST-ACK")
    at.send("A")
    at.peer.expect_nothing()
    gone(at.sut, at.peer)


@pytest.mark.parametrize("sut_iss", [2**32 - 5, 2**31 - 5])
@requirement("U-12", "E-3.10.7.4-5-ESTABLISHED-ack-new")
def test_acknowledgments_across_the_wrap(lab, sut_iss):
    """SND.UNA < SEG.ACK =< SND.NXT is arithmetic modulo 2^32: ACKs before, at and after the wrap count in order
    (3.4)."""
    at = established(lab, sut_iss=sut_iss)
    at.sut.send(b"0123456789")
    at.peer.expect(TCP(flags="A", seq=at.nxt), data=b"0123456789")
    for octets in (2, 4, 5, 10):
        at.send("A", ack=at.nxt + octets)
        assert at.sut.snd.una == (at.nxt + octets) % 2**32
    at.peer.expect_nothing(until=2 * FIRST_RTO)


@requirement("E-3.10.7.4-5-TIME-WAIT-ack-range")
def test_ack_of_the_future_in_time_wait(lab):
    """SEG.ACK > SND.NXT in TIME-WAIT: an ACK back where RFC 5961 section 5 is followed, else nothing; never a reset
    (fifth)."""
    at = enter(lab, "TIME-WAIT")
    at.send("A", ack=at.nxt + 1)
    for answer in at.peer.drain():
        assert (answer.flags, answer.seq, answer.ack) == ("A", 302, 102)
    assert at.sut.state == "TIME-WAIT"
