"""The 18 implementation problems of RFC 2525, each rebuilt as a capture, and the same conversation done right.

    rfc2525.py DIRECTORY [--seeds N]        writes the captures and prints what the judge makes of them

The ends are toy_tcp.py's, one of them with one flaw, seen at the tap where RFC 2525 shows the problem. A seed changes what does not matter: initial numbers, round trip, IP
version, MSS, timestamps. `Problem.rules` are the rules that may recognise it, as a violation or as a note.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import degrade  # noqa: E402
from toy_tcp import End, Net, pair  # noqa: E402

_RAW_IP = 101
TEXT = bytes(range(33, 123)) * 4000


@dataclass
class Scene:
    """One conversation about to be held: the net, and how the ends are to be made."""

    net: Net
    chance: random.Random
    flaw: str
    a: dict[str, Any]
    b: dict[str, Any]

    def ends(self, guilty: str, **choices: Any) -> tuple[End, End]:
        """Both ends; ``guilty`` has the flaw and the choices given."""
        (self.a if guilty == "a" else self.b).update(choices, flaw=self.flaw)
        return pair(self.net, self.a, self.b)


def _talk(scene: Scene, one: End) -> None:
    """The three-way handshake, to its end."""
    one.connect()
    scene.net.run(10 * scene.net.delay)


def no_initial_slow_start(scene: Scene) -> None:
    """The server answers a question with everything that the window takes."""
    a, b = scene.ends("b")
    _talk(scene, a)
    a.send(b"question")
    b.send(TEXT[:50_000])
    scene.net.run(30)
    b.close()
    a.close()
    scene.net.run(30)


def _muted_after(scene: Scene, sender: End, receiver: End, segments: int, seconds: float) -> None:
    """Once so many segments are out, whatever the receiver says is lost for a while."""
    while sender.new_segments < segments:
        scene.net.run(0.0005)
    receiver.muted = True
    scene.net.run(seconds)
    receiver.muted = False


def no_slow_start_after_timeout(scene: Scene) -> None:
    """A segment is lost, and the duplicate ACKs for it, too; the ACK of its repetition frees the whole window."""
    a, b = scene.ends("a", lose={40})
    _talk(scene, a)
    a.send(TEXT[:150_000])
    _muted_after(scene, a, b, 40, 0.4)
    scene.net.run(60)
    a.close()
    b.close()
    scene.net.run(10)


def uninitialized_cwnd(scene: Scene) -> None:
    """A SYN-ACK without MSS option."""
    scene.b["mss"] = 0
    a, b = scene.ends("a")
    _talk(scene, a)
    a.send(TEXT[:40_000])
    scene.net.run(30)
    a.close()
    b.close()
    scene.net.run(10)


def inconsistent_retransmission(scene: Scene) -> None:
    """The ACKs are lost, so text is sent again: with the octets one place further."""
    a, b = scene.ends("a")
    _talk(scene, a)
    a.send(TEXT[:30_000])
    _muted_after(scene, a, b, 2, 0.4)
    scene.net.run(30)
    a.close()
    b.close()
    scene.net.run(10)


def above_sequence_data(scene: Scene) -> None:
    """The receiver throws away what comes before its turn."""
    scene.a["lose"] = {20}
    a, b = scene.ends("b")
    _talk(scene, a)
    a.send(TEXT[:80_000])
    scene.net.run(120)
    a.close()
    b.close()
    scene.net.run(10)


def extra_constant(scene: Scene) -> None:
    """A long transfer in congestion avoidance."""
    scene.b["buffer"] = 65_000
    size = min(scene.a["mss"], 536)
    scene.a["mss"] = scene.b["mss"] = size
    a, b = scene.ends("a", ssthresh=4 * size)
    scene.net.delay = 0.05
    _talk(scene, a)
    a.send(TEXT[:250_000])
    scene.net.run(120)
    a.close()
    b.close()
    scene.net.run(10)


def low_initial_rto(scene: Scene) -> None:
    """A path of 600 ms and more, a first time-out of 200 ms."""
    scene.net.delay = 0.31 + 0.1 * scene.chance.random()
    a, b = scene.ends("a", minimum_rto=0.2 if scene.flaw else 1.0)
    _talk(scene, a)
    a.send(TEXT[:6000])
    scene.net.run(60)
    a.close()
    b.close()
    scene.net.run(10)


def window_not_deflated(scene: Scene) -> None:
    """One loss in a window large enough for fast recovery."""
    a, b = scene.ends("a", lose={40}, ssthresh=12 * 1460)
    b.ack_every = 1
    _talk(scene, a)
    a.send(TEXT[:200_000])
    scene.net.run(60)
    a.close()
    b.close()
    scene.net.run(10)


def short_keep_alive(scene: Scene) -> None:
    """The peer is gone: five probes a second apart, and the connection is dropped."""
    a, b = scene.ends("a", keep_alive=(7200.0, 1.1, 5) if scene.flaw else (7200.0, 75.0, 9))
    _talk(scene, a)
    a.send(b"hello")
    scene.net.run(5)
    b.deaf = True
    scene.net.run(12_000)


def no_back_off(scene: Scene) -> None:
    """The peer is disconnected while text waits for an ACK."""
    a, b = scene.ends("a")
    _talk(scene, a)
    a.send(b"ls")
    scene.net.run(3)
    b.deaf = True
    a.send(b"pw")
    scene.net.run(700)


def frequent_keep_alive(scene: Scene) -> None:
    """An idle connection, probed every 13 minutes by default."""
    a, _ = scene.ends("a", keep_alive=(808.2 if scene.flaw else 7200.0, 75.0, 9))
    _talk(scene, a)
    scene.net.run(5 * 7300)


def probe_deadlock(scene: Scene) -> None:
    """A window that shuts, one octet read, a probe accepted, and then text of the other end's own."""
    a, b = scene.ends("a", buffer=16_000, reading=False)
    _talk(scene, a)
    b.send(TEXT[:40_000])
    scene.net.run(2)
    a.read(1)
    scene.net.run(5)
    a.send(TEXT[:20_000])
    scene.net.run(12)
    a.reading = True
    a.read(40_000)
    scene.net.run(40)


