"""RFC 5681 with 6582, 6928 and 3042: what every congestion controller has to keep to, seen on the wire.

Stacks may use other controllers (RFC 9293 3.8.2 MAY-18), so most scenarios assert upper bounds and the reaction to
loss.
"""

import pytest
from helpers import FIRST_RTO, PEER_WINDOW, acknowledge_until, add, established, send_and_acknowledge
from lastack import requirement
from lastack.scapy import TCP
from streams import needs_at_once

MSS = 1460


def leaving(at):
    """The segments that leave now: within a time that is short for a timer and long for a stack that paces."""
    at.lab.advance(0.05)
    return at.peer.drain()


def burst(at):
    """The segments that leave now, as (offset from ISS+1, octets)."""
    return [(segment.seq - 301, len(segment.payload)) for segment in leaving(at)]


def flight_of(lab, segments, window=PEER_WINDOW):
    """A connection with this many full segments in flight, after enough round trips to open the window; nothing more
    to send.

    Returns the place, with SND.UNA and SND.NXT as they are then.
    """
    at = established(lab, window=window)
    send_and_acknowledge(at, 64 * MSS, window=window)
    at.sut.send(b"d" * segments * MSS)
    sent = leaving(at)
    if len(sent) < segments:
        lab.unsupported(f"the window of this stack has not grown to {segments} segments")
    assert [s.seq for s in sent] == [add(at.una, MSS * i) for i in range(segments)]
    at.nxt = at.una + segments * MSS
    return at


@requirement("MUST-19", "RFC5681-3.1-a", "RFC5681-3.1-c", "RFC6928-2-a")
@pytest.mark.parametrize("mss,limit", [(536, 5360), (1460, 14_600)])
def test_first_flight_stays_within_the_initial_window(lab, mss, limit):
    """The first flight is at most ten segments, RFC 6928's bound; RFC 5681's is smaller (3.1)."""
    at = established(lab, mss=mss)
    at.sut.send(b"d" * 60_000)
    sent = burst(at)
    assert mss <= sum(octets for _, octets in sent) <= limit
    at.peer.ignore(TCP())


@requirement("MUST-19", "RFC5681-3.1-d", "RFC5681-3-a")
def test_slow_start_grows_by_at_most_one_segment_per_acknowledged_segment(lab):
    """Each ACK of one segment releases at most two: cwnd grows by at most SMSS per ACK in slow start (3.1)."""
    at = established(lab)
    at.sut.send(b"d" * 60_000)
    end = sum(burst(at)[-1])
    for number in range(1, 5):
        at.send("A", ack=301 + number * MSS)
        released = burst(at)
        assert len(released) <= 2
        end = max([end, *[sum(part) for part in released]])
    assert end > 4 * MSS
    at.peer.ignore(TCP())


@requirement("RFC5681-3.1-d")
def test_splitting_acknowledgments_does_not_open_the_window_faster(lab):
    """Ten ACKs for parts of one segment together grow cwnd by no more than one ACK for the whole (3.1: min(N,
    SMSS))."""
    at = established(lab)
    at.sut.send(b"d" * 60_000)
    before = sum(burst(at)[-1])
    for part in range(146, MSS + 1, 146):
        at.send("A", ack=301 + part)
    released = burst(at)
    assert max([before, *[sum(part) for part in released]]) <= before + 2 * MSS
    at.peer.ignore(TCP())


@requirement("RFC5681-3.1-g", "MUST-19", "RFC6298-5.4-a")
def test_timeout_leaves_one_segment_in_the_network(lab):
    """After a retransmission timeout cwnd is one segment: the first is repeated, and nothing else until an ACK comes
    (3.1)."""
    at = flight_of(lab, 8)
    at.peer.expect(TCP(flags="A", seq=at.una), data=MSS, within=FIRST_RTO)
    at.peer.expect_nothing()


