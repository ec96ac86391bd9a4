"""Delayed acknowledgments, urgent data, keep-alives. RFC 9293 3.8.4, 3.8.5 and 3.8.6.3."""

import pytest
from helpers import ACK_DELAY, FIRST_RTO, enter, established
from lastack import requirement
from lastack.scapy import TCP

delayed = pytest.mark.lab(delayed_ack=True)
IDLE = 3  # seconds of silence before a keep-alive probe, where a scenario switches it on


@delayed
@requirement("MUST-40", "SHLD-18", "RFC5681-4.2-a")
def test_acknowledgment_is_delayed_by_less_than_half_a_second(lab):
    """A single segment is acknowledged within 0.5 s (3.8.6.3 MUST-40)."""
    at = established(lab)
    start = lab.now
    at.send("A", data=b"one")
    got = at.expect_ack(104, within=1.0)
    assert got.time - start < 0.5


@delayed
@pytest.mark.parametrize("octets", [1460])
@requirement("SHLD-19", "MUST-58")
def test_every_second_full_segment_is_acknowledged_at_once(lab, octets):
    """A stream of full segments draws an ACK for at least every second one (3.8.6.3 SHLD-19)."""
    at = established(lab)
    unacknowledged = 0
    for number in range(10):
        at.send("A", seq=101 + number * octets, data=b"d" * octets)
        unacknowledged += 1
        answers = at.peer.drain()
        if answers:
            assert answers[-1].ack == 101 + (number + 1) * octets
            unacknowledged = 0
        with lab.soft("SHLD-19"):
            assert unacknowledged < 2
    lab.advance(ACK_DELAY)
    at.peer.drain()
    assert at.sut.rcv.nxt == 101 + 10 * octets


@delayed
@requirement("MUST-58", "RFC5681-4.2-b")
def test_acknowledgments_are_aggregated(lab):
    """In-order segments that come together draw clearly fewer ACKs than segments (3.10.7.4 MUST-58)."""
    at = established(lab)
    for number in range(10):
        at.send("A", seq=101 + 100 * number, data=b"d" * 100)
    lab.advance(ACK_DELAY)
    acks = at.peer.drain()
    assert acks[-1].ack == 1101
    with lab.soft("a segment that is alone when it comes may be acknowledged at once"):
        assert len(acks) <= 7


@delayed
@requirement("SHLD-18", "U-18")
def test_delayed_acknowledgment_rides_on_data(lab):
    """An answer that is sent within the delay carries the acknowledgment; no pure ACK follows (3.8.6.3, 3.10.7.4
    seventh)."""
    at = established(lab)
    at.send("A", data=b"question")
    for early in at.peer.drain():
        assert early.ack == 109
    at.sut.send(b"answer")
    at.peer.expect(TCP(flags="A", seq=301, ack=109), data=b"answer")
    at.send("A", seq=109, ack=307)
    at.peer.expect_nothing(until=ACK_DELAY)


@delayed
@requirement("RFC5681-3.2-a", "RFC5681-3.2-b")
def test_gaps_and_their_filling_are_acknowledged_at_once(lab):
    """Out-of-order data and data that fills a gap are acknowledged without delay (RFC 5681 3.2)."""
    at = established(lab)
    at.send("A", seq=111, data=b"d" * 10)
    at.expect_ack(101, note="the duplicate ACK")
    at.send("A", seq=101, data=b"d" * 10)
    at.expect_ack(121, note="the gap is filled")


@requirement("RFC5681-4.2-b")
def test_no_more_than_one_acknowledgment_per_segment(lab):
    """N segments draw at most N ACKs (RFC 5681 4.2)."""
    at = established(lab)
    for number in range(20):
        at.send("A", seq=101 + 50 * number, data=b"d" * 50)
    lab.advance(ACK_DELAY)
    acks = [answer.ack for answer in at.peer.drain()]
    assert acks[-1] == 1101 and acks == sorted(set(acks))