def stretch_acks(scene: Scene) -> None:
    """One ACK for every third full-sized segment."""
    a, b = scene.ends("b")
    a.initial_window = 9
    _talk(scene, a)
    a.send(TEXT[:150_000])
    scene.net.run(60)
    a.close()
    b.close()
    scene.net.run(10)


def two_segments(scene: Scene) -> None:
    """A fast retransmission is followed by twelve octets more."""
    scene.a["timestamps"] = scene.b["timestamps"] = True
    a, b = scene.ends("a", lose={12})
    _talk(scene, a)
    a.send(TEXT[:60_000])
    scene.net.run(30)
    a.close()
    b.close()
    scene.net.run(10)


def late_fin(scene: Scene) -> None:
    """The FIN waits until all text is acknowledged, and the acknowledgement is delayed."""
    a, b = scene.ends("b")
    _talk(scene, a)
    for _ in range(3):
        a.send(b"get")
        scene.net.run(1)
        b.send(b"0123456789")
        scene.net.run(1)
    b.send(b"last answer, then the application closes" * 2)
    b.close()
    scene.net.run(5)
    a.close()
    scene.net.run(10)


def half_duplex_close(scene: Scene) -> None:
    """The client's application leaves in the middle of a transfer; text that comes then is kept and the window shuts."""
    a, b = scene.ends("a", buffer=12_000)
    _talk(scene, a)
    a.send(b"GET / HTTP/1.0\r\n\r\n")
    b.send(TEXT[:100_000])
    scene.net.run(5 * scene.net.delay)
    a.leave()
    scene.net.run(90)


def close_with_data_pending(scene: Scene) -> None:
    """The server's application ends with a full buffer that nobody will read."""
    a, b = scene.ends("b", buffer=8_000, reading=False)
    _talk(scene, a)
    a.send(TEXT[:20_000])
    scene.net.run(9)
    b.leave()
    scene.net.run(90)


def options_not_counted(scene: Scene) -> None:
    """Segments as large as the MSS, and options on top."""
    with_ip = scene.net.family == 4 and scene.chance.random() < 0.5
    if with_ip:
        scene.a["timestamps"] = scene.b["timestamps"] = scene.chance.random() < 0.5
    else:
        scene.a["timestamps"] = scene.b["timestamps"] = True
    a, b = scene.ends("a", ip_options=8 if with_ip else 0)
    _talk(scene, a)
    a.send(TEXT[:40_000])
    scene.net.run(30)
    a.close()
    b.close()
    scene.net.run(10)


@dataclass(frozen=True)
class Problem:
    """One problem: its section, the flaw of toy_tcp.py, who has it, where the tap is, and which rules recognise it."""

    section: str
    name: str
    flaw: str
    guilty: str
    tap: str
    scene: Callable[[Scene], None]
    rules: tuple[str, ...]


