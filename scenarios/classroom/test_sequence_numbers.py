"""What the study notes say about sequence and acknowledgment numbers, with their example numbers 1000 and 5000.

The rule behind all of them: octets are numbered, not packets, and an acknowledgment names the next octet expected (RFC
9293 3.4).
"""

from helpers import ACK_DELAY, FIRST_RTO
from lastack import requirement
from lastack.scapy import TCP


@requirement("SEED-013", "SEED-020", "SHLD-31")
def test_reordered_data_is_read_in_order(lab):
    """Octets 1011-1020 before 1001-1010: the ACK stays 1001, then jumps to 1021, and the user reads in order (RFC 9293
    3.4).

    One note calls the acknowledgment a receipt for the last packet: it is cumulative, a gap keeps it back.
    """
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    peer.send(TCP(flags="PA", seq=1011, ack=5001), data=b"KLMNOPQRST")
    lab.advance(ACK_DELAY)
    for duplicate in peer.drain():  # MAY-13: an ACK for the gap is allowed, not demanded
        assert (duplicate.seq, duplicate.ack) == (5001, 1001)
    assert sut.rcv.nxt == 1001
    peer.send(TCP(flags="PA", seq=1001, ack=5001), data=b"ABCDEFGHIJ")
    peer.expect(TCP(flags="A", seq=5001, ack=1021), within=ACK_DELAY)
    assert sut.read_exactly(20) == b"ABCDEFGHIJKLMNOPQRST"


@requirement("SEED-015", "SEED-016", "SEED-017", "SEED-019")
def test_acknowledgments_follow_octets(lab):
    """Segments of 1, 100 and 1460 octets: the acknowledgment advances by as many (RFC 9293 3.4).

    One note says that sequence numbers convey the order of packets: they number octets.
    """
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    seq, stream = 1001, b""
    for size in (1, 100, 1460):
        data = bytes([size % 251]) * size
        peer.send(TCP(flags="PA", seq=seq, ack=5001), data=data)
        seq, stream = seq + size, stream + data
        peer.expect(TCP(flags="A", seq=5001, ack=seq), within=ACK_DELAY)
    assert seq == 2562
    assert sut.read_exactly(1561) == stream
    peer.drain()  # a window update after the read is the stack's choice


@requirement("SEED-016", "SEED-019", "SEED-021")
def test_ten_octets_at_1001_are_acknowledged_by_1011(lab):
    """SEQ is the number of the first octet in the segment, ACK that of the next octet expected (RFC 9293 3.1).

    One note says "the next packet": it is the next octet.
    """
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    peer.send(TCP(flags="PA", seq=1001, ack=5001), data=b"0123456789")
    peer.expect(TCP(flags="A", seq=5001, ack=1011), within=ACK_DELAY)
    peer.send(TCP(flags="PA", seq=1011, ack=5001), data=b"abcdefghij")
    peer.expect(TCP(flags="A", seq=5001, ack=1021), within=ACK_DELAY)
    assert sut.read_exactly(20) == b"0123456789abcdefghij"


@requirement("SEED-018")
def test_second_segment_of_500_octets_is_1501(lab):
    """After 500 octets at 1001 the next segment is 1501, not 1002: octets are counted (RFC 9293 3.4).

    The note numbers packets. A segment at 1002 is old data, and the stack still expects 1501.
    """
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    peer.send(TCP(flags="PA", seq=1001, ack=5001), data=b"a" * 500)
    peer.expect(TCP(flags="A", seq=5001, ack=1501), within=ACK_DELAY)
    peer.send(TCP(flags="PA", seq=1002, ack=5001), data=b"x" * 499)
    peer.expect(TCP(flags="A", seq=5001, ack=1501), within=ACK_DELAY)
    peer.send(TCP(flags="PA", seq=1501, ack=5001), data=b"b" * 500)
    peer.expect(TCP(flags="A", seq=5001, ack=2001), within=ACK_DELAY)
    assert sut.read_exactly(1000) == b"a" * 500 + b"b" * 500
    peer.drain()  # a window update after the read is the stack's choice


@requirement("SEED-018")
def test_own_second_segment_of_500_octets_is_5501(lab):
    """The stack's own segments are numbered by octets too: 500 octets at 5001, the next ones at 5501 (RFC 9293
    3.4)."""
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    for seq in (5001, 5501):
        assert sut.send(b"s" * 500) == 500
        peer.expect(TCP(flags="A", seq=seq, ack=1001), data=500, within=1)
        peer.send(TCP(flags="A", seq=1001, ack=seq + 500))


@requirement("SEED-022")
def test_ack_is_one_more_only_for_one_octet(lab):
    """ACK = SEQ + SEG.LEN: SYN 1000 gives 1001, one octet at 1001 gives 1002, ten octets at 1002 give 1012 (RFC 9293
    3.4).

    The note says "receiving X yields X+1": true for a SYN, a FIN or a single octet.
    """
    sut, peer = lab.listen(port=80, iss=5000), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=1000))
    peer.expect(TCP(flags="SA", seq=5000, ack=1001))
    peer.send(TCP(flags="A", seq=1001, ack=5001))
    peer.send(TCP(flags="PA", seq=1001, ack=5001), data=b"1")
    peer.expect(TCP(flags="A", seq=5001, ack=1002), within=ACK_DELAY)
    peer.send(TCP(flags="PA", seq=1002, ack=5001), data=b"0123456789")
    peer.expect(TCP(flags="A", seq=5001, ack=1012), within=ACK_DELAY)
    assert sut.read_exactly(11) == b"10123456789"


