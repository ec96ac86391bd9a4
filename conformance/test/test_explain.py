"""``lastack explain``, segments as text, and the numbers of the study notes from which the project grew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from capture_text import CLOSE, HANDSHAKE, lastack, text_file
from hypothesis import given, settings
from hypothesis import strategies as st
from lastack.errors import UsageError
from lastack.trace import textform

GOLDEN = """\
connection 1: C (left) and S (right)
      1   0.000  -------------------- SYN seq=1000 win=65535 ------------------>
         C opens with ISN 1000. SYN takes one sequence number, so the ACK of it
         will be 1001.
         C SYN-SENT SND.UNA=1000 SND.NXT=1001
         S SYN-RECEIVED? RCV.NXT=1001
      2   0.010  <------------ SYN,ACK seq=5000 ack=1001 win=65535 -------------
         S answers and opens its own direction with ISN 5000. SYN takes one
         sequence number, so the ACK of it will be 5001.
         ACK=1001 = 1000 + 1: C's SYN arrived; 1001 is expected next.
         C: SYN-SENT -> ESTABLISHED.
         C ESTABLISHED? SND.UNA=SND.NXT=1001 RCV.NXT=5001 may send 65,535 octets
         S SYN-RECEIVED SND.UNA=5000 SND.NXT=5001 RCV.NXT=1001 may send 65,535
           octets
      3   0.020  --------------- ACK seq=1001 ack=5001 win=65535 -------------->
         An ACK alone takes no sequence number: nothing acknowledges it, and C's
         next segment has SEQ=1001 again.
         ACK=5001 = 5000 + 1: S's SYN arrived; 5001 is expected next.
         S: SYN-RECEIVED -> ESTABLISHED.
         C ESTABLISHED SND.UNA=SND.NXT=1001 RCV.NXT=5001 may send 65,535 octets
         S ESTABLISHED? SND.UNA=SND.NXT=5001 RCV.NXT=1001 may send 65,535 octets
         ? = if every segment arrived; the capture does not show it yet
