"""Captures in which a box on the path did something odd, and no end may be accused for it: the cases of strangers.py go on here.

Where the mistake could as well be an end's, the judge may leave it open; it must not convict. Which box does such a thing stands in each docstring.
"""

from __future__ import annotations

from strangers import FULL, case, on_path, write_all
from tape import NOP, SACK_OK, Tape, mss, option, scale, stamps

__all__ = ["write_all"]


# ------------------------------------------------------------------------------------------------ options taken out


@on_path
def scale_taken_out_of_the_syn_ack(t: Tape) -> None:
    """Old firewalls: the client does not scale, the server believes that both do. Seen by the client."""
    t.a("S", 0, opts=mss(1460) + NOP + scale(7), win=20_000).b("SA", 0, 1, opts=mss(1460)).a("A", 1, 1, win=20_000)
    t.a("PA", 1, 1, b"GET", win=20_000)
    for n in range(40):
        t.b("A", 1 + 1460 * n, 4, b"x" * 1460, win=512)
    for n in range(0, 40, 10):
        t.a("A", 4, 1 + 1460 * (n + 10), win=20_000)
    end = 1 + 1460 * 40
    t.a("FA", 4, end, win=20_000).b("FA", end, 5, win=512).a("A", 5, end + 1, win=20_000)


@on_path
def scale_taken_out_behind_the_tap(t: Tape) -> None:
    """The same, seen by the server: the client's fields are octets, and its window seems to jump by 128 times what it really moves."""
    t.a("S", 0, opts=mss(1460) + NOP + scale(7)).b("SA", 0, 1, opts=mss(1460) + NOP + scale(7)).a("A", 1, 1, win=64_240)
    t.a("PA", 1, 1, b"GET", win=64_240).b("A", 1, 4, win=512)
    done, room = 1, 64_240
    for _ in range(20):
        t.b("A", done, 4, b"x" * 1460, win=512)
        done += 1460
        room -= 1460
        t.a("A", 4, done, win=room)
    t.pause(1).a("A", 4, done, win=64_240)
    t.a("FA", 4, done, win=64_240).b("FA", done, 5, win=512).a("A", 5, done + 1, win=64_240)


@on_path
def timestamps_taken_out_of_the_syn_ack(t: Tape) -> None:
    """The server sends them on, since it saw them agreed; the client does not. Tap at the server."""
    t.a("S", 0, opts=FULL).b("SA", 0, 1, opts=FULL[:-3] + scale(7)).a("A", 1, 1)
    for n in range(5):
        t.a("PA", 1 + 9 * n, 1 + 9 * n, b"x" * 9).b("PA", 1 + 9 * n, 10 + 9 * n, b"y" * 9, opts=stamps(7100 + n, 7000))
    t.a("FA", 46, 46).b("FA", 46, 47, opts=stamps(7200, 7000)).a("A", 47, 47)


@on_path
def timestamps_taken_out_on_the_way(t: Tape) -> None:
    """The same at the client: the server goes on with an option that its SYN-ACK did not have."""
    t.a("S", 0, opts=FULL).b("SA", 0, 1, opts=mss(1460) + SACK_OK + NOP + scale(7)).a("A", 1, 1)
    for n in range(5):
        t.a("PA", 1 + 9 * n, 1 + 9 * n, b"x" * 9).b("PA", 1 + 9 * n, 10 + 9 * n, b"y" * 9, opts=stamps(7100 + n, 7000))
    t.a("FA", 46, 46).b("FA", 46, 47, opts=stamps(7200, 7000)).a("A", 47, 47)


@on_path
def timestamps_set_to_zero(t: Tape) -> None:
    """A scrubber overwrites both values after the handshake, against finger-printing."""
    t.open(FULL)
    t.records.pop()
    t.a("A", 1, 1, opts=stamps(0, 0))
    for n in range(5):
        t.a("PA", 1 + 9 * n, 1 + 9 * n, b"x" * 9, opts=stamps(0, 0))
        t.b("PA", 1 + 9 * n, 10 + 9 * n, b"y" * 9, opts=stamps(0, 0))
    t.a("FA", 46, 46, opts=stamps(0, 0)).b("FA", 46, 47, opts=stamps(0, 0)).a("A", 47, 47, opts=stamps(0, 0))


