"""The command line itself: help, options wherever they stand, errors and exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from syncd.cli import COMMANDS, cli, main
from tests.shell.command_line import FOLDER, ROTA, CommandLine, command_line


@pytest.fixture
def syncd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return command_line(tmp_path, monkeypatch)


def test_help_lists_every_command_and_imports_none() -> None:
    code = (
        "import sys; from syncd.cli import main; main(['--help']);"
        "late = ('syncd.', 'pydantic', 'ruamel', 'rich', 'importlib.metadata', 'structlog');"
        "print([m for m in sys.modules if m.startswith(late)], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "['syncd.cli']"
    for name, (_, short) in COMMANDS.items():
        assert f"  {name} " in done.stdout
        assert short.split()[0] in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_that_says_what_it_does(syncd: CommandLine, name: str) -> None:
    result = syncd.run(name, "--help")
    assert result.exit_code == 0
    assert "--config FILE" in result.output
    assert len(result.output.splitlines()) > 4


def test_python_dash_m_is_the_same_program() -> None:
    done = subprocess.run([sys.executable, "-m", "syncd", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("syncd ")


def test_config_and_json_are_accepted_before_and_after_the_command(syncd: CommandLine) -> None:
    syncd.write(ROTA, "other.yaml")
    (syncd.folder / "syncd.yaml").unlink()
    answers = {
        syncd.run("--config", "other.yaml", "--json", "oncall").output,
        syncd.run("oncall", "--json", "--config", "other.yaml").output,
        syncd.run("--json", "oncall", "--config=other.yaml").output,
    }
    assert len(answers) == 1
    assert answers.pop().startswith("[")


def test_options_reach_a_command_within_a_command(syncd: CommandLine) -> None:
    assert syncd.run("override", "--json", "list").output == "[]\n"
    assert syncd.run("--json", "override", "list").output == "[]\n"
    assert syncd.run("override", "list", "--json").output == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["onccall"], "did you mean 'oncall'?"),
        (["oncall", "--jsn"], "--json"),
        (["oncall", "--role", "primry"], "did you mean 'primary'?"),
        (["oncall", "--person", "anna"], "did you mean 'ana'?"),
        (["oncall", "--schedule", "payment"], "did you mean 'payments'?"),
        (["oncall", "--at", "yesterday"], "2026-03-02T09:00"),
        (["shifts", "--from", "2026-03-02", "--to", "2026-03-02"], "--to is not after --from"),
        (["shifts", "--from", "2026-03-02", "--to", "2037-03-02"], "ten years"),
        (["shifts", "--from", "2026-03-02", "--to", "2036-03-02T00:01"], "ten years"),
        (["shifts", "--from", "2028-02-29", "--to", "2038-03-01T00:01"], "ten years"),
        (["plan", "nowhere"], "no destination 'nowhere'"),
        (["export"], "--now"),
        (["export", "--now", "--plan", "abcdef"], "exclude"),
        (["override", "remove", "ov-nothing"], "no override 'ov-nothing'"),
        (["ack", "abcdef"], "no hold abcdef"),
        (["purge", "calendar"], "no destination"),
        (["history", "--destination", "nowhere"], "nowhere"),
        (["forget", "nowhere"], "nowhere"),
    ],
)
def test_a_usage_error_is_exit_2_with_what_to_do(syncd: CommandLine, arguments: list[str], hint: str) -> None:
    assert hint in syncd.refused(*arguments)


@pytest.mark.parametrize(
    ("start", "end"), [("2026-03-02", "2036-03-02"), ("2028-02-29", "2038-03-01"), ("2024-01-01", "2034-01-01")]
)
def test_ten_years_are_not_over_ten_years(syncd: CommandLine, start: str, end: str) -> None:
    assert syncd.run("shifts", "--from", start, "--to", end).exit_code == 0


def test_a_schedule_without_layers_has_no_roles_shifts_or_gaps(syncd: CommandLine) -> None:
    syncd.write(ROTA + "  empty: {title: Empty}\n")
    for question in ("oncall", "shifts", "gaps", "fairness"):
        assert syncd.json(question, "--schedule", "empty") == []
    assert "empty uses none" in syncd.refused("why", "--schedule", "empty")


def test_a_missing_configuration_is_exit_78(syncd: CommandLine) -> None:
    (syncd.folder / "syncd.yaml").unlink()
    assert "--config FILE" in syncd.refused("oncall", code=78)


def test_every_problem_of_a_configuration_is_told_with_its_place_and_exit_78(syncd: CommandLine) -> None:
    syncd.write(ROTA.replace("members: [ana, ben]", "members: [ana, bem], colour: red"))
    said = syncd.refused("oncall", code=78)
    assert "syncd.yaml:14:" in said
    assert "did you mean 'ben'?" in said
    assert "colour" in said
    problems = syncd.json("check", code=78)
    assert [set(one) for one in problems] == [{"file", "line", "column", "path", "problem", "remedy", "severity"}] * 2
    assert {one["line"] for one in problems} == {14}


def test_check_of_a_good_configuration_is_exit_0_also_with_warnings(syncd: CommandLine) -> None:
    assert syncd.json("check") == []
    syncd.write(ROTA + FOLDER.replace("kind: folder,", "kind: folder, mode: bidirectional,"))
    assert [one["severity"] for one in syncd.json("check")] == ["warning"]
    assert "safety net" in syncd.run("check").output


def test_a_store_that_cannot_be_read_is_exit_74(syncd: CommandLine) -> None:
    place = syncd.folder / "state" / "syncd"
    place.mkdir(parents=True)
    (place / "syncd.db").write_bytes(b"this is no database" * 100)
    assert "syncd.db" in syncd.refused("status", code=74)


def test_a_marker_key_that_is_not_there_is_exit_78(syncd: CommandLine) -> None:
    syncd.write(ROTA + "marker_key: {env: SYNCD_NO_SUCH_KEY}\n")
    assert "marker_key" in syncd.refused("override", "add", "--person", "cho", code=78)


def test_questions_make_no_store(syncd: CommandLine) -> None:
    syncd.write(ROTA + FOLDER)
    for question in ("oncall", "shifts", "gaps", "fairness", "status", "holds", "conflicts", "history", "plan"):
        assert syncd.run(question).exit_code == 0
    assert syncd.run("why", "--role", "primary").exit_code == 0
    assert not (syncd.folder / "state").exists()
    assert not (syncd.folder / "home").exists()


def test_an_interruption_is_exit_130(syncd: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("syncd.cli.session.Session.schedules", interrupted)
    assert "interrupted" in syncd.refused("oncall", code=130)


def test_a_mistake_of_the_program_is_one_line_without_a_traceback(syncd: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("syncd.cli.session.Session.schedules", broken)
    assert len(syncd.refused("oncall", code=1).splitlines()) == 1
    monkeypatch.setenv("SYNCD_DEBUG", "1")
    assert "Traceback" in syncd.run("oncall").stderr


def test_main_returns_the_exit_code_and_the_command_ends_with_it(syncd: CommandLine) -> None:
    assert main(["oncall"]) == 0
    assert main(["oncal"]) == 2
    with pytest.raises(SystemExit) as ended:
        cli.main(["oncal"])
    assert ended.value.code == 2


def test_there_are_no_colours_where_there_is_no_terminal(syncd: CommandLine) -> None:
    assert "\x1b" not in syncd.run("oncall").output
