"""A small rota, a calendar on a real server, the command line in between, and the hands of the people who use the calendar.

Times are written as day and hour of March 2026 in UTC: `12T09` is 2026-03-12T09:00Z. What stands at a calendar is a list
of lines, `ana 12T09 13T09`, in the order of time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path
from typing import Any

import icalendar
import pytest
from click.testing import Result
from defusedxml.ElementTree import fromstring

from syncd.core.model import HOUR, basic
from tests.connectors import servers
from tests.connectors.calendars import Calendar
from tests.connectors.conformance import event as written_by_hand
from tests.shell.command_line import CommandLine, command_line
from tests.simulators.proxy import Answer, Exchange, Proxy

NAMES = {"ana": "Ana Lima", "ben": "Ben Okafor", "cho": "Cho Min-ji", "dee": "Dee Novak"}
ROTA = """\
timezone: UTC
people:
  ana: {name: Ana Lima, email: ana@example.com}
  ben: {name: Ben Okafor, email: ben@example.com}
  cho: {name: Cho Min-ji, email: cho@example.com}
  dee: {name: Dee Novak, email: dee@example.com}
roles:
  primary: {title: Primary}
schedules:
  payments:
    title: Payments
    start: 2026-03-09T09:00
    layers:
      - {name: day, role: primary, members: [ana, ben, cho], rotation: {every: 1, unit: day, at: "09:00"}}
"""
NOON = "2026-03-11T12:00:00+00:00"
"""Three hours into a shift of Cho's."""
ROLLING = [
    "cho 11T12 12T09",
    "ana 12T09 13T09",
    "ben 13T09 14T09",
    "cho 14T09 15T09",
    "ana 15T09 16T09",
    "ben 16T09 17T09",
]
"""What an export at noon shows of the next five days: a shift that is under way begins with its first export."""
MODES = ("authoritative", "bidirectional", "manual")
QUERY = (
    '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data/></D:prop>'
    '<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"/></C:comp-filter></C:filter></C:calendar-query>'
)


def at(text: str) -> int:
    """The instant of `12T09` or `12T09:30`."""
    day, _, hour = text.partition("T")
    hours, _, minutes = hour.partition(":")
    return int(datetime(2026, 3, int(day), int(hours), int(minutes or 0), tzinfo=UTC).timestamp())


def short(instant: datetime) -> str:
    return f"{instant:%dT%H:%M}".removesuffix(":00")


@dataclass(frozen=True, order=True)
class Event:
    """An event as the server has it. `who`: an id, or the title as it stands."""

    start: datetime
    end: datetime
    who: str
    ref: str
    ours: bool
    title: str = ""

    def __str__(self) -> str:
        return f"{self.who} {short(self.start)} {short(self.end)}"


class Timed(Proxy):
    """The server's clock is the town's."""

    def __init__(self, upstream: str, now: Callable[[], int]) -> None:
        super().__init__(upstream)
        self.now = now

    def _answer(self, exchange: Exchange) -> Answer:
        answer = super()._answer(exchange)
        if "Date" in answer.headers:
            answer.headers["Date"] = formatdate(self.now(), usegmt=True)
        return answer


