"""RFC 7323 section 2: the Window Scale option, what it multiplies, and windows that shrink by rounding.

The peer's window after the handshake is small, so that the number of octets in flight shows which window the stack
computed.
"""

import pytest
from helpers import ACK_DELAY
from lastack import requirement
from lastack.scapy import TCP
from streams import next_flight, sequence_end

pytestmark = pytest.mark.lab(window_scale=True)


def open_scaled(lab, shift, *, syn_window=65535, window=65535):
    """A connection opened by the peer, whose SYN offers the shift (None: no option). Returns the stack's shift, or
    None."""
    lab.needs("window-scale")
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000)
    options = [("MSS", 1460)] + ([("NOP", None), ("WScale", shift)] if shift is not None else [])
    peer.send(TCP(flags="S", seq=100, window=syn_window, options=options))
    synack = peer.expect(TCP(flags="SA", seq=300, ack=101))
    peer.send(TCP(flags="A", seq=101, ack=301, window=window))
    return sut, peer, synack.option("WScale")


@requirement("RFC7323-2.2-a", "RFC7323-2.2-b")
def test_initial_syn_offers_the_option(lab):
    """A TCP that is prepared to scale should send Window Scale on its SYN, even with exponent 0; at most 14 (RFC 7323
    2.2, 2.3)."""
    lab.needs("window-scale")
    peer = lab.peer(port=4000, to=80)
    lab.connect(peer, iss=300)
    shift = peer.expect(TCP(flags="S", seq=300)).option("WScale")
    assert shift is None or shift <= 14
    with lab.soft("RFC 7323 2.2: a TCP that can scale should offer it"):
        assert shift is not None


@requirement("RFC7323-2.3-a")
def test_synack_answers_an_offer(lab):
    """A SYN with Window Scale should be answered by a SYN,ACK with Window Scale (RFC 7323 2.3)."""
    _, _, shift = open_scaled(lab, 7)
    assert shift is None or shift <= 14
    with lab.soft("RFC 7323 2.3: the SYN,ACK should carry the option"):
        assert shift is not None


@requirement("RFC7323-2.2-d")
def test_synack_does_not_offer_what_the_syn_did_not(lab):
    """Without Window Scale on the SYN there is none on the SYN,ACK (RFC 7323 2.2)."""
    _, _, shift = open_scaled(lab, None)
    assert shift is None


@requirement("RFC7323-2.2-c", "RFC7323-2.3-b", "RFC7323-2.3-c", "RFC7323-D-a")
@pytest.mark.parametrize(
    ("shift", "window", "octets"), [(None, 1000, 1000), (0, 1000, 1000), (3, 100, 800), (7, 9, 1152), (14, 1, 16384)]
)
def test_peers_window_is_shifted_by_the_peers_count(lab, shift, window, octets):
    """SND.WND = SEG.WND << shift of the peer's SYN; without the option the window is plain (RFC 7323 2.3)."""
    sut, peer, _ = open_scaled(lab, shift, syn_window=min(octets, 65535), window=window)
    assert sut.snd.wnd == octets
    assert sut.send(bytes(40000)) >= 20000
    in_flight = sequence_end(next_flight(peer)) - 301
    assert window <= in_flight <= octets
    if shift:
        assert in_flight > window, "the stack did not shift the peer's window"


@requirement("RFC7323-2.3-e")
@pytest.mark.parametrize("shift", [15, 31, 32, 255])
def test_shift_above_14_counts_as_14(lab, shift):
    """A shift count above 14 is used as 14: window 1 is 16384 octets (RFC 7323 2.3)."""
    sut, peer, _ = open_scaled(lab, shift, syn_window=16384, window=1)
    assert sut.snd.wnd == 16384
    assert sut.send(bytes(40000)) >= 20000
    assert sequence_end(next_flight(peer)) - 301 <= 16384


