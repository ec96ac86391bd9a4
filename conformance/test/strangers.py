"""Captures that a stranger might bring: legal exchanges of many stacks, paths and boxes in between, none of which may be held against an end.

    strangers.py DIRECTORY      writes them all, for other checkers too

Each case writes one exchange on a tape (tape.py). Its docstring says who does such a thing. The order of the file is the order in which both ends saw
it, unless the case is in ``ON_PATH``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from tape import NOP, SACK_OK, Tape, mss, option, scale, stamps  # noqa: E402

CASES: dict[str, Callable[[Tape], object]] = {}
ON_PATH: set[str] = set()  # losses, copies or another host: what follows need not fit the end's own tap
HOUR = 3600.0
FULL = mss(1460) + SACK_OK + stamps(7000, 0) + NOP + scale(7)


def case(function: Callable[[Tape], object]) -> Callable[[Tape], object]:
    """Registers an exchange that is complete at both ends."""
    CASES[function.__name__] = function
    return function


def on_path(function: Callable[[Tape], object]) -> Callable[[Tape], object]:
    """Registers an exchange as a tap on the path may see it."""
    ON_PATH.add(function.__name__)
    return case(function)


# ------------------------------------------------------------------------------------------ keep-alives and shut windows


@case
def keep_alive_without_text(t: Tape) -> None:
    """Linux, macOS: SEG.SEQ = SND.NXT-1, nothing in it, for a day."""
    t.open().a("PA", 1, 1, b"hello").b("A", 1, 6)
    for _ in range(12):
        t.pause(2 * HOUR).b("A", 0, 6).a("A", 6, 1)
    t.close(6, 1)


@case
def keep_alive_with_garbage(t: Tape) -> None:
    """BSD, Windows: one octet of garbage below SND.NXT; the answer may report it as a duplicate."""
    t.open(mss(1460) + SACK_OK).a("PA", 1, 1, b"hello").b("A", 1, 6)
    for _ in range(3):
        t.pause(2 * HOUR).a("A", 5, 1, b"\0").b("A", 1, 6, sacks=((5, 6),))
    t.close(6, 1)


@case
def keep_alive_before_any_text(t: Tape) -> None:
    """The probe repeats the number of the SYN."""
    t.open()
    for _ in range(3):
        t.pause(75).a("A", 0, 1).b("A", 1, 1)
    t.close()


@case
def keep_alive_gives_up(t: Tape) -> None:
    """Ten probes without an answer, then a reset with the ACK bit at SND.NXT."""
    t.open().a("PA", 1, 1, b"hello").b("A", 1, 6).pause(2 * HOUR)
    for _ in range(9):
        t.pause(75).b("A", 0, 6)
    t.pause(75).b("RA", 1, 6)


@case
def window_probe_with_octet_refused(t: Tape) -> None:
    """BSD, lwIP, smoltcp: an octet beyond the shut window, again and again, then the whole text from there."""
    t.open(win=100).a("PA", 1, 1, b"x" * 100).b("A", 1, 101, win=0)
    for wait in (1, 2, 4, 8, 16, 32, 60, 60, 60):
        t.pause(wait).a("A", 101, 1, b"y").b("A", 1, 101, win=0)
    t.b("A", 1, 101, win=5000).a("PA", 101, 1, b"y" * 500).b("A", 1, 601, win=4500).close(601, 1)


@case
def window_probe_with_octet_taken(t: Tape) -> None:
    """The receiver takes the octet although its window is shut."""
    t.open(win=100).a("PA", 1, 1, b"x" * 100).b("A", 1, 101, win=0)
    for n, wait in enumerate((5, 10, 20)):
        t.pause(wait).a("A", 101 + n, 1, b"y").b("A", 1, 102 + n, win=0)
    t.b("A", 1, 104, win=5000).a("PA", 104, 1, b"y" * 500).b("A", 1, 604).close(604, 1)


@case
def window_probe_below(t: Tape) -> None:
    """Linux: an old number, nothing in it."""
    t.open(win=100).a("PA", 1, 1, b"x" * 100).b("A", 1, 101, win=0)
    for wait in (0.2, 0.4, 0.8, 1.6, 3.2):
        t.pause(wait).a("A", 100, 1).b("A", 1, 101, win=0)
    t.b("A", 1, 101, win=500).a("PA", 101, 1, b"y" * 500).b("A", 1, 601, win=0).pause(1).b("A", 1, 601).close(601, 1)


@on_path
def window_update_crosses_probe(t: Tape) -> None:
    """The update and the probe are on their way at the same time; so are their answers."""
    t.gap = 0.0001
    t.open(mss(1460), win=100).a("PA", 1, 1, b"x" * 100).b("A", 1, 101, win=0).pause(5)
    t.a("A", 101, 1, b"y").b("A", 1, 101, win=4000).a("A", 101, 1, b"y" * 1000).b("A", 1, 102, win=3999)
    t.b("A", 1, 1101, win=3000).close(1101, 1)


@case
def fin_waits_behind_a_shut_window(t: Tape) -> None:
    """The FIN needs no room: it leaves with the last octets that fit, and is probed with."""
    t.open(win=100).a("PA", 1, 1, b"x" * 100).b("A", 1, 101, win=0).pause(0.01).a("FA", 101, 1).b("A", 1, 101, win=0)
    t.pause(1).a("FA", 101, 1).b("A", 1, 102, win=0).b("FA", 1, 102).a("A", 102, 2)


@case
def syn_ack_with_window_zero(t: Tape) -> None:
    """Some proxies open the window only when their own server has answered."""
    t.a("S", 0).b("SA", 0, 1, win=0).a("A", 1, 1).pause(0.3).b("A", 1, 1, win=20_000).a("PA", 1, 1, b"hi").b("A", 1, 3)
    t.close(3, 1)


# ------------------------------------------------------------------------------------------------------- opening


@case
def fast_open_cookie_and_text(t: Tape) -> None:
    """TFO: the SYN's text is acknowledged with the SYN, and the server answers before the third segment."""
    cookie = option(34, bytes(range(8)))
    t.a("S", 0, data=b"GET /" * 4, opts=mss(1460) + cookie).b("SA", 0, 21, opts=mss(1460))
    t.b("PA", 1, 21, b"answer").a("A", 21, 1).a("A", 21, 7).close(21, 7)


