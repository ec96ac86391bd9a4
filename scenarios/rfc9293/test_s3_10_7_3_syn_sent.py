"""SEGMENT ARRIVES in SYN-SENT: RFC 9293 3.10.7.3, its five checks in order.

The stack under test has sent <SEQ=300><CTL=SYN>: SND.UNA = ISS = 300, SND.NXT = 301. The only acceptable ACK is 301.
"""

import pytest
from helpers import ACK_DELAY, FIRST_RTO, case, expect_reset, gone
from lastack import requirement
from lastack.scapy import TCP

SENT = "E-3.10.7.3-SYN-SENT-"


def syn_sent(lab):
    """The stack under test in SYN-SENT, and its peer."""
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=300)
    peer.expect(TCP(flags="S", seq=300), data=b"")
    assert sut.state == "SYN-SENT"
    return sut, peer


def still_in_syn_sent(sut, peer):
    """The opening goes on: the right SYN,ACK completes it."""
    assert sut.state == "SYN-SENT"
    assert (sut.snd.una, sut.snd.nxt) == (300, 301)
    peer.ignore(TCP(flags="S", seq=300))  # some stacks repeat their SYN at once after a stale answer
    peer.send(TCP(flags="SA", seq=100, ack=301))
    peer.expect(TCP(flags="A", seq=301, ack=101))
    assert sut.state == "ESTABLISHED"


@pytest.mark.parametrize(
    "flags,ack",
    [
        case("SA", 300, req=[SENT + "ack-low", SENT + "ack-unacceptable"], name="synack-low"),
        case("SA", 302, req=[SENT + "ack-high", SENT + "ack-unacceptable"], name="synack-high"),
        case("SA", 91, req=SENT + "ack-unacceptable", name="synack-old"),
        case("SA", 300 + 2**31, req=[SENT + "ack-unacceptable", "U-12"], name="synack-half-a-circle-away"),
        case("A", 300, req=SENT + "ack-unacceptable", name="ack-low"),
        case("A", 302, req=SENT + "ack-unacceptable", name="ack-high"),
        case("FA", 302, req=[SENT + "ack-unacceptable", "E-3.10.7.4-8-SYN-SENT-fin"], name="finack-high"),
    ],
)
@requirement("U-15")
def test_first_check_resets_an_unacceptable_ack(lab, flags, ack):
    """SEG.ACK =< ISS or SEG.ACK > SND.NXT draws <SEQ=SEG.ACK><CTL=RST>, and the opening goes on (3.10.7.3 first)."""
    sut, peer = syn_sent(lab)
    peer.send(TCP(flags=flags, seq=100, ack=ack))
    expect_reset(peer, ack)
    still_in_syn_sent(sut, peer)


@pytest.mark.parametrize("ack", [300, 302, 5])
@pytest.mark.parametrize("flags", ["RA", "RSA"])
@requirement(SENT + "ack-unacceptable-rst", "RFC5961-3.2-e", "U-27")
def test_first_check_drops_a_reset_with_an_unacceptable_ack(lab, flags, ack):
    """A RST whose ACK does not cover our SYN is dropped without an answer (3.10.7.3 first, RFC 5961 3.2)."""
    sut, peer = syn_sent(lab)
    peer.ignore(TCP(flags="S", seq=300))  # some stacks repeat their SYN at once after a stale answer
    peer.send(TCP(flags=flags, seq=100, ack=ack))
    peer.expect_nothing()
    still_in_syn_sent(sut, peer)


