"""The requirement catalogue, and which of its rows have code, a test or a reasoned exception.

Rows come from the tables in ``conformance/catalogue`` (one per family), exceptions from ``exceptions.toml`` beside
them. Code carries out a row when a citation in ``stack/`` (citations.py) names its id, or, for a row of 3.10 or of a
companion RFC, its section and step. A test shows a row when it names the id. This module only reads text: it imports
neither the scenarios nor the native modules.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lastack import REPOSITORY, citations
from lastack.citations import Clause

TABLES = ("rfc9293", "rfc9293-unlabelled", "rfc9293-events", "rfc9293-figures", "extensions", "classroom")

# Rows of these are sequences and claims to be shown, each made of rules that have rows of their own: a test is enough.
EXAMPLES = ("rfc9293-figures", "classroom")


class CatalogueError(Exception):
    """A table or the exceptions file cannot be read; the message names file and line."""


@dataclass(frozen=True)
class Row:
    """One requirement: its table, catalogue id, level (MUST, SHOULD, ..., ``""`` where the table has none), section
    and text.
    """

    table: str
    id: str
    level: str
    section: str
    text: str
    observable: str


@dataclass
class Coverage:
    """Where one row is carried: files with line numbers (and functions), or the reason why it is not."""

    row: Row
    code: list[str] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)
    exception: str | None = None
    unused: bool = False

    @property
    def status(self) -> str:
        """``covered`` by code and a test, ``excepted``, or ``missing`` (see `lacks`)."""
        if not self.lacks:
            return "covered"
        return "excepted" if self.exception is not None else "missing"

    @property
    def lacks(self) -> tuple[str, ...]:
        """``code``, ``test``, both or nothing."""
        needs_code = self.row.table not in EXAMPLES
        return tuple(what for what, there in (("code", self.code or not needs_code), ("test", self.tests)) if not there)


def clause_of(row: Row) -> Clause | None:
    """The clause whose code carries out the row; None where only its id says that."""
    if row.table == "rfc9293-events":
        section, _, step = row.section.partition(" step ")
        section = section.removesuffix(" order")
        return Clause("9293", section, citations.STEPS[int(step) - 1] if step else "")
    if row.table == "extensions":
        section = row.section.removeprefix("Appendix ").split()[0].rstrip(";")
        return Clause(row.id.split("-")[0].removeprefix("RFC"), section)
    return None


def carries_out(cited: Clause, wanted: Clause) -> bool:
    """A citation of the section is enough where the row names no step."""
    return (cited.rfc, cited.section) == (wanted.rfc, wanted.section) and wanted.step in ("", cited.step)


def _row(table: str, cells: dict[str, str]) -> Row:
    if table == "rfc9293-events":
        text = f"{cells['state']}, {cells['event']}, {cells['condition']}: {cells['emits']} -> {cells['next_state']}"
        return Row(table, cells["id"], "SPEC", cells["section"], text, "wire")
    if table == "rfc9293-figures":
        return Row(table, cells["id"], "SPEC", cells["section"], cells["title"], "wire")
    if table == "classroom":
        return Row(table, cells["id"], cells["verdict"], cells["rfc9293_section"], cells["claim"], "wire")
    return Row(table, cells["id"], cells["level"], cells["section"], cells["paraphrase"], cells["observable"])


def load(folder: Path = REPOSITORY / "conformance" / "catalogue") -> dict[str, Row]:
    """All rows by id, in the order of the tables."""
    rows: dict[str, Row] = {}
    for table in TABLES:
        path = folder / f"{table}.tsv"
        try:
            with path.open(encoding="utf-8", newline="") as file:
                for cells in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                    row = _row(table, cells)
                    if row.id in rows:
                        raise CatalogueError(f"{path}: the id {row.id} stands there twice")
                    rows[row.id] = row
        except (OSError, KeyError) as error:
            raise CatalogueError(f"{path}: {error}") from error
    return rows


@dataclass(frozen=True)
class Exempt:
    """Why a row lacks code or a test. `unused`: a permission that the core does not use, whoever cites its section."""

    reason: str
    unused: bool


def exceptions(folder: Path = REPOSITORY / "conformance" / "catalogue") -> dict[str, Exempt]:
    """By id, from ``exceptions.toml``: ``[[exception]] ids = ["MUST-50"] reason = "..." unused = true``."""
    path = folder / "exceptions.toml"
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("exception", [])
        return {
            id_: Exempt(str(entry["reason"]), bool(entry.get("unused", False)))
            for entry in entries
            for id_ in entry["ids"]
        }
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        raise CatalogueError(f"{path}: {error}") from error


def sources(root: Path = REPOSITORY) -> Iterator[tuple[str, Path]]:
    """Every file that may cite, as ("code" | "test" | "other", path); code is the core, and nothing else."""
    for folder in ("stack", "conformance", "fuzz", "scenarios"):
        for path in sorted((root / folder).rglob("*")):
            relative = path.relative_to(root).parts
            if path.suffix in (".h", ".cpp", ".py"):
                if "test" in relative or folder == "scenarios":
                    yield "test", path
                else:
                    yield ("code" if folder == "stack" and "bench" not in relative else "other"), path


def core_citations(root: Path = REPOSITORY) -> Iterator[citations.Citation]:
    """Every ``//=`` of the core."""
    for kind, path in sources(root):
        if kind == "code" and path.suffix != ".py":
            yield from citations.in_cpp(path)


