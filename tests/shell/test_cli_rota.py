"""Questions about the rota: the JSON shapes that programs rely on, and the tables that people read."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from syncd.config import load
from syncd.core.model import Window
from syncd.core.shifts import shifts
from syncd.store import Store
from tests.shell.command_line import FOLDER, ROTA, CommandLine, command_line


@pytest.fixture
def syncd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return command_line(tmp_path, monkeypatch)


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def test_oncall_says_who_until_when_and_who_is_next(syncd: CommandLine) -> None:
    assert syncd.json("oncall") == [
        {
            "schedule": "payments",
            "role": "primary",
            "at": "2026-03-11T12:00:00Z",
            "people": [
                {
                    "id": "ana",
                    "name": "Ana Lima",
                    "email": "ana@example.com",
                    "phone": "+49 30 1234",
                    "until": "2026-03-16T08:00:00Z",
                    "free_at": "2026-03-16T08:00:00Z",
                    "next": "ben",
                }
            ],
        }
    ]


def test_oncall_at_a_time_without_an_offset_is_in_the_schedules_zone(syncd: CommandLine) -> None:
    (row,) = syncd.json("oncall", "--at", "2026-07-01T00:30")
    assert row["at"] == "2026-06-30T22:30:00Z"
    (row,) = syncd.json("oncall", "--at", "2026-07-01T00:30Z")
    assert row["at"] == "2026-07-01T00:30:00Z"


def test_oncall_has_a_row_where_nobody_is(syncd: CommandLine) -> None:
    (row,) = syncd.json("oncall", "--at", "2026-01-01")
    assert row["people"] == []
    assert "nobody" in syncd.run("oncall", "--at", "2026-01-01").output


def test_oncall_of_a_person_keeps_rows_where_she_is_on(syncd: CommandLine) -> None:
    assert len(syncd.json("oncall", "--person", "ana")) == 1
    assert syncd.json("oncall", "--person", "ben") == []


def test_oncall_of_a_role_the_schedule_does_not_use_has_no_row(syncd: CommandLine) -> None:
    assert syncd.json("oncall", "--role", "secondary") == []


def test_shifts_are_whole_with_key_and_source(syncd: CommandLine) -> None:
    first, second = syncd.json("shifts", "--to", "2026-03-17")
    assert first == {
        "schedule": "payments",
        "role": "primary",
        "person": "ana",
        "start": "2026-03-09T08:00:00Z",
        "end": "2026-03-16T08:00:00Z",
        "key": "payments/primary/20260309T080000Z/0",
        "source": {"layer": "week", "turn": 2},
    }
    assert second["person"] == "ben"


def test_shifts_of_a_person_within_a_period(syncd: CommandLine) -> None:
    found = syncd.json("shifts", "--person", "ben", "--from", "2026-03-01", "--to", "2026-04-12")
    assert [one["start"][:10] for one in found] == ["2026-03-02", "2026-03-16", "2026-03-30"]


def test_a_table_shows_every_time_with_its_zone(syncd: CommandLine) -> None:
    output = syncd.run("shifts", "--from", "2026-03-28", "--to", "2026-03-31").output
    assert "Mon 2026-03-23 09:00 CET" in output
    assert "Mon 2026-03-30 09:00 CEST" in output
    assert "week, turn 5" in output


def test_several_schedules_are_each_asked_in_their_own_zone(syncd: CommandLine) -> None:
    layers = "layers: [{name: all, role: primary, members: [cho]}]"
    syncd.write(ROTA + f"  tokyo: {{title: Tokyo, timezone: Asia/Tokyo, start: 2026-01-01, {layers}}}\n")
    rows = syncd.json("oncall", "--at", "2026-03-11T09:00")
    assert {row["schedule"]: row["at"] for row in rows} == {
        "payments": "2026-03-11T08:00:00Z",
        "tokyo": "2026-03-11T00:00:00Z",
    }
    assert "name a schedule" in syncd.refused("why", "--role", "primary")


def test_why_has_its_steps_with_their_numbers(syncd: CommandLine) -> None:
    said = syncd.json("why", "--role", "primary")
    assert {key: said[key] for key in ("schedule", "role", "at", "people")} == {
        "schedule": "payments",
        "role": "primary",
        "at": "2026-03-11T12:00:00Z",
        "people": ["ana"],
    }
    assert all(set(step) == {"step", "text", "numbers"} for step in said["steps"])
    assert any(step["numbers"].get("k mod n") == 0 for step in said["steps"])
    assert "2 mod 2 = 0" in syncd.run("why").output


def test_gaps_have_a_cause_and_a_suggestion(syncd: CommandLine) -> None:
    syncd.write(ROTA.replace("rotation:", 'windows: [{from: "09:00", to: "17:00"}], rotation:'))
    found = syncd.json("gaps", "--from", "2026-03-10", "--to", "2026-03-10T12:00")
    assert [(one["start"], one["end"], one["cause"], one["people"]) for one in found] == [
        ("2026-03-09T16:00:00Z", "2026-03-10T08:00:00Z", "nobody", [])
    ]
    assert "syncd override add" in found[0]["suggestion"]
    assert "no gaps" in syncd.run("gaps", "--from", "2026-03-10T10:00", "--to", "2026-03-10T12:00").output


def test_fairness_counts_hours_nights_weekends_and_holidays(syncd: CommandLine) -> None:
    syncd.write(ROTA.replace("roles:", "holidays: {also: [2026-03-11]}\nroles:", 1))
    found = {one["person"]: one for one in syncd.json("fairness", "--from", "2026-03-09T09:00", "--to", "2026-03-23T09:00")}
    assert found["ana"] == {"person": "ana", "role": "primary", "hours": 168.0, "nights": 7, "weekends": 1, "holidays": 1}
    assert found["ben"]["holidays"] == 0


def test_a_countrys_holidays_are_known(syncd: CommandLine) -> None:
    pytest.importorskip("holidays")
    syncd.write(ROTA.replace("roles:", "holidays: {country: DE, subdivision: BE}\nroles:", 1))
    found = {one["person"]: one for one in syncd.json("fairness", "--from", "2026-04-27T09:00", "--to", "2026-05-04T09:00")}
    assert sum(one["holidays"] for one in found.values()) == 1  # 1 May


def test_a_past_instant_is_answered_from_the_record(syncd: CommandLine) -> None:
    config = load(syncd.folder / "syncd.yaml", destinations=False)
    schedule = config.rota.schedules["payments"]
    week = Window(seconds("2026-03-02T08:00:00Z"), seconds("2026-03-11T11:59:00Z"))
    store = Store.open(syncd.folder / "state" / "syncd")
    assert store is not None
    with store.write() as tx:
        tx.served.record("payments", week, shifts(schedule, week))
    store.close()
    syncd.write(ROTA.replace("members: [ana, ben]", "members: [cho]"))  # today's rota says something else

    (row,) = syncd.json("oncall", "--at", "2026-03-04T12:00Z")
    assert [one["id"] for one in row["people"]] == ["ben"]
    assert row["people"][0]["next"] == "ana"
    assert syncd.json("why", "--role", "primary", "--at", "2026-03-04T12:00Z")["people"] == ["ben"]
    assert syncd.json("oncall", "--at", "2026-02-20T12:00Z")[0]["people"] == []
    assert [one["id"] for one in syncd.json("oncall")[0]["people"]] == ["cho"]
    found = syncd.json("shifts", "--from", "2026-03-02T08:00Z", "--to", "2026-03-17T00:00Z")
    assert [(one["person"], one["start"], one["end"]) for one in found] == [
        ("ben", "2026-03-02T08:00:00Z", "2026-03-09T08:00:00Z"),
        ("ana", "2026-03-09T08:00:00Z", "2026-03-11T11:59:00Z"),
        ("cho", "2026-03-11T11:59:00Z", "2026-03-16T08:00:00Z"),
        ("cho", "2026-03-16T08:00:00Z", "2026-03-23T08:00:00Z"),
    ]
    assert len({one["key"] for one in found}) == 4
    week_of_ben = ("fairness", "--from", "2026-03-02T08:00Z", "--to", "2026-03-09T08:00Z")
    assert {one["person"]: one["hours"] for one in syncd.json(*week_of_ben)} == {"ben": 168.0, "cho": 0.0}
    assert "Mon 2026-03-02 09:00 – Mon 2026-03-09 09:00 CET" in syncd.run(*week_of_ben).output.splitlines()


def test_a_running_shift_is_whole_though_part_of_it_is_recorded(syncd: CommandLine) -> None:
    config = load(syncd.folder / "syncd.yaml", destinations=False)
    week = Window(seconds("2026-03-10T00:00:00Z"), seconds("2026-03-11T12:00:00Z"))
    store = Store.open(syncd.folder / "state" / "syncd")
    assert store is not None
    with store.write() as tx:
        tx.served.record("payments", week, shifts(config.rota.schedules["payments"], week))
    store.close()
    before = syncd.json("shifts", "--from", "2026-03-10T12:00", "--to", "2026-03-12")
    assert [(one["person"], one["start"], one["end"], one["key"]) for one in before] == [
        ("ana", "2026-03-09T08:00:00Z", "2026-03-16T08:00:00Z", "payments/primary/20260309T080000Z/0")
    ]


def test_impact_tells_whose_shifts_would_move_and_by_how_much(syncd: CommandLine) -> None:
    other = str(syncd.write(ROTA.replace("members: [ana, ben]", "members: [ana, cho]"), "other.yaml"))
    period = ("--from", "2026-03-10", "--to", "2026-03-24")
    nothing = {"changes": [], "moves": [], "gaps": [], "destinations": []}
    assert syncd.json("impact", "syncd.yaml", *period) == {
        "from": "2026-03-09T23:00:00Z",
        "to": "2026-03-23T23:00:00Z",
        **nothing,
    }
    assert syncd.run("impact", "syncd.yaml").output == "nobody's shifts would move\n"
    week = [{"start": "2026-03-16T08:00:00Z", "end": "2026-03-23T08:00:00Z"}]
    same = {"schedule": "payments", "role": "primary"}
    assert syncd.json("impact", other, *period)["changes"] == [
        {**same, "person": "ben", "seconds": -604_800, "gained": [], "lost": week},
        {**same, "person": "cho", "seconds": 604_800, "gained": week, "lost": []},
    ]
    told = syncd.run("impact", other, *period).output
    assert "Ben Okafor  loses" in told
    assert "Cho Min-ji  7d more" in told
    assert "no such" in syncd.refused("impact", "nothing.yaml", code=78).lower()


def test_impact_tells_moved_shifts_gaps_destinations_and_what_would_be_held(syncd: CommandLine) -> None:
    daily = ROTA.replace("unit: week, on: mon, ", "unit: day, ")
    syncd.write(daily + FOLDER + FOLDER.splitlines()[1].replace("calendar", "old") + "\n")
    later = (
        daily.replace("T09:00", "T10:00")
        .replace('at: "09:00"', 'at: "10:00"')
        .replace("title: Payments\n", "title: Payments\n    end: 2026-03-20T10:00\n")
    )
    other = str(syncd.write(later + FOLDER + FOLDER.splitlines()[1].replace("calendar", "new") + "\n", "other.yaml"))
    found = syncd.json("impact", other)
    same = {"schedule": "payments", "role": "primary"}
    assert {**same, "person": "ben", "start_seconds": 3600, "end_seconds": 3600}.items() <= found["moves"][1].items()
    assert [(gap["cause"], gap["start"]) for gap in found["gaps"]] == [("ended", "2026-03-20T09:00:00Z")]
    told = {one["destination"]: one for one in found["destinations"]}
    assert told["calendar"]["actions"]["delete"] == 22
    assert "would be removed with nobody in their place" in told["calendar"]["holds"][0]
    assert (told["old"]["actions"], "left as it is" in told["old"]["note"]) == ({}, True)
    assert (told["new"]["actions"], told["new"]["note"]) == ({"create": 9}, "new")
    said = syncd.run("impact", other).output
    for words in ("begins 1h later; ends 1h later", "gap: payments, primary: ended", "would be held: ", "new: new, 9 × create"):
        assert words in said


def test_a_gap_says_why_and_what_it_suggests_closes_it(syncd: CommandLine) -> None:
    import shlex

    syncd.write(
        ROTA.replace(
            "role: primary, members: [ana, ben]", 'role: primary, windows: [{from: "09:00", to: "17:00"}], members: [ana, ben]'
        )
    )
    evening = ("--from", "2026-03-12T17:00", "--to", "2026-03-13T09:00")
    id_ = syncd.json("override", "add", "--person", "cho", *evening)["id"]
    period = ("--from", "2026-03-12T09:00", "--to", "2026-03-13T12:00")
    assert syncd.json("gaps", *period) == []
    syncd.json("override", "remove", id_)
    (gap,) = syncd.json("gaps", *period)
    assert gap["why"] == f"override {id_}, which covered it, was removed; layer week is closed then"
    assert syncd.run(*shlex.split(gap["suggestion"].partition("syncd ")[2])).exit_code == 0
    assert syncd.json("gaps", *period) == []


def test_a_month_is_a_table_of_days(syncd: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    told = syncd.run("shifts", "--month").output.splitlines()
    assert told == [
        "payments, primary: March 2026 (Europe/Berlin)",
        "Mon         Tue         Wed         Thu         Fri         Sat         Sun",
        " " * 72 + " 1 ana",
        " 2 ana ben   3 ben       4 ben       5 ben       6 ben       7 ben       8 ben",
        " 9 ben ana  10 ana      11 ana      12 ana      13 ana      14 ana      15 ana",
        "16 ana ben  17 ben      18 ben      19 ben      20 ben      21 ben      22 ben",
        "23 ben ana  24 ana      25 ana      26 ana      27 ana      28 ana      29 ana",
        "30 ana ben  31 ben",
    ]
    february = syncd.run("shifts", "--month", "2026-02", "--schedule", "payments", "--role", "primary").output
    assert "23 ana –" in february
    assert "part of that day has nobody" in february
    assert {one["person"] for one in syncd.json("shifts", "--month", "2026-03")} == {"ana", "ben"}
    monkeypatch.setenv("COLUMNS", "40")
    assert " 2 an…" in syncd.run("shifts", "--month", "2026-03").output
    assert "is no month" in syncd.refused("shifts", "--month", "march")
    assert "goes without" in syncd.refused("shifts", "--month", "2026-03", "--from", "2026-03-01")
