"""Citations in the sources: which clause of which RFC, and which row of the catalogue, a place carries out.

In C++ a comment line ``//= rfc9293 3.10.7.4 fifth MUST-66`` stands above a function, or inside it above a statement; in
Python ``@requirement("MUST-66")`` stands on a scenario. This module only reads text. It knows nothing of the catalogue.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CITATION_LINE = re.compile(r"^\s*//=\s*(.*)")
REQUIREMENT_ID = re.compile(
    r"\b(?:(?:MUST|SHLD|MAY|REC)-\d+|U-\d\d|E-3\.10[\w.+-]*\w|F-\d+|RFC\d+-[\d.A-Z]+-\w+|SEED-\d{3})\b"
)
DOCUMENT = re.compile(r"rfc(\d+)$")
SECTION = re.compile(r"(?:\d+|[A-Z])(?:\.\d+)*$")
STEPS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")

# What stands at the left margin and gives a place its name.
TYPE_LINE = re.compile(r"(?:struct|class|enum class|enum) (\w+)")
CONSTANT_LINE = re.compile(r"(?:inline )?(?:static )?constexpr [\w:<>]+ (k\w+)")
FUNCTION_LINE = re.compile(r"(?:\[\[[\w:]+\]\] )?[A-Za-z][\w:<>,&*\[\] ]*?([A-Za-z_~][\w:~]*)\(")
NO_NAME = re.compile(r"(?://|#|namespace|using|template|extern|\}|public|private)")


@dataclass(frozen=True)
class Clause:
    """A place in a document: ``("9293", "3.10.7.4", "fifth")``; the step is empty where the section has none."""

    rfc: str
    section: str
    step: str = ""

    def __str__(self) -> str:
        return f"RFC {self.rfc} {self.section} {self.step}".rstrip()


@dataclass(frozen=True)
class Citation:
    """One ``//=`` line: where it stands, whose it is, and what it names."""

    path: Path
    line: int
    function: str  # that carries it out; empty when the whole file does
    clauses: tuple[Clause, ...]
    ids: tuple[str, ...]


def parse(text: str) -> tuple[tuple[Clause, ...], tuple[str, ...]]:
    """Clauses and row ids of what follows ``//=``. Words that are neither end the clauses: the rest is a remark."""
    ids = tuple(REQUIREMENT_ID.findall(text))
    words = text.split()
    document = DOCUMENT.match(words[0]) if words else None
    if document is None:
        return (), ids
    sections: list[str] = []
    step = ""
    for word in words[1:]:
        if word in STEPS:
            step = word
        elif SECTION.match(word) and not step:
            sections.append(word)
        else:
            break
    return tuple(Clause(document[1], section, step) for section in sections), ids


def _name_of(line: str) -> str | None:
    """What a line at the left margin defines, if it does."""
    if not line or line[0].isspace() or NO_NAME.match(line):
        return None
    for pattern in (TYPE_LINE, CONSTANT_LINE, FUNCTION_LINE):
        if match := pattern.match(line):
            return match[1]
    return None


def _function_at(lines: list[str], index: int) -> str:
    """The name that a citation at `index` belongs to: of what it stands above, or of what it stands in."""
    if lines[index][0] == "/":  # at the left margin: the next definition, if only comments lie between
        for line in lines[index + 1 :]:
            if not line.strip() or line.startswith("#"):
                return ""
            if (name := _name_of(line)) is not None:
                return name
        return ""
    for line in reversed(lines[:index]):
        if (name := _name_of(line)) is not None:
            return name
    return ""


def in_cpp(path: Path) -> Iterator[Citation]:
    """Every ``//=`` citation of a C++ file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for index, line in enumerate(lines):
        if match := CITATION_LINE.match(line):
            clauses, ids = parse(match[1])
            yield Citation(path, index + 1, _function_at(lines, index), clauses, ids)


def in_python(path: Path) -> Iterator[tuple[int, str]]:
    """Line number and id of every string inside a ``requirement(...)`` call of a Python file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("requirement", "req"):
            for argument in node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.lineno, argument.value
