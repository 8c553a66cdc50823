"""What the commands answer: exit codes, the shapes of their JSON, plans named by their digest, and what `purge` leaves."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from syncd.core.model import HOUR
from tests.e2e.town import ROLLING, ROTA, Town

UTC = r"2026-03-\d\dT\d\d:\d\d:\d\dZ"
CHANGE = {"action", "status", "drift", "row", "before", "after", "reason"}
VALUE = {"key", "ref", "person", "start", "end"}


def has_shape_of_a_plan(plan: Any, outcomes: set[str] | None = None) -> None:
    assert set(plan) >= {"destination", "mode", "digest", "changes", "pulls", "left", "notices"}
    assert re.fullmatch(r"[0-9a-f]{16}", plan["digest"])
    for change in plan["changes"]:
        assert set(change) == CHANGE | ({"outcome"} if outcomes else set())
        assert change["action"] in {"create", "replace", "delete", "sign"}
        assert change["status"] in {"now", "waits", "held"}
        assert outcomes is None or change["outcome"] in outcomes
        assert isinstance(change["row"], str)
        for value in (change["before"], change["after"]):
            assert value is None or set(value) == VALUE
            assert value is None or all(re.fullmatch(UTC, value[name]) for name in ("start", "end"))
        assert (change["before"] is None) == (change["action"] == "create")
        assert (change["after"] is None) == (change["action"] == "delete")
    for pull in plan["pulls"]:
        assert set(pull) == {"role", "people", "start", "end", "row"}
    for kept in plan["left"]:
        assert kept["reason"]


# --- plan and export -----------------------------------------------------------------------------


def test_a_plan_says_what_an_export_does_and_changes_nothing(shown: Town) -> None:
    shown.give("ana 12T09 13T09", "dee")
    shown.drag("ben 13T09 14T09", "13T09", "14T12")
    shown.retitle("ben 16T09 17T09", "Zoe Quill")
    stood, before = shown.shown(), shown.ledger()
    shown.proxy.journal.clear()
    (plan,) = shown.syncd.json("plan")
    assert shown.writes() == []
    assert (shown.shown(), shown.ledger()) == (stood, before)
    has_shape_of_a_plan(plan)
    (again,) = shown.syncd.json("plan", "team")
    assert again == plan, "byte for byte"
    assert shown.syncd.run("plan", "--exit-code").exit_code == 3
    assert shown.syncd.run("plan").exit_code == 0
    told = shown.export()
    has_shape_of_a_plan(told, {"applied"})
    assert told["digest"] == plan["digest"]
    assert [{**one, "outcome": "applied"} for one in plan["changes"]] == told["changes"]
    assert told["pulls"] == plan["pulls"]
    assert len(told["left"]) == (shown.mode == "bidirectional")
    shown.nothing_to_do()


def test_an_export_without_a_terminal_wants_to_know_what_it_may_do(one: Town) -> None:
    one.override("dee", "13T09", "14T09")
    one.proxy.journal.clear()
    for arguments in ([], ["team"], ["--json"], ["team", "--now", "--plan", "0123456789abcdef"], ["--plan", "abc"]):
        result = one.syncd.run("export", *arguments)
        assert (result.exit_code, result.stdout) == (2, "")
    assert one.requests() == []
    for wrong in (["export", "nowhere", "--now"], ["plan", "nowhere"], ["purge", "nowhere", "--now"], ["export", "--later"]):
        assert one.syncd.run(*wrong).exit_code == 2


def test_a_plan_named_by_its_digest_is_done(shown: Town) -> None:
    shown.override("dee", "13T09", "14T09")
    (plan,) = shown.syncd.json("plan")
    shown.pass_time(0.5)
    shown.proxy.journal.clear()
    (told,) = shown.syncd.json("export", "--plan", plan["digest"])
    assert (told["digest"], [one["outcome"] for one in told["changes"]]) == (plan["digest"], ["applied"])
    assert shown.requests() == ["REPORT", "REPORT", "PUT"], "a look for the plan, and one under the lease"
    shown.nothing_to_do()


def test_a_plan_that_is_no_longer_the_one_that_was_shown_is_not_done(shown: Town) -> None:
    shown.override("dee", "13T09", "14T09")
    (plan,) = shown.syncd.json("plan")
    shown.give("ana 12T09 13T09", "cho")
    stood = shown.shown()
    result = shown.syncd.run("export", "--plan", plan["digest"])
    assert result.exit_code == 1
    assert "nothing was done" in result.stderr
    assert shown.shown() == stood


def test_a_plan_that_changes_between_the_two_looks_is_not_done(one: Town) -> None:
    """A human edits just after the plan was made anew, and before the lease is held (F47)."""
    from tests.simulators.proxy import Answer, Exchange, Rule

    def edited(exchange: Exchange) -> Answer:
        answer = exchange.forward()
        one.give("ana 12T09 13T09", "cho")
        return answer

    one.override("dee", "13T09", "14T09")
    (plan,) = one.syncd.json("plan")
    one.proxy.rules = [Rule("REPORT", "", edited, last=1)]
    result = one.syncd.run("export", "--plan", plan["digest"])
    assert result.exit_code == 1
    assert "nothing was done" in result.stderr
    assert one.shown() == [ROLLING[0], "cho 12T09 13T09", *ROLLING[2:]]


def test_one_destination_that_fails_stops_no_other(one: Town) -> None:
    path = one.server.calendar()
    one.write(more=other(one, path, "manual"))
    one.server.request("DELETE", one.path)
    result = one.syncd.run("export", "--now", "--json")
    assert result.exit_code == 1
    failed = {said["destination"]: said.get("error") for said in json.loads(result.stdout)}
    assert failed["team"]
    assert failed["other"] is None
    one.path = path
    assert one.shown() == ROLLING


def other(town: Town, path: str, mode: str) -> str:
    options = f"url: '{town.proxy.url}{path}', username: ana, password: {{file: password}}"
    settings = f"kind: caldav, schedule: payments, role: primary, mode: {mode}, horizon: 5d"
    return f"  other: {{{settings}, options: {{{options}}}}}\n"


@pytest.mark.parametrize("mode", ["authoritative", "manual", "bidirectional"])
def test_an_edit_reaches_the_other_calendar_in_the_same_export(both: Town, mode: str) -> None:
    path = both.server.calendar()
    both.write(more=other(both, path, mode))
    both.syncd.json("export", "--now")
    both.drag("ana 12T09 13T09", "12T11", "13T11")
    assert both.syncd.run("export", "--now").exit_code == 0
    expected = [*ROLLING[:2], "ana 13T09 13T11", "ben 13T11 14T09", *ROLLING[3:]]
    assert both.shown() == expected
    both.path = path
    assert both.shown() == expected
    assert {one["destination"]: one["imported_30d"] for one in both.syncd.json("status")} == {"team": 1, "other": 0}
    both.proxy.journal.clear()
    assert [one["changes"] for one in both.syncd.json("export", "--now")] == [[], []]
    assert both.requests() == ["REPORT", "REPORT"]


# --- how it stands -------------------------------------------------------------------------------


def test_the_other_answers_have_the_shapes_that_programs_rely_on(shown: Town) -> None:
    shown.give("ana 12T09 13T09", "dee")
    shown.remove("cho 14T09 15T09")
    shown.export()
    shown.write(ROTA.replace("    start: 2026-03-09T09:00\n", "    start: 2026-03-09T09:00\n    end: 2026-03-11T09:00\n"))
    shown.export(code=1)
    (status,) = shown.syncd.json("status")
    assert set(status) >= {
        "destination", "mode", "status", "since", "reason", "last_cycle", "next_due", "next_unexported", "differs_seconds",
        "holds", "conflicts", "imported_30d",
    }  # fmt: skip
    assert (status["destination"], status["mode"], status["holds"]) == ("team", shown.mode, 1)
    assert re.fullmatch(UTC, status["last_cycle"])
    imported = 1 if shown.mode == "bidirectional" else 0
    assert status["imported_30d"] == imported
    assert status["differs_seconds"] == 5 * 24 * HOUR, "an override counts only while its schedule does"
    for hold in shown.syncd.json("holds"):
        assert set(hold) == {"digest", "destination", "reason", "changes", "since"}
        assert len(hold["changes"]) == 6
    conflicts = shown.syncd.json("conflicts")
    for conflict in conflicts:
        assert set(conflict) == {"id", "destination", "role", "start", "end", "rota", "destination_had", "done", "since"}
    assert [one["start"] for one in conflicts] == ["2026-03-14T09:00:00Z" if imported else "2026-03-12T09:00:00Z"]
    history = shown.syncd.json("history")
    for line in history:
        assert set(line) == {"id", "at", "run", "destination", "event", "actor", "entry", "old", "new", "digest"}
    assert [line["at"] for line in history] == sorted((line["at"] for line in history), reverse=True)
    assert {line["actor"] for line in history if line["event"].startswith("create")} == {"ana"}
    assert shown.syncd.json("history", "--run", history[-1]["run"]) == [x for x in history if x["run"] == history[-1]["run"]]


def test_a_conflict_is_restored_in_one_step(shown: Town) -> None:
    shown.override("cho", "12T09", "13T09")
    shown.give("ana 12T09 13T09", "dee")
    shown.export()
    assert shown.shown()[1] == "cho 12T09 13T09", "both changed, differently: the rota's wins"
    (conflict,) = shown.syncd.json("conflicts")
    assert (conflict["rota"], conflict["destination_had"]["people"]) == (["cho"], ["dee"])
    shown.syncd.json("restore", conflict["id"])
    assert shown.syncd.json("conflicts") == []
    shown.export()
    assert shown.shown()[1] == "dee 12T09 13T09"
    shown.nothing_to_do()


def test_a_conflict_that_was_seen_is_listed_no_more_and_nothing_is_brought_back(shown: Town) -> None:
    shown.override("cho", "12T09", "13T09")
    shown.give("ana 12T09 13T09", "dee")
    shown.export()
    (conflict,) = shown.syncd.json("conflicts")
    assert shown.syncd.json("ack", conflict["id"])["destination"] == "team"
    assert shown.syncd.json("conflicts") == []
    assert shown.syncd.json("status")[0]["conflicts"] == 0
    assert shown.syncd.run("ack", conflict["id"]).exit_code == 2
    shown.nothing_to_do()
    assert shown.shown()[1] == "cho 12T09 13T09"


# --- the end of a destination --------------------------------------------------------------------


def test_a_purge_takes_what_is_ours_past_and_to_come_and_nothing_else(shown: Town) -> None:
    shown.add("dentist", "13T10", "13T11", "Ana Lima: Primary")
    shown.copy("ben 13T09 14T09")
    shown.pass_time(48)
    assert shown.syncd.run("purge", "team").exit_code == 2
    (told,) = shown.syncd.json("purge", "team", "--now")
    has_shape_of_a_plan(told, {"applied"})
    assert {one["action"] for one in told["changes"]} == {"delete"}
    assert [event.ref for event in shown.events()] == ["copy.ics", "dentist.ics"]
    assert shown.syncd.json("purge", "team", "--now")[0]["changes"] == []


def test_a_purge_is_one_request_a_shift_and_one_look_once_the_server_is_known(one: Town) -> None:
    for requests in (["REPORT", "GET", *["DELETE"] * 7], ["REPORT", *["DELETE"] * 6]):
        one.proxy.journal.clear()
        one.syncd.json("purge", "team", "--now")
        assert one.requests() == requests
        one.export()
        assert one.shown() == ROLLING