@requirement("SEED-023")
def test_hundred_octets_at_1001_are_acknowledged_by_1101(lab):
    """100 octets at 1001 are acknowledged by 1101, not by 1002 (RFC 9293 3.4).

    The note "Ack = Seq + 1" is wrong: the acknowledgment is SEG.SEQ + SEG.LEN, and a pure ACK adds nothing.
    """
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    peer.send(TCP(flags="PA", seq=1001, ack=5001), data=b"x" * 100)
    peer.expect(TCP(flags="A", seq=5001, ack=1101), within=ACK_DELAY)
    peer.send(TCP(flags="A", seq=1101, ack=5001))
    peer.expect_nothing(until=ACK_DELAY)
    assert sut.rcv.nxt == 1101


@requirement("SEED-040")
def test_segment_boundaries_are_not_record_boundaries(lab):
    """TCP carries a stream of octets: three segments of 10 octets are 30 octets for the reader (RFC 9293 2.2)."""
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    for seq, data in ((1001, b"abcdefghij"), (1011, b"klmnopqrst"), (1021, b"uvwxyzABCD")):
        peer.send(TCP(flags="PA", seq=seq, ack=5001), data=data)
    lab.advance(ACK_DELAY)
    assert peer.drain()[-1].ack == 1031
    assert sut.read_exactly(17) == b"abcdefghijklmnopq"
    assert sut.read_exactly(13) == b"rstuvwxyzABCD"


@requirement("SEED-059")
def test_syn_takes_one_sequence_number(lab):
    """SYN 1000 takes the number 1000: it is acknowledged by 1001, and the first octet of data is 1001 (RFC 9293
    3.4)."""
    sut, peer = lab.listen(port=80, iss=5000), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=1000))
    peer.expect(TCP(flags="SA", seq=5000, ack=1001))
    peer.send(TCP(flags="A", seq=1001, ack=5001))
    peer.send(TCP(flags="PA", seq=1001, ack=5001), data=b"first")
    peer.expect(TCP(flags="A", seq=5001, ack=1006), within=ACK_DELAY)
    assert sut.read_exactly(5) == b"first"


@requirement("SEED-060")
def test_synack_takes_one_sequence_number(lab):
    """The SYN,ACK 5000 takes the number 5000: the stack's first octet of data is 5001 (RFC 9293 3.4)."""
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    assert sut.send(b"first", push=True) == 5
    peer.expect(TCP(flags="A", seq=5001, ack=1001), data=b"first", within=1)
    peer.send(TCP(flags="A", seq=1001, ack=5006))
    assert sut.snd.una == 5006


@requirement("SEED-066", "E-3.10.7.4-1-ESTABLISHED-seq-unacceptable")
def test_data_below_the_window_is_answered_by_the_number_expected(lab):
    """ACK 1001 says "next I expect 1001": an octet numbered 1000 is refused by the same ACK (RFC 9293 3.10.7.4
    first)."""
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    peer.send(TCP(flags="PA", seq=1000, ack=5001), data=b"?")
    peer.expect(TCP(flags="A", seq=5001, ack=1001))
    peer.send(TCP(flags="PA", seq=1001, ack=5001), data=b"!")
    peer.expect(TCP(flags="A", seq=5001, ack=1002), within=ACK_DELAY)
    assert sut.read_exactly(1) == b"!"


@requirement("SEED-077")
def test_full_acknowledgment_frees_all_octets(lab):
    """100 octets at 5001 are confirmed by ACK 5101, not by "Seq + 1" (RFC 9293 3.4).

    The note's check Ack = Seq + 1 holds for a SYN; for data the length counts.
    """
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    assert sut.send(b"d" * 100) == 100
    peer.expect(TCP(flags="A", seq=5001, ack=1001), data=100, within=1)
    peer.send(TCP(flags="A", seq=1001, ack=5101))
    assert sut.snd.una == 5101
    peer.expect_nothing(until=2)


@requirement("SEED-077", "E-3.10.7.4-5-ESTABLISHED-ack-new")
def test_acknowledgment_of_5002_frees_one_octet_only(lab):
    """After 100 octets at 5001 an ACK of 5002 frees one octet, and the other 99 are sent again (RFC 9293 3.10.7.4
    fifth).

    Only what is "entirely acknowledged" leaves the retransmission queue: a stack may repeat the whole segment.
    """
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    assert sut.send(b"d" * 100) == 100
    peer.expect(TCP(flags="A", seq=5001, ack=1001), data=100, within=1)
    peer.send(TCP(flags="A", seq=1001, ack=5002))
    assert sut.snd.una == 5002
    again = peer.expect_one_of(TCP(flags="A", seq=5001, ack=1001), TCP(flags="A", seq=5002, ack=1001), within=FIRST_RTO)
    assert again.end == 5101
    peer.send(TCP(flags="A", seq=1001, ack=5101))
    assert sut.snd.una == 5101


@requirement("SEED-129")
def test_pure_acknowledgment_is_not_acknowledged(lab):
    """A pure ACK takes no sequence number and is never acknowledged (RFC 9293 3.4, 3.5).

    The note calls the third segment "the ACK of the ACK": it acknowledges the SYN of the server.
    """
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    peer.send(TCP(flags="A", seq=1001, ack=5001))
    peer.expect_nothing(until=ACK_DELAY)
    assert (sut.state, sut.rcv.nxt) == ("ESTABLISHED", 1001)