class Town(Calendar):
    """One destination, `team`, on a calendar of its own; `write` makes the configuration, `export` runs the command."""

    def __init__(self, server: servers.Server, proxy: Timed, syncd: CommandLine, mode: str) -> None:
        super().__init__(server, proxy, server.calendar())
        self.syncd, self.mode = syncd, mode
        self.offset = 0
        proxy.now = self.now

    def now(self) -> int:
        """What the server's clock says: the command line's, unless a test puts it elsewhere."""
        from syncd.cli.session import Session

        return Session.clock.now() + self.offset

    # --- the rota ---

    def write(self, rota: str = ROTA, more: str = "", options: str = "", url: str = "", **settings: str) -> None:
        """`settings`: of the destination, or something else in their place."""
        if self.server.password is not None and not options:
            secret = self.syncd.folder / "password"
            secret.touch(0o600)
            secret.write_text(self.server.password)
            options = f"username: {self.server.username}, password: {{file: password}}"
        if self.server.kind == "xandikos" and not options:
            options = "connections: 1"  # it answers 423 to one of two who write at the same time
        given = {"mode": self.mode, "refresh": "5m", "horizon": "5d", **settings}
        said = ", ".join(f"{name}: {value}" for name, value in given.items())
        address = f"url: '{url or self.url}'"
        self.syncd.write(
            f"{rota}destinations:\n  team: {{kind: caldav, schedule: payments, role: primary, {said}, "
            f"options: {{{', '.join(filter(None, (address, options)))}}}}}\n{more}"
        )

    def export(self, code: int = 0) -> Any:
        """`syncd export --now --json`, of the one destination; the journal of requests starts anew."""
        self.proxy.journal.clear()
        (told,) = self.syncd.json("export", "--now", code=code)
        return told

    def failed(self, *command: str) -> Result:
        """A command that ends with 1, in one clear sentence."""
        self.proxy.journal.clear()
        result = self.syncd.run(*(command or ("export", "--now")))
        assert result.exit_code == 1, result.output
        assert "Traceback" not in result.output
        return result

    def override(self, person: str, start: str, end: str) -> str:
        """Its id."""
        added = self.syncd.json(
            *("override", "add", "--person", person, "--role", "primary"),
            *("--from", f"2026-03-{start}:00Z", "--to", f"2026-03-{end}:00Z"),
        )
        return str(added["id"])

    # --- what stands ---

    def events(self) -> list[Event]:
        """All, in the order of time, read around syncd."""
        status, _, body = self.server.request("REPORT", self.path, QUERY, Depth="1", Content_Type="application/xml")
        assert status == 207, body
        found = []
        for response in fromstring(body).iter("{DAV:}response"):
            ref = (response.findtext("{DAV:}href") or "").rpartition("/")[2]
            data = response.findtext(".//{urn:ietf:params:xml:ns:caldav}calendar-data") or ""
            (event,) = icalendar.Calendar.from_ical(data).walk("VEVENT")
            title = str(event["SUMMARY"])
            who = next((id_ for id_, name in NAMES.items() if title == f"{name}: Primary"), title)
            found.append(Event(event["DTSTART"].dt, event["DTEND"].dt, who, ref, "X-SYNCD-MARKER" in event, title))
        return sorted(found)

    def shown(self) -> list[str]:
        return [str(event) for event in self.events()]

    def event(self, line: str) -> Event:
        """The one that is shown as `line`."""
        (found,) = [event for event in self.events() if str(event) == line]
        return found

    def refs(self) -> dict[str, str]:
        """Line → ref."""
        return {str(event): event.ref for event in self.events()}

    def requests(self) -> list[str]:
        return [exchange.method for exchange in self.proxy.journal]

    def writes(self) -> list[str]:
        return [method for method in self.requests() if method in ("PUT", "DELETE")]

    def ledger(self) -> dict[str, list[Any]]:
        """The rows that say what we wrote and what was agreed (I11)."""
        tables = ("entries", "pieces", "intents", "echoes", "imports", "generations", "overrides", "override_marks")
        with closing(sqlite3.connect(self.database)) as base:
            return {name: base.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in tables}  # noqa: S608

    @property
    def database(self) -> Path:
        return self.syncd.folder / "state" / "syncd" / "syncd.db"

    def outbox(self) -> list[dict[str, Any]]:
        """Every notice that is due or was told."""
        import json

        with closing(sqlite3.connect(self.database)) as base:
            return [json.loads(row[0]) for row in base.execute("SELECT notice FROM notices WHERE state <> 'armed'")]

    def told(self) -> list[str]:
        """Notices of what happened to somebody's time: `C 12T09 13T09`."""
        return sorted(
            f"{one['kind']} {short(datetime.fromtimestamp(one['start'], UTC))} {short(datetime.fromtimestamp(one['end'], UTC))}"
            for one in self.outbox()
            if one["kind"] in ("C", "I", "R")
        )

    def nothing_to_do(self) -> None:
        """One request, no write, no row of the ledger touched; the plan agrees."""
        before, stood = self.ledger(), self.refs()
        told = self.export()
        assert (told["changes"], told["pulls"]) == ([], [])
        assert self.requests() == ["REPORT"]
        assert self.ledger() == before
        assert self.refs() == stood
        assert self.syncd.run("plan", "--exit-code").exit_code == 0

    # --- hands ---

    def drag(self, line: str, start: str, end: str) -> str:
        """Other times for an event; its ref."""
        ref = self.event(line).ref
        self.edit(ref, DTSTART=basic(at(start)), DTEND=basic(at(end)))
        return ref

    def retitle(self, line: str, title: str) -> str:
        ref = self.event(line).ref
        self.edit(ref, SUMMARY=title)
        return ref

    def give(self, line: str, person: str) -> str:
        return self.retitle(line, f"{NAMES[person]}: Primary")

    def remove(self, line: str) -> str:
        ref = self.event(line).ref
        self.delete(ref)
        return ref

    def copy(self, line: str, name: str = "copy") -> str:
        """As calendar programs do: all properties, another UID."""
        ref = self.event(line).ref
        uid = ref.removesuffix(".ics")
        self.put(f"{name}.ics", self.get(ref).replace(f"UID:{uid}", f"UID:{name}"))
        return f"{name}.ics"

    def add(self, name: str, start: str, end: str, title: str) -> str:
        self.put(f"{name}.ics", written_by_hand(name, at(start), at(end), title))
        return f"{name}.ics"

    def empty(self) -> None:
        for event in self.events():
            self.delete(event.ref)

    def pass_time(self, hours: float) -> None:
        from syncd.cli.session import Session

        now = datetime.fromtimestamp(Session.clock.now() + hours * HOUR, UTC)
        self.syncd.at(now.isoformat())


@contextmanager
def town(
    server: servers.Server, folder: Path, monkeypatch: pytest.MonkeyPatch, mode: str = "authoritative", *, exported: bool = True
) -> Iterator[Town]:
    """At noon. `exported`: the rota is already shown."""
    syncd = command_line(folder, monkeypatch, ROTA)
    syncd.at(NOON)
    with Timed(server.url, lambda: 0) as proxy:
        found = Town(server, proxy, syncd, mode)
        found.write()
        if exported:
            found.export()
        yield found
