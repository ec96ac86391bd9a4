"""Between TCP and its user and the IP layer: addresses, ICMP, TTL. RFC 9293 3.9.

ICMP messages quote a segment of the stack; the Lab gives the quotation the number that the stack really sent.
"""

import pytest
from helpers import ACK_DELAY, FIRST_RTO, acknowledge_until, case, established, refused
from lastack import requirement
from lastack.scapy import ICMP, IP, TCP
from scapy.layers.inet import IPOption

SUT, PEER = "192.0.2.1", "192.0.2.2"


def icmp(peer, quoted, kind, code, **fields):
    """An ICMP message from a router (192.0.2.254) that quotes the IP header and eight octets of a segment of the
    stack."""
    peer.send(IP(src="192.0.2.254", dst=SUT) / ICMP(type=kind, code=code, **fields) / quoted.raw[:28])


def with_data_in_flight(lab, octets=100):
    """A connection with unacknowledged data, and the segment that carries it."""
    at = established(lab)
    at.sut.send(b"d" * octets)
    return at, at.peer.expect(TCP(flags="A", seq=301), data=min(octets, 1460))


def goes_on(at, octets=100):
    """The connection still works: the data is acknowledged and more flows."""
    at.peer.drain()
    at.send("A", ack=301 + octets)
    assert at.sut.state == "ESTABLISHED" and at.sut.snd.una == 301 + octets
    at.send("A", data=b"news")
    got = at.peer.expect(TCP(flags="A", ack=105), within=ACK_DELAY)
    assert got.seq == 301 + octets


@pytest.mark.parametrize(
    "destination",
    [
        case("255.255.255.255", req="MUST-46", name="broadcast"),
        case("224.0.0.1", req="MUST-46", name="multicast"),
        case("0.0.0.0", req=["MUST-46", "E-3.10.1-CLOSED-active-unspecified"], name="unspecified"),
    ],
)
def test_open_to_an_address_that_cannot_be_a_peer_is_refused(lab, destination):
    """An active OPEN to a broadcast, multicast or unspecified address is refused; no SYN leaves (3.9.1.1 MUST-46)."""
    peer = lab.peer(port=4000, to=80, ip=destination)
    with refused(lab, ""):
        lab.connect(peer)
    lab.advance(1)
    peer.expect_nothing()


