"""The smoltcp adapter, driven directly: exact numbers in virtual time, honest capabilities, and what a listener is made of."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from scapy.layers.inet import IP, TCP
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

PROGRAM = build_dir() / "sut" / "lastack-sut-smoltcp"
ADDRESSES = {"ip4": SUT, "ip6": "2001:db8::1"}

pytestmark = pytest.mark.skipif(
    not PROGRAM.exists(), reason=f"not built (conformance/sut/smoltcp/build makes it): {PROGRAM}"
)


def reset(program: Program, options: str = "delayed_ack=0", **more: object) -> dict[str, object]:
    """A new stack."""
    return program.ask("reset", **{"seed": 1, "options": options, **ADDRESSES, **more})


@pytest.fixture
def smoltcp() -> Iterator[Program]:
    """smoltcp without delayed ACKs, listening on port 80 (handle 0), the next ISS 300."""
    with Program(PROGRAM) as program:
        assert reset(program) == {"next_us": None}
        assert program.app("listen", port=80, backlog=4) == {"conn": 0, "next_us": None}
        program.app("set-iss", value=300)
        yield program


def test_hello_and_wishes_it_cannot_honour() -> None:
    with Program(PROGRAM) as program:
        hello = program.ask("hello", protocol=1)
        assert (hello["name"], hello["protocol"]) == ("smoltcp", 1)
        assert hello["version"][0].isdigit()
        assert {"virtual-time", "set-iss", "info", "ipv6", "deterministic", "sack", "timestamps"} <= set(hello["caps"])
        assert not {"urgent", "ecn", "fast-open", "multi"} & set(hello["caps"])
        assert reset(program, "timestamps=1,sack=0,ecn=1,window_scale=0")["ignored"] == ["sack", "ecn", "window_scale"]
        assert "ignored" not in reset(program, "sack=1,ecn=0,window_scale=1,nagle=0,congestion=cubic,hop_limit=9")
        assert reset(program, "turbo=1") == {"error": "unknown option 'turbo'"}
        assert "0 to 1" in str(reset(program, "nagle=2")["error"])
        assert "1 to 255" in str(reset(program, "hop_limit=0")["error"])
        assert "fixed" in str(reset(program, msl_ms=1000)["unsupported"])
        assert "reset it first" in program.ask("tick")["internal"], "a refused reset leaves nothing behind"


@pytest.mark.parametrize("iss", [0, 1, 300, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_the_iss_is_the_one_that_was_set(iss: int) -> None:
    with Program(PROGRAM) as program:
        reset(program)
        program.app("listen", port=80, backlog=4)
        for value in (iss, 77):
            program.app("set-iss", value=value)
        assert [s.seq for s in program.send("S", 100)] == [iss]
        assert [s.seq for s in segments(program.app("connect", port=5000, remote=REMOTE))] == [77]
        assert [s.seq for s in program.send("S", 100, sport=4001)] not in ([iss], [77]), "then it chooses by itself"


def test_handshake_data_and_close_with_exact_numbers(smoltcp: Program) -> None:
    conn = established(smoltcp)
    assert [fields(s) for s in smoltcp.send("PA", 101, 301, b"hello")] == [("A", 301, 106, b"")]
    got = smoltcp.app("recv", conn=conn, cap=100)
    assert (got["data"], got["eof"]) == (b"hello".hex(), False)
    sent = smoltcp.app("send", conn=conn, data=b"abc".hex())
    assert sent["count"] == 3
    assert [fields(s) for s in segments(sent)] == [("PA", 301, 106, b"abc")]
    info = smoltcp.ask("info", conn=conn)["info"]
    expected = {"iss": 300, "irs": 100, "snd_una": 301, "snd_nxt": 304, "rcv_nxt": 106, "rcv_wnd": 65535, "unsent": 0}
    assert {name: info[name] for name in expected} == expected
    assert info["timers"]["retransmit"] == 1_000_000
    assert smoltcp.send("A", 106, 304) == []
    assert [fields(s) for s in segments(smoltcp.app("shutdown", conn=conn))] == [("FA", 304, 106, b"")]
    assert smoltcp.state(conn) == "FIN-WAIT-1"
    assert smoltcp.send("A", 106, 305) == []
    assert smoltcp.state(conn) == "FIN-WAIT-2"
    assert [fields(s) for s in smoltcp.send("FA", 106, 305)] == [("A", 305, 107, b"")]
    assert smoltcp.state(conn) == "TIME-WAIT"
    assert smoltcp.app("recv", conn=conn, cap=100)["eof"] is True
    assert smoltcp.app("events", conn=conn)["events"] == ["connected", "readable", "eof"]
    smoltcp.now_us = 9_999_999
    assert smoltcp.ask("tick")["next_us"] == 10_000_000
    assert smoltcp.state(conn) == "TIME-WAIT"
    smoltcp.now_us = 10_000_000
    smoltcp.ask("tick")
    assert smoltcp.state(conn) == "CLOSED"
    assert smoltcp.app("events", conn=conn)["events"] == ["closed"]


def test_retransmission_at_the_time_that_was_named(smoltcp: Program) -> None:
    conn = established(smoltcp)
    sent = smoltcp.app("send", conn=conn, data="41")
    smoltcp.now_us = sent["next_us"] - 1
    assert segments(smoltcp.ask("tick")) == []
    smoltcp.now_us += 1
    assert [fields(s) for s in segments(smoltcp.ask("tick"))] == [("PA", 301, 101, b"A")]


def test_a_backlog_is_so_many_sockets_and_listening_goes_on_when_one_ends(smoltcp: Program) -> None:
    ports = range(4000, 4004)
    assert [[fields(s)[0] for s in smoltcp.send("S", 100, sport=port)] for port in ports] == [["SA"]] * 4
    assert [fields(s)[0] for s in smoltcp.send("S", 100, sport=4004)] == ["RA"], "smoltcp has no queue: nobody listens"
    smoltcp.send("R", 101, sport=4000)
    assert [fields(s)[0] for s in smoltcp.send("S", 100, sport=4004)] == ["SA"], "a reset in SYN-RECEIVED frees a place"
    assert smoltcp.app("accept", conn=0)["error"] == "would block"


def test_a_syn_for_a_connection_is_not_taken_by_the_listener(smoltcp: Program) -> None:
    conn = established(smoltcp)
    smoltcp.send("S", 5000)
    found = smoltcp.app("find", port=80, remote=REMOTE)["conn"]
    assert (found, smoltcp.state(conn)) == (conn, "ESTABLISHED")


def test_active_open_refused_reset_and_user_timeout(smoltcp: Program) -> None:
    check_active_open_refused_and_reset(smoltcp)
    smoltcp.app("set", conn=-1, name="user_timeout_ms", value=2500)
    silent = smoltcp.app("connect", port=5001, remote=REMOTE)["conn"]
    smoltcp.now_us = 2_500_000
    smoltcp.ask("tick")
    assert smoltcp.app("events", conn=silent)["events"] == ["timeout", "closed"]


def test_abort_and_close_of_a_listener(smoltcp: Program) -> None:
    conn = established(smoltcp)
    assert [fields(s)[:2] for s in segments(smoltcp.app("abort", conn=conn))] == [("RA", 301)]
    smoltcp.send("S", 200, sport=4001)
    assert [fields(s)[0] for s in segments(smoltcp.app("close", conn=0))] == ["RA"], "nobody will ever accept it"
    assert [fields(s)[0] for s in smoltcp.send("S", 300, sport=4002)] == ["RA"]
    assert smoltcp.state(0) == "CLOSED"


def test_ipv6_and_options_of_the_ip_header(smoltcp: Program) -> None:
    assert [fields(s) for s in smoltcp.send("S", 100, ipv6=True)] == [("SA", 300, 101, b"")]
    smoltcp.send("A", 101, 301, ipv6=True)
    assert smoltcp.app("accept", conn=0)["remote"] == {"ip": PEER6, "port": 4000}
    reset(smoltcp, "hop_limit=17")
    assert IP(bytes.fromhex(smoltcp.app("connect", port=0, remote=REMOTE)["out"][0])).ttl == 17


def test_what_smoltcp_cannot_do_is_said(smoltcp: Program) -> None:
    opening = smoltcp.app("connect", port=5000, remote=REMOTE)["conn"]
    assert "before" in smoltcp.app("send", conn=opening, data="41")["unsupported"]
    assert "Fast Open" in smoltcp.app("connect", port=5001, remote=REMOTE, data="41")["unsupported"]
    smoltcp.app("set-iss", value=300)
    conn = established(smoltcp)
    assert "urgent" in smoltcp.app("send", conn=conn, data="41", urgent=True)["unsupported"]
    assert "no such option" in smoltcp.app("set", conn=-1, name="colour", value=1)["unsupported"]
    assert smoltcp.app("recv", conn=77, cap=1)["error"] == "connection does not exist"
    assert smoltcp.ask("info", conn=77)["error"] == "unknown handle"
    assert smoltcp.app("send", conn=0, data="41")["error"] == "remote socket unspecified"
    assert smoltcp.app("accept", conn=conn)["error"] == "not a listener"
    assert smoltcp.app("listen", port=80, backlog=1)["error"] == "connection already exists"


def test_requests_that_are_no_requests_are_answered_and_it_goes_on(smoltcp: Program) -> None:
    assert "not JSON" in smoltcp.line("{")["internal"]
    assert "object" in smoltcp.line("[1]")["internal"]
    assert "odd number" in smoltcp.ask("rx", ip="450")["internal"]
    assert "position 1" in smoltcp.ask("rx", ip="4g")["internal"]
    assert "missing" in smoltcp.app("connect", port=1)["internal"]
    assert smoltcp.line('{"id":9,"cmd":"tick","t_us":99999999999999999999}')["internal"]
    assert established(smoltcp) > 0


def test_the_same_calls_give_the_same_bytes_and_the_seed_decides() -> None:
    def transcript(program: Program, seed: int) -> list[object]:
        program.now_us = 0
        out: list[object] = [reset(program, seed=seed)]
        program.app("listen", port=80, backlog=4)
        out.append(program.app("connect", port=0, remote=REMOTE))
        out += [bytes(segment).hex() for segment in program.send("S", 5)]
        program.now_us = 3_000_000
        return [*out, program.ask("tick")]

    with Program(PROGRAM) as program, Program(PROGRAM) as other:
        first = transcript(program, 1)
        assert transcript(program, 1) == first
        assert transcript(other, 1) == first
        assert transcript(program, 2) != first


def test_garbage_and_floods_do_no_harm(smoltcp: Program) -> None:
    generator = random.Random(7)
    good = bytes(IP(src=PEER, dst=SUT) / TCP(sport=4000, dport=80, flags="S", seq=1, options=[("MSS", 1460)]))
    for n in range(1500):
        packet = bytearray(good if n % 2 else generator.randbytes(generator.randrange(120)))
        for _ in range(generator.randrange(4) if packet else 0):
            packet[generator.randrange(len(packet))] = generator.randrange(256)
        smoltcp.ask("rx", ip=packet.hex())
        smoltcp.now_us += 1000
    assert smoltcp.state(0) == "LISTEN"
    assert smoltcp.end() == 0
