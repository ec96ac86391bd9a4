"""RFC 5961: what an attacker who cannot see the connection may try. Sweeps of the numbers, and the throttling of
the answers.

The same rules as RFC 9293 3.10.7.4 has them are proven state by state in rfc9293/; here they are swept over the
window's edges.
"""

import pytest
from helpers import ACK_DELAY, add, case, established, gone, send_and_acknowledge
from lastack import requirement
from lastack.scapy import TCP

S3 = "RFC5961-3.2-"


@pytest.mark.parametrize("peer_iss", [100, 2**32 - 100, 2**31 - 100], ids=["low", "wrap", "half"])
@pytest.mark.parametrize(
    "edge,offset,outcome",
    [
        case("left", -1, "silence", req=[S3 + "d", "RFC5961-3.2-a"], name="left-1"),
        case("left", 0, "reset", req=[S3 + "b", "RFC5961-3.2-a"], name="left"),
        case("left", 1, "challenge", req=[S3 + "c", "RFC5961-3.2-a"], name="left+1"),
        case("right", -1, "challenge", req=[S3 + "c", "RFC5961-3.2-a"], name="right-1"),
        case("right", 0, "silence", req=[S3 + "d", "RFC5961-3.2-a"], name="right"),
        case("right", 2**31 - 70_000, "silence", req=[S3 + "d", "RFC5961-3.2-a"], name="far"),
    ],
)
def test_reset_is_taken_challenged_or_dropped_by_its_number(lab, edge, offset, outcome, peer_iss):
    """Exact: reset. In the window: challenge ACK. Outside: silence. Swept one by one over both edges (RFC 5961 3.2)."""
    at = established(lab, peer_iss=peer_iss)
    at.send("R", seq=at.rcv + offset + (at.wnd if edge == "right" else 0))
    if outcome == "reset":
        at.peer.expect_nothing()
        gone(at.sut, at.peer)
    elif outcome == "challenge":
        at.expect_ack()
        at.unchanged()
    else:
        at.peer.expect_nothing(until=ACK_DELAY)
        at.unchanged()


@pytest.mark.parametrize("offset", [-(2**31) + 1, -1000, -1, 0, 1, 30_000, 70_000, 2**31 - 1])
@requirement("RFC5961-4.2-a", "RFC5961-4.2-b")
def test_syn_of_any_number_is_challenged(lab, offset):
    """A SYN with any number draws <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, never a reset (RFC 5961 4.2)."""
    at = established(lab)
    at.send("S", seq=at.rcv + offset)
    at.expect_ack()
    at.unchanged()


@pytest.mark.parametrize(
    "offset,taken",
    [
        case(0, True, req="RFC5961-5.2-b", name="una"),
        case(-65_535, True, req="RFC5961-5.2-b", name="una-maxwnd"),
        case(-65_536, None, req=["RFC5961-5.2-a", "RFC5961-5.2-b"], name="una-maxwnd-1"),
        case(-(2**30), None, req=["RFC5961-5.2-a", "RFC5961-5.2-b"], name="old"),
        case(1, False, req="RFC5961-5.2-b", name="nxt+1"),
        case(2**30, False, req="RFC5961-5.2-b", name="future"),
    ],
)
@pytest.mark.parametrize("flags", ["A", "FA"])
def test_blind_data_needs_a_plausible_ack(lab, flags, offset, taken):
    """SEG.ACK within [SND.UNA-MAX.SND.WND, SND.NXT] is plausible; beyond SND.NXT never; older is the stack's choice
    (5.2)."""
    at = established(lab)
    send_and_acknowledge(at, 66_000)  # so that the old numbers are ones that were acknowledged once
    at.send(flags, ack=at.una + offset, data=b"blind")
    end = at.rcv + 5 + flags.count("F")
    choices = {True: [end], False: [at.rcv], None: [end, at.rcv]}[taken]
    got = at.peer.expect_one_of(*[TCP(flags="A", seq=at.nxt, ack=ack) for ack in choices], within=ACK_DELAY)
    if got.ack == at.rcv:
        at.unchanged()
        assert at.sut.unread == 0
    else:
        assert at.sut.read_exactly(5) == b"blind"