@on_path
def timestamps_overwritten_by_padding(t: Tape) -> None:
    """A box writes NOPs over the option in every segment of one direction but the SYN."""
    t.open(FULL)
    t.records.pop()
    t.a("A", 1, 1, opts=NOP * 12)
    for n in range(5):
        t.a("PA", 1 + 9 * n, 1 + 9 * n, b"x" * 9, opts=NOP * 12)
        t.b("PA", 1 + 9 * n, 10 + 9 * n, b"y" * 9, opts=stamps(7100 + n, 7000))
    t.a("FA", 46, 46, opts=NOP * 12).b("FA", 46, 47, opts=stamps(7200, 7000)).a("A", 47, 47, opts=NOP * 12)


@on_path
def mss_clamped_between_two_taps(t: Tape) -> None:
    """A PPPoE router lowers the MSS: both SYNs are in a file that was merged from its two sides."""
    for side, flags, ack in (("a", "S", 0), ("b", "SA", 1)):
        t.put(side, flags, 0, ack, opts=mss(1460))
        t.ids[side] -= 1
        t.put(side, flags, 0, ack, opts=mss(1412), hops=63)
    t.a("A", 1, 1)
    for n in range(5):
        t.b("A", 1 + 1412 * n, 1, b"x" * 1412).a("A", 1, 1 + 1412 * (n + 1))
    t.close(1, 1 + 1412 * 5)


@on_path
def sack_permitted_taken_out(t: Tape) -> None:
    """Tap at the server's side of the box that took it out of the SYN-ACK: only one end knows blocks."""
    t.a("S", 0, opts=mss(1460) + SACK_OK).b("SA", 0, 1, opts=mss(1460)).a("A", 1, 1)
    t.lost("a").a("A", 501, 1, b"x" * 500).b("A", 1, 1, sacks=((501, 1001),)).a("A", 1, 1, b"x" * 500)
    t.b("A", 1, 1001).close(1001, 1)


@on_path
def ecn_bleached(t: Tape) -> None:
    """A router clears the two bits now and then: some packets are ECN-capable, others are not; CE comes from another."""
    t.a("SEC", 0, opts=mss(1460)).b("SAE", 0, 1, opts=mss(1460)).a("A", 1, 1)
    for n in range(8):
        t.a("A", 1 + 1000 * n, 1, b"x" * 1000, tos=(0, 2, 3, 1)[n % 4]).b("AE" if n > 1 else "A", 1, 1 + 1000 * (n + 1))
    t.close(8001, 1)


@on_path
def ecn_bits_written_as_old_tos(t: Tape) -> None:
    """A box writes the old TOS octet into some packets of connections that know nothing of ECN."""
    t.hops = {"a": 57, "b": 49}
    t.open(mss(1460))
    for n in range(8):
        t.a("A", 1 + 1000 * n, 1, b"x" * 1000, tos=(0, 0x10, 0x02, 0x03)[n % 4]).b(
            "A", 1, 1 + 1000 * (n + 1), tos=3 * (n % 2)
        )
    t.close(8001, 1)


@on_path
def ecn_flag_cleared_in_the_syn_ack(t: Tape) -> None:
    """The server saw ECN agreed, the client did not: one sends ECT, and the other end never says CWR."""
    t.a("SEC", 0, opts=mss(1460)).b("SA", 0, 1, opts=mss(1460)).a("A", 1, 1).a("PA", 1, 1, b"GET")
    for n in range(6):
        t.b("A", 1 + 1000 * n, 4, b"x" * 1000, tos=2 if n else 0).a("A", 4, 1 + 1000 * (n + 1))
    t.close(4, 6001)


# ---------------------------------------------------------------------------------------------------- other numbers


@on_path
def renumbered_but_not_in_the_blocks(t: Tape) -> None:
    """Cisco PIX and others gave the client random numbers and left the SACK blocks of the answers as they were."""
    t.open(mss(1460) + SACK_OK)
    for n in range(3):
        start, off = 1 + 1500 * n, 1_234_567_890
        t.lost("a").a("A", start + 500, 1, b"x" * 500)
        t.b("A", 1, start, sacks=((start + 500 + off, start + 1000 + off),))
        t.a("A", start + 1000, 1, b"x" * 500).b("A", 1, start, sacks=((start + 500 + off, start + 1500 + off),))
        t.pause(0.3).a("A", start, 1, b"x" * 500).b("A", 1, start + 1500)
    t.close(4501, 1)


