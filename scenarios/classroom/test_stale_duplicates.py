"""Old SYNs that come back: why the study notes want three segments and not two.

RFC 9293 3.5 (Figures 8 and 11), 3.5.1 and 3.5.2; RFC 4987 for SYN floods.
"""

from helpers import ACK_DELAY, expect_reset
from lastack import requirement
from lastack.scapy import TCP


@requirement("SEED-081", "F-8", "E-3.10.7.4-2-SYN-RECEIVED-rst-passive")
def test_stale_syn_is_cleared_by_the_reset_of_its_sender(lab):
    """An old SYN 90 is answered, the sender resets <SEQ=91>, the server is in LISTEN again; SYN 1000 opens (RFC 9293
    3.5, Figure 8)."""
    sut, peer = lab.listen(port=80, iss=[5000, 6000]), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=90), note="old duplicate")
    peer.expect(TCP(flags="SA", seq=5000, ack=91))
    assert sut.state == "SYN-RECEIVED"
    peer.send(TCP(flags="R", seq=91))
    peer.expect_nothing()
    assert sut.state == "LISTEN"
    peer.send(TCP(flags="S", seq=1000))
    peer.expect(TCP(flags="SA", seq=6000, ack=1001))
    peer.send(TCP(flags="A", seq=1001, ack=6001))
    assert sut.state == "ESTABLISHED"
    assert (sut.snd.una, sut.rcv.nxt) == (6001, 1001)


@requirement("SEED-083", "SEED-084")
def test_syn_that_returns_after_the_close_opens_nothing(lab):
    """After a complete connection SYN 1000 arrives once more: SYN,ACK, SYN-RECEIVED, and nothing to accept (RFC 9293
    3.5, 3.4.1).

    The server cannot know that the SYN is old; without a third segment it would consider the connection open at once.
    """
    sut, peer = lab.listen(port=80, iss=[5000, 6000]), lab.peer(port=4000)
    peer.handshake(seq=1000, iss=5000)
    connection = sut.accept()
    peer.send(TCP(flags="FA", seq=1001, ack=5001))
    peer.expect(TCP(flags="A", seq=5001, ack=1002), within=ACK_DELAY)
    connection.shutdown()
    peer.expect(TCP(flags="FA", seq=5001, ack=1002))
    peer.send(TCP(flags="A", seq=1002, ack=5002))
    assert connection.state == "CLOSED"
    peer.send(TCP(flags="S", seq=1000), note="lingered in the network")
    peer.expect(TCP(flags="SA", seq=6000, ack=1001))
    assert sut.connection(peer).state == "SYN-RECEIVED"
    assert sut.accept() is None
    peer.send(TCP(flags="R", seq=1001), note="its sender knows nothing of it")
    peer.expect_nothing()


@requirement("SEED-085", "E-3.10.7.1-CLOSED-ack-synack")
def test_host_without_connection_resets_a_synack(lab):
    """A SYN,ACK 5000/1001 that nobody asked for is reset: <SEQ=1001><CTL=RST> (RFC 9293 3.10.7.1, 3.5.2).

    The note says that the client ignores it. Then the server would keep its half of the connection.
    """
    peer = lab.peer(port=80, to=4000)
    peer.send(TCP(flags="SA", seq=5000, ack=1001))
    expect_reset(peer, 1001)


@requirement("SEED-085", "F-11", "E-3.10.7.2-LISTEN-ack")
def test_listener_resets_a_synack(lab):
    """A listener asked for nothing either: SYN,ACK 5000/1001 draws <SEQ=1001><CTL=RST> (RFC 9293 3.10.7.2 second,
    Figure 11)."""
    sut, peer = lab.listen(port=80), lab.peer(port=4000)
    peer.send(TCP(flags="SA", seq=5000, ack=1001))
    expect_reset(peer, 1001)
    assert sut.state == "LISTEN"


@requirement("SEED-087", "SEED-088", "F-8", "E-3.10.7.3-SYN-SENT-ack-unacceptable")
def test_client_recognises_the_answer_to_an_old_syn(lab):
    """The client that sent SYN 1000 gets ACK 91: it resets <SEQ=91>, waits on, and ACK 1001 completes (RFC 9293
    3.10.7.3, Figure 8)."""
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=1000)
    peer.expect(TCP(flags="S", seq=1000))
    peer.send(TCP(flags="SA", seq=300, ack=91), note="answers an old SYN 90")
    expect_reset(peer, 91)
    assert sut.state == "SYN-SENT"
    peer.ignore(TCP(flags="S", seq=1000))  # a stack may take the chance to repeat its SYN
    peer.send(TCP(flags="SA", seq=5000, ack=1001))
    peer.expect(TCP(flags="A", seq=1001, ack=5001))
    assert sut.state == "ESTABLISHED"
    assert sut.rcv.nxt == 5001


@requirement("SEED-093", "E-3.10.7.4-1-SYN-RECEIVED-seq-unacceptable")
def test_repeated_syn_of_one_port_makes_one_connection(lab):
    """SYN 1000 five times from one port is one record: SYN,ACK or ACK each time, one connection to accept (RFC 9293
    3.10.7.4 first).

    The note's "every duplicate SYN creates another connection" cannot happen: the pair of sockets is the connection.
    """
    sut, peer = lab.listen(port=80, iss=[5000, 6000]), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=1000))
    peer.expect(TCP(flags="SA", seq=5000, ack=1001))
    for _ in range(4):
        peer.send(TCP(flags="S", seq=1000), note="again")
        for answer in peer.drain():
            # Left of the window: "an acknowledgment should be sent"; many stacks repeat the SYN,ACK instead.
            assert (answer.seq, answer.ack) in ((5000, 1001), (5001, 1001))
    peer.send(TCP(flags="A", seq=1001, ack=5001))
    peer.drain()
    assert sut.accept() is not None
    assert sut.accept() is None


@requirement("SEED-094", "RFC4987-4-a")
def test_thousand_half_open_connections_leave_the_service_usable(lab):
    """1000 SYNs that nobody completes: a backlog limit or cookies bound the cost, and a real client gets in (RFC 9293
    7, RFC 4987 4).

    The note says that the third segment avoids wasted resources: SYN-RECEIVED still costs some (SYN flooding).
    """
    sut = lab.listen(port=80, backlog=8)
    attacker = lab.peer(port=10000)
    attacker.ignore(TCP())
    for port in range(10000, 11000):
        attacker.send(TCP(sport=port, flags="S", seq=1000))
    client = lab.peer(port=4000)
    for wait in (0, 1, 2, 4, 8, 16, 32, 64, 128, 256):  # a client repeats its SYN with doubling gaps
        lab.advance(wait)
        client.send(TCP(flags="S", seq=2000))
        synack = next(iter(client.drain()), None)
        if synack is not None:
            break
    assert synack is not None, "no answer to ten SYNs within 511 s"
    lab.take_strays()  # what the stack sent to the ports of the flood
    assert synack.ack == 2001
    client.send(TCP(flags="A", seq=2001, ack=(synack.seq + 1) % 2**32))
    client.send(TCP(flags="PA", seq=2001, ack=(synack.seq + 1) % 2**32), data=b"hello")
    client.expect(TCP(flags="A", ack=2006), within=ACK_DELAY)
    connection = sut.accept()
    assert connection is not None and connection.read_exactly(5) == b"hello"
    assert sut.accept() is None, "a connection that nobody completed was accepted"
    lab.take_strays()
