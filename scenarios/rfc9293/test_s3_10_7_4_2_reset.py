"""SEGMENT ARRIVES in the other states, second check: the RST bit. RFC 9293 3.10.7.4, with RFC 5961 section 3 as it
has it.

A RST exactly at RCV.NXT resets in the way of the state; one elsewhere in the window draws a challenge ACK. One
outside the window is in the scenarios of the first check.
"""

import pytest
from helpers import ACK_DELAY, AFTER_SYN, FIRST_RTO, case, enter, established, expect_reset, gone, states
from lastack import requirement
from lastack.scapy import TCP


@pytest.mark.parametrize("offset", ["next", "last"])
@pytest.mark.parametrize("state", states("E-3.10.7.4-2-STATE-rst-inwindow", AFTER_SYN))
@requirement("U-05", "RFC5961-3.2-c", "U-27")
def test_reset_in_the_window_but_not_exact_is_challenged(lab, state, offset):
    """RCV.NXT < SEG.SEQ < RCV.NXT+RCV.WND draws <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, and the connection lives (second,
    3)."""
    at = enter(lab, state)
    at.send("R", seq=at.rcv + (1 if offset == "next" else at.wnd - 1))
    at.expect_ack()
    at.unchanged()


@requirement("U-06", "E-3.10.7.4-2-ESTABLISHED-rst-inwindow")
def test_data_of_a_challenged_reset_is_dropped(lab):
    """After the challenge ACK processing stops: the octets of the segment are never delivered (second, 3)."""
    at = established(lab)
    at.send("RA", seq=at.rcv + 1, data=b"0123456789")
    at.expect_ack()
    at.send("A", data=b"x")
    at.expect_ack(at.rcv + 1, within=ACK_DELAY, note="only the one octet that came in order")
    assert at.sut.read_exactly(1) == b"x" and at.sut.unread == 0


@pytest.mark.parametrize(
    "state", states("E-3.10.7.4-2-STATE-rst-exact", ["ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT"])
)
@requirement("U-04", "RFC5961-3.2-b", "MUST-12")
def test_exact_reset_closes_and_tells_the_user(lab, state):
    """A RST at RCV.NXT closes without an answer; the user receives "connection reset" (second, 2)."""
    at = enter(lab, state)
    at.sut.events()
    at.send("R")
    at.peer.expect_nothing(until=FIRST_RTO)  # all queues are flushed: nothing is sent again
    assert "reset" in at.sut.events()
    gone(at.sut, at.peer)


@pytest.mark.parametrize("state", states("E-3.10.7.4-2-STATE-rst-exact", ["CLOSING", "LAST-ACK"]))
@requirement("U-04", "RFC5961-3.2-b")
def test_exact_reset_ends_a_connection_that_both_sides_closed(lab, state):
    """In CLOSING and LAST-ACK an exact RST deletes the TCB: no answer, no more FINs (second)."""
    at = enter(lab, state)
    at.send("R")
    at.peer.expect_nothing(until=FIRST_RTO)
    gone(at.sut, at.peer)


@requirement("E-3.10.7.4-2-TIME-WAIT-rst-exact", "RFC1337-3-F1", "RFC1337-1-a")
def test_exact_reset_in_time_wait_closes_or_is_ignored(lab):
    """RFC 9293 closes on an exact RST in TIME-WAIT; RFC 1337 advises to ignore it. Never an answer (second; RFC 1337 3
    F1)."""
    at = enter(lab, "TIME-WAIT")
    at.send("R")
    at.peer.expect_nothing()
    at.send("FA", seq=101)
    if at.sut.state == "TIME-WAIT":
        at.expect_ack(102)
    else:
        assert at.sut.state == "CLOSED"
        expect_reset(at.peer, 302)


@requirement("E-3.10.7.4-2-SYN-RECEIVED-rst-passive", "MUST-11", "U-04")
def test_exact_reset_in_syn_received_returns_to_listen(lab):
    """After a passive OPEN an exact RST returns SYN-RECEIVED to LISTEN; the user is not told (second)."""
    at = enter(lab, "SYN-RECEIVED")
    at.send("R")
    at.peer.expect_nothing(until=FIRST_RTO)  # the SYN,ACK left the retransmission queue
    assert at.sut.state == "LISTEN"
    assert not {"reset", "refused"} & at.sut.events()


