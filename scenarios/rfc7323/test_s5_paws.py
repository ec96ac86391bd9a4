"""RFC 7323 section 5: protection against wrapped sequence numbers (PAWS)."""

import pytest
from helpers import ACK_DELAY
from lastack import requirement
from lastack.scapy import TCP
from stamped import Stamped
from streams import next_flight

pytestmark = pytest.mark.lab(timestamps=True)

DAY = 86400  # seconds


@requirement("RFC7323-5.3-a", "RFC7323-5.2-a")
def test_older_timestamp_is_acknowledged_and_dropped(lab):
    """R1: data with TSval 90 after 100 is not acceptable: an ACK with RCV.NXT and echo 100, the data is lost (RFC 7323
    5.3)."""
    stamped = Stamped(lab, tsval=100)
    stamped.send("PA", seq=101, ack=301, tsval=100, data=b"0123456789")
    stamped.expect(TCP(flags="A", seq=301, ack=111), tsecr=100)
    stamped.send("PA", seq=111, ack=301, tsval=90, data=b"old octets")
    stamped.expect(TCP(flags="A", seq=301, ack=111), tsecr=100)
    stamped.send("PA", seq=111, ack=301, tsval=101, data=b"new octets")
    stamped.expect(TCP(flags="A", seq=301, ack=121), tsecr=101)
    assert stamped.sut.read_exactly(20) == b"0123456789new octets"


@requirement("RFC7323-5.3-a")
def test_equal_timestamp_is_not_old(lab):
    """Only TSval < TS.Recent is old: the same value again is taken (RFC 7323 5.3 R1)."""
    stamped = Stamped(lab, tsval=100)
    for number in range(3):
        stamped.send("PA", seq=101 + number, ack=301, tsval=100, data=b"x")
        stamped.expect(TCP(flags="A", seq=301, ack=102 + number), tsecr=100)


@requirement("RFC7323-5.3-a")
def test_old_timestamp_does_not_close(lab):
    """A FIN with an old timestamp is an old duplicate: no CLOSE-WAIT (RFC 7323 5.3 R1)."""
    stamped = Stamped(lab, tsval=100)
    stamped.send("FA", seq=101, ack=301, tsval=50)
    stamped.expect(TCP(flags="A", seq=301, ack=101), tsecr=100)
    assert stamped.sut.state == "ESTABLISHED"
    stamped.send("FA", seq=101, ack=301, tsval=100)
    stamped.expect(TCP(flags="A", seq=301, ack=102), tsecr=100)
    assert stamped.sut.state == "CLOSE-WAIT"


@requirement("RFC7323-5.3-b")
def test_old_and_outside_the_window_is_acknowledged_once(lab):
    """PAWS comes before the sequence test: old data outside the window draws one ACK and leaves TS.Recent (RFC 7323
    5.3)."""
    stamped = Stamped(lab, tsval=100)
    stamped.send("PA", seq=101 + 10_000_000, ack=301, tsval=50, data=b"x")
    stamped.expect(TCP(flags="A", seq=301, ack=101), tsecr=100)
    stamped.peer.expect_nothing()
    stamped.send("PA", seq=101, ack=301, tsval=100, data=b"x")
    stamped.expect(TCP(flags="A", seq=301, ack=102), tsecr=100)


@requirement("RFC7323-4.3-d", "RFC7323-5.3-b")
def test_segment_outside_the_window_does_not_set_the_echo(lab):
    """A newer timestamp on a segment outside the window is not recorded: the echo stays 100 (RFC 7323 5.3 R2 before
    R3)."""
    stamped = Stamped(lab, tsval=100)
    stamped.send("PA", seq=101 + 10_000_000, ack=301, tsval=5000, data=b"x")
    stamped.expect(TCP(flags="A", seq=301, ack=101), tsecr=100)
    stamped.send("PA", seq=101, ack=301, tsval=101, data=b"x")
    stamped.expect(TCP(flags="A", seq=301, ack=102), tsecr=101)


