"""SEGMENT ARRIVES in the other states, sixth to eighth check: URG, segment text, FIN. RFC 9293 3.10.7.4."""

import pytest
from helpers import (
    ACK_DELAY,
    FIRST_RTO,
    RECEIVES_TEXT,
    enter,
    established,
    fill_receive_window,
    states,
)
from lastack import requirement
from lastack.scapy import TCP

AFTER_PEER_FIN = ["CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT"]


@pytest.mark.parametrize("state", states("E-3.10.7.4-6-STATE-urg", RECEIVES_TEXT))
@requirement("MUST-30", "MUST-32", "U-24")
def test_urgent_pointer_is_signalled_once(lab, state):
    """URG ahead of what the user consumed: RCV.UP moves and the user is told once for a run of urgent data (sixth)."""
    lab.needs("urgent")
    at = enter(lab, state)
    at.sut.events()
    at.send("UA", ack=at.una, urgptr=10, data=b"01234")
    at.expect_ack(106, within=ACK_DELAY)
    assert "urgent" in at.sut.events()
    at.send("UA", seq=106, ack=at.una, urgptr=5, data=b"56", note="the same end of the urgent data")
    at.expect_ack(108, within=ACK_DELAY)
    assert "urgent" not in at.sut.events()
    assert at.sut.state == state


@requirement("MUST-32")
def test_urgent_pointer_that_moves_ahead_is_signalled_again(lab):
    """When the urgent pointer moves ahead after the user consumed the first urgent data, the user is told again
    (3.8.5)."""
    lab.needs("urgent")
    at = established(lab)
    at.send("UA", urgptr=5, data=b"01234")
    at.expect_ack(106, within=ACK_DELAY)
    assert "urgent" in at.sut.events()
    assert at.sut.read_exactly(5) == b"01234"
    at.send("UA", seq=106, urgptr=5, data=b"56789")
    at.expect_ack(111, within=ACK_DELAY)
    assert "urgent" in at.sut.events()


@pytest.mark.parametrize("state", states("E-3.10.7.4-6-STATE-urg", AFTER_PEER_FIN))
def test_urgent_pointer_after_the_fin_is_ignored(lab, state):
    """After the peer's FIN there can be no urgent data: the URG is ignored (sixth)."""
    at = enter(lab, state)
    if state != "TIME-WAIT":
        at.sut.events()
    at.send("UA", ack=at.una, urgptr=10)
    for answer in at.peer.drain():
        assert (answer.flags, answer.seq, answer.ack) == ("A", at.nxt, at.rcv)
    at.unchanged()
    if state != "TIME-WAIT":
        assert "urgent" not in at.sut.events()


@pytest.mark.parametrize("state", states("E-3.10.7.4-7-STATE-text", RECEIVES_TEXT))
@requirement("MAY-17")
def test_text_in_order_is_delivered_and_acknowledged(lab, state):
    """In-order text advances RCV.NXT and is acknowledged by <ACK=RCV.NXT>, with and without PUSH (seventh)."""
    at = enter(lab, state)
    at.send("A", ack=at.una, data=b"hello ")
    at.expect_ack(107, within=ACK_DELAY)
    at.send("PA", seq=107, ack=at.una, data=b"world")
    at.expect_ack(112, within=ACK_DELAY)
    assert at.sut.rcv.nxt == 112 and at.sut.state == state
    assert at.sut.read_exactly(11) == b"hello world"


@pytest.mark.parametrize("octets", [1, 2, 535, 1459, 1460])
@requirement("E-3.10.7.4-7-ESTABLISHED-text", "MUST-3")
def test_text_of_every_length_is_delivered(lab, octets):
    """Even and odd lengths up to a full segment arrive unchanged (seventh; 3.1 checksum of odd data)."""
    at = established(lab)
    text = bytes(i * 7 % 251 for i in range(octets))
    at.send("A", data=text)
    at.expect_ack(101 + octets, within=ACK_DELAY)
    assert at.read(octets) == text


@pytest.mark.parametrize("state", states("E-3.10.7.4-7-STATE-text", AFTER_PEER_FIN))
def test_text_beyond_the_fin_is_ignored(lab, state):
    """After its FIN the peer has no more text: what comes is ignored; an ACK or a RST may answer (seventh)."""
    at = enter(lab, state)
    at.send("A", ack=at.una, data=b"impossible")
    answers = at.peer.drain()
    for answer in answers:
        assert answer.flags in ("R", "RA") or (answer.flags, answer.seq, answer.ack) == ("A", at.nxt, at.rcv)
    if any("R" in answer.flags for answer in answers):
        assert at.sut.state in ("CLOSED", "TIME-WAIT")
        return
    at.unchanged()
    assert state == "TIME-WAIT" or at.sut.unread == 0


@pytest.mark.parametrize("state", states("E-3.10.7.4-8-STATE-fin", AFTER_PEER_FIN))
def test_another_fin_changes_nothing(lab, state):
    """A retransmitted FIN draws the ACK again, and the state remains (first check, eighth)."""
    at = enter(lab, state)
    at.send("FA", seq=101, ack=at.una)
    at.expect_ack(102)
    at.unchanged()


