"""Does a change of the judge that should change nothing really change nothing? Everything it says of many captures, to compare.

    same_findings.py OUT CAPTURE|DIRECTORY...      writes what the judge of this build says, a line for each capture and choice of the tap
    same_findings.py OUT CAPTURE|DIRECTORY... --before FILE      compares with what an earlier build wrote there; exit status 1 when it differs

Run it before and after. Captures come from record_linux.py, relay.py, rfc2525.py DIRECTORY, faults.py --write DIRECTORY, false_alarms.py --keep.
LASTACK_BUILD_DIR chooses another build.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lastack import _judge  # noqa: E402

_SUFFIXES = (".pcap", ".pcapng", ".cap", ".gz")
_TAPS = ("", "client", "server")


def captures(places: list[Path]) -> Iterator[Path]:
    """The files named, and those in the directories named, in order."""
    for place in places:
        yield from sorted(p for p in place.rglob("*") if p.suffix in _SUFFIXES) if place.is_dir() else (place,)


def statements(capture: Path) -> Iterator[str]:
    """All that the judge says: the whole report for each tap, and a digest of every segment's variables and states."""
    for tap in _TAPS:
        yield f"{capture} {tap or 'infer'} {_judge.check_file(str(capture), advisories=True, tap=tap)}"
    steps = _judge.exchange(str(capture), max_steps=3000)
    yield f"{capture} steps {hashlib.sha256(steps.encode()).hexdigest()}"


def main() -> int:
    """Writes OUT; compares it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("places", type=Path, nargs="+")
    parser.add_argument("--before", type=Path)
    options = parser.parse_args()
    lines = [line for capture in captures(options.places) for line in statements(capture)]
    options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} statements about {len(lines) // (len(_TAPS) + 1)} captures")
    if options.before is None:
        return 0
    before = options.before.read_text(encoding="utf-8").splitlines()
    if len(before) != len(lines):
        print(f"{options.before} has {len(before)}")
        return 1
    other = [(old, new) for old, new in zip(before, lines, strict=True) if old != new]
    for old, new in other[:10]:
        at = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
        print(
            f"{new.split(' {')[0][:100]}\n  before ...{old[max(0, at - 60) : at + 60]}\n  now    ...{new[max(0, at - 60) : at + 60]}"
        )
    print(f"{len(other)} differ")
    return 1 if other or not lines else 0


if __name__ == "__main__":
    sys.exit(main())
