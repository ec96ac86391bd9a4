"""A `cmd:` program driven directly, without the harness: what the tests of serve, lwip and linux share.

Segments are built and taken apart with Scapy, so that nothing of ours stands on both sides of a check.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from pathlib import Path
from typing import Any

from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet, Raw

SUT, PEER = "192.0.2.1", "192.0.2.2"
SUT6, PEER6 = "2001:db8::1", "2001:db8::2"
REMOTE = {"ip": PEER, "port": 4000}
REPOSITORY = Path(__file__).resolve().parents[2]


def build_dir() -> Path:
    """The build tree: LASTACK_BUILD_DIR, else build/ of this checkout."""
    return Path(os.environ.get("LASTACK_BUILD_DIR", REPOSITORY / "build"))


class Program:
    """The program's process; `ask` sends one request and returns its reply."""

    def __init__(self, *words: str | Path) -> None:
        self.process = subprocess.Popen(
            [str(word) for word in words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.next_id = 0
        self.now_us = 0

    def line(self, text: str, timeout: float = 20.0) -> dict[str, Any]:
        """Sends `text` as it is; the reply must come within `timeout` seconds."""
        assert self.process.stdin and self.process.stdout
        timer = threading.Timer(timeout, self.process.kill)
        timer.start()
        try:
            self.process.stdin.write(text + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        finally:
            timer.cancel()
        assert answer, f"no answer to {text[:100]!r}; status {self.process.poll()}"
        reply: dict[str, Any] = json.loads(answer)
        return reply

    def ask(self, cmd: str, **fields: object) -> dict[str, Any]:
        """One request at the current time."""
        self.next_id += 1
        request = {"id": self.next_id, "cmd": cmd, "t_us": self.now_us, **fields}
        reply = self.line(json.dumps(request))
        assert reply.pop("id") == self.next_id, reply
        return reply

    def app(self, op: str, **fields: object) -> dict[str, Any]:
        """A user call."""
        return self.ask("app", op=op, **fields)

    def send(self, flags: str, seq: int, ack: int = 0, data: bytes = b"", **fields: Any) -> list[Packet]:
        """The peer's segment goes in; returns the TCP segments that come out."""
        ipv6 = fields.pop("ipv6", False)
        network = IPv6(src=PEER6, dst=SUT6) if ipv6 else IP(src=PEER, dst=SUT)
        header = {"sport": 4000, "dport": 80, "window": 65535, **fields}
        packet = network / TCP(flags=flags, seq=seq, ack=ack, **header)
        if data:
            packet /= Raw(data)
        return segments(self.ask("rx", ip=bytes(packet).hex()))

    def state(self, conn: int) -> str:
        """The state of a connection, from `info`."""
        return str(self.ask("info", conn=conn)["info"]["state"])

    def end(self) -> int:
        """Closes the program's input; returns its exit status."""
        assert self.process.stdin
        self.process.stdin.close()
        return self.process.wait(10)

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def segments(reply: dict[str, Any]) -> list[Packet]:
    """The TCP segments of a reply."""
    packets = [bytes.fromhex(text) for text in reply.get("out", [])]
    layers = [IPv6(octets) if octets[0] >> 4 == 6 else IP(octets) for octets in packets]
    return [layer[TCP] for layer in layers if TCP in layer]


def fields(segment: Packet) -> tuple[str, int, int, bytes]:
    """(flags, seq, ack, data) of a TCP layer, for exact comparisons."""
    payload = segment.payload
    padding = type(payload).__name__ in ("Padding", "NoPayload")
    return str(segment.flags), segment.seq, segment.ack, b"" if padding else bytes(payload)


def check_active_open_refused_and_reset(program: Program) -> None:
    """An active open that is refused, then a passive one that is reset: what the user is told, and what every later call answers."""
    opened = program.app("connect", port=5000, remote=REMOTE)
    assert [fields(s) for s in segments(opened)] == [("S", 300, 0, b"")]
    assert program.ask("info", conn=opened["conn"])["info"]["snd_una"] == 300
    program.send("RA", 0, 301, dport=5000)
    assert program.state(opened["conn"]) == "CLOSED"
    events = program.app("events", conn=opened["conn"])
    assert (events["events"], events["reason"]) == (["refused", "closed"], "connection refused")
    program.app("set-iss", value=300)
    conn = established(program)
    program.send("R", 101)
    assert program.app("events", conn=conn)["events"] == ["connected", "reset", "closed"]
    for op, more in (("send", {"data": "00"}), ("recv", {"cap": 10}), ("shutdown", {}), ("close", {}), ("abort", {})):
        assert program.app(op, conn=conn, **more)["error"] == "connection reset", op


def established(program: Program) -> int:
    """The handshake with a listener, handle 0, whose next ISS is 300; the peer's is 100. Returns the accepted handle."""
    assert [fields(s) for s in program.send("S", 100)] == [("SA", 300, 101, b"")]
    assert program.send("A", 101, 301) == []
    accepted = program.app("accept", conn=0)
    assert accepted["remote"] == REMOTE
    return int(accepted["conn"])
