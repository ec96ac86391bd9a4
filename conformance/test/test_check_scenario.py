"""``lastack check --as-scenario``: a conversation with a faulty stack is recorded and judged; the scenario that comes from the
finding fails on that stack and passes on the core without the fault.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from capture_text import CLOSE, WRONG_ACK, lastack, text_file
from faulty_core import FAULTS
from lastack import BUILD
from lastack.errors import CallError
from lastack.lab import Lab
from lastack.pcapng import write_log
from lastack.scapy import TCP
from lastack.sut.named import open_sut
from test_harness_cli import lastack as lastack_process

pytestmark = pytest.mark.skipif(
    not (BUILD / "sut" / "lastack-sut-core").is_file(), reason="lastack-sut-core is not built"
)
FAULTY = f"{sys.executable} {Path(__file__).with_name('faulty_core.py')}"


def talk_passive(lab: Lab) -> None:
    """The peer opens; octets both ways; the peer closes, then the stack. The peer trusts nothing that it is told."""
    sut, peer = lab.listen(port=80, iss=5_000_000), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=1_000_000, options=[("MSS", 1460)]))
    lab.advance(0.02)
    peer.send(TCP(flags="A", seq=1_000_001, ack=5_000_001))
    peer.send(TCP(flags="PA", seq=1_000_001, ack=5_000_001), data=b"x" * 100)
    lab.advance(0.02)
    sut.send(b"y" * 200, push=True)
    lab.advance(0.02)
    peer.send(TCP(flags="A", seq=1_000_101, ack=5_000_201))
    sut.send(b"z" * 50, push=True)
    lab.advance(0.02)
    peer.send(TCP(flags="PA", seq=1_000_101, ack=5_000_251), data=b"x" * 30)
    lab.advance(0.02)
    peer.send(TCP(flags="FA", seq=1_000_131, ack=5_000_251))
    lab.advance(0.02)
    sut.shutdown()
    lab.advance(0.02)
    peer.send(TCP(flags="A", seq=1_000_132, ack=5_000_252))
    peer.drain()


def talk_active(lab: Lab) -> None:
    """The stack opens and sends."""
    peer = lab.peer(port=80)
    sut = lab.connect(peer, iss=5_000_000)
    lab.advance(0.02)
    peer.send(TCP(flags="SA", seq=1_000_000, ack=5_000_001, options=[("MSS", 1460)]))
    lab.advance(0.02)
    sut.send(b"y" * 200, push=True)
    lab.advance(0.02)
    peer.send(TCP(flags="PA", seq=1_000_001, ack=5_000_201), data=b"x" * 10)
    lab.advance(0.02)
    sut.send(b"y" * 20, push=True)
    lab.advance(0.02)
    peer.send(TCP(flags="A", seq=1_000_011, ack=5_000_221))
    peer.drain()


def talk_refused(lab: Lab) -> None:
    """Nobody listens."""
    peer = lab.peer(port=4000, to=80)
    peer.send(TCP(flags="S", seq=1_000_000))
    peer.drain()


def talk_long(lab: Lab) -> None:
    """As ``talk_passive``, after so much else that only the end can be replayed."""
    sut, peer = lab.listen(port=80, iss=2**32 - 500), lab.peer(port=4000)
    peer.send(TCP(flags="S", seq=2**32 - 40))
    peer.send(TCP(flags="A", seq=2**32 - 39, ack=2**32 - 499))
    sut_number, peer_number = 2**32 - 499, 2**32 - 39
    for _ in range(40):
        peer.send(TCP(flags="PA", seq=peer_number % 2**32, ack=sut_number % 2**32), data=b"x")
        peer_number += 1
        lab.advance(0.02)
        sut.send(b"y" * 20, push=True)
        sut_number += 20
        lab.advance(0.02)
        peer.send(TCP(flags="A", seq=peer_number % 2**32, ack=sut_number % 2**32))
    peer.send(TCP(flags="FA", seq=peer_number % 2**32, ack=sut_number % 2**32))
    lab.advance(0.02)
    sut.shutdown()
    lab.advance(0.02)
    peer.drain()


TALKS = {
    "handshake-seq": talk_active,
    "reset-ack": talk_refused,
    "fin-back": talk_long,
}


def recorded(folder: Path, fault: str) -> Path:
    """A capture of the conversation with the faulty stack."""
    carrier = open_sut(f"cmd:{FAULTY} {fault}")
    try:
        lab = Lab(carrier, {"nagle": False})
        try:
            TALKS.get(fault, talk_passive)(lab)
        except CallError:
            pass  # the fault has cost the stack its connection
        path = folder / f"{fault}.pcapng"
        write_log(path, lab.world.log)
    finally:
        carrier.close()
    return path


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For each fault the scenario of the first finding about it."""
    folder = tmp_path_factory.mktemp("scenarios")
    written = {}
    for fault in FAULTS:
        capture = recorded(folder, fault)
        found = json.loads(lastack("check", "--json", capture).stdout)["findings"]
        first = next((f for f in found if f["verdict"] == "violated"), None)
        assert first is not None, f"{fault}: the judge finds nothing"
        printed = lastack("check", capture, "--as-scenario", str(first["number"]))
        assert printed.status == 0 and printed.stdout, printed.stderr
        written[fault] = folder / f"test_{fault.replace('-', '_')}.py"
        written[fault].write_text(printed.stdout)
    return written


def test_the_scenarios_pass_on_the_core(scenarios: dict[str, Path]) -> None:
    result = lastack_process("run", *map(str, scenarios.values()))
    assert result.returncode == 0, result.stdout
    assert f"{len(FAULTS)} passed" in result.stdout


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_the_scenario_fails_on_the_faulty_stack(scenarios: dict[str, Path], fault: str) -> None:
    namespace: dict[str, Any] = {}
    exec(compile(scenarios[fault].read_text(), scenarios[fault], "exec"), namespace)
    (scenario,) = (value for name, value in namespace.items() if name.startswith("test_"))
    carrier = open_sut(f"cmd:{FAULTY} {fault}")
    try:
        lab = Lab(carrier, {"nagle": False})
        with pytest.raises((AssertionError, CallError)):
            scenario(lab)
            lab.finish()
    finally:
        carrier.close()


def test_the_command_line_says_so_too(scenarios: dict[str, Path]) -> None:
    result = lastack_process("run", str(scenarios["late-mss"]), "--sut", f"cmd:{FAULTY} late-mss")
    assert result.returncode == 1 and "1 failed" in result.stdout, result.stdout + result.stderr


@pytest.mark.parametrize("text", [WRONG_ACK, CLOSE])
def test_segments_as_text_become_a_scenario_too(tmp_path: Path, text: str) -> None:
    printed = lastack("check", text_file(tmp_path, text), "--as-scenario", "1")
    (tmp_path / "test_text.py").write_text(printed.stdout)
    result = lastack_process("run", str(tmp_path / "test_text.py"))
    assert result.returncode == 0 and "1 passed" in result.stdout, printed.stdout + result.stdout
