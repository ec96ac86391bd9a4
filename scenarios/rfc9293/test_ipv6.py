"""TCP over IPv6 is the same protocol: states, resets, retransmission, flow control. RFC 9293 3.1, RFC 8200 8.1."""

import pytest
from helpers import (
    AFTER_SYN,
    FIRST_RTO,
    acknowledge_until,
    close_window,
    enter,
    established,
    expect_reset,
    fill_receive_window,
    states,
)
from lastack import requirement
from lastack.scapy import TCP, IPv6

pytestmark = pytest.mark.lab(ipv6=True)


@pytest.mark.parametrize("state", states("E-3.10.6-STATE", AFTER_SYN))
def test_every_state_is_reached_over_ipv6(lab, state):
    """Each state is reached over IPv6 by the same segments with the same numbers (3.10.6, 3.6)."""
    at = enter(lab, state)
    at.peer.expect_nothing()
    at.unchanged()


@requirement("F-10", "E-3.10.7.1-CLOSED-ack-data")
def test_data_without_a_connection_over_ipv6(lab):
    """The reset of Figure 10 over IPv6 (3.5.1)."""
    peer = lab.peer(port=4000, to=80)
    peer.send(TCP(flags="A", seq=300, ack=100), data=b"0123456789")
    expect_reset(peer, 100)


@requirement("E-3.10.8-ESTABLISHED-rto", "MUST-2")
def test_lost_data_is_repeated_over_ipv6(lab):
    """Retransmission over IPv6; every segment comes from the connection's own address (3.10.8, 3.9.1.1)."""
    at = established(lab)
    at.sut.send(b"0123456789")
    wanted = IPv6(src="2001:db8::1", dst="2001:db8::2") / TCP(flags="A", seq=301, ack=101)
    at.peer.lost(wanted, data=b"0123456789")
    assert at.peer.expect(wanted, data=b"0123456789", within=FIRST_RTO).core.checksum_ok
    at.send("A", ack=311)
    at.peer.expect_nothing(until=2 * FIRST_RTO)


@requirement("MUST-36", "U-17")
def test_closed_windows_over_ipv6(lab):
    """Probes into a closed window, and answers from behind one, over IPv6 (3.8.6.1)."""
    at = established(lab)
    close_window(at)
    at.sut.send(b"0123456789")
    probe = at.peer.expect_any(within=FIRST_RTO)
    assert len(probe.payload) <= 1
    at.send("A", window=1000)
    assert acknowledge_until(at, at.una + 10) == b"0123456789"
    fill_receive_window(at)
    at.send("A", data=b"p")
    at.peer.expect(TCP(flags="A", seq=at.nxt, ack=at.rcv, window=0), data=b"")