@pytest.mark.parametrize("source", ["255.255.255.255", "224.0.0.1", "0.0.0.0", "127.0.0.1"])
@requirement("MUST-63")
def test_syn_from_an_address_that_cannot_be_a_peer_is_ignored(lab, source):
    """A SYN from a broadcast, multicast, unspecified or loopback source draws nothing at all (3.9.2.3 MUST-63)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    stranger = lab.peer(port=4001, to=80, ip=source)
    peer.send(IP(src=source, dst=SUT) / TCP(sport=4001, dport=80, flags="S", seq=100))
    stranger.expect_nothing(until=FIRST_RTO)
    assert sut.listener.state == "LISTEN"
    peer.send(TCP(flags="S", seq=100))
    peer.expect(TCP(flags="SA", seq=300, ack=101))


@pytest.mark.parametrize("destination", ["255.255.255.255", "192.0.2.255", "224.0.0.1"])
@requirement("MUST-57")
def test_syn_to_a_broadcast_or_multicast_address_is_ignored(lab, destination):
    """A SYN that is addressed to many is dropped silently (3.9.2.3 MUST-57)."""
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    peer.send(IP(src=PEER, dst=destination) / TCP(sport=4000, dport=80, flags="S", seq=100))
    peer.expect_nothing(until=FIRST_RTO)
    assert sut.state == "LISTEN"


@requirement("MUST-45", "MUST-44")
def test_connection_keeps_its_local_address(lab):
    """Every segment of a connection has the address that its SYN was sent to (3.9.1.1 MUST-45)."""
    at = established(lab)
    at.sut.send(b"data")
    at.peer.expect(IP(src=SUT, dst=PEER) / TCP(flags="A", seq=301), data=b"data")
    at.send("A", ack=305)
    at.sut.shutdown()
    at.peer.expect(IP(src=SUT, dst=PEER) / TCP(flags="FA", seq=305))


@pytest.mark.parametrize(
    "option",
    [
        case(b"\x07\x07\x04\x00\x00\x00\x00\x00", req="MAY-11", name="record-route"),
        case(b"\x44\x08\x05\x00\x00\x00\x00\x00", req="MAY-10", name="timestamp"),
        case(b"\x9e\x04\x00\x00", req="MUST-50", name="unknown"),
    ],
)
@requirement("MUST-50")
def test_ip_options_do_not_disturb_a_connection(lab, option):
    """An IPv4 option that TCP does not understand is ignored: the SYN opens, the data counts (3.9.2 MUST-50).

    Some hosts drop such packets in their IP layer; then the same segments without the option have to work.
    """
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000, to=80)
    header = {"src": PEER, "dst": SUT, "options": [IPOption(option)]}
    peer.send(IP(**header) / TCP(sport=4000, dport=80, flags="S", seq=100))
    if not peer.pending():
        lab.unsupported("this stack's IP layer drops packets with options")
    peer.expect(TCP(flags="SA", seq=300, ack=101))
    peer.send(IP(**header) / TCP(sport=4000, dport=80, flags="A", seq=101, ack=301, window=1000) / b"data")
    peer.expect(TCP(flags="A", seq=301, ack=105), within=ACK_DELAY)
    assert sut.state == "ESTABLISHED"


@pytest.mark.lab(sut_options={"hop_limit": 5})
@requirement("MUST-49")
def test_ttl_is_configurable(lab):
    """The TTL of all segments of a connection is the chosen one (3.9.2 MUST-49)."""
    at = established(lab)
    at.sut.send(b"data")
    at.peer.expect(IP(ttl=5) / TCP(flags="A", seq=301), data=b"data")


@pytest.mark.lab(sut_options={"dscp": 46})
@requirement("MUST-48", "SHLD-22")
def test_diffserv_value_is_on_every_segment(lab):
    """The chosen Diffserv value is on data, pure ACK and FIN alike (3.9.1.9 MUST-48, SHLD-22)."""
    at = established(lab)
    at.sut.send(b"data")
    at.peer.expect(IP(tos=46 << 2) / TCP(flags="A", seq=301), data=b"data")
    at.send("A", ack=305, data=b"x")
    at.peer.expect(IP(tos=46 << 2) / TCP(flags="A", ack=102), data=b"", within=ACK_DELAY)
    at.sut.shutdown()
    at.peer.expect(IP(tos=46 << 2) / TCP(flags="FA", seq=305))


@pytest.mark.parametrize(
    "kind,code",
    [
        case(3, 0, req="MUST-56", name="net-unreachable"),
        case(3, 1, req=["MUST-56", "MUST-47", "SHLD-25"], name="host-unreachable"),
        case(3, 5, req="MUST-56", name="source-route-failed"),
        case(11, 0, req="MUST-56", name="ttl-exceeded"),
        case(11, 1, req="MUST-56", name="reassembly-time-exceeded"),
        case(12, 0, req="MUST-56", name="parameter-problem"),
    ],
)
@requirement("MUST-54")
def test_soft_icmp_error_does_not_end_a_connection(lab, kind, code):
    """A soft error is told to the user and never aborts the connection (3.9.2.2 MUST-56, SHLD-25)."""
    at, segment = with_data_in_flight(lab)
    at.sut.events()
    icmp(at.peer, segment, kind, code)
    at.peer.expect_nothing()
    with lab.soft("SHLD-25: the user can learn of it"):
        assert "soft_error" in at.sut.events()
    goes_on(at)


@requirement("MUST-55", "RFC6633-3-a")
def test_source_quench_is_discarded(lab):
    """A Source Quench changes nothing (3.9.2.2 MUST-55)."""
    at, segment = with_data_in_flight(lab)
    before = at.sut.cwnd
    icmp(at.peer, segment, 4, 0)
    at.peer.expect_nothing()
    assert at.sut.cwnd == before
    goes_on(at)


@pytest.mark.parametrize("code", [2, 3], ids=["protocol-unreachable", "port-unreachable"])
@requirement("SHLD-26", "MUST-54")
def test_hard_icmp_error_refuses_an_open(lab, code):
    """A hard error for our SYN should end the attempt (3.9.2.2 SHLD-26)."""
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=300)
    syn = peer.expect(TCP(flags="S", seq=300))
    icmp(peer, syn, 3, code)
    with lab.soft("SHLD-26"):
        assert sut.state == "CLOSED"
        peer.expect_nothing(until=FIRST_RTO)
    peer.ignore(TCP())


@requirement("MUST-54", "RFC5927-4.1-a")
def test_icmp_error_reaches_only_the_connection_that_it_quotes(lab):
    """An ICMP error that quotes one connection is no news for another with the same peer (3.9.2.2 MUST-54)."""
    at, segment = with_data_in_flight(lab)
    lab.set_iss(900)
    other = lab.peer(port=4001, to=80)
    other.handshake(seq=500, iss=900)
    first, second = at.sut.connection(at.peer), at.sut.connection(other)
    first.events(), second.events()
    icmp(at.peer, segment, 3, 1)
    assert "soft_error" not in second.events()
    with lab.soft("SHLD-25: the user can learn of it"):
        assert "soft_error" in first.events()
    assert (first.state, second.state) == ("ESTABLISHED", "ESTABLISHED")
    at.peer.drain()


@pytest.mark.parametrize("mtu,octets", [(1000, 960), (576, 536)])
@requirement("MUST-54", "RFC1191-3-a")
def test_fragmentation_needed_makes_segments_smaller(lab, mtu, octets):
    """ "Fragmentation needed" lowers the segment size to what the path carries (3.7.2, RFC 1191 3)."""
    at, segment = with_data_in_flight(lab, 1460)
    icmp(at.peer, segment, 3, 4, nexthopmtu=mtu)
    at.send("A", ack=301)
    got = at.peer.expect_any(within=FIRST_RTO)
    assert got.seq == 301 and len(got.payload) == octets
    at.una, at.nxt = 301, 301
    at.send("A", ack=301 + octets)
    at.una = 301 + octets
    acknowledge_until(at, 1761)
    at.sut.send(b"e" * 3000)
    sizes = [len(at.peer.expect_any(within=1.0).payload), *[len(more.payload) for more in at.peer.drain()]]
    assert max(sizes) == octets
    at.peer.ignore(TCP())


@pytest.mark.parametrize("mtu", [9000, 0, 20])
@requirement("RFC1191-3-b", "RFC1191-3-a")
def test_senseless_path_mtu_does_no_harm(lab, mtu):
    """A too-big message never raises the size, and an MTU of zero or a few octets does not stop the stream (RFC 1191
    3)."""
    at, segment = with_data_in_flight(lab, 1460)
    icmp(at.peer, segment, 3, 4, nexthopmtu=mtu)
    stream = acknowledge_until(at, 1761)
    assert len(stream) == 1460
    at.sut.send(b"e" * 1460)
    first = at.peer.expect_any(within=1.0)
    assert 1 <= len(first.payload) <= 1460
    at.peer.ignore(TCP())


@requirement("RFC5927-4.1-a")
def test_icmp_error_with_a_stale_number_is_ignored(lab):
    """A quoted sequence number outside [SND.UNA, SND.NXT) is not of this flight: the message is ignored (RFC 5927
    4.1)."""
    at, segment = with_data_in_flight(lab, 1460)
    quoted = bytearray(segment.raw[:28])
    quoted[24:28] = (301 + 100_000).to_bytes(4, "big")
    at.peer.send(IP(src="192.0.2.254", dst=SUT) / ICMP(type=3, code=4, nexthopmtu=576) / bytes(quoted))
    at.send("A", ack=1761)
    at.sut.send(b"e" * 1460)
    at.peer.expect(TCP(flags="A", seq=1761), data=1460)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 27])
@requirement("MUST-54")
def test_truncated_icmp_message_does_no_harm(lab, length):
    """An ICMP message that quotes too little to name a connection is dropped (3.9.2.2)."""
    at, segment = with_data_in_flight(lab)
    at.peer.send(IP(src="192.0.2.254", dst=SUT) / ICMP(type=3, code=3) / segment.raw[:length])
    at.peer.expect_nothing()
    goes_on(at)