@requirement("RFC5681-3.1-f", "RFC5681-3.1-g")
def test_window_is_halved_by_a_timeout(lab):
    """After a timeout with FlightSize of 8 segments ssthresh is at most 4: slow start ends there (3.1 equation 4)."""
    at = flight_of(lab, 8)
    at.sut.send(b"e" * 40 * MSS)
    for extra in leaving(at):
        at.nxt = max(at.nxt, extra.seq + len(extra.payload))
    flight = (at.nxt - at.una) // MSS
    at.peer.expect(TCP(flags="A", seq=at.una), within=FIRST_RTO)
    assert at.sut.ssthresh <= max(flight * MSS // 2, 2 * MSS)
    assert at.sut.cwnd <= MSS
    at.peer.ignore(TCP())


@requirement("RFC5681-3.2-c", "RFC5681-3.2-f")
def test_third_duplicate_ack_repeats_the_missing_segment(lab):
    """Three duplicate ACKs repeat the segment at SND.UNA without waiting for the timer; two do not (3.2)."""
    at = flight_of(lab, 6)
    for _ in range(2):
        at.send("A", ack=at.una)
        at.peer.expect_nothing()
    at.send("A", ack=at.una)
    at.peer.expect(TCP(flags="A", seq=at.una), data=MSS)
    at.send("A", ack=at.nxt)
    at.peer.expect_nothing(until=2 * FIRST_RTO)


@requirement("RFC5681-3.2-c", "RFC5681-2-b")
def test_duplicate_acks_are_counted_anew_after_a_new_ack(lab):
    """Two duplicate ACKs, an ACK of something new, and one or two more: no three in a row, nothing is repeated (3.2)."""
    at = flight_of(lab, 8)
    for acknowledged in (at.una, at.una + 2 * MSS, at.una + 4 * MSS):
        for _ in range(3 if acknowledged != at.una else 2):  # the first ACK of each is new, but for the first of all
            at.send("A", ack=acknowledged)
            at.peer.expect_nothing()
    at.send("A", ack=at.nxt)
    at.peer.expect_nothing(until=2 * FIRST_RTO)


@requirement("RFC6582-3.2-a", "RFC5681-3.2-c")
def test_loss_in_the_first_flight_is_repaired_at_once(lab):
    """Three duplicate ACKs for the very first segment start fast retransmit: "recover" is the ISS (RFC 6582 3.2)."""
    at = established(lab)
    at.sut.send(b"d" * 6 * MSS)
    at.nxt = 301 + sum(burst(at)[-1])
    for _ in range(3):
        at.send("A", ack=301)
    sent = leaving(at)
    assert 301 in [segment.seq for segment in sent]
    at.peer.ignore(TCP())


@requirement("RFC5681-3.1-e", "RFC5681-3.1-f", "RFC5681-3-a")
def test_window_grows_by_one_segment_per_round_trip_in_congestion_avoidance(lab):
    """Above ssthresh cwnd grows by at most about one SMSS per round trip (3.1 equation 3)."""
    at = flight_of(lab, 8)
    at.peer.expect(TCP(flags="A", seq=at.una), data=MSS, within=FIRST_RTO)
    at.send("A", ack=at.nxt)  # the timeout was a lost ACK: everything had arrived
    at.una = at.nxt
    ssthresh = at.sut.ssthresh
    for _ in range(40):
        if at.sut.cwnd > ssthresh:
            break
        taken = at.sut.send(b"w" * max(at.sut.cwnd, 2 * MSS))  # a window that is not used need not grow
        acknowledge_until(at, at.nxt + taken)
    else:
        lab.unsupported("the window of this stack does not grow beyond ssthresh")
    for _ in range(4):
        before = at.sut.cwnd
        taken = at.sut.send(b"w" * (before // MSS) * MSS)
        acknowledge_until(at, at.nxt + taken)
        assert at.sut.cwnd - before <= MSS + MSS // 4


@requirement("RFC5681-2-b")
@pytest.mark.parametrize("what", ["larger-window", "smaller-window", "data"])
def test_what_is_not_a_duplicate_ack_does_not_count(lab, what):
    """An ACK with another window or with data is no duplicate ACK: nothing is repeated (2)."""
    at = flight_of(lab, 6, window=20_000)
    for number in range(1, 6):
        if what.endswith("window"):
            at.send("A", ack=at.una, window=20_000 + 1000 * (number if what == "larger-window" else -number))
        else:
            at.send("A", ack=at.una, data=b"x")
            at.rcv += 1
    lab.advance(0.1)
    assert all(not segment.payload for segment in leaving(at)), "nothing was repeated"


@requirement("RFC5681-2-b", "E-3.10.7.4-5-ESTABLISHED-wnd-update")
def test_window_updates_are_not_signs_of_loss(lab):
    """Three window updates in a row, with data outstanding, do not repeat anything (2, 3.2)."""
    at = established(lab, window=4 * MSS)
    at.sut.send(b"d" * 2 * MSS)
    needs_at_once(lab, at.peer, 2 * MSS)
    assert burst(at) == [(0, MSS), (MSS, MSS)]
    for window in (20_000, 30_000, 40_000, 50_000):
        at.send("A", ack=301, window=window)
        at.peer.expect_nothing()
    assert at.sut.snd.wnd == 50_000


@requirement("RFC5681-3.2-d", "RFC3042-2-a", "RFC3042-2-b")
def test_first_two_duplicate_acks_may_release_new_data(lab):
    """Limited transmit: the first two duplicate ACKs release new segments, at most two beyond cwnd (3.2, RFC 3042)."""
    at = established(lab)
    at.sut.send(b"d" * 40 * MSS)
    at.nxt = 301 + sum(burst(at)[-1])
    total = 0
    for _ in range(2):
        at.send("A", ack=at.una)
        released = leaving(at)
        for segment in released:
            assert segment.seq == at.nxt, "new data, not a repetition"
            at.nxt += len(segment.payload)
        with lab.soft("RFC5681-3.2-d: one each"):
            assert len(released) == 1
        total += len(released)
    assert total <= 2
    at.peer.ignore(TCP())


@requirement("RFC5681-3.2-e", "RFC5681-3.2-g", "RFC5681-3.2-h", "RFC5681-3.2-i")
def test_fast_recovery_halves_the_window(lab):
    """After fast recovery the window is about half the flight; a flood of duplicate ACKs does not open it (3.2).

    Half is RFC 5681's factor; other controllers reduce less (RFC 9438: 0.7), so beyond half it is not strict.
    """
    at = flight_of(lab, 10)
    at.sut.send(b"e" * 40 * MSS)
    for segment in leaving(at):
        at.nxt = max(at.nxt, segment.seq + len(segment.payload))
    flight = at.nxt - at.una
    lost, highest = at.una, at.nxt
    for _ in range(flight // MSS - 1):
        at.send("A", ack=lost)
    sent = leaving(at)
    assert lost in [segment.seq for segment in sent], "the missing segment is repeated"
    highest = max(highest, *(segment.seq + len(segment.payload) for segment in sent))
    assert highest - lost <= 2 * flight
    at.send("A", ack=highest)
    after = leaving(at)
    assert sum(len(segment.payload) for segment in after) <= flight + MSS
    with lab.soft("RFC5681-3.2-h: half"):
        assert at.sut.cwnd <= max(flight // 2, 2 * MSS) + MSS
        assert sum(len(segment.payload) for segment in after) <= max(flight // 2, 2 * MSS) + MSS
    at.peer.ignore(TCP())


@requirement("RFC6582-3.2-d", "RFC6582-3.2-c")
def test_partial_ack_repeats_the_next_hole(lab):
    """Two segments of one flight are lost: the partial ACK after the first repair repeats the second at once (RFC
    6582)."""
    at = flight_of(lab, 8)
    first, second = at.una, at.una + 3 * MSS
    for _ in range(3):
        at.send("A", ack=first)
    at.peer.expect(TCP(flags="A", seq=first), data=MSS)
    for _ in range(3):
        at.send("A", ack=first)
    leaving(at)
    at.send("A", ack=second)
    with lab.soft("RFC6582-3.2-d: a stack without NewReno waits for the timer"):
        at.peer.expect(TCP(flags="A", seq=second), data=MSS)
    leaving(at)
    at.send("A", ack=at.nxt)
    at.peer.expect_nothing(until=2 * FIRST_RTO)


@requirement("RFC6582-3.2-b", "RFC6582-3.2-f")
def test_duplicate_acks_after_a_timeout_do_not_start_fast_retransmit(lab):
    """Duplicate ACKs for what was sent before a timeout are its echo, not a new loss (RFC 6582 3.2)."""
    at = flight_of(lab, 8)
    at.peer.expect(TCP(flags="A", seq=at.una), data=MSS, within=FIRST_RTO)
    for _ in range(3):
        at.send("A", ack=at.una)
    with lab.soft("RFC6582-3.2-b"):
        assert all(segment.seq != at.una for segment in leaving(at))
    at.peer.ignore(TCP())


@requirement("RFC5681-4.1-a")
def test_idle_connection_starts_again_with_a_small_window(lab):
    """After more than one RTO of silence a burst is at most the restart window, min(IW, cwnd) (4.1)."""
    at = flight_of(lab, 8)
    at.send("A", ack=at.nxt)
    at.una = at.nxt
    lab.advance(60)
    at.sut.send(b"e" * 44 * MSS)
    sent = leaving(at)
    with lab.soft("RFC5681-4.1-a"):
        assert sum(len(segment.payload) for segment in sent) <= 10 * MSS
    at.peer.ignore(TCP())


@requirement("RFC5681-3.1-b", "RFC3390-1-b")
def test_lost_syn_ack_makes_the_first_flight_small(lab):
    """After a repeated SYN,ACK the initial window is one segment (3.1); RFC 6928 relaxes that to a full one for one
    loss."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=100, options=[("MSS", MSS)]))
    peer.lost(TCP(flags="SA", seq=300, ack=101))
    peer.lost(TCP(flags="SA", seq=300, ack=101), within=FIRST_RTO)
    peer.expect(TCP(flags="SA", seq=300, ack=101), within=2 * FIRST_RTO)
    peer.send(TCP(flags="A", seq=101, ack=301))
    sut.send(b"d" * 20 * MSS)
    sent = sum(len(segment.payload) for segment in peer.drain())
    assert 0 < sent <= 10 * MSS
    with lab.soft("RFC5681-3.1-b"):
        assert sent <= MSS
    peer.ignore(TCP())


@requirement("RFC5681-4.3-a", "RFC5681-3.1-g")
def test_lost_repetition_waits_for_the_timer(lab):
    """When the repeated segment is lost too, the next timeout repeats it again, after a longer time (4.3, RFC 6298
    5.5)."""
    at = flight_of(lab, 6)
    for _ in range(3):
        at.send("A", ack=at.una)
    first = at.peer.expect(TCP(flags="A", seq=at.una), data=MSS)
    again = at.peer.expect(TCP(flags="A", seq=at.una), within=2 * FIRST_RTO)
    assert again.time - first.time >= 0.15
    assert at.sut.cwnd <= MSS
    at.peer.ignore(TCP())
