"""RFC 4987: what a listener does when nobody completes the handshakes."""

import pytest
from helpers import FIRST_RTO
from lastack import requirement
from lastack.scapy import TCP


def flood(lab, sources, first=10000):
    """SYNs from this many ports that never answer."""
    attacker = lab.peer(port=first, to=80)
    attacker.ignore(TCP())
    for port in range(first, first + sources):
        attacker.send(TCP(sport=port, flags="S", seq=1000))
    lab.take_strays()


@requirement("RFC4987-3.6-a", "RFC4987-4-a")
@pytest.mark.lab(sut_options={"syn_cookies": 1})
def test_cookie_opens_the_connection_that_nothing_was_kept_of(lab):
    """Beyond the backlog a SYN,ACK carries a cookie, and its ACK opens the connection (RFC 4987 3.6)."""
    sut = lab.listen(port=80, backlog=2)
    flood(lab, 4)
    client = lab.peer(port=4000, to=80)
    client.send(TCP(flags="S", seq=2000, options=[("MSS", 1460)]))
    answer = client.expect(TCP(flags="SA", ack=2001))
    client.expect_nothing(until=2 * FIRST_RTO)  # nothing is kept, so nothing is repeated
    client.send(TCP(flags="A", seq=2001, ack=(answer.seq + 1) % 2**32), data=b"hello")
    client.expect(TCP(flags="A", ack=2006), within=0.5)
    connection = sut.accept()
    assert connection is not None and connection.read_exactly(5) == b"hello"
    lab.take_strays()


@requirement("RFC4987-3.6-a")
@pytest.mark.lab(sut_options={"syn_cookies": 1})
def test_guessed_cookie_is_reset(lab):
    """An ACK whose number is no cookie of ours gets a RST and opens nothing (RFC 9293 3.10.7.2, RFC 4987 3.6)."""
    sut = lab.listen(port=80, backlog=2)
    flood(lab, 4)
    client = lab.peer(port=4000, to=80)
    client.send(TCP(flags="S", seq=2000, options=[("MSS", 1460)]))
    answer = client.expect(TCP(flags="SA", ack=2001))
    client.send(TCP(flags="A", seq=2001, ack=(answer.seq + 2) % 2**32))
    client.expect(TCP(flags="R", seq=(answer.seq + 2) % 2**32))
    assert sut.accept() is None
    lab.take_strays()


@requirement("RFC4987-4-a")
@pytest.mark.lab(sut_options={"syn_cookies": 0})
def test_without_cookies_a_full_backlog_is_silent(lab):
    """Without cookies a SYN beyond the backlog is dropped; the peer repeats it later (RFC 4987 2)."""
    lab.listen(port=80, backlog=2)
    flood(lab, 2)
    client = lab.peer(port=4000, to=80)
    client.send(TCP(flags="S", seq=2000))
    client.expect_nothing()
    lab.take_strays()
