"""``lastack check --as-scenario``: a conversation with a faulty stack is recorded and judged; the scenario that comes from the
finding fails on that stack and passes on the core without the fault.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

import faults
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


def talk_with_options(lab: Lab) -> None:
    """Timestamps, SACK and window scale; a segment of the peer is late, one of the stack is lost."""
    sut, peer = lab.listen(port=80, iss=5_000_000), lab.peer(port=4000)
    wishes = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (77_000, 0)), ("NOP", None), ("WScale", 7)]
    peer.send(TCP(flags="S", seq=1_000_000, options=wishes))
    lab.advance(0.02)
    peer.send(TCP(flags="A", seq=1_000_001, ack=5_000_001, window=500, options=peer.stamp(77_020)))
    for start in (1_000_101, 1_000_001, 1_000_201):
        lab.advance(0.02)
        peer.send(TCP(flags="PA", seq=start, ack=5_000_001, window=500, options=peer.stamp(77_040)), data=b"x" * 100)
    for _ in range(3):
        lab.advance(0.02)
        sut.send(b"y" * 200, push=True)
    block = [("NOP", None), ("NOP", None), ("SAck", (5_000_201, 5_000_601))]
    peer.send(TCP(flags="A", seq=1_000_301, ack=5_000_001, window=500, options=peer.stamp(77_100) + block))
    lab.advance(0.5)
    peer.send(TCP(flags="A", seq=1_000_301, ack=5_000_601, window=500, options=peer.stamp(77_600)))
    sut.shutdown()
    peer.drain()


TALKS = {
    "handshake-seq": talk_active,
    "reset-ack": talk_refused,
    "fin-back": talk_long,
    "stamp-missing": talk_with_options,
    "echo-unsent": talk_with_options,
    "sack-unsent": talk_with_options,
    "late-scale": talk_with_options,
}


def recorded(folder: Path, fault: str) -> Path:
    """A capture of the conversation with the faulty stack."""
    carrier = open_sut(f"cmd:{FAULTY} {fault}")
    try:
        lab = Lab(carrier, {"nagle": False, "timestamps": True, "sack": True, "window_scale": True})
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


def fails_on(scenario_file: Path, fault: str) -> None:
    """Plays a printed scenario against the faulty stack, as its marker wants it; it must fail."""
    namespace: dict[str, Any] = {}
    exec(compile(scenario_file.read_text(), scenario_file, "exec"), namespace)
    (scenario,) = (value for name, value in namespace.items() if name.startswith("test_"))
    chosen = next(mark.kwargs for mark in scenario.pytestmark if mark.name == "lab")
    carrier = open_sut(f"cmd:{FAULTY} {fault}")
    try:
        lab = Lab(carrier, chosen)
        with pytest.raises((AssertionError, CallError)):
            scenario(lab)
            lab.finish()
    finally:
        carrier.close()


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_the_scenario_fails_on_the_faulty_stack(scenarios: dict[str, Path], fault: str) -> None:
    fails_on(scenarios[fault], fault)


# Faults seeded into a recording of the Linux kernel, and the faulty stack that does the same.
SEEDED = {
    "SYN-ACK: ACK one too high": "synack-ack",
    "refusal: ACK is the SYN's number": "reset-ack",
    "reserved bits": "reserved",
    "MSS option without SYN": "late-mss",
    "ACK bit off": "no-ack-bit",
    "timestamps missing": "stamp-missing",
    "TSecr never sent": "echo-unsent",
    "window scale option without SYN": "late-scale",
}


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One scenario for each kind of fault that the judge convicts."""
    folder = tmp_path_factory.mktemp("seeded")
    trace = faults.Trace(Path(__file__).with_name("captures") / "plain-ipv6-server.pcap.xz")
    written = {}
    for number, kind in enumerate(faults.KINDS):
        fault = faults.seeded(trace, kind, random.Random(f"scenario {kind.name}"))
        if fault is None:
            continue
        capture = folder / f"{number}.pcap"
        trace.write(capture, [fault.changed])
        found = json.loads(lastack("check", "--json", capture).stdout)["findings"]
        if first := next((f for f in found if f["verdict"] == "violated"), None):
            printed = lastack("check", capture, "--as-scenario", str(first["number"]))
            assert printed.status == 0, printed.stderr
            written[kind.name] = folder / f"test_kind_{number}.py"
            written[kind.name].write_text(printed.stdout)
    return written


