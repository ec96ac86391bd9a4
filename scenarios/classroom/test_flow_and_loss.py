"""Window, loss and speed: what the study notes say about reliability above a network that loses segments.

RFC 9293 3.8; RFC 5681 and RFC 6928 for the sending rate.
"""

from lastack import requirement
from lastack.scapy import TCP
from streams import LossyPeer, next_flight, sequence_end

MSS = 1000  # octets that the peer announces


@requirement("SEED-037")
def test_sender_stays_inside_the_announced_window(lab):
    """A window of 100 lets the stack send 100 octets; more only after the window is opened (RFC 9293 3.8.6).

    The note's "declares its own capacity" is half of it: the congestion window bounds the sender as well.
    """
    sut, peer = lab.listen(port=80, iss=5000), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=1000, window=100, options=[("MSS", 1460)]))
    peer.expect(TCP(flags="SA", seq=5000, ack=1001))
    peer.send(TCP(flags="A", seq=1001, ack=5001, window=100))
    data = bytes(range(256)) * 2
    assert sut.send(data) == 512
    taken = next_flight(peer)
    assert sequence_end(taken) == 5101
    peer.expect_nothing()
    while sequence_end(taken) < 5513:  # the last, short segment may wait for an acknowledgment (Nagle)
        peer.send(TCP(flags="A", seq=1001, ack=sequence_end(taken), window=1000))
        taken += next_flight(peer)
    assert b"".join(segment.payload for segment in taken) == data
    peer.send(TCP(flags="A", seq=1001, ack=5513))


@requirement("SEED-038", "MUST-18")
def test_stream_survives_the_loss_of_every_fourth_segment(lab):
    """Every fourth segment is lost, in both directions: checksum, numbers and repetition keep both streams whole (RFC
    9293 2.2, 3.8).

    Not every third: this peer keeps nothing out of order, so that a time-out may cost three segments, and a loss in step
    with them takes the same one until R2 (MUST-20) gives up; RFC 6298 backs off until a new segment is measured.
    """
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    lossy = LossyPeer(lab, sut, peer, seq=1001, ack=5001, drop_every=4)
    to_sut, to_peer = bytes(range(250)) * 20, bytes(reversed(range(250))) * 20
    assert lossy.exchange(to_sut, to_peer, limit=600) == (to_sut, to_peer)
    assert lossy.lost_from_sut > 0 and lossy.lost_to_sut > 0


@requirement("SEED-042", "MUST-19", "RFC5681-3.1-a")
def test_sending_rate_starts_slowly_and_grows_with_the_acknowledgments(lab):
    """The first flight is the initial window; each ACK lets it grow by one segment at most (RFC 9293 3.8.2, RFC 5681
    3.1).

    The note speaks of "several packets to test the speed": there is no test, the acknowledgments set the pace.
    """
    sut, peer = bulk_connection(lab)
    acked, flight_size = 5001, 0
    for round_trip in range(3):
        flight = next_flight(peer)
        end = sequence_end(flight)
        if round_trip == 0:
            assert end - acked <= max(10 * MSS, 14600), "more than the initial window of RFC 6928"
        else:
            assert end - acked <= 2 * flight_size, "more than one segment more for each acknowledgment"
        flight_size, acked = end - acked, end
        acknowledge_each(peer, flight)
    assert flight_size > MSS
    peer.ignore(TCP())


@requirement("SEED-042", "MUST-19")
def test_sending_rate_is_reduced_after_a_loss(lab):
    """One segment is lost: it is sent again, and the flight after it is smaller than the one before (RFC 9293 3.8.2,
    RFC 5681 3.2).

    How much smaller is the congestion controller's choice (MAY-18); that it is smaller is not.
    """
    sut, peer = bulk_connection(lab)
    flight = next_flight(peer)
    acked = sequence_end(flight)
    acknowledge_each(peer, flight)
    sut.send(bytes(60000))  # more than the windows of this scenario together
    flight = next_flight(peer)
    before = sequence_end(flight) - acked
    lost = flight[0]
    for _ in flight[1:]:
        peer.send(TCP(flags="A", seq=1001, ack=lost.seq))
    answer = next_flight(peer)
    assert any(s.seq == lost.seq for s in answer), "the lost segment is not sent again"
    peak = max([sequence_end(flight), sequence_end(answer)])
    peer.send(TCP(flags="A", seq=1001, ack=peak))
    after = sequence_end(next_flight(peer)) - peak
    assert after < before
    peer.ignore(TCP())


def bulk_connection(lab):
    """A connection on which the stack has 60 kB to send and the peer's window is no obstacle."""
    sut, peer = lab.listen(port=80, iss=5000), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=1000, window=65535, options=[("MSS", MSS)]))
    peer.expect(TCP(flags="SA", seq=5000, ack=1001))
    peer.send(TCP(flags="A", seq=1001, ack=5001, window=65535))
    assert sut.send(bytes(60000)) >= 40000
    return sut, peer


def acknowledge_each(peer, flight):
    """One acknowledgment for each segment of the flight, in order."""
    for segment in flight:
        peer.send(TCP(flags="A", seq=1001, ack=segment.seq + len(segment.payload), window=65535))
