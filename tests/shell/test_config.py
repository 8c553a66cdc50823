"""The examples are read, and mean what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.config import load

EXAMPLES = Path(__file__).parents[2] / "config"


@pytest.mark.parametrize("name", ["minimal.yaml"])
def test_an_example_is_read_without_a_warning(name: str) -> None:
    assert load(EXAMPLES / name).warnings == ()
