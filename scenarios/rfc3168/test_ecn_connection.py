"""RFC 3168 6.1 on a stack that has ECN and was asked to use it: negotiation, the receiver's echo, the sender's answer."""

import pytest
from helpers import ACK_DELAY, FIRST_RTO, case
from lastack import requirement
from lastack.scapy import IP, TCP

pytestmark = pytest.mark.lab(ecn=True)

NOT_ECT, ECT_1, ECT_0, CE = range(4)


def ecn(segment):
    """The ECN field of the IP header."""
    return segment.core.traffic_class & 3


def negotiated(lab):
    """A passive connection with ECN: ISS 300, the peer's 100."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.send(TCP(flags="SEC", seq=100, options=[("MSS", 1000)]))
    peer.expect(TCP(flags="SAE", seq=300, ack=101))
    peer.send(TCP(flags="A", seq=101, ack=301))
    return sut, peer


def marked(field, flags="A", **numbers):
    """A segment of the peer whose IP header has this ECN field."""
    return IP(tos=field) / TCP(flags=flags, window=65535, **numbers)


@requirement("RFC3168-6.1.1-a", "SHLD-8")
def test_active_open_asks_for_ecn(lab):
    """The SYN has ECE and CWR and is not ECT; after <SYN,ACK,ECE> new data is ECT (RFC 3168 6.1.1, 6.1.2)."""
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=300)
    syn = peer.expect(TCP(flags="SEC", seq=300))
    assert ecn(syn) == NOT_ECT
    peer.send(TCP(flags="SAE", seq=100, ack=301, options=[("MSS", 1000)]))
    peer.expect(TCP(flags="A", seq=301, ack=101))
    sut.send(b"data")
    assert ecn(peer.expect(TCP(flags="A", seq=301), data=b"data")) in (ECT_0, ECT_1)


@pytest.mark.parametrize(
    "flags",
    [
        case("SA", req="RFC3168-6.1.1-d", name="plain"),
        case("SAC", req="RFC3168-6.1.1-e", name="CWR"),
        case("SAEC", req="RFC3168-6.1.1-e", name="reflected"),
    ],
)
def test_other_answers_are_no_agreement(lab, flags):
    """Any SYN,ACK but the one with ECE alone means no ECN: data is not ECT (RFC 3168 6.1.1, 6.1.1.2)."""
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=300)
    peer.expect(TCP(flags="SEC", seq=300))
    peer.send(TCP(flags=flags, seq=100, ack=301))
    peer.expect(TCP(seq=301, ack=101), note="later experiments (RFC 9768) use its flags")
    sut.send(b"data")
    assert ecn(peer.expect(TCP(seq=301), data=b"data")) == NOT_ECT


@requirement("RFC3168-6.1.1.1-a")
def test_syn_without_ecn_forbids_ect(lab):
    """A SYN may be repeated without ECE and CWR; data is not ECT then, even if the peer agrees (RFC 3168 6.1.1)."""
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=300)
    peer.expect(TCP(flags="SEC", seq=300))
    again = peer.expect_one_of(TCP(flags="S", seq=300), TCP(flags="SEC", seq=300), within=FIRST_RTO)
    peer.send(TCP(flags="SAE", seq=100, ack=301))
    peer.expect_any()
    sut.send(b"data")
    sent = peer.expect(TCP(seq=301), data=b"data")
    assert ecn(sent) == NOT_ECT or again.flags == "SEC"


@requirement("RFC3168-6.1.2-a", "RFC3168-6.1.4-a", "RFC3168-6.1.5-a")
def test_only_new_data_is_ect(lab):
    """New data is ECT; its repetition and pure ACKs are not (RFC 3168 6.1.2, 6.1.4, 6.1.5)."""
    sut, peer = negotiated(lab)
    sut.send(b"data")
    assert ecn(peer.expect(TCP(flags="A", seq=301), data=b"data")) in (ECT_0, ECT_1)
    assert ecn(peer.expect(TCP(flags="A", seq=301), data=b"data", within=FIRST_RTO)) == NOT_ECT
    peer.send(TCP(flags="A", seq=101, ack=305), data=b"x")
    assert ecn(peer.expect(TCP(flags="A", seq=305, ack=102), data=b"", within=ACK_DELAY)) == NOT_ECT


@requirement("RFC3168-6.1.3-a")
def test_ce_is_echoed_until_cwr(lab):
    """After CE every ACK has ECE, until a segment with CWR comes (RFC 3168 6.1.3)."""
    _, peer = negotiated(lab)
    peer.send(marked(ECT_0, seq=101, ack=301), data=b"a")
    peer.expect(TCP(flags="A", ack=102), within=ACK_DELAY)
    peer.send(marked(CE, seq=102, ack=301), data=b"b")
    peer.expect(TCP(flags="AE", ack=103), within=ACK_DELAY)
    peer.send(marked(ECT_0, seq=103, ack=301), data=b"c")
    peer.expect(TCP(flags="AE", ack=104), within=ACK_DELAY, note="no CWR yet")
    peer.send(marked(ECT_0, flags="AC", seq=104, ack=301), data=b"d")
    peer.expect(TCP(flags="A", ack=105), within=ACK_DELAY)
    peer.send(marked(ECT_0, seq=105, ack=301), data=b"e")
    peer.expect(TCP(flags="A", ack=106), within=ACK_DELAY)


@requirement("RFC3168-6.1.5-b")
def test_ce_on_old_data_is_ignored(lab):
    """CE on a segment outside the window says nothing: its ACK has no ECE (RFC 3168 6.1.5)."""
    _, peer = negotiated(lab)
    peer.send(marked(ECT_0, seq=101, ack=301), data=b"a")
    peer.expect(TCP(flags="A", ack=102), within=ACK_DELAY)
    peer.send(marked(CE, seq=101, ack=301), data=b"a", note="again, and marked")
    with lab.soft("SHOULD ignore the ECN field outside the window"):
        assert "E" not in peer.expect_any(within=ACK_DELAY).flags


@requirement("RFC3168-6.1.2-a", "RFC3168-6.1.2-b")
def test_echo_is_answered_by_cwr_once(lab):
    """An ACK with ECE halves the window; the first new data has CWR, later data does not (RFC 3168 6.1.2)."""
    sut, peer = negotiated(lab)
    sut.send(b"a" * 4000)
    for seq in range(301, 4301, 1000):
        assert "C" not in peer.expect(TCP(seq=seq), data=1000).flags
    peer.send(TCP(flags="AE", seq=101, ack=4301))
    sut.send(b"b" * 1000)
    assert "C" in peer.expect(TCP(seq=4301), data=1000).flags
    peer.send(TCP(flags="A", seq=101, ack=5301))
    sut.send(b"c" * 1000)
    assert "C" not in peer.expect(TCP(seq=5301), data=1000).flags


@requirement("RFC3168-6.1.2-b")
def test_cwr_is_not_on_a_repetition(lab):
    """Data that is sent again carries neither CWR nor ECT (RFC 3168 6.1.2, 6.1.5)."""
    sut, peer = negotiated(lab)
    sut.send(b"a" * 1000)
    peer.expect(TCP(seq=301), data=1000)
    again = peer.expect(TCP(seq=301), data=1000, within=FIRST_RTO)
    assert ecn(again) == NOT_ECT
    with lab.soft("SHOULD NOT set CWR on a retransmission"):
        assert "C" not in again.flags
