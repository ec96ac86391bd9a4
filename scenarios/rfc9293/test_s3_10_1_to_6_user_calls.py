"""User calls in every state: OPEN, SEND, RECEIVE, CLOSE, ABORT, STATUS. RFC 9293 3.10.1 to 3.10.6.

Where the RFC's call would wait, the stack's call returns with nothing; where the RFC says "error", the call is
refused. Sockets say the end of the stream where RFC 9293 says "error: connection closing" to a RECEIVE: both are
accepted.
"""

import pytest
from helpers import (
    ACK_DELAY,
    AFTER_SYN,
    FIRST_RTO,
    SYNCHRONIZED,
    close_window,
    enter,
    established,
    expect_reset,
    fill_receive_window,
    gone,
    refused,
    states,
)
from lastack import CallError, requirement
from lastack.scapy import TCP

CLOSING_STATES = ["CLOSING", "LAST-ACK", "TIME-WAIT"]


def in_syn_sent(lab):
    """SYN-SENT with <SEQ=300><CTL=SYN> on the wire."""
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=300, port=80)
    peer.expect(TCP(flags="S", seq=300))
    return sut, peer


def after_the_end(lab):
    """A connection that both sides closed in order: CLOSED."""
    at = enter(lab, "LAST-ACK")
    at.send("A")
    assert at.sut.state == "CLOSED"
    return at


def fill_send_buffer(lab, sut):
    """SENDs until one is refused, or takes nothing; before that at least one was taken."""
    taken = 0
    with refused(lab, "insufficient resources"):
        while taken < 2**22:
            count = sut.send(b"d" * 4096)
            if count == 0:
                raise CallError("insufficient resources")
            taken += count
    assert 0 < taken < 2**22


# ----------------------------------------------------------------------------------------------------------------- OPEN


