"""The setup page says what the connector does: its example is accepted, its options exist, its messages are ours."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from connectors.caldav import CalDav
from syncd.config.load import load

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/caldav.md").read_text("utf-8")


def test_its_example_is_a_configuration_that_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dav").write_text("zeisig-und-lerche")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    [block] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    rota = (ROOT / "config/minimal.yaml").read_text("utf-8").partition("destinations:")[0]
    file = tmp_path / "syncd.yaml"
    file.write_text(rota + block.replace("payments", "support"), "utf-8")
    assert [(one.name, one.kind) for one in load(file).destinations.values()] == [("team-calendar", "caldav")]


def test_its_table_has_every_option_and_no_other() -> None:
    table = PAGE.partition("## Options")[2].partition("##")[0]
    cells = re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
    named = [name for cell in cells for name in re.findall(r"`([a-z_]+)`", cell)]
    assert sorted(named) == sorted(field.name for field in dataclasses.fields(CalDav.Options))


def test_its_messages_are_those_that_are_given() -> None:
    source = "".join(path.read_text("utf-8") for path in sorted((ROOT / "connectors").glob("caldav*.py")))
    table = PAGE.partition("## When something is wrong")[2]
    cells = "\n".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| *"))
    said = re.findall(r"\*([^*]+)\*", cells)
    assert len(said) == 10
    assert [words for words in said if words not in source] == []
