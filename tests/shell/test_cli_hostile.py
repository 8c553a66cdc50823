"""Arguments and files that nobody should give: one clear refusal, in a moment, and nothing changed."""

from __future__ import annotations

import os
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncd.config import reading
from tests.shell.command_line import FOLDER, ROTA, CommandLine, command_line


@pytest.fixture
def syncd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    monkeypatch.setattr(reading, "PATIENCE", 0.05)
    return command_line(tmp_path, monkeypatch, ROTA + FOLDER)


ADD = ("override", "add", "--person", "cho")


@pytest.mark.parametrize(
    "arguments",
    [
        ("oncall", "--at", "9999-12-31"), ("oncall", "--at", "-0001-01-01"), ("oncall", "--at", "2016-12-31T23:59:60Z"),
        ("oncall", "--at", "2026-02-30"), ("oncall", "--at", ""), ("override", "add", "--person", ""),
        ("oncall", "--at", "９９９９-01-01"),
        ("oncall", "--role", "x" * 50_000), ("oncall", "--role", "pri\x1b[31m"), ("oncall", "--person", "a\nb"),
        ("shifts", "--month", "9999-12"), ("shifts", "--month", "2026-13"), ("history", "--limit", "9" * 30),
        ("history", "--limit", "-1"), ("ack", ""), ("ack", "nope"), ("ack", "🚀" * 16), ("export", "--plan", "", "--now"),
        ("restore", ""), ("undo", "\udcff"), ("forget", "x" * 5_000), ("purge", "\x1b[2J"), (*ADD, "--reason", "r" * 100_000),
        (*ADD, "--reason", "\x1b[31m"), (*ADD, "--reason", "\udcff"), (*ADD, "--from", "1e309"), (*ADD, "--from", "NaN"),
        (*ADD, "--replaces", ""), (*ADD, "--replaces", "all", "--replaces", "none"), ("import", "pagerduty", "/dev/null"),
        ("import", "pagerduty", "."), ("impact", "/dev/null"), ("link", "folder", "-o", "path=\udcff"),
        ("destination", "add", "x" * 5_000, "--kind", "folder", "--role", "primary", "-o", "path=x"),
        ("destination", "add", "../x", "--kind", "folder", "--role", "primary", "-o", "path=x"),
        ("destination", "add", "x", "--kind", "folder", "--role", "primary", "-o", "path=\x1b"),
        ("destination", "set", "calendar", "-o", "title=no person"), ("destination", "set", "calendar", "--unset", "a.b.c"),
        ("template", "save", "payments", "\x1b"), ("notices", "set", "handoff", "x" * 5_000),
    ],
)  # fmt: skip
def test_a_senseless_argument_is_refused_in_a_few_words_and_changes_nothing(
    syncd: CommandLine, arguments: tuple[str, ...]
) -> None:
    before = (syncd.folder / "syncd.yaml").read_bytes()
    result = syncd.run(*arguments)
    assert result.exit_code in (2, 78), result.output
    assert "mistake of the program" not in result.stderr
    assert "\x1b" not in result.stderr
    assert len(result.stderr) < 2_000
    assert (syncd.folder / "syncd.yaml").read_bytes() == before
    assert not (syncd.folder / "state" / "syncd" / "syncd.db").exists() or syncd.json("override", "list") == []


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(syncd: CommandLine) -> None:
    os.mkfifo(syncd.folder / "pipe.yaml")
    result = syncd.run("check", "--config", "pipe.yaml")
    assert (result.exit_code, "nothing comes out of it" in result.stdout) == (78, True)
    assert "nothing comes out of it" in syncd.refused("import", "pagerduty", "pipe.yaml")
    (syncd.folder / "rota").mkdir()
    os.mkfifo(syncd.folder / "rota" / "pipe.yaml")
    syncd.write("source: {directory: rota}\n", "elsewhere.yaml")
    assert "nothing comes out of it" in syncd.run("oncall", "--config", "elsewhere.yaml").stderr


TIMES = st.one_of(
    st.text(alphabet=string.digits + "-T:+Z. eWNa", max_size=32),
    st.builds("{:04}-{:02}-{:02}T{:02}:{:02}".format, *(st.integers(0, high) for high in (9_999, 14, 33, 26, 61))),
    st.text(max_size=8),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(option=st.sampled_from([("oncall", "--at"), ("shifts", "--from"), ("gaps", "--to"), ("fairness", "--from")]), text=TIMES)
def test_any_text_in_place_of_a_time_is_answered_or_refused(syncd: CommandLine, option: tuple[str, str], text: str) -> None:
    result = syncd.run(*option, text)
    assert result.exit_code in (0, 2)
    assert "mistake of the program" not in result.stderr