@requirement("E-3.10.1-CLOSED-passive", "E-3.10.6-LISTEN")
def test_passive_open_listens_and_sends_nothing(lab):
    """A passive OPEN enters LISTEN; the remote socket is filled in by a SYN (3.10.1)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    assert sut.state == "LISTEN"
    peer.expect_nothing(until=FIRST_RTO)
    peer.send(TCP(flags="S", seq=100))
    peer.expect(TCP(flags="SA", seq=300, ack=101))


@requirement("E-3.10.1-CLOSED-active", "E-3.10.6-SYN-SENT")
def test_active_open_sends_a_syn(lab):
    """An active OPEN sends <SEQ=ISS><CTL=SYN> without ACK; SND.UNA = ISS, SND.NXT = ISS+1, SYN-SENT (3.10.1)."""
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=300)
    peer.expect(TCP(flags="S", seq=300), data=b"")
    assert sut.state == "SYN-SENT"
    assert (sut.snd.una, sut.snd.nxt, sut.snd.iss) == (300, 301, 300)


@pytest.mark.parametrize("state", states("E-3.10.1-STATE-exists", AFTER_SYN))
def test_open_of_an_existing_connection_is_refused(lab, state):
    """An OPEN of a pair of sockets that is in use: "error: connection already exists"; the connection stays
    (3.10.1)."""
    at = enter(lab, state)
    with refused(lab, "already exists"):
        lab.connect(at.peer, port=80)
    at.peer.to = 80
    assert at.sut.state == state
    at.peer.expect_nothing()


@requirement("E-3.10.1-SYN-SENT-exists")
def test_open_while_opening_is_refused(lab):
    """A second OPEN of the same pair of sockets in SYN-SENT is refused; no second SYN leaves (3.10.1)."""
    sut, peer = in_syn_sent(lab)
    with refused(lab, "already exists"):
        lab.connect(peer, port=80)
    peer.to = 80
    peer.expect_nothing()
    assert sut.state == "SYN-SENT"


@requirement("MUST-41")
def test_second_passive_open_leaves_connections_alone(lab):
    """A passive OPEN makes a new LISTEN record or fails; a connection on that port is not disturbed (3.9.1.1
    MUST-41)."""
    at = established(lab)
    try:
        lab.listen(port=80)
    except CallError:
        pass
    assert at.sut.state == "ESTABLISHED"
    at.send("A", data=b"still there")
    at.expect_ack(112, within=ACK_DELAY)


# ----------------------------------------------------------------------------------------------------------------- SEND


@requirement("E-3.10.2-CLOSED-nonexistent")
def test_send_without_a_connection_is_refused(lab):
    """SEND on a connection that is gone: "error: connection does not exist" (3.10.2)."""
    at = after_the_end(lab)
    with refused(lab, "does not exist"):
        at.sut.send(b"hello?")
    at.peer.expect_nothing()


@requirement("E-3.10.2-LISTEN-unspecified")
def test_send_on_a_listener_is_refused(lab):
    """SEND in LISTEN without a remote socket: "error: remote socket unspecified" (3.10.2)."""
    sut, peer = lab.listen(port=80), lab.peer(port=4000, to=80)
    with refused(lab, "unspecified"):
        sut.send(b"to whom?")
    peer.expect_nothing()
    assert sut.state == "LISTEN"


@requirement("E-3.10.2-SYN-RECEIVED-queue")
def test_send_in_syn_received_waits_for_established(lab):
    """Data sent before the handshake completes is queued (3.10.2); here after crossing SYNs, where a user is there
    already."""
    at = enter(lab, "SYN-RECEIVED", role="active")
    at.sut.send(b"queued")
    at.peer.expect_nothing()
    at.send("A")
    at.peer.expect(TCP(flags="A", seq=301, ack=101), data=b"queued")


@requirement("E-3.10.2-SYN-RECEIVED-full")
@pytest.mark.lab(snd_buf=8192)
def test_send_beyond_the_buffer_in_syn_received_is_refused(lab):
    """In SYN-RECEIVED data is queued as far as there is space (3.10.2)."""
    at = enter(lab, "SYN-RECEIVED", role="active")
    fill_send_buffer(lab, at.sut)
    at.peer.expect_nothing()
    assert at.sut.state == "SYN-RECEIVED"


@requirement("MAY-15", "E-3.10.2-ESTABLISHED-data")
def test_send_with_push_sets_psh(lab):
    """A SEND with the PUSH flag sets PSH on the segment with its last octet (3.9.1.2)."""
    at = established(lab)
    at.sut.send(b"now", push=True)
    at.peer.expect(TCP(flags="PA", seq=301, ack=101), data=b"now")


@pytest.mark.parametrize("state", states("E-3.10.2-STATE-data", ["ESTABLISHED", "CLOSE-WAIT"]))
@requirement("U-18", "MUST-61")
def test_send_puts_data_on_the_wire_with_the_current_ack(lab, state):
    """SEND segments the buffer: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> with the data, PSH on the last segment (3.10.2)."""
    at = enter(lab, state)
    assert at.sut.send(b"hello") == 5
    at.peer.expect(TCP(flags="PA", seq=301, ack=at.rcv), data=b"hello")
    assert (at.sut.snd.una, at.sut.snd.nxt) == (301, 306)
    at.send("A", ack=306)
    assert at.sut.snd.una == 306


@pytest.mark.parametrize("state", states("E-3.10.2-STATE-urgent", ["ESTABLISHED", "CLOSE-WAIT"]))
@requirement("MUST-30", "MUST-62", "RFC6093-4-a", "RFC1122-4.2.2.4-a")
def test_urgent_send_points_behind_its_data(lab, state):
    """SEND with URGENT sets URG; SEQ + urgent pointer is the octet behind the urgent data (3.8.5 MUST-62)."""
    lab.needs("urgent")
    at = enter(lab, state)
    at.sut.send(b"!", urgent=True)
    got = at.peer.expect_any(within=1.0)
    assert "U" in got.flags and got.seq + got.urgent == 302
    at.send("A", ack=302)


@pytest.mark.lab(snd_buf=8192)
@pytest.mark.parametrize("state", states("E-3.10.2-STATE-full", ["ESTABLISHED", "CLOSE-WAIT"]))
def test_send_beyond_the_buffer_is_refused(lab, state):
    """When there is no space to remember the data: "error: insufficient resources", or fewer octets are taken
    (3.10.2)."""
    at = enter(lab, state)
    close_window(at)
    fill_send_buffer(lab, at.sut)
    at.peer.expect_nothing()


@requirement("E-3.10.2-SYN-SENT-full")
@pytest.mark.lab(snd_buf=8192)
def test_send_beyond_the_buffer_while_opening_is_refused(lab):
    """In SYN-SENT data is queued as far as there is space (3.10.2)."""
    sut, peer = in_syn_sent(lab)
    fill_send_buffer(lab, sut)
    peer.expect_nothing()


@pytest.mark.parametrize("state", states("E-3.10.2-STATE-closing", ["FIN-WAIT-1", "FIN-WAIT-2", *CLOSING_STATES]))
def test_send_after_close_is_refused(lab, state):
    """After CLOSE a SEND gets "error: connection closing", and no data leaves (3.10.2)."""
    at = enter(lab, state)
    with refused(lab, "closing"):
        at.sut.send(b"one more thing")
    at.peer.expect_nothing()
    assert at.sut.state == state


# -------------------------------------------------------------------------------------------------------------- RECEIVE


@requirement("E-3.10.3-CLOSED-nonexistent")
def test_receive_without_a_connection_is_refused(lab):
    """RECEIVE on a connection that is gone: "error: connection does not exist", or the end of the stream (3.10.3)."""
    at = after_the_end(lab)
    try:
        assert at.sut.recv() == b"" and at.sut.eof
    except CallError as error:
        assert lab.sut_name != "core" or "does not exist" in str(error)


@requirement("E-3.10.3-SYN-SENT-queue")
def test_receive_while_opening_waits(lab):
    """RECEIVE in SYN-SENT waits for ESTABLISHED: it brings nothing and disturbs nothing (3.10.3)."""
    sut, peer = in_syn_sent(lab)
    try:
        assert sut.recv() == b"" and not sut.eof
    except CallError:
        pass  # a socket that is not connected says so
    peer.send(TCP(flags="SA", seq=100, ack=301))
    peer.expect(TCP(flags="A", seq=301, ack=101))
    peer.send(TCP(flags="A", seq=101, ack=301), data=b"now")
    peer.expect(TCP(flags="A", seq=301, ack=104), within=ACK_DELAY)
    assert sut.read_exactly(3) == b"now"


@requirement("E-3.10.3-LISTEN-queue")
def test_receive_on_a_listener_brings_nothing(lab):
    """RECEIVE in LISTEN waits for a connection: it brings nothing, and the listener goes on (3.10.3)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    try:
        assert sut.recv() == b"" and not sut.eof
    except CallError:
        pass  # a socket that is not connected says so
    assert sut.state == "LISTEN"
    peer.send(TCP(flags="S", seq=100))
    peer.expect(TCP(flags="SA", seq=300, ack=101))