@case
def fast_open_text_refused(t: Tape) -> None:
    """The server acknowledges the SYN alone and hands out a cookie; the text comes again."""
    t.a("S", 0, data=b"GET /" * 4, opts=mss(1460) + option(34, bytes(8))).b("SA", 0, 1, opts=option(34, bytes(8)))
    t.a("PA", 1, 1, b"GET /" * 4).b("A", 1, 21).close(21, 1)


@case
def fast_open_experimental(t: Tape) -> None:
    """The option in its experimental form (kind 254, 0xF989), request and cookie."""
    magic = b"\xf9\x89"
    t.a("S", 0, opts=mss(1460) + option(254, magic)).b("SA", 0, 1, opts=mss(1460) + option(254, magic + bytes(8)))
    t.a("A", 1, 1).close()
    t.isn["a"], t.isn["b"] = 900_000, 7_000_000
    t.a("S", 0, data=b"early", opts=mss(1460) + option(254, magic + bytes(8))).b("SA", 0, 6).a("A", 6, 1).close(6, 1)


@case
def fast_open_without_cookie(t: Tape) -> None:
    """Text on the SYN and no option at all, which RFC 9293 permits to everybody."""
    t.a("S", 0, data=b"early", opts=mss(1460)).b("SA", 0, 6, opts=mss(1460)).a("A", 6, 1).close(6, 1)


@on_path
def fast_open_syn_again_without_text(t: Tape) -> None:
    """Boxes drop SYNs with text: the repetition has neither text nor option."""
    t.a("S", 0, data=b"early", opts=mss(1460) + option(34, bytes(8))).pause(1).a("S", 0, opts=mss(1460))
    t.b("SA", 0, 1, opts=mss(1460)).a("PA", 1, 1, b"early").b("A", 1, 6).close(6, 1)


@on_path
def syn_again_with_fewer_options(t: Tape) -> None:
    """BSD and others leave options out of later SYNs; the answer fits the last one."""
    t.a("S", 0, opts=FULL).pause(1).a("S", 0, opts=FULL).pause(2).a("S", 0, opts=mss(1460)).pause(4).a("S", 0)
    t.b("SA", 0, 1, opts=mss(1460)).a("A", 1, 1).a("PA", 1, 1, b"hello").b("A", 1, 6).close(6, 1)


