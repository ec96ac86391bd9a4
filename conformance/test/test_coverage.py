"""The requirement table: citations are read as they are meant, and no row of the catalogue is left to nobody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from lastack import REPOSITORY, catalogue, citations
from lastack.catalogue import Coverage, Row
from lastack.citations import Clause
from lastack.cli import cli


def row(table: str, id_: str, section: str) -> Row:
    return Row(table, id_, "SPEC", section, "text", "wire")


@pytest.mark.parametrize(
    ("text", "clauses", "ids"),
    [
        ("rfc9293 3.10.7.4 fifth MUST-66", ("RFC 9293 3.10.7.4 fifth",), ("MUST-66",)),
        ("rfc6298 5.4 5.5 5.6", ("RFC 6298 5.4", "RFC 6298 5.5", "RFC 6298 5.6"), ()),
        ("rfc7323 D", ("RFC 7323 D",), ()),
        ("RFC7323-5.2-b the option is answered by 0 and its own TSval", (), ("RFC7323-5.2-b",)),
        ("rfc9293 3.6.1 MAY-1 SHLD-3", ("RFC 9293 3.6.1",), ("MAY-1", "SHLD-3")),
        ("a remark", (), ()),
    ],
)
def test_citation_is_parsed(text: str, clauses: tuple[str, ...], ids: tuple[str, ...]) -> None:
    got, names = citations.parse(text)
    assert (tuple(str(clause) for clause in got), names) == (clauses, ids)


def test_citation_belongs_to_the_function_below_or_around_it(tmp_path: Path) -> None:
    source = tmp_path / "x.cpp"
    source.write_text(
        "// What it owns.\n//= rfc9293 3.4\n#include <x>\n\n"
        "//= rfc9293 3.10.4\n//= rfc1122 4.2.2.20\nStatus<CallError> close_call(Tcb& tcb, Instant now) {\n"
        "  //= rfc9293 3.6 U-21\n  queue_fin(tcb);\n}\n\n"
        "//= rfc9293 3.9.1.8\nstd::optional<Event> Host::poll_event() {\n}\n\n"
        "//= rfc9293 3.8 U-18\n[[gnu::always_inline]] inline int pay(Tcb& tcb) {\n}\n"
    )
    assert [(c.function, str(c.clauses[0])) for c in citations.in_cpp(source)] == [
        ("", "RFC 9293 3.4"),
        ("close_call", "RFC 9293 3.10.4"),
        ("close_call", "RFC 1122 4.2.2.20"),
        ("close_call", "RFC 9293 3.6"),
        ("Host::poll_event", "RFC 9293 3.9.1.8"),
        ("pay", "RFC 9293 3.8"),
    ]


@pytest.mark.parametrize(
    ("cited", "wanted", "carries"),
    [
        (Clause("9293", "3.10.7.4", "fifth"), row("rfc9293-events", "E-3.10.7.4-5-X", "3.10.7.4 step 5"), True),
        (Clause("9293", "3.10.7.4", "sixth"), row("rfc9293-events", "E-3.10.7.4-5-X", "3.10.7.4 step 5"), False),
        (Clause("9293", "3.10.7.4"), row("rfc9293-events", "E-3.10.7.4-5-X", "3.10.7.4 step 5"), False),
        (Clause("9293", "3.10.7.4", "first"), row("rfc9293-events", "E-3.10.7.4-X-y", "3.10.7.4 order"), True),
        (Clause("6298", "5"), row("extensions", "RFC6298-5-b", "5 (5.1-5.3)"), True),
        (Clause("7323", "A"), row("extensions", "RFC7323-A-a", "Appendix A"), True),
        (Clause("5681", "3"), row("extensions", "RFC5681-3.1-a", "3.1"), False),
    ],
)
def test_section_and_step_decide_what_a_citation_carries_out(cited: Clause, wanted: Row, carries: bool) -> None:
    clause = catalogue.clause_of(wanted)
    assert clause is not None
    assert catalogue.carries_out(cited, clause) is carries


def test_labelled_rows_want_their_id() -> None:
    assert catalogue.clause_of(row("rfc9293", "MUST-59", "3.10.7.4")) is None


@pytest.mark.parametrize(
    ("table", "code", "tests", "exception", "status", "lacks"),
    [
        ("rfc9293", ["a"], ["b"], None, "covered", ()),
        ("rfc9293", ["a"], [], None, "missing", ("test",)),
        ("rfc9293", [], ["b"], None, "missing", ("code",)),
        ("rfc9293", [], ["b"], "why", "excepted", ("code",)),
        ("rfc9293", ["a"], ["b"], "why", "covered", ()),
        ("classroom", [], ["b"], None, "covered", ()),
        ("classroom", [], [], None, "missing", ("test",)),
    ],
)
def test_status(
    table: str, code: list[str], tests: list[str], exception: str | None, status: str, lacks: tuple[str, ...]
) -> None:
    entry = Coverage(row(table, "MUST-1", "3.1"), code, tests, exception)
    assert (entry.status, entry.lacks) == (status, lacks)


def test_every_exception_has_a_reason_and_is_needed() -> None:
    table, unknown = catalogue.coverage()
    assert unknown == []
    reasons = {entry.row.id: entry.exception for entry in table if entry.exception is not None}
    assert all(len(reason) > 20 for reason in reasons.values())
    needless = [e.row.id for e in table if e.exception is not None and not e.lacks]
    assert needless == [], "these rows have code and a test now: delete them from conformance/catalogue/exceptions.toml"


def test_the_command_counts_every_row_once() -> None:
    done = CliRunner().invoke(cli, ["coverage", "--json"], standalone_mode=False)
    assert (done.exception, done.return_value) == (None, 0)
    document = json.loads(done.output)
    lines = sum(
        len((REPOSITORY / "conformance/catalogue" / f"{table}.tsv").read_text().splitlines()) - 1
        for table in catalogue.TABLES
    )
    assert document["total"]["rows"] == len(document["rows"]) == lines
    for counts in document["tables"].values():
        assert counts["rows"] == counts["covered"] + counts["excepted"] + counts["missing"]
    assert {entry["status"] for entry in document["rows"]} <= {"covered", "excepted", "missing"}
