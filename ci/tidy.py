#!/usr/bin/python3
"""Checks on the tree that no compiler makes: who may include whom, real citations, no ambient time or randomness.

Prints one line a finding (file:line: what) and exits 1 when there is one. Runs as a test; `ci/lint` calls it too.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# What each folder may include besides itself. The order of the core is base <- wire <- tcb <- tcp <- host <- sim; the judge
# knows base and wire only, so that it and the core are two independent readings of the RFC.
MAY_INCLUDE: dict[str, tuple[str, ...]] = {
    "stack/base": (),
    "stack/wire": ("stack/base",),
    "stack/tcb": ("stack/base", "stack/wire"),
    "stack/tcp": ("stack/base", "stack/wire", "stack/tcb"),
    "stack/host": ("stack/base", "stack/wire", "stack/tcb", "stack/tcp"),
    "stack/sim": ("stack/base", "stack/wire", "stack/tcb", "stack/tcp", "stack/host"),
    "stack/test": ("stack",),
    "stack/bench": ("stack", "conformance/judge", "conformance/trace"),
    "conformance/judge": ("stack/base", "stack/wire"),
    "conformance/trace": ("stack/base", "stack/wire", "conformance/judge"),
    "conformance/model": ("stack/base", "stack/wire", "conformance/sut"),
    "conformance/sut": ("stack", "conformance/sut"),
    "conformance/test": ("stack/base", "stack/wire", "conformance"),
    "fuzz": ("stack", "conformance"),
    "bindings": ("stack", "conformance"),
}
# The contract is plain C and includes nothing of ours.
STANDS_ALONE = ("conformance/sut/lastack_sut.h",)

TOP_LEVEL = {
    "CMakeLists.txt", "stack", "fuzz", "conformance", "bindings", "scenarios", "ci", "README.md",  # fixed by the owner
    "CMakePresets.json", "pyproject.toml", "conftest.py", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE",
    ".ci", ".clang-format", ".clang-tidy", ".gitignore", ".git", ".clusterfuzzlite", ".github",
}  # fmt: skip
GENERATED = {"build", "out", "findings", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".cache"}

INCLUDE = re.compile(r'\s*#\s*include\s+"([^"]+)"')
AMBIENT = re.compile(
    r"\b(steady_clock|system_clock|high_resolution_clock|clock_gettime|gettimeofday|random_device|mt19937|std::rand|"
    r"std::thread|getenv)\b"
)


def cpp_files() -> Iterator[Path]:
    for folder in ("stack", "conformance", "bindings", "fuzz"):
        for pattern in ("*.h", "*.cpp", "*.c"):
            yield from sorted((ROOT / folder).rglob(pattern))


def folder_of(relative: str) -> str | None:
    """The longest key of MAY_INCLUDE that `relative` lies in."""
    matches = [folder for folder in MAY_INCLUDE if relative.startswith(folder + "/")]
    return max(matches, key=len) if matches else None


def check_includes() -> Iterator[str]:
    for path in cpp_files():
        relative = str(path.relative_to(ROOT))
        folder = folder_of(relative)
        if folder is None:
            yield f"{relative}:1: lies in no folder of the include table (ci/tidy.py)"
            continue
        allowed = (folder, *MAY_INCLUDE[folder])
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            match = INCLUDE.match(line)
            if not match:
                continue
            included = match[1]
            if not (ROOT / included).exists():
                yield f'{relative}:{number}: "{included}" is not a path from the top of the repository'
            elif relative in STANDS_ALONE or not any(included.startswith(a + "/") for a in allowed):
                yield f'{relative}:{number}: {folder} may not include "{included}"'


def check_ambient() -> Iterator[str]:
    for path in cpp_files():
        relative = str(path.relative_to(ROOT))
        if not relative.startswith(("stack/", "conformance/judge/")) or relative.startswith("stack/bench/"):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            code = line.split("//")[0]
            if match := AMBIENT.search(code):
                yield f"{relative}:{number}: {match[0]}: time and randomness are handed in, never asked for"


def check_top_level() -> Iterator[str]:
    for entry in sorted(ROOT.iterdir()):
        if entry.name not in TOP_LEVEL and entry.name not in GENERATED:
            yield f"{entry.name}:1: not one of the names that may stand at the top"


def check_citations() -> Iterator[str]:
    sys.path.insert(0, str(ROOT / "conformance"))
    from lastack import catalogue

    _, unknown = catalogue.coverage(ROOT)
    for where in unknown:
        yield f"{where}: no row of conformance/catalogue has this id"


def check_clauses() -> Iterator[str]:
    """The table of clauses in stack/README.md is made from the citations."""
    import clauses

    if (problem := clauses.stale()) is not None:
        yield f"stack/README.md:1: {problem}"


def main() -> int:
    findings = [*check_includes(), *check_ambient(), *check_top_level(), *check_citations(), *check_clauses()]
    for finding in findings:
        print(finding)
    if not findings:
        print("tidy: includes, citations, ambient inputs and top-level names are in order")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
