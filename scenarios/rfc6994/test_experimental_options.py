"""RFC 6994: options of experiments that a stack does not take part in."""

import pytest
from helpers import ACK_DELAY
from lastack import requirement
from lastack.scapy import TCP


@pytest.mark.parametrize("kind", [253, 254])
@pytest.mark.parametrize(
    "body", [b"\xf9\x89", b"\xf9\x89\x00\x01", b"\x12\x34" + b"x" * 12], ids=["tfo", "long", "odd"]
)
@requirement("RFC6994-3.2-a")
def test_unknown_experiment_is_ignored(lab, kind, body):
    """An experimental option with an ExID that nobody knows changes nothing, on a SYN and later (RFC 6994 3.2)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=100, options=[("MSS", 1460), (kind, body)]))
    answer = peer.expect(TCP(flags="SA", seq=300, ack=101))
    assert answer.option(kind) is None
    peer.send(TCP(flags="A", seq=101, ack=301, options=[(kind, body)]), data=b"data")
    peer.expect(TCP(flags="A", seq=301, ack=105), within=ACK_DELAY)
    assert sut.read_exactly(4) == b"data"
