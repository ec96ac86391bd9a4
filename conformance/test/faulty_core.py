"""The built-in core with one deliberate fault in what it sends, as a cmd: program: ``faulty_core.py FAULT``.

It stands between the harness and lastack-sut-core and changes packets on their way out; checksums are made right again.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lastack import _core  # noqa: E402

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
Fields = dict[str, Any]


def _syn_ack(change: Callable[[Fields], None]) -> Callable[[Fields], None]:
    def fault(fields: Fields) -> None:
        if fields["flags"] & (SYN | ACK) == SYN | ACK:
            change(fields)

    return fault


def _plain(change: Callable[[Fields], None]) -> Callable[[Fields], None]:
    def fault(fields: Fields) -> None:
        if not fields["flags"] & (SYN | RST):
            change(fields)

    return fault


def _add(name: str, amount: int) -> Callable[[Fields], None]:
    def change(fields: Fields) -> None:
        fields[name] = (fields[name] + amount) % 2**32

    return change


def _put(name: str, value: Any) -> Callable[[Fields], None]:
    def change(fields: Fields) -> None:
        fields[name] = value

    return change


def _data(change: Callable[[Fields], None]) -> Callable[[Fields], None]:
    def fault(fields: Fields) -> None:
        if fields["payload"]:
            change(fields)

    return fault


def _fin(change: Callable[[Fields], None]) -> Callable[[Fields], None]:
    def fault(fields: Fields) -> None:
        if fields["flags"] & FIN:
            change(fields)

    return fault


def _reset(change: Callable[[Fields], None]) -> Callable[[Fields], None]:
    def fault(fields: Fields) -> None:
        if fields["flags"] & RST:
            change(fields)

    return fault


def _empty(change: Callable[[Fields], None]) -> Callable[[Fields], None]:
    def fault(fields: Fields) -> None:
        if fields["flags"] == ACK and not fields["payload"]:
            change(fields)

    return fault


def _flags_off(bits: int) -> Callable[[Fields], None]:
    def change(fields: Fields) -> None:
        fields["flags"] &= ~bits

    return change


def _option(kind: int, change: Callable[[bytearray, int], None]) -> Callable[[Fields], None]:
    """Changes the option of a kind, given where its value begins, in segments that have it and no SYN."""

    def fault(fields: Fields) -> None:
        octets, at = bytearray(fields["options"]), 0
        while at < len(octets) and octets[at] != 0:
            if octets[at] == kind and not fields["flags"] & SYN:
                change(octets, at + 2)
            at += 1 if octets[at] == 1 else octets[at + 1]
        fields["options"] = bytes(octets)

    return fault


def _number(offset: int, amount: int) -> Callable[[bytearray, int], None]:
    def change(octets: bytearray, at: int) -> None:
        (value,) = struct.unpack_from("!I", octets, at + offset)
        struct.pack_into("!I", octets, at + offset, (value + amount) % 2**32)

    return change


FAULTS: dict[str, Callable[[Fields], None]] = {
    "synack-ack": _syn_ack(_add("ack", 1)),
    "synack-scale": _syn_ack(_put("options", bytes((1, 3, 3, 7)))),
    "synack-timestamps": _syn_ack(_put("options", struct.pack("!BBBBII", 1, 1, 8, 10, 5, 0))),
    "handshake-seq": _empty(_add("seq", -1)),
    "late-mss": _data(_put("options", struct.pack("!BBH", 2, 4, 1460))),
    "reserved": _plain(_put("reserved", 2)),
    "no-ack-bit": _data(_flags_off(ACK)),
    "ack-future": _plain(_add("ack", 100_000)),
    "ack-zero": _plain(_put("ack", 0)),
    "data-skips": _data(_add("seq", 7)),
    "fin-back": _fin(_add("seq", -1)),
    "reset-ack": _reset(_add("ack", -1)),
    "stamp-missing": _data(_put("options", b"")),
    "echo-unsent": _option(8, _number(4, 300_000_000)),
    "sack-unsent": _option(5, _number(4, 5000)),
    "late-scale": _empty(_put("options", bytes((1, 3, 3, 7)))),
}


def spoil(packet: bytes, fault: Callable[[Fields], None]) -> bytes:
    """The packet with the fault."""
    segment = _core.parse(packet)
    assert not isinstance(segment, str), segment
    names = ("src", "dst", "src_port", "dst_port", "seq", "ack", "flags", "window", "urgent", "payload", "reserved")
    fields = {name: getattr(segment, name) for name in names} | {"options": segment.option_octets}
    fault(fields)
    return _core.build(**fields)


def main() -> None:
    fault = FAULTS[sys.argv[1]]
    build = Path(os.environ.get("LASTACK_BUILD_DIR", Path(__file__).resolve().parents[2] / "build"))
    core = subprocess.Popen(
        [build / "sut" / "lastack-sut-core"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert core.stdin and core.stdout
    for line in sys.stdin:
        core.stdin.write(line)
        core.stdin.flush()
        reply = json.loads(core.stdout.readline())
        if reply.get("out"):
            reply["out"] = [spoil(bytes.fromhex(text), fault).hex() for text in reply["out"]]
        print(json.dumps(reply), flush=True)
    core.stdin.close()
    sys.exit(core.wait(10))


if __name__ == "__main__":
    main()
