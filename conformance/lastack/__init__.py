"""lastack: the last word on whether a TCP stack is right.

The package holds the laboratory in which scenarios drive a stack under test (``lab``, ``peer``, ``handle``), the
carriers that reach a stack (``sut``), the pytest plugin and the command line. Protocol knowledge is not here: segments
are judged by the C++ judge, and scenarios say what they expect.

In a source tree the native modules lie in the build directory: ``LASTACK_BUILD_DIR``, or ``build`` in the repository.
"""

from __future__ import annotations

import os
from pathlib import Path

__version__ = "0.1.0"

_PACKAGE = Path(__file__).resolve().parent
# The source tree, or in an installed package the folder that has the same shape (scenarios, catalogue, adapters).
REPOSITORY = _PACKAGE.parents[1] if (_PACKAGE.parents[1] / "conformance" / "lastack").is_dir() else _PACKAGE / "data"
BUILD = Path(os.environ.get("LASTACK_BUILD_DIR", REPOSITORY / "build")).absolute()

# An installed package has its native modules beside this file; a source tree has them in the build directory.
if (BUILD / "python" / "lastack").is_dir():
    __path__.append(str(BUILD / "python" / "lastack"))

from lastack.errors import CallError, Mismatch, Unsupported  # noqa: E402
from lastack.marks import requirement  # noqa: E402

__all__ = ["BUILD", "REPOSITORY", "CallError", "Mismatch", "Unsupported", "__version__", "requirement"]