@pytest.mark.parametrize(
    "flags,seq",
    [
        case("RA", 0, req=[SENT + "rst-ack-ok", "RFC5961-3.2-e"], name="seq-0"),
        case("RA", 987654, req=[SENT + "rst-ack-ok", SENT + "rst-seq-check", "U-02"], name="any-seq"),
        case("RSA", 0, req=SENT + "synrst-ack-ok", name="with-syn"),
    ],
)
@requirement("MUST-12")
def test_second_check_takes_a_reset_with_an_acceptable_ack(lab, flags, seq):
    """RST with ACK = ISS+1: the connection is refused, whatever its SEQ (3.10.7.3 second).

    The published text lets RFC 5961 stacks compare SEQ with RCV.NXT, which is not known yet; erratum 8167 deletes that.
    """
    sut, peer = syn_sent(lab)
    peer.send(TCP(flags=flags, seq=seq, ack=301))
    peer.expect_nothing(until=FIRST_RTO)
    assert {"refused", "reset"} & sut.events(), "the user hears of it"
    gone(sut, peer)


@pytest.mark.parametrize("flags", ["R", "RS"])
@pytest.mark.parametrize("seq", [0, 101])
@requirement(SENT + "rst-noack", "RFC5961-3.2-e")
def test_second_check_drops_a_reset_without_ack(lab, flags, seq):
    """A RST without ACK proves nothing about our SYN: dropped (3.10.7.3 second)."""
    sut, peer = syn_sent(lab)
    peer.send(TCP(flags=flags, seq=seq))
    peer.expect_nothing()
    still_in_syn_sent(sut, peer)


@pytest.mark.parametrize("seq", [100, 0, 2**32 - 1])
@requirement(SENT + "synack", "U-12")
def test_fourth_check_opens_on_syn_ack(lab, seq):
    """SYN,ACK with ACK = ISS+1 draws <SEQ=SND.NXT><ACK=IRS+1><CTL=ACK> and enters ESTABLISHED (3.10.7.3 fourth)."""
    sut, peer = syn_sent(lab)
    peer.send(TCP(flags="SA", seq=seq, ack=301))
    peer.expect(TCP(flags="A", seq=301, ack=(seq + 1) % 2**32), data=b"")
    assert sut.state == "ESTABLISHED"
    assert (sut.snd.una, sut.snd.nxt, sut.rcv.nxt) == (301, 301, (seq + 1) % 2**32)
    peer.expect_nothing(until=FIRST_RTO)  # the SYN left the retransmission queue


@requirement("RFC1122-4.2.2.20-c", SENT + "synack")
def test_window_of_the_syn_ack_bounds_the_first_flight(lab):
    """Entering ESTABLISHED takes SND.WND from the SYN,ACK (RFC 1122 4.2.2.20(c); RFC 9293 prints it in the other
    branch)."""
    sut, peer = syn_sent(lab)
    peer.send(TCP(flags="SA", seq=100, ack=301, window=500, options=[("MSS", 1460)]))
    peer.expect(TCP(flags="A", seq=301, ack=101))
    sut.send(b"d" * 2000)
    sent = peer.expect_any(within=1.0)
    total = len(sent.payload) + sum(len(more.payload) for more in peer.drain())
    assert 0 < total <= 500


@requirement(SENT + "synack-data")
def test_data_of_the_syn_ack_is_processed_at_once(lab):
    """Text on a SYN,ACK continues at the sixth check: acknowledged and delivered (3.10.7.3 fourth)."""
    sut, peer = syn_sent(lab)
    peer.send(TCP(flags="SA", seq=100, ack=301), data=b"early")
    got = peer.expect_one_of(TCP(flags="A", seq=301, ack=106), TCP(flags="A", seq=301, ack=101))
    if got.ack == 101:  # the handshake's ACK went out first; or the text was left to be sent again
        peer.send(TCP(flags="A", seq=101, ack=301), data=b"early")
        peer.expect(TCP(flags="A", seq=301, ack=106), within=ACK_DELAY)
    assert sut.state == "ESTABLISHED"
    assert sut.read_exactly(5) == b"early"