@on_path
def syn_again_with_smaller_mss(t: Tape) -> None:
    """A black hole is suspected: the MSS goes down with the repetition. Text may be of either size."""
    t.a("S", 0, opts=mss(1460)).pause(3).a("S", 0, opts=mss(536)).b("SA", 0, 1, opts=mss(1460)).a("A", 1, 1)
    t.b("A", 1, 1, b"x" * 1460).a("A", 1, 1461).close(1, 1461)


@on_path
def syn_again_with_another_number(t: Tape) -> None:
    """The application gave up and tried again from the same port: a new ISN; the old SYN's answer comes late and is reset."""
    t.a("S", 0)
    t.isn["a"] = 77_000
    t.pause(0.5).a("S", 0).b("A", 1, 0, exact=(500_001, 1001)).a("R", 0, exact=(1001, 0)).pause(0.5).a("S", 0)
    t.b("SA", 0, 1).a("A", 1, 1).close()


@on_path
def old_syn_is_answered_first(t: Tape) -> None:
    """RFC 9293 Figure 9: a duplicate SYN of long ago is answered, reset, and the real one then answered with another ISN."""
    t.a("S", 0, exact=(90, 0)).b("SA", 0, 0, exact=(500_000, 91)).a("R", 0, exact=(91, 0))
    t.isn["b"] = 900_000
    t.a("S", 0).b("SA", 0, 1).a("A", 1, 1).close()


@on_path
def half_open_is_found(t: Tape) -> None:
    """RFC 9293 Figure 10: one end has lost its memory; its SYN meets an old ACK, which it resets, and opens again."""
    t.open().a("PA", 1, 1, b"x" * 100).b("A", 1, 101).pause(300)
    t.a("S", 0, exact=(123_456_789, 0)).b("A", 1, 101).a("R", 0, exact=(t.isn["a"] + 101, 0))
    t.isn["a"], t.isn["b"] = 123_456_789, 2_000_000_000
    t.pause(1).a("S", 0).b("SA", 0, 1).a("A", 1, 1).close()


@case
def simultaneous_open(t: Tape) -> None:
    """Both SYNs, both SYN-ACKs, through two NATs as WebRTC and peer-to-peer programs do."""
    t.a("S", 0, opts=mss(1400)).b("S", 0, opts=mss(1400)).a("SA", 0, 1, opts=mss(1400)).b("SA", 0, 1, opts=mss(1400))
    t.a("PA", 1, 1, b"ping").b("A", 1, 5).b("PA", 1, 5, b"pong").a("A", 5, 5).close(5, 5)


@on_path
def simultaneous_open_with_losses(t: Tape) -> None:
    """The first SYNs fell into each other's closed NAT; one SYN-ACK comes twice."""
    t.a("S", 0).pause(1).a("S", 0).b("S", 0).a("SA", 0, 1).pause(1).b("S", 0).a("SA", 0, 1).b("SA", 0, 1).b("A", 1, 1)
    t.a("A", 1, 1).close()


@case
def split_handshake(t: Tape) -> None:
    """A server answers a SYN by a SYN of its own; the client by its SYN-ACK."""
    t.a("S", 0).b("S", 0).a("SA", 0, 1).b("A", 1, 1).b("PA", 1, 1, b"hi").a("A", 1, 3).close(1, 3)


@case
def refused_and_tried_again(t: Tape) -> None:
    """Windows tries three times, with the same ISN."""
    for _ in range(3):
        t.a("S", 0, opts=mss(1460)).b("RA", 0, 0, exact=(0, t.isn["a"] + 1), win=0).pause(0.5)


@on_path
def syn_cookies_answer_each_syn_anew(t: Tape) -> None:
    """A listener without memory: every repetition of the SYN gets another ISN, and the client takes the one that arrives."""
    t.a("S", 0, opts=mss(1460)).b("SA", 0, 1, opts=mss(1460)).pause(1).a("S", 0, opts=mss(1460))
    t.isn["b"] = 90_000_000
    t.b("SA", 0, 1, opts=mss(1460)).a("A", 1, 1).a("PA", 1, 1, b"hello").b("A", 1, 6).close(6, 1)


@case
def syn_proxy(t: Tape) -> None:
    """A firewall answers for the server: no scaling, window zero at first, another hop limit, its own timestamps."""
    t.a("S", 0, opts=FULL).b("SA", 0, 1, win=0, opts=mss(1460) + SACK_OK + stamps(3_000_000_000, 7000), hops=255)
    t.a("A", 1, 1, opts=stamps(7010, 3_000_000_000)).b("A", 1, 1, win=29_200, opts=stamps(55_000, 7010))
    t.a("PA", 1, 1, b"GET", opts=stamps(7011, 55_000)).b("A", 1, 4, opts=stamps(55_001, 7011))
    t.b("FA", 1, 4, opts=stamps(55_002, 7011)).a("FA", 4, 2, opts=stamps(7012, 55_002))
    t.b("A", 2, 5, opts=stamps(55_003, 7012))


