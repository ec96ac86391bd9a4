"""Makes the package in ``conformance`` and its pytest plugin known to every test, however pytest is started."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "conformance"))

pytest_plugins = ["lastack.plugin"]
