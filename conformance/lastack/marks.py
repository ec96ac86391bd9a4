"""The decorator that ties a scenario to rows of the requirement catalogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

_Function = TypeVar("_Function", bound=Callable[..., object])


def requirement(*ids: str) -> Callable[[_Function], _Function]:
    """Marks a scenario with the catalogue ids that it shows, e.g. ``@requirement("MUST-59", "F-8")``.

    ``lastack list`` and ``lastack run`` select by id; results and JUnit carry the ids; an id that the catalogue does
    not have is an error when the scenario is collected.
    """

    # Imported here: the command line needs this package, but not pytest.
    import pytest

    def mark(function: _Function) -> _Function:
        pytest.mark.requirement(*ids)(function)
        return function

    return mark
