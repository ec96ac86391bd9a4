"""What ``lastack check`` shows and writes: the screen, one JSON document, an annotated capture, a page, JUnit; choosing
inputs and rules; and one clear line for every mistake.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from capture_text import HANDSHAKE, WRONG_ACK, lastack, text_file
from lastack import BUILD, _core, _judge
from lastack.pcapng import write_log
from lastack.trace import judging
from lastack.world import Event

pytest.importorskip("lastack._judge", reason="the native module is not built")
SCHEMA = Path(__file__).resolve().parents[1] / "lastack" / "trace" / "report.schema.json"


def write_capture(path: Path, wrong: bool = True, filler: int = 0) -> Path:
    """A handshake whose SYN-ACK acknowledges one number too many, then data."""
    rows = [(0, 2, 100, 0, b""), (1, 18, 300, 102 if wrong else 101, b""), (0, 16, 101, 301, b"")]
    for i in range(filler // 2):
        rows += [(0, 24, 101 + i, 301, b"x"), (1, 16, 301, 102 + i, b"")]
    return write_rows(path, rows)


def write_rows(path: Path, rows: list[tuple[int, int, int, int, bytes]]) -> Path:
    """Segments as (side, flags, SEQ, ACK, text)."""
    ends = [("192.0.2.2", 4000, "192.0.2.1", 80), ("192.0.2.1", 80, "192.0.2.2", 4000)]
    events = []
    for at, (side, flags, seq, ack, data) in enumerate(rows):
        src, src_port, dst, dst_port = ends[side]
        packet = _core.build(
            src=src,
            dst=dst,
            src_port=src_port,
            dst_port=dst_port,
            seq=seq,
            ack=ack,
            flags=flags,
            window=1000,
            payload=data,
        )
        events.append(Event(at / 10, "in", "", raw=packet))
    write_log(path, events)
    return path


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    return write_capture(tmp_path / "wrong.pcapng")


GOLDEN = """\
-- #1 VIOLATION - packet 2 - syn-ack-number ------------------------------------
 who       192.0.2.1:80 (to 192.0.2.2:4000, connection 1)
 clause    RFC 9293 3.10.7.2 third, 3.10.7.3 fourth (E-3.10.7.2-LISTEN-syn),
           level SPEC
 requires  A SYN-ACK acknowledges the SYN: ACK = ISN + 1 (more only with Fast
           Open data).
 expected  ACK=101
 actual    ACK=102 (off by +1)
 why       the SYN in packet 1 has SEQ=100 and takes one number
 packet    time  192.0.2.2:4000                                     192.0.2.1:80
      1   0.000  --------------------- SYN seq=100 win=1000 ------------------->
                 SYN-SENT                                          SYN-RECEIVED?
      2   0.100  <-------------- SYN,ACK seq=300 ack=102 win=1000 --------------
                 SYN-SENT                                           SYN-RECEIVED
                 <== VIOLATION: ACK=102 (off by +1); expected ACK=101