@case
def port_scan(t: Tape) -> None:
    """SYN, reset by the scanner itself; then an ACK scan."""
    t.a("S", 0, opts=mss(1460), win=1024).b("SA", 0, 1, opts=mss(1460)).a("R", 1, 0, win=0)
    t.ports["a"] += 1
    t.a("A", 0, 0, exact=(5, 77_777)).b("R", 0, exact=(77_777, 0), win=0)


# -------------------------------------------------------------------------------------------------------- closing


@case
def half_close_for_hours(t: Tape) -> None:
    """rsh and friends: one direction ends, the other goes on for a day and a half."""
    t.open().a("PA", 1, 1, b"find /").a("FA", 7, 1).b("A", 1, 8)
    at = 1
    for _ in range(36):
        t.pause(HOUR).b("PA", at, 8, b"y" * 50).a("A", 8, at + 50)
        at += 50
    t.b("FA", at, 8).a("A", 8, at + 1)


@case
def half_close_with_long_silence(t: Tape) -> None:
    """Silent for longer than any checker remembers."""
    t.open().a("FA", 1, 1).b("A", 1, 2).pause(30 * HOUR).b("PA", 1, 2, b"late" * 9).a("A", 2, 37).b("FA", 37, 2)
    t.a("A", 2, 38)


@case
def simultaneous_close(t: Tape) -> None:
    """Both FINs cross, both are acknowledged."""
    t.open().a("FA", 1, 1).b("FA", 1, 1).a("A", 2, 2).b("A", 2, 2)


@on_path
def fin_joins_the_repetition(t: Tape) -> None:
    """The text was lost; with its repetition comes the FIN that had been sent by itself, or not at all yet."""
    t.open().a("PA", 1, 1, b"x" * 50).a("FA", 51, 1).pause(0.3).a("FPA", 1, 1, b"x" * 50).b("FA", 1, 52).a("A", 52, 2)


@case
def reset_with_text(t: Tape) -> None:
    """RFC 9293 3.5.3: a reset may say why."""
    t.open().a("PA", 1, 1, b"x" * 9).b("A", 1, 10).b("RA", 1, 10, b"go away, says the firewall")


@case
def reset_forms(t: Tape) -> None:
    """Windows, BSD: with the ACK bit and window 0 at SND.NXT. Linux: without ACK at SEG.ACK. lwIP: both numbers of the answered segment."""
    for form in range(4):
        t.isn["a"] += 100_000_000
        t.isn["b"] += 90_000_000
        t.ports["a"] += 1
        t.open(mss(1460)).a("PA", 1, 1, b"x" * 30).b("A", 1, 31)
        if form == 0:
            t.b("RA", 1, 31, win=0)
        elif form == 1:
            t.b("FA", 1, 31).a("A", 31, 2).a("PA", 31, 2, b"more").b("R", 2, win=0)
        elif form == 2:
            t.b("FA", 1, 31).a("A", 31, 2).a("PA", 31, 2, b"more").b("RA", 2, 35, win=0)
        else:
            t.a("RA", 31, 1, win=0).pause(0.1).b("PA", 1, 31, b"late").a("R", 31, win=0)


@case
def reset_of_queued_segments(t: Tape) -> None:
    """Every segment that was on its way is answered by a reset of its own."""
    t.open().b("PA", 1, 1, b"x" * 100).b("PA", 101, 1, b"x" * 100).b("PA", 201, 1, b"x" * 100).a("FA", 1, 1)
    t.a("R", 1).a("R", 1).a("R", 1)


@on_path
def load_balancer_resets_both(t: Tape) -> None:
    """After an idle time-out a box resets both ends in the other's name, from nearer."""
    t.open().a("PA", 1, 1, b"x" * 9).b("A", 1, 10).pause(400)
    t.b("RA", 1, 10, hops=250).a("RA", 10, 1, hops=250)