@pytest.mark.parametrize("octets", [1, 1000, 20_000])
@requirement("MUST-31", "MUST-33", "U-24")
def test_urgent_data_of_any_length_stays_in_the_stream(lab, octets):
    """Urgent data of any length is delivered in order with everything else (3.8.5 MUST-31)."""
    lab.needs("urgent")
    at = established(lab)
    stream = bytes(i % 251 for i in range(octets + 5))
    for start in range(0, octets, 1000):
        part = stream[start : min(start + 1000, octets)]
        at.send("UA", seq=101 + start, urgptr=octets - start, data=part)
    at.send("A", seq=101 + octets, data=stream[octets:])
    lab.advance(ACK_DELAY)
    assert at.peer.drain()[-1].ack == 101 + octets + 5
    assert "urgent" in at.sut.events()
    assert at.read(octets + 5) == stream


@requirement("MUST-32")
def test_user_hears_of_every_advance_of_the_urgent_pointer(lab):
    """Urgency that begins, and a pointer that moves ahead, are told; the same pointer again is no news (3.8.5
    MUST-32)."""
    lab.needs("urgent")
    at = established(lab)
    at.send("UA", seq=101, urgptr=10, data=b"abcde")
    at.expect_ack(106, within=ACK_DELAY)
    assert "urgent" in at.sut.events()
    at.send("UA", seq=106, urgptr=5, data=b"f")
    at.expect_ack(107, within=ACK_DELAY)
    assert "urgent" not in at.sut.events(), "111 as before"
    at.send("UA", seq=107, urgptr=100, data=b"g")
    at.expect_ack(108, within=ACK_DELAY)
    assert "urgent" in at.sut.events(), "207 now"


@requirement("MUST-30", "MUST-62", "RFC6093-4-a")
def test_urgent_flag_stays_while_urgent_data_is_unsent(lab):
    """Every segment in front of the end of urgent data points to it; later data is not urgent (3.8.5 MUST-62)."""
    lab.needs("urgent")
    at = established(lab)
    at.sut.send(b"u" * 2000, urgent=True)
    segments = [at.peer.expect_any(within=1.0), *at.peer.drain()]
    if sum(len(segment.payload) for segment in segments) < 2000:
        at.send("A", ack=segments[-1].seq + len(segments[-1].payload))
        segments.append(at.peer.expect_any(within=1.0))
    for segment in segments:
        assert "U" in segment.flags and segment.seq + segment.urgent == 2301
    at.send("A", ack=2301)
    at.sut.send(b"calm")
    got = at.peer.expect_any(within=1.0)
    assert "U" not in got.flags


@requirement("MUST-25", "MUST-28")
def test_keep_alive_is_off_by_default(lab):
    """An idle connection stays silent for hours (3.8.4 MUST-25)."""
    at = established(lab)
    at.peer.expect_nothing(until=4 * 3600)
    assert at.sut.state == "ESTABLISHED"


@requirement("MUST-28")
def test_keep_alive_waits_two_hours_by_default(lab):
    """Switched on without an interval, the first probe comes after two hours or more (3.8.4 MUST-28)."""
    at = established(lab)
    at.sut.set("keepalive", 1)
    at.peer.expect_nothing(until=7199)
    at.peer.expect(TCP(flags="A", ack=101), within=3600)
    at.send("A")


@pytest.mark.parametrize("idle", [IDLE, 7])
@requirement("MUST-24", "MUST-26", "MUST-27", "MAY-5", "SHLD-12")
def test_keep_alive_probes_after_the_chosen_interval(lab, idle):
    """The probe is <SEQ=SND.NXT-1> without data, after the interval that the user chose (3.8.4 MUST-27)."""
    at = established(lab)
    at.sut.set("keepalive", 1)
    at.sut.set("keepalive_ms", idle * 1000)
    at.peer.expect_nothing(until=idle - 0.6)
    probe = at.peer.expect(TCP(flags="A", seq=300, ack=101), within=1.6)
    with lab.soft("SHLD-12: without data"):
        assert probe.payload == b""
    at.send("A")
    at.peer.expect_nothing(until=idle - 0.6)