def test_seeded_faults_become_scenarios_that_pass_on_the_core(seeded: dict[str, Path]) -> None:
    assert len(seeded) > 40 and SEEDED.keys() <= seeded.keys()
    result = lastack_process("run", *map(str, seeded.values()))
    assert result.returncode == 0, result.stdout
    assert f"{len(seeded)} passed" in result.stdout


@pytest.mark.parametrize("kind", sorted(SEEDED))
def test_seeded_faults_become_scenarios_that_fail_on_such_a_stack(seeded: dict[str, Path], kind: str) -> None:
    fails_on(seeded[kind], SEEDED[kind])


def test_the_options_of_the_recording_are_said(scenarios: dict[str, Path]) -> None:
    """The end needs them: without SACK a stack sends no blocks, and without timestamps no echo."""
    text = scenarios["sack-unsent"].read_text()
    assert "timestamps=True, sack=True, window_scale=True" in text
    assert '("Timestamp", (1000, 0)), ("NOP", None), ("WScale", 7)]' in text
    assert "window=500, options=peer.stamp(1020)" in text


def test_the_command_line_says_so_too(scenarios: dict[str, Path]) -> None:
    result = lastack_process("run", str(scenarios["late-mss"]), "--sut", f"cmd:{FAULTY} late-mss")
    assert result.returncode == 1 and "1 failed" in result.stdout, result.stdout + result.stderr


@pytest.mark.parametrize("text", [WRONG_ACK, CLOSE])
def test_segments_as_text_become_a_scenario_too(tmp_path: Path, text: str) -> None:
    printed = lastack("check", text_file(tmp_path, text), "--as-scenario", "1")
    (tmp_path / "test_text.py").write_text(printed.stdout)
    result = lastack_process("run", str(tmp_path / "test_text.py"))
    assert result.returncode == 0 and "1 passed" in result.stdout, printed.stdout + result.stdout


STAMPED = """\
C > S SYN seq=1000 mss=1460 ts=1:0
S > C SYN,ACK seq=5000 ack=1001 mss={mss} ts=1:1
C > S ACK seq=1001 ack=5001 ts=2:1
C > S PSH,ACK seq=1001 ack=5001 ts=3:1 len={octets}
S > C ACK seq=5001 ack=1000000 ts=3:3
C > S ACK seq={end} ack=5001 ts=4:3
S > C ACK seq=5001 ack={end} ts=5:3
"""


@pytest.mark.parametrize(
    "mss, octets, sent, chosen",
    [
        (
            1460,
            1448,
            'data=b"x" * 1448)  # packet 4',
            "",
        ),  # as captured: 1400 and 48 would be acknowledged at another time
        (1460, 4344, "range(0, 4344, 1448):  # packet 4", ""),  # cut later by the card
        (8960, 8948, 'data=b"x" * 8948)  # packet 4', ", mtu=9000"),
        (8960, 20000, "range(0, 20000, 8948):  # packet 4", ""),
        (536, 524, 'data=b"x" * 524)  # packet 4', ""),
    ],
)
def test_the_peer_sends_the_segments_as_they_were_captured(
    tmp_path: Path, mss: int, octets: int, sent: str, chosen: str
) -> None:
    text = STAMPED.format(mss=mss, octets=octets, end=1001 + octets)
    printed = lastack("check", text_file(tmp_path, text), "--as-scenario", "1", "--rules", "ack-of-unsent-data")
    assert sent in printed.stdout, printed.stdout + printed.stderr
    assert f"@pytest.mark.lab(nagle=False, timestamps=True{chosen})" in printed.stdout
    (tmp_path / "test_text.py").write_text(printed.stdout)
    result = lastack_process("run", str(tmp_path / "test_text.py"))
    assert result.returncode == 0 and "1 passed" in result.stdout, printed.stdout + result.stdout