@requirement("RFC7323-2.2-e")
def test_option_on_a_segment_without_syn_is_ignored(lab):
    """Window Scale without SYN is ignored: shift 2 stays 2 though later segments say 14 (RFC 7323 2.2)."""
    sut, peer, _ = open_scaled(lab, 2, syn_window=400, window=100)
    peer.send(TCP(flags="A", seq=101, ack=301, window=100, options=[("WScale", 14)]))
    peer.send(TCP(flags="PA", seq=101, ack=301, window=100, options=[("WScale", 14)]), data=b"x")
    peer.expect(TCP(flags="A", seq=301, ack=102), within=ACK_DELAY)
    assert sut.snd.wnd == 400
    assert sut.send(bytes(5000)) == 5000
    assert sequence_end(next_flight(peer)) - 301 <= 400


@requirement("RFC7323-2.2-f")
def test_window_of_a_synack_is_not_scaled(lab):
    """The window of a SYN,ACK is plain: 1000 is 1000, whatever the shift beside it (RFC 7323 2.2)."""
    lab.needs("window-scale")
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=300)
    if peer.expect(TCP(flags="S", seq=300)).option("WScale") is None:
        lab.unsupported("the stack does not offer Window Scale")
    peer.send(TCP(flags="SA", seq=100, ack=301, window=1000, options=[("MSS", 1460), ("NOP", None), ("WScale", 10)]))
    peer.expect(TCP(flags="A", seq=301, ack=101))
    assert sut.snd.wnd == 1000
    assert sut.send(bytes(5000)) == 5000
    assert sequence_end(next_flight(peer)) - 301 <= 1000


@requirement("RFC7323-2.2-f")
@pytest.mark.lab(rcv_buf=200000)
def test_own_window_on_a_synack_is_not_scaled(lab):
    """The stack's own SYN,ACK announces RCV.WND itself, or 65535 when it is larger (RFC 7323 2.2)."""
    lab.needs("window-scale")
    sut, peer = lab.listen(port=80, iss=300), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=100, options=[("MSS", 1460), ("NOP", None), ("WScale", 7)]))
    synack = peer.expect(TCP(flags="SA", seq=300, ack=101))
    assert synack.window == min(sut.rcv.wnd, 65535)


@requirement("RFC7323-2.3-b", "RFC7323-D-a")
@pytest.mark.parametrize("answer", [None, 4])
def test_active_opener_scales_only_when_the_synack_does(lab, answer):
    """Both SYNs must carry the option: without it on the SYN,ACK both shifts are zero (RFC 7323 2.2, Appendix D)."""
    lab.needs("window-scale")
    peer = lab.peer(port=4000, to=80)
    sut = lab.connect(peer, iss=300)
    offer = peer.expect(TCP(flags="S", seq=300)).option("WScale")
    if offer is None:
        lab.unsupported("the stack does not offer Window Scale")
    options = [("MSS", 1460)] + ([("NOP", None), ("WScale", answer)] if answer is not None else [])
    peer.send(TCP(flags="SA", seq=100, ack=301, window=800, options=options))
    ack = peer.expect(TCP(flags="A", seq=301, ack=101))
    peer.send(TCP(flags="PA", seq=101, ack=301, window=50), data=b"x")
    peer.expect(TCP(flags="A", seq=301, ack=102), within=ACK_DELAY)
    assert sut.snd.wnd == (50 if answer is None else 800)
    if answer is None:
        assert ack.window == min(sut.rcv.wnd, 65535) or ack.window == sut.rcv.wnd + 1


@requirement("RFC7323-2.3-d", "RFC7323-2.3-b", "U-26")
@pytest.mark.lab(rcv_buf=200000)
def test_own_windows_are_shifted_right(lab):
    """SEG.WND = RCV.WND >> shift: more than 65535 octets fit unread, and the announced edge never moves left (RFC 7323
    2.3).

    By rounding the edge may fall back by less than one unit of the scale (RFC 7323 2.4).
    """
    sut, peer, shift = open_scaled(lab, 7)
    if not shift:
        lab.unsupported("the stack's buffer needs no shift")
    seq, edge = 101, 0
    for _ in range(80):
        peer.send(TCP(flags="A", seq=seq, ack=301), data=bytes(1001))
        seq += 1001
        got = peer.expect(TCP(flags="A", seq=301, ack=seq), within=ACK_DELAY)
        assert got.window == sut.rcv.wnd >> shift
        assert got.ack + (got.window << shift) > edge - (1 << shift)
        edge = max(edge, got.ack + (got.window << shift))
    assert seq - 101 > 65535


