"""Flow control: the send window, shrinking windows, zero-window probes, silly windows. RFC 9293 3.8.6."""

import pytest
from helpers import (
    ACK_DELAY,
    FIRST_RTO,
    acknowledge_until,
    close_window,
    enter,
    established,
    fill_receive_window,
    take_until_fin,
)
from lastack import requirement
from lastack.scapy import TCP
from streams import needs_at_once

# Seconds: longer than the longest pause between probes that a stack may make (twice a maximum of 60 s).
PROBE_WAIT = 130.0


def flight(at, within=1.0):
    """The data segments that leave now."""
    first = at.peer.expect_any(within=within)
    return [first, *at.peer.drain()]


def last_octet(segments):
    """The number behind the last octet of these segments."""
    return max(segment.seq + len(segment.payload) for segment in segments)


@pytest.mark.parametrize("window", [1, 10, 500, 1460, 3000])
@requirement("RFC5681-2-a", "MUST-1")
def test_no_octet_leaves_beyond_the_window(lab, window):
    """What leaves fits into SND.WND; the rest waits for an ACK or a window update (3.8.6, RFC 5681 2)."""
    at = established(lab, window=window)
    at.sut.send(b"d" * (window + 100))
    sent = flight(at, within=FIRST_RTO)  # silly window avoidance holds tiny segments back for a while
    assert 301 < last_octet(sent) <= 301 + window
    assert at.sut.snd.nxt == last_octet(sent)


@pytest.mark.parametrize("window", [40_000, 65_535])
@requirement("MUST-1", "REC-1")
def test_window_above_32767_is_large_and_not_negative(lab, window):
    """The window field is unsigned: 40000 is more than 32767, and data flows (3.1 MUST-1)."""
    at = established(lab, window=window)
    at.sut.send(b"d" * 1460)
    at.peer.expect(TCP(flags="A", seq=301), data=1460)
    at.send("A", ack=1761, window=window)
    assert at.sut.snd.wnd == window


@requirement("MUST-36", "U-17")
def test_nothing_but_probes_leaves_into_a_closed_window(lab):
    """SND.WND = 0: no data is sent, only probes at the left edge of the window (3.8.6.1)."""
    at = established(lab)
    close_window(at)
    at.sut.send(b"0123456789")
    at.peer.expect_nothing()
    probe = at.peer.expect_any(within=FIRST_RTO)
    assert probe.seq in (at.una - 1, at.una) and len(probe.payload) <= 1
    at.send("A", window=1000)
    assert acknowledge_until(at, at.una + 10) == b"0123456789"


@requirement("E-3.10.7.4-5-ESTABLISHED-wnd-update", "MUST-36")
def test_window_is_closed_by_a_mere_window_update(lab):
    """SND.WL1 = SEG.SEQ and SND.WL2 =< SEG.ACK: a repeated ACK with window 0 closes the window (3.10.7.4 fifth)."""
    at = established(lab)
    at.send("A", window=0)
    at.sut.send(b"0123456789")
    at.peer.expect_nothing()
    at.send("A", window=1000)
    assert acknowledge_until(at, 311) == b"0123456789"


@requirement("MUST-36", "SHLD-29")
def test_probe_brings_an_octet_of_new_data(lab):
    """The probe is at least one octet of new data, so that a receiver has to answer it (3.8.6.1 MUST-36)."""
    at = established(lab)
    close_window(at)
    at.sut.send(b"0123456789")
    at.peer.expect(TCP(flags="A", seq=at.una, ack=101), data=b"0", within=FIRST_RTO)
    at.send("A", window=0)
    assert at.sut.state == "ESTABLISHED"


@requirement("MUST-36", "E-3.10.7.4-5-ESTABLISHED-ack-new")
def test_acknowledged_probe_octet_is_not_sent_again(lab):
    """A receiver that takes the probe's octet acknowledges it; the stream goes on behind it (3.8.6.1)."""
    at = established(lab)
    close_window(at)
    at.sut.send(b"0123456789")
    probe = at.peer.expect_any(within=FIRST_RTO)
    taken = probe.payload
    if not taken:
        lab.unsupported("this stack probes without data")
    at.send("A", ack=at.una + 1, window=1000)
    assert at.sut.snd.una == at.una + 1
    got = at.peer.expect(TCP(flags="A", seq=at.una + 1, ack=101), within=FIRST_RTO)
    assert taken + got.payload == b"0123456789"


