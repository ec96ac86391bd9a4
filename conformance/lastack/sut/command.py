"""The ``cmd:`` carrier: a stack in its own process, JSON lines on its standard streams (conformance/sut/PROTOCOL.md).

It owns the process: start, timeouts, the last lines of its standard error, and a clear report of its death. What a
verb means is not its business; the form of the replies is checked by ``schema``.
"""

from __future__ import annotations

import json
import os
import select
import shlex
import signal
import subprocess
import time
from collections import deque
from typing import NoReturn, cast

from lastack.errors import AdapterBroken, Unavailable, Unsupported, UsageError
from lastack.sut import schema
from lastack.sut.carrier import AppReply, Carrier, Configuration, Hello, Packet

REPLY_TIMEOUT_S = 10.0
HELLO_TIMEOUT_S = 20.0
MAX_LINE = 4 << 20
STDERR_LINES = 20
PROTOCOL = 1

# The request fields of each operation, beside `op` and `t_us`.
_APP_FIELDS = {
    "listen": ("port", "backlog"),
    "connect": ("port", "remote"),
    "accept": ("conn",),
    "send": ("conn", "data", "push", "urgent"),
    "recv": ("conn", "cap"),
    "shutdown": ("conn",),
    "close": ("conn",),
    "abort": ("conn",),
    "set-iss": ("value",),
    "find": ("port", "remote"),
    "set": ("conn", "name", "value"),
    "events": ("conn",),
}


