#!/usr/bin/python3
"""The table "clause -> function" of stack/README.md, made from the `//=` citations of the core.

    ci/clauses.py            says whether the table is up to date (exit status 1 when not)
    ci/clauses.py --write    writes it anew; `ci/lint --fix` does this too

Line numbers are left out on purpose: they would change with every edit.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "conformance"))

from lastack import catalogue, citations  # noqa: E402

# RFC 9293's own headings, for those who do not know its numbers by heart.
HEADINGS = {
    "3.1": "header", "3.2": "options", "3.3.2": "state machine", "3.4": "sequence numbers", "3.4.1": "initial numbers",
    "3.5": "opening", "3.5.2": "making resets", "3.5.3": "taking resets", "3.6": "closing", "3.6.1": "half-closed",
    "3.7.1": "maximum segment size", "3.7.2": "path MTU", "3.7.4": "Nagle", "3.8": "data", "3.8.1": "RTO",
    "3.8.2": "congestion control", "3.8.3": "R1 and R2", "3.8.4": "keep-alive", "3.8.5": "urgent", "3.8.6": "windows",
    "3.8.6.1": "zero window", "3.8.6.2.1": "when to send", "3.8.6.2.2": "when to open", "3.8.6.3": "when to acknowledge",
    "3.9.1.1": "open", "3.9.1.2": "send", "3.9.1.3": "receive", "3.9.1.8": "error reports", "3.9.2": "IP",
    "3.9.2.2": "ICMP", "3.9.2.3": "addresses", "3.10.1": "OPEN", "3.10.2": "SEND", "3.10.3": "RECEIVE",
    "3.10.4": "CLOSE", "3.10.5": "ABORT", "3.10.6": "STATUS", "3.10.7.1": "arrives in CLOSED",
    "3.10.7.2": "arrives in LISTEN", "3.10.7.3": "arrives in SYN-SENT", "3.10.7.4": "arrives in other states",
    "3.10.7.4 first": "sequence number", "3.10.7.4 second": "RST", "3.10.7.4 third": "security: left out",
    "3.10.7.4 fourth": "SYN", "3.10.7.4 fifth": "ACK", "3.10.7.4 sixth": "URG", "3.10.7.4 seventh": "text",
    "3.10.7.4 eighth": "FIN", "3.10.8": "timeouts", "3.10.7.2 first": "RST", "3.10.7.2 second": "ACK",
    "3.10.7.2 third": "SYN", "3.10.7.2 fourth": "anything else", "3.10.7.3 first": "ACK", "3.10.7.3 second": "RST",
    "3.10.7.3 third": "security: left out", "3.10.7.3 fourth": "SYN", "3.10.7.3 fifth": "anything else",
}  # fmt: skip

PAGE = ROOT / "stack" / "README.md"
BEGIN, END = "<!-- clauses: begin (ci/clauses.py --write) -->", "<!-- clauses: end -->"


def section_key(section: str) -> tuple[int | str, ...]:
    """3.10 after 3.9; appendices, which are letters, after all numbers."""
    return tuple(int(part) if part.isdigit() else 10**6 + ord(part) for part in section.split("."))


def clause_key(clause: citations.Clause) -> tuple[object, ...]:
    step = citations.STEPS.index(clause.step) + 1 if clause.step else 0
    return (clause.rfc != "9293", int(clause.rfc), section_key(clause.section), step)


def rows() -> list[tuple[citations.Clause, str, str, tuple[str, ...]]]:
    """Clause, function, file and the catalogue rows named there; one entry for each clause and function."""
    found: dict[tuple[citations.Clause, str, str], list[str]] = {}
    for citation in catalogue.core_citations(ROOT):
        where = str(citation.path.relative_to(ROOT / "stack"))
        for clause in citation.clauses:
            ids = found.setdefault((clause, citation.function, where), [])
            ids += [id_ for id_ in citation.ids if id_ not in ids]
    ordered = sorted(found.items(), key=lambda item: (clause_key(item[0][0]), item[0][2], item[0][1]))
    return [(clause, function, where, tuple(ids)) for (clause, function, where), ids in ordered]


def table() -> str:
    lines: list[str] = []
    rfc = ""
    for clause, function, where, ids in rows():
        if clause.rfc != rfc:
            rfc = clause.rfc
            lines += ["", f"### RFC {rfc}", "", "| clause | function | file | rows |", "| --- | --- | --- | --- |"]
        name = f"{clause.section} {clause.step}".rstrip()
        if rfc == "9293" and name in HEADINGS:
            name += f": {HEADINGS[name]}"
        lines.append(f"| {name} | {f'`{function}`' if function else 'all of it'} | {where} | {' '.join(ids)} |")
    return "\n".join(lines).strip() + "\n"


def with_table(page: str) -> str:
    pattern = re.compile(re.escape(BEGIN) + r"\n.*?" + re.escape(END), re.DOTALL)
    return pattern.sub(lambda _: f"{BEGIN}\n\n{table()}\n{END}", page)


def stale() -> str | None:
    """What is wrong with the page, or None."""
    page = PAGE.read_text(encoding="utf-8")
    if BEGIN not in page or END not in page:
        return "the marks around the table of clauses are gone"
    if page != with_table(page):
        return "the table of clauses is not what the citations say now: ci/clauses.py --write"
    return None


def main() -> int:
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
        return 0
    if sys.argv[1:]:
        print("usage: ci/clauses.py [--write]", file=sys.stderr)
        return 4
    problem = stale()
    print(f"stack/README.md: {problem}" if problem else "stack/README.md: the table of clauses is up to date")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