@on_path
def load_balancer_resets_late_text(t: Tape) -> None:
    """It has forgotten the connection: text meets a reset at SEG.ACK, or at zero as for a segment without ACK."""
    t.open().a("PA", 1, 1, b"x" * 9).b("A", 1, 10).pause(4000).a("PA", 10, 1, b"again").b("R", 1, hops=250)
    t.a("PA", 10, 1, b"again").b("RA", 0, 0, exact=(t.isn["b"] + 1, t.isn["a"] + 15), hops=250)


@case
def ports_used_again_at_once(t: Tape) -> None:
    """TIME-WAIT is reopened: higher number (Linux: the last one plus 65,537), then after a reset a lower one."""
    t.open().a("PA", 1, 1, b"x").b("A", 1, 2).b("FA", 1, 2).a("FA", 2, 2).b("A", 2, 3)
    t.isn["a"] += 2 + 65_537
    t.isn["b"] += 65_538
    t.open().a("PA", 1, 1, b"x").b("A", 1, 2).a("RA", 2, 1)
    t.isn["a"] -= 600_000_000
    t.isn["b"] -= 500_000_000
    t.open().close()


@case
def syn_meets_time_wait(t: Tape) -> None:
    """A SYN below the old numbers: challenged, reset, accepted a second later."""
    t.open().b("FA", 1, 1).a("A", 1, 2).a("FA", 1, 2).b("A", 2, 2)
    old = t.isn["a"] + 2
    answer = (t.isn["b"] + 2, old)
    t.isn["a"] -= 7_000_000
    t.pause(0.2).a("S", 0).b("A", 0, 0, exact=answer).a("R", 0, exact=(old, 0)).pause(1)
    t.isn["b"] += 555_555
    t.a("S", 0).b("SA", 0, 1).a("A", 1, 1).close()


# --------------------------------------------------------------------------------------------------- in the stream


@case
def ecn_negotiated(t: Tape) -> None:
    """SYN with ECE and CWR, SYN-ACK with ECE, CE on the way, ECE until CWR."""
    t.a("SEC", 0, opts=mss(1460)).b("SAE", 0, 1, opts=mss(1460)).a("A", 1, 1).a("A", 1, 1, b"x" * 1460, tos=3)
    t.b("AE", 1, 1461).a("CA", 1461, 1, b"x" * 1460, tos=2).b("A", 1, 2921).close(2921, 1)


@case
def accurate_ecn(t: Tape) -> None:
    """RFC 9768: AE, CWR and ECE on the SYN, counters in the flags afterwards."""
    t.a("SECN", 0, opts=mss(1460)).b("SAC", 0, 1, opts=mss(1460), tos=2).a("AC", 1, 1)
    t.a("AEC", 1, 1, b"x" * 1000, tos=1).b("AEN", 1, 1001, opts=option(174, bytes(9))).close(1001, 1)


@case
def data_center_tcp(t: Tape) -> None:
    """DCTCP: every packet is ECN-capable, SYN and ACKs too (RFC 8311 experiments)."""
    t.a("SEC", 0, opts=mss(1460), tos=2).b("SAE", 0, 1, opts=mss(1460), tos=2).a("A", 1, 1, tos=2)
    t.a("A", 1, 1, b"x" * 1000, tos=2).b("AE", 1, 1001, tos=2).close(1001, 1)


@on_path
def ecn_given_up_on_the_second_syn(t: Tape) -> None:
    """The SYN with ECN was dropped by a box; the repetition does without."""
    t.a("SEC", 0).pause(1).a("S", 0).b("SA", 0, 1).a("A", 1, 1).a("PA", 1, 1, b"x" * 10).b("A", 1, 11).close(11, 1)


@case
def capture_begins_in_a_scaled_connection(t: Tape) -> None:
    """The window field is a small number of large units, and nobody can know it."""
    for n in range(40):
        t.b("A", 1 + 2000 * n, 1, b"x" * 1000).b("PA", 1001 + 2000 * n, 1, b"x" * 1000).a(
            "A", 1, 2001 + 2000 * n, win=501
        )
    t.close(1, 80_001)


@case
def scaling_offered_by_one_end_only(t: Tape) -> None:
    """The SYN-ACK has no scale: the fields are octets in both directions."""
    t.open(mss(1460) + NOP + scale(7), mss(1460), win=9460).a("A", 1, 1, b"x" * 1460).b("A", 1, 1461, win=8000)
    t.a("A", 1461, 1, b"x" * 1460).b("A", 1, 2921, win=6540).close(2921, 1)