def _place(root: Path, citation: citations.Citation) -> str:
    where = f"{citation.path.relative_to(root)}:{citation.line}"
    return f"{where} {citation.function}" if citation.function else where


def _cited_ids(root: Path, path: Path) -> Iterator[tuple[str, str]]:
    """Place and id."""
    if path.suffix == ".py":
        yield from ((f"{path.relative_to(root)}:{line}", id_) for line, id_ in citations.in_python(path))
    else:
        yield from ((_place(root, citation), id_) for citation in citations.in_cpp(path) for id_ in citation.ids)


def _credit_clauses(root: Path, table: Mapping[str, Coverage]) -> None:
    """Adds to each row the code that cites its clause; not to a permission that this code does not use."""
    cited = [(c, clause) for c in core_citations(root) for clause in c.clauses]
    for entry in table.values():
        wanted = clause_of(entry.row)
        if wanted is None or entry.code or entry.unused:
            continue
        entry.code += [_place(root, c) for c, clause in cited if carries_out(clause, wanted)]


def coverage(
    root: Path = REPOSITORY, scenarios: Mapping[str, Iterable[str]] | None = None
) -> tuple[list[Coverage], list[str]]:
    """The table of all rows, and the citations of ids that no table has (``file:line: id``).

    `scenarios`: ids by scenario, as pytest collects them; it also knows the ids that a parametrised scenario puts together.
    """
    rows = load(root / "conformance" / "catalogue")
    table = {id_: Coverage(row) for id_, row in rows.items()}
    unknown: list[str] = []
    for kind, path in sources(root):
        for where, id_ in _cited_ids(root, path):
            if id_ not in table:
                unknown.append(f"{where}: {id_}")
            elif kind == "test":
                table[id_].tests.append(where)
            elif kind == "code":
                table[id_].code.append(where)
    for test, ids in (scenarios or {}).items():
        for id_ in ids:
            if id_ in table and not table[id_].tests:
                table[id_].tests.append(test)
    for id_, exempt in exceptions(root / "conformance" / "catalogue").items():
        if id_ not in table:
            unknown.append(f"conformance/catalogue/exceptions.toml: {id_}")
        else:
            table[id_].exception, table[id_].unused = exempt.reason, exempt.unused
    _credit_clauses(root, table)
    return list(table.values()), unknown