@requirement("RFC5961-7-a", "RFC5961-7-c")
def test_challenge_acks_are_throttled(lab):
    """A flood of in-window resets does not draw as many challenge ACKs; the connection survives it (RFC 5961 7)."""
    at = established(lab)
    for number in range(1000):
        at.send("R", seq=at.rcv + 1 + number)
    answers = at.peer.drain()
    assert answers and all((a.flags, a.seq, a.ack) == ("A", 301, 101) for a in answers)
    with lab.soft("RFC5961-7-a"):
        assert len(answers) <= 500
    at.send("A", data=b"still here")
    at.expect_ack(111, within=ACK_DELAY)


@pytest.mark.parametrize(
    "most", [case(n, req="RFC5961-7-b", name=str(n), sut_options={"challenge_ack_limit": n}) for n in (3, 17)]
)
def test_throttle_is_tunable(lab, most):
    """The number of challenge ACKs in an interval is a setting of the stack (RFC 5961 7)."""
    at = established(lab)
    for number in range(100):
        at.send("R", seq=at.rcv + 1 + number)
    assert len(at.peer.drain()) == most


@requirement("RFC5961-7-a")
def test_throttle_lets_go_again(lab):
    """After the interval of the throttle the next challenge is answered again (RFC 5961 7)."""
    at = established(lab)
    for number in range(300):
        at.send("R", seq=at.rcv + 1 + number)
    at.peer.drain()
    lab.advance(30)
    at.send("R", seq=at.rcv + 1)
    at.expect_ack()


@requirement("RFC5961-3.2-f", "RFC5961-4.2-c")
@pytest.mark.parametrize("probe", ["S", "R"])
def test_challenge_has_the_number_that_a_true_peer_needs(lab, probe):
    """The challenge ACK tells a peer that really restarted the one number with which it may reset (RFC 5961 3.2,
    4.2)."""
    at = established(lab, peer_iss=2**32 - 2)
    at.send(probe, seq=add(at.rcv, 40))
    challenge = at.expect_ack()
    at.peer.send(TCP(flags="R", seq=challenge.ack))
    at.peer.expect_nothing()
    gone(at.sut, at.peer)


@requirement("RFC5961-3.2-e")
def test_blind_reset_in_syn_sent_needs_the_ack_of_the_syn(lab):
    """In SYN-SENT a RST counts only with an ACK of our SYN; other numbers and no ACK are dropped in silence (RFC 5961
    3.2)."""
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=300)
    peer.expect(TCP(flags="S", seq=300))
    peer.ignore(TCP(flags="S", seq=300))  # some stacks repeat their SYN at once after a stale answer
    for flags, ack in (("R", 0), ("RA", 300), ("RA", 302), ("RA", 0), ("RA", 2**31 + 301)):
        peer.send(TCP(flags=flags, seq=0, ack=ack))
        peer.expect_nothing()
        assert sut.state == "SYN-SENT"
    peer.send(TCP(flags="RA", seq=0, ack=301))
    peer.expect_nothing()
    assert sut.state == "CLOSED"


@requirement("E-3.10.7.4-1-ESTABLISHED-seq-unacceptable", "RFC5961-7-a")
def test_two_ends_that_disagree_do_not_answer_each_other_for_ever(lab):
    """An ACK of ours that is unacceptable to the peer, and its answer, must not become an endless exchange (RFC 5961
    7)."""
    at = established(lab)
    answers = 0
    for _ in range(500):
        at.send("A", seq=at.rcv + 200_000, ack=at.nxt - 100_000)  # what a peer that lost its place would send
        got = at.peer.drain()
        if not got:
            break
        assert all((a.flags, a.seq, a.ack) == ("A", 301, 101) for a in got)
        answers += len(got)
    with lab.soft("RFC5961-7-a: one end has to fall silent"):
        assert answers < 500
    at.unchanged()