@requirement("MUST-36", "SHLD-29", "SHLD-30")
def test_probes_come_after_one_rto_and_then_less_and_less_often(lab):
    """The first probe comes after about one RTO, further ones exponentially later up to a limit (3.8.6.1 SHLD-29,
    SHLD-30)."""
    at = established(lab)
    close_window(at)
    at.sut.send(b"0123456789")
    times = [lab.now]
    for _ in range(8):
        times.append(at.peer.expect_any(within=PROBE_WAIT).time)
        at.send("A", window=0)
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    assert gaps[0] >= 0.15
    with lab.soft("SHLD-29: about one RTO"):
        assert gaps[0] <= 1.5
    with lab.soft("SHLD-30: exponentially"):
        for shorter, longer in zip(gaps, gaps[1:]):
            assert longer >= min(1.5 * shorter, 55), f"gaps {gaps} seconds"


@requirement("MUST-37", "RFC1122-4.2.2.17-a", "RFC6429-4-a")
def test_connection_lives_as_long_as_probes_are_answered(lab):
    """A peer that answers every probe with a closed window keeps the connection open, far beyond R2 (3.8.6.1
    MUST-37)."""
    at = established(lab)
    close_window(at)
    at.sut.send(b"0123456789")
    while lab.now < 1200:
        at.peer.expect_any(within=PROBE_WAIT)
        at.send("A", window=0)
    assert at.sut.state == "ESTABLISHED"
    at.send("A", window=1000)
    assert acknowledge_until(at, at.una + 10, within=PROBE_WAIT) == b"0123456789"


@requirement("MUST-36", "MUST-37")
def test_window_that_reopens_releases_the_data_at_once(lab):
    """A window update releases what waited, without waiting for the next probe (3.8.6)."""
    at = established(lab)
    close_window(at)
    at.sut.send(b"0123456789")
    at.peer.expect_nothing()
    at.send("A", window=1000)
    at.peer.expect(TCP(flags="A", seq=at.una, ack=101), data=b"0123456789")
    at.send("A", ack=at.una + 10)


@requirement("MUST-36", "E-3.10.4-ESTABLISHED-pending")
def test_fin_waits_behind_data_for_a_closed_window(lab):
    """CLOSE with data in front of a closed window: FIN-WAIT-1, probes, and the FIN behind the data once it may leave
    (3.8.6.1)."""
    at = established(lab)
    close_window(at)
    at.sut.send(b"0123456789")
    at.sut.shutdown()
    assert at.sut.state == "FIN-WAIT-1"
    probe = at.peer.expect_any(within=FIRST_RTO)
    assert len(probe.payload) <= 1 and "F" not in probe.flags
    at.send("A", window=1000)
    assert take_until_fin(at) == b"0123456789"
    assert at.sut.state == "FIN-WAIT-2"


def shrunk(lab, window):
    """5000 octets in flight of 8000, then the peer acknowledges 1000 and announces `window`: the right edge moved
    left."""
    at = established(lab, window=5000)
    at.sut.send(bytes(i % 251 for i in range(8000)))
    end = last_octet(flight(at))
    if end <= 2301:
        lab.unsupported("the first flight is too small to be caught by a shrinking window")
    at.send("A", ack=1301, window=window)
    return at, end


@pytest.mark.parametrize("window", [1000, 10])
@requirement("MUST-34", "SHLD-15")
def test_shrunk_window_stops_new_data_and_breaks_nothing(lab, window):
    """A right edge that moves left makes the usable window negative: no new data, no reset, no endless flood (3.8.6
    MUST-34)."""
    at, end = shrunk(lab, window)
    at.peer.expect_nothing()
    assert at.sut.state == "ESTABLISHED"
    assert at.sut.snd.nxt == end and at.sut.snd.wnd == window
    at.una, at.nxt = 1301, end
    rest = acknowledge_until(at, 8301, within=PROBE_WAIT)
    assert rest == bytes(i % 251 for i in range(1000, 8000))


@requirement("SHLD-16", "MAY-7", "MUST-34")
def test_data_inside_the_shrunk_window_is_repeated(lab):
    """Unacknowledged data inside the shrunk window is retransmitted from SND.UNA; nothing new leaves (3.8.6
    SHLD-16)."""
    at, end = shrunk(lab, 1000)
    at.peer.expect_nothing()
    again = at.peer.expect(TCP(flags="A"), within=2 * FIRST_RTO)
    assert again.seq <= 1301 < again.seq + len(again.payload)
    assert last_octet([again, *at.peer.drain()]) <= end, "SHLD-15: no new data"


