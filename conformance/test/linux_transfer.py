"""A long transfer between the built-in core and the running Linux kernel, both directions, over a path that loses packets.

    linux_transfer.py [--octets N] [--loss SHARE] [--ipv6] [--keep DIRECTORY] [--json]

Every octet is compared; SACK, timestamps and window scale must be negotiated and used; `lastack check` must find no violation at either
end of the path; tshark, where it is installed, must report no error in the first 5,000 packets of each. Needs root (own namespaces, a TUN device, 192.0.2.0/24 and
2001:db8::/64 only). Exit status: 0 all of that holds, 1 it does not, 77 it cannot be tried here, and why.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from core_in_real_time import CoreHost, PcapFile, Way  # noqa: E402
from lastack import _core, _judge  # noqa: E402
from lastack.sut.carrier import AppReply, Configuration  # noqa: E402
from linux_net import ADDRESSES, Namespace, why_not  # noqa: E402

PORT = 5001
BUFFER = 1 << 20
CHUNK = 1 << 16
TSHARK_PACKETS = 5_000
# A prime number of octets, repeated: text that is out of place differs.
BLOCK = random.Random(9293).randbytes(1_048_573)
SYN, ACK = 0x02, 0x10
NOP, END, WINDOW_SCALE, SACK_PERMITTED, SACK, TIMESTAMPS = 1, 0, 3, 4, 5, 8


def stream(position: int, size: int) -> bytes:
    """The text of either direction, from `position` on."""
    at = position % len(BLOCK)
    piece = BLOCK[at : at + size]
    return piece if len(piece) == size else piece + stream(position + len(piece), size - len(piece))


@dataclass
class Reader:
    """Compares what arrives with the stream."""

    octets: int = 0
    wrong: str = ""

    def take(self, data: bytes) -> None:
        """The next octets have been read."""
        if not self.wrong and data != stream(self.octets, len(data)):
            first = next(i for i, (a, b) in enumerate(zip(data, stream(self.octets, len(data)), strict=True)) if a != b)
            self.wrong = f"octet {self.octets + first} differs"
        self.octets += len(data)


@dataclass
class Use:
    """What one end sent, seen at its own tap."""

    segments: int = 0
    syn_options: list[str] = field(default_factory=list)
    with_timestamps: int = 0
    with_sack_blocks: int = 0
    largest_window: int = 0
    sent_again: int = 0


@dataclass
class Result:
    """One direction."""

    direction: str
    octets: int
    intact: bool
    problem: str
    seconds: float
    mbyte_per_s: float
    packets: int
    lost: int
    core: Use
    kernel: Use
    violations: int
    findings: list[str]
    tshark: str


def options_of(octets: bytes) -> dict[int, bytes]:
    """Kind to content."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(octets) and octets[at] != END:
        if octets[at] == NOP:
            at += 1
            continue
        found[octets[at]] = octets[at + 2 : at + octets[at + 1]]
        at += octets[at + 1]
    return found


NAMES = {2: "MSS", WINDOW_SCALE: "window scale", SACK_PERMITTED: "SACK permitted", TIMESTAMPS: "timestamps"}


def use_of(pcap: Path, sender: str) -> Use:
    """Reads the tap at `sender`'s end."""
    use, shift, highest = Use(), 0, None
    with pcap.open("rb") as file:
        file.seek(24)
        while head := file.read(16):
            segment = _core.parse(file.read(int.from_bytes(head[8:12], "little")))
            if isinstance(segment, str) or segment.src != sender:
                continue
            use.segments += 1
            options = options_of(segment.option_octets)
            use.with_timestamps += TIMESTAMPS in options
            use.with_sack_blocks += SACK in options
            if segment.flags & SYN:
                use.syn_options = [NAMES.get(kind, str(kind)) for kind in options]
                shift = options[WINDOW_SCALE][0] if WINDOW_SCALE in options else 0
            else:
                use.largest_window = max(use.largest_window, segment.window << shift)
            end = (segment.seq + len(segment.payload)) % 2**32
            if segment.payload and highest is not None and 0 < (highest - segment.seq) % 2**32 < 2**31:
                use.sent_again += 1
            if segment.payload and (highest is None or (end - highest) % 2**32 < 2**31):
                highest = end
    return use