@requirement("E-3.10.3-SYN-RECEIVED-queue")
def test_receive_in_syn_received_waits(lab):
    """RECEIVE in SYN-RECEIVED waits for ESTABLISHED; what comes then is delivered (3.10.3)."""
    at = enter(lab, "SYN-RECEIVED", role="active")
    try:
        assert at.sut.recv() == b"" and not at.sut.eof
    except CallError:
        pass  # a socket that is not connected yet says so
    at.send("A", data=b"now")
    at.expect_ack(104, within=ACK_DELAY)
    assert at.sut.read_exactly(3) == b"now"


@pytest.mark.parametrize("state", states("E-3.10.3-STATE-deliver", ["ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2"]))
def test_receive_delivers_what_came_in_order(lab, state):
    """RECEIVE reassembles what is there into the user's buffer, whatever the segments were (3.10.3)."""
    at = enter(lab, state)
    for start in (0, 3, 6):
        at.send("A", seq=at.rcv + start, ack=at.una, data=b"abcdefghi"[start : start + 3])
        at.expect_ack(at.rcv + start + 3, within=ACK_DELAY)
    assert at.sut.recv(4) == b"abcd"
    assert at.sut.recv(4) == b"efgh"
    assert at.sut.recv(4) == b"i"


@pytest.mark.parametrize("state", states("E-3.10.3-STATE-wait", ["ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2"]))
def test_receive_without_data_waits(lab, state):
    """Without data a RECEIVE waits: here it returns nothing, and it is not the end of the stream (3.10.3)."""
    at = enter(lab, state)
    assert at.sut.recv() == b"" and not at.sut.eof
    at.send("A", ack=at.una, data=b"later")
    at.expect_ack(106, within=ACK_DELAY)
    assert at.sut.recv() == b"later"


