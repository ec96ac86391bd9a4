"""The carriers: what a user sees when an adapter dies, hangs or answers nonsense, and what shared objects are refused
for.
"""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from lastack import _core
from lastack.errors import AdapterBroken, Unavailable, UsageError
from lastack.sut.carrier import Configuration
from lastack.sut.command import CommandCarrier
from lastack.sut.linked import shared_object
from lastack.sut.named import open_sut

FAKE = Path(__file__).with_name("fake_adapter.py")
SYN_PACKET = _core.build(src="192.0.2.2", dst="192.0.2.1", src_port=4000, dst_port=80, seq=100, flags=2, window=1000)


def fake(fault: str = "", timeout_s: float = 5.0) -> CommandCarrier:
    return CommandCarrier(
        f"{shlex.quote(sys.executable)} {shlex.quote(str(FAKE))} {fault}", label="toy", reply_timeout_s=timeout_s
    )


def test_a_good_adapter_answers() -> None:
    carrier = fake()
    assert carrier.hello.name == "toy" and carrier.hello.caps == {"virtual-time"}
    assert carrier.create(Configuration()) == ()
    assert carrier.app(0, "listen", port=80, backlog=1).conn == 0
    ((at, packet),) = carrier.rx(5, SYN_PACKET)
    answer = _core.parse(packet)
    assert at == 5 and not isinstance(answer, str) and answer.ack == 101
    assert carrier.app(5, "find", port=80, remote=("192.0.2.9", 1)).text == "connection does not exist"
    carrier.close()
    carrier.close()


@pytest.mark.parametrize(
    "fault, message",
    [
        ("die", "exited with status 3 before it answered rx"),
        ("kill", "was killed by SIGSEGV before it answered rx"),
        ("hang", "did not answer rx within 0.3 s"),
        ("nonsense", "is not JSON"),
        ("wrong-id", "field 'id' must be 3 as in the request, it is 999"),
        ("wrong-field", "the field 'packets' is unknown"),
        ("bad-hex", "field 'out' must be a list of packets"),
        ("two-outcomes", "has unsupported and error"),
        ("float-time", "field 'next_us' must be an integer"),
        ("internal", "my own bug"),
    ],
)
def test_faults_are_named(fault: str, message: str) -> None:
    carrier = fake(fault, timeout_s=0.3 if fault == "hang" else 5.0)
    carrier.create(Configuration())
    with pytest.raises(AdapterBroken, match="toy") as caught:
        carrier.rx(0, SYN_PACKET)
    assert message in str(caught.value)
    # The next test starts a fresh process.
    carrier.create(Configuration())
    carrier.app(0, "listen", port=80)
    carrier.close()


def test_last_words_are_shown() -> None:
    carrier = fake("die")
    carrier.create(Configuration())
    with pytest.raises(AdapterBroken, match="last words"):
        carrier.rx(0, SYN_PACKET)


def test_death_at_hello_and_refusal() -> None:
    with pytest.raises(AdapterBroken, match="before it answered hello"):
        fake("die@hello")
    with pytest.raises(UsageError, match="refuses to start: no more memory"):
        fake("refuse").create(Configuration())


@pytest.mark.parametrize(
    "spec, kind, message",
    [
        ("nonsense", UsageError, "unknown stack 'nonsense': use core"),
        ("cmd:", UsageError, "cmd: needs a command"),
        ("cmd:'open", UsageError, "cannot split"),
        ("cmd:/does/not/exist", Unavailable, "No such file"),
        ("so:/does/not/exist.so", Unavailable, "cannot load /does/not/exist.so"),
    ],
)
def test_specs_that_cannot_be_used(spec: str, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        open_sut(spec)


def compiled(tmp_path: Path, source: str) -> str:
    code, library = tmp_path / "stack.c", tmp_path / "stack.so"
    code.write_text(f'#include "conformance/sut/lastack_sut.h"\n{source}\n')
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-I", str(FAKE.parents[2]), "-o", str(library), str(code)],
        check=True,
        capture_output=True,
    )
    return str(library)


@pytest.mark.parametrize(
    "source, message",
    [
        ("int x;", "does not export lastack_sut_entry"),
        ("const lastack_sut_ops *lastack_sut_entry(uint32_t abi) { return 0; }", "does not speak ABI 1"),
        (
            "static lastack_sut_ops ops = {.abi = 1, .size = 8};"
            "const lastack_sut_ops *lastack_sut_entry(uint32_t abi) { return &ops; }",
            "table of operations has 8 octets",
        ),
        (
            'static lastack_sut_ops ops = {.abi = 1, .size = sizeof(lastack_sut_ops), .name = "x", .version = "1"};'
            "const lastack_sut_ops *lastack_sut_entry(uint32_t abi) { return &ops; }",
            "one of create, destroy, rx, tx, tick, next, app is NULL",
        ),
    ],
)
def test_shared_objects_are_checked(tmp_path: Path, source: str, message: str) -> None:
    with pytest.raises(Unavailable, match=message):
        shared_object(compiled(tmp_path, source))
