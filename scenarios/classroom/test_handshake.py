"""The three-way handshake as the study notes tell it: 1000/5000/1001/5001 and 1000/2000, both roles, every check.

RFC 9293 3.5, 3.10.7.2, 3.10.7.3 and 3.10.7.4 step 5.
"""

import pytest
from helpers import ACK_DELAY, expect_reset
from lastack import requirement
from lastack.scapy import TCP


@requirement(
    "SEED-031", "SEED-032", "SEED-039", "SEED-043", "SEED-044", "SEED-053", "SEED-061", "SEED-063", "SEED-064",
    "SEED-074",
    "SEED-079", "SEED-080", "SEED-089",
)  # fmt: skip
def test_passive_handshake_with_1000_and_5000(lab):
    """SYN 1000; SYN,ACK 5000/1001; ACK 1001/5001: three segments open the connection (RFC 9293 3.5, Figure 6).

    Notes that call this *the* way to open are simplified: two active openers also succeed (simultaneous open).
    """
    sut, peer = lab.listen(port=80, iss=5000), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=1000))
    peer.expect(TCP(flags="SA", seq=5000, ack=1001))
    assert sut.state == "SYN-RECEIVED"
    assert sut.accept() is None
    peer.send(TCP(flags="A", seq=1001, ack=5001))
    assert sut.state == "ESTABLISHED"
    assert (sut.snd.una, sut.snd.nxt, sut.rcv.nxt) == (5001, 5001, 1001)
    assert sut.accept() is not None
    assert sut.accept() is None


@requirement("SEED-065")
def test_passive_handshake_with_1000_and_2000(lab):
    """SYN 1000; SYN,ACK 2000/1001; ACK 1001/2001: the other numeric example of the notes (RFC 9293 3.5)."""
    sut, peer = lab.listen(port=80, iss=2000), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=1000))
    peer.expect(TCP(flags="SA", seq=2000, ack=1001))
    peer.send(TCP(flags="A", seq=1001, ack=2001))
    assert sut.state == "ESTABLISHED"
    assert (sut.snd.una, sut.rcv.nxt) == (2001, 1001)


@requirement("SEED-044", "SEED-048", "SEED-051", "SEED-069", "SEED-070", "SEED-072", "SEED-076")
def test_active_handshake_with_1000_and_5000(lab):
    """The stack as client: SYN 1000 and nothing else; on SYN,ACK 5000/1001 it sends ACK 1001/5001 (RFC 9293 3.10.7.3).

    ESTABLISHED begins with the arrival of the SYN,ACK, and the first octet of data is again 1001.
    """
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=1000)
    peer.expect(TCP(flags="S", seq=1000), data=b"")
    assert sut.state == "SYN-SENT"
    peer.send(TCP(flags="SA", seq=5000, ack=1001))
    peer.expect(TCP(flags="A", seq=1001, ack=5001), data=b"")
    assert sut.state == "ESTABLISHED"
    assert (sut.snd.una, sut.snd.nxt, sut.rcv.nxt) == (1001, 1001, 5001)
    assert "connected" in sut.events()
    assert sut.send(b"data", push=True) == 4
    peer.expect(TCP(flags="A", seq=1001, ack=5001), data=b"data", within=1)
    peer.send(TCP(flags="A", seq=5001, ack=1005))


@requirement("SEED-052")
def test_first_segment_has_no_ack_flag(lab):
    """The first SYN cannot acknowledge anything: its ACK flag is off (RFC 9293 3.5).

    The note adds that the acknowledgment number is 0: without ACK the field means nothing, 0 is custom.
    """
    peer = lab.peer(port=4000, to=80)
    lab.connect(peer, iss=1000)
    peer.expect(TCP(flags="S", seq=1000))


@requirement("SEED-131")
def test_three_segments_open_a_connection_on_a_lossless_path(lab):
    """Without loss exactly three segments are exchanged (RFC 9293 3.5).

    "Exactly three" is simplified: loss, simultaneous open and stale SYNs add segments.
    """
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=1000)
    first = peer.drain()
    peer.send(TCP(flags="SA", seq=5000, ack=1001))
    third = peer.drain()
    assert len(first) + 1 + len(third) == 3
    assert sut.state == "ESTABLISHED"
    peer.expect_nothing(until=2)