@requirement("MUST-26")
def test_keep_alive_counts_from_the_last_segment_received(lab):
    """Data or an ACK from the peer starts the interval anew (3.8.4 MUST-26)."""
    at = established(lab)
    at.sut.set("keepalive", 1)
    at.sut.set("keepalive_ms", IDLE * 1000)
    for _ in range(4):
        at.peer.expect_nothing(until=IDLE - 1)
        at.send("A", data=b"d")
        at.rcv += 1
        at.expect_ack(at.rcv, within=ACK_DELAY)
    at.peer.expect(TCP(flags="A", seq=300, ack=at.rcv), within=IDLE + 1)
    at.send("A")


@requirement("MUST-26")
def test_keep_alive_is_silent_while_data_is_unacknowledged(lab):
    """With data outstanding only retransmissions leave, no keep-alive probe (3.8.4 MUST-26)."""
    at = established(lab)
    at.sut.set("keepalive", 1)
    at.sut.set("keepalive_ms", IDLE * 1000)
    at.sut.send(b"data")
    at.peer.expect(TCP(flags="A", seq=301), data=b"data")
    lab.advance(4 * IDLE)
    for again in at.peer.drain():
        assert (again.seq, again.payload) == (301, b"data")


@requirement("MUST-29")
def test_one_unanswered_keep_alive_is_no_proof_of_death(lab):
    """A probe without an answer is followed by another; an answer to that one keeps the connection (3.8.4 MUST-29)."""
    at = established(lab)
    at.sut.set("keepalive", 1)
    at.sut.set("keepalive_ms", IDLE * 1000)
    at.peer.lost(TCP(flags="A", seq=300, ack=101), within=IDLE + 1)
    at.peer.expect(TCP(flags="A", seq=300, ack=101), within=100)
    at.send("A")
    assert at.sut.state == "ESTABLISHED"
    at.sut.send(b"alive")
    at.peer.expect(TCP(flags="A", seq=301), data=b"alive")


@requirement("MUST-24")
def test_keep_alive_belongs_to_one_connection(lab):
    """Switched on for one connection it does not probe another (3.8.4 MUST-24)."""
    at = established(lab)
    lab.set_iss(900)
    other = lab.peer(port=4001, to=80)
    other.handshake(seq=500, iss=900)
    at.sut.connection(at.peer).set("keepalive", 1)
    at.sut.connection(at.peer).set("keepalive_ms", IDLE * 1000)
    at.peer.expect(TCP(flags="A", seq=300), within=IDLE + 1)
    at.send("A")
    other.expect_nothing()


@requirement("U-18")
def test_every_segment_carries_the_current_acknowledgment(lab):
    """From ESTABLISHED on each segment acknowledges RCV.NXT: data, its repetition, and the FIN (3.8, 3.3.1)."""
    at = established(lab)
    at.sut.send(b"data")
    at.peer.expect(TCP(flags="A", seq=301, ack=101), data=b"data")
    at.send("A", ack=301, data=b"news")
    at.peer.expect(TCP(flags="A", seq=305, ack=105), within=ACK_DELAY)
    at.peer.expect(TCP(flags="A", seq=301, ack=105), data=b"data", within=FIRST_RTO)
    at.send("A", seq=105, ack=305)
    at.sut.shutdown()
    at.peer.expect(TCP(flags="FA", seq=305, ack=105))


@requirement("MUST-29")
def test_keep_alive_gives_up_in_the_end(lab):
    """A peer that answers no probe at all is gone: the connection ends and the user hears of it (3.8.4)."""
    at = enter(lab, "ESTABLISHED")
    at.sut.set("keepalive", 1)
    at.sut.set("keepalive_ms", IDLE * 1000)
    lab.advance(3600)
    probes = at.peer.drain()
    assert sum(1 for probe in probes if "R" not in probe.flags) >= 2
    assert at.sut.state == "CLOSED" and "timeout" in at.sut.events()
