"""The normal run tries the same examples for everybody: its coverage does not depend on luck. The long run seeks new ones."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("same", derandomize=True, database=None)


def pytest_configure(config: pytest.Config) -> None:
    if config.option.markexpr == "not long":
        settings.load_profile("same")
