"""A finding has one number, the same on the screen, in every file and for ``--as-scenario``: violations first, from 1 on. And
what is written by ``lastack check`` is whole or not there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from capture_text import HANDSHAKE, Result, lastack, text_file
from lastack.trace import comments, page

pytest.importorskip("lastack._judge", reason="the native module is not built")

# In the order of packets: advice (3), a note (4) and two violations (1, 2).
MIXED = """\
C > S SYN seq=1000 ts=5:6
S > C SYN,ACK seq=5000 ack=1001 ts=9:5
C > S ACK seq=1001 ack=5001 ts=6:9
C > S PSH,ACK seq=1001 ack=5001 len=10 ts=7:9
C > S PSH,ACK seq=1001 ack=5001 len=10 ts=8:9 at=0.05
C > S PSH,ACK seq=1001 ack=5001 len=10 ts=9:9 at=0.06
S > C ACK seq=5001 ack=1011 ts=20:9
S > C ACK seq=5001 ack=1012 ts=21:9
C > S ACK seq=1011 ack=5001 ts=22:20
S > C ACK seq=5001 ack=1011 ts=21:9
S > C FIN,ACK seq=5003 ack=1011 ts=25:9
C > S ACK seq=1011 ack=5004 ts=26:25
"""
ALL = ("-v", "--level", "should")
ORDER = [
    (1, "violation", "ack-of-unsent-data", 8),
    (2, "violation", "sequence-jump", 11),
    (3, "advice", "timestamp-echo-without-ack", 1),
    (4, "note", "rto-below-minimum", 6),
]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    return text_file(tmp_path, MIXED)


def numbers(result: Result) -> list[tuple[int, str, str, int]]:
    """Of the blocks on the screen: number, kind, rule, packet."""
    found = re.findall(r"#(\d+) ([A-Z]+) [^ ] packet (\d+) [^ ] (\S+)", result.stdout)
    return [(int(number), kind.lower(), rule, int(packet)) for number, kind, packet, rule in found]


def in_json(result: Result) -> list[tuple[int, str, str, int]]:
    findings = json.loads(result.stdout)["findings"]
    return [(f["number"], f["kind"], f["rule"], f["packet"]) for f in findings]


def test_the_screen_begins_with_the_first_violation(mixed: Path) -> None:
    assert numbers(lastack("check", mixed)) == ORDER[:2]
    assert numbers(lastack("check", *ALL, mixed)) == ORDER
    assert in_json(lastack("check", "--json", "--level", "should", mixed)) == ORDER


def test_violations_keep_their_numbers_whatever_else_is_asked_for(mixed: Path) -> None:
    for words in ([], ["-v"], ["--level", "should"], ALL):
        assert numbers(lastack("check", *words, mixed))[:2] == ORDER[:2]


def test_a_should_that_counts_is_a_violation_among_them(mixed: Path) -> None:
    result = lastack("check", "--strict", mixed)
    assert [(n, kind, packet) for n, kind, _, packet in numbers(result)] == [
        (1, "violation", 1),
        (2, "violation", 8),
        (3, "violation", 11),
    ]
    assert "3 violations" in result.lines[-2] and "ADVICE" not in result.stdout


@pytest.mark.parametrize("words", [[], ["-v"], ALL])
def test_several_captures_are_numbered_together(mixed: Path, tmp_path: Path, words: list[str]) -> None:
    other = text_file(tmp_path, MIXED, "other.txt")
    shown = numbers(lastack("check", *words, mixed, other))
    document = in_json(lastack("check", "--json", *words[1:], mixed, other))
    assert [n for n, *_ in document] == list(range(1, len(document) + 1))
    assert [(kind, packet) for _, kind, _, packet in document[:4]] == 2 * [("violation", 8), ("violation", 11)]
    assert shown and set(shown) <= set(document)
    # Each capture's findings stand together on the screen, with those of its numbers first that count.
    assert sorted(shown) == (document if words else document[:4])


def test_every_output_has_the_same_number(mixed: Path, tmp_path: Path) -> None:
    html, junit, pcapng = (tmp_path / f"out.{kind}" for kind in ("html", "xml", "pcapng"))
    lastack("check", "--level", "should", "--html", html, "--junit", junit, "--pcapng", pcapng, mixed)
    for number, kind, rule, packet in ORDER:
        title = f"#{number} {kind.upper()}"
        assert f'id="finding-{number}"' in html.read_text() and title in html.read_text()
        assert f"{title} {rule}".encode() in pcapng.read_bytes()
        if kind == "violation":
            assert f"packet {packet}: {title} {rule}" in junit.read_text()
            assert f"<== {kind.upper()} #{number} {rule}" in lastack("explain", mixed).stdout


@pytest.mark.parametrize("number, kind, rule, packet", ORDER)
def test_as_scenario_takes_the_number_that_is_shown(
    mixed: Path, number: int, kind: str, rule: str, packet: int
) -> None:
    printed = lastack("check", "--level", "should", "--as-scenario", str(number), mixed)
    assert printed.status == 0 and f"def test_packet_{packet}_{rule.replace('-', '_')}(lab)" in printed.stdout


def test_the_page_shows_what_counts_first_and_folds_the_rest(mixed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.html"
    lastack("check", "--html", out, mixed)
    page_text = out.read_text()
    places = [page_text.index(f'id="finding-{number}"') for number in (1, 2, 3)]
    assert places == sorted(places)
    folds = re.findall(r'<details class="group"( open="open")?>\n<summary><b class="(\w+)">([^<]*)<', page_text)
    assert folds == [(' open="open"', "VIOLATION", "2 violations"), ("", "NOTE", "1 note")]
    assert "a note accuses nobody" in page_text and "never held against anybody" in page_text


# ------------------------------------------------------------------------------------------------------------- files


def test_a_usage_error_leaves_older_files_alone(mixed: Path, tmp_path: Path) -> None:
    old = [tmp_path / f"old.{kind}" for kind in ("html", "xml", "pcapng")]
    for path in old:
        path.write_text("the last run's")
    wanted = ["--html", old[0], "--junit", old[1], "--pcapng", old[2]]
    for words in (
        ["check", *wanted, mixed, mixed],  # one capture at a time
        ["check", *wanted, "--rules", "bananas", mixed],
        ["check", *wanted, "--junit", "/no/such/place", mixed],
        ["check", *wanted, "--json", "--as-scenario", "1", mixed],
        ["check", *wanted, tmp_path / "no*such"],
    ):
        assert lastack(*words).status in (4, 6)
        assert [path.read_text() for path in old] == 3 * ["the last run's"]
    (tmp_path / "fresh").mkdir()
    assert lastack("check", "--html", tmp_path / "fresh" / "a", "--pcapng", tmp_path / "b", mixed, mixed).status == 4
    assert not list((tmp_path / "fresh").iterdir()) and not (tmp_path / "b").exists()


def test_what_fails_on_the_way_leaves_nothing_half_written(
    mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.pcapng"
    out.write_text("older")

    def full(report: object, source: object, path: str) -> int:
        Path(path).write_text("half")
        raise RuntimeError("no space left")

    monkeypatch.setattr(comments, "annotate", full)
    result = lastack("check", "--pcapng", out, mixed)
    assert result.status == 4 and f"cannot write {out}: no space left" in result.stderr
    assert out.read_text() == "older"
    monkeypatch.setattr(page, "render", lambda *_: 1 / 0)
    assert lastack("check", "--html", out, mixed).status == 3
    assert out.read_text() == "older" and {path.name for path in tmp_path.iterdir()} == {"out.pcapng", "example.txt"}


def test_an_unreadable_capture_is_in_the_reports_but_has_no_copy(tmp_path: Path) -> None:
    html, junit, pcapng = (tmp_path / f"out.{kind}" for kind in ("html", "xml", "pcapng"))
    pcapng.write_text("older")
    result = lastack("check", "--html", html, "--junit", junit, "--pcapng", pcapng, tmp_path / "gone.pcap")
    assert result.status == 6 and f"{pcapng} is not written" in result.stderr
    assert "No such file" in html.read_text() and "No such file" in junit.read_text()
    assert pcapng.read_text() == "older"
    result = lastack("check", "--as-scenario", "1", tmp_path / "gone.pcap")
    assert result.status == 6 and "No such file" in result.stderr


@pytest.mark.parametrize(
    "words, message",
    [
        (["--html", "{tmp}/x", "--junit", "{tmp}/x"], "--html and --junit name the same file"),
        (["--html", "{tmp}/example.txt"], "--html {tmp}/example.txt would overwrite the capture"),
        (["--junit", "{tmp}/link"], "would overwrite the capture"),
    ],
)
def test_an_output_has_a_place_of_its_own(mixed: Path, tmp_path: Path, words: list[str], message: str) -> None:
    (tmp_path / "link").symlink_to(mixed)
    result = lastack("check", *(word.format(tmp=tmp_path) for word in words), mixed)
    assert result.status == 4 and message.format(tmp=tmp_path) in result.stderr
    assert mixed.read_text() == MIXED


def test_links_modes_and_devices_are_respected(mixed: Path, tmp_path: Path) -> None:
    real, link = tmp_path / "real.html", tmp_path / "link.html"
    real.write_text("older")
    real.chmod(0o640)
    link.symlink_to(real)
    lastack("check", "--html", link, "--junit", "/dev/null", mixed)
    assert link.is_symlink() and "</html>" in real.read_text() and real.stat().st_mode & 0o777 == 0o640
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE)
    lastack("check", "--junit", pipe, mixed)
    assert b"</testsuites>" in reader.communicate(timeout=60)[0] and pipe.is_fifo()


def test_files_are_written_beside_a_scenario(mixed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.html"
    printed = lastack("check", "--as-scenario", "1", "--html", out, mixed)
    assert printed.status == 0 and printed.stdout.startswith('"""') and "</html>" in out.read_text()


def test_many_findings_say_of_which_rules_the_hidden_ones_are(tmp_path: Path) -> None:
    rows = [f"S > C ACK seq=5001 ack={2000 + i}" for i in range(25)]
    rows += ["C > S ACK seq=1001 ack=5001", "S > C ACK seq=5001 ack=1001"]
    result = lastack("check", text_file(tmp_path, HANDSHAKE + "\n".join(rows)))
    assert len(numbers(result)) == 20
    assert "5 more findings are not shown" in result.stdout
    assert "5 ack-of-unsent-data" in result.stdout


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_wireshark_shows_the_number(mixed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.pcapng"
    lastack("check", "--pcapng", out, mixed)
    words = ["tshark", "-r", str(out), "-Y", "frame.comment", "-T", "fields", "-e", "frame.comment"]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.split()[0] for line in shown] == ["#3", "#1", "#2"]
