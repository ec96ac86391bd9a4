"""The command line: exit statuses, one clear message for every kind of bad input, and never a traceback."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from lastack import BUILD, _core
from lastack.pcapng import write_log
from lastack.world import Event

CONFORMANCE = Path(__file__).resolve().parents[1]
SCENARIO = "def test_a(lab):\n    '''Says what it shows.'''\n    lab.listen()\n"


def lastack(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(CONFORMANCE),
        "LASTACK_BUILD_DIR": str(BUILD),
        "PYTHONIOENCODING": "ascii",
    }
    return subprocess.run(
        [sys.executable, "-m", "lastack", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        timeout=120,
        check=False,
    )


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Two segments; the answer acknowledges one number too many."""
    syn = _core.build(src="192.0.2.2", dst="192.0.2.1", src_port=4000, dst_port=80, seq=100, flags=2, window=1000)
    wrong = _core.build(
        src="192.0.2.1", dst="192.0.2.2", src_port=80, dst_port=4000, seq=300, ack=102, flags=18, window=1000
    )
    path = tmp_path / "wrong.pcapng"
    write_log(path, [Event(0.0, "in", "", raw=syn), Event(0.1, "out", "", raw=wrong)])
    return path


@pytest.mark.parametrize(
    "arguments, status, message",
    [
        (["bananas"], 4, "No such command 'bananas'"),
        (["check"], 4, "Missing argument"),
        (["check", "--bananas", "x"], 4, "No such option"),
        (["check", "/no/such/file"], 6, "/no/such/file: No such file"),
        (["check", "{tmp}/empty"], 6, "the file is empty"),
        (["check", "{tmp}/text"], 6, "not a capture"),
        (["fuzz", "bananas"], 4, "is not one of"),
        (["fuzz", "wire", "--time", "soon"], 4, "is not a duration"),
        (["replay", "/no/such/file"], 6, "there is no such file"),
        (["replay", "{tmp}/text", "--text", "--transcript"], 4, "cannot be combined"),
        (["run", "{tmp}/none.py::test_x"], 4, "there is no scenario file"),
        (["run", "{tmp}/test_a.py", "--known", "/no/such.toml"], 4, "cannot read the known-issues file"),
        (["run", "{tmp}/test_a.py", "--sut", "bananas"], 4, "unknown stack"),
        (["run", "{tmp}/test_a.py", "--sut", "cmd:/bin/true"], 6, "before it answered hello"),
        (["run", "{tmp}/test_broken.py"], 1, ""),
        (["run", "{tmp}/test_a.py", "--req", "MUST-2"], 5, ""),
        (["run", "{tmp}/test_a.py"], 0, ""),
        (["adapter", "check", "bananas"], 4, "unknown stack"),
        (["adapter", "check", "core"], 0, ""),
        (["known", "update", "{tmp}/text", "{tmp}/k.toml", "--sut", "core"], 4, "is not a results file"),
        (["list", "{tmp}/test_broken.py"], 1, "SyntaxError"),
        (["--version"], 0, ""),
    ],
)
def test_exit_status_and_message(tmp_path: Path, arguments: list[str], status: int, message: str) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("This is not a capture.")
    (tmp_path / "test_a.py").write_text(SCENARIO)
    (tmp_path / "test_broken.py").write_text("def test_a(lab:\n")
    result = lastack(*[argument.format(tmp=tmp_path) for argument in arguments], cwd=tmp_path)
    assert result.returncode == status, result.stdout + result.stderr
    assert message in result.stderr
    assert "Traceback (most recent call last)" not in result.stderr + result.stdout or status == 1


def test_files_of_the_current_directory_are_not_taken_for_modules(capture: Path) -> None:
    folder = capture.parent
    (folder / "dis.py").write_text("raise SystemExit('this is a file of the user')\n")  # asked for by dataclasses
    (folder / "test_a.py").write_text(SCENARIO)
    for words, status in (["check", capture.name], 1), (["run", "test_a.py"], 0):
        result = subprocess.run(
            [BUILD / "lastack", *words], capture_output=True, text=True, cwd=folder, timeout=120, check=False
        )
        assert result.returncode == status and "of the user" not in result.stderr, result.stdout + result.stderr


def test_a_build_may_be_named_by_a_relative_path() -> None:
    asked = "import os; from lastack.cli import pytest_process as p; os.chdir('/'); print(p.child_environment())"
    environment = {"PYTHONPATH": str(CONFORMANCE), "LASTACK_BUILD_DIR": BUILD.name, "PATH": os.environ["PATH"]}
    result = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, cwd=BUILD.parent, env=environment, check=False
    )
    assert f"'LASTACK_BUILD_DIR': '{BUILD}'" in result.stdout, result.stderr


