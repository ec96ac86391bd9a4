"""RFC 7413: without a request of the application TCP Fast Open is off, and its option means nothing."""

import pytest
from helpers import ACK_DELAY
from lastack import requirement
from lastack.scapy import TCP

FAST_OPEN = 34  # the option's kind


@pytest.mark.parametrize("cookie", [b"", b"12345678", b"1", b"123", b"\0" * 17], ids=["request", "8", "1", "3", "17"])
@requirement("RFC7413-2-a", "RFC7413-4.2-a", "RFC7413-4.1.1-a")
def test_fast_open_option_on_a_syn_is_ignored(lab, cookie):
    """A listener without Fast Open answers <ACK=IRS+1> without a cookie; the data waits (RFC 7413 2, 4.2)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=100, options=[("MSS", 1460), (FAST_OPEN, cookie)]), data=b"too early")
    answer = peer.expect(TCP(flags="SA", seq=300, ack=101), data=b"")
    assert answer.option(FAST_OPEN) is None and answer.option("TFO") is None
    assert sut.accept() is None
    peer.send(TCP(flags="A", seq=101, ack=301), data=b"too early")
    peer.expect(TCP(flags="A", seq=301, ack=110), within=ACK_DELAY)
    assert sut.read_exactly(9) == b"too early"


@requirement("RFC7413-4.1.1-a")
def test_fast_open_option_without_syn_is_ignored(lab):
    """The option on a segment without SYN has no effect (RFC 7413 4.1.1)."""
    sut, peer = lab.established(sut_iss=300, peer_iss=100)
    peer.send(TCP(flags="A", seq=101, ack=301, options=[(FAST_OPEN, b"12345678")]), data=b"data")
    peer.expect(TCP(flags="A", seq=301, ack=105), within=ACK_DELAY)
    assert sut.read_exactly(4) == b"data"