class KernelEnd(threading.Thread):
    """The kernel's application: connects or listens, sends the stream or reads it, and closes when the peer has."""

    def __init__(self, kernel: Namespace, family: socket.AddressFamily, core: str, sends: bool, octets: int) -> None:
        super().__init__(daemon=True)
        self.reader = Reader()
        self.error = ""
        self._sends, self._octets = sends, octets
        self._core = (core, PORT)
        self._socket = kernel.socket(family)
        self._socket.settimeout(120)
        if not sends:
            self._socket.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", PORT))
            self._socket.listen(1)

    def run(self) -> None:
        """The thread."""
        try:
            if self._sends:
                self._socket.connect(self._core)
                self._send()
            else:
                connection, _ = self._socket.accept()
                connection.settimeout(120)
                with connection:
                    while data := connection.recv(CHUNK):
                        self.reader.take(data)
            self._socket.close()
        except OSError as error:
            self.error = f"the kernel's end: {error}"

    def _send(self) -> None:
        for position in range(0, self._octets, CHUNK):
            self._socket.sendall(stream(position, min(CHUNK, self._octets - position)))
        self._socket.shutdown(socket.SHUT_WR)
        if self._socket.recv(1):
            self.error = "the core has sent text that nobody gave it"


class CoreEnd:
    """The core's application, asked again and again by CoreHost.run."""

    def __init__(self, host: CoreHost, kernel: str, sends: bool, octets: int) -> None:
        self.reader = Reader()
        self.error = ""
        self.done = False
        self._host, self._sends, self._octets = host, sends, octets
        self._sent = 0
        if sends:
            self._connection = self._call("connect", remote=(kernel, PORT)).conn
        else:
            self._listener = self._call("listen", port=PORT, backlog=1).conn
            self._connection = -1

    def step(self) -> bool:
        """Does what can be done now; True when there is more to do at once."""
        if self.done or self.error:
            self.done = True
            return False
        if self._connection < 0:
            reply = self._call("accept", conn=self._listener)
            self._connection = reply.conn if reply.status == "ok" else -1
            return False
        return self._send() if self._sends and self._sent < self._octets else self._read()

    def _send(self) -> bool:
        # A CLOSE in SYN-SENT would delete the connection with all that was given to it (3.10.4).
        if self._host.stack.state(self._host.now_us(), self._connection) == "SYN-SENT":
            return False
        size = min(CHUNK, self._octets - self._sent)
        reply = self._call("send", conn=self._connection, data=stream(self._sent, size))
        if reply.status == "ok":
            self._sent += reply.count
        elif "resources" not in reply.text:
            self.error = f"the core's end: send: {reply.text}"
        if self._sent == self._octets:
            self._call("shutdown", conn=self._connection)
        return reply.count == size

    def _read(self) -> bool:
        reply = self._call("recv", conn=self._connection, cap=CHUNK)
        if reply.status != "ok":
            self.error = f"the core's end: recv: {reply.text}"
            return False
        self.reader.take(reply.data)
        if reply.eof:
            self._call("close", conn=self._connection)
            self.done = True
        return bool(reply.data)

    def _call(self, op: str, **arguments: object) -> AppReply:
        reply = self._host.stack.app(self._host.now_us(), op, **arguments)  # type: ignore[arg-type]
        self._host.send_out(reply.out)
        return reply


def transfer(
    core_sends: bool, octets: int, way: Way, ipv6: bool, directory: Path, limit_s: float, ask_tshark: bool = False
) -> Result:
    """One direction; the captures go to `directory`."""
    direction = "core to kernel" if core_sends else "kernel to core"
    kernel = Namespace()
    tun = kernel.tun("tun0")
    kernel.configure("tun0", "server")
    core_ip, kernel_ip = (ADDRESSES[side][1 if ipv6 else 0] for side in ("client", "server"))
    stem = direction.replace(" ", "-")
    taps = PcapFile(directory / f"{stem}-at-core.pcap"), PcapFile(directory / f"{stem}-at-kernel.pcap")
    configuration = Configuration(
        ip4=ADDRESSES["client"][0], ip6=ADDRESSES["client"][1], rcv_buf=BUFFER, snd_buf=BUFFER, msl_ms=10_000
    )
    host = CoreHost(tun, way, configuration, taps)
    family = socket.AF_INET6 if ipv6 else socket.AF_INET
    kernel_end = KernelEnd(kernel, family, core_ip, not core_sends, octets)
    core_end = CoreEnd(host, kernel_ip, core_sends, octets)
    began = time.monotonic()
    kernel_end.start()
    in_time = host.run(core_end.step, lambda: core_end.done and not kernel_end.is_alive(), limit_s)
    seconds = time.monotonic() - began
    host.run(lambda: False, lambda: time.monotonic() > began + seconds + 1.0, 2.0)  # the last ACKs
    host.stack.close()
    os.close(tun)
    for tap in taps:
        tap.close()
    reader = kernel_end.reader if core_sends else core_end.reader
    problem = kernel_end.error or core_end.error or reader.wrong
    if not in_time:
        problem = problem or f"not finished after {limit_s:.0f} s"
    findings = [finding for tap in taps for finding in violations(tap.path)]
    return Result(
        direction,
        octets,
        not problem and reader.octets == octets,
        problem or ("" if reader.octets == octets else f"{reader.octets} octets arrived"),
        seconds,
        reader.octets / seconds / 1e6,
        way.carried,
        way.lost,
        use_of(taps[0].path, core_ip),
        use_of(taps[1].path, kernel_ip),
        len(findings),
        findings[:10],
        tshark_errors([tap.path for tap in taps]) if ask_tshark else "not asked",
    )