@requirement("MUST-35", "MUST-36")
def test_window_shrunk_to_zero_is_probed(lab):
    """A window shrunk to zero with data in flight is probed like any zero window (3.8.6 MUST-35)."""
    at, end = shrunk(lab, 0)
    at.peer.expect_nothing()
    for _ in range(3):
        probe = at.peer.expect_any(within=PROBE_WAIT)
        assert probe.seq <= 1301 and last_octet([probe, *at.peer.drain()]) <= end
        at.send("A", ack=1301, window=0)
    at.una, at.nxt = 1301, end
    at.send("A", ack=1301, window=8000)
    assert acknowledge_until(at, 8301, within=PROBE_WAIT) == bytes(i % 251 for i in range(1000, 8000))


@requirement("SHLD-17")
def test_octets_beyond_a_shrunk_window_do_not_time_the_connection_out(lab):
    """Octets beyond the edge of a shrunk window stay unacknowledged for long; the peer answers, so it is alive (3.8.6
    SHLD-17)."""
    at, _ = shrunk(lab, 1000)
    at.send("A", ack=2301, window=0)
    while lab.now < 400:
        at.peer.expect_any(within=PROBE_WAIT)
        at.peer.drain()
        at.send("A", ack=2301, window=0)
    assert at.sut.state == "ESTABLISHED"
    at.peer.drain()


@requirement("MUST-38")
def test_sender_does_not_fill_a_silly_window(lab):
    """With plenty queued, a window that opens by a few octets is not used at once (3.8.6.2.1 MUST-38)."""
    at = established(lab, window=2920)
    at.sut.send(b"d" * 6000)
    needs_at_once(lab, at.peer, 2920)
    assert last_octet(flight(at)) == 301 + 2920
    at.send("A", ack=301 + 2920, window=10)
    at.peer.expect_nothing(until=0.05)  # the override takes 0.1 to 1 second
    at.send("A", ack=301 + 2920, window=1460)
    at.peer.expect(TCP(flags="A", seq=301 + 2920), data=1460)


@requirement("MUST-38")
def test_sender_overrides_silly_window_avoidance_in_the_end(lab):
    """When the window stays small the sender uses it after the override timeout of 0.1 to 1 s (3.8.6.2.1)."""
    at = established(lab, window=2920)
    at.sut.send(b"d" * 6000)
    needs_at_once(lab, at.peer, 2920)
    assert last_octet(flight(at)) == 301 + 2920
    start = lab.now
    at.send("A", ack=301 + 2920, window=10)
    small = at.peer.expect(TCP(flags="A", seq=301 + 2920), data=10, within=FIRST_RTO)
    with lab.soft("the timeout is in the range 0.1 to 1.0 seconds"):
        assert 0.1 <= small.time - start <= 1.0


@requirement("MUST-39", "SHLD-14", "U-26")
def test_receiver_does_not_offer_a_silly_window(lab):
    """After a full buffer the window stays closed until min(MSS, half the buffer) is free (3.8.6.2.2 MUST-39)."""
    at = established(lab)
    sent = fill_receive_window(at)
    at.sut.read_exactly(10)
    at.peer.expect_nothing()
    at.send("A", data=b"p")
    got = at.peer.expect_one_of(TCP(flags="A", seq=301, ack=at.rcv), TCP(flags="A", seq=301, ack=at.rcv + 1))
    assert got.window == 0
    at.sut.read_exactly(sent - 10)
    at.rcv = got.ack  # some stacks take the octet of a probe when they have room for it
    update = at.peer.expect(TCP(flags="A", seq=301, ack=at.rcv), data=b"", within=ACK_DELAY)
    assert update.window >= 1460
    at.peer.drain()


@pytest.mark.parametrize("state", ["ESTABLISHED", "FIN-WAIT-2"])
@requirement("MUST-39")
def test_window_reopens_when_the_user_reads(lab, state):
    """Reading a full buffer announces the new window, in the half-closed states too (3.8.6.2.2)."""
    at = enter(lab, state)
    sent = fill_receive_window(at)
    at.sut.read_exactly(sent)
    update = at.peer.expect(TCP(flags="A", seq=at.nxt, ack=at.rcv), data=b"", within=ACK_DELAY)
    assert update.window >= 1460
    at.peer.drain()
    at.send("A", data=b"on we go")
    at.expect_ack(at.rcv + 8, within=ACK_DELAY)
    assert at.sut.read_exactly(8) == b"on we go"


@requirement("MAY-8", "U-17")
def test_receiver_answers_every_probe_for_ever(lab):
    """A user that never reads keeps the window closed; each probe is answered, and nothing is reset (3.8.6.1 MAY-8)."""
    at = established(lab)
    fill_receive_window(at)
    for _ in range(20):
        lab.advance(60)
        at.send("A", data=b"p")
        at.peer.expect(TCP(flags="A", seq=301, ack=at.rcv, window=0), data=b"")
    assert at.sut.state == "ESTABLISHED"
