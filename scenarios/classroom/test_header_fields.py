"""What the study notes say about the fields of the TCP header: sizes, order, reserved bits, checksum, options.

Numbers of the notes: the peer starts at 1000, the stack under test at 5000. RFC 9293 3.1.
"""

import pytest
from helpers import ACK_DELAY
from lastack import requirement
from lastack.scapy import TCP
from streams import next_flight, sequence_end


@requirement("SEED-001")
def test_header_is_20_octets_plus_options_in_whole_words(lab):
    """The header of a segment is 20 octets plus its options, counted in 32-bit words (RFC 9293 3.1).

    The note only says that it is "more complex than UDP's": this decodes what makes it so.
    """
    peer = lab.peer(port=4000, to=80)
    lab.connect(peer, iss=1000)
    syn = peer.expect(TCP(flags="S", seq=1000))
    size = syn.core.header_size
    assert size % 4 == 0
    assert size == 20 + len(syn.option_octets) == len(syn.raw) - 20, "IP header, TCP header, and no more"


@requirement("SEED-002")
@pytest.mark.parametrize("port", [40000, 1, 65535])
def test_reply_swaps_the_two_16_bit_ports(lab, port):
    """Source and destination port are 16 bits each; a reply carries them swapped (RFC 9293 3.1)."""
    lab.listen(port=80, iss=5000)
    peer = lab.peer(port=port, to=80)
    peer.send(TCP(flags="S", seq=1000))
    peer.expect(TCP(sport=80, dport=port, flags="SA", seq=5000, ack=1001))


@requirement("SEED-003")
def test_port_selects_the_application(lab):
    """The pair of sockets selects the connection, and the local port the application behind it (RFC 9293 2.2)."""
    web, other = lab.listen(port=80, iss=[5000]), lab.listen(port=81)
    peer = lab.peer(port=4000, to=80)
    peer.handshake(seq=1000, iss=5000)
    peer.send(TCP(flags="PA", seq=1001, ack=5001), data=b"to port 80")
    peer.expect(TCP(sport=80, flags="A", seq=5001, ack=1011), within=ACK_DELAY)
    assert web.read_exactly(10) == b"to port 80"
    assert other.state == "LISTEN" and other.accept() is None


@requirement("SEED-004", "SEED-005", "U-12")
def test_sequence_and_acknowledgment_numbers_wrap_at_32_bits(lab):
    """Both numbers are 32 bits wide and their arithmetic is modulo 2^32 (RFC 9293 3.1, 3.4)."""
    sut, peer = lab.listen(port=80, iss=5000), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=0xFFFFFFFF))
    peer.expect(TCP(flags="SA", seq=5000, ack=0))
    peer.send(TCP(flags="A", seq=0, ack=5001))
    peer.send(TCP(flags="PA", seq=0, ack=5001), data=b"0123456789")
    peer.expect(TCP(flags="A", seq=5001, ack=10), within=ACK_DELAY)
    assert sut.state == "ESTABLISHED"
    assert sut.read_exactly(10) == b"0123456789"


@requirement("SEED-006", "MUST-5")
def test_data_offset_15_is_accepted(lab):
    """The four bits of Data Offset count 32-bit words; 15 of them hold 40 octets of options (RFC 9293 3.1)."""
    lab.listen(port=80, iss=5000)
    peer = lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=1000, options=[("MSS", 1460)] + [("NOP", None)] * 36))
    peer.expect(TCP(flags="SA", seq=5000, ack=1001))


@requirement("SEED-006")
def test_data_offset_4_is_dropped(lab):
    """A Data Offset below 5 cannot be a TCP header; the segment is dropped and the host goes on (RFC 9293 3.1)."""
    sut, peer = lab.listen(port=80, iss=5000), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=1000, dataofs=4))
    peer.expect_nothing()
    assert sut.state == "LISTEN"
    peer.send(TCP(flags="S", seq=1000))
    peer.expect(TCP(flags="SA", seq=5000, ack=1001))


@requirement("SEED-007", "SEED-008", "RFC3168-6.1.1-a")
def test_syn_with_ecn_bits_is_answered(lab):
    """CWR and ECE are control bits eight and seven; a SYN with both must be answered as a SYN (RFC 9293 3.1, RFC 3168
    6.1.1).

    The notes know six flags and six reserved bits, the layout of RFC 793. Eight control bits are assigned today.
    """
    sut, peer = lab.listen(port=80, iss=5000), lab.peer(port=4000)
    peer.send(TCP(flags="SEC", seq=1000))
    peer.expect_one_of(TCP(flags="SA", seq=5000, ack=1001), TCP(flags="SAE", seq=5000, ack=1001))
    peer.send(TCP(flags="A", seq=1001, ack=5001))
    assert sut.state == "ESTABLISHED"


@requirement("SEED-007", "U-11")
def test_reserved_bits_are_ignored_and_sent_as_zero(lab):
    """Reserved bits are ignored on receipt and sent as zero (RFC 9293 3.1).

    The note counts six of them; four are left, and RFC 9768 takes the lowest. Scapy calls that one the flag N.
    """
    sut, peer = lab.listen(port=80, iss=5000), lab.peer(port=4000)
    peer.send(TCP(flags="SN", reserved=7, seq=1000))
    peer.expect(TCP(flags="SA", reserved=0, seq=5000, ack=1001))
    peer.send(TCP(flags="AN", reserved=7, seq=1001, ack=5001), data=b"0123456789")
    peer.expect(TCP(flags="A", reserved=0, seq=5001, ack=1011), within=ACK_DELAY)
    assert sut.read_exactly(10) == b"0123456789"