@requirement("RFC7323-2.4-b", "RFC7323-2.4-c")
@pytest.mark.lab(rcv_buf=100000)
def test_every_window_that_was_announced_is_honoured(lab):
    """A receiver takes any segment that was in window for any ACK it sent, rounding or not (RFC 7323 2.4).

    Segments of an odd size nobody reads fill the window up to the largest right edge that was announced.
    """
    sut, peer, shift = open_scaled(lab, 7)
    seq, edge = 101, 0
    shift = shift or 0
    peer.send(TCP(flags="A", seq=seq, ack=301), data=b"x")
    while True:
        got = peer.expect(TCP(flags="A", seq=301), within=ACK_DELAY)
        edge = max(edge, got.ack + (got.window << shift))
        seq = got.ack
        if seq == edge:
            break
        size = min(1453, edge - seq)
        peer.send(TCP(flags="A", seq=seq, ack=301), data=bytes(size), note=f"up to the edge {edge}")
        assert peer_takes(sut, seq + size), f"octets up to {seq + size} were announced (edge {edge}) and not taken"
    assert sut.unread == edge - 101


def peer_takes(sut, number):
    """Whether the stack has accepted all octets before `number`."""
    return sut.rcv.nxt == number


@requirement("RFC7323-2.4-a", "RFC7323-2.4-d")
def test_window_that_shrinks_by_rounding_is_obeyed(lab):
    """ACK 1040 window 2, then ACK 1045 window 1 at shift 7: the edge falls back, no new octet crosses it (RFC 7323
    2.4, Appendix F).

    Afterwards the window opens again and everything arrives.
    """
    lab.needs("window-scale")
    sut, peer = lab.listen(port=80, iss=999), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=100, window=256, options=[("MSS", 1460), ("NOP", None), ("WScale", 7)]))
    peer.expect(TCP(flags="SA", seq=999, ack=101))
    peer.send(TCP(flags="A", seq=101, ack=1000, window=2))
    sut.set("nodelay", 1)
    for octets, acked, window in ((40, 1040, 2), (5, 1045, 1)):
        assert sut.send(bytes(octets), push=True) == octets
        assert sequence_end(next_flight(peer)) == acked
        peer.send(TCP(flags="A", seq=101, ack=acked, window=window))
    assert sut.snd.wnd == 128
    assert sut.send(bytes(2000)) == 2000
    assert sequence_end(next_flight(peer, within=2)) <= 1045 + 128
    peer.send(TCP(flags="A", seq=101, ack=1045, window=100))
    end = 1045
    while end < 3045:
        end = sequence_end(next_flight(peer, within=3))
        peer.send(TCP(flags="A", seq=101, ack=end, window=100))
    assert sut.state == "ESTABLISHED"


@requirement("RFC7323-A-a")
@pytest.mark.lab(snd_buf=200000)
def test_urgent_pointer_beyond_65535_octets_says_65535(lab):
    """The urgent octet is more than 65535 octets ahead: the pointer is 65535 until it fits (RFC 7323 Appendix A)."""
    lab.needs("urgent")
    sut, peer, _ = open_scaled(lab, 7, window=4000)
    assert sut.send(bytes(100000)) == 100000
    assert sut.send(b"!", urgent=True) == 1
    end, mark = 301, 301 + 100001
    while end < mark:
        for segment in next_flight(peer):
            if "U" in segment.flags:
                assert segment.urgent == min(mark - segment.seq, 65535)
            end = max(end, segment.end)
        peer.send(TCP(flags="A", seq=101, ack=end, window=4000))
    assert "U" in segment.flags
