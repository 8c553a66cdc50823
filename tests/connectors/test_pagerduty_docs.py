"""The setup page says what the connectors do: its examples are accepted, its options exist, its messages are ours."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from connectors.pagerduty_api import SCOPES, PagerDutyOptions
from syncd.config.load import load

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/pagerduty.md").read_text("utf-8")
BLOCKS = re.findall(r"^ *```yaml\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
DESTINATIONS = [block for block in BLOCKS if "destinations:" in block]


def level(block: str) -> str:
    indent = (re.match(r" *", block) or [""])[0]
    return "\n".join(line[len(indent) :] for line in block.splitlines())


@pytest.mark.parametrize("block", DESTINATIONS, ids=["API key", "app"])
def test_its_examples_are_configurations_that_are_accepted(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pagerduty-token", "pagerduty-secret"):
        (tmp_path / name).write_text("canary")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    rota = (ROOT / "config/minimal.yaml").read_text("utf-8").partition("destinations:")[0]
    file = tmp_path / "syncd.yaml"
    file.write_text(rota + level(block).replace("payments", "support"), "utf-8")
    assert [(one.name, one.kind) for one in load(file).destinations.values()] == [("pager", "pagerduty")]


def test_its_people_are_accepted(tmp_path: Path) -> None:
    [block] = [block for block in BLOCKS if "people:" in block]
    file = tmp_path / "syncd.yaml"
    file.write_text(level(block), "utf-8")
    assert load(file).rota.people["ben"].accounts == {"pagerduty": "PXYZ123"}


def test_its_table_has_every_option_and_no_other() -> None:
    table = PAGE.partition("## All options")[2].partition("\n## ")[0]
    named = [
        name for line in table.splitlines() if line.startswith("| `") for name in re.findall(r"`([a-z_]+)`", line.split("|")[1])
    ]
    assert sorted(named) == sorted(field.name for field in dataclasses.fields(PagerDutyOptions))


def test_its_scopes_are_those_that_are_asked_for() -> None:
    table = PAGE.partition("tick exactly these")[2].partition("\n3. ")[0]
    assert tuple(re.findall(r"^ *\| `([a-z.]+)`", table, re.MULTILINE)) == SCOPES


def test_its_messages_are_those_that_are_given() -> None:
    source = " ".join(path.read_text("utf-8") for path in sorted((ROOT / "connectors").glob("pagerduty*.py")))
    source = re.sub(r'"\n\s*f?"', "", source)
    theirs = ("P123ABC", "ben", "(HTTP 401", "(HTTP 403", "invalid_client", "invalid_scope", "writing: denied", ")")
    table = PAGE.partition("## When something is wrong")[2].partition("\n## ")[0]
    said = re.findall(r"\*([^*]+)\*", "\n".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| *")))
    assert len(said) >= 10
    for words in said:
        text = words
        for word in theirs:
            text = text.replace(word, "…")
        missing = [part.strip(" :") for part in text.split("…") if part.strip(" :") and part.strip(" :") not in source]
        assert missing == [], words