"""


def test_a_finding_says_who_what_and_why(capture: Path) -> None:
    result = lastack("check", capture)
    assert result.status == 1
    assert result.stdout.startswith(GOLDEN.splitlines()[0]), result.stdout
    for line in GOLDEN.splitlines():
        assert line in result.lines, line
    assert max(map(len, result.lines[:-1])) <= 80
    assert "       192.0.2.1:80                                    1         0  VIOLATION" in result.lines
    assert result.lines[-1] == f"{capture}: 3 packets, 1 connection: 1 violation, 0 inconclusive"


def test_what_is_left_open_fits_the_screen_and_is_said_once(tmp_path: Path) -> None:
    rows = [(0, 2, 100, 0, b""), (1, 18, 300, 101, b""), (0, 16, 101, 301, b"")]
    beyond = write_rows(tmp_path / "beyond.pcap", [*rows, (1, 16, 301, 601, b""), (0, 16, 601, 301, b"ten octets")])
    seen = lastack("check", "-v", beyond)
    assert seen.lines[-1].endswith("0 violations, 1 inconclusive") and "  INCONCLUSIVE" in seen.stdout
    assert max(map(len, seen.lines[:-1])) <= 80
    # Of segments written as text none is missing.
    lines = "C > S SYN seq=100\nS > C SYN,ACK seq=300 ack=101\nC > S ACK seq=101 ack=301\nS > C ACK seq=301 ack=601\n"
    told = lastack("check", "-v", text_file(tmp_path, lines + "C > S ACK seq=601 ack=301 len=10\n"))
    assert told.lines[-1].endswith("2 violations, 0 inconclusive")


def test_the_screen_has_arrows_where_they_can_be_shown_and_colour_only_on_a_terminal(capture: Path) -> None:
    words = [sys.executable, "-m", "lastack", "check", str(capture)]
    environment = {"PYTHONPATH": str(SCHEMA.parents[2]), "LASTACK_BUILD_DIR": str(BUILD), "PATH": "/usr/bin:/bin"}

    def run(**extra: str) -> str:
        return subprocess.run(words, capture_output=True, env={**environment, **extra}, check=False).stdout.decode()

    assert "▶" in run(PYTHONIOENCODING="utf-8") and ">" in run(PYTHONIOENCODING="ascii")
    assert "\x1b[" not in run(PYTHONIOENCODING="utf-8")
    assert "\x1b[" in run(PYTHONIOENCODING="utf-8", FORCE_COLOR="1", TERM="xterm-256color")


def test_a_clean_capture_is_ok(tmp_path: Path) -> None:
    result = lastack("check", write_capture(tmp_path / "clean.pcapng", wrong=False))
    assert result.status == 0 and "VIOLATION" not in result.stdout
    assert [line.split()[-1] for line in result.lines[1:3]] == ["OK", "OK"]


# ------------------------------------------------------------------------------------------------------------- JSON


def test_json_fits_its_schema(capture: Path, tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="python3-jsonschema is not installed")
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    clean = write_capture(tmp_path / "clean.pcapng", wrong=False)
    (tmp_path / "broken").write_bytes(capture.read_bytes()[:-7])
    for words in ([capture], [capture, clean], [clean], [tmp_path / "broken"], ["/no/such", clean]):
        document = json.loads(lastack("check", "--json", *words).stdout)
        jsonschema.validate(document, schema, jsonschema.Draft202012Validator)
    del document["summary"]["violations"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema, jsonschema.Draft202012Validator)


def test_several_captures_merge_in_order(capture: Path, tmp_path: Path) -> None:
    clean = write_capture(tmp_path / "clean.pcapng", wrong=False)
    document = json.loads(lastack("check", "--json", clean, capture, capture).stdout)
    assert document["files"] == [str(clean), str(capture), str(capture)]
    assert [finding["number"] for finding in document["findings"]] == [1, 2]
    assert document["summary"]["violations"] == 2 and document["summary"]["connections"] == 3
    assert [entry["summary"]["violations"] for entry in document["inputs"]] == [0, 1, 1]


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_directory_and_a_glob_are_read_in_the_order_of_names(tmp_path: Path, jobs: int) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "notes.md").write_text("no capture")
    paths = [write_capture(tmp_path / name) for name in ("a.pcap", "b.pcapng", "deep/c.cap")]
    for words in ([tmp_path], [tmp_path / "*.pcap*", tmp_path / "deep" / "?.cap"]):
        document = json.loads(lastack("check", "--json", "--jobs", str(jobs), *words).stdout)
        assert document["files"] == [str(path) for path in paths]
        assert [finding["file"] for finding in document["findings"]] == document["files"]


# ---------------------------------------------------------------------------------------------- choosing rules, levels


@pytest.mark.parametrize(
    "words, status",
    [
        (["--rules", "syn-ack-number"], 1),
        (["--rules", "isn-changed,before-isn"], 0),
        (["--skip-rules", "syn-ack-number"], 0),
        (["--rules", "syn-ack-number", "--skip-rules", "syn-ack-number"], 0),
    ],
)
def test_rules_are_chosen(capture: Path, words: list[str], status: int) -> None:
    result = lastack("check", *words, capture)
    assert result.status == status
    assert ("VIOLATION" in result.stdout) == bool(status)


def test_advice_is_shown_when_asked_for_and_counts_only_when_strict(tmp_path: Path) -> None:
    # RFC 7323 3.2: TSecr is zero without ACK, a SHOULD.
    path = text_file(tmp_path, "C > S SYN seq=1 ts=5:6\nS > C SYN,ACK seq=1 ack=2\n")
    silent, advice, strict = (lastack("check", *words, path) for words in ([], ["--level", "should"], ["--strict"]))
    assert (silent.status, advice.status, strict.status) == (0, 0, 1)
    assert "timestamp-echo" not in silent.stdout
    assert "ADVICE" in advice.stdout and "1 SHOULD not followed" in advice.stdout
    summary = json.loads(lastack("check", "--json", "--strict", path).stdout)["summary"]
    assert (summary["violations"], summary["advisories"]) == (1, 0)


# ------------------------------------------------------------------------------------------------------------- files


def test_pcapng_is_the_capture_with_comments(capture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.pcapng"
    assert lastack("check", "--pcapng", out, capture).status == 1
    again = json.loads(_judge.check_file(str(out)))
    assert again["summary"]["packets"] == 3 and again["findings"][0]["packet"] == 2
    assert b"VIOLATION syn-ack-number" in out.read_bytes()
    if not shutil.which("tshark"):
        pytest.skip("tshark is not installed: the comment was looked for in the octets only")
    words = [
        "tshark",
        "-r",
        str(out),
        "-Y",
        "frame.comment",
        "-T",
        "fields",
        "-e",
        "frame.number",
        "-e",
        "frame.comment",
    ]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert shown.startswith("2\t#1 VIOLATION syn-ack-number") and shown.count("\n") == 1


def test_html_is_one_page_without_scripts(capture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.html"
    hostile = tmp_path / "<script>alert(1)<.pcapng"
    hostile.write_bytes(capture.read_bytes())
    assert lastack("check", "--html", out, capture, hostile).status == 1
    page = out.read_text()
    assert page.count("<svg") == 2 and page.count("SYN,ACK seq=300 ack=102") >= 2 and "2 violations" in page
    assert "<script" not in page and "http:" not in page and "https:" not in page
    body = page[page.index("<body>") : page.index("</body>") + 7].replace("&middot;", ".")
    ElementTree.fromstring(body)  # well-formed: every element is closed


def test_junit_has_a_case_for_each_endpoint(capture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.xml"
    lastack("check", "--junit", out, capture, "/no/such.pcap")
    wrong, missing = ElementTree.parse(out).getroot()
    assert (wrong.get("tests"), wrong.get("failures"), missing.get("errors")) == ("2", "1", "1")
    failure = wrong.find("testcase/failure")
    assert failure is not None and failure.get("type") == "syn-ack-number" and "ACK=101" in (failure.text or "")


# ---------------------------------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    "words, status, message",
    [
        (["check", "/no/such.pcap"], 6, "/no/such.pcap: No such file"),
        (["check", "{tmp}/empty-folder"], 6, "there is no capture in this directory"),
        (["check", "{tmp}/no*.pcap"], 6, "no file has such a name"),
        (
            ["check", "--rules", "syn-ack", "{tmp}/a.pcapng"],
            4,
            "there is no rule 'syn-ack'; do you mean syn-ack-number",
        ),
        (["check", "--skip-rules", "bananas", "{tmp}/a.pcapng"], 4, "there is no rule 'bananas'"),
        (["check", "--level", "may", "{tmp}/a.pcapng"], 4, "'may' is not one of"),
        (["check", "--html", "/no/such/x.html", "{tmp}/a.pcapng"], 4, "cannot write /no/such/x.html: No such file"),
        (["check", "--junit", "{tmp}", "{tmp}/a.pcapng"], 4, "is a directory"),
        (["check", "--pcapng", "{tmp}/a.pcapng", "{tmp}/a.pcapng"], 4, "would overwrite the capture"),
        (["check", "--pcapng", "{tmp}/x", "{tmp}/a.pcapng", "{tmp}/a.pcapng"], 4, "takes one capture, not 2"),
        (["check", "--as-scenario", "2", "{tmp}/a.pcapng"], 4, "there is no finding 2: there is 1"),
        (["check", "--jobs", "0", "{tmp}/a.pcapng"], 4, "is not in the range"),
        (["check", "{tmp}/lines.txt"], 4, "lines.txt: line 2: the ACK flag is set, but there is no ack="),
        (["explain", "/no/such.pcap"], 6, "No such file"),
        (["explain", "{tmp}/a.pcapng", "--connection", "7"], 4, "there is no connection 7, there is 1"),
        (["rules", "bananas"], 4, "no rule is meant by this; lastack rules prints all"),
        (["rules", "syn-ack-numbr"], 4, "no rule is meant by this; do you mean syn-ack-number"),
        (["check", "--rules", "sequense-jump", "{tmp}/a.pcapng"], 4, "do you mean sequence-jump"),
        (["chekc", "{tmp}/a.pcapng"], 4, "No such command 'chekc'; do you mean check?"),
        (["bananas"], 4, "No such command 'bananas'"),
        (["coverage", "must-59"], 4, "has the id must-59; do you mean MUST-59?"),
    ],
)
def test_one_clear_line_for_each_mistake(tmp_path: Path, words: list[str], status: int, message: str) -> None:
    write_capture(tmp_path / "a.pcapng")
    (tmp_path / "empty-folder").mkdir()
    text_file(tmp_path, "C > S SYN seq=1\nS > C SYN,ACK seq=7\n", "lines.txt")
    result = lastack(*(word.format(tmp=tmp_path) for word in words))
    assert (result.status, message in result.stderr) == (status, True), result.stderr
    assert "Traceback" not in result.stderr and "internal error" not in result.stderr


def test_damage_does_not_hide_what_was_judged_and_wins_over_violations(capture: Path, tmp_path: Path) -> None:
    capture.write_bytes(capture.read_bytes()[:-10])
    result = lastack("check", capture)
    assert result.status == 6 and "#1 VIOLATION" in result.stdout
    assert "packet 3" in result.stderr and "offset" in result.stderr


def test_an_interrupt_shows_what_was_judged_so_far(tmp_path: Path) -> None:
    path = write_capture(tmp_path / "long.pcapng", filler=1)
    # Standard input that does not end: what has come is judged when the user has had enough.
    words = [sys.executable, "-m", "lastack", "check", "-"]
    environment = {"PYTHONPATH": str(SCHEMA.parents[2]), "LASTACK_BUILD_DIR": str(BUILD), "PATH": "/usr/bin:/bin"}
    process = subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        # A shell's background job, which a test run may be, ignores SIGINT and hands that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdin is not None
    process.stdin.write(path.read_bytes())
    process.stdin.flush()
    _wait_until_reading(process.pid)
    process.send_signal(signal.SIGINT)
    out, err = (octets.decode() for octets in process.communicate(timeout=60))
    assert process.returncode == 2, err
    assert "#1 VIOLATION" in out and "interrupted" in err and "Traceback" not in err


@pytest.mark.parametrize("as_json", [False, True])
def test_an_interrupt_in_the_middle_of_a_capture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    first = write_capture(tmp_path / "a.pcapng", filler=40_000)

    @contextlib.contextmanager
    def interrupting(what: str, shown: bool) -> Iterator[judging.Progress]:
        yield lambda done, total: os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(judging, "_bar", interrupting)
    result = lastack("check", first, write_capture(tmp_path / "b.pcapng"), *(["--json"] if as_json else []))
    assert result.status == 2 and result.stderr == "lastack: interrupted\n"
    if as_json:
        document = json.loads(result.stdout)
        assert document["stopped"] and document["files"] == [str(first)]
        assert 0 < document["summary"]["packets"] < 40_000 and document["summary"]["violations"] == 1
    else:
        assert "#1 VIOLATION" in result.stdout and " interrupted: this is what was judged until then" in result.lines


def _wait_until_reading(pid: int) -> None:
    """Until the process has taken everything and waits for more."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        call = Path(f"/proc/{pid}/syscall").read_text().split()
        if call[:2] == ["0", "0x0"]:  # read(0, ...)
            return
        time.sleep(0.05)
    pytest.fail("the command does not read its standard input")


