"""Every claim of the README that a program can check, and that the documents name only what there is."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from syncd import cli, registry
from syncd.config import load
from tests.shell.command_line import CommandLine, command_line

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
YAML, *_ = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
SHELL = [
    line.partition("#")[0].split() for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines()
]


@pytest.fixture
def syncd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return command_line(tmp_path, monkeypatch, YAML)


def test_it_sells_itself_in_ten_lines_or_so() -> None:
    before, _, _ = README.partition("## Try it")
    assert len(before.strip().splitlines()) <= 14


def test_the_example_is_config_minimal_and_is_without_problems(syncd: CommandLine) -> None:
    assert load(syncd.folder / "syncd.yaml").rota == load(ROOT / "config" / "minimal.yaml").rota
    assert syncd.json("check") == []


def test_the_commands_shown_work_in_the_order_shown(syncd: CommandLine) -> None:
    syncd.at("2026-03-18T12:00:00+00:00")  # Ana's week
    shown = [words[1:] for words in SHELL if words[:1] == ["syncd"]]
    assert len(shown) == 9
    for arguments in shown:
        if arguments == ["run"]:  # has a test of its own: it does not end
            continue
        result = syncd.run(*arguments)
        assert result.exit_code == 0, (arguments, result.output)
    assert list((syncd.folder / "calendar").glob("*.ics"))


def test_every_command_takes_json(syncd: CommandLine) -> None:
    for name in cli.COMMANDS:
        assert "--json" in syncd.run(name, "--help").output


def test_the_kinds_are_those_that_are_installed_with_the_extras_that_they_need() -> None:
    rows = re.findall(r"^\| (`[^|]+) \| [^|]+ \| ([^|]+) \|$", README, re.MULTILINE)
    told = {kind: extra.strip("` ") for kinds, extra in rows for kind in re.findall(r"`(\w+)`", kinds)}
    assert sorted(told) == registry.kinds()
    extras = PROJECT["optional-dependencies"]
    assert {extra for extra in told.values() if extra != "–"} <= set(extras)


def test_pagerduty_and_not_pdpyras_is_what_is_installed() -> None:
    assert "continuation of `pdpyras`" in README
    assert any(line.startswith("pagerduty") for line in PROJECT["optional-dependencies"]["pagerduty"])
    for lock in ("run.txt", "dev.txt"):
        names = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements" / lock).read_text("utf-8"), re.MULTILINE)
        assert "pagerduty" in names
        assert "pdpyras" not in names


def test_connectors_are_found_by_the_entry_point_group_that_it_names() -> None:
    assert "`syncd.connectors`" in README
    assert entry_points(group="syncd.connectors")


def test_the_exit_codes_are_those_of_the_program() -> None:
    told = re.search(r"## Exit codes\n\n(.*?)\n\n", README, re.DOTALL)
    assert told is not None
    codes = [int(code) for code in re.findall(r"(?:^|· )(\d+) ", told[1].replace("\n", " "))]
    assert codes == [0, cli.FAILED, cli.USAGE, cli.WORK, cli.STORE, cli.BUSY, cli.CONFIG, cli.INTERRUPTED]


def test_there_are_at_most_twelve_direct_dependencies() -> None:
    assert len(PROJECT["dependencies"]) <= 12


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_a_document_names_only_files_targets_and_commands_that_there_are(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    made = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert set(re.findall(r"`?make ([a-z-]+)`", text)) <= set(made)
    within = r"(?:syncd|connectors|config|docs|tests|systemd|requirements|\.ci)/[\w./*-]*"
    paths = re.findall(rf"`({within}|[A-Z]+\.md|Dockerfile)`", text)
    assert [path for path in paths if not list(ROOT.glob(path.rstrip("/")))] == []
    assert set(re.findall(r"`syncd ([a-z]+)", text)) <= set(cli.COMMANDS)


def test_the_architecture_fits_its_limit() -> None:
    assert len((ROOT / "ARCHITECTURE.md").read_text("utf-8").splitlines()) < 120


def test_the_security_policy_is_ninety_days() -> None:
    assert "90 days" in (ROOT / "SECURITY.md").read_text("utf-8")


def test_the_licence_is_apache() -> None:
    assert PROJECT["license"] == "Apache-2.0"
    assert "Version 2.0, January 2004" in (ROOT / "LICENSE").read_text("utf-8")
