"""Lets the asserts in the shared helper modules explain themselves as those in the scenarios do."""

import pytest

pytest.register_assert_rewrite("helpers", "stamped", "streams")
