"""The setup page says what the connector does: its example is accepted, its options exist, its messages are ours."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from connectors.google import Google
from connectors.google_account import SCOPE
from syncd.config.load import load
from tests.simulators.google_schema import scopes

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/google.md").read_text("utf-8")


def test_its_example_is_a_configuration_that_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "google").write_text("{}")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    [block] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    rota = (ROOT / "config/minimal.yaml").read_text("utf-8").partition("destinations:")[0]
    indent = re.match(r" *", block)
    lines = [line[len(indent[0]) :] if indent else line for line in block.splitlines()]
    file = tmp_path / "syncd.yaml"
    file.write_text(rota + "\n".join(lines).replace("payments", "support"), "utf-8")
    config = load(file)
    assert [(one.name, one.kind) for one in config.destinations.values()] == [("team-calendar", "google")]


def test_its_table_has_every_option_and_no_other() -> None:
    table = PAGE.partition("## Options")[2].partition("##")[0]
    named = re.findall(r"^\| `([a-z_]+)`", table, re.MULTILINE)
    assert sorted(named) == sorted(field.name for field in dataclasses.fields(Google.Options))


def test_it_asks_for_the_scope_that_is_used_and_that_suffices() -> None:
    assert set(re.findall(r"https://www\.googleapis\.com/auth/[a-z.]+", PAGE)) == {SCOPE}
    for method in ("events.list", "events.get", "events.insert", "events.update", "events.delete"):
        assert SCOPE in scopes(method)


def test_its_messages_are_those_that_are_given() -> None:
    source = "".join(path.read_text("utf-8") for path in sorted((ROOT / "connectors").glob("google*.py")))
    theirs = ("You need to have writer access", "Invalid JWT", "Token has been expired or revoked")
    table = PAGE.partition("## When something is wrong")[2].partition("\n## ")[0]
    said = re.findall(r"\*([^*]+)\*", "\n".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| *")))
    assert len(said) >= 10
    for words in said:
        assert words in theirs or all(part.strip() in source for part in words.split("…")), words