@requirement("SEED-045", "SEED-049", "E-3.10.7.1-CLOSED-noack-syn")
def test_without_listener_a_syn_is_reset(lab):
    """Before listen() the port is CLOSED, there is no TCB: SYN 1000 draws <SEQ=0><ACK=1001><CTL=RST,ACK> (RFC 9293
    3.10.7.1)."""
    peer = lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=1000))
    peer.expect(TCP(flags="RA", seq=0, ack=1001))


@requirement("SEED-046", "E-3.10.7.2-LISTEN-ack")
def test_after_listen_an_ack_is_reset_and_a_syn_is_answered(lab):
    """After listen() the same SYN draws a SYN,ACK; an ACK to LISTEN draws <SEQ=SEG.ACK><CTL=RST> (RFC 9293
    3.10.7.2)."""
    sut, peer = lab.listen(port=80, iss=5000), lab.peer(port=4000)
    assert sut.state == "LISTEN"
    peer.send(TCP(flags="A", seq=1001, ack=5001))
    expect_reset(peer, 5001)
    assert sut.state == "LISTEN"
    peer.send(TCP(flags="S", seq=1000))
    peer.expect(TCP(flags="SA", seq=5000, ack=1001))


@requirement("SEED-062", "SEED-130")
def test_open_port_agrees_and_closed_port_refuses(lab):
    """SYN 1000 to an open port: SYN,ACK; to a closed one: <SEQ=0><ACK=1001><CTL=RST,ACK> (RFC 9293 3.10.7.1,
    3.10.7.2)."""
    lab.listen(port=80, iss=5000)
    open_port, closed_port = lab.peer(port=4000, to=80), lab.peer(port=4001, to=81)
    open_port.send(TCP(flags="S", seq=1000))
    open_port.expect(TCP(flags="SA", seq=5000, ack=1001))
    closed_port.send(TCP(flags="S", seq=1000))
    closed_port.expect(TCP(flags="RA", seq=0, ack=1001))


@requirement("SEED-047", "MUST-42")
def test_listener_answers_while_another_connection_is_half_open(lab):
    """One listener answers SYNs of several ports: each gets a record of its own (RFC 9293 3.9.1.1 MUST-42).

    The note lets the server create its TCB when it begins listening: the connections' records come with their SYNs.
    """
    sut = lab.listen(port=80, iss=[5000, 6000])
    first, second = lab.peer(port=4000), lab.peer(port=4001)
    first.send(TCP(flags="S", seq=1000))
    first.expect(TCP(flags="SA", seq=5000, ack=1001))
    second.send(TCP(flags="S", seq=2000))
    second.expect(TCP(flags="SA", seq=6000, ack=2001))
    first.send(TCP(flags="A", seq=1001, ack=5001))
    second.send(TCP(flags="A", seq=2001, ack=6001))
    assert sut.connection(first).state == "ESTABLISHED"
    assert sut.connection(second).state == "ESTABLISHED"


@requirement("SEED-041", "SEED-057", "U-13")
def test_data_on_the_syn_waits_for_the_third_segment(lab):
    """SYN 1000 with ten octets is legal; they may be queued, but nobody reads them before the handshake is done (RFC
    9293 3.5).

    The note "a SYN cannot carry data" is wrong. Whether SYN,ACK already acknowledges the octets is the stack's choice.
    """
    sut, peer = lab.listen(port=80, iss=5000), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=1000), data=b"0123456789")
    peer.expect_one_of(TCP(flags="SA", seq=5000, ack=1001), TCP(flags="SA", seq=5000, ack=1011))
    assert sut.accept() is None
    assert sut.state == "SYN-RECEIVED"
    peer.send(TCP(flags="PA", seq=1001, ack=5001), data=b"0123456789")
    lab.advance(ACK_DELAY)
    assert peer.drain()[-1].ack == 1011
    assert sut.state == "ESTABLISHED"
    assert sut.recv() == b"0123456789"
    assert sut.recv() == b""


