"""A toy stack that speaks the cmd: protocol, and breaks it on demand: ``fake_adapter.py [FAULT]``.

It answers a SYN to its listener, acknowledges data, and knows nothing else. It chooses its own initial sequence
numbers, so that renumbering is used. ``wall`` runs on its own clock; ``late`` too, and answers 0.1 s late. Faults: die,
kill, hang, nonsense, wrong-id, wrong-field, bad-hex, two-outcomes, extra-line-noise, refuse, wrong-ack, float-time.
"""

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lastack import _core  # noqa: E402

SYN, ACK, FIN, RST = 2, 16, 1, 4


class Toy:
    """One listener, any number of connections keyed by the peer's address."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.reset()

    def reset(self) -> None:
        self.iss = 7_000_000
        self.port: int | None = None
        self.conns: dict[tuple[str, int], dict[str, int]] = {}

    def rx(self, packet: bytes) -> list[str]:
        got = _core.parse(packet)
        if isinstance(got, str) or not got.checksum_ok or got.dst_port != self.port:
            return []
        key = (got.src, got.src_port)
        if got.flags & SYN:
            self.iss += 100_000
            self.conns[key] = {"conn": len(self.conns) + 1, "iss": self.iss, "rcv_nxt": (got.seq + 1) % 2**32}
            return [self.reply(got, self.iss, SYN | ACK)]
        conn = self.conns.get(key)
        if conn is None or got.flags & RST:
            return []
        conn["rcv_nxt"] = (conn["rcv_nxt"] + len(got.payload)) % 2**32
        return [self.reply(got, conn["iss"] + 1, ACK)] if got.payload else []

    def reply(self, got: _core.Segment, seq: int, flags: int) -> str:
        ack = self.conns[(got.src, got.src_port)]["rcv_nxt"] + (self.fault == "wrong-ack" and not flags & SYN)
        return _core.build(
            src=got.dst,
            dst=got.src,
            src_port=got.dst_port,
            dst_port=got.src_port,
            seq=seq,
            ack=ack,
            flags=flags,
            window=1000,
        ).hex()

    def app(self, request: dict) -> dict:
        if request["op"] == "listen":
            self.port = request["port"]
            return {"conn": 0}
        if request["op"] == "find":
            conn = self.conns.get((request["remote"]["ip"], request["remote"]["port"]))
            return {"conn": conn["conn"]} if conn else {"error": "connection does not exist"}
        return {"unsupported": f"the toy has no {request['op']}"}

    def answer(self, request: dict) -> dict:
        verb = request["cmd"]
        if verb == "hello":
            caps = [] if self.fault in ("wall", "late") else ["virtual-time"]
            return {"protocol": 1, "name": "toy", "version": "1", "caps": caps}
        if verb == "reset":
            self.reset()
            return {"error": "no more memory"} if self.fault == "refuse" else {}
        if verb == "rx":
            return {"out": self.rx(bytes.fromhex(request["ip"]))}
        if verb == "app":
            return self.app(request)
        if verb in ("tick", "bye"):
            return {}
        return {"unsupported": f"no {verb}"}


def misbehave(fault: str, reply: dict) -> str | None:
    """The line to write instead of the reply; None for the reply itself."""
    if fault == "die":
        print("toy: cannot go on\nlast words", file=sys.stderr, flush=True)
        sys.exit(3)
    if fault == "kill":
        os.kill(os.getpid(), 11)
    if fault == "hang":
        time.sleep(60)
    if fault == "late":
        time.sleep(0.1)
    broken = {
        "nonsense": "hello, world",
        "wrong-id": json.dumps({**reply, "id": 999}),
        "wrong-field": json.dumps({**reply, "packets": []}),
        "bad-hex": json.dumps({**reply, "out": ["45zz"]}),
        "two-outcomes": json.dumps({"id": reply["id"], "error": "a", "unsupported": "b"}),
        "float-time": json.dumps({**reply, "next_us": 1.5}),
        "internal": json.dumps({"id": reply["id"], "internal": "my own bug"}),
    }
    return broken.get(fault)


def main() -> None:
    fault, _, when = (sys.argv[1] if len(sys.argv) > 1 else "").partition("@")
    toy = Toy(fault)
    for line in sys.stdin:
        request = json.loads(line)
        reply = {"id": request["id"], **toy.answer(request)}
        text = misbehave(fault, reply) if request["cmd"] == (when or "rx") else None
        print(text or json.dumps(reply), flush=True)


main()
