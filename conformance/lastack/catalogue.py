"""The requirement catalogue, and which of its rows have code, a test or a reasoned exception.

Rows come from the tables in ``conformance/catalogue`` (one per family), exceptions from ``exceptions.toml`` beside
them. A row is *cited* by a comment line ``//= <id> ...`` in C++ and by ``@requirement("<id>", ...)`` in Python. This
module only reads text: it imports neither the scenarios nor the native modules.
"""

from __future__ import annotations

import ast
import csv
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lastack import REPOSITORY

TABLES = ("rfc9293", "rfc9293-unlabelled", "rfc9293-events", "rfc9293-figures", "extensions", "classroom")

CITATION_LINE = re.compile(r"//=\s*(.*)")
REQUIREMENT_ID = re.compile(
    r"\b(?:(?:MUST|SHLD|MAY|REC)-\d+|U-\d\d|E-3\.10[\w.+-]*\w|F-\d+|RFC\d+-[\d.A-Z]+-\w+|SEED-\d{3})\b"
)


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
    """Where one row is carried: files with line numbers, or the reason why it is not."""

    row: Row
    code: list[str] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)
    exception: str | None = None

    @property
    def status(self) -> str:
        """``covered`` (a test cites it), ``excepted``, ``code`` (cited by code only) or ``missing``."""
        if self.tests:
            return "covered"
        if self.exception is not None:
            return "excepted"
        return "code" if self.code else "missing"


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


def exceptions(folder: Path = REPOSITORY / "conformance" / "catalogue") -> dict[str, str]:
    """Reasons by id, from ``exceptions.toml``: ``[[exception]] ids = ["MUST-50"] reason = "..."``."""
    path = folder / "exceptions.toml"
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("exception", [])
        return {id_: str(entry["reason"]) for entry in entries for id_ in entry["ids"]}
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        raise CatalogueError(f"{path}: {error}") from error


def cpp_citations(path: Path) -> Iterator[tuple[int, str]]:
    """Line number and id of every ``//=`` citation of a C++ file."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if match := CITATION_LINE.search(line):
            for id_ in REQUIREMENT_ID.findall(match[1]):
                yield number, id_


def python_citations(path: Path) -> Iterator[tuple[int, str]]:
    """Line number and id of every string inside a ``requirement(...)`` call of a Python file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("requirement", "req"):
            for argument in node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.lineno, argument.value


def sources(root: Path = REPOSITORY) -> Iterator[tuple[str, Path]]:
    """Every file that may cite, as ("code" | "test", path)."""
    for folder in ("stack", "conformance", "fuzz", "scenarios"):
        for path in sorted((root / folder).rglob("*")):
            relative = path.relative_to(root).parts
            if path.suffix in (".h", ".cpp", ".py"):
                yield ("test" if "test" in relative or folder == "scenarios" else "code"), path


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
        citations = python_citations(path) if path.suffix == ".py" else cpp_citations(path)
        for number, id_ in citations:
            where = f"{path.relative_to(root)}:{number}"
            if id_ not in table:
                unknown.append(f"{where}: {id_}")
            elif kind == "test":
                table[id_].tests.append(where)
            else:
                table[id_].code.append(where)
    for test, ids in (scenarios or {}).items():
        for id_ in ids:
            if id_ in table and not table[id_].tests:
                table[id_].tests.append(test)
    for id_, reason in exceptions(root / "conformance" / "catalogue").items():
        if id_ not in table:
            unknown.append(f"conformance/catalogue/exceptions.toml: {id_}")
        else:
            table[id_].exception = reason
    return list(table.values()), unknown
