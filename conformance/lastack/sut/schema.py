"""Checks the replies of a ``cmd:`` adapter against PROTOCOL.md, field by field, before anything else looks at them."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from lastack.sut.carrier import CAPABILITIES, EVENTS, OPTION_WISHES, STATES, TIMERS

Reply = dict[str, object]
_Check = Callable[[object], "str | None"]  # what was expected, or None when the value is right


def _integer(low: int, high: int) -> _Check:
    def check(value: object) -> str | None:
        right = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return None if right else f"an integer from {low} to {high}"

    return check


def _or_null(inner: _Check) -> _Check:
    def check(value: object) -> str | None:
        expected = None if value is None else inner(value)
        return expected and f"{expected}, or null"

    return check


def _list_of(inner: _Check, what: str) -> _Check:
    def check(value: object) -> str | None:
        return None if isinstance(value, list) and all(inner(item) is None for item in value) else f"a list of {what}"

    return check


def _word(words: tuple[str, ...]) -> _Check:
    def check(value: object) -> str | None:
        return None if value in words else "one of " + ", ".join(words)

    return check


def _text(value: object) -> str | None:
    return None if isinstance(value, str) else "a string"


def _boolean(value: object) -> str | None:
    return None if isinstance(value, bool) else "true or false"


def _hex(value: object) -> str | None:
    expected = "a string of hex digits, two for each octet"
    if not isinstance(value, str):
        return expected
    try:
        bytes.fromhex(value)
    except ValueError:
        return expected
    return expected if " " in value else None


def _remote(value: object) -> str | None:
    expected = 'an object like {"ip":"192.0.2.2","port":4000}'
    if not isinstance(value, dict) or set(value) != {"ip", "port"} or _integer(0, 65535)(value["port"]):
        return expected
    try:
        ipaddress.ip_address(value["ip"])
    except ValueError:
        return expected
    return None


def _timers(value: object) -> str | None:
    expected = "an object of deadlines in microseconds (or null) named " + ", ".join(TIMERS)
    if not isinstance(value, dict):
        return expected
    right = all(name in TIMERS and _TIME_OR_NULL(deadline) is None for name, deadline in value.items())
    return None if right else expected


_TIME = _integer(0, 2**64 - 1)
_TIME_OR_NULL = _or_null(_TIME)
_U32 = _integer(0, 2**32 - 1)
_HANDLE = _integer(0, 2**31 - 1)

_INPUT: dict[str, _Check] = {
    "out": _list_of(_hex, "packets, each " + (_hex(None) or "")),
    "out_t_us": _list_of(_TIME, "times in microseconds"),
    "next_us": _TIME_OR_NULL,
}
INFO_FIELDS: dict[str, _Check] = {
    "state": _word(STATES),
    **dict.fromkeys(("iss", "irs", "snd_una", "snd_nxt", "snd_wl1", "snd_wl2", "snd_up", "rcv_nxt", "rcv_up"), _U32),
    **dict.fromkeys(("snd_wnd", "rcv_wnd", "mss", "cwnd", "ssthresh", "unsent", "unread", "rto_us", "srtt_us"), _TIME),
    **dict.fromkeys(("snd_scale", "rcv_scale"), _integer(0, 14)),
    **dict.fromkeys(("sack", "timestamps", "ecn"), _boolean),
    "timers": _timers,
}


def _info(value: object) -> str | None:
    if not isinstance(value, dict):
        return "an object"
    for name, content in value.items():
        if name not in INFO_FIELDS:
            return f"no field {name!r}"
        if expected := INFO_FIELDS[name](content):
            return f"{expected} in {name!r}, which is {content!r}"
    return None


# Fields of a successful reply: (required, optional), by verb or by operation of `app`.
_DONE: dict[str, tuple[dict[str, _Check], dict[str, _Check]]] = {
    "hello": (
        {
            "protocol": _integer(1, 1),
            "name": _text,
            "version": _text,
            "caps": _list_of(_word(CAPABILITIES), "capabilities (" + ", ".join(CAPABILITIES) + ")"),
        },
        {"profile": _text},
    ),
    "reset": ({}, {"ignored": _list_of(_word(OPTION_WISHES), "option names (" + ", ".join(OPTION_WISHES) + ")")}),
    "rx": ({}, {}),
    "tick": ({}, {}),
    "info": ({"info": _info}, {}),
    "bye": ({}, {}),
    "listen": ({"conn": _HANDLE}, {}),
    "connect": ({"conn": _HANDLE}, {}),
    "accept": ({"conn": _HANDLE, "remote": _remote}, {}),
    "send": ({"count": _U32}, {}),
    "recv": ({"data": _hex}, {"eof": _boolean, "push": _boolean, "urgent": _boolean}),
    "find": ({"conn": _HANDLE}, {}),
    "events": ({"events": _list_of(_word(EVENTS), "events (" + ", ".join(EVENTS) + ")")}, {"reason": _text}),
}
_OUTCOMES = ("unsupported", "error", "internal")


def fault(request: Reply, reply: object) -> str | None:
    """What is wrong with the reply to this request, in one sentence; None when it is right."""
    if not isinstance(reply, dict):
        return "a reply must be a JSON object"
    if reply.get("id") != request["id"] or isinstance(reply.get("id"), bool):
        return f"field 'id' must be {request['id']} as in the request, it is {reply.get('id')!r}"
    verb = str(request["op"] if request["cmd"] == "app" else request["cmd"])
    required, optional = _DONE.get(verb, ({}, {}))
    outcome = [name for name in _OUTCOMES if name in reply]
    if len(outcome) > 1:
        return f"a reply has one outcome, this one has {' and '.join(outcome)}"
    if outcome:
        required, optional = {outcome[0]: _text}, {}
    allowed = {**required, **optional}
    if request["cmd"] in ("reset", "rx", "tick", "app"):
        allowed.update(_INPUT)
    for name in required:
        if name not in reply:
            return f"the field {name!r} is missing"
    for name, value in reply.items():
        if name == "id":
            continue
        if name not in allowed:
            return f"the field {name!r} is unknown; this reply may have {', '.join(['id', *allowed])}"
        if expected := allowed[name](value):
            return f"field {name!r} must be {expected}; it is {_short(value)}"
    return _length_fault(reply)


def _length_fault(reply: Reply) -> str | None:
    out, times = reply.get("out", []), reply.get("out_t_us")
    if isinstance(out, list) and isinstance(times, list) and len(out) != len(times):
        return f"'out_t_us' has {len(times)} entries, 'out' has {len(out)}"
    return None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