@on_path
def renumbered_downwards_but_not_in_the_blocks(t: Tape) -> None:
    """The same, and the blocks are far below everything; two of them at a time."""
    off = -1_234_567_890
    t.open(mss(1460) + SACK_OK)
    for n in range(3):
        at = 1 + 2000 * n
        t.lost("a").a("A", at + 500, 1, b"x" * 500).b("A", 1, at, sacks=((at + 500 + off, at + 1000 + off),))
        t.lost("a").a("A", at + 1500, 1, b"x" * 500)
        t.b("A", 1, at, sacks=((at + 1500 + off, at + 2000 + off), (at + 500 + off, at + 1000 + off)))
        t.pause(0.3).a("A", at, 1, b"x" * 500).b("A", 1, at + 1000, sacks=((at + 1500 + off, at + 2000 + off),))
        t.a("A", at + 1000, 1, b"x" * 500).b("A", 1, at + 2000)
    t.close(6001, 1)


@on_path
def renumbered_between_two_taps(t: Tape) -> None:
    """A firewall chooses the client's numbers anew; the file holds both of its sides."""
    off = 777_000_000

    def both(side: str, flags: str, seq: int, ack: int = 0, data: bytes = b"") -> None:
        first, second = (0, off) if side == "a" else (off, 0)
        for hops, move in ((64, first), (63, second)):
            t.isn["a"] += move
            t.put(side, flags, seq, ack, data, hops=hops)
            t.ids[side] -= hops == 64
            t.isn["a"] -= move

    both("a", "S", 0)
    both("b", "SA", 0, 1)
    both("a", "A", 1, 1)
    for n in range(4):
        both("a", "PA", 1 + 9 * n, 1 + 9 * n, b"x" * 9)
        both("b", "PA", 1 + 9 * n, 10 + 9 * n, b"y" * 9)
    both("a", "FA", 37, 37)
    both("b", "FA", 37, 38)
    both("a", "A", 38, 38)


@on_path
def syn_proxy_seen_from_both_sides(t: Tape) -> None:
    """netfilter's SYNPROXY answers with a cookie, opens the server's side itself, and moves the server's numbers ever after."""
    off = 99_000_000
    t.a("S", 0, opts=FULL).b("SA", 0, 1, win=0, opts=mss(1460) + SACK_OK + stamps(3_000_000_000, 7000) + NOP + scale(7))
    t.a("A", 1, 1, opts=stamps(7010, 3_000_000_000))
    t.isn["b"] += off
    t.a("S", 0, opts=FULL, hops=63).b("SA", 0, 1, opts=mss(1460) + SACK_OK + stamps(55_000, 7000) + NOP + scale(7))
    t.a("A", 1, 1, opts=stamps(7010, 55_000), hops=63)
    t.isn["b"] -= off
    t.b("A", 1, 1, win=229, opts=stamps(3_000_000_000, 7010), hops=63)
    for n in range(4):
        for side, data in (("a", b"x" * 9), ("b", b"y" * 9)):
            seq, ack = 1 + 9 * n, (1 if side == "a" else 10) + 9 * n
            for hops in (64, 63):
                inner = (hops == 63) == (side == "a")
                t.isn["b"] += off * inner
                clock = 55_001 + n + (0 if inner else 3_000_000_000 - 55_000)
                value = stamps(7011 + n, clock - 1) if side == "a" else stamps(clock, 7011 + n)
                t.put(side, "PA", seq, ack, data, opts=value, hops=hops)
                t.ids[side] -= hops == 64
                t.isn["b"] -= off * inner


@on_path
def gateway_changes_the_text(t: Tape) -> None:
    """An application gateway writes another address into FTP's PORT: both of its sides are in the file."""
    t.open(mss(1460)).a("PA", 1, 1, b"PORT 10,0,0,5,4,1\r\n")
    t.ids["a"] -= 1
    t.a("PA", 1, 1, b"PORT 192,0,2,5,4,1\r\n", hops=63).b("A", 1, 21).b("A", 1, 20, hops=63).close(20, 1)


# ------------------------------------------------------------------------------------------------ segments of a box