@requirement("SEED-058", "E-3.10.7.3-SYN-SENT-synack-data")
def test_data_on_the_synack_is_delivered_once(lab):
    """A SYN,ACK may carry data; it is processed from the sixth step on (RFC 9293 3.10.7.3).

    The note "the SYN-ACK cannot carry data either" is wrong. A stack may also leave the octets for a retransmission.
    """
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=1000)
    peer.expect(TCP(flags="S", seq=1000))
    peer.send(TCP(flags="SA", seq=5000, ack=1001), data=b"0123456789")
    lab.advance(ACK_DELAY)
    assert sut.state == "ESTABLISHED"
    acks = peer.drain()
    assert acks and all(s.seq == 1001 and s.ack in (5001, 5011) for s in acks)
    peer.send(TCP(flags="PA", seq=5001, ack=1001), data=b"0123456789")
    peer.expect(TCP(flags="A", seq=1001, ack=5011), within=ACK_DELAY)
    assert sut.recv() == b"0123456789"
    assert sut.recv() == b""


@requirement("SEED-068", "E-3.10.7.3-SYN-SENT-ack-low", "E-3.10.7.3-SYN-SENT-ack-high")
@pytest.mark.parametrize("wrong", [1000, 1002])
def test_client_refuses_a_synack_that_does_not_acknowledge_its_syn(lab, wrong):
    """SYN-SENT wants ISS < SEG.ACK =< SND.NXT: ACK 1000 or 1002 is reset and the client waits on (RFC 9293 3.10.7.3
    first).

    The note's "ack equals x+1" is that rule for a SYN without data.
    """
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=1000)
    peer.expect(TCP(flags="S", seq=1000))
    peer.send(TCP(flags="SA", seq=5000, ack=wrong))
    expect_reset(peer, wrong)
    assert sut.state == "SYN-SENT"
    peer.ignore(TCP(flags="S", seq=1000))  # a stack may take the chance to repeat its SYN
    peer.send(TCP(flags="SA", seq=5000, ack=1001))
    peer.expect(TCP(flags="A", seq=1001, ack=5001))
    assert sut.state == "ESTABLISHED"


@requirement("SEED-073", "E-3.10.7.4-5-SYN-RECEIVED-ack-low")
def test_server_refuses_a_third_segment_that_acknowledges_nothing(lab):
    """In SYN-RECEIVED an ACK of 5000 is not acceptable: <SEQ=5000><CTL=RST>, the state stays (RFC 9293 3.10.7.4
    fifth)."""
    sut, peer = lab.listen(port=80, iss=5000), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=1000))
    peer.expect(TCP(flags="SA", seq=5000, ack=1001))
    peer.send(TCP(flags="A", seq=1001, ack=5000))
    expect_reset(peer, 5000)
    assert sut.state == "SYN-RECEIVED"
    peer.send(TCP(flags="A", seq=1001, ack=5001))
    assert sut.state == "ESTABLISHED"


@requirement("SEED-073", "E-3.10.7.4-5-SYN-RECEIVED-ack-high", "E-3.10.7.4-5-SYN-RECEIVED-ack-range")
def test_server_refuses_a_third_segment_that_acknowledges_too_much(lab):
    """In SYN-RECEIVED an ACK of 5002 is not acceptable, the state stays (RFC 9293 3.10.7.4 fifth).

    The answer is <SEQ=5002><CTL=RST>, or an ACK where the check of RFC 5961 section 5 comes first. The note's "ack
    equals y+1" is SND.UNA < SEG.ACK =< SND.NXT.
    """
    sut, peer = lab.listen(port=80, iss=5000), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=1000))
    peer.expect(TCP(flags="SA", seq=5000, ack=1001))
    peer.send(TCP(flags="A", seq=1001, ack=5002))
    peer.expect_one_of(TCP(flags="R", seq=5002), TCP(flags="RA", seq=5002), TCP(flags="A", seq=5001, ack=1001))
    assert sut.state == "SYN-RECEIVED"
    peer.send(TCP(flags="A", seq=1001, ack=5001))
    assert sut.state == "ESTABLISHED"


