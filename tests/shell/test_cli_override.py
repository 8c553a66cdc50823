"""Overrides by the command line: what is recorded, what is refused, and what changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shell.command_line import FOLDER, ROTA, CommandLine, command_line


@pytest.fixture
def syncd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return command_line(tmp_path, monkeypatch)


def on(syncd: CommandLine, at: str) -> list[str]:
    (row,) = syncd.json("oncall", "--at", at, "--role", "primary")
    return [one["id"] for one in row["people"]]


def test_an_override_is_in_force_for_its_time_and_prints_its_id_first(syncd: CommandLine) -> None:
    result = syncd.run("override", "add", "--person", "cho", "--from", "2026-03-12T09:00", "--to", "2026-03-12T17:00")
    assert result.exit_code == 0
    id_ = result.output.splitlines()[0]
    assert on(syncd, "2026-03-12T08:59") == ["ana"]
    assert on(syncd, "2026-03-12T09:00") == ["cho"]
    assert on(syncd, "2026-03-12T17:00") == ["ana"]
    (shift,) = syncd.json("shifts", "--person", "cho")
    assert shift["source"] == {"override": id_}
    assert "Cho Min-ji" in result.output
    assert "before" in result.output


def test_what_was_recorded_is_listed_with_who_and_when(syncd: CommandLine) -> None:
    added = syncd.json("override", "add", "--person", "cho", "--from", "2026-03-12", "--to", "2026-03-13", "--reason", "dentist")
    (one,) = syncd.json("override", "list")
    assert one == {
        "id": added["id"],
        "schedule": "payments",
        "roles": ["primary"],
        "people": ["cho"],
        "replaces": "all",
        "start": "2026-03-11T23:00:00Z",
        "end": "2026-03-12T23:00:00Z",
        "reason": "dentist",
        "origin": "command",
        "by": "ana",
        "at": "2026-03-11T12:00:00Z",
        "approval": "approved",
        "removed": None,
        "in_force": [{"roles": ["primary"], "start": "2026-03-11T23:00:00Z", "end": "2026-03-12T23:00:00Z"}],
    }
    assert [shift["person"] for shift in added["after"]] == ["cho"]
    assert [shift["person"] for shift in added["before"]] == ["ana"]


def test_without_times_it_is_today_and_takes_effect_from_now(syncd: CommandLine) -> None:
    syncd.json("override", "add", "--person", "cho")
    (one,) = syncd.json("override", "list")
    assert (one["start"], one["end"]) == ("2026-03-10T23:00:00Z", "2026-03-11T23:00:00Z")
    assert on(syncd, "2026-03-11T11:59:59Z") == ["ana"]
    assert on(syncd, "2026-03-11T12:00:00Z") == ["cho"]
    assert on(syncd, "2026-03-11T22:59:59Z") == ["cho"]
    assert on(syncd, "2026-03-11T23:00:00Z") == ["ana"]


def test_only_with_a_beginning_it_lasts_to_the_next_midnight(syncd: CommandLine) -> None:
    one = syncd.json("override", "add", "--person", "cho", "--from", "2026-03-14T10:00")
    assert one["end"] == "2026-03-14T23:00:00Z"


def test_23_59_as_an_end_is_the_end_of_the_day(syncd: CommandLine) -> None:
    one = syncd.json("override", "add", "--person", "cho", "--from", "2026-03-14T10:00", "--to", "2026-03-14T23:59")
    assert one["end"] == "2026-03-14T23:00:00Z"


def test_several_people_are_named_in_any_way_of_listing(syncd: CommandLine) -> None:
    for day, people in (
        ("14", ["--person", "cho", "--person", "ben"]),
        ("15", ["--person", "cho", "ben"]),
        ("13", ["--person", "cho,ben"]),
    ):
        one = syncd.json("override", "add", *people, "--from", f"2026-03-{day}", "--to", f"2026-03-{day}T12:00")
        assert one["people"] == ["cho", "ben"]


def test_replacing_one_person_leaves_the_others(syncd: CommandLine) -> None:
    syncd.write(ROTA.replace("members: [ana, ben]", "members: [[ana, ben]]"))
    syncd.json("override", "add", "--person", "cho", "--replaces", "ana", "--from", "2026-03-14", "--to", "2026-03-15")
    assert sorted(on(syncd, "2026-03-14T12:00")) == ["ben", "cho"]


def test_joining_replaces_nobody(syncd: CommandLine) -> None:
    one = syncd.json("override", "add", "--person", "cho", "--replaces", "none", "--from", "2026-03-14", "--to", "2026-03-15")
    assert one["replaces"] == "none"
    assert sorted(on(syncd, "2026-03-14T12:00")) == ["ana", "cho"]


def test_nobody_can_be_put_on(syncd: CommandLine) -> None:
    syncd.json("override", "add", "--nobody", "--from", "2026-03-14", "--to", "2026-03-15")
    assert on(syncd, "2026-03-14T12:00") == []


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--person", "chi"], "did you mean 'cho'?"),
        (["--person", "cho", "--role", "primry"], "did you mean 'primary'?"),
        (["--person", "cho", "--schedule", "payment"], "did you mean 'payments'?"),
        (["--person", "cho", "--replaces", "anna"], "did you mean 'ana'?"),
        (["--person", "cho", "--from", "2026-03-10T09:00", "--to", "2026-03-11T12:00"], "it ended"),
        (["--person", "cho", "--from", "2026-03-14", "--to", "2026-03-13"], "not after"),
        (["--person", "cho", "--from", "2026-03-29T02:30", "--to", "2026-03-29T12:00"], "does not exist in Europe/Berlin"),
        (["--person", "cho", "--from", "2026-10-24T12:00", "--to", "2026-10-25T02:30"], "exists twice"),
        (["--person", "ana"], "would change nothing: ana is on as asked"),
        (["--person", "cho", "--replaces", "ben"], "would change nothing: ben is not on call then"),
        (["--person", "cho", "--from", "2026-02-30"], "no calendar has"),
        (["--person", "cho", "--nobody"], "--person"),
        ([], "--person"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_recorded(syncd: CommandLine, arguments: list[str], hint: str) -> None:
    assert hint in syncd.refused("override", "add", *arguments)
    assert not (syncd.folder / "state").exists()


def test_an_ambiguous_time_with_an_offset_is_clear(syncd: CommandLine) -> None:
    one = syncd.json("override", "add", "--person", "cho", "--from", "2026-10-25T02:30+01:00", "--to", "2026-10-25T12:00")
    assert one["start"] == "2026-10-25T01:30:00Z"


def test_a_role_has_to_be_named_where_the_schedule_uses_several(syncd: CommandLine) -> None:
    syncd.write(ROTA + "      - {name: other, role: secondary, members: [ben]}\n")
    assert "name a role" in syncd.refused("override", "add", "--person", "cho")
    assert syncd.json("override", "add", "--person", "cho", "--role", "all")["roles"] == ["primary", "secondary"]


def test_the_first_of_two_overrides_holds_and_the_second_is_told_so(syncd: CommandLine) -> None:
    syncd.json("override", "add", "--person", "cho", "--from", "2026-03-14", "--to", "2026-03-15")
    result = syncd.run("override", "add", "--person", "ben", "--from", "2026-03-14T12:00", "--to", "2026-03-16")
    assert result.exit_code == 0
    assert "the one defined first holds" in result.stderr
    assert on(syncd, "2026-03-14T13:00") == ["cho"]
    said = syncd.refused("override", "add", "--person", "ben", "--from", "2026-03-14T01:00", "--to", "2026-03-14T02:00")
    assert "would change nothing" in said
    remedy = said.split("`")[1]
    assert syncd.run(*remedy.split()[1:]).exit_code == 0
    assert (
        syncd.run("override", "add", "--person", "ben", "--from", "2026-03-14T01:00", "--to", "2026-03-14T02:00").exit_code == 0
    )


def test_what_is_shown_afterwards_has_all_of_the_shift_that_was_shown_before(syncd: CommandLine) -> None:
    text = syncd.run("override", "add", "--person", "cho", "--from", "2026-03-14T12:00", "--to", "2026-03-14T14:00").stdout
    before, now = text.split("now ")
    assert [line.split()[1] for line in before.splitlines()[2:]] == ["Ana"]
    assert [line.split()[1] for line in now.splitlines()[1:]] == ["Ana", "Cho", "Ana"]
    assert now.split()[-3:] == before.split()[-3:]


def test_a_schedule_may_refuse_overlaps_on_entry(syncd: CommandLine) -> None:
    syncd.write(ROTA.replace("title: Payments", "title: Payments\n    override_overlap: reject"))
    first = syncd.json("override", "add", "--person", "cho", "--from", "2026-03-14", "--to", "2026-03-15")
    said = syncd.refused("override", "add", "--person", "ben", "--from", "2026-03-14T12:00", "--to", "2026-03-16")
    assert first["id"] in said
    assert len(syncd.json("override", "list")) == 1


def test_a_removed_override_is_kept_as_removed(syncd: CommandLine) -> None:
    id_ = syncd.json("override", "add", "--person", "cho", "--from", "2026-03-14", "--to", "2026-03-15")["id"]
    syncd.at("2026-03-11T13:00:00+00:00")
    assert syncd.run("override", "remove", id_, "--reason", "back").exit_code == 0
    assert on(syncd, "2026-03-14T12:00") == ["ana"]
    (one,) = syncd.json("override", "list")
    assert one["removed"] == {"by": "ana", "at": "2026-03-11T13:00:00Z", "reason": "back"}
    assert "no overrides" in syncd.run("override", "list").output
    assert "removed" in syncd.run("override", "list", "--all").output
    assert "was removed before" in syncd.run("override", "remove", id_).stderr


def test_an_override_of_the_file_is_listed_and_can_be_removed(syncd: CommandLine) -> None:
    syncd.write(ROTA + "    overrides: [{roles: [primary], people: [cho], start: 2026-03-14, end: 2026-03-15}]\n")
    (one,) = syncd.json("override", "list")
    assert (one["origin"], one["by"], one["at"]) == ("file", None, None)
    assert on(syncd, "2026-03-14T12:00") == ["cho"]
    syncd.json("override", "remove", one["id"])
    assert on(syncd, "2026-03-14T12:00") == ["ana"]


def test_an_override_that_waits_for_approval_counts_from_the_approval_on(syncd: CommandLine) -> None:
    syncd.write(ROTA.replace("title: Payments", "title: Payments\n    approval: all"))
    added = syncd.run("override", "add", "--person", "cho", "--json")
    assert "waits for approval" in added.stderr
    (one,) = syncd.json("override", "list")
    assert one["approval"] == "pending"
    assert on(syncd, "2026-03-11T14:00Z") == ["ana"]
    syncd.at("2026-03-11T13:00:00+00:00")
    assert syncd.json("override", "approve", one["id"])["approval"] == "approved"
    assert on(syncd, "2026-03-11T12:30Z") == ["ana"]
    assert on(syncd, "2026-03-11T14:00Z") == ["cho"]
    assert "waits for approval" in syncd.refused("override", "reject", one["id"])


def test_a_rejected_override_never_counts(syncd: CommandLine) -> None:
    syncd.write(ROTA.replace("title: Payments", "title: Payments\n    approval: others"))
    one = syncd.json("override", "add", "--person", "cho")
    assert one["approval"] == "pending"
    syncd.json("override", "reject", one["id"])
    assert on(syncd, "2026-03-11T14:00Z") == ["ana"]
    assert syncd.json("override", "list")[0]["approval"] == "rejected"


def test_who_puts_herself_on_needs_no_approval_by_others(syncd: CommandLine) -> None:
    syncd.write(ROTA.replace("title: Payments", "title: Payments\n    approval: others"))
    one = syncd.json("override", "add", "--person", "ana", "--from", "2026-03-17", "--to", "2026-03-18")
    assert one["approval"] == "approved"


def test_every_change_is_in_the_history(syncd: CommandLine) -> None:
    id_ = syncd.json("override", "add", "--person", "cho")["id"]
    syncd.json("override", "remove", id_)
    removed, added = syncd.json("history")
    assert [(one["event"], one["actor"], one["entry"]) for one in (added, removed)] == [
        ("override.added", "ana", id_),
        ("override.removed", "ana", id_),
    ]
    assert set(added) == {"id", "at", "run", "destination", "event", "actor", "entry", "old", "new", "digest"}


def test_an_override_outside_the_schedules_time_is_refused_with_the_reason(syncd: CommandLine) -> None:
    syncd.write(ROTA.replace("start: 2026-02-23T09:00", "start: 2026-02-23T09:00\n    end: 2026-03-20"))
    late = ("override", "add", "--person", "cho", "--from", "2026-03-21", "--to", "2026-03-22")
    assert "schedule payments ended Fri 2026-03-20 00:00 CET" in syncd.refused(*late)
    syncd.write(ROTA.replace("start: 2026-02-23T09:00", "start: 2026-04-06T09:00"))
    assert "schedule payments has not begun by then" in syncd.refused(*late)


# --- what is in force ------------------------------------------------------------------------


def listed(syncd: CommandLine, *more: str) -> list[str]:
    """The rows of `override list`, without the ids, which differ."""
    _, *rows = syncd.run("override", "list", *more).output.splitlines()
    return [" ".join(row.split()[1:]) for row in rows]


def test_a_start_before_it_was_recorded_is_kept_as_written_and_listed_as_it_is_in_force(syncd: CommandLine) -> None:
    syncd.json("override", "add", "--person", "cho", "--from", "2026-03-11", "--to", "2026-03-12")
    assert listed(syncd) == ["payments, primary Cho Min-ji Wed 2026-03-11 13:00 – Thu 2026-03-12 00:00 CET in force ana"]
    (said,) = syncd.json("override", "list")
    assert said["start"] == "2026-03-10T23:00:00Z"
    assert said["in_force"] == [{"roles": ["primary"], "start": "2026-03-11T12:00:00Z", "end": "2026-03-11T23:00:00Z"}]


def test_an_override_is_listed_with_what_an_undo_left_of_it(syncd: CommandLine) -> None:
    syncd.write(ROTA + FOLDER)
    syncd.run("export", "--now")
    syncd.run("override", "add", "--person", "cho", "--from", "2026-03-16T09:00", "--to", "2026-03-23T09:00")
    syncd.run("export", "--now")
    run = next(line["run"] for line in syncd.json("history") if line["run"])
    assert syncd.run("undo", run, "--now").exit_code == 0
    whole = "payments, primary {} Mon 2026-03-16 09:00 – Mon 2026-03-23 09:00 CET {}"
    put_back = whole.format("Ben Okafor", f"in force ana: undo of {run}")
    assert listed(syncd) == [put_back]
    assert listed(syncd, "--all") == [whole.format("Cho Min-ji", "cut out ana"), put_back]
    assert [one["in_force"] != [] for one in syncd.json("override", "list")] == [False, True]
