"""Types of the native module; bindings/judge.cpp is the source."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

def rules() -> list[dict[str, str]]:
    """Every rule of the judge: ``id``, ``clause``, ``level``, ``soundness`` (A, P, E or S) and ``text``."""

def check_file(
    path: str,
    *,
    strict: bool = False,
    advisories: bool = False,
    rules: Sequence[str] = (),
    skip_rules: Sequence[str] = (),
    max_findings: int = 10_000,
    max_connections_listed: int = 1_000,
    tap: str = "",
    profile: Mapping[str, float] = ...,
    progress: Callable[[int, int], bool | None] | None = None,
) -> str:
    """Checks a capture (pcap, pcapng, also gzip; ``-`` is standard input) and returns one JSON document, schema 1.

    ``advisories`` reports violated SHOULDs too, ``strict`` counts them as violations. ``rules`` and ``skip_rules`` are
    rule ids; an unknown one raises ``ValueError``. ``tap``: "client", "server" or "path" says where the capture was
    taken; otherwise it is inferred per connection. ``profile``: values of ``conformance/judge/profile.h`` by name.
    ``progress`` is called with octets read and the file's size (0 when unknown); False ends the reading. What is wrong
    with the file is in the document's ``error`` (``message``, ``offset`` in octets, ``packet``, ``unreadable``), not an
    exception. So does an interrupt: ``stopped`` is true then, and everything before is judged.
    """

def exchange(
    path: str,
    *,
    strict: bool = False,
    advisories: bool = False,
    rules: Sequence[str] = (),
    skip_rules: Sequence[str] = (),
    connections: Sequence[int] = (),
    packets: Sequence[int] = (),
    before: int = 4,
    after: int = 2,
    max_steps: int = 10_000,
    max_payload: int = 0,
    tap: str = "",
    profile: Mapping[str, float] = ...,
    progress: Callable[[int, int], bool | None] | None = None,
) -> str:
    """Checks a capture and records segments: one JSON document with the ``report`` of ``check_file`` and ``exchanges``.

    ``connections``: only these; ``packets``: only the segments around these, ``before`` and ``after`` of the same
    connection. Each step has the segment's fields and, for both ends after it, ``state`` (if everything arrived),
    ``possible`` states, ``snd_una``, ``snd_nxt``, ``rcv_nxt`` and ``may_send``.
    """

def annotate(path: str, out: str, comments: Mapping[int, Sequence[str]]) -> int:
    """Copies a capture to the pcapng file ``out`` with comments on packets; returns how many packets were copied.

    Raises ``RuntimeError`` when a file cannot be read or written.
    """

class Judge:
    """Judges the segments of one stack (``vantage="endpoint"``: every arrival reached it, in order) or of a path.

    Packets begin with the IP header; they are numbered 1, 2, 3 ... in the order of the calls. Times are microseconds
    and must not fall. ``reaction_us``: how long the stack may still be answering earlier packets (0 in virtual time).
    """

    def __init__(self, local_ips: Sequence[str], vantage: str = "endpoint", *, reaction_us: int = 0) -> None: ...
    def received(self, t_us: int, packet: bytes, number: int = 0) -> None:
        """A packet reached the stack; findings call it ``number`` (0: the next one)."""
    def sent(self, t_us: int, packet: bytes, number: int = 0) -> None:
        """The stack sent a packet."""
    def observed(self, t_us: int, packet: bytes) -> None:
        """A packet passed the tap (``vantage="path"``)."""
    def advance(self, t_us: int) -> None:
        """Time has passed without a packet: reactions that are overdue by now are reported."""
    def finish(self) -> None:
        """Decides what was waiting for evidence, and sorts the findings by packet."""
    def findings(self) -> list[dict[str, Any]]:
        """The findings so far, each with the keys of ``lastack check --json``."""
    def state(self, local_port: int, remote_ip: str, remote_port: int) -> str:
        """The possible states of the stack's end: ``"SYN-RECEIVED|ESTABLISHED"``; ``"CLOSED"`` without connection."""
    @property
    def local_ips(self) -> list[str]:
        """The addresses of the stack."""
