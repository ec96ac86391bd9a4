"""serve.cpp: whatever the line and whatever the stack does, one clear reply; a crash is the program's own, and no test sees the one before."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator

import pytest
from sut_program import Program, build_dir

SERVE = build_dir() / "sut" / "lastack-sut-so"
STACK = build_dir() / "test" / "lastack_fault_stack.so"

pytestmark = pytest.mark.skipif(not SERVE.exists() or not STACK.exists(), reason=f"not built: {SERVE} and {STACK}")


@pytest.fixture
def program() -> Iterator[Program]:
    """The fault stack behind the protocol, not yet reset."""
    with Program(SERVE, STACK) as running:
        yield running


def test_hello_tells_what_the_stack_is(program: Program) -> None:
    assert program.ask("hello", protocol=1) == {
        "protocol": 1, "name": "fault", "version": "1", "caps": ["virtual-time", "info"], "profile": "",
    }  # fmt: skip


def test_a_stack_with_globals_starts_afresh_at_every_reset(program: Program) -> None:
    for octet in ("45", "46", "47"):
        assert program.ask("reset", options="") == {"next_us": None}
        assert program.ask("rx", ip=octet)["out"] == ["01" + octet]
    assert program.end() == 0


def test_lines_sent_ahead_survive_the_change_of_process(program: Program) -> None:
    requests = [{"cmd": "reset"}, {"cmd": "rx", "t_us": 1, "ip": "aa"}] * 20 + [{"cmd": "bye"}]
    lines = "".join(json.dumps({"id": i, **request}) + "\n" for i, request in enumerate(requests))
    out, _ = program.process.communicate(lines, 20)
    replies = [json.loads(line) for line in out.splitlines()]
    assert [reply["id"] for reply in replies] == list(range(len(requests)))
    assert [reply["out"] for reply in replies[1:-1:2]] == [["01aa"]] * 20
    assert program.process.returncode == 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "not JSON"),
        ("nonsense", "not JSON"),
        ('{"id":1,"cmd":"rx"', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("\xff\xfe", "not JSON"),
        ("[]", "not a JSON object"),
        ("null", "not a JSON object"),
        ("{}", "'id' is missing"),
        ('{"id":"7","cmd":"bye"}', "'id' is missing or not an integer"),
        ('{"id":1}', "'cmd' is missing"),
        ('{"id":1,"cmd":5}', "'cmd' is not a string"),
        ('{"id":1,"cmd":"rx"}', "'t_us' is missing"),
        ('{"id":1,"cmd":"rx","t_us":-1,"ip":""}', "'t_us' is not an integer"),
        ('{"id":1,"cmd":"rx","t_us":1e3,"ip":""}', "'t_us' is not an integer"),
        ('{"id":1,"cmd":"rx","t_us":18446744073709551616,"ip":""}', "'t_us' is not an integer"),
        ('{"id":1,"cmd":"rx","t_us":1,"ip":"4"}', "odd number"),
        ('{"id":1,"cmd":"rx","t_us":1,"ip":"4z"}', "no digit at position 1"),
        ('{"id":1,"cmd":"rx","t_us":1,"ip":[]}', "'ip' is not a string of hex digits"),
        ('{"id":1,"cmd":"app","t_us":1,"op":"connect","remote":"x"}', "'remote' is not an object"),
        (
            '{"id":1,"cmd":"app","t_us":1,"op":"connect","remote":{"ip":"300.1.1.1","port":1}}',
            "'ip' is not an IP address",
        ),
        (
            '{"id":1,"cmd":"app","t_us":1,"op":"connect","remote":{"ip":"192.0.2.2","port":65536}}',
            "'port' is not an integer",
        ),
        ('{"id":1,"cmd":"app","t_us":1,"op":"close","conn":99999999999}', "'conn' is not a handle"),
        ('{"id":1,"cmd":"app","t_us":1,"op":"send","conn":0,"data":"00","push":1}', "'push' is not true or false"),
        ('{"id":1,"cmd":"reset","mtu":70000}', "'mtu' is not an integer"),
        ('{"id":1,"cmd":"reset","ip4":"::1"}', "'ip4' is not an IP address"),
    ],
)
def test_a_line_that_is_no_request(program: Program, line: str, said: str) -> None:
    program.ask("reset")
    reply = program.line(line)
    assert said in reply["internal"], reply
    assert reply["id"] in (None, 1)
    program.ask("reset")
    assert program.ask("tick") == {"next_us": None}, "the program goes on"


def test_a_line_without_end_is_bounded(program: Program) -> None:
    reply = program.line("x" * (9 << 20))
    assert "longer than 4194304" in reply["internal"]
    assert "protocol" in program.ask("hello", protocol=1)


def test_unknown_verbs_are_unsupported(program: Program) -> None:
    program.ask("reset")
    assert program.ask("frobnicate") == {"unsupported": "unknown command 'frobnicate'"}
    assert program.app("levitate") == {"unsupported": "unknown operation 'levitate'"}


def test_before_reset_there_is_no_stack(program: Program) -> None:
    assert program.ask("tick") == {"internal": "no stack yet: send 'reset' first"}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("cannot", {"unsupported": "not on this machine"}),
        ("refuse", {"error": "unknown option 'refuse'"}),
        ("silent", {"error": "the stack did not say why it could not be created"}),
        ("ignore", {"ignored": ["sack", "ecn"], "next_us": None}),
        ("endless", {"internal": "the stack sends without end"}),
        ("long", {"internal": "the stack sent a packet longer than 65536 octets"}),
        ("negative", {"internal": "the stack sent a packet longer than 65536 octets"}),
    ],
)
def test_a_create_that_goes_wrong(program: Program, fault: str, said: dict[str, object]) -> None:
    assert program.ask("reset", options=fault) == said
    assert program.ask("reset", options="") == {"next_us": None}, "the next test is not affected"


def test_results_that_do_not_exist_are_internal(program: Program) -> None:
    program.ask("reset", options="result")
    assert "unknown result 7" in program.ask("rx", ip="45")["internal"]
    program.ask("reset", options="state")
    assert "a state that does not exist" in program.ask("info", conn=0)["internal"]
    program.ask("reset", options="greedy")
    assert "more octets than there is room for" in program.app("recv", conn=0, cap=4)["internal"]
    program.ask("reset", options="words")
    assert "error" in program.app("recv", conn=0, cap=4)


def test_the_time_of_the_next_tick_is_told(program: Program) -> None:
    program.ask("reset", options="timer")
    program.now_us = 100
    assert program.ask("tick") == {"next_us": 105}


@pytest.mark.parametrize(("fault", "status"), [("abort", -signal.SIGABRT), ("segv", -signal.SIGSEGV), ("exit", 3)])
def test_a_crash_of_the_stack_is_the_end_of_the_program(program: Program, fault: str, status: int) -> None:
    program.ask("reset", options=fault)
    out, said = program.process.communicate('{"id":9,"cmd":"rx","t_us":1,"ip":"45"}\n', 20)
    assert out == ""
    assert program.process.returncode == status or "Sanitizer" in said


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/nowhere/x.so", "cannot load the shared object"),
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", "does not export lastack_sut_entry"),
    ],
)
def test_a_shared_object_that_is_no_stack(path: str, said: str) -> None:
    with Program(SERVE, path) as program:
        assert said in program.ask("hello", protocol=1)["unsupported"]
        assert said in program.ask("reset")["unsupported"]
        assert program.end() == 0


def test_usage() -> None:
    done = subprocess.run([str(SERVE)], capture_output=True, text=True, check=False)
    assert done.returncode == 4 and "usage:" in done.stderr
