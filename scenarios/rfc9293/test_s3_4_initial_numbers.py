"""Choosing the initial sequence number: RFC 9293 3.4.1, RFC 6528. Here nobody sets the ISS; the generator of the
stack is under test."""

import pytest
from helpers import FIRST_RTO
from lastack import requirement
from lastack.scapy import TCP

TICK = 4e-6  # seconds; the clock of the ISN


def initial_number(lab, port):
    """The ISS with which the stack answers a SYN from this port; the attempt is reset again."""
    peer = next((peer for peer in lab.peers if peer.port == port), None) or lab.peer(port=port, to=80)
    peer.send(TCP(flags="S", seq=100))
    answer = peer.expect(TCP(flags="SA", ack=101))
    peer.send(TCP(flags="R", seq=101))
    peer.expect_nothing()
    return answer.seq


@pytest.mark.parametrize("seconds", [1, 60, 600])
@requirement("MUST-8", "SHLD-1", "RFC6528-3-a")
def test_initial_number_of_a_reopened_connection_advances_with_the_clock(lab, seconds):
    """The same pair of sockets gets a later ISN at a later time, by one every 4 microseconds (3.4.1 MUST-8)."""
    lab.listen(port=80)
    first = initial_number(lab, 4000)
    lab.advance(seconds)
    ahead = (initial_number(lab, 4000) - first) % 2**32
    assert ahead != 0
    with lab.soft("SHLD-1: ISN = M + F(...), with M a 4 microsecond timer"):
        assert abs(ahead - seconds / TICK) <= 0.01 * seconds / TICK + 2500


@requirement("SHLD-1", "MUST-9", "RFC6528-3-a", "RFC6528-3-b")
def test_initial_numbers_of_other_connections_are_unrelated(lab):
    """Two pairs of sockets get offsets that one cannot learn from the other: no two differences are the same (3.4.1
    SHLD-1)."""
    lab.listen(port=80, backlog=64)
    numbers = [initial_number(lab, port) for port in range(4000, 4016)]
    assert len(set(numbers)) == len(numbers)
    steps = {(second - first) % 2**32 for first, second in zip(numbers, numbers[1:])}
    assert len(steps) == len(numbers) - 1
    spread = sorted(number >> 30 for number in numbers)
    assert spread[0] != spread[-1], "all within one quarter of the sequence space"


@requirement("SHLD-1", "RFC6528-3-a")
def test_initial_numbers_of_active_opens_differ(lab):
    """An active OPEN chooses its ISN the same way: two pairs of sockets do not begin with the same number (3.4.1
    SHLD-1)."""
    numbers = set()
    for port in range(4000, 4008):
        peer = lab.peer(port=port, to=80)
        lab.connect(peer)
        syn = peer.expect(TCP(flags="S"))
        numbers.add(syn.seq)
        peer.send(TCP(flags="RA", seq=0, ack=syn.seq + 1))
    assert len(numbers) == 8
    lab.advance(FIRST_RTO)
