"""Stack profiles: what a stack promises where the RFCs leave a choice (initial window, delayed ACK, minimum RTO ...).

A profile is a TOML file with a ``description`` and a table ``choices``; the names are those of ``conformance/judge/profile.h``.
``lastack check --profile`` asks statistical rules and SHOULDs with these values instead of the RFCs' own.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "profiles"


class ProfileError(ValueError):
    """A profile that cannot be used, and why."""


def shipped() -> list[str]:
    """The names of the profiles that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str) -> dict[str, float]:
    """The choices of a shipped profile (by name) or of a TOML file (by path); numbers, durations in seconds."""
    path = FOLDER / f"{name}.toml" if name in shipped() else Path(name)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProfileError(f"no profile {name}: neither a file nor one of {', '.join(shipped())}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileError(f"profile {path}: {error}") from None
    if unknown := set(document) - {"description", "choices"}:
        raise ProfileError(
            f"profile {path}: unknown key {sorted(unknown)[0]}; 'description' and table 'choices' are known"
        )
    choices = document.get("choices")
    if not isinstance(choices, dict):
        raise ProfileError(f"profile {path}: the table 'choices' is missing")
    for key, value in choices.items():
        if not isinstance(value, int | float):
            raise ProfileError(f"profile {path}: {key} is {value!r}; a number or true/false is expected")
    return {key: float(value) for key, value in choices.items()}