class CommandCarrier(Carrier):
    """A stack behind the ``cmd:`` protocol. A fault ends the process; the next ``create`` starts a new one."""

    def __init__(self, command: str, label: str | None = None, reply_timeout_s: float = REPLY_TIMEOUT_S) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise UsageError(f"cannot split the command of the adapter ({error}): {command}") from error
        if not self._words:
            raise UsageError("cmd: needs a command, e.g. cmd:./my-stack")
        self._label = label or f"cmd:{command}"
        self._reply_timeout_s = reply_timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._received = bytearray()
        self._stderr: deque[str] = deque(maxlen=STDERR_LINES)
        self._id = 0
        self._start()

    # ------------------------------------------------------------------------------------------------------ the verbs

    def create(self, configuration: Configuration) -> tuple[str, ...]:
        if self._process is None:
            self._start()
        reply = self._ask(
            {
                "cmd": "reset",
                "t_us": 0,
                "seed": configuration.seed,
                "ip4": configuration.ip4,
                "ip6": configuration.ip6,
                "mtu": configuration.mtu,
                "rcv_buf": configuration.rcv_buf,
                "snd_buf": configuration.snd_buf,
                "msl_ms": configuration.msl_ms,
                "options": configuration.options,
            }
        )
        if refused := reply.get("error", reply.get("unsupported")):
            raise UsageError(f"{self.hello.name} refuses to start: {refused}")
        # Nobody is there yet to take packets; what a stack sends at birth (IPv6 neighbour messages) is no TCP.
        self._packets(0, reply)
        return tuple(cast("list[str]", reply.get("ignored", [])))

    def rx(self, now_us: int, packet: bytes) -> list[Packet]:
        return self._input(now_us, {"cmd": "rx", "t_us": now_us, "ip": packet.hex()})

    def tick(self, now_us: int, wait_us: int = 0) -> list[Packet]:
        request: schema.Reply = {"cmd": "tick", "t_us": now_us}
        if wait_us:
            request["wait_us"] = wait_us
        return self._input(now_us, request, self._reply_timeout_s + wait_us / 1e6)

    def app(
        self,
        now_us: int,
        op: str,
        *,
        conn: int = -1,
        port: int = 0,
        backlog: int = 0,
        remote: tuple[str, int] | None = None,
        data: bytes = b"",
        cap: int = 0,
        push: bool = False,
        urgent: bool = False,
        name: str = "",
        value: int = 0,
    ) -> AppReply:
        fields: dict[str, object] = {
            "conn": conn,
            "port": port,
            "backlog": backlog,
            "data": data.hex(),
            "cap": cap,
            "push": push,
            "urgent": urgent,
            "name": name,
            "value": value,
            "remote": remote and {"ip": remote[0], "port": remote[1]},
        }
        request: schema.Reply = {"cmd": "app", "t_us": now_us, "op": op}
        request.update((field, fields[field]) for field in _APP_FIELDS.get(op, ()))
        if op == "connect" and data:
            request["data"] = data.hex()  # only a stack with Fast Open is asked to take it
        reply = self._ask(request)
        out = self._packets(now_us, reply)
        for status in ("unsupported", "error"):
            if status in reply:
                return AppReply(status, str(reply[status]), out=out)
        return self._app_reply(op, data, cap, reply, out)

    def _app_reply(self, op: str, data: bytes, cap: int, reply: schema.Reply, out: list[Packet]) -> AppReply:
        count = cast(int, reply.get("count", 0))
        received = bytes.fromhex(str(reply.get("data", "")))
        if op == "send" and count > len(data):
            self._broken(f"field 'count' is {count}, but only {len(data)} octets were offered", reply)
        if op == "recv" and len(received) > cap:
            self._broken(f"field 'data' holds {len(received)} octets, but 'cap' was {cap}", reply)
        remote = cast("dict[str, object] | None", reply.get("remote"))
        return AppReply(
            conn=cast(int, reply.get("conn", -1)),
            count=count or len(received),
            data=received,
            eof=bool(reply.get("eof", False)),
            push=bool(reply.get("push", False)),
            urgent=bool(reply.get("urgent", False)),
            remote=(str(remote["ip"]), cast(int, remote["port"])) if remote else None,
            events=frozenset(cast("list[str]", reply.get("events", []))),
            text=str(reply.get("reason", "")),
            out=out,
        )

    def info(self, now_us: int, conn: int) -> dict[str, object] | None:
        reply = self._ask({"cmd": "info", "t_us": now_us, "conn": conn})
        if "unsupported" in reply:
            raise Unsupported(f"{self.hello.name} does not show its variables: {reply['unsupported']}")
        return cast("dict[str, object] | None", reply.get("info"))

    def raw(self, request: dict[str, object]) -> dict[str, object]:
        """Sends a request as it is (the ``id`` is added) and returns the checked reply; for ``adapter check``."""
        return self._ask(dict(request))

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            try:
                self._ask({"cmd": "bye"}, 2.0)
                if self._process.stdin is not None:
                    self._process.stdin.close()  # the other way to say that there will be no more
                self._process.wait(2.0)
            except (AdapterBroken, subprocess.TimeoutExpired):
                pass
        self._end()

    # ---------------------------------------------------------------------------------------------------- the process

    def _start(self) -> None:
        self._stderr.clear()
        self._received.clear()
        try:
            self._process = subprocess.Popen(
                self._words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable(f"cannot start the adapter {self._label}: {error.strerror}: {self._words[0]}") from error
        reply = self._ask({"cmd": "hello", "protocol": PROTOCOL}, HELLO_TIMEOUT_S)
        if refused := reply.get("unsupported", reply.get("error")):
            self._end()
            raise Unavailable(f"{self._label} is not available here: {refused}")
        caps = frozenset(cast("list[str]", reply["caps"]))
        self.hello = Hello(str(reply["name"]), str(reply["version"]), caps, str(reply.get("profile", "")))

    def _ask(self, request: schema.Reply, timeout_s: float | None = None) -> schema.Reply:
        self._id += 1
        request = {"id": self._id, **request}
        verb = str(request.get("op", request["cmd"]))
        if self._process is None:
            raise AdapterBroken(f"the adapter {self._label} has ended")
        line = self._exchange(json.dumps(request).encode() + b"\n", timeout_s or self._reply_timeout_s, verb)
        try:
            reply: object = json.loads(line)
        except ValueError as error:
            self._broken(f"its reply to {verb} is not JSON ({error})", line)
        if problem := schema.fault(request, reply):
            self._broken(f"its reply to {verb}: {problem}", reply)
        checked = cast(schema.Reply, reply)
        if "internal" in checked:
            self._broken(f"it answers to {verb}: {checked['internal']}", checked)
        return checked

    def _exchange(self, line: bytes, timeout_s: float, verb: str) -> bytes:
        """Writes one line and reads one, watching standard error meanwhile so that neither side can block."""
        process = self._process
        assert process is not None and process.stdin and process.stdout and process.stderr
        deadline = time.monotonic() + timeout_s
        pending = memoryview(line)
        sources = [process.stdout, process.stderr]
        while True:
            if (end := self._received.find(b"\n")) >= 0 and not pending:
                answer = bytes(self._received[:end])
                del self._received[: end + 1]
                return answer
            left = deadline - time.monotonic()
            if left <= 0:
                self._broken(f"it did not answer {verb} within {timeout_s:g} s")
            readable, writable, _ = select.select(sources, [process.stdin] if pending else [], [], left)
            if writable:
                try:
                    pending = pending[os.write(process.stdin.fileno(), pending[:65536]) :]
                except BrokenPipeError:
                    self._died(verb)
            if process.stderr in readable and not self._read_stderr():
                sources.remove(process.stderr)
            if process.stdout in readable:
                chunk = os.read(process.stdout.fileno(), 1 << 20)
                if not chunk:
                    self._died(verb)
                self._received += chunk
                if len(self._received) > MAX_LINE:
                    self._broken(f"its reply to {verb} is longer than {MAX_LINE} octets")

    def _read_stderr(self) -> bool:
        assert self._process is not None and self._process.stderr
        chunk = os.read(self._process.stderr.fileno(), 65536)
        self._stderr.extend(chunk.decode(errors="replace").splitlines())
        return bool(chunk)

    def _died(self, verb: str) -> NoReturn:
        assert self._process is not None and self._process.stderr
        try:
            status = self._process.wait(2.0)
        except subprocess.TimeoutExpired:
            self._broken(f"it closed its output before it answered {verb}")
        while select.select([self._process.stderr], [], [], 0.1)[0] and self._read_stderr():
            pass
        cause = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"exited with status {status}"
        self._broken(f"it {cause} before it answered {verb}")

    def _broken(self, what: str, shown: object = None) -> NoReturn:
        self._end()
        lines = [f"the adapter {self._label} is broken: {what}"]
        if shown is not None:
            text = shown.decode(errors="replace") if isinstance(shown, bytes) else json.dumps(shown)
            lines.append("  reply: " + (text if len(text) <= 300 else text[:297] + "..."))
        if self._stderr:
            lines.append("  its last lines on standard error:")
            lines.extend(f"  | {line}" for line in self._stderr)
        raise AdapterBroken("\n".join(lines))

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()

    # ------------------------------------------------------------------------------------------------------- helpers

    def _input(self, now_us: int, request: schema.Reply, timeout_s: float | None = None) -> list[Packet]:
        reply = self._ask(request, timeout_s)
        if refused := reply.get("error", reply.get("unsupported")):
            self._broken(f"{request['cmd']} cannot be refused, it answers: {refused}", reply)
        return self._packets(now_us, reply)

    def _packets(self, now_us: int, reply: schema.Reply) -> list[Packet]:
        self.next_us = cast("int | None", reply.get("next_us"))
        out = cast("list[str]", reply.get("out", []))
        times = cast("list[int]", reply.get("out_t_us", [now_us] * len(out)))
        return [(at, bytes.fromhex(packet)) for at, packet in zip(times, out, strict=True)]
