"""Destinations by the command line: plan, export, purge, and how they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.store import Store
from tests.shell.command_line import FOLDER, ROTA, CommandLine, command_line

TWO = FOLDER + "  other: {kind: folder, schedule: payments, role: primary, mode: manual, options: {path: other}}\n"


@pytest.fixture
def syncd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return command_line(tmp_path, monkeypatch, ROTA + FOLDER)


def files(syncd: CommandLine, name: str = "calendar") -> list[Path]:
    return sorted((syncd.folder / name).glob("*.ics"))


def test_a_plan_shows_what_an_export_would_do_and_changes_nothing(syncd: CommandLine) -> None:
    (plan,) = syncd.json("plan")
    assert set(plan) >= {"destination", "mode", "digest", "changes", "pulls", "left", "notices"}
    assert (plan["destination"], plan["mode"], len(plan["digest"])) == ("calendar", "authoritative", 16)
    first = plan["changes"][0]
    assert set(first) == {"action", "status", "drift", "row", "before", "after", "reason"}
    assert (first["action"], first["status"], first["row"], first["before"]) == ("create", "now", "2", None)
    assert set(first["after"]) == {"key", "ref", "person", "start", "end"}
    assert (first["after"]["person"], first["after"]["end"]) == ("ana", "2026-03-16T08:00:00Z")
    assert len(plan["changes"]) == 5
    assert not (syncd.folder / "calendar").exists()
    assert not (syncd.folder / "state").exists()


def test_an_export_does_it_and_the_next_has_nothing_to_do(syncd: CommandLine) -> None:
    assert syncd.run("plan", "--exit-code").exit_code == 3
    (done,) = syncd.json("export", "--now")
    assert {change["outcome"] for change in done["changes"]} == {"applied"}
    assert len(files(syncd)) == len(done["changes"]) == 5
    assert syncd.run("plan", "--exit-code").exit_code == 0
    assert syncd.json("export", "--now")[0]["changes"] == []
    assert "nothing to do" in syncd.run("plan").output


def test_a_plan_named_by_its_digest_is_done_or_nothing_is(syncd: CommandLine) -> None:
    (plan,) = syncd.json("plan")
    syncd.json("override", "add", "--person", "cho", "--from", "2026-03-14", "--to", "2026-03-15")
    result = syncd.run("export", "--plan", plan["digest"])
    assert result.exit_code == 1
    assert "nothing was done" in result.stderr
    assert files(syncd) == []
    (plan,) = syncd.json("plan")
    assert syncd.run("export", "--plan", plan["digest"][:6]).exit_code == 0
    assert len(files(syncd)) == 7


def test_an_override_reaches_the_calendar_and_its_removal_too(syncd: CommandLine) -> None:
    syncd.run("export", "--now")
    id_ = syncd.json("override", "add", "--person", "cho", "--from", "2026-03-14", "--to", "2026-03-15")["id"]
    syncd.run("export", "--now")
    assert sum("Cho Min-ji" in path.read_text() for path in files(syncd)) == 1
    syncd.json("override", "remove", id_)
    syncd.run("export", "--now")
    assert sum("Cho Min-ji" in path.read_text() for path in files(syncd)) == 0
    assert len(files(syncd)) == 5


def test_a_destination_that_fails_is_exit_1_and_touches_no_other(syncd: CommandLine) -> None:
    syncd.write(ROTA + TWO)
    (syncd.folder / "calendar").write_text("no directory")
    result = syncd.run("export", "--now")
    assert result.exit_code == 1
    assert "syncd: calendar: " in result.stderr
    assert len(files(syncd, "other")) == 5
    assert syncd.run("plan").exit_code == 1


def test_a_manual_destination_is_written_only_when_asked_by_name_or_for_all(syncd: CommandLine) -> None:
    syncd.write(ROTA + TWO)
    assert syncd.run("export", "other", "--now").exit_code == 0
    assert len(files(syncd, "other")) == 5
    assert files(syncd) == []


def test_a_lease_that_somebody_else_holds_is_exit_75_naming_the_holder(
    syncd: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncd.cli.sync.LEASE", 0.0)
    store = Store.open(syncd.folder / "state" / "syncd")
    assert store is not None
    with store.lease("calendar", holder="process 4711 on elsewhere"):
        result = syncd.run("export", "--now")
    assert result.exit_code == 75
    assert "process 4711 on elsewhere" in result.stderr
    store.close()


def test_status_tells_how_each_destination_stands(syncd: CommandLine) -> None:
    (before,) = syncd.json("status")
    keys = {"destination", "mode", "status", "since", "reason", "last_cycle", "next_due", "next_unexported", "differs_seconds"}
    assert set(before) >= keys | {"holds", "conflicts", "imported_30d"}
    assert before["last_cycle"] is None
    syncd.run("export", "--now")
    (after,) = syncd.json("status")
    assert (after["status"], after["last_cycle"], after["holds"]) == ("OK", "2026-03-11T12:00:00Z", 0)
    assert "OK" in syncd.run("status").output


def test_a_destination_that_left_the_configuration_is_shown_until_it_is_forgotten(syncd: CommandLine) -> None:
    syncd.run("export", "--now")
    syncd.write(ROTA)
    (one,) = syncd.json("status")
    assert (one["destination"], one["status"]) == ("calendar", "removed")
    assert "5 entries left" in one["reason"]
    assert syncd.json("forget", "calendar")["left"] == 5
    assert syncd.json("status") == []
    assert len(files(syncd)) == 5


def test_a_destination_that_left_the_configuration_is_purged_by_its_remembered_settings_and_ends(syncd: CommandLine) -> None:
    syncd.run("export", "--now")
    syncd.write(ROTA)
    (told,) = syncd.json("purge", "calendar", "--now")
    assert [change["outcome"] for change in told["changes"]] == ["applied"] * 5
    assert files(syncd) == []
    assert syncd.json("status") == []


def test_a_mass_removal_is_held_until_it_is_acknowledged(syncd: CommandLine) -> None:
    syncd.run("export", "--now")
    syncd.write(ROTA.replace("start: 2026-02-23T09:00", "start: 2026-02-23T09:00\n    end: 2026-03-12") + FOLDER)
    result = syncd.run("export", "--now", "--json")
    assert result.exit_code == 1
    assert len(files(syncd)) == 5
    (hold,) = syncd.json("holds")
    assert set(hold) == {"digest", "destination", "reason", "changes", "since"}
    assert syncd.run("ack", hold["digest"][:6]).exit_code == 0
    assert syncd.json("holds") == []
    assert syncd.run("export", "--now").exit_code == 0
    assert len(files(syncd)) == 1


def test_purge_removes_all_that_we_wrote_and_nothing_else(syncd: CommandLine) -> None:
    syncd.run("export", "--now")
    foreign = files(syncd)[0].read_text().replace("X-SYNCD", "X-OTHER")
    (syncd.folder / "calendar" / "dentist.ics").write_text(foreign)
    assert "--now" in syncd.refused("purge", "calendar")
    (done,) = syncd.json("purge", "calendar", "--now")
    assert [(change["action"], change["outcome"]) for change in done["changes"]] == [("delete", "applied")] * 5
    assert [path.name for path in files(syncd)] == ["dentist.ics"]


def test_purge_knows_our_entries_by_their_markers_when_the_ledger_is_lost(syncd: CommandLine) -> None:
    syncd.run("export", "--now")
    for path in (syncd.folder / "state" / "syncd").glob("syncd.db*"):
        path.unlink()
    syncd.json("purge", "calendar", "--now")
    assert files(syncd) == []


def test_doctor_looks_at_each_destination(syncd: CommandLine) -> None:
    assert syncd.run("doctor").exit_code == 0
    syncd.write(ROTA + FOLDER.replace("kind: folder", "mode: bidirectional, kind: folder"))
    assert [line.split()[:2] for line in syncd.run("doctor").stdout.splitlines() if "safety net" in line] == [
        ["warn", "configuration:"]
    ]
    syncd.write(ROTA + FOLDER)
    (syncd.folder / "calendar").write_text("no directory")
    result = syncd.run("doctor", "--json")
    assert result.exit_code == 1
    assert "is not a directory" in result.output


def test_conflicts_are_empty_where_nobody_edited(syncd: CommandLine) -> None:
    syncd.run("export", "--now")
    assert syncd.json("conflicts") == []


def test_an_edit_at_a_bidirectional_destination_comes_back_into_the_rota_and_reaches_the_others(syncd: CommandLine) -> None:
    both = TWO.replace("kind: folder,", "kind: folder, mode: bidirectional,", 1).replace(" mode: manual,", "")
    syncd.write(ROTA + both)
    syncd.run("export", "--now")
    edited = next(path for path in files(syncd) if "DTSTART:20260323T" in path.read_text())
    edited.write_text(edited.read_text().replace("Ana Lima", "Cho Min-ji"))
    assert syncd.run("export", "--now").exit_code == 0
    (row,) = syncd.json("oncall", "--at", "2026-03-24", "--role", "primary")
    assert [one["id"] for one in row["people"]] == ["cho"]
    assert sum("Cho Min-ji" in path.read_text() for path in files(syncd, "other")) == 1
    assert [one["origin"] for one in syncd.json("override", "list")] == ["import"]
    assert {one["destination"]: one["imported_30d"] for one in syncd.json("status")} == {"calendar": 1, "other": 0}


def edited(syncd: CommandLine, before: str, after: str) -> None:
    """A human opens the entry of 23 March and writes another name."""
    path = next(path for path in files(syncd) if "DTSTART:20260323T" in path.read_text())
    path.write_text(path.read_text().replace(before, after))


def test_an_edit_that_gave_way_to_the_rota_can_be_brought_back_in_one_step(syncd: CommandLine) -> None:
    syncd.run("export", "--now")
    edited(syncd, "Ana Lima", "Cho Min-ji")
    assert syncd.run("export", "--now").exit_code == 0
    (conflict,) = syncd.json("conflicts")
    assert set(conflict) == {"id", "destination", "role", "start", "end", "rota", "destination_had", "done", "since"}
    assert (conflict["rota"], conflict["start"]) == (["ana"], "2026-03-23T08:00:00Z")
    assert conflict["destination_had"]["people"] == ["cho"]
    assert "Cho Min-ji" in syncd.run("conflicts").output
    assert syncd.run("restore", conflict["id"]).exit_code == 0
    (row,) = syncd.json("oncall", "--at", "2026-03-24", "--role", "primary")
    assert [one["id"] for one in row["people"]] == ["cho"]
    assert syncd.json("conflicts") == []
    assert "was restored by ana at Wed 2026-03-11 13:00 CET" in syncd.refused("restore", conflict["id"])
    syncd.run("export", "--now")
    assert sum("Cho Min-ji" in path.read_text() for path in files(syncd)) == 1


def test_somebody_unknown_cannot_be_brought_back_until_she_is_in_the_rota(syncd: CommandLine) -> None:
    syncd.run("export", "--now")
    edited(syncd, "Ana Lima", "Zoe Nobody")
    syncd.run("export", "--now")
    (conflict,) = syncd.json("conflicts")
    assert "is not in `people`" in syncd.refused("restore", conflict["id"])


def test_a_store_without_its_key_writes_nothing_and_says_so(syncd: CommandLine) -> None:
    syncd.run("export", "--now")
    (key,) = syncd.folder.rglob("syncd.key")
    key.unlink()
    for command in (("plan",), ("export", "--now"), ("run",)):
        refused = syncd.run(*command)
        assert refused.exit_code == 74
        assert "syncd.key is missing" in refused.stderr
    assert syncd.run("status").exit_code == 0
    assert not key.exists()


def test_the_store_can_be_copied_and_its_journal_verified(syncd: CommandLine) -> None:
    assert "no store" in syncd.refused("backup", "copy.db", code=74)
    syncd.run("export", "--now")
    copied = syncd.run("backup", "copy.db")
    assert copied.exit_code == 0
    assert "syncd.key) is not in it" in copied.output
    assert (syncd.folder / "copy.db").stat().st_mode & 0o077 == 0
    found = syncd.json("audit", "verify")
    assert found["problems"] == []
    assert found["rows"] >= 5


def test_the_rest_of_a_shift_that_was_cut_is_no_new_shift(syncd: CommandLine) -> None:
    syncd.run("export", "--now")
    syncd.run("override", "add", "--person", "cho", "--from", "2026-03-18", "--to", "2026-03-19")
    (plan,) = syncd.json("plan")
    assert {change["drift"] for change in plan["changes"]} == {"changed in the rota"}
    assert "new shift" not in syncd.run("plan").output
