"""Files that a command writes: whether it can is asked before the work, and nothing is touched until the whole content is
there. What an older run wrote stays until then, and whatever goes wrong on the way.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress

from lastack.errors import UsageError


class Output:
    """A file to be written, by the option that named it."""

    def __init__(self, option: str, path: str) -> None:
        self.option, self.path = option, path
        self._place = os.path.realpath(path)  # what a symbolic link means is replaced, not the link
        folder = os.path.dirname(self._place)
        special = os.path.exists(self._place) and not os.path.isfile(self._place)
        if os.path.isdir(self._place):
            self._refuse("Is a directory")
        if not special and not os.path.isdir(folder):
            self._refuse("Not a directory" if os.path.exists(folder) else "No such file or directory")
        # Where no second file can be made, and for pipes and devices, there is nothing to rename.
        self._in_place = special or not os.access(folder, os.W_OK)
        if not os.access(self._place if os.path.exists(self._place) else folder, os.W_OK):
            self._refuse("Permission denied")

    def write(self, fill: Callable[[str], object]) -> None:
        """``fill`` is given the path to write to; afterwards the file is there, whole."""
        if self._in_place:
            fill(self._place)
            return
        handle, draft = tempfile.mkstemp(prefix=".lastack-", dir=os.path.dirname(self._place))
        os.close(handle)
        try:
            fill(draft)
            os.chmod(draft, _mode(self._place))
            os.replace(draft, self._place)
        except BaseException:
            with suppress(OSError):
                os.unlink(draft)
            raise

    def is_at(self, path: str) -> bool:
        """Whether this would be written over that file."""
        return os.path.isfile(path) and os.path.isfile(self._place) and os.path.samefile(path, self._place)

    def _refuse(self, reason: str) -> None:
        raise UsageError(f"cannot write {self.path}: {reason}")


def check_apart(outputs: Iterable[Output], inputs: Iterable[str]) -> None:
    """Raises ``UsageError`` when one output would be written over an input, or over another one."""
    places: dict[str, Output] = {}
    read = list(inputs)
    for output in outputs:
        if any(output.is_at(path) for path in read):
            raise UsageError(f"{output.option} {output.path} would overwrite the capture")
        place = os.path.realpath(output.path)
        if place in places and not place.startswith("/dev/"):
            raise UsageError(f"{places[place].option} and {output.option} name the same file, {output.path}")
        places[place] = output


def _mode(path: str) -> int:
    """The permissions of what is replaced, else those that a new file would have."""
    with suppress(OSError):
        return os.stat(path).st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