@requirement("E-3.10.7.4-2-SYN-RECEIVED-rst-active", "MUST-11", "U-04")
def test_exact_reset_in_syn_received_refuses_an_active_open(lab):
    """After an active OPEN an exact RST in SYN-RECEIVED means "connection refused" and CLOSED (second)."""
    at = enter(lab, "SYN-RECEIVED", role="active")
    at.send("R")
    at.peer.expect_nothing(until=FIRST_RTO)
    assert {"refused", "reset"} & at.sut.events()
    gone(at.sut, at.peer)


@pytest.mark.parametrize("state", ["SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT"])
@requirement("E-3.10.7.4-2-ANY-rst-data", "SHLD-2")
def test_exact_reset_with_data_is_honoured(lab, state):
    """A RST may carry octets (a diagnostic); it resets all the same and they are not stream data (3.5.3 SHLD-2)."""
    at = enter(lab, state)
    at.send("R", data=b"go away")
    at.peer.expect_nothing()
    if state == "SYN-RECEIVED":
        assert at.sut.state == "LISTEN"
    else:
        assert at.sut.state == "CLOSED" and at.sut.unread == 0


@requirement("RFC5961-3.2-f", "RFC5961-3.2-c")
def test_genuine_peer_resets_in_two_steps(lab):
    """A peer that really lost the connection answers the challenge ACK with an exact RST, and that one works (RFC 5961
    3.2)."""
    at = established(lab)
    at.send("R", seq=at.rcv + 1000)
    challenge = at.expect_ack()
    at.peer.send(TCP(flags="R", seq=challenge.ack))
    at.peer.expect_nothing()
    gone(at.sut, at.peer)


@requirement("E-3.10.7.4-2-ESTABLISHED-rst-exact", "MUST-12")
def test_reset_flushes_what_was_waiting(lab):
    """An exact RST flushes the retransmission queue and the data not yet sent: nothing leaves afterwards (second)."""
    at = established(lab, window=1000)
    at.sut.send(b"d" * 3000)
    at.peer.expect(TCP(flags="A", seq=301))
    at.peer.drain()
    at.send("R")
    at.peer.expect_nothing(until=2 * FIRST_RTO)
    gone(at.sut, at.peer)


@requirement("E-3.10.7.4-X-rstsyn")
def test_reset_is_checked_before_the_syn(lab):
    """RST,SYN at RCV.NXT resets: the second check comes before the fourth (3.10.7.4 order)."""
    at = established(lab)
    at.send("RS")
    at.peer.expect_nothing()
    gone(at.sut, at.peer)


@requirement("E-3.10.7.4-X-rstfin")
def test_fin_of_a_challenged_reset_is_not_processed(lab):
    """RST,FIN,ACK at RCV.NXT+1 draws the challenge ACK; the FIN has no effect (3.10.7.4 order)."""
    at = established(lab)
    at.send("RFA", seq=at.rcv + 1)
    at.expect_ack()
    at.unchanged()


LEGACY = "E-3.10.7.4-2-"
SYNC = ("ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT")
BOTH_CLOSED = ("CLOSING", "LAST-ACK", "TIME-WAIT")


@pytest.mark.lab(sut_options={"rfc5961": 0})
@requirement(LEGACY + "SYN-RECEIVED-rst-legacy-active")
def test_stack_without_rfc5961_is_refused_by_any_reset_in_the_window(lab):
    """Without RFC 5961 a RST in the window refuses an active OPEN in SYN-RECEIVED (second, original rule)."""
    at = enter(lab, "SYN-RECEIVED", role="active")
    at.send("R", seq=at.rcv + 1)
    at.peer.expect_nothing()
    gone(at.sut, at.peer)


@pytest.mark.lab(sut_options={"rfc5961": 0})
@pytest.mark.parametrize(
    "state,after",
    [
        case("SYN-RECEIVED", "LISTEN", req=LEGACY + "SYN-RECEIVED-rst-legacy-passive", name="SYN-RECEIVED"),
        *[case(s, "CLOSED", req=LEGACY + "SYNC-rst-legacy", name=s) for s in SYNC],
        *[case(s, "CLOSED", req=LEGACY + "CLOSING3-rst-legacy", name=s) for s in BOTH_CLOSED],
    ],
)
def test_stack_without_rfc5961_takes_any_reset_in_the_window(lab, state, after):
    """Without the protection of RFC 5961 every RST in the window resets in the way of its state (second, original
    rule)."""
    at = enter(lab, state)
    at.send("R", seq=at.rcv + 1)
    at.peer.expect_nothing()
    assert at.sut.state == after