@requirement("E-3.10.7.4-8-ESTABLISHED-fin", "U-20", "MUST-12")
def test_fin_is_acknowledged_and_told(lab):
    """A FIN advances RCV.NXT by one, is acknowledged and told to the user; the own FIN waits for the user's CLOSE
    (eighth)."""
    at = established(lab)
    at.send("FA")
    at.expect_ack(102, within=ACK_DELAY)
    assert at.sut.state == "CLOSE-WAIT" and at.sut.rcv.nxt == 102
    assert "eof" in at.sut.events()
    at.peer.expect_nothing(until=FIRST_RTO)


@pytest.mark.parametrize("peer_iss", [2**32 - 2, 2**32 - 1, 2**31 - 1])
@requirement("E-3.10.7.4-8-ESTABLISHED-fin", "U-12")
def test_fin_at_the_wrap_counts_one(lab, peer_iss):
    """A FIN at 2^32-1 is acknowledged by 0 (eighth, 3.4)."""
    at = enter(lab, "CLOSE-WAIT", peer_iss=peer_iss)
    assert at.sut.rcv.nxt == (peer_iss + 2) % 2**32


@requirement("E-3.10.7.4-8-FIN-WAIT-1-fin-acked")
def test_fin_that_acknowledges_our_fin_leads_to_time_wait(lab):
    """In FIN-WAIT-1 a FIN whose ACK covers our FIN enters TIME-WAIT and stops the other timers (eighth)."""
    at = enter(lab, "FIN-WAIT-1")
    at.send("FA")
    at.expect_ack(102, within=ACK_DELAY)
    assert at.sut.state == "TIME-WAIT"
    at.peer.expect_nothing(until=2 * FIRST_RTO)


@requirement("E-3.10.7.4-8-FIN-WAIT-1-fin-unacked")
def test_fin_that_does_not_acknowledge_our_fin_leads_to_closing(lab):
    """In FIN-WAIT-1 a FIN whose ACK does not cover our FIN enters CLOSING, not TIME-WAIT (eighth)."""
    at = enter(lab, "FIN-WAIT-1")
    at.send("FA", ack=301)
    at.expect_ack(102, within=ACK_DELAY)
    assert at.sut.state == "CLOSING"


@requirement("E-3.10.7.4-8-FIN-WAIT-2-fin")
def test_fin_in_fin_wait_2_leads_to_time_wait(lab):
    """In FIN-WAIT-2 the peer's FIN, here behind its last text, enters TIME-WAIT (eighth)."""
    at = enter(lab, "FIN-WAIT-2")
    at.send("FA", data=b"bye")
    at.expect_ack(105, within=ACK_DELAY)
    assert at.sut.state == "TIME-WAIT"


@requirement("E-3.10.7.4-8-ESTABLISHED-fin", "E-3.10.7.4-1-ANY-len-wnd0")
def test_fin_at_a_closed_window_is_not_lost(lab):
    """A FIN that arrives at a closed window is taken, or refused with an ACK and taken when the window is open again
    (first, eighth).

    By Table 6 a segment with SEG.LEN = 1 is unacceptable at a window of zero; many stacks take the FIN all the same.
    """
    at = established(lab)
    sent = fill_receive_window(at)
    at.send("FA")
    refused, taken = (TCP(flags="A", seq=301, ack=ack) for ack in (at.rcv, at.rcv + 1))
    got = at.peer.expect_one_of(refused, taken, within=ACK_DELAY)
    assert at.sut.state == ("CLOSE-WAIT" if got.ack == at.rcv + 1 else "ESTABLISHED")
    at.read(sent)
    at.send("FA")
    at.peer.expect(TCP(flags="A", seq=301, ack=at.rcv + 1), data=b"", within=ACK_DELAY)
    assert at.sut.state == "CLOSE-WAIT"


@requirement("E-3.10.7.4-8-ESTABLISHED-fin-ooo", "E-3.10.7.4-1-ANY-queue")
def test_fin_alone_beyond_a_gap_does_not_close(lab):
    """A bare FIN whose number lies beyond missing text does not count until the text has come (eighth)."""
    at = established(lab)
    at.send("FA", seq=111)
    for answer in at.peer.drain():
        assert (answer.flags, answer.ack) == ("A", 101)
    at.unchanged()
    at.send("A", data=b"0123456789")
    got = at.peer.expect_one_of(TCP(flags="A", seq=301, ack=111), TCP(flags="A", seq=301, ack=112), within=ACK_DELAY)
    if got.ack == 111:
        at.send("FA", seq=111)
        at.expect_ack(112, within=ACK_DELAY)
    assert at.sut.state == "CLOSE-WAIT"
    assert at.sut.read_exactly(10) == b"0123456789"


@requirement("U-25", "RFC6093-3.1-a")
@pytest.mark.parametrize("pointer", [0, 1, 65535])
def test_senseless_urgent_pointers_do_no_harm(lab, pointer):
    """Zero, or far beyond the data: the stream stays intact (3.8.5; RFC 6093)."""
    at = established(lab)
    at.send("UA", urgptr=pointer, data=b"stream")
    at.expect_ack(107, within=ACK_DELAY)
    at.send("A", seq=107, data=b" goes on")
    at.expect_ack(115, within=ACK_DELAY)
    data = b""
    while len(data) < 14 and (part := at.sut.recv()):
        data += part
    # RFC 6093 3.1: many stacks hand the last urgent octet over out of band.
    assert data == b"stream goes on" or len(data) == 13 and set(data) <= set(b"stream goes on")
