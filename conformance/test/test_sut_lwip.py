"""The lwIP adapter, driven directly: exact numbers in virtual time, honest capabilities, any number of pristine instances in one process."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from lastack.sut.carrier import Configuration
from lastack.sut.linked import shared_object
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.packet import Raw
from sut_program import (
    PEER,
    PEER6,
    REMOTE,
    SUT,
    Program,
    build_dir,
    check_active_open_refused_and_reset,
    established,
    fields,
    segments,
)

PROGRAM = build_dir() / "sut" / "lastack-sut-lwip"
SHARED = build_dir() / "sut" / "lastack_lwip.so"

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"not built (liblwip-dev is missing?): {PROGRAM}")


@pytest.fixture
def lwip() -> Iterator[Program]:
    """lwIP without delayed ACKs, listening on port 80 (handle 0), the next ISS 300."""
    with Program(PROGRAM) as program:
        assert program.ask("reset", seed=1, options="delayed_ack=0,timestamps=0,sack=0")["next_us"] is None
        assert program.app("listen", port=80, backlog=4) == {"conn": 0, "next_us": None}
        program.app("set-iss", value=300)
        yield program


def wait(program: Program, until_us: int) -> list[Any]:
    """Virtual time up to `until_us`, timer by timer; returns the segments on the way."""
    got = []
    while True:
        reply = program.ask("tick")
        got += segments(reply)
        if reply["next_us"] is None or reply["next_us"] > until_us:
            program.now_us = until_us
            return got
        program.now_us = reply["next_us"]


def test_hello_and_wishes_it_cannot_honour() -> None:
    with Program(PROGRAM) as program:
        hello = program.ask("hello", protocol=1)
        assert hello["name"] == "lwip" and hello["version"][0].isdigit()
        assert {"virtual-time", "set-iss", "info", "ipv6", "deterministic"} <= set(hello["caps"])
        assert not {"timestamps", "sack", "urgent", "simultaneous-open", "ecn"} & set(hello["caps"])
        assert program.ask("reset", options="timestamps=1,sack=1,ecn=1,window_scale=0")["ignored"] == [
            "timestamps",
            "sack",
            "ecn",
            "window_scale",
        ]
        assert "ignored" not in program.ask(
            "reset", options="timestamps=0,sack=0,ecn=0,window_scale=1,nagle=0,delayed_ack=1"
        )
        assert program.ask("reset", options="turbo=1") == {"error": "unknown option 'turbo'"}
        assert "a value from 0 to 1" in program.ask("reset", options="nagle=2")["error"]
        assert "a value from 0 to 255" in program.ask("reset", options="hop_limit=x")["error"]
        assert "fixed" in program.ask("reset", msl_ms=1000)["unsupported"]
        assert "fixed" in program.ask("reset", rcv_buf=1000)["unsupported"]
        assert "at most" in program.ask("reset", snd_buf=100_000)["unsupported"]


def test_handshake_data_and_close_with_exact_numbers(lwip: Program) -> None:
    conn = established(lwip)
    assert [fields(s) for s in lwip.send("PA", 101, 301, b"hello")] == [("A", 301, 106, b"")]
    got = lwip.app("recv", conn=conn, cap=100)
    assert (got["data"], got["eof"], got["push"]) == (b"hello".hex(), False, True)
    sent = lwip.app("send", conn=conn, data=b"abc".hex(), push=True)
    assert sent["count"] == 3
    assert [fields(s) for s in segments(sent)] == [("PA", 301, 106, b"abc")]
    assert lwip.send("A", 106, 304) == []
    assert [fields(s) for s in segments(lwip.app("shutdown", conn=conn))] == [("FA", 304, 106, b"")]
    assert lwip.state(conn) == "FIN-WAIT-1"
    assert lwip.send("A", 106, 305) == []
    assert lwip.state(conn) == "FIN-WAIT-2"
    assert [fields(s) for s in lwip.send("FA", 106, 305)] == [("A", 305, 107, b"")]
    info = lwip.ask("info", conn=conn)["info"]
    expected = {"state": "TIME-WAIT", "iss": 300, "irs": 100, "snd_una": 305, "snd_nxt": 305, "rcv_nxt": 107}
    assert {name: info[name] for name in expected} == expected
    # Octets were waiting and are taken: the end of the stream comes after them, again and again.
    assert lwip.app("recv", conn=conn, cap=100)["eof"] is True
    assert lwip.app("events", conn=conn)["events"] == ["connected", "readable", "eof"]
    deadline = info["timers"]["time-wait"]
    wait(lwip, deadline - 1)
    assert lwip.state(conn) == "TIME-WAIT"
    wait(lwip, deadline)
    assert lwip.state(conn) == "CLOSED"
    assert 120_000_000 <= deadline <= 121_000_000, "lwIP's MSL is a minute"
    assert lwip.app("events", conn=conn)["events"] == ["closed"]


def test_a_connection_in_syn_received_is_found_and_accepted_under_the_same_handle(lwip: Program) -> None:
    lwip.send("S", 100)
    found = lwip.app("find", port=80, remote=REMOTE)["conn"]
    assert lwip.state(found) == "SYN-RECEIVED"
    assert lwip.app("accept", conn=0)["error"] == "would block"
    lwip.send("A", 101, 301)
    assert lwip.app("accept", conn=0)["conn"] == found
    assert lwip.app("find", port=80, remote={"ip": PEER, "port": 4001})["error"] == "connection does not exist"


def test_active_open_refused_and_reset(lwip: Program) -> None:
    check_active_open_refused_and_reset(lwip)


def test_retransmission_by_lwips_own_clock_and_the_deadline_is_honest(lwip: Program) -> None:
    conn = established(lwip)
    lwip.app("send", conn=conn, data="41")
    deadline = lwip.ask("info", conn=conn)["info"]["timers"]["retransmit"]
    assert wait(lwip, deadline - 1) == []
    assert [fields(s) for s in wait(lwip, deadline)] == [("PA", 301, 101, b"A")]


@pytest.mark.parametrize(("delayed", "at_once"), [("1", 0), ("0", 1)])
def test_delayed_ack_is_a_choice(lwip: Program, delayed: str, at_once: int) -> None:
    lwip.ask("reset", options=f"delayed_ack={delayed}")
    lwip.app("listen", port=80, backlog=1)
    lwip.app("set-iss", value=300)
    established(lwip)
    assert len(lwip.send("PA", 101, 301, b"x")) == at_once
    assert len(wait(lwip, 250_000)) == 1 - at_once


def test_close_with_unread_data_is_a_reset(lwip: Program) -> None:
    conn = established(lwip)
    lwip.send("PA", 101, 301, b"never read")
    assert [fields(s)[0] for s in segments(lwip.app("close", conn=conn))] == ["RA"]
    assert lwip.app("recv", conn=conn, cap=1)["error"] == "connection closing"


def test_abort_and_close_of_a_listener(lwip: Program) -> None:
    conn = established(lwip)
    assert [fields(s)[:2] for s in segments(lwip.app("abort", conn=conn))] == [("RA", 301)]
    lwip.app("set-iss", value=300)
    lwip.send("S", 200, sport=4001)
    lwip.send("A", 201, 301, sport=4001)
    assert [fields(s)[0] for s in segments(lwip.app("close", conn=0))] == ["RA"], "nobody will ever accept it"
    assert [fields(s)[0] for s in lwip.send("S", 300, sport=4002)] == ["RA"]
    assert lwip.state(0) == "CLOSED"


def test_ipv6(lwip: Program) -> None:
    assert [fields(s) for s in lwip.send("S", 100, ipv6=True)] == [("SA", 300, 101, b"")]
    lwip.send("A", 101, 301, ipv6=True)
    assert lwip.app("accept", conn=0)["remote"] == {"ip": PEER6, "port": 4000}
    opened = lwip.app("connect", port=0, remote={"ip": PEER6, "port": 7})
    assert [s.dport for s in segments(opened)] == [7]


def test_hop_limit_and_traffic_class_are_choices(lwip: Program) -> None:
    lwip.ask("reset", options="hop_limit=17,dscp=46")
    packet = IP(bytes.fromhex(lwip.app("connect", port=0, remote=REMOTE)["out"][0]))
    assert (packet.ttl, packet.tos >> 2) == (17, 46)


def test_what_lwip_cannot_do_is_said(lwip: Program) -> None:
    conn = established(lwip)
    assert "urgent" in lwip.app("send", conn=conn, data="41", urgent=True)["unsupported"]
    assert "user timeout" in lwip.app("set", conn=conn, name="user_timeout_ms", value=1)["unsupported"]
    assert "no such option" in lwip.app("set", conn=-1, name="colour", value=1)["unsupported"]
    assert lwip.app("recv", conn=77, cap=1)["error"] == "connection does not exist"
    assert lwip.ask("info", conn=77)["error"] == "unknown handle"
    assert lwip.app("send", conn=0, data="41")["error"] == "remote socket unspecified"
    assert lwip.app("accept", conn=conn)["error"] == "not a listener"
    assert lwip.app("listen", port=80, backlog=1)["error"] == "connection already exists"


def test_a_packet_from_its_own_address_comes_back_through_its_loop(lwip: Program) -> None:
    packet = IP(src=SUT, dst=SUT) / TCP(sport=80, dport=80, flags="S", seq=1)
    assert lwip.ask("rx", ip=bytes(packet).hex()).get("out", []) == []
    assert [fields(s)[0] for s in lwip.send("S", 100)] == ["SA"], "it goes on"


def test_fragments_are_put_together_or_forgotten(lwip: Program) -> None:
    whole = IP(src=PEER, dst=SUT, id=7) / ICMP() / Raw(b"x" * 2000)
    first, second = fragment(whole, fragsize=1200)
    assert lwip.ask("rx", ip=bytes(first).hex()).get("out", []) == []
    reply = lwip.ask("rx", ip=bytes(second).hex())
    assert len(reply["out"]) == 2, "the answer is too long for one packet, too"
    lwip.ask("rx", ip=bytes(first).hex())
    lwip.now_us += 70_000_000
    lwip.ask("tick")
    assert lwip.ask("rx", ip=bytes(second).hex()).get("out", []) == []


def transcript(program: Program, seed: int) -> list[object]:
    """Everything that comes out in a mixed exchange."""
    program.now_us = 0
    out: list[object] = [program.ask("reset", seed=seed)]
    program.app("listen", port=80, backlog=4)
    out.append(program.app("connect", port=0, remote=REMOTE))
    out.append(program.ask("rx", ip=bytes(IP(src=PEER, dst=SUT) / TCP(sport=9, dport=80, flags="S", seq=5)).hex()))
    program.now_us = 3_000_000
    out.append(program.ask("tick"))
    out.append(program.ask("rx", ip=bytes(IP(src=PEER, dst=SUT) / UDP(sport=1, dport=2) / b"?").hex()))
    return out


def test_the_same_calls_give_the_same_bytes_and_resets_leave_nothing_behind() -> None:
    with Program(PROGRAM) as program, Program(PROGRAM) as other:
        first = transcript(program, 1)
        assert transcript(program, 1) == first
        assert transcript(other, 1) == first
        assert transcript(program, 2) != first, "the seed chooses the ephemeral port"


def test_two_instances_in_one_process_do_not_know_of_each_other() -> None:
    stacks = [shared_object(str(SHARED)), shared_object(str(SHARED))]
    for iss, stack in zip((300, 7000), stacks, strict=True):
        stack.create(Configuration(options="delayed_ack=0"))
        stack.app(0, "listen", port=80, backlog=1)
        stack.app(0, "set-iss", value=iss)
    syn = bytes(IP(src=PEER, dst=SUT) / TCP(sport=4000, dport=80, flags="S", seq=100))
    for iss, stack in zip((300, 7000), stacks, strict=True):
        ((_, packet),) = stack.rx(0, syn)
        assert (IP(packet)[TCP].seq, IP(packet).id) == (iss, 0)
    ack = bytes(IP(src=PEER, dst=SUT) / TCP(sport=4000, dport=80, flags="A", seq=101, ack=301))
    assert stacks[0].rx(0, ack) == []
    assert ["R" in IP(packet)[TCP].flags for _, packet in stacks[1].rx(0, ack)] == [
        True
    ], "the other one's ACK is wrong here"
    assert stacks[0].app(0, "accept", conn=0).status == "ok"
    assert stacks[1].app(0, "accept", conn=0).text == "would block"
    stacks[0].close()
    assert stacks[1].tick(3_000_000) != [], "the SYN-ACK again"
    stacks[1].close()


def test_garbage_and_floods_do_no_harm(lwip: Program) -> None:
    generator = random.Random(7)
    good = bytes(IP(src=PEER, dst=SUT) / TCP(sport=4000, dport=80, flags="S", seq=1, options=[("MSS", 1460)]))
    for n in range(1500):
        packet = bytearray(good if n % 2 else generator.randbytes(generator.randrange(120)))
        for _ in range(generator.randrange(4) if packet else 0):
            packet[generator.randrange(len(packet))] = generator.randrange(256)
        lwip.ask("rx", ip=packet.hex())
        lwip.now_us += 1000
    for port in range(1024, 2524):
        assert [fields(s)[0] for s in lwip.send("S", 1, sport=port)] == ["SA"]
    wait(lwip, lwip.now_us + 60_000_000)
    assert lwip.send("S", 100, sport=65000), "it still listens"
    assert lwip.end() == 0
