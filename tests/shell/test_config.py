"""The examples are read and mean what they say; the file is found where it should be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from syncd.config import ConfigError, find, load
from syncd.core.mode import Limits, Mode
from syncd.registry import MissingExtra, UnknownKind, connector

EXAMPLES = Path(__file__).parents[2] / "config"


@pytest.mark.parametrize("name", ["minimal.yaml", "demo.yaml"])
def test_a_small_example_is_read_without_a_warning(name: str) -> None:
    assert load(EXAMPLES / name).warnings == ()


def test_the_whole_example_is_read_as_far_as_the_rota() -> None:
    config = load(EXAMPLES / "syncd.example.yaml", destinations=False)

    assert config.warnings == ()
    assert list(config.destinations) == ["pager", "team-calendar", "night-calendar", "identity-calendar", "directory"]
    assert config.destinations["pager"].limits == Limits(removals=3, removal_share=0.3)
    assert config.destinations["identity-calendar"].mode is Mode.MANUAL
    assert config.destinations["night-calendar"].options is None
    identity = config.rota.schedules["identity"]
    assert identity.timezone == "Europe/London"
    assert identity.layers[0].rosters[0].groups == (("eva",), ("gil",))


def test_the_whole_example_has_options_that_every_connector_takes() -> None:
    for kind in ("pagerduty", "google", "caldav", "outlook", "folder"):
        try:
            connector(kind)
        except (UnknownKind, MissingExtra) as missing:
            pytest.skip(str(missing))
    config = load(EXAMPLES / "syncd.example.yaml")

    assert config.destinations["pager"].options.schedule == "P123ABC"
    assert repr(config.destinations["pager"].options.token) == "***"
    assert [problem.problem for problem in config.warnings] == ["credentials cannot be seen here"]


def test_the_whole_example_is_clean_where_systemd_passes_its_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = set(re.findall(r"credential: ([\w-]+)", (EXAMPLES / "syncd.example.yaml").read_text("utf-8")))
    for name in names:
        (tmp_path / name).write_text("x")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert load(EXAMPLES / "syncd.example.yaml").warnings == ()


def test_the_file_named_wins_over_the_environment_and_both_over_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SYNCD_CONFIG", raising=False)
    (tmp_path / "syncd.yaml").write_text("people: {}\n")
    assert find(None) == Path("syncd.yaml")
    monkeypatch.setenv("SYNCD_CONFIG", "/srv/other.yaml")
    assert find(None) == Path("/srv/other.yaml")
    assert find("mine.yaml") == Path("mine.yaml")


def test_no_file_anywhere_is_one_problem_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SYNCD_CONFIG", raising=False)
    if Path("/etc/syncd/syncd.yaml").exists():
        pytest.skip("this machine has a configuration")
    with pytest.raises(ConfigError) as caught:
        find(None)
    (problem,) = caught.value.problems
    assert "--config" in problem.remedy


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_opened_is_a_problem_and_no_crash(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / name)
    assert caught.value.problems[0].problem.startswith("the file cannot be read: ")


def test_relative_paths_are_from_the_folder_of_the_file_wherever_the_process_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside/syncd.yaml").write_text("store: here\npeople: {}\n")
    monkeypatch.chdir(tmp_path)
    assert load(Path("inside/syncd.yaml")).store == str(tmp_path / "inside/here")
