"""RFC 3168: a stack that did not negotiate ECN shows none of it, whatever the peer's segments carry.

Scenarios of a stack that has ECN come with the stack; these hold for every one.
"""

import pytest
from helpers import ACK_DELAY, FIRST_RTO, case
from lastack import requirement
from lastack.scapy import TCP

ECT_AND_CE = 3  # the two ECN bits of the IP header


def is_not_ect(segment):
    """Neither ECT nor CE is set in the IP header."""
    return segment.core.traffic_class & ECT_AND_CE == 0


@pytest.mark.parametrize(
    "flags",
    [
        case("S", req="RFC3168-6.1.1-b", name="none"),
        case("SE", req="RFC3168-6.1.1-b", name="ECE-only"),
        case("SC", req="RFC3168-6.1.1-b", name="CWR-only"),
        case("SEC", req="RFC3168-6.1.1-a", name="ecn-setup"),
    ],
)
@requirement("RFC3168-6.1.1-c", "SHLD-8")
def test_syn_ack_offers_ecn_only_to_an_ecn_setup_syn(lab, flags):
    """Only a SYN with ECE and CWR may be answered by ECE, and never with CWR; SYN,ACK is not ECT (RFC 3168 6.1.1)."""
    lab.listen(port=80, iss=300)
    peer = lab.peer(port=4000, to=80)
    peer.send(TCP(flags=flags, seq=100))
    answer = peer.expect_one_of(TCP(flags="SA", seq=300, ack=101), TCP(flags="SAE", seq=300, ack=101))
    assert "E" not in answer.flags or flags == "SEC"
    assert is_not_ect(answer)


@requirement("RFC3168-6.1.1-c")
def test_syn_is_not_ect(lab):
    """A SYN carries neither ECT nor CE (RFC 3168 6.1.1)."""
    peer = lab.peer(port=4000, to=80)
    lab.connect(peer, iss=300)
    assert is_not_ect(peer.expect_any())


@requirement("RFC3168-6.1.1-d", "RFC3168-6.1.4-a", "RFC3168-6.1.5-a")
def test_connection_without_ecn_is_not_ect(lab):
    """Without negotiation data, its repetition and pure ACKs carry neither ECT nor ECE nor CWR (RFC 3168 6.1.1)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=100))
    peer.expect(TCP(flags="SA", seq=300, ack=101))
    peer.send(TCP(flags="A", seq=101, ack=301))
    sut.send(b"data")
    seen = [peer.expect(TCP(flags="A", seq=301), data=b"data")]
    seen.append(peer.expect(TCP(flags="A", seq=301), data=b"data", within=FIRST_RTO))
    peer.send(TCP(flags="AE", seq=101, ack=305), data=b"x", note="ECE means nothing here")
    seen.append(peer.expect(TCP(flags="A", seq=305, ack=102), within=ACK_DELAY))
    assert all(is_not_ect(segment) for segment in seen)


@requirement("RFC3168-6.1.1-e")
def test_reflected_flags_do_not_negotiate_ecn(lab):
    """A SYN,ACK with both ECE and CWR is not an ECN-setup SYN,ACK: data stays not ECT (RFC 3168 6.1.1)."""
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=300)
    peer.expect_any()
    peer.send(TCP(flags="SAEC", seq=100, ack=301))
    peer.expect(TCP(flags="A", seq=301, ack=101))
    sut.send(b"data")
    got = peer.expect(TCP(flags="A", seq=301), data=b"data")
    assert is_not_ect(got)


@requirement("RFC3168-6.1.6-a")
def test_window_probe_is_not_ect(lab):
    """A zero-window probe carries neither ECT nor CWR (RFC 3168 6.1.6)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.handshake(seq=100, iss=300)
    sut.send(b"0")
    peer.expect(TCP(flags="A", seq=301), data=b"0")
    peer.send(TCP(flags="A", seq=101, ack=302, window=0))
    sut.send(b"12345")
    probe = peer.expect(TCP(flags="A", ack=101), within=FIRST_RTO)
    assert is_not_ect(probe)
