"""Secrets are named, read when needed, and printed by nothing."""

from __future__ import annotations

import logging
import pickle
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from syncd import registry
from syncd.config import Config, ConfigError, Problem, load
from syncd.connector import Secret
from syncd.core.entry import Capabilities

CANARY = "s3cr3t-c4n4ry"
FILE = """\
people: {{ana: {{name: Ana}}}}
roles: {{primary: {{}}}}
schedules: {{s: {{layers: [{{members: [ana]}}]}}}}
destinations: {{d: {{kind: locked, options: {{token: {token}}}}}}}
"""


class Locked:
    """A connector with a secret among its options."""

    @dataclass(frozen=True, kw_only=True)
    class Options:
        token: Secret
        password: Secret | None = None

    capabilities = Capabilities()


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "connector", lambda kind: Locked)


def config_of(token: str, tmp_path: Path) -> Config:
    (tmp_path / "syncd.yaml").write_text(FILE.format(token=token))
    return load(tmp_path / "syncd.yaml")


def problems_of(token: str, tmp_path: Path) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        config_of(token, tmp_path)
    return caught.value.problems


def secret_file(tmp_path: Path, mode: int = 0o600) -> Path:
    file = tmp_path / "token"
    file.write_text(f"{CANARY}\n")
    file.chmod(mode)
    return file


def test_a_secret_of_a_file_is_read_when_it_is_needed(tmp_path: Path) -> None:
    file = secret_file(tmp_path)
    token = config_of("{file: token}", tmp_path).destinations["d"].options.token
    assert token.reveal() == CANARY
    file.write_text("another\n")
    assert token.reveal() == "another"
    assert token.where == f"file {file}"


def test_a_secret_of_the_environment_is_read_when_it_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_TEST_TOKEN", CANARY)
    config = config_of("{env: SYNCD_TEST_TOKEN}", tmp_path)
    assert config.warnings == ()
    assert config.destinations["d"].options.token.reveal() == CANARY


def test_a_credential_of_systemd_is_read_from_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret_file(tmp_path)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert config_of("{credential: token}", tmp_path).destinations["d"].options.token.reveal() == CANARY
    (problem,) = problems_of("{credential: other}", tmp_path)
    assert "LoadCredential=other:" in problem.remedy


def test_a_credential_that_cannot_be_looked_at_is_a_problem_at_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / ("n" * 300)))  # as where the folder is another user's
    (problem,) = problems_of("{credential: token}", tmp_path)
    assert "systemd passed no credential token: " in problem.problem
    assert problem.line == 4


@pytest.mark.parametrize("token", ["{env: SYNCD_NOT_SET_ANYWHERE}", "{credential: token}"])
def test_a_secret_that_only_the_service_sees_is_a_warning_elsewhere(
    token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    config = config_of(token, tmp_path)
    (warning,) = config.warnings
    assert (warning.line, warning.severity) == (4, "warning")
    with pytest.raises((OSError, KeyError)):
        config.destinations["d"].options.token.reveal()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_secret_that_others_can_read_is_refused(mode: int, tmp_path: Path) -> None:
    file = secret_file(tmp_path, mode)
    (problem,) = problems_of("{file: token}", tmp_path)
    assert (problem.line, problem.column, problem.path) == (4, 58, "destinations.d.options.token.file")
    assert problem.remedy == f"chmod 600 {file}"


def test_a_secret_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (problem,) = problems_of("{file: nowhere}", tmp_path)
    assert "No such file" in problem.problem


def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o700)
    (problem,) = problems_of("{file: folder}", tmp_path)
    assert "no regular file" in problem.problem


LITERALS = [
    CANARY,
    f'"{CANARY}"',
    f"[{CANARY}]",
    f"{{{CANARY}}}",
    f"{{token: {CANARY}}}",
    f"{{{CANARY}: x}}",
    f"{{file: [{CANARY}]}}",
    f"{{file: a, env: {CANARY}}}",
    f"{{env: {CANARY}}}",
    f"{{credential: ../{CANARY}}}",
    f"*{CANARY}",
    f"!{CANARY}",
    f"&{CANARY} x",
    f"'{CANARY}",
    f"|\n  {CANARY}",
    f"%{CANARY}",
]


