"""RFC 7323 sections 3 and 4: the Timestamps option, which value is echoed, and what it does to the RTO."""

import pytest
from helpers import ACK_DELAY, FIRST_RTO
from lastack import requirement
from lastack.scapy import TCP
from stamped import Stamped
from streams import next_flight

pytestmark = pytest.mark.lab(timestamps=True)


@requirement("RFC7323-3.2-b")
def test_initial_syn_has_no_echo(lab):
    """On a segment without ACK TSecr should be zero (RFC 7323 3.2)."""
    lab.needs("timestamps")
    peer = lab.peer(port=4000, to=80)
    lab.connect(peer, iss=300)
    stamp = peer.expect(TCP(flags="S", seq=300)).option("Timestamp")
    if stamp is None:
        lab.unsupported("the stack does not offer timestamps")
    with lab.soft("RFC 7323 3.2: TSecr should be 0 without ACK"):
        assert stamp[1] == 0


@requirement("RFC7323-3.2-a", "RFC7323-4.3-d")
def test_timestamp_of_the_last_segment_in_order_is_echoed(lab):
    """TSval 1000 of the SYN, then 1001 and 1002: each acknowledgment echoes the one it answers (RFC 7323 3.2, 4.3)."""
    stamped = Stamped(lab, tsval=1000)
    for number, tsval in enumerate((1001, 1002)):
        stamped.send("PA", seq=101 + 10 * number, ack=301, tsval=tsval, data=b"0123456789")
        stamped.expect(TCP(flags="A", seq=301, ack=111 + 10 * number), tsecr=tsval)


@requirement("RFC7323-3.2-c")
def test_echo_without_ack_is_ignored(lab):
    """TSecr of a SYN means nothing: the stack's first RTO is not spoilt by it (RFC 7323 3.2)."""
    lab.needs("timestamps")
    _, peer = lab.listen(port=80, iss=300), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=100, options=[("Timestamp", (1000, 0xDEADBEEF))]))
    peer.expect(TCP(flags="SA", seq=300, ack=101))
    peer.expect(TCP(flags="SA", seq=300, ack=101), within=FIRST_RTO)
    peer.send(TCP(flags="R", seq=101))


@requirement("RFC7323-3.2-d")
def test_synack_has_the_option_only_if_the_syn_had(lab):
    """Without the option on the SYN there is none on the SYN,ACK (RFC 7323 3.2)."""
    lab.listen(port=80, iss=300)
    peer = lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=100, options=[("MSS", 1460)]))
    assert peer.expect(TCP(flags="SA", seq=300, ack=101)).option("Timestamp") is None


@requirement("RFC7323-3.2-e", "U-22")
def test_every_segment_carries_the_option(lab):
    """Once negotiated the option is on every segment: ACK, data, repetition, challenge ACK, probe, FIN (RFC 7323
    3.2)."""
    stamped = Stamped(lab, tsval=1000)
    stamped.send("PA", seq=101, ack=301, tsval=1001, data=b"x")
    stamped.expect(TCP(flags="A", seq=301, ack=102))
    stamped.sut.send(b"data", push=True)
    stamped.expect(TCP(flags="A", seq=301, ack=102), data=b"data")
    stamped.expect(TCP(flags="A", seq=301, ack=102), data=b"data", within=FIRST_RTO, note="repeated")
    stamped.window = 0
    stamped.send("A", seq=102, ack=305, tsval=1002)
    stamped.sut.send(b"more", push=True)
    probe = stamped.expect(TCP(), within=FIRST_RTO, note="zero-window probe")
    stamped.window = 65535
    acked = max(305, probe.end)  # a probe may repeat an old number
    stamped.send("A", seq=102, ack=acked, tsval=1003)
    while acked < 309:
        acked = max(acked, stamped.expect(TCP(flags="A", ack=102), within=FIRST_RTO).end)
        stamped.send("A", seq=102, ack=acked, tsval=1004)
    stamped.send("S", seq=500, tsval=1005)
    stamped.expect(TCP(flags="A", seq=309, ack=102), note="challenge ACK")
    stamped.sut.shutdown()
    stamped.expect(TCP(flags="FA", seq=309, ack=102))
    stamped.send("A", seq=102, ack=310, tsval=1006)