@requirement("RFC7323-5.2-e")
@pytest.mark.parametrize(("tsval", "old"), [(5, False), (0x7FFFFFEF, False), (0x7FFFFFF1, True), (0xFFFFFFEF, True)])
def test_timestamps_are_compared_modulo_2_32(lab, tsval, old):
    """s < t if 0 < t - s < 2^31, modulo 2^32: after 0xFFFFFFF0 a 5 is new and 0x7FFFFFF1 is old (RFC 7323 5.2)."""
    stamped = Stamped(lab, tsval=0xFFFFFFF0)
    stamped.send("PA", seq=101, ack=301, tsval=tsval, data=b"x")
    if old:
        stamped.expect(TCP(flags="A", seq=301, ack=101), tsecr=0xFFFFFFF0)
    else:
        stamped.expect(TCP(flags="A", seq=301, ack=102), tsecr=tsval)


@requirement("RFC7323-5.2-e")
def test_timestamp_at_the_distance_of_2_31_is_not_old(lab):
    """At the distance of exactly 2^31 the definition 0 < t - s < 2^31 says: not less, so not old (RFC 7323 5.2)."""
    stamped = Stamped(lab, tsval=0xFFFFFFF0)
    stamped.send("PA", seq=101, ack=301, tsval=0x7FFFFFF0, data=b"x")
    stamped.expect(TCP(flags="A", seq=301, ack=102))


@requirement("RFC7323-5.2-c")
def test_reset_is_exempt(lab):
    """RST is not subject to PAWS: an exact RST with an ancient timestamp resets (RFC 7323 5.2)."""
    stamped = Stamped(lab, tsval=100)
    stamped.send("R", seq=101, tsval=1)
    stamped.peer.expect_nothing()
    assert stamped.sut.state == "CLOSED"


@requirement("RFC7323-5.2-c")
def test_timestamp_of_a_reset_changes_nothing(lab):
    """The option of a RST updates no state: after a RST that is only challenged the echo is the old one (RFC 7323
    5.2)."""
    stamped = Stamped(lab, tsval=100)
    stamped.send("R", seq=150, tsval=9000)
    stamped.expect(TCP(flags="A", seq=301, ack=101), tsecr=100)
    stamped.send("PA", seq=101, ack=301, tsval=101, data=b"x")
    stamped.expect(TCP(flags="A", seq=301, ack=102), tsecr=101)


@requirement("RFC7323-5.2-b")
def test_reset_answers_the_timestamp_that_caused_it(lab):
    """The RST that answers a segment with the option should carry TSval 0 and echo the TSval (RFC 7323 5.2)."""
    lab.needs("timestamps")
    peer = lab.peer(port=4000, to=80)
    peer.send(TCP(flags="A", seq=101, ack=301, options=[("Timestamp", (1234, 77))]))
    reset = peer.expect(TCP(flags="R", seq=301))
    with lab.soft("RFC 7323 5.2: a RST should answer the Timestamps option"):
        assert reset.option("Timestamp") == (0, 1234)


@requirement("RFC7323-5.5-a")
def test_timestamp_is_forgotten_after_24_idle_days(lab):
    """After more than 24 idle days TS.Recent is no longer valid: a timestamp that looks old is taken (RFC 7323
    5.5)."""
    lab.needs("virtual-time")
    stamped = Stamped(lab, tsval=0x90000000)
    lab.advance(25 * DAY)
    stamped.send("PA", seq=101, ack=301, tsval=0x20000000, data=b"x")
    stamped.expect(TCP(flags="A", seq=301, ack=102), tsecr=0x20000000)


@requirement("RFC7323-5.2-d")
def test_reset_with_an_impossible_echo_is_believed_or_not(lab):
    """TSecr may tighten the acceptance of a RST: one that was never sent is ignored or believed, and never answered
    (RFC 7323 5.2)."""
    stamped = Stamped(lab, tsval=100)
    stamped.send("R", seq=101, tsecr=(stamped.echo + 2**30) % 2**32)
    stamped.peer.expect_nothing(until=ACK_DELAY)
    assert stamped.sut.state in ("CLOSED", "ESTABLISHED")


@requirement("RFC7323-5.7-a")
def test_data_with_timestamps_is_not_fragmented(lab):
    """Who uses PAWS also discovers the path MTU: IPv4 packets of the connection have DF set (RFC 7323 5.7)."""
    stamped = Stamped(lab, tsval=100)
    assert stamped.sut.send(bytes(3000)) == 3000
    assert all(segment.core.dont_fragment for segment in next_flight(stamped.peer))
