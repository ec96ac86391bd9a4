"""For the tests of what the command line shows: runs it in this process, and segments as text to run it on."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

from lastack.cli import _status

HANDSHAKE = """\
C > S  SYN seq=1000
S > C  SYN,ACK seq=5000 ack=1001
C > S  ACK seq=1001 ack=5001
"""
# The notes' example of a close: a FIN that skips a number without an octet in between.
CLOSE = """\
C > S  FIN,ACK seq=5000 ack=7000
S > C  ACK seq=7000 ack=5001
S > C  FIN,ACK seq=7001 ack=5001
C > S  ACK seq=5001 ack=7002
"""
WRONG_ACK = "C > S SYN seq=100\nS > C SYN,ACK seq=300 ack=102\n"


@dataclass
class Result:
    """What a command said."""

    status: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()


def lastack(*words: str | Path) -> Result:
    """Runs ``lastack WORDS`` in this process: much faster than a new one."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = _status([str(word) for word in words])
    return Result(status, out.getvalue(), err.getvalue())


def text_file(folder: Path, text: str, name: str = "example.txt") -> Path:
    """Segments as text, in a file."""
    path = folder / name
    path.write_text(text)
    return path
