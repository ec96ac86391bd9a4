"""SEGMENT ARRIVES in CLOSED: RFC 9293 3.10.7.1, and 3.5.2 group 1.

There is no connection and no listener on the port; every segment but a RST is answered by a RST that its sender will
accept.
"""

import pytest
from helpers import case, expect_reset
from lastack import requirement
from lastack.scapy import TCP

CLOSED = "E-3.10.7.1-CLOSED-"


@pytest.mark.parametrize(
    "flags,octets,ack",
    [
        case("S", 0, 1001, req=[CLOSED + "noack-syn", CLOSED + "noack"], name="syn"),
        case("S", 10, 1011, req=[CLOSED + "noack-syn-data"], name="syn-data"),
        case("F", 0, 1001, req=[CLOSED + "noack-fin", "E-3.10.7.4-8-CLOSED-fin"], name="fin"),
        case("SF", 0, 1002, req=[CLOSED + "noack-synfin"], name="syn-fin"),
        case("", 0, 1000, req=[CLOSED + "noack-null"], name="null"),
        case("P", 10, 1010, req=[CLOSED + "noack"], name="data"),
        case("FPU", 0, 1001, req=[CLOSED + "noack"], name="xmas"),
    ],
)
@requirement("U-14")
def test_segment_without_ack_draws_rst_ack(lab, flags, octets, ack):
    """Without ACK the reset is <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>; SYN and FIN count one each (3.10.7.1)."""
    peer = lab.peer(port=4000, to=80)
    peer.send(TCP(flags=flags, seq=1000), data=b"d" * octets)
    peer.expect(TCP(flags="RA", seq=0, ack=ack), data=b"")


@pytest.mark.parametrize(
    "flags,octets,seq,ack",
    [
        case("A", 0, 1000, 2000, req=[CLOSED + "ack", "RFC1122-4.2.3.6-a"], name="ack"),
        case("SA", 0, 300, 91, req=[CLOSED + "ack-synack"], name="syn-ack"),
        case("A", 10, 300, 100, req=[CLOSED + "ack-data"], name="data"),
        case("FA", 0, 300, 100, req=[CLOSED + "ack", "E-3.10.7.4-8-CLOSED-fin"], name="fin-ack"),
        case("A", 0, 2**32 - 1, 2**32 - 1, req=[CLOSED + "ack", "U-12"], name="last-number"),
        case("A", 0, 0, 0, req=[CLOSED + "ack"], name="zero"),
    ],
)
@requirement("U-14")
def test_segment_with_ack_draws_rst_with_its_number(lab, flags, octets, seq, ack):
    """With ACK the reset is <SEQ=SEG.ACK><CTL=RST> (3.10.7.1)."""
    peer = lab.peer(port=4000, to=80)
    peer.send(TCP(flags=flags, seq=seq, ack=ack), data=b"d" * octets)
    expect_reset(peer, ack)


@requirement(CLOSED + "ack")
def test_reset_of_a_segment_with_ack_has_no_ack_bit(lab):
    """The form is <SEQ=SEG.ACK><CTL=RST>: RST alone; RST,ACK is the form for segments without ACK (3.10.7.1, 3.5.2)."""
    peer = lab.peer(port=4000, to=80)
    peer.send(TCP(flags="A", seq=1000, ack=2000))
    peer.expect(TCP(flags="R", seq=2000), data=b"")


@pytest.mark.parametrize("flags", ["R", "RA", "RS", "RSA"])
@requirement(CLOSED + "rst", "U-27")
def test_reset_is_discarded(lab, flags):
    """An incoming segment with RST is discarded, whatever else it carries (3.10.7.1)."""
    peer = lab.peer(port=4000, to=80)
    peer.send(TCP(flags=flags, seq=1000, ack=2000), data=b"why")
    peer.expect_nothing()


@pytest.mark.lab(ipv6=True)
@requirement(CLOSED + "noack-syn", "RFC8200-8.1-a")
def test_syn_to_a_closed_port_over_ipv6(lab):
    """The same reset over IPv6: <SEQ=0><ACK=1001><CTL=RST,ACK> (3.10.7.1)."""
    peer = lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=1000))
    peer.expect(TCP(flags="RA", seq=0, ack=1001), data=b"")
