"""The reference page has every key that a file may hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.config.describe import INTRODUCTION, OPEN, installed, options_of, page
from syncd.config.load import TOP
from syncd.config.shape import Shape, shapes

PAGE = (Path(__file__).parents[2] / "docs/configuration.md").read_text("utf-8")


@pytest.mark.parametrize("shape", [one for one in shapes(TOP) if one.name not in OPEN], ids=lambda shape: shape.name)
def test_every_key_stands_on_the_page_with_its_default_and_meaning(shape: Shape) -> None:
    for key in shape.keys:
        default = "**required**" if key.required else key.shown
        assert f"| `{key.name}` | {key.form.words} | {default} | {key.meaning} |\n" in PAGE
        assert key.meaning


def test_every_option_of_every_connector_stands_on_the_page() -> None:
    for kind, connector in installed().items():
        section = PAGE.split(f"\n### {kind}\n")[1].split("\n### ")[0]
        for key in options_of(kind, connector).keys:
            assert f"\n| `{key.name}` | " in section, f"{kind}: {key.name}: write the page again"


def test_the_page_is_written_from_the_lists_that_files_are_read_with() -> None:
    written = page({})
    assert PAGE.startswith(written.split("\n## options")[0])
    assert INTRODUCTION in PAGE
