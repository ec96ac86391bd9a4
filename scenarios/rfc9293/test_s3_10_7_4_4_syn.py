"""SEGMENT ARRIVES in the other states, fourth check: the SYN bit. RFC 9293 3.10.7.4, with RFC 5961 section 4 as it
has it."""

import pytest
from helpers import ACK_DELAY, FIRST_RTO, case, enter, established, states
from lastack import requirement
from lastack.scapy import TCP

BEFORE_TIME_WAIT = ["ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK"]


@pytest.mark.parametrize("position", ["left", "next", "inside", "right"])
@pytest.mark.parametrize("state", states("E-3.10.7.4-4-STATE-syn", BEFORE_TIME_WAIT))
@requirement("U-07", "RFC5961-4.2-a", "RFC5961-4.2-b")
def test_syn_in_a_synchronized_state_is_challenged(lab, state, position):
    """A SYN with any SEQ draws <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> and is dropped (fourth)."""
    at = enter(lab, state)
    offset = {"left": -50, "next": 0, "inside": at.wnd // 2, "right": at.wnd + 1000}[position]
    at.send("S", seq=at.rcv + offset)
    at.expect_ack()
    at.unchanged()


@requirement("U-08", "E-3.10.7.4-4-ESTABLISHED-syn")
def test_data_of_a_challenged_syn_is_dropped(lab):
    """After the challenge ACK processing stops: text of the SYN segment is not delivered (fourth)."""
    at = established(lab)
    at.send("SA", data=b"0123456789")
    at.expect_ack()
    at.unchanged()
    assert at.sut.unread == 0


@requirement("E-3.10.7.4-X-synfin")
def test_fin_of_a_challenged_syn_is_not_processed(lab):
    """SYN,FIN in the window: the SYN check precedes the FIN check, so the connection does not close (3.10.7.4
    order)."""
    at = established(lab)
    at.send("SFA")
    at.expect_ack()
    at.unchanged()


@requirement("RFC5961-4.2-c", "E-3.10.7.4-4-ESTABLISHED-syn")
def test_reset_that_answers_the_challenge_of_a_syn_closes(lab):
    """A peer that restarted answers the challenge ACK with an exact RST; that ends the old connection (RFC 5961
    4.2)."""
    at = established(lab)
    at.peer.send(TCP(flags="S", seq=9000))
    challenge = at.expect_ack()
    at.peer.send(TCP(flags="R", seq=challenge.ack))
    at.peer.expect_nothing()
    assert at.sut.state == "CLOSED"


@requirement("RFC5961-4.2-d")
def test_syn_one_left_of_the_window_makes_no_progress(lab):
    """The known corner of RFC 5961 4.2: a restarted peer whose ISN is RCV.NXT-1 gets an ACK that acknowledges its
    SYN."""
    at = established(lab)
    at.peer.send(TCP(flags="S", seq=at.rcv - 1))
    at.expect_ack()
    at.unchanged()


@requirement("E-3.10.7.4-4-SYN-RECEIVED-syn-passive")
def test_new_syn_in_syn_received_returns_to_listen(lab):
    """An in-window SYN after a passive OPEN returns the connection to LISTEN; nothing is transmitted (fourth).

    A repeated SYN does not get here: its SEQ = IRS is left of the window.
    """
    at = enter(lab, "SYN-RECEIVED")
    at.send("S", seq=at.rcv + 10)
    at.peer.expect_nothing(until=FIRST_RTO)
    assert at.sut.state == "LISTEN"


@requirement("E-3.10.7.4-4-SYN-RECEIVED-syn-active")
def test_new_syn_after_an_active_open_is_challenged(lab):
    """SYN-RECEIVED from an active OPEN handles an in-window SYN as the synchronized states do (fourth)."""
    at = enter(lab, "SYN-RECEIVED", role="active")
    at.send("S", seq=at.rcv + 10)
    at.expect_ack()
    at.unchanged()


@requirement("E-3.10.7.4-4-TIME-WAIT-syn", "RFC6191-2-d")
def test_old_syn_in_time_wait_is_challenged_or_dropped(lab):
    """A SYN with an old number in TIME-WAIT: RFC 9293 challenges it, RFC 6191 drops it silently. It never reopens
    (fourth)."""
    at = enter(lab, "TIME-WAIT")
    at.peer.send(TCP(flags="S", seq=at.rcv - 50))
    for answer in at.peer.drain():
        assert (answer.flags, answer.seq, answer.ack) == ("A", 302, 102)
    assert at.sut.state == "TIME-WAIT"


@pytest.mark.lab(timestamps=True)
@pytest.mark.parametrize(
    "before,now,seq,reopens",
    [
        case(1000, 2000, 103, True, req=["E-3.10.7.4-4-TIME-WAIT-syn-ts", "SHLD-4", "RFC6191-2-a"], name="newer"),
        case(1000, 1000, 103, True, req="RFC6191-2-b", name="equal-and-later-number"),
        case(1000, None, 103, True, req="RFC6191-2-c", name="without-and-later-number"),
        case(None, 1000, 103, True, req="RFC6191-2-e", name="only-now"),
        case(1000, 999, 50, False, req=["RFC6191-2-d", "E-3.10.7.4-4-TIME-WAIT-syn"], name="older"),
    ],
)
def test_timestamp_decides_about_a_syn_in_time_wait(lab, before, now, seq, reopens):
    """A SYN whose timestamp or number is newer should reopen from TIME-WAIT; an old one never does (RFC 6191 2).

    `before` and `now` are the TSval of the old and of the new incarnation, None without the option.
    """
    lab.needs("timestamps")
    sut, peer = lab.listen(port=80, iss=[300, 90_000]), lab.peer(port=4000, to=80)

    def send(flags, number, ack=None, stamp=before):
        options = [("MSS", 1460)] if "S" in flags else []
        options += [] if stamp is None else [("Timestamp", (stamp, 0))]
        peer.send(TCP(flags=flags, seq=number, options=options, **({} if ack is None else {"ack": ack})))

    send("S", 100)
    peer.expect(TCP(flags="SA", seq=300, ack=101))
    send("A", 101, 301)
    sut.shutdown()
    peer.expect(TCP(flags="FA", seq=301, ack=101))
    send("A", 101, 302)
    send("FA", 101, 302)
    peer.expect(TCP(flags="A", seq=302, ack=102), within=ACK_DELAY)
    assert sut.state == "TIME-WAIT"
    send("S", seq, stamp=now)
    answers = peer.drain()
    assert len(answers) <= 1
    if reopens:
        with lab.soft("SHLD-4, RFC 6191: reopens"):
            assert [(answer.flags, answer.ack) for answer in answers] == [("SA", seq + 1)]
    else:
        assert all((answer.flags, answer.seq, answer.ack) == ("A", 302, 102) for answer in answers)


@pytest.mark.lab(sut_options={"rfc5961": 0})
@pytest.mark.parametrize("state", BEFORE_TIME_WAIT)
@requirement("E-3.10.7.4-4-SYNC-syn-legacy")
def test_stack_without_rfc5961_resets_on_a_syn_in_the_window(lab, state):
    """Without the protection of RFC 5961 a SYN in the window is an error: a RST goes out and the connection ends
    (fourth)."""
    at = enter(lab, state)
    at.send("S", seq=at.rcv + 10)
    got = at.peer.expect_one_of(TCP(flags="R"), TCP(flags="RA"))
    assert (got.seq, got.ack) == (0, at.rcv + 11) if got.flags == "RA" else got.seq == at.nxt
    assert at.sut.state == "CLOSED"