PROBLEMS = (
    Problem("2.1", "No initial slow start", "no slow start", "b", "b", no_initial_slow_start, ("initial-window",)),
    Problem("2.2", "No slow start after retransmission timeout", "no slow start after time-out", "a", "a", no_slow_start_after_timeout, ("no-slow-start-after-timeout",)),
    Problem("2.3", "Uninitialized CWND", "no MSS, no window", "a", "a", uninitialized_cwnd, ("initial-window",)),
    Problem("2.4", "Inconsistent retransmission", "other octets", "a", "b", inconsistent_retransmission, ("payload-changed",)),
    Problem("2.5", "Failure to retain above-sequence data", "above-sequence data", "b", "b", above_sequence_data, ("beyond-hole-not-kept", "duplicate-ack-missing")),
    Problem("2.6", "Extra additive constant in congestion avoidance", "extra constant", "a", "a", extra_constant, ("window-grows-too-fast",)),
    Problem("2.7", "Initial RTO too low", "low initial RTO", "a", "a", low_initial_rto, ("rto-below-round-trip", "rto-below-minimum")),
    Problem("2.8", "Failure of window deflation after loss recovery", "window not deflated", "a", "a", window_not_deflated, ("window-not-deflated",)),
    Problem("2.9", "Excessively short keepalive connection timeout", "short keep-alive", "a", "b", short_keep_alive, ("keep-alive-retry",)),
    Problem("2.10", "Failure to back off retransmission timeout", "no back-off", "a", "mid", no_back_off, ("rto-not-backed-off",)),
    Problem("2.11", "Insufficient interval between keepalives", "frequent keep-alive", "a", "b", frequent_keep_alive, ("keep-alive-interval",)),
    Problem("2.12", "Window probe deadlock", "probe deadlock", "a", "a", probe_deadlock, ("acknowledged-data-resent",)),
    Problem("2.13", "Stretch ACK violation", "stretch ACK", "b", "b", stretch_acks, ("stretch-ack",)),
    Problem("2.14", "Retransmission sends multiple packets", "two segments", "a", "a", two_segments, ("repetition-with-stump",)),
    Problem("2.15", "Failure to send FIN notification promptly", "late FIN", "b", "b", late_fin, ("fin-not-prompt",)),
    Problem("2.16", "Failure to send a RST after half duplex close", "half-duplex close", "a", "a", half_duplex_close, ("close-with-data-pending",)),
    Problem("2.17", "Failure to RST on close with data pending", "close with data pending", "b", "b", close_with_data_pending, ("close-with-data-pending",)),
    Problem("2.18", "Options missing from TCP MSS calculation", "options not counted", "a", "b", options_not_counted, ("segment-over-mss",)),
)  # fmt: skip


def capture(problem: Problem, flawed: bool, seed: int, path: Path) -> None:
    """Holds the conversation once and writes what the problem's tap saw."""
    chance = random.Random(f"{problem.section} {seed}")
    net = Net(delay=chance.choice((0.015, 0.03, 0.06)), family=chance.choice((4, 6)))
    stamped, mss = chance.random() < 0.5, chance.choice((1460, 1400, 536))
    ends = [
        {"iss": chance.choice((0, 0xFFFFF000)) + chance.randrange(1, 0xFFF), "mss": mss, "timestamps": stamped}
        for _ in "ab"
    ]
    problem.scene(Scene(net, chance, problem.flaw if flawed else "", *ends))
    degrade.write(path, _RAW_IP, net.recorded(problem.tap))


def accused(problem: Problem, path: Path) -> tuple[list[str], list[str]]:
    """Rules held against the guilty end, and against the other one; SHOULDs and notes count, inconclusive findings do not."""
    from lastack import _judge

    report = json.loads(_judge.check_file(str(path), strict=True))
    found = [f for f in report["findings"] if f["verdict"] != "inconclusive"]
    ours = ("192.0.2.1", "[2001:db8::1]") if problem.guilty == "a" else ("192.0.2.2", "[2001:db8::2]")
    guilty = [f["rule"] for f in found if f["endpoint"].rsplit(":", 1)[0] in ours]
    return sorted(set(guilty)), sorted({f["rule"] for f in found if f["endpoint"].rsplit(":", 1)[0] not in ours})


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seeds", type=int, default=4)
    options = parser.parse_args()
    options.directory.mkdir(parents=True, exist_ok=True)
    recognised = clean = 0
    for problem in PROBLEMS:
        for seed in range(options.seeds):
            found = {}
            for flawed in (True, False):
                path = options.directory / f"{problem.section}-{'wrong' if flawed else 'right'}-{seed}.pcap"
                capture(problem, flawed, seed, path)
                found[flawed] = accused(problem, path)
            hit = bool(set(found[True][0]) & set(problem.rules))
            recognised += hit
            clean += found[False] == ([], [])
            print(
                f"{problem.section:5} seed {seed} {'recognised' if hit else 'not yet   '} wrong: {found[True]} right: {found[False]}"
            )
    total = len(PROBLEMS) * options.seeds
    print(f"{recognised} of {total} recognised, {clean} of {total} right ones clean")
    return 0


if __name__ == "__main__":
    sys.exit(main())
