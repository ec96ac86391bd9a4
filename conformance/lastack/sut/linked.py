"""Carriers inside this process: the built-in core and shared objects, both through the C ABI."""

from __future__ import annotations

from typing import NoReturn, cast

from lastack import _core
from lastack.errors import AdapterBroken, Unavailable, Unsupported, UsageError
from lastack.sut.carrier import EVENTS, AppReply, Carrier, Configuration, Hello, Packet

# lastack_sut.h
_OK, _UNSUPPORTED, _ERROR = 0, -1, -2
_OPERATIONS = {
    "listen": 1,
    "connect": 2,
    "accept": 3,
    "send": 4,
    "recv": 5,
    "shutdown": 6,
    "close": 7,
    "abort": 8,
    "set-iss": 9,
    "find": 10,
    "set": 11,
    "events": 12,
}
_UNKNOWN_OPERATION = 9999
_SEND_PUSH, _SEND_URGENT = 1, 2
_RECV_EOF, _RECV_PUSH, _RECV_URGENT = 1, 2, 4


class StackCarrier(Carrier):
    """A stack behind the C ABI. A crash of the stack is a crash of this process: use ``cmd:`` for stacks you do not
    trust.
    """

    def __init__(self, stack: _core.Stack) -> None:
        self._stack = stack
        self.hello = Hello(stack.name, stack.version, frozenset(stack.caps), stack.profile)

    def create(self, configuration: Configuration) -> tuple[str, ...]:
        created, text = self._stack.create(
            now_us=0,
            seed=configuration.seed,
            ip4=configuration.ip4,
            ip6=configuration.ip6,
            mtu=configuration.mtu,
            rcv_buf=configuration.rcv_buf,
            snd_buf=configuration.snd_buf,
            msl_ms=configuration.msl_ms,
            options=configuration.options,
        )
        if not created:
            raise UsageError(f"{self.hello.name} refuses to start: {text or 'without a reason'}")
        self.next_us = self._stack.next(0)
        return tuple(name for name in text.split(",") if name)

    def rx(self, now_us: int, packet: bytes) -> list[Packet]:
        return self._input("rx", now_us, self._guarded(self._stack.rx, now_us, packet))

    def tick(self, now_us: int, wait_us: int = 0) -> list[Packet]:
        return self._input("tick", now_us, self._guarded(self._stack.tick, now_us))

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
        flags = (_SEND_PUSH if push else 0) | (_SEND_URGENT if urgent else 0)
        try:
            answer = self._stack.app(
                now_us,
                _OPERATIONS.get(op, _UNKNOWN_OPERATION),
                conn=conn,
                flags=flags,
                backlog=backlog,
                value=value,
                name=name,
                port=port,
                remote=remote,
                data=data,
                cap=cap,
            )
        except RuntimeError as error:
            self._broken(f"app {op}: {error}")
        self.next_us = cast("int | None", answer["next"])
        out = [(now_us, packet) for packet in cast("list[bytes]", answer["out"])]
        status, text = cast(int, answer["status"]), str(answer["error"])
        if status == _UNSUPPORTED:
            return AppReply("unsupported", text or f"{self.hello.name} has no {op}", out=out)
        if status == _ERROR:
            return AppReply("error", text or "refused without a reason", out=out)
        if status != _OK:
            self._broken(f"app {op} answers status {status}: {text}")
        bits = cast(int, answer["flags"])
        return AppReply(
            conn=cast(int, answer["conn"]),
            count=cast(int, answer["count"]),
            data=cast(bytes, answer["data"]),
            eof=op == "recv" and bool(bits & _RECV_EOF),
            push=op == "recv" and bool(bits & _RECV_PUSH),
            urgent=op == "recv" and bool(bits & _RECV_URGENT),
            remote=cast("tuple[str, int] | None", answer["remote"]),
            events=frozenset(event for bit, event in enumerate(EVENTS) if op == "events" and bits >> bit & 1),
            text=text if op == "events" else "",
            out=out,
        )

    def info(self, now_us: int, conn: int) -> dict[str, object] | None:
        answer = self._guarded(self._stack.info, now_us, conn)
        if isinstance(answer, dict):
            return cast("dict[str, object]", answer)
        if answer == _UNSUPPORTED:
            raise Unsupported(f"{self.hello.name} does not show its variables (no info)")
        if answer == _ERROR:
            return None
        self._broken(f"info answers status {answer}")

    def state(self, now_us: int, conn: int) -> str | None:
        return self._stack.state(now_us, conn)

    def close(self) -> None:
        self._stack.destroy()

    def _input(self, verb: str, now_us: int, answer: object) -> list[Packet]:
        status, packets, self.next_us = cast("tuple[int, list[bytes], int | None]", answer)
        if status != _OK:
            self._broken(f"{verb} answers status {status}")
        return [(now_us, packet) for packet in packets]

    def _guarded(self, call: object, *arguments: object) -> object:
        try:
            return call(*arguments)  # type: ignore[operator]
        except RuntimeError as error:
            self._broken(str(error))

    def _broken(self, what: str) -> NoReturn:
        raise AdapterBroken(f"the adapter of {self.hello.name} is broken: {what}")


def linked_core() -> StackCarrier:
    """The built-in core."""
    try:
        return StackCarrier(_core.linked_core())
    except RuntimeError as error:
        raise Unavailable(str(error)) from error


def shared_object(path: str) -> StackCarrier:
    """A stack in a shared object that exports ``lastack_sut_entry``."""
    try:
        # Without a slash dlopen would search the system's library folders.
        return StackCarrier(_core.load_shared_object(path if "/" in path else f"./{path}"))
    except RuntimeError as error:
        raise Unavailable(f"cannot load {path}: {error}") from error