@requirement("SEED-009", "MUST-1")
@pytest.mark.parametrize("window", [65535, 40000])
def test_window_is_an_unsigned_16_bit_number(lab, window):
    """The window is unsigned: 40000 and 65535 are big windows, not negative ones (RFC 9293 3.1 MUST-1)."""
    sut, peer = lab.listen(port=80, iss=5000), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=1000, window=window, options=[("MSS", 1460)]))
    peer.expect(TCP(flags="SA", seq=5000, ack=1001))
    peer.send(TCP(flags="A", seq=1001, ack=5001, window=window))
    offered, acked, total = 0, 5001, 3 * window
    while acked < 5001 + total:
        offered += sut.send(bytes(total - offered))
        end = sequence_end(next_flight(peer))
        assert end - acked <= window, f"octets up to {end} sent, only those up to {acked + window} were allowed"
        acked = end
        peer.send(TCP(flags="A", seq=1001, ack=acked, window=window))


@requirement("SEED-010", "MUST-2", "MUST-3")
def test_segment_with_wrong_checksum_is_not_accepted(lab):
    """The 16-bit checksum is verified before anything else: a wrong one draws neither SYN,ACK nor RST (RFC 9293 3.1
    MUST-3)."""
    sut, peer = lab.listen(port=80, iss=5000), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=1000), badsum=True)
    peer.expect_nothing()
    assert sut.state == "LISTEN"
    peer.send(TCP(flags="S", seq=1000))
    peer.expect(TCP(flags="SA", seq=5000, ack=1001))


@requirement("SEED-010", "MUST-3")
def test_data_with_wrong_checksum_is_not_accepted(lab):
    """Data with a wrong checksum leaves RCV.NXT where it was; the good copy is acknowledged (RFC 9293 3.1 MUST-3)."""
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    peer.send(TCP(flags="PA", seq=1001, ack=5001), data=b"0123456789", badsum=True)
    peer.expect_nothing(until=ACK_DELAY)
    peer.send(TCP(flags="PA", seq=1001, ack=5001), data=b"0123456789")
    peer.expect(TCP(flags="A", seq=5001, ack=1011), within=ACK_DELAY)
    assert sut.read_exactly(10) == b"0123456789"


@requirement("SEED-011", "SEED-025", "SEED-026", "MUST-30", "MUST-62")
def test_urgent_pointer_marks_the_end_of_urgent_data(lab):
    """With URG the urgent pointer marks the octet after the urgent data, which stays in the stream (RFC 9293 3.8.5
    MUST-62).

    The note calls the segment "urgent": urgent is the stream up to the mark, and no octet travels out of band.
    """
    lab.needs("urgent")
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    peer.send(TCP(flags="PAU", seq=1001, ack=5001, urgptr=3), data=b"abc")
    peer.expect(TCP(flags="A", seq=5001, ack=1004), within=ACK_DELAY)
    assert sut.rcv.up == 1004
    assert "urgent" in sut.events()
    assert sut.read_exactly(3) == b"abc"


@requirement("SEED-025", "MUST-30", "MUST-32")
def test_one_urgent_octet_is_announced(lab):
    """URG with pointer 1 and one octet: the application is told of urgent data (RFC 9293 3.8.5 MUST-32)."""
    lab.needs("urgent")
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    peer.send(TCP(flags="PAU", seq=1001, ack=5001, urgptr=1), data=b"!")
    peer.expect(TCP(flags="A", seq=5001, ack=1002), within=ACK_DELAY)
    assert "urgent" in sut.events()
    assert sut.read_exactly(1) == b"!"


@requirement("SEED-011")
def test_urgent_pointer_without_urg_is_ignored(lab):
    """The urgent pointer means something only in segments with URG (RFC 9293 3.1)."""
    lab.needs("urgent")
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    peer.send(TCP(flags="PA", seq=1001, ack=5001, urgptr=3), data=b"abc")
    peer.expect(TCP(flags="A", seq=5001, ack=1004), within=ACK_DELAY)
    assert "urgent" not in sut.events()
    assert sut.read_exactly(3) == b"abc"


@requirement("SEED-012", "MUST-4", "MUST-5")
def test_data_starts_after_the_options(lab):
    """Options take no sequence numbers and the data starts after DataOffset * 4 octets (RFC 9293 3.1)."""
    sut, peer = lab.listen(port=80, iss=5000), lab.peer(port=4000)
    wishes = [("MSS", 1460), ("NOP", None), ("WScale", 7), ("SAckOK", b""), ("Timestamp", (1, 0))]
    peer.send(TCP(flags="S", seq=1000, options=wishes))
    synack = peer.expect(TCP(flags="SA", seq=5000, ack=1001))
    # A stack that agreed to timestamps expects them on every later segment (RFC 7323 3.2).
    agreed = synack.option("Timestamp")
    options = [("NOP", None)] * 10 + ([("Timestamp", (2, agreed[0]))] if agreed else [])
    peer.send(TCP(flags="A", seq=1001, ack=5001, options=options))
    peer.send(TCP(flags="PA", seq=1001, ack=5001, options=options), data=b"0123456789")
    peer.expect(TCP(flags="A", seq=5001, ack=1011), within=ACK_DELAY)
    assert sut.read_exactly(10) == b"0123456789"


@requirement("SEED-024", "SEED-052")
def test_acknowledgment_field_without_ack_flag_means_nothing(lab):
    """Without ACK the acknowledgment field is not significant, whatever it holds (RFC 9293 3.1).

    The note says that it is 0 in the first segment: that is custom, not a demand.
    """
    lab.listen(port=80, iss=5000)
    peer = lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=1000, ack=0xDEADBEEF))
    peer.expect(TCP(flags="SA", seq=5000, ack=1001))