@requirement("E-3.10.3-CLOSE-WAIT-data", "E-3.10.3-CLOSE-WAIT-nodata")
def test_receive_in_close_wait_gives_the_rest_and_then_the_end(lab):
    """After the peer's FIN a RECEIVE is satisfied by what is on hand, and then learns that the connection closes
    (3.10.3)."""
    at = established(lab)
    at.send("FA", data=b"the rest")
    at.expect_ack(110, within=ACK_DELAY)
    assert at.sut.state == "CLOSE-WAIT"
    assert at.sut.recv(3) == b"the" and not at.sut.eof
    assert at.sut.read_exactly(5) == b" rest"
    assert at.sut.recv() == b"" and at.sut.eof


@pytest.mark.parametrize("state", states("E-3.10.3-STATE-closing", CLOSING_STATES))
def test_receive_after_both_fins_is_the_end(lab, state):
    """In CLOSING, LAST-ACK and TIME-WAIT a RECEIVE gets "error: connection closing": the end of the stream (3.10.3)."""
    at = enter(lab, state)
    try:
        assert at.sut.recv() == b"" and at.sut.eof
    except CallError as error:
        assert lab.sut_name != "core" or "closing" in str(error)


@requirement("MUST-39", "E-3.10.3-ESTABLISHED-deliver")
def test_receive_of_a_full_buffer_opens_the_window_again(lab):
    """When the user reads a full buffer empty the new window is told without waiting for the peer (3.8.6.2.2,
    3.10.3)."""
    at = established(lab)
    sent = fill_receive_window(at)
    at.sut.read_exactly(sent)
    update = at.peer.expect(TCP(flags="A", seq=301, ack=at.rcv), data=b"", within=ACK_DELAY)
    assert update.window >= 1460
    at.peer.drain()
    at.send("A", data=b"again")
    at.expect_ack(at.rcv + 5, within=ACK_DELAY)


# ---------------------------------------------------------------------------------------------------------------- CLOSE


@requirement("E-3.10.4-CLOSED-nonexistent")
def test_close_without_a_connection_is_refused(lab):
    """CLOSE on a connection that is gone: "error: connection does not exist" (3.10.4)."""
    at = after_the_end(lab)
    with refused(lab, "does not exist"):
        at.sut.shutdown()
    at.peer.expect_nothing()