@pytest.mark.parametrize("token", LITERALS)
def test_a_secret_in_the_file_itself_is_refused_and_not_repeated(token: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        config_of(token, tmp_path)
    said = "".join(traceback.format_exception(caught.value)) + repr(caught.value.problems) + str(caught.value)
    assert CANARY not in said


TOP = [
    ("marker_key", CANARY),
    ("health", f"{{key: {CANARY}}}"),
    ("notices", f"{{channels: {{mail: {{url: {CANARY}}}}}}}"),
    ("notices", f"{{channels: {{mail: {CANARY}}}}}"),
    ("notices", f"{{channels: {{mail: {{{CANARY}: x}}}}}}"),
    ("source", f"{{url: 'https://example.com', token: {CANARY}}}"),
    ("source", f"{{url: 'https://me:{CANARY}@example.com'}}"),
    ("source", f"{{url: 'ftp://{CANARY}'}}"),
    ("store", f"mysql://me:{CANARY}@db/x"),
    ("store", f"postgresql://me:{CANARY}@db/x"),
]


@pytest.mark.parametrize(("key", "value"), TOP)
def test_no_other_key_repeats_a_secret_either(key: str, value: str, tmp_path: Path) -> None:
    (tmp_path / "syncd.yaml").write_text(f"{key}: {value}\n")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "syncd.yaml")
    assert CANARY not in str(caught.value) + repr(caught.value.problems)


def test_nothing_that_is_read_prints_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    secret_file(tmp_path)
    monkeypatch.setenv("SYNCD_TEST_TOKEN", f"postgresql://me:{CANARY}@db/x")
    (tmp_path / "syncd.yaml").write_text(
        FILE.format(token="{file: token}")
        + "store: {env: SYNCD_TEST_TOKEN}\nmarker_key: {file: token}\nhealth: {key: {file: token}}\n"
        + "notices: {channels: {mail: {url: {file: token}}}}\n"
    )
    config = load(tmp_path / "syncd.yaml")
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("syncd").debug("%r %s", config, config.destinations)

    assert config.store == f"postgresql://me:{CANARY}@db/x"
    assert config.marker_key is not None
    assert config.marker_key.reveal() == CANARY
    assert config.notices.channels["mail"].reveal() == CANARY
    assert CANARY not in caplog.text
    assert "***" in repr(config)
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        pickle.dumps(config.marker_key)


def test_a_rota_is_asked_without_a_look_at_any_secret(tmp_path: Path) -> None:
    (tmp_path / "syncd.yaml").write_text(
        FILE.format(token="{file: nowhere}") + "marker_key: {file: nowhere}\nhealth: {key: {env: NOT_SET}}\n"
    )
    assert load(tmp_path / "syncd.yaml", destinations=False).warnings == ()


def test_an_address_that_a_connector_refuses_is_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        @dataclass(frozen=True, kw_only=True)
        class Options:
            url: str

            def __post_init__(self) -> None:
                raise ValueError(f"url: {self.url!r} is not an address")

        capabilities = Capabilities()

    monkeypatch.setattr(registry, "connector", lambda kind: Refusing)
    text = FILE.format(token="x").replace("token: x", f"url: 'ftp://me:{CANARY}@example.com'")
    (tmp_path / "syncd.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "syncd.yaml")
    (problem,) = caught.value.problems
    assert (problem.path, problem.problem) == ("destinations.d.options.url", "this is not an address")


def test_a_secret_that_is_no_text_says_so_without_its_bytes(tmp_path: Path) -> None:
    file = secret_file(tmp_path)
    token = config_of("{file: token}", tmp_path).destinations["d"].options.token
    file.write_bytes(b"\xff" + CANARY.encode())
    with pytest.raises(OSError, match="not UTF-8") as caught:
        token.reveal()
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_a_secret_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    file = secret_file(tmp_path)
    token = config_of("{file: token}", tmp_path).destinations["d"].options.token
    file.write_bytes(b"x" * 70_000)
    with pytest.raises(OSError, match="too long"):
        token.reveal()


def test_a_database_takes_its_url_from_a_secret_and_needs_a_marker_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_TEST_DATABASE", "postgresql://db/syncd")
    (tmp_path / "syncd.yaml").write_text("store: {env: SYNCD_TEST_DATABASE}\n")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "syncd.yaml")
    assert [problem.path for problem in caught.value.problems] == ["marker_key"]
