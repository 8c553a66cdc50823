"""What is told to whom: from the outbox and the rota to a real mail server and an HTTP receiver."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from syncd.config import load
from syncd.herald import Herald
from syncd.notify.channel import send
from syncd.store import Store
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


def test_a_conflict_reaches_the_admin_by_mail_and_the_group_with_the_command_that_brings_it_back(town: Town) -> None:
    town.post()
    town.settle()
    until(lambda: town.mails() and town.http.got)
    [told] = town.mails()
    assert (told["to"], told["from"]) == (["cho@example.com"], "rota@example.com")
    assert told["subject"].startswith("pager: the rota and an edit disagree")
    assert "It showed: Zed" in told["body"]
    assert "`syncd restore c1`" in told["body"]
    assert "syncd restore c1" in town.http.got[0][2]
    with town.store.read() as tx:
        assert tx.outbox.pending(town.clock.now() + 10_000) == ()