@requirement("SEED-071", "F-6")
def test_data_after_a_pure_third_segment_repeats_its_number(lab):
    """The third segment takes no number: the data after it is 1001 again (RFC 9293 3.5, Figure 6 lines 4 and 5)."""
    sut, peer = lab.listen(port=80, iss=5000), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=1000))
    peer.expect(TCP(flags="SA", seq=5000, ack=1001))
    peer.send(TCP(flags="A", seq=1001, ack=5001))
    peer.expect_nothing()
    peer.send(TCP(flags="PA", seq=1001, ack=5001), data=b"0123456789")
    peer.expect(TCP(flags="A", seq=5001, ack=1011), within=ACK_DELAY)
    assert sut.read_exactly(10) == b"0123456789"


@requirement("SEED-071", "E-3.10.7.4-X-synrcvd-data-ack")
def test_third_segment_may_carry_data(lab):
    """The third segment may carry data; it opens the connection and is acknowledged by 1011 (RFC 9293 3.10.7.4 fifth,
    seventh)."""
    sut, peer = lab.listen(port=80, iss=5000), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=1000))
    peer.expect(TCP(flags="SA", seq=5000, ack=1001))
    peer.send(TCP(flags="PA", seq=1001, ack=5001), data=b"0123456789")
    peer.expect(TCP(flags="A", seq=5001, ack=1011), within=ACK_DELAY)
    assert sut.state == "ESTABLISHED"
    assert sut.read_exactly(10) == b"0123456789"


@requirement("SEED-044", "SEED-075", "F-7", "MUST-10")
def test_simultaneous_open_is_established_by_the_ack_of_the_own_syn(lab):
    """Two active openers: SYN 1000 crosses SYN 5000, and each is ESTABLISHED once its own SYN is acknowledged (RFC
    9293 3.5).

    The note's "one successful send and one receive" would already open the connection after the crossing SYNs.
    """
    lab.needs("simultaneous-open")
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=1000)
    peer.expect(TCP(flags="S", seq=1000))
    peer.send(TCP(flags="S", seq=5000))
    peer.expect(TCP(flags="SA", seq=1000, ack=5001))
    assert sut.state == "SYN-RECEIVED"
    peer.send(TCP(flags="A", seq=5001, ack=1001))
    assert sut.state == "ESTABLISHED"
    assert (sut.snd.una, sut.rcv.nxt) == (1001, 5001)


@requirement("SEED-091", "E-3.10.7.3-SYN-SENT-ack-only", "E-3.10.7.3-SYN-SENT-syn")
def test_ack_and_syn_of_the_server_in_two_segments(lab):
    """A server that splits its answer: the bare ACK 1001 is dropped, the SYN 5000 answered as a simultaneous open (RFC
    9293 3.10.7.3).

    The note says that four messages would do: they do, but the lone ACK does not count, the SYN,ACK comes from the
    client.
    """
    lab.needs("simultaneous-open")
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=1000)
    peer.expect(TCP(flags="S", seq=1000))
    peer.send(TCP(flags="A", seq=5000, ack=1001))
    peer.expect_nothing()
    assert sut.state == "SYN-SENT"
    peer.send(TCP(flags="S", seq=5000))
    peer.expect(TCP(flags="SA", seq=1000, ack=5001))
    peer.send(TCP(flags="A", seq=5001, ack=1001))
    assert sut.state == "ESTABLISHED"


@requirement("SEED-078")
def test_data_crosses_in_both_directions(lab):
    """Once ESTABLISHED the connection is full duplex: octets at 1001 and at 5001 cross (RFC 9293 3.3.2)."""
    sut, peer = lab.established(sut_iss=5000, peer_iss=1000)
    assert sut.send(b"from sut 1", push=True) == 10
    peer.expect(TCP(flags="A", seq=5001, ack=1001), data=b"from sut 1", within=1)
    peer.send(TCP(flags="PA", seq=1001, ack=5001), data=b"from peer1")
    peer.expect(TCP(flags="A", seq=5011, ack=1011), within=ACK_DELAY)
    peer.send(TCP(flags="A", seq=1011, ack=5011))
    assert sut.read_exactly(10) == b"from peer1"
    assert (sut.snd.una, sut.rcv.nxt) == (5011, 1011)
