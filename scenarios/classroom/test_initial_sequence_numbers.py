"""Initial sequence numbers: the study notes call them random; RFC 9293 3.4.1 wants a clock plus a keyed function.

No ISS is set here: the numbers are the stack's own.
"""

import pytest
from lastack import requirement
from lastack.scapy import TCP

SPACE = 2**32
TICK = 4e-6  # seconds: the timer M of RFC 9293 3.4.1


def iss_of_synack(peer):
    """The ISS that a listener answers with; the half-open connection is then reset."""
    peer.send(TCP(flags="S", seq=1000))
    synack = peer.expect(TCP(flags="SA", ack=1001))
    peer.send(TCP(flags="R", seq=1001))
    return synack.seq


@requirement("SEED-054")
@pytest.mark.parametrize("isn", [0, 1000, 2**31, 2**32 - 1])
def test_any_isn_of_the_client_is_acceptable(lab, isn):
    """The client's ISN may be any 32-bit number; the server acknowledges the next one (RFC 9293 3.4.1)."""
    sut, peer = lab.listen(port=80, iss=5000), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=isn))
    peer.expect(TCP(flags="SA", seq=5000, ack=(isn + 1) % SPACE))
    peer.send(TCP(flags="A", seq=(isn + 1) % SPACE, ack=5001))
    assert sut.state == "ESTABLISHED"


@requirement("SEED-055", "MUST-8", "SHLD-1")
def test_isn_of_one_pair_of_sockets_follows_a_clock(lab):
    """ISN = M + F(pair of sockets, key): of the same pair it grows with time, evenly (RFC 9293 3.4.1 MUST-8).

    The note says "at random": a purely random number could fall into the range that an old duplicate still uses.
    """
    lab.listen(port=80)
    peer = lab.peer(port=4000)
    samples = []
    for _ in range(4):
        samples.append((lab.now, iss_of_synack(peer)))
        lab.advance(1)
    rates = [((y2 - y1) % SPACE) / (t2 - t1) for (t1, y1), (t2, y2) in zip(samples, samples[1:])]
    assert all(0 < rate < SPACE / 2 for rate in rates), f"not growing: {rates} numbers a second"
    assert max(rates) < 1.05 * min(rates), f"not even: {rates} numbers a second"
    with lab.soft("SHLD-1: M is a timer of 4 microseconds"):
        assert rates[0] == pytest.approx(1 / TICK, rel=0.05)


@requirement("SEED-054", "MUST-8")
def test_isn_of_the_client_follows_a_clock(lab):
    """The stack as client: the ISN of the same pair of sockets grows with time (RFC 9293 3.4.1 MUST-8).

    Each SYN is refused, so that the same pair can be opened again.
    """
    peer = lab.peer(port=4000, to=80)
    numbers = []
    for _ in range(3):
        lab.connect(peer, port=5000)
        syn = peer.expect(TCP(flags="S"))
        peer.send(TCP(flags="RA", seq=0, ack=(syn.seq + 1) % SPACE))
        numbers.append(syn.seq)
        lab.advance(1)
    steps = [(later - earlier) % SPACE for earlier, later in zip(numbers, numbers[1:])]
    assert all(0 < step < SPACE // 2 for step in steps), f"not growing: {numbers}"


@requirement("SEED-054", "SEED-055", "MUST-9")
def test_isns_of_different_ports_show_no_pattern(lab):
    """ISNs of 256 ports at one moment: all different, spread over all 32 bits, unrelated to the port (RFC 9293 3.4.1
    MUST-9).

    This is statistics: it finds a generator without a keyed function, it cannot prove that the key is safe. A good
    generator fails each of the two counts with a probability below 1 in 100,000.
    """
    lab.listen(port=80)
    numbers = [iss_of_synack(lab.peer(port=port)) for port in range(20000, 20256)]
    assert len(set(numbers)) == len(numbers), "an ISN was used twice"
    for what, values in (
        ("the ISNs", numbers),
        ("their steps from port to port", [(b - a) % SPACE for a, b in zip(numbers, numbers[1:])]),
    ):
        assert chi_square_of_sixteenths(values) < 50, f"{what} are not spread evenly over 32 bits"


def chi_square_of_sixteenths(values):
    """Pearson's statistic of the counts in the 16 equal parts of the number space: 15 degrees of freedom."""
    expected = len(values) / 16
    counts = [0] * 16
    for value in values:
        counts[value >> 28] += 1
    return sum((count - expected) ** 2 / expected for count in counts)