# -------------------------------------------------------------------------------------------------------------- rules


def test_the_ladder_holds_the_packets_that_the_reason_speaks_of(tmp_path: Path) -> None:
    data = "".join(f"C > S PSH,ACK seq={1001 + i} ack=5001 len=1\n" for i in range(20))
    path = text_file(tmp_path, HANDSHAKE + data + "S > C FIN,ACK seq=5002 ack=1021\n")
    result = lastack("check", path)
    assert result.status == 1
    shown = [int(line.split()[0]) for line in result.lines if re.match(r" +\d+ +\d+(\.\d{3}|us)  ", line)]
    assert shown == [2, 20, 21, 22, 23, 24], result.stdout
    assert f"{'':17}17 segments not shown" in result.lines


def test_rules_table_and_one_rule(tmp_path: Path) -> None:
    table = lastack("rules")
    assert table.status == 0 and max(map(len, table.lines)) <= 80 and "syn-ack-number" in table.stdout
    one = lastack("rules", "syn-ack-number")
    assert "E-3.10.7.2-LISTEN-syn (SPEC, 3.10.7.2)" in one.stdout and "isn-changed" not in one.stdout
    should = json.loads(lastack("rules", "--json", "--level", "should").stdout)["rules"]
    assert should and all(rule["level"].startswith("SHOULD") for rule in should)
    endpoint = json.loads(lastack("rules", "--json", "--class", "E").stdout)["rules"]
    assert endpoint and {rule["soundness"] for rule in endpoint} == {"E"}