@on_path
def reset_injected_with_the_right_hop_limit(t: Tape) -> None:
    """A filter resets both ends in the other's name; the reset gets lost behind the tap, and they go on."""
    t.open().a("PA", 1, 1, b"GET /bad").b("A", 1, 9)
    t.ids["b"] += 20_000
    t.b("R", 1)
    t.ids["b"] -= 20_001
    t.b("PA", 1, 9, b"HTTP/1.1 200").a("A", 9, 13).b("PA", 13, 9, b"more").a("A", 9, 17).close(9, 17)


@on_path
def resets_injected_three_at_a_time(t: Tape) -> None:
    """The same with guesses at the number: RCV.NXT, and one and four segments further."""
    t.open().a("PA", 1, 1, b"GET /bad").b("A", 1, 9)
    for ahead in (0, 1460, 4380):
        t.b("RA", 1 + ahead, 9, hops=61)
    t.b("PA", 1, 9, b"HTTP/1.1 200").a("R", 9).a("R", 9)


@case
def health_checks(t: Tape) -> None:
    """A load balancer: SYN, SYN-ACK, reset at once, from one port after the other; then one with a FIN, one with RST,ACK."""
    for n in range(6):
        t.ports["a"] += 1
        t.isn["a"] += 50_000
        t.isn["b"] += 700_001
        t.a("S", 0, opts=mss(1460)).b("SA", 0, 1, opts=mss(1460))
        if n < 3:
            t.a("R", 1, win=0)
        elif n == 3:
            t.a("RA", 1, 1, win=0)
        elif n == 4:
            t.a("A", 1, 1).a("RA", 1, 1, win=0)
        else:
            t.a("A", 1, 1).close()


@case
def health_checks_from_one_port(t: Tape) -> None:
    """The same from one port all the time, with a number that grows, falls, or stays."""
    for move in (50_000, -20_000, 0, 1, 3_000_000_000):
        t.isn["a"] = (t.isn["a"] + move) & 0xFFFFFFFF
        t.isn["b"] = (t.isn["b"] + 700_001) & 0xFFFFFFFF
        t.pause(5).a("S", 0, opts=mss(1460)).b("SA", 0, 1, opts=mss(1460)).a("R", 1, win=0)


@on_path
def half_close_cut_off_by_a_box(t: Tape) -> None:
    """Its table forgets a half-closed connection after a minute: one end is reset, the other's text goes nowhere."""
    t.open().a("PA", 1, 1, b"GET").b("A", 1, 4).a("FA", 4, 1).b("A", 1, 5).pause(61).b("PA", 1, 5, b"x" * 100)
    t.a("RA", 5, 1, hops=62).pause(1).b("PA", 1, 5, b"x" * 100).a("R", 5, hops=62)


@on_path
def box_probes_an_idle_connection(t: Tape) -> None:
    """A balancer asks both ends whether they live, in the other's name, with one octet of garbage and its own hop limit."""
    t.open(mss(1460)).a("PA", 1, 1, b"hello").b("A", 1, 6)
    for _ in range(3):
        t.pause(300).a("A", 5, 1, b"\0", hops=254, win=0).b("A", 1, 6).b("A", 0, 6, b"\0", hops=254, win=0).a("A", 6, 1)
    t.close(6, 1)


@on_path
def address_translation_forgets(t: Tape) -> None:
    """After a pause the translator gives the connection another port: its server knows nothing of that one."""
    t.open().a("PA", 1, 1, b"hello").b("A", 1, 6).pause(7200)
    t.ports["a"] = 61_234
    t.a("PA", 6, 1, b"again").b("R", 1).pause(0.3).a("PA", 6, 1, b"again").b("R", 1)