def test_check_convicts_with_everything_a_reader_needs(capture: Path) -> None:
    result = lastack("check", str(capture))
    assert result.returncode == 1
    for word in ("packet 2", "VIOLATION", "syn-ack-number", "RFC 9293", "expected", "actual", "1 violation,"):
        assert word in result.stdout


def test_check_prints_exactly_one_json_document(capture: Path, tmp_path: Path) -> None:
    document = json.loads(lastack("check", "--json", str(capture)).stdout)
    (finding,) = document["findings"]
    assert document["summary"]["violations"] == 1 and (finding["packet"], finding["verdict"]) == (2, "violated")
    assert {"rule", "clause", "level", "expected", "actual", "why"} <= set(finding)
    packed = tmp_path / "wrong.pcapng.gz"
    packed.write_bytes(gzip.compress(capture.read_bytes()))
    both = json.loads(lastack("check", "--json", str(capture), str(packed)).stdout)
    assert both["summary"]["violations"] == 2 and [f["file"] for f in both["findings"]] == [str(capture), str(packed)]


def test_a_cut_file_is_judged_up_to_the_cut(capture: Path) -> None:
    capture.write_bytes(capture.read_bytes()[:-10])
    result = lastack("check", str(capture))
    assert result.returncode == 6 and "1 packet," in result.stdout and "packet 2" in result.stderr


def test_list_and_rules(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(SCENARIO)
    listed = json.loads(lastack("list", "--json", "./test_a.py", cwd=tmp_path).stdout)
    assert listed["scenarios"] == [{"test": "test_a.py::test_a", "requirements": [], "text": "Says what it shows."}]
    rules = json.loads(lastack("rules", "--json").stdout)["rules"]
    assert len(rules) > 40 and all(rule["id"] and rule["clause"] and rule["text"] for rule in rules)
    assert "syn-ack-number" in lastack("rules", "syn-ack").stdout


def test_known_update_keeps_drops_and_adds(tmp_path: Path) -> None:
    tests = [
        {"test": f"t.py::test_{name}", "sut": "core", "outcome": outcome, "requirements": ["MUST-2"], "message": "why"}
        for name, outcome in (("kept", "known"), ("gone", "passed"), ("new", "failed"))
    ]
    (tmp_path / "r.json").write_text(json.dumps({"tests": tests}))
    entry = '[[known]]\ntest = "t.py::test_{}"\nrequirement = "MUST-2"\nreason = "r"\nevidence = "e"\n'
    file = tmp_path / "k.toml"
    file.write_text('schema = 1\nsut = "core"\n' + entry.format("kept") + entry.format("gone"))
    result = lastack("known", "update", str(tmp_path / "r.json"), str(file), "--sut", "core")
    assert result.returncode == 0 and "1 kept, 1 dropped, 1 new" in result.stdout
    text = file.read_text()
    assert "test_kept" in text and "test_gone" not in text and "test_new" in text
    # Nobody has said why the new one fails: the file is refused until somebody does.
    (tmp_path / "test_a.py").write_text(SCENARIO)
    refused = lastack("run", str(tmp_path / "test_a.py"), "--known", str(file))
    assert refused.returncode == 4 and "reason" in refused.stderr


CRASHING = """
#include "conformance/sut/lastack_sut.h"
#include <stdlib.h>
static void *create(const lastack_sut_cfg *c, char *e, size_t n) { return &create; }
static void destroy(void *s) {}
static int rx(void *s, uint64_t t, const uint8_t *p, size_t n) { abort(); }
static long tx(void *s, uint64_t t, uint8_t *p, size_t n) { return 0; }
static int tick(void *s, uint64_t t) { return 0; }
static uint64_t next(void *s, uint64_t t) { return UINT64_MAX; }
static int app(void *s, const lastack_sut_call *c, lastack_sut_ret *r) { r->conn = 0; return 0; }
static const lastack_sut_ops ops = {1, sizeof ops, "crashing", "1", LASTACK_CAP_VIRTUAL_TIME, 0,
                                    create, destroy, rx, tx, tick, next, app, 0};
const lastack_sut_ops *lastack_sut_entry(uint32_t abi) { return &ops; }
"""


@pytest.mark.skipif(not (BUILD / "sut" / "lastack-sut-so").is_file(), reason="lastack-sut-so is not built")
def test_a_stack_that_crashes_this_process_is_run_again_apart(tmp_path: Path) -> None:
    (tmp_path / "stack.c").write_text(CRASHING)
    (tmp_path / "test_a.py").write_text(SCENARIO)
    library = tmp_path / "stack.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-I", str(CONFORMANCE.parent), "-o", str(library), str(tmp_path / "stack.c")],
        check=True,
    )
    result = lastack("run", str(tmp_path / "test_a.py"), "--sut", f"so:{library}")
    assert result.returncode == 6
    assert "crashed this process (SIGABRT); running again" in result.stderr and "was killed by SIGABRT" in result.stderr
