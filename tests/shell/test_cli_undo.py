"""`syncd undo RUN`: shown first, then put back into the rota; destinations follow."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shell.command_line import FOLDER, ROTA, CommandLine, command_line

BOTH = FOLDER.replace("kind: folder,", "kind: folder, mode: bidirectional,")


@pytest.fixture
def syncd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return command_line(tmp_path, monkeypatch, ROTA + BOTH)


def last_run(syncd: CommandLine) -> str:
    run: str = next(line["run"] for line in syncd.json("history") if line["run"])
    return run


def on_call(syncd: CommandLine, at: str) -> list[str]:
    return [person["id"] for row in syncd.json("oncall", "--at", at, "--role", "primary") for person in row["people"]]


def edited(syncd: CommandLine, person: str) -> Path:
    """The event of the week of 23 March, given to `person` by its owner."""
    event = next(path for path in (syncd.folder / "calendar").glob("*.ics") if "DTSTART:20260323T" in path.read_text())
    event.write_text(event.read_text().replace("Ana Lima", person))
    return event


def test_an_import_is_taken_back_and_the_calendar_follows(syncd: CommandLine) -> None:
    assert syncd.run("export", "--now").exit_code == 0
    event = edited(syncd, "Cho Min-ji")
    assert syncd.run("export", "--now").exit_code == 0
    assert [one["origin"] for one in syncd.json("override", "list")] == ["import"]
    run = last_run(syncd)
    done = syncd.json("undo", run, "--now")
    assert [(one["person"], one["done"]) for one in done] == [("cho", "the import is taken back")]
    assert syncd.run("export", "--now").exit_code == 0
    assert "Cho Min-ji" not in "".join(path.read_text() for path in event.parent.glob("*.ics"))
    assert syncd.json("undo", run, "--now") == []
    assert "ana undid that run at Wed 2026-03-11 13:00 CET" in syncd.run("undo", run).output
    said = f"undone – run {run}: Cho Min-ji, Mon 2026-03-23 09:00 CET – Mon 2026-03-30 09:00 CEST: the import is taken back"
    assert said in " ".join(syncd.run("history").output.split())


def test_whom_a_run_replaced_comes_back(syncd: CommandLine) -> None:
    assert syncd.run("export", "--now").exit_code == 0
    syncd.write(ROTA.replace("members: [ana, ben]", "members: [cho, ben]") + BOTH)
    assert syncd.run("export", "--now").exit_code == 0
    assert on_call(syncd, "2026-03-24T12:00") == ["cho"]
    done = syncd.json("undo", last_run(syncd), "--now")
    assert {one["person"] for one in done} == {"ana"}
    assert on_call(syncd, "2026-03-24T12:00") == ["ana"]
    assert on_call(syncd, "2026-03-31T12:00") == ["ben"]


def test_it_is_shown_first_and_done_only_when_one_agrees(syncd: CommandLine) -> None:
    assert syncd.run("export", "--now").exit_code == 0
    first = last_run(syncd)
    shown = syncd.run("undo", first)
    assert (shown.exit_code, "only added" in shown.output) == (0, True), "a first export took nothing away"
    syncd.write(ROTA.replace("members: [ana, ben]", "members: [cho, ben]") + BOTH)
    assert syncd.run("export", "--now").exit_code == 0
    assert "--now" in syncd.refused("undo", last_run(syncd))
    assert on_call(syncd, "2026-03-24T12:00") == ["cho"]


def test_a_run_that_there_was_not_is_named(syncd: CommandLine) -> None:
    assert "no run '20260101T000000Z-abcdef'; `syncd history`" in syncd.refused("undo", "20260101T000000Z-abcdef")