@case
def numbers_wrap(t: Tape) -> None:
    """SEQ passes zero in the middle of text, and ACK in the middle of a SACK block."""
    t.isn["a"], t.isn["b"] = 2**32 - 3000, 2**32 - 1
    t.open(mss(1460) + SACK_OK).a("A", 1, 1, b"a" * 1460).a("A", 2921, 1, b"c" * 1460)
    t.b("A", 1, 1461, sacks=((2921, 4381),)).a("A", 1461, 1, b"b" * 1460).b("A", 1, 4381).close(4381, 1)


@case
def duplicate_sack(t: Tape) -> None:
    """RFC 2883: the first block reports what came twice, below the ACK or inside the second block."""
    t.open(mss(1460) + SACK_OK).a("A", 1, 1, b"a" * 500).b("A", 1, 501).a("A", 1, 1, b"a" * 500)
    t.b("A", 1, 501, sacks=((1, 501),)).lost("a").a("A", 1001, 1, b"c" * 500)
    t.b("A", 1, 501, sacks=((1001, 1501),))
    t.a("A", 1001, 1, b"c" * 500).b("A", 1, 501, sacks=((1001, 1501), (1001, 1501)))
    t.a("A", 1501, 1, b"d" * 500).b("A", 1, 501, sacks=((1001, 2001),)).a("A", 501, 1, b"b" * 500).b("A", 1, 2001)
    t.close(2001, 1)


@on_path
def receiver_reneges(t: Tape) -> None:
    """RFC 2018 8: what a block reported is thrown away again."""
    t.open(mss(1460) + SACK_OK).lost("a").a("A", 501, 1, b"b" * 500).b("A", 1, 1, sacks=((501, 1001),)).pause(1)
    t.a("A", 1, 1, b"a" * 500).b("A", 1, 501).pause(1).a("A", 501, 1, b"b" * 500).b("A", 1, 1001).close(1001, 1)


@on_path
def super_segments_and_their_pieces(t: Tape) -> None:
    """TSO at one tap, the pieces at another, in one file: each octet comes twice, and its ACK between them."""
    t.gap = 0.0003
    t.open(mss(1000) + SACK_OK)
    for n in range(4):
        start = 1 + 4000 * n
        t.checksum = lambda side, right: 0x1234 if side == "a" else right
        t.a("A", start, 1, b"x" * 4000)
        t.checksum = None
        for piece in range(2):
            t.a("A", start + 1000 * piece, 1, b"x" * 1000)
        t.b("A", 1, start + 4000)
        for piece in range(2, 4):
            t.a("A", start + 1000 * piece, 1, b"x" * 1000)
    t.close(16_001, 1)


@case
def received_segments_put_together(t: Tape) -> None:
    """GRO: several segments as one, the last of them short; the ACK has blocks of such sizes."""
    t.open(mss(1000) + SACK_OK)
    t.checksum = lambda side, right: 0x0101 if side == "b" else right
    t.b("A", 1, 1, b"x" * 3500).b("A", 7001, 1, b"x" * 6300)
    t.checksum = None
    t.a("A", 1, 3501, sacks=((7001, 13_301),))
    t.checksum = lambda side, right: 0x0101 if side == "b" else right
    t.b("A", 3501, 1, b"x" * 3500).a("A", 1, 13_301)


@case
def checksums_left_to_a_card(t: Tape) -> None:
    """Capture on the sender's own host (Windows, macOS, some drivers): its checksums are zero or rubbish in every segment."""
    t.checksum = lambda side, right: 0 if side == "a" else right
    t.open(mss(1460)).a("PA", 1, 1, b"GET / HTTP/1.1").b("A", 1, 15).b("PA", 1, 15, b"x" * 800).a("A", 15, 801)
    t.close(15, 801)


@case
def addresses_were_rewritten(t: Tape) -> None:
    """An anonymised capture: no checksum fits the new addresses."""
    t.checksum = lambda side, right: right ^ 0x5A5A
    t.open(mss(1460)).a("PA", 1, 1, b"GET / HTTP/1.1").b("A", 1, 15).close(15, 1)


@case
def short_anonymised(t: Tape) -> None:
    """The same, so short that nothing can be counted."""
    t.checksum = lambda side, right: right ^ 0x0F0F
    t.a("S", 0).b("SA", 0, 1).a("A", 1, 1)


