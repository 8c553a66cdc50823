"""`--json`: one document on stdout, or one error on stderr, in one shape for every command and exit code."""

from __future__ import annotations

import json

import pytest

from syncd.cli import COMMANDS
from tests.shell.command_line import FOLDER, ROTA, CommandLine, command_line

CONVERSATIONS = [
    ("check",), ("doctor",), ("oncall",), ("shifts",), ("why", "--role", "primary"), ("gaps",), ("fairness",),
    ("impact", "syncd.yaml"), ("override", "add", "--person", "cho"), ("override", "list"),
    ("swap", "ben", "16 mar", "with", "ana", "23 mar"),
    ("away", "add", "ana", "--from", "2026-03-20", "--to", "2026-03-21"), ("away", "list"), ("plan",), ("export", "--now"),
    ("status",), ("holds",), ("conflicts",), ("history",), ("link", "folder", "-o", "path=calendar"),
    ("template", "save", "payments", "weekly"), ("notices",), ("backup", "copy.db"), ("audit", "verify"),
    ("destination", "add", "more", "--kind", "folder", "--role", "primary", "-o", "path=more"), ("export", "more", "--now"),
    ("destination", "set", "more", "--refresh", "1m"), ("destination", "remove", "more"), ("forget", "more"),
    ("purge", "calendar", "--now"),
]  # fmt: skip
REFUSALS = [
    (("nothing",), 2), ((), 2), (("oncall", "--nothing"), 2), (("oncall", "--at"), 2), (("oncall", "--role", "nobody"), 2),
    (("why",), 0), (("plan", "nowhere"), 2), (("export",), 2), (("export", "--plan", "abcdef"), 1), (("ack", "abcdef"), 2),
    (("restore", "x"), 2), (("undo", "x"), 2), (("forget", "x"), 2), (("purge", "x"), 2), (("purge", "calendar"), 2),
    (("import", "pagerduty", "none.json"), 2), (("import", "nobody", "none.json"), 2), (("impact", "none.yaml"), 78),
    (("link", "foldr"), 2), (("template", "save", "x", "y"), 2), (("backup", "copy.db"), 74), (("audit", "verify"), 74),
    (("destination", "set", "x", "--mode", "manual"), 2), (("destination", "add", "x", "--kind", "folder", "-o", "pat=h"), 2),
    (("destination",), 2), (("override", "remove", "x"), 2), (("away", "remove", "x"), 2), (("swap", "ana"), 2),
    (("health",), 1), (("auth", "google"), 2), (("auth", "outlook"), 2), (("notices", "set"), 2),
]  # fmt: skip


@pytest.fixture
def syncd(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return command_line(tmp_path, monkeypatch, ROTA + FOLDER + 'health: {listen: "127.0.0.1:0"}\n')  # type: ignore[arg-type]


def test_every_command_answers_with_one_document(syncd: CommandLine) -> None:
    for arguments in CONVERSATIONS:
        result = syncd.run(*arguments, "--json")
        assert result.exit_code == 0, (arguments, result.output)
        assert isinstance(json.loads(result.stdout), list | dict), arguments
        for line in result.stderr.splitlines():
            assert set(json.loads(line)) == {"note"}
    assert {one[0] for one in CONVERSATIONS} | {one[0][0] for one in REFUSALS if one[0]} >= set(COMMANDS) - {"run"}


@pytest.mark.parametrize(("arguments", "code"), REFUSALS)
def test_every_refusal_is_one_error_with_its_exit_code(syncd: CommandLine, arguments: tuple[str, ...], code: int) -> None:
    result = syncd.run(*arguments, "--json")
    assert result.exit_code == code, result.output
    if code:
        said = json.loads(result.stderr)
        assert set(said) == {"error", "exit", "problems"}
        assert said["exit"] == code
        assert said["error"]


def test_problems_of_the_configuration_are_told_as_check_tells_them(syncd: CommandLine) -> None:
    syncd.write(ROTA.replace("members: [ana, ben]", "members: [ana, bem]"))
    problems = syncd.json("check", code=78)
    result = syncd.run("oncall", "--json")
    assert (result.exit_code, result.stdout) == (78, "")
    assert json.loads(result.stderr)["problems"] == problems


def test_a_file_that_is_not_there_has_no_line(syncd: CommandLine) -> None:
    (problem,) = syncd.json("check", "--config", "none.yaml", code=78)
    assert (problem["file"], problem["line"], problem["column"]) == ("none.yaml", None, None)
    assert syncd.refused("oncall", "--config", "none.yaml", code=78).startswith("none.yaml: the file cannot be read")


def test_a_destination_that_fails_is_told_within_the_document(syncd: CommandLine) -> None:
    (syncd.folder / "calendar").write_text("in the way")
    result = syncd.run("export", "--now", "--json")
    assert result.exit_code == 1
    (one,) = json.loads(result.stdout)
    assert "calendar" in one["error"]
    assert result.stderr == ""