@requirement("U-22", "MUST-16")
def test_payload_leaves_room_for_the_option(lab):
    """The 12 octets of the option count: with MSS 1460 no segment has more than 1448 octets of data (RFC 9293
    3.7.1)."""
    stamped = Stamped(lab, tsval=1000)
    assert stamped.sut.send(bytes(5000)) == 5000
    flight = next_flight(stamped.peer)
    assert max(len(segment.payload) for segment in flight) <= 1448
    assert all(segment.option("Timestamp") for segment in flight)


@requirement("RFC7323-3.2-f")
def test_reset_of_an_abort_carries_the_option(lab):
    """The RST of a user abort should carry the option (RFC 7323 3.2, 5.2)."""
    stamped = Stamped(lab, tsval=1000)
    stamped.sut.abort()
    reset = stamped.peer.expect_one_of(TCP(flags="R", seq=301), TCP(flags="RA", seq=301))
    with lab.soft("RFC 7323 3.2: the RST should carry the option"):
        assert reset.option("Timestamp") is not None


@requirement("RFC7323-3.2-g", "RFC7323-3.2-h")
def test_segment_without_the_option_does_not_abort(lab):
    """Data without the negotiated option should be dropped and must not abort the connection (RFC 7323 3.2)."""
    stamped = Stamped(lab, tsval=1000)
    stamped.peer.send(TCP(flags="PA", seq=101, ack=301), data=b"0123456789", note="no timestamp")
    lab.advance(ACK_DELAY)
    answers = stamped.peer.drain()
    assert all("R" not in answer.flags for answer in answers)
    with lab.soft("RFC 7323 3.2: a segment without the option should be dropped silently"):
        assert answers == [] and stamped.sut.rcv.nxt == 101
    stamped.send("PA", seq=101, ack=301, tsval=1001, data=b"0123456789")
    stamped.expect(TCP(flags="A", seq=301, ack=111))
    assert stamped.sut.recv() == b"0123456789"
    assert stamped.sut.recv() == b""


@requirement("RFC7323-3.2-i")
def test_option_that_was_not_negotiated_is_ignored(lab):
    """On a connection without timestamps the option is ignored: data is taken, the answer has none (RFC 7323 3.2)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=100))
    peer.expect(TCP(flags="SA", seq=300, ack=101))
    peer.send(TCP(flags="A", seq=101, ack=301))
    for number, tsval in enumerate((500, 400)):  # falling: PAWS does not run either
        peer.send(TCP(flags="PA", seq=101 + number, ack=301, options=[("Timestamp", (tsval, 0))]), data=b"x")
        assert peer.expect(TCP(flags="A", seq=301, ack=102 + number), within=ACK_DELAY).option("Timestamp") is None
    assert sut.read_exactly(2) == b"xx"


@requirement("RFC7323-4.1-a", "RFC7323-5.4-a")
def test_timestamp_clock_is_proportional_to_time(lab):
    """TSval grows in proportion to real time, between one tick a second and one in 59 ns (RFC 7323 4.1, 5.4)."""
    stamped = Stamped(lab, tsval=1000)
    samples = []
    for number in range(4):
        stamped.send("PA", seq=101 + number, ack=301, tsval=1001 + number, data=b"x")
        got = stamped.expect(TCP(flags="A", seq=301, ack=102 + number))
        samples.append((got.time, stamped.echo))
        lab.advance(2)
    rates = [((v2 - v1) % 2**32) / (t2 - t1) for (t1, v1), (t2, v2) in zip(samples, samples[1:])]
    assert max(rates) <= 1.1 * min(rates) + 0.5, f"ticks a second: {rates}"
    assert 0.5 <= rates[0] <= 1 / 59e-9


@requirement("RFC7323-4.1-b")
def test_echo_of_an_ack_that_acknowledges_nothing_is_no_sample(lab):
    """TSecr feeds the RTT only when the ACK advances SND.UNA: ancient echoes on duplicates do not inflate the RTO (RFC
    7323 4.1)."""
    stamped = Stamped(lab, tsval=1000)
    lab.advance(20)
    stamped.sut.send(b"data", push=True)
    stamped.expect(TCP(flags="A", seq=301), data=b"data")
    first = stamped.echo
    stamped.send("A", seq=101, ack=305, tsval=1001)
    before = stamped.sut.rto
    for _ in range(2):
        stamped.send("A", seq=101, ack=305, tsecr=(first - 15000) % 2**32)
    assert stamped.sut.rto == before


@requirement("RFC7323-4.3-a")
@pytest.mark.lab(timestamps=True, delayed_ack=True)
def test_delayed_ack_echoes_the_earliest_segment(lab):
    """A with TSval 1001 and B with 1002 acknowledged together: the echo should be A's (RFC 7323 4.3 A)."""
    stamped = Stamped(lab, tsval=1000)
    stamped.send("A", seq=101, ack=301, tsval=1001, data=bytes(1000))
    if stamped.peer.drain():
        lab.unsupported("the stack does not delay its acknowledgments here")
    stamped.send("A", seq=1101, ack=301, tsval=1002, data=bytes(1000))
    got = stamped.expect(TCP(flags="A", seq=301, ack=2101))
    with lab.soft("RFC 7323 4.3 A: a delayed ACK should echo the earliest segment it acknowledges"):
        assert got.option("Timestamp")[1] == 1001