@requirement(SENT + "synack-fin")
def test_fin_of_the_syn_ack_goes_on_to_close_wait(lab):
    """SYN,FIN,ACK: first ESTABLISHED, then the FIN counts: <ACK=IRS+2> and CLOSE-WAIT (3.10.7.3 fourth, 3.10.7.4
    eighth)."""
    sut, peer = syn_sent(lab)
    peer.send(TCP(flags="SFA", seq=100, ack=301))
    got = peer.expect_one_of(TCP(flags="A", seq=301, ack=102), TCP(flags="A", seq=301, ack=101))
    if got.ack == 101:
        peer.expect(TCP(flags="A", seq=301, ack=102), within=ACK_DELAY)
    assert sut.state == "CLOSE-WAIT"


@requirement(SENT + "syn")
def test_fourth_check_turns_to_syn_received_on_a_bare_syn(lab):
    """A SYN without ACK is a simultaneous open: <SEQ=ISS><ACK=IRS+1><CTL=SYN,ACK>, SYN-RECEIVED (3.10.7.3 fourth)."""
    lab.needs("simultaneous-open")
    sut, peer = syn_sent(lab)
    peer.send(TCP(flags="S", seq=100, window=4321))
    peer.expect(TCP(flags="SA", seq=300, ack=101), data=b"")
    assert sut.state == "SYN-RECEIVED"
    assert (sut.snd.una, sut.snd.nxt, sut.rcv.nxt) == (300, 301, 101)
    assert sut.snd.wnd == 4321


@requirement(SENT + "syn-data")
def test_text_of_a_crossing_syn_waits_for_established(lab):
    """Text on the crossing SYN is kept, or left to be sent again; it is not lost and not delivered twice (3.10.7.3
    fourth)."""
    lab.needs("simultaneous-open")
    sut, peer = syn_sent(lab)
    peer.send(TCP(flags="S", seq=100), data=b"early")
    peer.expect(TCP(flags="SA", seq=300, ack=101), data=b"")
    peer.send(TCP(flags="A", seq=101, ack=301), data=b"early")
    peer.expect(TCP(flags="A", seq=301, ack=106), within=ACK_DELAY)
    assert sut.read_exactly(5) == b"early" and sut.unread == 0


@pytest.mark.parametrize(
    "flags,octets",
    [
        case("A", 0, req=SENT + "ack-only", name="ack"),
        case("A", 10, req=SENT + "ack-only", name="data"),
        case("FA", 0, req=[SENT + "finack", "E-3.10.7.4-8-SYN-SENT-fin"], name="fin-ack"),
        case("", 0, req=SENT + "null", name="null"),
        case("F", 0, req=[SENT + "null", "E-3.10.7.4-8-SYN-SENT-fin"], name="fin"),
        case("P", 10, req=SENT + "null", name="data-without-ack"),
    ],
)
def test_fifth_check_drops_segments_without_syn_and_rst(lab, flags, octets):
    """An acceptable ACK alone does not open, and a FIN is not processed in SYN-SENT: dropped silently (3.10.7.3
    fifth)."""
    sut, peer = syn_sent(lab)
    peer.send(TCP(flags=flags, seq=100, ack=301), data=b"d" * octets)
    peer.expect_nothing()
    still_in_syn_sent(sut, peer)


@requirement("U-03", "E-3.10.2-SYN-SENT-queue")
def test_data_sent_before_established_follows_the_handshake(lab):
    """SEND in SYN-SENT queues; the data leaves with or right behind the third segment, at SEQ = ISS+1 (3.10.2,
    3.10.7.3)."""
    sut, peer = syn_sent(lab)
    sut.send(b"early bird")
    peer.expect_nothing()
    peer.send(TCP(flags="SA", seq=100, ack=301, window=65535))
    got = peer.expect(TCP(flags="A", seq=301, ack=101))
    if not got.payload:
        got = peer.expect(TCP(flags="A", seq=301, ack=101))
    assert got.payload == b"early bird"
    peer.send(TCP(flags="A", seq=101, ack=311))
    assert sut.snd.una == 311
