"""The world of the state machine with a CalDAV server of odd habits in it: the real connector through the real engine."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from connectors.caldav import CalDav
from connectors.memory_place import Item
from syncd.core.mode import Mode
from syncd.core.model import HOUR, Window, basic
from syncd.core.record import Outcome
from syncd.cycle import Cycle, Report, Trigger, site_of
from tests.machine.world import NAMES, T0, Spot, World, replace
from tests.simulators.awkward_caldav import Awkward, Quirk
from tests.simulators.awkward_text import said

EXTENSION = ".ics"
UID_LENGTH = 32
"""Of our own ids: what a human makes here has shorter names."""


@dataclass
class Seen(Spot):
    """The server's calendar as `Spot` watches one: every request of the engine, and what a human wrote."""

    there: Awkward = field(default_factory=Awkward)
    wrote: list[tuple[str, int, int]] = field(default_factory=list)
    """Person, start and end of everything that a human's hand left there."""

    def refresh(self) -> None:
        self.items = {}
        for name, one in self.there.objects.items():
            what = said(one.text)
            ref = name.removesuffix(EXTENSION)
            self.items[ref] = Item(ref, what.uid, what.start, what.end, what.title, one.changed)

    def watched(self) -> None:
        before = dict(self.items)
        self.refresh()
        self._watch(before, late=False)

    def human_creates(self, start: int, end: int, who: str, *, marker: str | None = None) -> str:
        ref = f"meeting-{len(self.wrote)}"
        text = (
            f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:{ref}@there\r\nDTSTAMP:{basic(start)}\r\n"
            f"DTSTART:{basic(start)}\r\nDTEND:{basic(end)}\r\nSUMMARY:{who}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        )
        self.there.put(ref + EXTENSION, text)
        self.wrote_at(ref)
        return ref

    def human_edits(self, ref: str, *, start: int | None = None, end: int | None = None, who: str | None = None) -> None:
        lines = {"DTSTART": start, "DTEND": end}
        given = {key: basic(at) for key, at in lines.items() if at is not None}
        self.there.edit(ref + EXTENSION, **given, **({} if who is None else {"SUMMARY": who}))
        self.wrote_at(ref)

    def human_deletes(self, ref: str) -> None:
        self.there.delete(ref + EXTENSION)
        self.refresh()

    def human_copies(self, ref: str) -> str:
        to = f"copy-{len(self.wrote)}"
        self.there.copy(ref + EXTENSION, to + EXTENSION, uid=f"{to}@there")
        self.wrote_at(to)
        return to

    def wrote_at(self, ref: str) -> None:
        self.refresh()
        item = self.items[ref]
        self.wrote.append((item.who, item.start, item.end))


class AwkwardWorld(World):
    """A World whose one destination is a CalDAV calendar."""

    def __init__(self, there: Awkward, mode: Mode, *, options: dict[str, Any] | None = None, **settings: Any) -> None:
        super().__init__("calendar", mode, **settings)
        there.clock = self.clock.now
        self.there = there
        self.seen = Seen(name=self.spots[0].name, clock=self.clock.now, desired=self.desired, there=there)
        self.spots = [self.seen]
        there.watch = self.seen.watched
        self.settings = [replace(self.settings[0], kind="caldav", options=CalDav.Options(url=there.url, **(options or {})))]

    def cycle(self, n: int = 0, trigger: Trigger = Trigger.DAEMON) -> Report:
        settings = self.settings[n]
        with self.store.read() as tx:
            known = tx.destinations.get(settings.name)
        connector: Any = CalDav(settings.options, site_of(settings, self.rota, known.found if known else {}))
        try:
            with self.store.lease(f"destination/{settings.name}") as lease:
                report = Cycle(
                    store=self.store, settings=settings, rota=self.rota, connector=connector, clock=self.clock,
                    run=f"r{next(self.runs)}", trigger=trigger,
                ).run_under(lease)  # fmt: skip
        finally:
            connector.close()
        self.reports.append(report)
        return report

    def quiet(self) -> None:
        """No fault from now on; a round more than converging takes, with every hold acknowledged; then the promises."""
        self.there.fault = lambda method: None
        self.settle(3)
        before = len(self.there.writes())
        for trigger in (Trigger.EXPORT, Trigger.DAEMON):
            report = self.cycle(trigger=trigger)
            assert report.error is None, report.error
            assert report.decision is not None
            plan = report.decision.plan
            assert plan.empty, ([(c.action, c.row, c.status, c.reason, c.before, c.after) for c in plan.changes], plan.pulls)
        assert len(self.there.writes()) == before, "nothing to do is no write"
        self._shows_the_rota(report)
        self._side_by_side()
        self._nothing_lost()
        self._only_a_humans_hand_is_imported()
        assert not self.seen.broken, self.seen.broken

    def _shows_the_rota(self, report: Report) -> None:
        assert report.decision is not None
        kept = [(d.start, d.end) for d in report.decision.plan.kept]
        if self.settings[0].mode is Mode.BIDIRECTIONAL:
            kept += [(i.start, i.end) for i in self.future(0) if self.person(i.who) not in self.rota.people]
        for at in self.instants(0):
            if not any(s <= at < e for s, e in kept):
                assert self.shown(0, at) == self.wanted(at), ((at - T0) / HOUR, self.shown(0, at), self.wanted(at))

    def _refs(self) -> set[str]:
        with self.store.read() as tx:
            return {row.ref.removesuffix(EXTENSION) for row in tx.ledger.memory(self.settings[0].name).rows}

    def _side_by_side(self) -> None:
        now, refs = self.clock.t, self._refs()
        ours = [i for i in self.seen.items.values() if i.ref in refs and i.end > now]
        for at in {max(i.start, now) for i in ours}:
            on = [i.ref for i in ours if i.start <= at < i.end]
            assert len(on) <= self.rota.roles["primary"].people, ((at - T0) / HOUR, on)

    def _nothing_lost(self) -> None:
        with self.store.read() as tx:
            kept, recorded = tx.conflicts.open(), tx.overrides.list("s")
        for d in self.seen.displaced:
            person = self.person(d.person)
            told = any(
                c.start < d.end and d.start < c.end and any(person in had for had in c.destination_had["people"]) for c in kept
            )
            in_rota = any(person in r.override.people and r.override.start < d.end and d.start < r.override.end for r in recorded)
            shown = any(s.person == person for s in self.desired(Window(d.start, d.end)))
            assert told or in_rota or shown, (person, (d.start - T0) / HOUR, (d.end - T0) / HOUR)

    def _only_a_humans_hand_is_imported(self) -> None:
        """I5: by person, and within the time that a human wrote for that person."""
        with self.store.read() as tx:
            pulled = [r for r in tx.overrides.list("s") if r.override.origin == "import"]
        for record in pulled:
            at, end = record.override.start, record.override.end
            spans = sorted((s, e) for who, s, e in self.seen.wrote if self.person(who) in record.override.people)
            for start, last in spans:
                at = max(at, last) if start <= at else at
            assert at >= end, (record.override.people, (record.override.start - T0) / HOUR, (end - T0) / HOUR)


@contextmanager
def awkward(*quirks: Quirk, mode: Mode = Mode.BIDIRECTIONAL, exported: bool = True, **more: Any) -> Iterator[AwkwardWorld]:
    with Awkward(frozenset(quirks)) as there:
        world = AwkwardWorld(there, mode, **more)
        try:
            if exported:
                report = world.cycle(trigger=Trigger.EXPORT)
                assert report.error is None, report.error
                assert all(answer.outcome is Outcome.APPLIED for answer in report.answers), report.answers
            yield world
        finally:
            world.close()


class Story:
    """A random life of one world: humans, the rota, time, the network; a seed makes it again."""

    def __init__(self, world: AwkwardWorld, seed: int, *, faults: bool = True, loses: bool = False) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.told: list[str] = []
        self.steps = [
            self.creates, self.retitles, self.moves, self.resizes, self.deletes, self.copies, self.rota_changes, self.rota_back,
            self.time, self.rota_flickers, self.rota_flickers, self.cycles, self.cycles, self.cycles, self.migrates,
        ]  # fmt: skip
        self.steps += [self.stumbles] * 2 * faults + [self.forgets, self.admits] * loses

    def run(self, steps: int) -> None:
        for _ in range(steps):
            step = self.random.choice(self.steps)
            self.told.append(step.__name__)
            step()
            assert not self.world.seen.broken, self.world.seen.broken

    def _mine(self) -> Item | None:
        mine = self.world.future(0)
        return self.random.choice(mine) if mine else None

    def creates(self) -> None:
        start = self.world.clock.t + self.random.randint(-4, 60) * HOUR
        self.world.human_creates(0, self.random.choice([*NAMES, "zoe"]), start, start + self.random.randint(1, 12) * HOUR)

    def _edits(self, **change: Any) -> None:
        mine = self.world.future(0)
        if mine:
            self.world.human_edits(0, self.random.randrange(len(mine)), **change)

    def retitles(self) -> None:
        self._edits(who=self.random.choice([*NAMES, "zoe"]))

    def moves(self) -> None:
        if item := self._mine():
            by = self.random.choice([-6, -3, -1, 1, 2, 5]) * HOUR
            self.world.human_edits(0, self.world.future(0).index(item), start=item.start + by, end=item.end + by)

    def resizes(self) -> None:
        if item := self._mine():
            self.world.human_edits(0, self.world.future(0).index(item), end=item.end + self.random.choice([-6, -2, 1, 4]) * HOUR)

    def deletes(self) -> None:
        self.world.human_deletes(0, self.random.randrange(12))

    def copies(self) -> None:
        if item := self._mine():
            self.world.seen.human_copies(item.ref)

    def rota_changes(self) -> None:
        start = self.world.clock.t + self.random.randint(0, 50) * HOUR
        self.world.override(self.random.choice([*NAMES]), start, start + self.random.randint(1, 12) * HOUR)

    def rota_back(self) -> None:
        self.world.remove_override(self.random.randrange(12))

    def rota_flickers(self) -> None:
        """A shift is split and whole again: the one way to a DELETE that needs nobody's word."""
        start = self.world.clock.t + self.random.randint(1, 40) * HOUR
        self.world.override("dev", start, start + HOUR)
        self.world.cycle()
        self.world.remove_override(-1)
        self.world.cycle()

    def time(self) -> None:
        self.world.clock.t += self.random.randint(1, 10) * HOUR + 7

    def cycles(self) -> None:
        self.world.cycle()

    def migrates(self) -> None:
        self.world.there.migrate()

    def stumbles(self) -> None:
        which = self.random.choice(["PUT", "DELETE"]), self.random.randint(1, 4)
        left = {which: self.random.choice(["before", "after", "503"])}
        counts = {"PUT": itertools.count(1), "DELETE": itertools.count(1)}
        self.world.there.fault = lambda method: left.get((method, next(counts[method]))) if method in counts else None
        self.world.cycle()
        self.world.there.fault = lambda method: None

    def forgets(self) -> None:
        self.world.lose_ledger()

    def admits(self) -> None:
        self.world.ack_all()


__all__ = ["AwkwardWorld", "Story", "awkward"]
