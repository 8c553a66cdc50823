"""The reference page has every key that a file may hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from syncd.config.describe import EXAMPLES, INTRODUCTION, OPEN, installed, options_of, page
from syncd.config.load import TOP
from syncd.config.shape import Shape, shapes
from syncd.registry import kinds
from tests.shell.command_line import command_line

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/configuration.md").read_text("utf-8")


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


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_has_a_whole_example_that_check_takes(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    section = PAGE.split(f"\n### {kind}\n")[1].split("\n### ")[0]
    (example,) = re.findall(r"```yaml\ndestinations:\n(.*?)```", section, re.DOTALL)
    assert example == EXAMPLES[kind]
    rota, _, _ = (ROOT / "config/minimal.yaml").read_text("utf-8").partition("destinations:")
    for name in re.findall(r"file: ([\w.]+)", example):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(0o600)
    for name in re.findall(r"env: (\w+)", example):
        monkeypatch.setenv(name, "x")
    syncd = command_line(tmp_path, monkeypatch, f"{rota}destinations:\n{example}")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    problems = syncd.json("check")
    assert [one["problem"] for one in problems] in ([], ["credentials cannot be seen here"])
