"""RFC 5482: the option by which two ends tell each other their user timeout. Off unless asked for."""

import pytest
from helpers import FIRST_RTO, option_body
from lastack import requirement
from lastack.scapy import TCP

USER_TIMEOUT = 28  # the option's kind


def timeout_of(segment):
    """The option's 16 bits; None without the option."""
    body = option_body(segment, USER_TIMEOUT)
    return None if body is None else int.from_bytes(body, "big")


@requirement("RFC5482-3-a")
def test_option_is_ignored_by_who_does_not_use_it(lab):
    """The option changes nothing where it is not enabled, and nothing answers it (RFC 5482 3)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=100, options=[("MSS", 1460), (USER_TIMEOUT, b"\x00\x0a")]))
    assert timeout_of(peer.expect(TCP(flags="SA", seq=300, ack=101))) is None
    peer.send(TCP(flags="A", seq=101, ack=301, options=[(USER_TIMEOUT, b"\x00\x01")]))
    sut.send(b"data")
    peer.expect(TCP(flags="A", seq=301), data=b"data")
    peer.expect(TCP(flags="A", seq=301), data=b"data", within=FIRST_RTO)
    assert sut.state == "ESTABLISHED", "a second has passed"


@requirement("RFC5482-3.3-a")
@pytest.mark.lab(sut_options={"user_timeout_option": 1, "user_timeout_ms": 150_000})
def test_option_is_on_the_syn_and_on_the_first_segment_after_it(lab):
    """Kind 28, length 4, seconds: on the SYN and once more behind it (RFC 5482 3, 3.3)."""
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=300)
    assert timeout_of(peer.expect(TCP(flags="S", seq=300))) == 150
    peer.send(TCP(flags="SA", seq=100, ack=301))
    assert timeout_of(peer.expect(TCP(flags="A", seq=301, ack=101))) == 150
    sut.send(b"data")
    assert timeout_of(peer.expect(TCP(flags="A", seq=301), data=b"data")) is None


@pytest.mark.parametrize("offered, expected", [(0, 50.0), (200, 200.0), (0x8000 | 4, 240.0), (0x8000 | 600, 400.0)])
@requirement("RFC5482-3-c", "RFC5482-3.4-a")
@pytest.mark.lab(
    sut_options={
        "user_timeout_option": 1,
        "user_timeout_ms": 50_000,
        "user_timeout_least_ms": 100_000,
        "user_timeout_most_ms": 400_000,
    }
)
def test_peers_value_is_taken_within_limits(lab, offered, expected):
    """The larger of both values counts, within our limits; zero is reserved and ignored (RFC 5482 3.1, 3.4)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=100))
    peer.expect_any()
    peer.send(TCP(flags="A", seq=101, ack=301, options=[(USER_TIMEOUT, offered.to_bytes(2, "big"))]))
    sut.send(b"data")
    peer.ignore(TCP())
    assert sut.timer("user") == pytest.approx(expected, abs=0.01)


@requirement("RFC5482-3-b")
@pytest.mark.lab(sut_options={"user_timeout_option": 1})
def test_applications_choice_is_not_overridden(lab):
    """A user timeout that the application has set for the connection stays (RFC 5482 3)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=100))
    peer.expect_any()
    peer.send(TCP(flags="A", seq=101, ack=301))
    connection = sut.accept()
    connection.set("user_timeout_ms", 30_000)
    peer.send(TCP(flags="A", seq=101, ack=301, options=[(USER_TIMEOUT, b"\x01\x2c")]))
    connection.send(b"data")
    peer.ignore(TCP())
    assert connection.timer("user") == pytest.approx(30.0, abs=0.01)