@requirement("E-3.10.4-LISTEN")
def test_close_of_a_listener_ends_listening(lab):
    """CLOSE in LISTEN deletes the TCB: the port answers a SYN as CLOSED does (3.10.4)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    sut.close()
    peer.expect_nothing()
    peer.send(TCP(flags="S", seq=100))
    peer.expect(TCP(flags="RA", seq=0, ack=101))


@requirement("E-3.10.4-SYN-SENT")
def test_close_while_opening_sends_nothing(lab):
    """CLOSE in SYN-SENT deletes the TCB; a late SYN,ACK is answered as in CLOSED, <SEQ=SEG.ACK><CTL=RST> (3.10.4)."""
    sut, peer = in_syn_sent(lab)
    sut.close()
    peer.expect_nothing(until=2 * FIRST_RTO)
    assert sut.state == "CLOSED"
    peer.send(TCP(flags="SA", seq=100, ack=301))
    expect_reset(peer, 301)


@requirement("E-3.10.4-SYN-RECEIVED-idle")
def test_close_in_syn_received_sends_a_fin(lab):
    """CLOSE in SYN-RECEIVED with nothing to send: FIN 301 at once, FIN-WAIT-1; the ACK of both leads on (3.10.4)."""
    at = enter(lab, "SYN-RECEIVED", role="active")
    at.sut.shutdown()
    at.peer.expect(TCP(flags="FA", seq=301, ack=101), data=b"")
    assert at.sut.state == "FIN-WAIT-1"
    at.send("A", ack=302)
    assert at.sut.state == "FIN-WAIT-2"


@requirement("E-3.10.4-SYN-RECEIVED-pending")
def test_close_in_syn_received_waits_for_pending_data(lab):
    """CLOSE in SYN-RECEIVED with data pending is queued until ESTABLISHED: the data goes first, then the FIN
    (3.10.4)."""
    at = enter(lab, "SYN-RECEIVED", role="active")
    at.sut.send(b"0123456789")
    at.sut.shutdown()
    at.peer.expect_nothing()
    assert at.sut.state == "SYN-RECEIVED"
    at.send("A")
    got = at.peer.expect_one_of(TCP(flags="A", seq=301, ack=101), TCP(flags="FA", seq=301, ack=101))
    assert got.payload == b"0123456789"
    if "F" not in got.flags:
        at.peer.expect(TCP(flags="FA", seq=311, ack=101), data=b"")
    assert at.sut.state == "FIN-WAIT-1"


@requirement("E-3.10.4-ESTABLISHED-idle")
def test_close_sends_a_fin_that_counts_one(lab):
    """CLOSE in ESTABLISHED sends <SEQ=SND.NXT><ACK=RCV.NXT><CTL=FIN,ACK>; SND.NXT advances by one (3.10.4)."""
    at = enter(lab, "FIN-WAIT-1")
    assert (at.sut.snd.una, at.sut.snd.nxt) == (301, 302)


@pytest.mark.parametrize("state", states("E-3.10.4-STATE", ["FIN-WAIT-1", "FIN-WAIT-2"]))
def test_second_close_does_not_send_a_second_fin(lab, state):
    """A second CLOSE: "error: connection closing", or ok; a second FIN is never emitted (3.10.4)."""
    at = enter(lab, state)
    try:
        at.sut.shutdown()
    except CallError as error:
        assert lab.sut_name != "core" or "closing" in str(error)
    at.peer.expect_nothing()
    at.unchanged()


@requirement("E-3.10.4-CLOSE-WAIT-idle", "RFC1122-4.2.2.20-a")
def test_close_in_close_wait_leads_to_last_ack(lab):
    """CLOSE in CLOSE-WAIT sends the FIN and enters LAST-ACK; RFC 793 said CLOSING, which was wrong (3.10.4)."""
    at = enter(lab, "LAST-ACK")
    assert (at.sut.snd.una, at.sut.snd.nxt, at.sut.rcv.nxt) == (301, 302, 102)


@pytest.mark.parametrize("state", states("E-3.10.4-STATE", CLOSING_STATES))
def test_close_when_both_sides_closed_is_refused(lab, state):
    """CLOSE in CLOSING, LAST-ACK, TIME-WAIT: "error: connection closing"; nothing leaves (3.10.4)."""
    at = enter(lab, state)
    try:
        at.sut.shutdown()
        assert lab.sut_name != "core", "refused by the RFC; a socket may say ok"
    except CallError as error:
        assert lab.sut_name != "core" or "closing" in str(error)
    at.peer.expect_nothing()
    at.unchanged()


# ---------------------------------------------------------------------------------------------------------------- ABORT


@requirement("E-3.10.5-CLOSED-nonexistent")
def test_abort_without_a_connection_is_refused(lab):
    """ABORT on a connection that is gone: "error: connection does not exist" (3.10.5)."""
    at = after_the_end(lab)
    with refused(lab, "does not exist"):
        at.sut.abort()
    at.peer.expect_nothing()


@requirement("E-3.10.5-LISTEN")
def test_abort_of_a_listener_sends_nothing(lab):
    """ABORT in LISTEN deletes the TCB without a RST; the port is closed (3.10.5)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    sut.abort()
    peer.expect_nothing()
    peer.send(TCP(flags="S", seq=100))
    peer.expect(TCP(flags="RA", seq=0, ack=101))