@on_path
def text_is_cut_anew(t: Tape) -> None:
    """Repetitions with other borders: larger, smaller, overlapping."""
    text = bytes(range(200))
    t.open().a("PA", 1, 1, text[:50]).a("PA", 51, 1, text[50:90]).pause(0.4).a("PA", 1, 1, text[:90])
    t.pause(0.8).a("PA", 1, 1, text[:30]).b("A", 1, 31).a("PA", 21, 1, text[20:150]).b("A", 1, 151).close(151, 1)


@case
def urgent_text(t: Tape) -> None:
    """telnet: an interrupt in front of the data mark, the pointer after or on the last octet."""
    t.open().a("UPA", 1, 1, b"\xff\xf4", urg=2).a("UPA", 3, 1, b"\xff\xf2", urg=1).b("A", 1, 5).close(5, 1)


@case
def unknown_options(t: Tape) -> None:
    """WAN optimisers (76, 78), MD5 (19), AO (29), MPTCP (30), user timeout (28), experiments (253, 254)."""
    t.open(mss(1460) + option(76, b"\x01\x01") + option(78, b"\x0a\x00") + option(30, bytes(10)))
    t.a("PA", 1, 1, b"x", opts=option(30, bytes(18)))
    t.b("A", 1, 2, opts=option(19, bytes(16))).a("A", 2, 1, opts=option(29, bytes(14)))
    t.b("A", 1, 2, opts=option(28, b"\x80\x10")).a("A", 2, 1, opts=option(253, bytes(6))).close(2, 1)


@case
def multipath_signals(t: Tape) -> None:
    """MPTCP: ADD_ADDR, DSS and DATA_FIN on empty segments that repeat ACK and window."""
    t.open(mss(1460) + option(30, bytes(10))).a("PA", 1, 1, b"x" * 5, opts=option(30, b"\x20\x05" + bytes(12)))
    for body in (bytes(14), b"\x20\x01" + bytes(4), b"\x30" + bytes(5)):
        t.b("A", 1, 6, opts=option(30, body)).b("A", 1, 6, opts=option(30, body))
    t.close(6, 1)


@on_path
def multipath_options_are_stripped(t: Tape) -> None:
    """A box takes MPTCP out of the SYN-ACK: the client goes on as plain TCP."""
    t.a("S", 0, opts=FULL + option(30, bytes(10)))
    t.b("SA", 0, 1, opts=mss(1460) + SACK_OK + stamps(900, 7000) + NOP + scale(7))
    t.a("A", 1, 1, opts=stamps(7010, 900)).a("PA", 1, 1, b"x", opts=stamps(7011, 900)).b(
        "A", 1, 2, opts=stamps(920, 7011)
    )


@case
def timestamp_clock_wraps(t: Tape) -> None:
    """TSval passes zero."""
    t.open(mss(1460) + stamps(2**32 - 3, 0), mss(1460) + stamps(2**32 - 9, 2**32 - 3))
    t.records.pop()
    t.a("A", 1, 1, opts=stamps(2**32 - 2, 2**32 - 9)).a("PA", 1, 1, b"x", opts=stamps(1, 2**32 - 9))
    t.b("A", 1, 2, opts=stamps(4, 1)).a("FA", 2, 1, opts=stamps(9, 4)).b("FA", 1, 3, opts=stamps(12, 9))
    t.a("A", 3, 2, opts=stamps(15, 12))


@case
def timestamps_after_weeks_of_silence(t: Tape) -> None:
    """Half the clock's range has passed: RFC 7323 5.5, the stamps mean nothing any more."""
    t.open(mss(1460) + stamps(1000, 0), mss(1460) + stamps(5, 1000))
    t.records.pop()
    t.a("A", 1, 1, opts=stamps(1001, 5)).pause(26 * 24 * HOUR)
    t.a("PA", 1, 1, b"x", opts=stamps(1001 + 2_246_400_000, 5)).b(
        "A", 1, 2, opts=stamps(2_246_400_010, 1001 + 2_246_400_000)
    )


@case
def window_taken_up_by_unread_text(t: Tape) -> None:
    """Cisco and embedded stacks: the edge stays where it is while nobody reads, then opens again."""
    t.open(mss(536)).a("A", 1, 1, b"x" * 536).b("A", 1, 537, win=64_999).a("A", 537, 1, b"x" * 536)
    t.b("A", 1, 1073, win=64_463).pause(2).b("A", 1, 1073).close(1073, 1)


