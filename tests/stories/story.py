"""A story: one rota, one place that shows it, the command line in between; what is told, and that nobody is ever uncovered."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from syncd.cli.session import Session
from syncd.config import load
from syncd.cycle import Report, Trigger
from syncd.errand import Errand
from syncd.store import Store
from tests.shell.command_line import CommandLine, command_line
from tests.stories.days import ROTA, Standing, Together, at, lines, short
from tests.stories.place import Place

LEDGER = ("entries", "pieces", "intents", "echoes", "imports", "generations", "overrides", "override_marks")


class Story:
    """One destination, `team`. `export` is the command, and checks what it did to the coverage."""

    def __init__(self, place: Place, syncd: CommandLine, mode: str) -> None:
        self.place, self.syncd, self.mode = place, syncd, mode
        self.clock = Together(place.clock)
        self.others: dict[str, Place] = {}
        syncd.monkeypatch.setattr(Session, "clock", self.clock)

    # --- the rota and the command line -------------------------------------------------------

    def write(self, rota: str = ROTA, more: str = "", **settings: str) -> None:
        """`settings`: of the destination, or something else in their place; `more`: further destinations."""
        self.syncd.write(f"{rota}destinations:\n{self.destination('team', self.place, **settings)}{more}")

    def destination(self, name: str, place: Place, **settings: str) -> str:
        given = {"mode": self.mode, "refresh": "5m", "horizon": "5d", **settings}
        said = ", ".join(f"{key}: {value}" for key, value in given.items())
        options = place.options(self.syncd.folder)
        return f"  {name}: {{kind: {place.kind}, schedule: payments, role: primary, {said}, options: {{{options}}}}}\n"

    def export(self, code: int = 0) -> dict[str, Any]:
        """`syncd export --now --json`; what it told of `team`. The journal of calls starts anew."""
        with self.covered():
            told: list[dict[str, Any]] = self.syncd.json("export", "--now", code=code)
        return next((one for one in told if one["destination"] == "team"), {})

    def attempt(self) -> int:
        """An export that may fail, in one clear sentence; its exit code."""
        with self.covered():
            result = self.syncd.run("export", "--now")
        assert result.exit_code in (0, 1), result.output
        assert "Traceback" not in result.output
        assert (result.stderr != "") == (result.exit_code == 1), result.output
        return result.exit_code

    def run(self, *command: str, code: int = 0) -> Result:
        with self.covered():
            result = self.syncd.run(*command)
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result

    def daemon_turns(self) -> Report:
        """A cycle of `team` as the daemon runs it."""
        config, store = load(self.syncd.folder / "syncd.yaml"), Store.open(self.database.parent)
        assert store is not None
        try:
            with self.covered():
                errand = Errand(config=config, store=store, clock=self.clock, trigger=Trigger.DAEMON)
                return errand.run(config.destinations["team"])
        finally:
            store.close()

    def lose_ledger(self) -> None:
        """The store, not the key beside it."""
        for path in self.database.parent.glob("syncd.db*"):
            path.unlink()

    def acknowledge(self) -> dict[str, Any]:
        """The one hold there is."""
        (hold,) = self.syncd.json("holds")
        self.run("ack", hold["digest"])
        return dict(hold)

    def override(self, person: str, start: str, end: str) -> str:
        """Its id."""
        added = self.syncd.json(
            *("override", "add", "--person", person, "--role", "primary"),
            *("--from", f"2026-03-{start}:00Z", "--to", f"2026-03-{end}:00Z"),
        )
        return str(added["id"])

    def pass_time(self, hours: float) -> None:
        self.place.clock.advance(round(hours * 3600))

    # --- what stands -------------------------------------------------------------------------

    @property
    def now(self) -> int:
        return self.clock.now()

    def shown(self, place: Place | None = None) -> list[str]:
        """Whom the place shows from now on."""
        return lines((place or self.place).shown(), self.now)

    def entries(self) -> list[str]:
        """Everything that stands, past and foreign ones too."""
        return [str(one) for one in self.place.standing()]

    def thing(self, line: str) -> Standing:
        (found,) = [one for one in self.place.standing() if str(one) == line and not one.by_hand]
        return found

    def refs(self) -> dict[str, str]:
        """Line → ref, of ours."""
        return {str(one): one.ref for one in self.place.standing() if not one.by_hand}

    def rota(self) -> list[str]:
        """Who is on by the rota in the next five days."""
        end = datetime.fromtimestamp(self.now + 5 * 86_400, UTC).isoformat()
        told = self.syncd.json("shifts", "--role", "primary", "--to", end)
        starts = ((int(datetime.fromisoformat(one["start"]).timestamp()), one) for one in told)
        return lines(
            ((start, int(datetime.fromisoformat(one["end"]).timestamp()), one["person"]) for start, one in starts), self.now
        )

    def imported(self) -> list[str]:
        """Overrides that came back into the rota."""
        return [
            f"{'+'.join(one['people'])} {_day(one['start'])} {_day(one['end'])}"
            for one in self.syncd.json("override", "list")
            if one["origin"] == "import" and not one["removed"]
        ]

    def told(self) -> list[str]:
        """Notices of what happened to somebody's time: `C 12T09 13T09`."""
        with closing(sqlite3.connect(self.database)) as base:
            said = [json.loads(row[0]) for row in base.execute("SELECT notice FROM notices WHERE state <> 'armed'")]
        return sorted(
            f"{one['kind']} {short(one['start'])} {short(one['end'])}" for one in said if one["kind"] in ("C", "I", "R")
        )

    def alarms(self) -> list[str]:
        """Notices that a destination needs attention."""
        with closing(sqlite3.connect(self.database)) as base:
            said = [json.loads(row[0]) for row in base.execute("SELECT notice FROM notices WHERE state <> 'armed'")]
        return sorted(one["text"] for one in said if one["kind"] not in ("C", "I", "R"))

    def status(self, name: str = "team") -> dict[str, Any]:
        return next(dict(one) for one in self.syncd.json("status") if one["destination"] == name)

    def ledger(self) -> dict[str, list[Any]]:
        """The rows that say what we wrote and what was agreed (I11)."""
        with closing(sqlite3.connect(self.database)) as base:
            return {name: base.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in LEDGER}  # noqa: S608

    @property
    def database(self) -> Path:
        return self.syncd.folder / "state" / "syncd" / "syncd.db"

    def nothing_to_do(self) -> None:
        """One look, no write, no row of the ledger touched, but that what is over is forgotten; the plan agrees."""
        if self.place.stacked:
            self.export()  # what was deleted counts as gone once it was seen gone (W7)
        before, stood = self.ledger(), self.entries()
        told = self.export()
        assert (told["changes"], told["pulls"]) == ([], [])
        assert self.place.calls() == list(self.place.look)
        touched = {name: new for name, rows in self.ledger().items() if (new := [row for row in rows if row not in before[name]])}
        assert (touched, self.entries()) == ({}, stood)
        assert self.syncd.run("plan", "--exit-code").exit_code == 0

    # --- coverage ----------------------------------------------------------------------------

    @contextmanager
    def covered(self) -> Iterator[None]:
        """At no instant from now on somebody was shown and then nobody, where the rota has somebody (I8)."""
        places = [self.place, *self.others.values()]
        for place in places:
            place.forget()
            place.frames.clear()
        yield
        for place in places:
            frames = [place.shown(frame) for frame in [*place.frames, place.standing()]]
            lost = {hole for before, after in pairwise(frames) for hole in _holes(before, after, self.now)}
            if lost:
                wanted = [(at(line.split()[1]), at(line.split()[2])) for line in self.rota()]
                assert not [hole for hole in lost if any(start < hole[1] and hole[0] < end for start, end in wanted)], frames

    # --- hands -------------------------------------------------------------------------------

    def give(self, line: str, who: str) -> str:
        """Its ref."""
        thing = self.thing(line)
        self.place.give(thing, who)
        return thing.ref

    def move(self, line: str, start: str, end: str) -> str:
        thing = self.thing(line)
        self.place.move(thing, at(start), at(end))
        return thing.ref

    def remove(self, line: str) -> Standing:
        thing = self.thing(line)
        self.place.delete(thing)
        return thing

    def add(self, who: str, start: str, end: str) -> str:
        return self.place.add(who, at(start), at(end))


def _day(text: str) -> str:
    return short(datetime.fromisoformat(text).timestamp())


def _holes(before: list[tuple[int, int, str]], after: list[tuple[int, int, str]], now: int) -> Iterator[tuple[int, int]]:
    """Where somebody was and nobody is, from `now` on."""
    cuts = sorted({now, *(edge for one in (*before, *after) for edge in one[:2] if edge > now)})
    for start, end in pairwise(cuts):
        was, is_ = ([one for one in side if one[0] <= start < one[1]] for side in (before, after))
        if was and not is_:
            yield start, end


def story(
    place: Place, folder: Path, monkeypatch: pytest.MonkeyPatch, mode: str = "authoritative", *, exported: bool = True
) -> Story:
    """At noon. `exported`: the rota is shown since eleven."""
    found = Story(place, command_line(folder, monkeypatch), mode)
    found.write()
    if exported:
        found.pass_time(-1)
        found.export()
        found.pass_time(1)
    return found