@on_path
def shaper_moves_the_window(t: Tape) -> None:
    """A traffic shaper writes windows into ACKs that pace the sender, without taking back an edge, and opens them again."""
    t.open(mss(1460), win=8000)
    for n in range(12):
        t.a("A", 1 + 1000 * n, 1, b"x" * 1000).b(
            "A", 1, 1 + 1000 * (n + 1), win=(7000, 6000, 65_000 - 1000 * n)[n // 4]
        )
    t.close(12_001, 1)


@on_path
def proxy_acknowledges_early(t: Tape) -> None:
    """A satellite gateway acknowledges in the server's name, from nearer, and delivers later; the server's own ACKs follow."""
    t.open(mss(1460))
    for n in range(6):
        t.a("A", 1 + 1000 * n, 1, b"x" * 1000).b("A", 1, 1 + 1000 * (n + 1), hops=254)
    for n in range(6):
        t.b("A", 1, 1 + 1000 * (n + 1), hops=50)
    t.close(6001, 1)


@on_path
def portal_answers_for_everybody(t: Tape) -> None:
    """A captive portal takes every connection, sends its page with the FIN, and resets what follows."""
    t.open(mss(1460)).a("PA", 1, 1, b"GET / HTTP/1.1\r\n\r\n").b("FPA", 1, 19, b"HTTP/1.1 302 Found\r\n\r\n")
    t.a("A", 19, 24).a("FA", 19, 24).b("RA", 24, 20).b("R", 24)


# ------------------------------------------------------------------------------------------------------ several paths


@on_path
def multipath_in_full(t: Tape) -> None:
    """MPTCP: MP_CAPABLE three times, DSS with maps, ADD_ADDR and its echo, a second subflow by MP_JOIN, and MP_FASTCLOSE."""

    def mptcp(kind: int, size: int) -> bytes:
        return option(30, bytes([kind << 4]) + bytes(size - 3))

    plain = mss(1460) + SACK_OK + NOP + scale(7)
    t.a("S", 0, opts=plain + mptcp(0, 4)).b("SA", 0, 1, opts=plain + mptcp(0, 12))
    t.a("A", 1, 1, opts=mptcp(0, 20)).a("PA", 1, 1, b"x" * 50, opts=mptcp(0, 22) + NOP + NOP).b(
        "A", 1, 51, opts=mptcp(2, 8)
    )
    for n in range(3):
        t.b("PA", 1 + 50 * n, 51, b"y" * 50, opts=mptcp(2, 20)).a("A", 51, 51 + 50 * n, opts=mptcp(2, 12))
    for _ in range(2):
        t.b("A", 151, 51, opts=mptcp(3, 16)).a("A", 51, 151, opts=mptcp(3, 8))
    t.ports["a"] += 1
    t.isn["a"] += 77_777
    t.isn["b"] += 99_999
    t.a("S", 0, opts=mss(1460) + mptcp(1, 12)).b("SA", 0, 1, opts=mss(1460) + mptcp(1, 16)).a(
        "A", 1, 1, opts=mptcp(1, 24)
    )
    t.b("A", 1, 1, opts=mptcp(2, 8)).a("PA", 1, 1, b"z" * 9, opts=mptcp(2, 20)).b("A", 1, 10, opts=mptcp(2, 8))
    t.a("A", 10, 1, opts=mptcp(5, 4)).b("A", 1, 10, opts=mptcp(4, 4)).a("A", 10, 1, opts=mptcp(6, 12))
    t.a("RA", 10, 1, opts=mptcp(8, 4))
    t.ports["a"] -= 1
    t.isn["a"] -= 77_777
    t.isn["b"] -= 99_999
    t.a("A", 51, 151, opts=mptcp(7, 12)).b("R", 151).a("RA", 51, 151, opts=mptcp(7, 12))


@on_path
def client_only(t: Tape) -> None:
    """Asymmetric routes: of a whole life only the client's segments pass, with options, repetitions and a shut window."""
    t.a("S", 0, opts=FULL).pause(1).a("S", 0, opts=FULL).a("A", 1, 1, opts=stamps(7020, 900))
    for n in range(4):
        t.a("PA", 1 + 700 * n, 1, b"x" * 700, opts=stamps(7021 + n, 900 + n))
    t.pause(0.3).a("PA", 1, 1, b"x" * 700, opts=stamps(7300, 903)).a("A", 2801, 90_001, win=0, opts=stamps(7301, 950))
    t.a("A", 2801, 90_001, sacks=((95_001, 99_001),)).a("A", 2801, 99_001, opts=stamps(7303, 960))
    t.a("FA", 2801, 99_001, opts=stamps(7304, 961)).a("A", 2802, 99_002, opts=stamps(7310, 970))


@on_path
def reset_in_syn_sent(t: Tape) -> None:
    """An ACK of an old connection is answered by SEQ=SEG.ACK; then the user gives up with a reset."""
    t.a("S", 0).pause(1).a("S", 0).b("A", 0, 0, exact=(88_888, 5_353)).a("R", 0, exact=(5_353, 0)).pause(2).a(
        "S", 0
    ).pause(4).a("R", 1)
