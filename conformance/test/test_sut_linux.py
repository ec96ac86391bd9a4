"""The Linux adapter, driven directly. The kernel's ISS is unknown, so numbers are relative to the one that it chose."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator

import pytest
from scapy.layers.inet import IP, TCP
from sut_program import PEER, PEER6, REMOTE, REPOSITORY, Program, fields, segments

LINUX = REPOSITORY / "conformance" / "sut" / "linux.py"


@pytest.fixture(scope="module")
def kernel() -> Iterator[Program]:
    """The program, started once; skips with its own reason where the kernel does not permit it."""
    with Program(sys.executable, LINUX) as program:
        hello = program.ask("hello", protocol=1)
        if "unsupported" in hello:
            pytest.skip(f"Linux as a stack under test: {hello['unsupported']}")
        yield program
        assert program.end() == 0


@pytest.fixture
def linux(kernel: Program) -> Program:
    """A fresh namespace with plain segments and a listener on port 80 (handle 0)."""
    kernel.now_us = 0
    assert kernel.ask("reset", options="timestamps=0,sack=0,window_scale=0,delayed_ack=0,nagle=1,ecn=0") == {}
    assert kernel.app("listen", port=80, backlog=4) == {"conn": 0}
    return kernel


def established(program: Program, **options: object) -> tuple[int, int]:
    """The handshake: the peer's ISS is 100. Returns the accepted handle and the kernel's ISS + 1."""
    (answer,) = program.send("S", 100, **options)
    assert fields(answer) == ("SA", answer.seq, 101, b"")
    nxt = (answer.seq + 1) & 0xFFFFFFFF
    assert program.send("A", 101, nxt, **options) == []
    accepted = program.app("accept", conn=0)
    assert accepted["remote"] == REMOTE or options
    return int(accepted["conn"]), nxt


def known(program: Program, conn: int, *names: str) -> tuple[object, ...]:
    """Fields of info."""
    info = program.ask("info", conn=conn)["info"]
    return tuple(info.get(name) for name in names)


def test_hello_claims_no_more_than_a_kernel_can(kernel: Program) -> None:
    hello = kernel.ask("hello", protocol=1)
    assert hello["name"] == "linux"
    assert not {"virtual-time", "set-iss", "deterministic", "multi"} & set(hello["caps"])


def test_what_a_kernel_cannot_do_is_said(linux: Program) -> None:
    assert "initial sequence numbers" in linux.app("set-iss", value=1)["unsupported"]
    assert "unknown operation" in linux.app("levitate")["unsupported"]
    assert "unknown command" in linux.ask("frobnicate")["unsupported"]
    assert "no such option" in linux.app("set", conn=-1, name="colour", value=1)["unsupported"]
    assert "not for one connection" in linux.app("set", conn=0, name="delayed_ack", value=1)["unsupported"]
    assert linux.app("recv", conn=77, cap=1)["error"] == "connection does not exist"
    assert linux.app("accept", conn=0)["error"] == "would block"
    assert "MSL" in linux.ask("reset", msl_ms=1000)["unsupported"]
    assert linux.ask("reset", options="turbo=1") == {"error": "unknown option 'turbo'"}
    assert linux.ask("reset", options="tcp_../../x=1") == {"error": "unknown option 'tcp_../../x'"}
    assert "does not take 'many'" in linux.ask("reset", options="tcp_retries2=many")["error"]


def test_handshake_data_and_close(linux: Program) -> None:
    conn, nxt = established(linux)
    assert [fields(s) for s in linux.send("PA", 101, nxt, b"hello")] == [("A", nxt, 106, b"")], "no delayed ACK"
    assert linux.app("recv", conn=conn, cap=100)["data"] == b"hello".hex()
    sent = linux.app("send", conn=conn, data=b"abc".hex(), push=True, urgent=False)
    assert (sent["count"], [fields(s) for s in segments(sent)]) == (3, [("PA", nxt, 106, b"abc")])
    assert known(linux, conn, "state", "snd_una", "snd_nxt", "rcv_nxt", "iss") == (
        "ESTABLISHED",
        nxt,
        nxt + 3,
        106,
        nxt - 1,
    )
    assert linux.send("A", 106, nxt + 3) == []
    assert [fields(s) for s in segments(linux.app("shutdown", conn=conn))] == [("FA", nxt + 3, 106, b"")]
    assert known(linux, conn, "state", "snd_una", "snd_nxt") == ("FIN-WAIT-1", nxt + 3, nxt + 4)
    assert linux.send("A", 106, nxt + 4) == []
    assert known(linux, conn, "state", "snd_una") == ("FIN-WAIT-2", nxt + 4)
    assert [fields(s) for s in linux.send("FA", 106, nxt + 4)] == [("A", nxt + 4, 107, b"")]
    assert known(linux, conn, "state", "snd_una", "snd_nxt", "rcv_nxt") == ("TIME-WAIT", nxt + 4, nxt + 4, 107)
    assert linux.app("recv", conn=conn, cap=1)["eof"] is True
    deadline = linux.ask("info", conn=conn)["info"]["timers"]["time-wait"]
    assert 50_000_000 < deadline <= 61_000_000, "TIME-WAIT of a minute"
    assert linux.app("events", conn=conn)["events"] == ["connected", "eof"]


def test_plain_segments_without_options(linux: Program) -> None:
    (answer,) = linux.send(
        "S", 100, options=[("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 0)), ("NOP", None), ("WScale", 7)]
    )
    assert [name for name, _ in answer.options] == ["MSS"]


def test_syn_received_is_seen_without_accept(linux: Program) -> None:
    (answer,) = linux.send("S", 100)
    found = linux.app("find", port=80, remote=REMOTE)["conn"]
    assert known(linux, found, "state", "iss", "irs", "snd_una", "snd_nxt", "rcv_nxt") == (
        "SYN-RECEIVED", answer.seq, 100, answer.seq, answer.seq + 1, 101,
    )  # fmt: skip
    assert "before it is established" in linux.app("send", conn=found, data="00")["unsupported"]
    linux.send("R", 101)
    assert linux.state(found) == "CLOSED"
    linux.send("S", 200)
    assert linux.app("find", port=80, remote=REMOTE)["conn"] == found, "the same tuple, not yet closed by the user"


def test_a_connection_is_one_handle_before_and_after_accept(linux: Program) -> None:
    (answer,) = linux.send("S", 100)
    found = linux.app("find", port=80, remote=REMOTE)["conn"]
    linux.send("A", 101, answer.seq + 1)
    assert known(linux, found, "state", "rcv_nxt", "snd_nxt") == ("ESTABLISHED", 101, answer.seq + 1)
    assert linux.app("accept", conn=0)["conn"] == found


def test_active_open_refused(linux: Program) -> None:
    opened = linux.app("connect", port=5000, remote=REMOTE)
    (syn,) = segments(opened)
    assert (syn.sport, syn.dport, str(syn.flags)) == (5000, 4000, "S")
    assert known(linux, opened["conn"], "state", "snd_una", "snd_nxt", "iss") == (
        "SYN-SENT",
        syn.seq,
        syn.seq + 1,
        syn.seq,
    )
    linux.send("RA", 0, syn.seq + 1, dport=5000)
    assert linux.state(opened["conn"]) == "CLOSED"
    events = linux.app("events", conn=opened["conn"])
    assert (events["events"], events["reason"]) == (["closed", "refused"], "connection refused")
    assert linux.app("send", conn=opened["conn"], data="00")["error"] == "connection refused"


def test_reset_by_the_peer(linux: Program) -> None:
    conn, _ = established(linux)
    linux.send("R", 101)
    assert linux.state(conn) == "CLOSED"
    assert linux.app("recv", conn=conn, cap=1)["error"] == "connection reset"
    assert "reset" in linux.app("events", conn=conn)["reason"]


def test_abort_close_with_unread_data_and_close_of_the_listener(linux: Program) -> None:
    conn, nxt = established(linux)
    assert [fields(s)[:2] for s in segments(linux.app("abort", conn=conn))] == [("RA", nxt)]
    conn, nxt = established(linux, sport=4001)
    linux.send("PA", 101, nxt, b"never read", sport=4001)
    assert [fields(s)[:2] for s in segments(linux.app("close", conn=conn))] == [("RA", nxt)]
    assert linux.app("recv", conn=conn, cap=1)["error"] == "connection does not exist"
    linux.app("close", conn=0)
    assert [fields(s)[0] for s in linux.send("S", 300, sport=4002)] == ["RA"]


def test_a_closed_connection_is_followed_to_its_end(linux: Program) -> None:
    conn, nxt = established(linux)
    assert [fields(s) for s in segments(linux.app("close", conn=conn))] == [("FA", nxt, 101, b"")]
    assert known(linux, conn, "state") == ("FIN-WAIT-1",)
    linux.send("A", 101, nxt + 1)
    assert known(linux, conn, "state", "snd_nxt") == ("FIN-WAIT-2", nxt + 1)
    linux.send("FA", 101, nxt + 1)
    assert known(linux, conn, "state", "rcv_nxt") == ("TIME-WAIT", 102)


def test_retransmissions_come_while_tick_waits(linux: Program) -> None:
    conn, nxt = established(linux)
    linux.app("send", conn=conn, data="41", push=True, urgent=False)
    assert segments(linux.ask("tick")) == [], "a tick without wait_us does not wait"
    reply = linux.ask("tick", wait_us=2_500_000)
    assert [fields(s) for s in segments(reply)] == [("PA", nxt, 101, b"A")]
    assert reply["out_t_us"][0] > 500_000


def test_ipv6(linux: Program) -> None:
    conn, _ = established(linux, ipv6=True)
    assert known(linux, conn, "state", "rcv_nxt") == ("ESTABLISHED", 101)
    opened = linux.app("connect", port=0, remote={"ip": PEER6, "port": 7})
    assert [s.dport for s in segments(opened)] == [7]


def test_a_link_too_small_for_ipv6_has_ipv4_alone(kernel: Program) -> None:
    kernel.now_us = 0
    assert kernel.ask("reset", mtu=576, options="timestamps=0,sack=0,window_scale=0") == {}
    assert kernel.app("listen", port=80, backlog=4) == {"conn": 0}
    conn, nxt = established(kernel)
    assert conn and nxt


def test_an_mtu_that_the_kernel_refuses_is_said(kernel: Program) -> None:
    assert "MTU 40" in kernel.ask("reset", mtu=40)["error"]


def test_hop_limit_and_traffic_class_are_choices(linux: Program) -> None:
    linux.ask("reset", options="hop_limit=17,dscp=46")
    packet = IP(bytes.fromhex(linux.app("connect", port=0, remote=REMOTE)["out"][0]))
    assert (packet.ttl, packet.tos >> 2) == (17, 46)
    assert "a value from 0 to 63" in linux.ask("reset", options="dscp=64")["error"]


def test_a_reset_leaves_nothing_behind(linux: Program) -> None:
    conn, nxt = established(linux)
    linux.app("send", conn=conn, data="41" * 4000, push=False, urgent=False)
    assert linux.ask("reset") == {}
    assert [fields(s)[0] for s in linux.send("A", 101, nxt)] == ["R"], "no such connection here"
    assert linux.app("recv", conn=conn, cap=1)["error"] == "connection does not exist"


@pytest.mark.parametrize(
    "line",
    ["", "nonsense", "[" * 100_000, "[]", "{}", '{"id":1}', '{"id":1,"cmd":[]}', '{"id":1,"cmd":"rx","t_us":0,"ip":"4z"}', '{"id":1,"cmd":"rx","t_us":-1,"ip":""}',
     '{"id":1,"cmd":"app","t_us":0,"op":"connect","remote":{"ip":"x","port":1}}', '{"id":1,"cmd":"app","t_us":0,"op":"close","conn":"0"}',
     '{"id":1,"cmd":"tick","t_us":0,"wait_us":1e9}', '{"id":1,"cmd":"app","t_us":0,"op":"send","conn":0,"data":7}', "9" * 5000],
)  # fmt: skip
def test_a_line_that_is_no_request(linux: Program, line: str) -> None:
    reply = linux.line(line)
    assert reply["internal"] and reply["id"] in (None, 1)
    assert linux.ask("tick") == {}


def test_a_line_without_end_is_bounded(linux: Program) -> None:
    assert "longer than 4194304" in linux.line("x" * (9 << 20))["internal"]
    assert linux.ask("tick") == {}


def test_garbage_packets_do_no_harm(linux: Program) -> None:
    generator = random.Random(7)
    good = bytes(IP(src=PEER, dst="192.0.2.1") / TCP(sport=4000, dport=80, flags="S", seq=1, options=[("MSS", 1460)]))
    for n in range(300):
        packet = bytearray(good if n % 2 else generator.randbytes(generator.randrange(100)))
        for _ in range(generator.randrange(4) if packet else 0):
            packet[generator.randrange(len(packet))] = generator.randrange(256)
        assert "internal" not in linux.ask("rx", ip=packet.hex())
    assert [fields(s)[0] for s in linux.send("S", 7, sport=60000)] == ["SA"]


def test_without_permission_hello_says_what_to_do() -> None:
    probe = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--inh-caps=-all",
        "--bounding-set=-all",
        "true",
    ]
    try:
        allowed = subprocess.run(probe, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        allowed = False
    if not allowed:
        pytest.skip("cannot give up permissions here (no setpriv, or not root)")
    with Program(*probe[:-1], sys.executable, LINUX) as program:
        reply = program.ask("hello", protocol=1)
        assert "run as root" in reply.get("unsupported", "") or reply.get("name") == "linux", reply
        assert program.end() == 0
