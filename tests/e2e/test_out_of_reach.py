"""Servers that are down, slow, elsewhere or not what they seem, and wrong passwords: a clear sentence, and nothing lost."""

from __future__ import annotations

from typing import Any

import pytest

import connectors.caldav_session
from tests.connectors import servers
from tests.e2e.town import ROLLING, Town
from tests.simulators.proxy import Rule, answers, delayed, drop_after, drop_before, half, page

READING = "PROPFIND|REPORT|GET"


def stands(town: Town) -> tuple[str, str]:
    (status,) = town.syncd.json("status")
    return status["status"], status["reason"]


def recovers(town: Town) -> None:
    """Without anything but another export."""
    town.proxy.rules.clear()
    town.export()
    assert stands(town) == ("OK", "")
    assert town.shown() == ROLLING
    town.nothing_to_do()


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (drop_before, "connection"),
        (half, "connection"),
        (answers(503), "503"),
        (answers(500), "500"),
        (page(200), "page"),
        (page(207), "CalDAV"),
        (page(502), "page"),
        (answers(207, "<multistatus xmlns='DAV:'>"), "CalDAV"),
        (answers(301, Location="/elsewhere"), "ring"),
        (answers(429, Retry_After="120"), "120 s"),
    ],
    ids=["drop", "half", "503", "500", "a page", "a page as a list", "a gateway", "cut off", "a ring", "429"],
)
@pytest.mark.parametrize("first", [pytest.param(True, marks=pytest.mark.long), False], ids=["first look", "later"])
def test_a_server_that_cannot_be_read_is_exit_1_and_nothing_is_written(
    one: Town, monkeypatch: pytest.MonkeyPatch, fault: Any, says: str, first: bool
) -> None:
    if first:
        one.path = one.server.calendar()
        one.write()
        one.database.unlink()
    else:
        one.override("dee", "13T09", "14T09")
    one.proxy.rules = [Rule(READING, "", fault)]
    before = [] if first else one.ledger()
    stood = one.shown()
    result = one.failed()
    assert result.stderr.startswith("syncd: team: ")
    assert says in result.stderr
    assert (one.writes(), one.shown()) == ([], stood)
    status, reason = stands(one)
    assert status == ("Error" if first else "OK")
    assert says.removesuffix(" s") in f"{reason} 120"
    assert one.failed("plan").stderr.startswith("syncd: team: ")
    if not first:
        assert one.ledger() == before
        one.syncd.json("override", "remove", one.syncd.json("override", "list")[0]["id"])
    recovers(one)


def test_a_server_that_hangs_is_left(one: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connectors.caldav_session, "READ", 0.2)
    one.proxy.rules = [Rule(READING, "", delayed(60))]
    assert "did not answer" in one.failed().stderr
    assert one.writes() == []
    recovers(one)


def test_a_server_that_is_not_there(one: Town) -> None:
    one.write(url=f"http://127.0.0.1:{servers.free_port()}{one.path}")
    assert "cannot be reached" in one.failed().stderr
    one.write()
    recovers(one)


def test_a_failure_that_lasts_an_hour_is_a_warning_and_its_end_is_told_once(one: Town) -> None:
    one.proxy.rules = [Rule(READING, "", answers(503))]
    for hours, status in ((0.5, "OK"), (0.5, "Warning"), (1, "Warning")):
        one.pass_time(hours)
        one.failed()
        assert stands(one)[0] == status
    recovers(one)
    events = [line["event"] for line in one.syncd.json("history") if line["event"].startswith("status")]
    assert events == ["status OK", "status Warning", "status OK"]


def test_a_change_that_cannot_be_shown_is_an_error_at_the_second_failure_and_its_end_is_told(one: Town) -> None:
    """The rota goes on while the server does not answer: whoever it names for tonight is not shown there."""
    one.proxy.rules = [Rule(READING, "", answers(503))]
    one.override("ana", "12T00", "12T09")
    one.failed()
    assert stands(one)[0] == "OK", "one failure may be nothing"
    one.failed()
    state, reason = stands(one)
    assert (state, "503" in reason) == ("Error", True)
    one.proxy.rules.clear()
    one.export()
    assert stands(one) == ("OK", "")
    assert one.shown()[:2] == ["cho 11T12 12T00", "ana 12T00 12T09"]
    events = [line["event"] for line in one.syncd.json("history") if line["event"].startswith("status")]
    assert events == ["status OK", "status Error", "status OK"]