@requirement("RFC7323-4.3-b", "RFC7323-4.3-c", "RFC7323-4.3-d", "RFC7323-5.3-c")
def test_echo_around_a_hole(lab):
    """A 1, C 3, B 2: the duplicate echoes 1, the ACK that closes the hole echoes B's 2, and C is not dropped for its
    age (RFC 7323 4.3)."""
    stamped = Stamped(lab, tsval=1)
    stamped.send("A", seq=101, ack=301, tsval=1, data=b"A" * 100)
    stamped.expect(TCP(flags="A", seq=301, ack=201), tsecr=1)
    stamped.send("A", seq=301, ack=301, tsval=3, data=b"C" * 100)
    for duplicate in stamped.settled():
        assert (duplicate.ack, duplicate.option("Timestamp")[1]) == (201, 1)
    stamped.send("A", seq=201, ack=301, tsval=2, data=b"B" * 100)
    stamped.expect(TCP(flags="A", seq=301, ack=401), tsecr=2)
    stamped.send("A", seq=501, ack=301, tsval=5, data=b"E" * 100)
    for duplicate in stamped.settled():
        assert (duplicate.ack, duplicate.option("Timestamp")[1]) == (401, 2)
    stamped.send("A", seq=401, ack=301, tsval=4, data=b"D" * 100)
    stamped.expect(TCP(flags="A", seq=301, ack=601), tsecr=4)
    assert stamped.sut.read_exactly(500) == b"A" * 100 + b"B" * 100 + b"C" * 100 + b"D" * 100 + b"E" * 100


@requirement("RFC7323-7-a")
def test_offsets_of_two_connections_differ(lab):
    """The timestamp offset of each connection should be random: two at one moment differ (RFC 7323 7)."""
    lab.needs("timestamps")
    lab.listen(port=80)
    values = []
    for port in range(4000, 4004):
        peer = lab.peer(port=port)
        peer.send(TCP(flags="S", seq=100, options=[("Timestamp", (1000, 0))]))
        values.append(peer.expect(TCP(flags="SA", ack=101)).option("Timestamp")[0])
        peer.send(TCP(flags="R", seq=101))
    with lab.soft("RFC 7323 7: a random offset for each connection is recommended"):
        assert len(set(values)) == len(values)


@requirement("RFC7323-3.2-j")
def test_simultaneous_open_with_one_timestamp(lab):
    """SYNs cross and only the stack's has the option: the SYN,ACKs may carry it or not, the connection opens (RFC 7323
    3.2)."""
    lab.needs("timestamps", "simultaneous-open")
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=300)
    peer.expect(TCP(flags="S", seq=300))
    peer.send(TCP(flags="S", seq=100, options=[("MSS", 1460)]))
    peer.expect(TCP(flags="SA", seq=300, ack=101))
    peer.send(TCP(flags="A", seq=101, ack=301))
    peer.send(TCP(flags="PA", seq=101, ack=301), data=b"x")
    peer.expect(TCP(flags="A", seq=301, ack=102), within=ACK_DELAY)
    assert sut.state == "ESTABLISHED"