@case
def one_segment_at_a_time(t: Tape) -> None:
    """uIP: a window of one segment, every segment waits for its ACK, 200 ms each."""
    t.a("S", 0, opts=mss(536), win=536).b("SA", 0, 1, opts=mss(536)).a("A", 1, 1, win=536)
    for n in range(5):
        t.b("PA", 1 + 536 * n, 1, b"x" * 536).pause(0.2).a("A", 1, 537 + 536 * n, win=536)
    t.close(1, 2681)


@case
def tiny_mss(t: Tape) -> None:
    """A stack that announces 88 octets and gets them, options counted."""
    t.open(mss(88) + SACK_OK).b("A", 1, 1, b"x" * 88).b("A", 89, 1, b"x" * 88).a("A", 1, 177).close(1, 177)


@case
def challenge_acks(t: Tape) -> None:
    """A blind attacker's SYN and reset are answered by ACKs; the connection goes on."""
    t.open().a("PA", 1, 1, b"x").b("A", 1, 2).a("R", 700, hops=50).b("A", 1, 2).pause(2)
    t.a("S", 9000, hops=50).b("A", 1, 2).pause(1).a("PA", 2, 1, b"x").b("A", 1, 3).close(3, 1)


@on_path
def one_direction_another_way(t: Tape) -> None:
    """Asymmetric routes: only the server's segments pass, of three connections on the same ports."""
    for _ in range(3):
        t.b("SA", 0, 1).b("A", 1, 6, b"").b("PA", 1, 6, b"x" * 100).b("FA", 101, 6).b("A", 102, 7)
        t.isn["a"] += 300_000
        t.isn["b"] += 400_000


@on_path
def self_connect(t: Tape) -> None:
    """A socket that connected to itself on the loopback: one address and port for both."""
    t.ports["a"] = t.ports["b"] = 50_000
    t.isn["b"] = t.isn["a"]
    t.a("S", 0).a("SA", 0, 1).a("A", 1, 1).a("PA", 1, 1, b"echo").a("A", 5, 5).a("FA", 5, 5).a("A", 6, 6)


@on_path
def path_changes_hop_count(t: Tape) -> None:
    """Every other packet takes the longer way."""
    t.open(mss(1460))
    for n in range(10):
        t.b("A", 1 + 500 * n, 1, b"x" * 500, hops=57 + n % 2).a("A", 1, 501 + 500 * n)
    t.close(1, 5001)


@on_path
def injected_page(t: Tape) -> None:
    """A filter answers first, in the server's name; the server's own answer follows and is refused."""
    t.open().a("PA", 1, 1, b"GET /bad").b("FPA", 1, 9, b"HTTP/1.1 302 " * 9, hops=120)
    t.a("A", 9, 119).b("PA", 1, 9, b"HTTP/1.1 200 " * 30).a("R", 9).b("RA", 391, 9, hops=120)


@on_path
def reset_ignored_then_syn(t: Tape) -> None:
    """The reset was lost; the SYN of the restarted host is challenged, that answer reset, and the connection made anew."""
    t.open().a("PA", 1, 1, b"x").b("A", 1, 2).a("R", 2).pause(1)
    old = t.isn["a"] + 2
    t.a("S", 0, exact=(8_000, 0)).b("A", 1, 2).a("R", 0, exact=(old, 0)).pause(1)
    t.isn["a"], t.isn["b"] = 8_000, 66_000_000
    t.a("S", 0).b("SA", 0, 1).a("A", 1, 1).close()


@on_path
def forged_reset_and_syn(t: Tape) -> None:
    """The same from a forger: the connection simply goes on."""
    t.open().a("PA", 1, 1, b"x").b("A", 1, 2).a("R", 2, hops=40).b("A", 1, 2).a("S", 9000, hops=40).b("A", 1, 2)
    for n in range(2, 9):
        t.a("PA", n, 1, b"x").b("A", 1, n + 1)
    t.close(9, 1)


@case
def frames_are_padded(t: Tape) -> None:
    """The shortest Ethernet frame is longer than an ACK: zeros behind the IP packet are no text."""
    t.a("S", 0, padding=6).b("SA", 0, 1, padding=6).a("A", 1, 1, padding=6).b("A", 1, 1, b"x", padding=5)
    t.a("A", 1, 2, padding=6).close(1, 2)


def write_all(directory: Path) -> list[Path]:
    """Every case over IPv4."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, function in CASES.items():
        tape = Tape()
        function(tape)
        paths.append(tape.write(directory / f"{name}.pcap"))
    return paths


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    import middleboxes

    print("\n".join(str(path) for path in middleboxes.write_all(Path(sys.argv[1]))))