def test_a_change_of_the_far_future_that_cannot_be_shown_wakes_nobody(one: Town) -> None:
    one.proxy.rules = [Rule(READING, "", answers(503))]
    one.override("dee", "15T09", "16T00")
    for _ in range(3):
        one.failed()
        assert stands(one)[0] == "OK"


def test_a_wrong_password_is_an_error_at_once_and_a_right_one_is_enough(one: Town) -> None:
    (one.syncd.folder / "password").write_text("hunter2")
    result = one.failed()
    assert "sign-in" in result.stderr
    assert "hunter2" not in result.output
    assert stands(one)[0] == "Error"
    assert one.requests() == ["REPORT"], "a refused password is not tried again"
    (one.syncd.folder / "password").write_text("secret word")
    recovers(one)


@pytest.mark.parametrize("path", ["/nowhere/rota/", "/ana/", "/ana/not-there/", "/.web/"])
def test_an_address_where_no_calendar_is(one: Town, path: str) -> None:
    one.database.unlink()
    one.write(url=one.proxy.url + path)
    result = one.failed()
    assert result.stderr.startswith("syncd: team: ")
    assert "url" in result.stderr
    assert (one.writes(), one.shown()) == ([], ROLLING)
    assert stands(one)[0] == "Error"


def test_a_calendar_that_was_removed_is_not_made_anew(one: Town) -> None:
    one.server.request("DELETE", one.path)
    result = one.failed()
    assert "not there" in result.stderr
    assert one.writes() == []


# --- answers to writes that never come -----------------------------------------------------------


@pytest.mark.parametrize("fault", [drop_before, drop_after, page(200), answers(502)], ids=["before", "after", "a page", "502"])
@pytest.mark.parametrize("nth", [pytest.param(1, marks=pytest.mark.long), 4, pytest.param(6, marks=pytest.mark.long)])
def test_a_first_export_whose_answer_is_lost_ends_with_each_shift_once(one: Town, fault: Any, nth: int) -> None:
    one.empty()
    one.database.unlink()
    one.proxy.rules = [Rule("PUT", "", fault, first=nth, last=nth)]
    one.export()
    assert one.shown() == ROLLING
    one.nothing_to_do()


@pytest.mark.parametrize("fault", [drop_before, drop_after], ids=["before", "after"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("mode", ["authoritative", "bidirectional"])
def test_a_change_whose_answer_is_lost_is_done_once(one: Town, method: str, fault: Any, mode: str) -> None:
    one.write(mode=mode)
    one.export()
    override = one.override("dee", "12T12", "12T18")
    one.export()
    one.syncd.json("override", "remove", override)
    one.proxy.rules = [Rule(method, "", fault, last=1)]
    one.export()
    assert one.shown() == ROLLING
    one.nothing_to_do()
    assert one.told() == []


def test_a_server_that_takes_no_writes_leaves_everything_open_and_none_twice(one: Town) -> None:
    one.override("dee", "12T12", "12T18")
    one.proxy.rules = [Rule("PUT|DELETE", "", answers(503))]
    assert "changes were not done: writing an entry: the server gave status 503" in one.failed().stderr
    assert one.shown() == ROLLING
    status = one.syncd.json("status")[0]
    assert (status["status"], status["next_unexported"]) == ("Error", "2026-03-12T12:00:00Z")
    one.proxy.rules.clear()
    one.export()
    assert one.shown()[1:4] == ["ana 12T09 12T12", "dee 12T12 12T18", "ana 12T18 13T09"]
    assert len(one.shown()) == 8
    one.nothing_to_do()
    assert stands(one) == ("OK", "")
