"""What is dangerous waits for a human's word: a role without anybody, a calendar that was emptied, another calendar."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from tests.e2e.town import ROLLING, ROTA, Town
from tests.simulators.proxy import Answer, Exchange, Rule

EMPTY = ROTA.replace("    start: 2026-03-09T09:00\n", "    start: 2026-03-09T09:00\n    end: 2026-03-11T09:00\n")


def test_a_role_without_anybody_removes_nothing_until_it_is_acknowledged(shown: Town) -> None:
    shown.write(EMPTY)
    told = shown.export(code=1)
    assert {one["outcome"] for one in told["changes"]} == {"held"}
    assert shown.requests() == ["REPORT"]
    assert shown.shown() == ROLLING
    assert shown.syncd.json("status")[0]["holds"] == 1
    (hold,) = shown.syncd.json("holds")
    assert (hold["destination"], len(hold["changes"])) == ("team", 6)
    assert "nobody" in hold["reason"]
    shown.export(code=1)
    assert (shown.writes(), len(shown.syncd.json("holds"))) == ([], 1)
    assert shown.syncd.run("ack", hold["digest"]).exit_code == 0
    shown.export()
    assert shown.requests() == ["REPORT", "GET", *["DELETE"] * 7], (
        "one GET and one DELETE more to learn what conditions are worth"
    )
    assert shown.shown() == []
    shown.nothing_to_do()


def test_a_hold_that_stands_again_is_told_again(one: Town) -> None:
    for times in (1, 2):
        one.pass_time(1)
        one.write(EMPTY)
        one.export(code=1)
        one.export(code=1)
        with closing(sqlite3.connect(one.database)) as base:
            (told,) = base.execute("SELECT count(*) FROM notices WHERE dedup LIKE 'hold-%'").fetchone()
        assert told == times, "once for each time that it stands"
        one.write()
        one.export()
        assert one.syncd.json("holds") == []


def test_what_conditions_are_worth_is_learned_only_once(both: Town) -> None:
    for requests in (["REPORT", "GET", *["DELETE"] * 7], ["REPORT", *["DELETE"] * 6]):
        both.write(EMPTY)
        both.export(code=1)
        both.syncd.run("ack", both.syncd.json("holds")[0]["digest"])
        both.export()
        assert both.requests() == requests
        both.write()
        both.export()
        assert both.shown() == ROLLING


def test_a_shift_under_way_ends_now_where_nobody_is_wanted_any_more(both: Town) -> None:
    both.pass_time(3)
    both.write(EMPTY)
    both.export(code=1)
    both.syncd.run("ack", both.syncd.json("holds")[0]["digest"])
    both.export()
    assert both.shown() == ["cho 11T12 11T15"]


def test_an_acknowledged_hold_whose_reason_is_gone_removes_nothing(shown: Town) -> None:
    shown.write(EMPTY)
    shown.export(code=1)
    (hold,) = shown.syncd.json("holds")
    shown.syncd.run("ack", hold["digest"])
    shown.write()
    shown.export()
    assert (shown.writes(), shown.shown()) == ([], ROLLING)
    shown.nothing_to_do()


def test_a_calendar_that_somebody_emptied_is_filled_after_two_looks_that_agree(shown: Town) -> None:
    shown.empty()
    told = shown.export()
    assert shown.requests() == ["REPORT"] * 4 + ["PUT"] * 6, "each look lists, and then asks for each entry that it misses"
    assert {(one["action"], one["outcome"]) for one in told["changes"]} == {("create", "applied")}
    assert shown.shown() == ROLLING
    shown.nothing_to_do()


def test_a_calendar_that_only_looked_empty_is_left_as_it_is(shown: Town) -> None:
    def nothing(exchange: Exchange) -> Answer:
        return Answer(207, {"Content-Type": "text/xml"}, b'<multistatus xmlns="DAV:"/>')

    stood = shown.refs()
    shown.proxy.rules = [Rule("REPORT", "", nothing, last=2), Rule("GET", "", lambda _: Answer(404), last=6)]
    told = shown.export()
    assert (told["changes"], shown.writes(), shown.refs()) == ([], [], stood)
    shown.proxy.rules.clear()
    shown.nothing_to_do()


def test_another_calendar_behind_the_name_is_not_touched_until_it_is_acknowledged(shown: Town) -> None:
    old, shown.path = shown.path, shown.server.calendar()
    shown.write()
    shown.failed()
    assert (shown.writes(), shown.shown()) == ([], [])
    assert "another account or calendar" in shown.syncd.json("status")[0]["reason"]
    (hold,) = shown.syncd.json("holds")
    shown.syncd.run("ack", hold["digest"])
    shown.export()
    assert shown.shown() == ROLLING
    shown.path = old
    assert shown.shown() == ROLLING, "what was written at the old one stays"


def test_another_mode_holds_what_would_undo_a_humans_edit(both: Town) -> None:
    both.give("ana 12T09 13T09", "dee")
    both.write(mode="authoritative")
    both.export(code=1)
    assert (both.writes(), both.shown()[1]) == ([], "dee 12T09 13T09")
    (hold,) = both.syncd.json("holds")
    assert "mode" in hold["reason"]
    both.syncd.run("ack", hold["digest"])
    both.export()
    assert both.shown() == ROLLING
