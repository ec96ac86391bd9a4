"""RFC 7413: Fast Open as a server and as a client, on a stack that has it and was asked for it."""

import pytest
from helpers import ACK_DELAY, FIRST_RTO, option_body
from lastack import requirement
from lastack.scapy import TCP

pytestmark = pytest.mark.lab(sut_options={"fast_open": 1})

FAST_OPEN = 34  # the option's kind


def cookie_of(segment):
    """The cookie in a segment's Fast Open option; None without the option."""
    return option_body(segment, FAST_OPEN)


def request_cookie(lab, port=3999):
    """A first connection that asks for a cookie and is reset."""
    peer = lab.peer(port=port, to=80)
    peer.send(TCP(flags="S", seq=50, options=[("MSS", 1000), (FAST_OPEN, b"")]))
    answer = peer.expect_any()
    cookie = cookie_of(answer)
    assert cookie, "the SYN,ACK has a cookie"
    peer.send(TCP(flags="R", seq=51))
    return cookie


def learn_cookie(lab, cookie=b"12345678"):
    """The stack connects, asks, and gets this cookie; the connection is reset. Returns the server."""
    lab.needs("fast-open")
    peer = lab.peer(port=4000, to=4999)
    lab.connect(peer, iss=300, port=4999)
    syn = peer.expect(TCP(flags="S", seq=300))
    assert cookie_of(syn) == b"", "an empty cookie asks for one (RFC 7413 4.2.1)"
    peer.send(TCP(flags="SA", seq=100, ack=301, options=[("MSS", 1000), (FAST_OPEN, cookie)]))
    peer.expect(TCP(flags="A", seq=301, ack=101))
    peer.send(TCP(flags="RA", seq=101, ack=301))
    return peer


@requirement("RFC7413-4.2.2-a")
def test_good_cookie_delivers_data_before_the_handshake(lab):
    """With a good cookie the SYN,ACK acknowledges the data, and the user has it in SYN-RECEIVED (RFC 7413 4.2.2)."""
    sut = lab.listen(port=80, iss=[200, 300])
    cookie = request_cookie(lab)
    peer = lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=100, options=[("MSS", 1000), (FAST_OPEN, cookie)]), data=b"request")
    peer.expect(TCP(flags="SA", seq=300, ack=108))
    connection = sut.accept()
    assert connection is not None and connection.state == "SYN-RECEIVED"
    assert connection.read_exactly(7) == b"request"
    peer.send(TCP(flags="A", seq=108, ack=301))
    assert connection.state == "ESTABLISHED"


@requirement("RFC7413-4.2.2-a", "U-13")
def test_wrong_cookie_means_an_ordinary_handshake(lab):
    """A cookie that the server did not make: only the SYN is acknowledged, nothing is delivered (RFC 7413 4.2.2)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=100, options=[("MSS", 1000), (FAST_OPEN, b"87654321")]), data=b"request")
    peer.expect(TCP(flags="SA", seq=300, ack=101))
    assert sut.accept() is None
    peer.send(TCP(flags="A", seq=101, ack=301), data=b"request")
    peer.expect(TCP(flags="A", seq=301, ack=108), within=ACK_DELAY)
    connection = sut.accept()
    assert connection is not None and connection.read_exactly(7) == b"request"


@requirement("RFC7413-4.2.2-b")
def test_repeated_syn_ack_has_no_option(lab):
    """A SYN,ACK that is repeated after a time-out carries no Fast Open option (RFC 7413 4.2.2 SHOULD)."""
    lab.listen(port=80, iss=300)
    peer = lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=100, options=[("MSS", 1000), (FAST_OPEN, b"")]))
    assert cookie_of(peer.expect(TCP(flags="SA", seq=300, ack=101)))
    assert cookie_of(peer.expect(TCP(flags="SA", seq=300, ack=101), within=FIRST_RTO)) is None


@requirement("RFC7413-4.2.1-a", "RFC7413-4.2.2-a")
def test_client_sends_data_with_its_cookie(lab):
    """After a first connection that brought a cookie, data leaves on the SYN (RFC 7413 4.2.2)."""
    peer = learn_cookie(lab, b"12345678")
    sut = lab.connect(peer, iss=900, port=5000, data=b"request")
    syn = peer.expect(TCP(flags="S", seq=900), data=b"request")
    assert cookie_of(syn) == b"12345678"
    peer.send(TCP(flags="SA", seq=700, ack=908, options=[("MSS", 1000)]))
    peer.expect(TCP(flags="A", seq=908, ack=701), data=b"")
    assert sut.state == "ESTABLISHED" and sut.snd.una == 908


@requirement("RFC7413-4.2.2-c", "E-3.10.7.3-SYN-SENT-synack-partial")
def test_client_repeats_data_that_the_syn_ack_leaves_out(lab):
    """Data of the SYN that <SYN,ACK> does not acknowledge is in the first ACK (RFC 7413 4.2.2)."""
    peer = learn_cookie(lab)
    lab.connect(peer, iss=900, port=5000, data=b"request")
    peer.expect(TCP(flags="S", seq=900), data=b"request")
    peer.send(TCP(flags="SA", seq=700, ack=901, options=[("MSS", 1000)]))
    peer.expect(TCP(flags="A", seq=901, ack=701), data=b"request")


@requirement("RFC7413-4.2.2-b", "RFC7413-4.1.3.1-a")
def test_client_falls_back_and_remembers(lab):
    """A SYN without answer is repeated without data and option; the next connection does not try (RFC 7413 4.1.3.1)."""
    peer = learn_cookie(lab)
    sut = lab.connect(peer, iss=900, port=5000, data=b"request")
    peer.lost(TCP(flags="S", seq=900))
    plain = peer.expect(TCP(flags="S", seq=900), data=b"", within=FIRST_RTO)
    assert cookie_of(plain) is None
    peer.send(TCP(flags="SA", seq=700, ack=901, options=[("MSS", 1000)]))
    peer.expect(TCP(flags="A", seq=901, ack=701), data=b"request")
    sut.abort()
    peer.drain()
    lab.connect(peer, iss=1900, port=5001, data=b"request")
    assert cookie_of(peer.expect(TCP(flags="S", seq=1900), data=b"")) is None