"""


def test_the_handshake_of_the_notes(tmp_path: Path) -> None:
    result = lastack("explain", text_file(tmp_path, HANDSHAKE))
    text = result.stdout.replace("─", "-").replace("▶", ">").replace("◀", "<")
    assert result.status == 0 and text.startswith(GOLDEN), text
    assert max(map(len, result.lines[:-1])) <= 80


def words_of(folder: Path, text: str) -> list[str]:
    document = json.loads(lastack("explain", "--json", text_file(folder, text)).stdout)
    return [" ".join(step["words"]) for step in document["exchanges"][0]["steps"]]


@pytest.mark.parametrize(
    "text, segment, sentence",
    [
        (HANDSHAKE.replace("5000", "2000").replace("5001", "2001"), 3, "ACK=2001 = 2000 + 1"),
        (
            HANDSHAKE + "C > S PSH,ACK seq=1001 ack=5001 len=10",
            4,
            "numbers 1001 to 1010: the ACK of all of it will be 1011",
        ),
        (HANDSHAKE + "C > S PSH,ACK seq=1001 ack=5001 len=100", 4, "the ACK of all of it will be 1101"),
        (
            HANDSHAKE + "C > S ACK seq=1011 ack=5001 len=10",
            4,
            "S waits for 1001: until that arrives its ACK stays 1001",
        ),
        (CLOSE, 1, "It takes one sequence number (5000), so the ACK of it will be 5001"),
        (CLOSE, 2, "S's next segment has SEQ=7000 again"),
        (CLOSE, 3, "1 octet, number 7000. Without them this is a hole"),
        ("C > S SYN seq=4294967295\nS > C SYN,ACK seq=9 ack=0", 2, "ACK=0 = 4294967295 + 1: C's SYN arrived"),
        ("C > S SYN seq=1000\nS > C RST,ACK seq=0 ack=1001", 2, "refuses: no connection there, so SEQ is 0"),
        (HANDSHAKE + "C > S PSH,ACK seq=1001 ack=5001 len=5\n" * 2, 5, "All of it was sent before: a retransmission."),
        (HANDSHAKE + "S > C ACK seq=5001 ack=1001 win=0", 4, "Window 0: C must wait"),
        (
            HANDSHAKE + "S > C ACK seq=5001 ack=1001 win=9",
            4,
            "ACK=1001 again: nothing new, but the window has changed.",
        ),
        (HANDSHAKE + "S > C ACK seq=5001 ack=1002", 4, "acknowledges what C was not seen to send: its SND.NXT is 1001"),
    ],
)
def test_what_is_said(tmp_path: Path, text: str, segment: int, sentence: str) -> None:
    assert sentence in words_of(tmp_path, text)[segment - 1]


def test_the_notes_close_is_wrong_and_what_makes_it_right(tmp_path: Path) -> None:
    """SEED-115: a FIN with 7001 after an ACK with 7000 needs one octet in between; else it is 7000, and the last ACK 7001."""
    wrong = json.loads(lastack("check", "--json", text_file(tmp_path, CLOSE)).stdout)
    assert [(f["packet"], f["expected"], f["actual"]) for f in wrong["findings"]] == [(3, "SEQ=7000", "SEQ=7001")]
    assert "line      3 of" in lastack("check", text_file(tmp_path, CLOSE)).stdout
    for right in (
        CLOSE.replace("seq=7001", "seq=7000").replace("ack=7002", "ack=7001"),
        CLOSE.replace("S > C  FIN", "S > C  PSH,ACK seq=7000 ack=5001 len=1\nS > C  FIN"),
    ):
        assert lastack("check", text_file(tmp_path, right)).status == 0, right


def test_relative_numbers_begin_at_the_initial_sequence_numbers(tmp_path: Path) -> None:
    data = "C > S PSH,ACK seq=1001 ack=5001 len=10\nS > C ACK seq=5001 ack=1001 <sack 1005-1011>"
    result = lastack("explain", "-r", text_file(tmp_path, HANDSHAKE + data))
    for text in ("SYN,ACK seq=0 ack=1 ", "numbers 1 to 10: the ACK of all of it will be 11", "SACK: 5 to 10 arrived"):
        assert text in result.stdout
    assert "1001" not in result.stdout and "5001" not in result.stdout


def test_explaining_a_violation_is_no_failure(tmp_path: Path) -> None:
    result = lastack("explain", text_file(tmp_path, CLOSE))
    assert result.status == 0 and "<== VIOLATION #1 sequence-jump" in result.stdout


# --------------------------------------------------------------------------------------------------- segments as text


@pytest.mark.parametrize(
    "line",
    [
        "C > S SYN seq=1000 win=65535 mss=1460 ws=7 sackok ts=1:0",
        "C -> S: SYN SEQ=1000 WND=65535 mss=1460 ws=7 sackok ts=1:0   # the same",
        "S <-- C SYN seq=0x3e8 mss=1460 ws=7 sackok ts=1:0",
        "C > S <SEQ=1000><CTL=SYN> <mss 1460,ws 7,sackOK,ts 1:0>",
        "C>S <SEQ=1000><CTL=SYN> mss=1460 ws=7 sackok ts=1:0; S>C <SEQ=1><ACK=1001><CTL=SYN,ACK>",
    ],
)
def test_notations(line: str) -> None:
    from lastack import _core

    segment = _core.parse(textform.parse(line, "x").packets[0][1])
    assert not isinstance(segment, str)
    assert segment.text == "SYN seq=1000 win=65535 <mss 1460,ws 7,sackOK,ts 1:0>"


def test_a_colon_is_no_part_of_a_name() -> None:
    names = textform.parse(
        "C > S: SYN seq=1\nS > C : SYN,ACK seq=1 ack=2\n[2001:db8::1]:9 > [2001:db8::2]:80: SYN seq=1", "x"
    )
    assert sorted(names.names.values()) == ["C", "S", "[2001:db8::1]:9", "[2001:db8::2]:80"]


@pytest.mark.parametrize(
    "line, message",
    [
        ("C > S", "not a segment"),
        ("C > C SYN seq=1", "C sends to itself"),
        ("C > S seq=1", "no flags"),
        ("C > S SIN seq=1", "SIN is not a flag"),
        ("C > S SYN", "no seq="),
        ("C > S SYN seq=one", "seq=one is not a number"),
        ("C > S SYN seq=4294967296", "does not fit into 32 bits"),
        ("C > S SYN seq=1 seq=2", "seq stands there twice"),
        ("C > S SYN seq=1 colour=red", "unknown: colour="),
        ("C > S SYN seq=1 !", "cannot read '!'"),
        ("C > S ACK seq=1 ack=1 len=65535", "at most 65000"),
        ("C > S ACK seq=1 ack=1 sack=1", "sack is not like 1-2"),
        ("C > S SYN seq=1 at=soon", "is not a time"),
        ("C > S SYN seq=1 at=inf", "is not between 0 and"),
        ("192.0.2.1:99999 > S SYN seq=1", "there is no port 99999"),
    ],
)
def test_a_line_that_cannot_be_read(line: str, message: str) -> None:
    with pytest.raises(UsageError, match="x: line 2: .*" + message.replace(".", r"\.")):
        textform.parse("# first\n" + line, "x")


@settings(max_examples=300, deadline=None)
@given(st.text('CS> <-=SYNACKseqack0123456789.:[]#;" \nlendatms', max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        textform.parse(text, "x")
    except UsageError as error:
        assert str(error).startswith("x: line ")
