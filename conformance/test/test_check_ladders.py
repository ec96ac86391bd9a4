"""What the numbers of a finding are and where they are seen: relative to the ISNs, how far off, and in the accused line of a
ladder of 80 columns.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from capture_text import HANDSHAKE, WRONG_ACK, lastack, text_file
from lastack.ladder import ASCII
from lastack.trace import numbers
from lastack.trace.ladder import segment_line

pytest.importorskip("lastack._judge", reason="the native module is not built")

ISN_C, ISN_S = 3_407_760_000, 4_294_967_290  # the second one wraps


def long_numbers(*rows: str) -> str:
    """A conversation with numbers as real stacks choose them; ``{c+1}`` and ``{s+1}`` count from the ISNs."""
    text = "\n".join(
        (
            "C > S SYN seq={c+0} mss=1460 sackok ts=1000000001:0 ws=7",
            "S > C SYN,ACK seq={s+0} ack={c+1} mss=1460 sackok ts=2000000001:1000000001 ws=7",
            "C > S ACK seq={c+1} ack={s+1} ts=1000000002:2000000001",
            *rows,
        )
    )

    def number(match: re.Match[str]) -> str:
        return str(({"c": ISN_C, "s": ISN_S}[match[1]] + int(match[2])) % 2**32)

    return re.sub(r"\{([cs])\+(\d+)\}", number, text)


DATA = "C > S PSH,ACK seq={c+1} ack={s+1} len=1448 ts=1000000003:2000000001"


@pytest.mark.parametrize(
    "rows, expected, actual",
    [
        (
            (DATA, "S > C ACK seq={s+1} ack={c+2897} ts=2000000002:1000000003"),
            "ACK=3407761449 or less (relative 1449)",
            "ACK=3407762897 (relative 2897, off by +1448)",
        ),
        (
            (DATA, "C > S PSH,ACK seq={c+1448} ack={s+1} len=10 ts=1000000003:2000000001"),
            "SEQ=",
            "",
        ),
        (
            (DATA, "S > C FIN,ACK seq={s+3} ack={c+1449} ts=2000000002:1000000003"),
            "SEQ=4294967291 (relative 1)",
            "SEQ=4294967293 (relative 3, off by +2)",
        ),
        (
            (DATA, "S > C ACK seq={s+1} ack={c+1449} ts=2000000002:1000000903"),
            "a TSval of the peer, 1000000003 or less",
            "TSecr=1000000903 (off by +900)",
        ),
    ],
)
def test_expected_and_actual_can_be_read(tmp_path: Path, rows: tuple[str, ...], expected: str, actual: str) -> None:
    result = lastack("check", text_file(tmp_path, long_numbers(*rows)))
    shown = {line.split()[0]: line[11:] for line in result.lines if re.match(" (expected|actual)", line)}
    if not actual:  # repeats an octet: nothing is wrong with that
        assert result.status == 0
        return
    assert (shown["expected"], shown["actual"]) == (expected, actual), result.stdout


def test_small_numbers_are_left_as_they_are(tmp_path: Path) -> None:
    result = lastack("check", text_file(tmp_path, WRONG_ACK))
    assert " expected  ACK=101" in result.lines and " actual    ACK=102 (off by +1)" in result.lines


def finding(expected: str, actual: str, rule: str = "any") -> dict[str, Any]:
    return {"expected": expected, "actual": actual, "rule": rule, "endpoint": "A"}


@pytest.mark.parametrize(
    "expected, actual, off",
    [
        ("ACK=5 or more", "ACK=4294967295", "off by -6"),
        ("SEQ=7 ACK=8 RST and ACK", "SEQ=7 ACK=9", "off by +1"),
        ("SEQ=7", "SEQ=6 ACK=9", "off by -1"),
        ("SEQ=7", "SEQ=7 ACK=9", ""),
        ("SEQ=7 ACK=8", "SEQ=8 ACK=9", ""),
        ("SEQ=1", "SEQ=2000000000", ""),  # another number, not a slip
        ("FIN at 10 or later", "FIN at 9", "off by -1"),
        ("numbers up to 10", "SEQ=12", "off by +2"),
        ("right edge 100 or more", "right edge 90", "off by -10"),
        ("at most 1448 octets", "1500 octets", "off by +52"),
        ("10 segments of 1448 octets", "20000 octets in flight", ""),
        ("blocks up to 9", "block 5-12", ""),
        ("reserved bits 0", "reserved bits 1", ""),
        ("a length from 2 to what is left of the header", "length 1", ""),
    ],
)
def test_off_by(expected: str, actual: str, off: str) -> None:
    assert numbers.off_by(finding(expected, actual)) == off


def test_relative_numbers_are_those_of_the_right_end() -> None:
    exchange = {"endpoints": ["A", "B"], "isn": [1_000_000, 4_000_000_000]}
    both = numbers.expected_and_actual(finding("SEQ=1000001 ACK=4000000001", "SEQ=999999 ACK=4000000001"), exchange)
    assert both == (
        "SEQ=1000001 ACK=4000000001 (relative 1 and 1)",
        "SEQ=999999 ACK=4000000001 (relative -1 and 1, off by -2)",
    )
    block = numbers.expected_and_actual(finding("blocks up to 4000000009", "block 4000000005-4000000012"), exchange)
    assert block == ("blocks up to 4000000009 (relative 9)", "block 4000000005-4000000012 (relative 5 and 12)")
    unknown = {"endpoints": ["A", "B"], "isn": [None, None]}
    assert numbers.expected_and_actual(finding("ACK=4000000001", "ACK=1"), unknown)[0] == "ACK=4000000001"


@pytest.mark.parametrize(
    "rows, field",
    [
        ((DATA, "S > C ACK seq={s+1} ack={c+1449} ts=2000000002:1000000903"), "ts 2000000002:1000000903"),
        (
            (DATA, "S > C ACK seq={s+1} ack={c+1} ts=2000000002:1000000003 sack={c+2001}-{c+3001}"),
            "sack 3407762001-3407763001",
        ),
        (
            (DATA, "S > C ACK seq={s+1} ack={c+1} ts=2000000002:1000000003 sack={c+1449}-{c+1449}"),
            "sack 3407761449-3407761449",
        ),
        ((DATA.replace("ts=", "mss=1460 ts="),), "mss 1460"),
    ],
)
def test_the_accused_line_shows_the_accused_field(tmp_path: Path, rows: tuple[str, ...], field: str) -> None:
    result = lastack("check", text_file(tmp_path, long_numbers(*rows)))
    assert result.status == 1, result.stdout
    at = next(i for i, line in enumerate(result.lines) if line.lstrip().startswith("<== VIOLATION"))
    accused = next(line for line in reversed(result.lines[:at]) if re.match(r" +\d+ +\d+\.\d+ ", line))
    assert field in accused, result.stdout
    assert max(len(line) for line in result.lines if "example.txt" not in line) <= 80


WIDE = (
    "ACK seq=4294967290 ack=4294967291 win=65535 <ts 4294967290:4294967291,sack 4294967200-4294967201,"
    "sack 4294967100-4294967101> len=1448"
)


@pytest.mark.parametrize(
    "wanted, shown",
    [
        ({"ts"}, " ACK ack=4294967291 <~,ts 4294967290:4294967291>"),
        ({"sack"}, " ACK <~,sack 4294967200-4294967201> "),
        ({"sack", "sack 4294967100-4294967101"}, " ACK <~,sack 4294967100-4294967101> "),
        ({"win"}, "ACK seq=4294967290 ack=4294967291 win=65535 <~>"),
        (set(), "ACK seq=4294967290 ack=4294967291 win=65535 <~> len=1448"),
    ],
)
def test_what_is_left_out_is_what_a_finding_is_not_about(wanted: set[str], shown: str) -> None:
    step = {"packet": 1, "text": WIDE, "from": 0, "malformed": False, "checksum": "right"}
    line = segment_line(step, "0.000", ASCII, "fail", frozenset(wanted)).text
    assert shown in line and len(line) == 80


def test_explain_counts_from_the_isns_of_a_capture_that_begins_late(tmp_path: Path) -> None:
    text = "S > C ACK seq=3000000001 ack=2000000001\nC > S PSH,ACK seq=2000000001 ack=3000000001 len=5\n"
    result = lastack("explain", "-r", text_file(tmp_path, text))
    assert "PSH,ACK seq=1 ack=1 " in result.stdout and "2000000001" not in result.stdout
    assert lastack("explain", "-r", text_file(tmp_path, HANDSHAKE)).stdout.count("seq=0") == 2