@requirement("E-3.10.5-SYN-SENT")
def test_abort_while_opening_sends_nothing(lab):
    """ABORT in SYN-SENT deletes the TCB; no RST, and no more SYNs (3.10.5)."""
    sut, peer = in_syn_sent(lab)
    sut.abort()
    peer.expect_nothing(until=2 * FIRST_RTO)
    assert sut.state == "CLOSED"


@pytest.mark.parametrize(
    "state", states("E-3.10.5-STATE", ["SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT"])
)
@requirement("U-19")
def test_abort_sends_a_reset(lab, state):
    """ABORT sends <SEQ=SND.NXT><CTL=RST> and forgets everything; many stacks add an ACK (3.10.5)."""
    at = enter(lab, state, role="active" if state == "SYN-RECEIVED" else "passive")
    at.sut.abort()
    expect_reset(at.peer, at.nxt)
    at.peer.expect_nothing(until=2 * FIRST_RTO)  # queues are flushed
    gone(at.sut, at.peer)


@requirement("E-3.10.5-ESTABLISHED")
def test_abort_flushes_unsent_and_unacknowledged_data(lab):
    """What was queued or unacknowledged is never sent again after ABORT; the RST has SEQ = SND.NXT (3.10.5)."""
    at = established(lab, window=1000)
    at.sut.send(b"d" * 3000)
    sent = at.peer.expect(TCP(flags="A", seq=301), within=1.0)
    sent_to = max(segment.seq + len(segment.payload) for segment in [sent, *at.peer.drain()])
    at.sut.abort()
    expect_reset(at.peer, sent_to)
    at.peer.expect_nothing(until=2 * FIRST_RTO)


@pytest.mark.parametrize("state", states("E-3.10.5-STATE", CLOSING_STATES))
def test_abort_when_both_sides_closed_is_silent(lab, state):
    """In CLOSING, LAST-ACK and TIME-WAIT both sides said all: ABORT deletes the TCB without a RST (3.10.5)."""
    at = enter(lab, state)
    at.sut.abort()
    at.peer.expect_nothing(until=2 * FIRST_RTO)
    gone(at.sut, at.peer)


# --------------------------------------------------------------------------------------------------------------- STATUS


@requirement("E-3.10.6-CLOSED-nonexistent")
def test_status_without_a_connection(lab):
    """STATUS of a connection that is gone: it does not exist; here CLOSED (3.10.6)."""
    at = after_the_end(lab)
    assert at.sut.state == "CLOSED"


@pytest.mark.parametrize("state", states("E-3.10.6-STATE", AFTER_SYN))
def test_status_reports_the_state(lab, state):
    """STATUS reports the state and the TCB: ISS, IRS and the variables (3.10.6)."""
    at = enter(lab, state)
    assert at.sut.state == state
    if state in SYNCHRONIZED[:-1]:
        assert (at.sut.snd.iss, at.sut.rcv.irs) == (300, 100)
        assert (at.sut.snd.una, at.sut.snd.nxt, at.sut.rcv.nxt) == (at.una, at.nxt, at.rcv)