def violations(pcap: Path) -> list[str]:
    """What `lastack check` holds against either end."""
    report = json.loads(_judge.check_file(str(pcap)))
    return [f"{pcap.name} packet {f['packet']} {f['rule']}" for f in report["findings"] if f["verdict"] == "violated"]


def tshark_errors(pcaps: list[Path]) -> str:
    """Errors of Wireshark's expert in the first packets of each capture (it is slow); warnings are normal on a path that loses."""
    if shutil.which("tshark") is None:
        return "not installed"
    errors = 0
    for pcap in pcaps:
        # Without reassembly: the text is random, and what some dissector reads into it is no error of the transfer.
        settings = ("tcp.check_checksum:TRUE", "tcp.desegment_tcp_streams:FALSE")
        words = ["tshark", "-n", "-c", str(TSHARK_PACKETS), "-r", str(pcap), "-Y", "_ws.expert.severity == error"]
        words += [word for setting in settings for word in ("-o", setting)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return f"failed: {done.stderr.strip()[-200:]}"
        errors += len(done.stdout.splitlines())
    return f"{errors} errors"


def complaints(result: Result) -> list[str]:
    """What does not hold; empty when all is as it should be."""
    wrong = [] if result.intact else [result.problem]
    for name, use in (("core", result.core), ("kernel", result.kernel)):
        missing = {"window scale", "SACK permitted", "timestamps"} - set(use.syn_options)
        if missing:
            wrong.append(f"the {name}'s SYN lacks {', '.join(sorted(missing))}")
        if use.with_timestamps != use.segments:
            wrong.append(f"the {name} sent {use.segments - use.with_timestamps} segments without timestamps")
    receiver, name = (result.kernel, "kernel") if result.direction.startswith("core") else (result.core, "core")
    if result.lost and not receiver.with_sack_blocks:
        wrong.append(f"the {name} reported no SACK block")
    if receiver.largest_window <= 0xFFFF:
        wrong.append(f"the {name} offered no window that needs the scale")
    if result.violations:
        wrong.append(f"{result.violations} violations, the first: {result.findings[0]}")
    if result.tshark not in ("not asked", "not installed", "0 errors"):
        wrong.append(f"tshark: {result.tshark}")
    return wrong


def show(result: Result) -> None:
    """The figures of one direction, for people."""
    print(f"{result.direction}: {'ok' if not complaints(result) else 'FAILED'}")
    print(
        f"  {result.octets:,} octets in {result.seconds:.1f} s = {result.mbyte_per_s:.1f} MB/s, "
        f"{'intact' if result.intact else result.problem}"
    )
    print(f"  path: {result.packets:,} packets, {result.lost:,} lost")
    for name, use in (("core", result.core), ("kernel", result.kernel)):
        print(f"  {name:<6} SYN: {', '.join(use.syn_options)}")
        print(
            f"         {use.segments:,} segments, {use.with_timestamps:,} with timestamps, "
            f"{use.with_sack_blocks:,} with SACK blocks,"
        )
        print(f"         {use.sent_again:,} retransmissions, largest window {use.largest_window:,}")
    print(f"  lastack check: {result.violations} violations (both taps); tshark: {result.tshark}")
    for complaint in complaints(result):
        print(f"  FAILED: {complaint}")


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--octets", type=int, default=100_000_000, help="each direction (100,000,000)")
    parser.add_argument("--loss", type=float, default=0.01, help="share of packets lost, each way (0.01)")
    parser.add_argument("--delay", type=float, default=0.001, help="seconds, each way (0.001)")
    parser.add_argument("--reorder", type=float, default=0.0, help="share of packets that come 2 ms late (0)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ipv6", action="store_true")
    parser.add_argument("--limit", type=float, default=900.0, help="seconds for each direction (900)")
    parser.add_argument("--keep", type=Path, help="leave the captures in this directory")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    options = parser.parse_args()
    if reason := why_not():
        print(f"linux_transfer: {reason}", file=sys.stderr)
        return 77
    results = []
    with tempfile.TemporaryDirectory() as scratch:
        directory = options.keep or Path(scratch)
        directory.mkdir(parents=True, exist_ok=True)
        for core_sends in (True, False):
            way = Way(options.loss, options.delay, options.reorder, options.seed)
            results.append(transfer(core_sends, options.octets, way, options.ipv6, directory, options.limit, True))
            if not options.json:
                show(results[-1])
    if options.json:
        print(json.dumps([{**asdict(r), "complaints": complaints(r)} for r in results], indent=1))
    return 1 if any(complaints(r) for r in results) else 0


if __name__ == "__main__":
    sys.exit(main())
