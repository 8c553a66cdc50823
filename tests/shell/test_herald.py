"""What is told to whom: from the outbox and the rota to a real mail server and an HTTP receiver."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from syncd.config import load
from syncd.core.model import Override
from syncd.herald import Herald
from syncd.notify.channel import send
from syncd.store import Store
from syncd.store.marks import Approved
from tests.shell.receivers import HttpReceiver, MailServer, mail_server, only_loopback, until

ROTA = """\
timezone: Europe/Berlin
people:
  ana: {name: Ana Lima, email: ana@example.com, timezone: Europe/Lisbon}
  ben: {name: Ben Okafor, email: ben@example.com, phone: "+49 30 1234"}
  cho: {name: Cho Min-ji, email: cho@example.com}
roles:
  primary: {title: Primary}
teams:
  payments: {title: Payments, people: [ana, ben], channels: [group]}
schedules:
  payments:
    title: Payments
    team: payments
    admins: [cho]
    start: 2026-02-23T09:00
    handoff_note: "Look at open incidents."
    layers:
      - {name: week, role: primary, members: [ana, ben], rotation: {every: 1, unit: week, on: mon, at: "09:00"}}
"""
SAID = {
    "id": "c1", "kind": "C", "destination": "pager", "schedule": "payments", "role": "primary", "start": 1_773_302_400,
    "end": 1_773_306_000, "text": "changed on both sides, differently", "rota": ["ana"], "had": ["?Zed"], "done": "",
    "refs": [], "also": [],
}  # fmt: skip
NOON = "2026-03-11T12:00:00+00:00"


class SetClock:
    """A clock of the test's own; its intervals pass as it is set."""

    def __init__(self, at: str) -> None:
        self.set(at)
        self.began = self.at

    def set(self, at: str) -> None:
        self.at = int(datetime.fromisoformat(at).timestamp())

    def now(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return float(self.at)

    def wait(self, event: Event, seconds: float) -> bool:
        return event.wait(0.01)


class Town:
    """A store, a configuration, and where notices arrive."""

    def __init__(self, folder: Path, mail: MailServer, http: HttpReceiver, notices: str = "") -> None:
        self.folder, self.mail, self.http = folder, mail, http
        folder.mkdir(exist_ok=True)
        self.secret("mail", f"mailto://127.0.0.1:{mail.port}?from=rota@example.com&to=nobody@example.com")
        self.secret("group", f"json://{http.url}/hook")
        self.write(notices)
        store = Store.open(folder / "state")
        assert store is not None
        self.store = store
        self.clock = SetClock(NOON)
        self.restart()

    def secret(self, name: str, text: str) -> None:
        (self.folder / name).touch(0o600)
        (self.folder / name).write_text(text + "\n")

    def write(self, notices: str = "", rota: str = ROTA) -> None:
        channels = "channels: {mail: {url: {file: mail}}, group: {url: {file: group}}}"
        (self.folder / "syncd.yaml").write_text(f"{rota}notices: {{{channels}{', ' if notices else ''}{notices}}}\n")
        self.config = load(self.folder / "syncd.yaml", now=0)

    def restart(self) -> None:
        self.herald = Herald(config=lambda: self.config, store=self.store, clock=self.clock, send=send)

    def post(self, **more: Any) -> None:
        said = {**SAID, **more}
        with self.store.write() as tx:
            assert tx.outbox.post(said, said["id"], at=self.clock.now())

    def at(self, instant: str) -> None:
        """The time, and what is told by then: until nothing is under way any more."""
        self.clock.set(instant)
        self.settle()

    def settle(self) -> None:
        for _ in range(2):
            self.herald.turn()
            until(lambda: self.herald.idle)
        self.herald.turn()

    def mails(self, to: str = "") -> list[Any]:
        return [one for one in self.mail.mails if not to or one["to"] == [f"{to}@example.com"]]


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as found:
        yield found


@pytest.fixture
def http() -> Iterator[HttpReceiver]:
    found = HttpReceiver()
    yield found
    found.close()


@pytest.fixture
def town(tmp_path: Path, mail: MailServer, http: HttpReceiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    only_loopback(monkeypatch)
    found = Town(tmp_path / "town", mail, http)
    yield found
    found.store.close()


def test_a_conflict_reaches_admin_members_and_group_with_the_command_that_brings_it_back(town: Town) -> None:
    town.post()
    town.settle()
    until(lambda: len(town.mails()) == 2 and town.http.got)
    assert len(town.mails("ana")) == 1
    [told] = town.mails("cho")
    assert (told["to"], told["from"]) == (["cho@example.com"], "rota@example.com")
    assert told["subject"].startswith("Conflict at pager, Primary of Payments, Thu 2026-03-12 09:00 CET")
    assert "It showed: Zed" in told["body"]
    assert "add Zed to `people`, then `syncd restore c1`" in told["body"]
    assert "syncd restore c1" in town.http.got[0][2]
    with town.store.read() as tx:
        assert tx.outbox.pending(town.clock.now() + 10_000) == ()


def test_a_removed_override_is_told_only_to_whoever_asked_for_it_and_names_whom_the_rota_does_not_know(town: Town) -> None:
    town.post(id="r1", kind="R", had=["ben"])
    town.settle()
    assert (town.mails(), town.http.got) == ([], [])
    with town.store.write() as tx:
        tx.preferences.set("ben", "", "removed", True)
        tx.preferences.set("cho", "mail", "removed", True)
        tx.preferences.set("", "group", "removed", True)
    town.clock.set("2026-03-11T12:00:10+00:00")
    town.post(id="r2", kind="R", had=["ben"])
    town.post(id="r3", kind="R", had=["?Zed of the vendor"])
    town.settle()
    until(lambda: len(town.mails()) == 3 and len(town.http.got) == 2)
    assert sorted(one["to"][0] for one in town.mails()) == ["ben@example.com", "cho@example.com", "cho@example.com"]
    assert any("It showed: Zed of the vendor" in one["body"] for one in town.mails("cho"))


def held(town: Town, digest: str) -> None:
    with town.store.write() as tx:
        tx.holds.put("pager", digest, reason="3 removals", changes=[], identities=["delete x"], since=town.clock.now())


def test_a_hold_that_was_answered_before_anybody_was_told_of_it_is_not_told(town: Town) -> None:
    alive = (town.folder / "mail").read_text()
    town.secret("mail", "mailto://127.0.0.1:1?from=a@example.com&to=b@example.com")
    held(town, "0123456789abcdef")
    held(town, "fedcba9876543210")
    town.post(id="h1", kind="H", digest="0123456789abcdef", text="3 removals without a successor")
    town.post(id="h2", kind="H", digest="fedcba9876543210", text="30 replacements")
    town.settle()
    with town.store.write() as tx:
        tx.holds.answer("012345", by="cho", at=town.clock.now())
    town.secret("mail", alive)
    town.restart()
    town.at("2026-03-11T12:20:00+00:00")
    wait_for(town, "cho", 1)
    assert [one["subject"] for one in town.mails("cho")] == ["Held at pager: 30 replacements"]
    with town.store.read() as tx:
        assert tx.outbox.next_at() is None


def test_a_hold_carries_its_digest_and_a_notice_of_the_service_goes_to_every_admin(town: Town) -> None:
    held(town, "0123456789abcdef")
    town.post(id="h1", kind="H", digest="0123456789abcdef", text="3 removals without a successor")
    town.post(id="s1", kind="H", digest="", destination="", schedule="", role="", text="the changed configuration is refused")
    town.settle()
    town.post(id="h2", kind="H", destination="calendar", text="nobody in the rota, somebody is there")
    town.settle()
    until(lambda: len(town.mails("cho")) == 3)
    bodies = {one["subject"]: one["body"] for one in town.mails("cho")}
    assert "`syncd ack 0123456789abcdef`" in bodies["Held at pager: 3 removals without a successor"]
    assert "the changed configuration is refused" in bodies["syncd needs attention: the changed configuration is refused"]
    assert (
        "It is about: Thu 2026-03-12 09:00 CET to Thu 2026-03-12 10:00 CET"
        in bodies["Look at calendar: nobody in the rota, somebody is there"]
    )
    assert "syncd ack" not in bodies["Look at calendar: nobody in the rota, somebody is there"]


# --- handoffs ------------------------------------------------------------------------------


def test_a_handoff_is_told_an_hour_ahead_to_whoever_comes_in_their_time_and_the_schedules_and_once(town: Town) -> None:
    town.at("2026-03-16T06:59:00+00:00")
    assert town.mails() == []
    town.at("2026-03-16T07:00:10+00:00")
    until(town.mails)
    [told] = town.mails()
    assert told["to"] == ["ben@example.com"]
    assert told["subject"] == "On call Mon 2026-03-16 09:00 CET: Primary of Payments"
    assert "until Mon 2026-03-23 09:00 CET." in told["body"]
    assert "You take over from: Ana Lima" in told["body"]
    assert "Note: Look at open incidents." in told["body"]
    cover = "syncd override add --schedule payments --role primary --replaces ben --person WHO"
    assert f"{cover} --from 2026-03-16T08:00:00Z --to 2026-03-23T08:00:00Z" in told["body"]
    town.restart()
    town.at("2026-03-16T07:05:00+00:00")
    town.at("2026-03-16T06:30:00+00:00")  # the clock is put back, and passes again
    town.at("2026-03-16T07:10:00+00:00")
    assert len(town.mails()) == 1


def test_a_reader_elsewhere_sees_both_clocks(town: Town) -> None:
    town.at("2026-03-23T07:30:00+00:00")
    until(town.mails)
    [told] = town.mails("ana")
    assert "from Mon 2026-03-23 08:00 WET (09:00 CET, Europe/Berlin)" in told["body"]


def test_a_handoff_missed_while_the_daemon_was_down_is_told_late_only_while_it_is_ahead(town: Town) -> None:
    town.at("2026-03-16T06:00:00+00:00")
    town.restart()
    town.at("2026-03-16T07:40:00+00:00")
    until(lambda: town.mails("ben"))
    town.restart()
    town.at("2026-03-23T08:10:00+00:00")  # past Ana's handoff at 08:00
    assert town.mails("ana") == []


def test_both_sides_are_told_where_the_team_wants_it_and_a_persons_own_lead_wins_unless_the_team_says_so(town: Town) -> None:
    with town.store.write() as tx:
        tx.preferences.set("ana", "mail", "handoff", {"lead": 7200})
    town.write("handoff: {lead: 30m, to: both}")
    town.at("2026-03-16T06:01:00+00:00")
    until(town.mails)
    assert [(one["to"][0], one["subject"][:8]) for one in town.mails()] == [("ana@example.com", "Off call")]
    assert "You hand over to: Ben Okafor" in town.mails()[0]["body"]
    town.at("2026-03-16T07:31:00+00:00")
    until(lambda: len(town.mails()) == 2)
    town.write("handoff: {lead: 30m}, follow: team")
    town.at("2026-03-23T06:30:00+00:00")
    assert len(town.mails("ana")) == 1
    town.at("2026-03-23T07:31:00+00:00")
    until(lambda: len(town.mails("ana")) == 2)


def test_no_handoff_is_told_where_it_is_off_or_where_one_person_goes_on_from_turn_to_turn(town: Town) -> None:
    town.write(rota=ROTA.replace("members: [ana, ben]", "members: [ana]"))
    town.at("2026-03-16T07:30:00+00:00")
    town.write("handoff: off")
    town.at("2026-03-16T07:31:00+00:00")
    assert [one for one in town.mails() if "all" in one["subject"]] == []


def test_the_handoff_is_that_of_the_final_rota(town: Town) -> None:
    town.at("2026-03-11T12:00:10+00:00")
    override(town, "cho", "2026-03-16T08:00:00+00:00", "2026-03-17T08:00:00+00:00")
    town.at("2026-03-16T07:30:00+00:00")
    until(lambda: [one for one in town.mails("cho") if one["subject"].startswith("On call")])
    assert [one for one in town.mails("ben") if one["subject"].startswith("On call")] == []


# --- changed duty --------------------------------------------------------------------------


def override(town: Town, person: str, start: str, end: str, approval: Approved = Approved.APPROVED) -> str:
    begin, stop = (int(datetime.fromisoformat(one).timestamp()) for one in (start, end))
    of = Override(id="", roles=("primary",), people=(person,), replaces=None, start=begin, end=stop, reason="a day off")
    with town.store.write() as tx:
        return tx.overrides.add("payments", of, by="ana", at=town.clock.now(), approval=approval)


def test_whose_duty_changed_hears_of_it_in_one_digest_and_nobody_else(town: Town) -> None:
    town.at("2026-03-11T12:00:10+00:00")
    override(town, "cho", "2026-03-17T08:00:00+00:00", "2026-03-18T08:00:00+00:00")
    override(town, "cho", "2026-03-19T08:00:00+00:00", "2026-03-20T08:00:00+00:00")
    town.at("2026-03-11T12:00:20+00:00")
    until(lambda: len(town.mails()) == 2)
    assert town.mails("ana") == []
    [lost], [won] = town.mails("ben"), town.mails("cho")
    assert lost["subject"].startswith("Your duty changed, Payments: no longer yours: Primary, Tue 2026-03-17 09:00 CET to")
    assert lost["body"].count("- no longer yours: Primary") == 2
    assert "+ yours now: Primary, Tue 2026-03-17 09:00 CET to Wed 2026-03-18 09:00 CET" in won["body"]
    town.restart()
    town.at("2026-03-11T13:30:00+00:00")
    assert len(town.mails()) == 2


def test_a_change_made_while_the_daemon_was_down_is_told_when_it_is_back(town: Town) -> None:
    town.at("2026-03-11T12:00:10+00:00")
    override(town, "cho", "2026-03-17T08:00:00+00:00", "2026-03-18T08:00:00+00:00")
    town.restart()
    town.at("2026-03-12T12:00:00+00:00")
    until(lambda: len(town.mails()) == 2)


# --- every day, gaps, approval ---------------------------------------------------------------


def test_who_is_on_call_is_told_once_a_day_at_each_readers_own_eight_o_clock(town: Town) -> None:
    town.write('daily: {at: "08:00", to: [people, team]}')
    town.at("2026-03-11T12:00:10+00:00")  # after today's: a daemon that is new does not catch up
    assert (town.mails(), town.http.got) == ([], [])
    town.at("2026-03-12T07:00:10+00:00")
    until(lambda: town.http.got)
    assert town.mails() == []  # in Lisbon it is seven
    assert "Primary: Ana Lima, until Mon 2026-03-16 09:00 CET" in town.http.got[0][2].replace("\\n", "\n")
    town.at("2026-03-12T08:00:10+00:00")
    until(lambda: town.mails("ana"))
    town.restart()
    town.at("2026-03-12T20:00:00+00:00")
    assert (len(town.mails()), len(town.http.got)) == (1, 1)
    town.restart()
    town.at("2026-03-13T23:30:00+00:00")  # that day is over in Berlin, not yet in Lisbon
    until(lambda: len(town.mails("ana")) == 2)
    assert len(town.http.got) == 1


GAP = ROTA.replace(
    "    layers:\n",
    "    overrides: [{roles: [primary], people: [], start: 2026-03-14T10:00, end: 2026-03-14T12:00}]\n    layers:\n",
)


def test_a_gap_is_told_at_eight_utc_and_again_a_day_and_an_hour_before_and_when_it_changes(town: Town) -> None:
    town.write(rota=GAP)
    town.at("2026-03-11T12:00:10+00:00")
    town.at("2026-03-12T07:59:00+00:00")
    assert town.mails("cho") == []
    for at in ("2026-03-12T08:00:10", "2026-03-12T09:00:00", "2026-03-13T08:30:00", "2026-03-13T09:00:10", "2026-03-14T08:00:10"):
        town.restart()
        town.at(f"{at}+00:00")
    until(lambda: len(town.mails("cho")) == 3)
    [first, day, hour] = town.mails("cho")
    assert first["subject"] == "Coverage gap, Payments: Primary, Sat 2026-03-14 10:00 CET to Sat 2026-03-14 12:00 CET"
    assert "Primary, Sat 2026-03-14 10:00 CET to Sat 2026-03-14 12:00 CET: nobody" in first["body"]
    assert "syncd" in first["body"].split("\n  ")[1]
    assert "This gap begins within 24 hours" in day["body"]
    assert "This gap begins within one hour" in hour["body"]
    town.at("2026-03-14T12:00:00+00:00")
    assert len(town.mails("cho")) == 3


def wait_for(town: Town, who: str, count: int) -> int:
    until(lambda: len(town.mails(who)) >= count)
    return len(town.mails(who))


def test_a_gap_that_changed_is_told_at_once(town: Town) -> None:
    town.write(rota=GAP)
    town.at("2026-03-11T12:00:10+00:00")
    town.at("2026-03-12T08:00:10+00:00")
    wait_for(town, "cho", 1)
    town.write(rota=GAP.replace("2026-03-14T12:00", "2026-03-14T14:00"))
    town.at("2026-03-12T09:00:10+00:00")
    until(lambda: any("have changed" in one["body"] for one in town.mails("cho")))
    town.at("2026-03-12T10:00:10+00:00")
    assert len(town.mails("cho")) == 2


def test_a_gap_that_begins_soon_is_told_at_once_and_once(town: Town) -> None:
    town.at("2026-03-13T12:00:10+00:00")
    town.write(rota=GAP)
    town.at("2026-03-13T12:01:00+00:00")
    wait_for(town, "cho", 1)
    town.at("2026-03-14T07:59:00+00:00")
    town.at("2026-03-14T08:30:00+00:00")  # its last hour is told together with the daily look, not twice
    wait_for(town, "cho", 2)
    town.at("2026-03-14T08:40:00+00:00")
    assert len(town.mails("cho")) == 2


def test_approval_is_asked_of_the_admins_with_both_commands_and_no_more_once_it_is_given(town: Town) -> None:
    town.at("2026-03-11T12:00:10+00:00")
    asked = override(town, "cho", "2026-03-17T08:00:00+00:00", "2026-03-18T08:00:00+00:00", Approved.PENDING)
    town.at("2026-03-11T12:00:20+00:00")
    wait_for(town, "cho", 1)
    [told] = town.mails()
    assert told["subject"] == "Approve? Cho Min-ji as Primary of Payments, Tue 2026-03-17 09:00 CET"
    assert "Ana Lima asks that Cho Min-ji be on call instead of whoever is as Primary of Payments" in told["body"]
    assert f"`syncd override approve {asked}`" in told["body"]
    assert f"`syncd override reject {asked}`" in told["body"]


# --- receivers that fail ---------------------------------------------------------------------


def test_more_than_five_within_a_minute_come_as_one(town: Town) -> None:
    for number in range(8):
        town.post(id=f"c{number}", destination=f"pager-{number}")
    town.settle()
    wait_for(town, "cho", 1)
    [told] = town.mails("cho")
    assert told["subject"].startswith("8 notices: Conflict at pager-0")
    assert all(f"`syncd restore c{number}`" in told["body"] for number in range(8))
    town.post(id="later")
    town.settle()
    wait_for(town, "cho", 2)


def test_a_dead_mail_server_delays_no_other_channel_and_is_tried_until_it_is_back(town: Town) -> None:
    alive = (town.folder / "mail").read_text()
    town.secret("mail", "mailto://127.0.0.1:1?from=a@example.com&to=b@example.com")
    town.post()
    town.settle()
    until(lambda: len(town.http.got) == 1)
    with town.store.read() as tx:
        assert tx.outbox.next_at() is not None
    town.secret("mail", alive)
    town.restart()
    town.at("2026-03-11T12:20:00+00:00")
    wait_for(town, "cho", 1)
    assert len(town.http.got) == 1
    with town.store.read() as tx:
        assert tx.outbox.next_at() is None


def test_what_failed_for_a_while_is_sent_late_only_if_it_is_still_true(town: Town) -> None:
    alive = (town.folder / "mail").read_text()
    town.secret("mail", "mailto://127.0.0.1:1?from=a@example.com&to=b@example.com")
    town.at("2026-03-16T07:30:00+00:00")
    override(town, "cho", "2026-03-16T08:00:00+00:00", "2026-03-23T08:00:00+00:00")
    town.secret("mail", alive)
    town.restart()
    town.at("2026-03-16T07:50:00+00:00")
    until(lambda: [one for one in town.mails("cho") if one["subject"].startswith("On call")])
    assert [one for one in town.mails("ben") if one["subject"].startswith("On call")] == []


def test_a_mail_server_that_never_answers_holds_up_only_itself(town: Town) -> None:
    with mail_server("hang") as hanging:
        town.secret("mail", f"mailto://127.0.0.1:{hanging.port}?from=a@example.com&cto=30&rto=30")
        town.post()
        town.herald.turn()
        until(lambda: hanging.mails)  # it has our connection, and says nothing
        town.post(id="c2", destination="calendar")
        until(lambda: [town.herald.turn(), town.http.got][1])
        until(lambda: [town.herald.turn(), len(town.http.got) == 2][1])


def test_a_notice_that_nobody_is_to_hear_of_is_settled(town: Town) -> None:
    with town.store.write() as tx:
        tx.preferences.set("cho", "", "conflict", False)
        tx.preferences.set("ana", "", "conflict", False)
        tx.preferences.set("", "group", "conflict", False)
    town.post()
    town.settle()
    with town.store.read() as tx:
        assert tx.outbox.next_at() is None
    assert (town.mails(), town.http.got) == ([], [])


def test_what_others_wrote_never_breaks_a_header_or_a_terminal(town: Town) -> None:
    town.post(destination="pager\r\nBcc: evil@example.com", had=["?Zed\x1b[2J$role"])
    town.settle()
    wait_for(town, "cho", 1)
    [told] = town.mails("cho")
    assert all(one["to"] in (["cho@example.com"], ["ana@example.com"]) for one in town.mails())
    assert "\x1b" not in told["body"]
    assert "Zed [2J$role" in told["body"]


def test_the_alarm_goes_straight_where_the_outbox_cannot_take_it(town: Town) -> None:
    town.herald.turn()
    town.herald.alarm("the store cannot be written: no space left")
    town.herald.turn()
    until(lambda: town.mails("cho") and town.http.got)
    assert "no space left" in town.mails("cho")[0]["body"]


def test_an_alarm_that_does_not_arrive_is_in_the_log(town: Town) -> None:
    structlog.reset_defaults()
    town.http.status = 500
    with capture_logs() as logs:
        town.herald.turn()
        town.herald.alarm("the store cannot be written: no space left")

        def heard() -> bool:
            town.herald.turn()
            return {"alarm.sent", "alarm.failed"} <= {line["event"] for line in logs}

        until(heard)
    assert [line["channel"] for line in logs if line["event"] == "alarm.failed"] == ["group"]


def test_the_daemons_process_tells_of_a_destination_that_fails(town: Town) -> None:
    (town.folder / "calendar").write_text("no directory")
    listening = 'store: other\nhealth: {listen: "127.0.0.1:0"}\n'
    destination = "destinations: {calendar: {kind: folder, schedule: payments, role: primary, options: {path: calendar}}}\n"
    with (town.folder / "syncd.yaml").open("a") as stream:
        stream.write(listening + destination)
    command = [sys.executable, "-m", "syncd", "--config", str(town.folder / "syncd.yaml"), "run"]
    daemon = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        until(lambda: [one for one in town.mails("cho") if one["subject"].startswith("calendar needs attention: ")])
        (town.folder / "calendar").unlink()
        daemon.send_signal(signal.SIGHUP)
        until(lambda: [one for one in town.mails("cho") if one["subject"] == "calendar is well again"])
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(30) == 0
    finally:
        daemon.kill()
        daemon.wait()