COMMANDS = ["", "run", "list", "check", "explain", "rules", "fuzz", "replay", "adapter", "adapter check", "doctor"]
COMMANDS += ["known", "known update", "coverage", "completion"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_and_names_the_exit_statuses(command: str) -> None:
    result = lastack(*command.split(), "--help")
    assert result.status == 0 and "Exit status" in result.stdout
    assert max(map(len, result.lines)) <= 80


def test_a_shell_completes_commands_and_rules() -> None:
    assert "_LASTACK_COMPLETE=bash_complete" in lastack("completion", "bash").stdout

    def complete(*words: str) -> list[str]:
        environment = {
            "_LASTACK_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(words),
            "COMP_CWORD": str(len(words) - 1),
        }
        environment |= {"PYTHONPATH": str(SCHEMA.parents[2]), "LASTACK_BUILD_DIR": str(BUILD), "PATH": "/usr/bin:/bin"}
        command = [sys.executable, "-m", "lastack"]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        return [line.partition(",")[2] for line in done.stdout.splitlines()]

    assert complete("lastack", "che") == ["check"]
    assert complete("lastack", "check", "--rules", "isn-changed,syn-ack-n") == ["isn-changed,syn-ack-number"]


def test_a_pipe_has_its_ladder_too(capture: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(capture.read_bytes()))
    writer.start()
    result = lastack("check", pipe)
    writer.join()
    assert result.status == 1 and "SYN,ACK seq=300 ack=102" in result.stdout


def test_standard_input_in_every_form(capture: Path) -> None:
    for octets in (capture.read_bytes(), WRONG_ACK.encode(), HANDSHAKE.encode()):
        done = subprocess.run(
            [sys.executable, "-m", "lastack", "check", "--json", "-"],
            input=octets,
            capture_output=True,
            env={"PYTHONPATH": str(SCHEMA.parents[2]), "LASTACK_BUILD_DIR": str(BUILD), "PATH": "/usr/bin:/bin"},
            check=False,
        )
        document = json.loads(done.stdout)
        assert document["file"] == "-" and document["summary"]["violations"] == (octets != HANDSHAKE.encode())
