"""A small world around the real engine: a rota, one destination in memory, a store, a clock, humans and faults."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

from connectors.memory import Memory
from connectors.memory_place import PLACES, Item, Place, Shape, place
from syncd.config.settings import Destination
from syncd.core.mode import Mode
from syncd.core.model import HOUR, Layer, Override, Person, Role, Roster, Rota, Rotation, Schedule, Shift, Unit, Window
from syncd.core.shifts import shifts
from syncd.core.timeline import minus
from syncd.cycle import Cycle, Report, Trigger, site_of
from syncd.store import Store

T0 = 1_772_438_400
"""2026-03-02 08:00 UTC."""
HORIZON = 2 * 24 * HOUR
NAMES = {"ana": "Ana Lima", "ben": "Ben Okafor", "cho": "Cho Min-ji", "dev": "Dev Rao"}
PEOPLE = {i: Person(id=i, name=n) for i, n in NAMES.items()}
_numbers = itertools.count()


class TestClock:
    __test__ = False

    def __init__(self) -> None:
        self.t = T0

    def now(self) -> int:
        return self.t

    def monotonic(self) -> float:
        return float(self.t)

    def wait(self, event: Event, seconds: float) -> bool:
        return event.is_set()


class Killed(BaseException):
    """The process died here."""


@dataclass
class Displaced:
    """A human's value that the engine took away or covered."""

    person: str
    start: int
    end: int


@dataclass
class Spot(Place):
    """A place that watches every call of the engine: coverage, the past, and what of a human's is displaced."""

    desired: Callable[[Window], list[Shift]] = field(default=lambda window: [])
    said: Callable[[Item], list[tuple[int, int]]] = field(default=lambda item: [])
    """When the rota has the item's person on anyway."""
    human: dict[str, tuple[int, Item | None, list[tuple[int, int]]]] = field(default_factory=dict)
    """Ref → version of what a human last wrote there, what the engine had before, and when the rota said so too."""
    broken: list[str] = field(default_factory=list)
    displaced: list[Displaced] = field(default_factory=list)
    kill_at: int = 0

    def answer(self, verb: Any, target: str, work: Any) -> Any:
        if self.kill_at and len(self.calls) + 1 == self.kill_at:
            self.kill_at = 0
            raise Killed
        before = dict(self.items)
        late = bool(self._late)
        try:
            return super().answer(verb, target, work)
        finally:
            if verb != "read":
                self._watch(before, late=late)

    def _watch(self, before: dict[str, Item], *, late: bool) -> None:
        now = self.now() or T0
        for ref, item in before.items():
            after = self.items.get(ref)
            if after == item:
                continue
            if (
                item.start < now
                and item.end > now
                and (after is None or after.start != item.start)
                and self.shape != "pager"
                and not late
            ):
                self.broken.append(f"the past of {item} was changed to {after}")
            version, origin, agreed = self.human.get(ref, (0, None, []))
            if version == item.version and item.end > now:
                for start, end in minus(minus(anew(item, origin), agreed), self.said(item)):  # the rota may have come to say so
                    if end > now:
                        self.displaced.append(Displaced(item.who, max(start, now), end))
        if not late:
            window = Window(now, now + 2 * HORIZON)
            wanted = self.desired(window)
            for at in sorted({t for i in (*before.values(), *self.items.values()) for t in (i.start, i.end) if t >= now} | {now}):
                was, is_ = self.count(before, at), self.count(self.items, at)
                want = sum(s.start <= at < s.end for s in wanted)
                if want and was and not is_:
                    self.broken.append(f"nobody is shown {at - T0} s after the beginning any more")

    def count(self, items: dict[str, Item], at: int) -> int:
        ours = [i for i in items.values() if i.start <= at < i.end]
        return len(ours) if self.shape != "calendar" else sum(len(i.ref) == 32 for i in ours)


def anew(item: Item, origin: Item | None) -> list[tuple[int, int]]:
    """The time in which a human's entry says something else than the engine's before it."""
    if origin is None or origin.who != item.who or origin.end <= item.start or item.end <= origin.start:
        return [(item.start, item.end)]
    return [(a, b) for a, b in ((item.start, origin.start), (origin.end, item.end)) if a < b]


def rota(people: int = 1, hours: int = 8) -> Rota:
    """ana, ben, cho take turns of `hours`; with two people at once, ben, cho, ana run beside them."""
    start = datetime(2026, 3, 2, 8, tzinfo=UTC).replace(tzinfo=None)
    orders = [("ana", "ben", "cho"), ("ben", "cho", "ana")][:people]
    layers = tuple(
        Layer(
            name=f"layer-{n}",
            role="primary",
            timezone="UTC",
            start=start,
            rosters=(Roster(since=None, groups=tuple((p,) for p in order)),),
            rotation=Rotation(every=hours, unit=Unit.HOUR, anchor=start),
        )
        for n, order in enumerate(orders)
    )
    schedule = Schedule(id="s", title="S", timezone="UTC", layers=layers, start=start)
    role = Role(id="primary", title="Primary", people=people)
    return Rota(people=PEOPLE, roles={"primary": role}, schedules={"s": schedule})


class World:
    """One rota shown at `count` destinations of one shape and mode."""

    def __init__(
        self, shape: Shape = "calendar", mode: Mode = Mode.AUTHORITATIVE, *, people: int = 1, count: int = 1, **settings: Any
    ) -> None:
        self.clock = TestClock()
        self.directory = Path(tempfile.mkdtemp(prefix="syncd-world-"))
        self.store = self._open()
        self.rota = rota(people)
        self.shape: Shape = shape
        self.runs = itertools.count(1)
        self.reports: list[Report] = []
        self.spots: list[Spot] = []
        self.settings: list[Destination] = []
        for n in range(count):
            name = f"world-{next(_numbers)}"
            spot = Spot(name=name, shape=shape, clock=self.clock.now, desired=self.desired, said=self.said)
            PLACES[name] = spot
            assert place(name, shape) is spot
            self.spots.append(spot)
            options = Memory.Options(place=name, shape=shape)
            self.settings.append(
                Destination(
                    name=f"d{n}",
                    kind="memory",
                    schedule="s",
                    role="primary",
                    mode=mode,
                    horizon=HORIZON,
                    options=options,
                    **settings,
                )
            )

    def _open(self) -> Store:
        store = Store.open(self.directory, now=self.clock.now)
        assert store is not None
        return store

    def close(self) -> None:
        self.store.close()
        for spot in self.spots:
            PLACES.pop(spot.name, None)
        shutil.rmtree(self.directory, ignore_errors=True)

    def desired(self, window: Window) -> list[Shift]:
        with self.store.read() as tx:
            return shifts(tx.overrides.in_force(self.rota.schedules["s"]), window, role="primary")

    # --- the engine ---

    def cycle(self, n: int = 0, trigger: Trigger = Trigger.DAEMON) -> Report:
        settings = self.settings[n]
        with self.store.read() as tx:
            known = tx.destinations.get(settings.name)
        connector = Memory(settings.options, site_of(settings, self.rota, known.found if known else {}))
        with self.store.lease(f"destination/{settings.name}") as lease:
            report = Cycle(
                store=self.store,
                settings=settings,
                rota=self.rota,
                connector=connector,
                clock=self.clock,
                run=f"r{next(self.runs)}",
                trigger=trigger,
                siblings=tuple(s.name for s in self.settings),
            ).run_under(lease)
        self.reports.append(report)
        if report.error is not None and "without an answer" not in str(report.error) and "look to look" not in str(report.error):
            raise report.error
        return report

    def ack_all(self) -> bool:
        with self.store.write() as tx:
            holds = tx.holds.open()
            for hold in holds:
                tx.holds.answer(hold.digest, by="admin", at=self.clock.t)
        return bool(holds)

    def settle(self, cycles: int = 3) -> list[Report]:
        """Quiet: no more faults; holds are acknowledged; `cycles` rounds over all destinations."""
        for spot in self.spots:
            spot.hook, spot.kill_at = None, 0
            spot.script.clear()
        reports: list[Report] = []
        for _ in range(cycles):
            reports = [self.cycle(n, Trigger.EXPORT) for n in range(len(self.settings))]
            self.ack_all()
        return reports

    # --- events ---

    def lose_ledger(self) -> None:
        """The store is lost; the key beside it is not."""
        self.store.close()
        for path in self.directory.glob("syncd.db*"):
            path.unlink()
        for spot in self.spots:
            spot.displaced.clear()  # what was kept for `restore` is lost with it
        self.store = self._open()

    def override(self, person: str, start: int, end: int) -> None:
        with self.store.write() as tx:
            new = Override(id="", roles=("primary",), people=(person,), replaces=None, start=start, end=end)
            tx.overrides.add("s", new, by="admin", at=self.clock.t, origin="command")

    def remove_override(self, pick: int) -> None:
        with self.store.write() as tx:
            standing = [r for r in tx.overrides.list("s") if r.removed is None]
            if standing:
                tx.overrides.remove("s", standing[pick % len(standing)].override.id, by="admin", at=self.clock.t)

    def name(self, person: str) -> str:
        return f"{NAMES.get(person, person)}: Primary" if self.shape == "calendar" else person

    def human_creates(self, n: int, person: str, start: int, end: int) -> None:
        spot = self.spots[n]
        ref = spot.human_creates(start, end, self.name(person))
        spot.human[ref] = (spot.items[ref].version, None, self.said(spot.items[ref]))

    def human_edits(self, n: int, pick: int, **change: Any) -> None:
        spot = self.spots[n]
        mine = self.future(n)
        if not mine or self.shape == "pager":
            return
        item = mine[pick % len(mine)]
        start, end = change.get("start", item.start), change.get("end", item.end)
        if start >= end:
            return
        if "who" in change:
            change["who"] = self.name(change["who"])
        version, origin, _ = spot.human.get(item.ref, (0, None, []))
        spot.human_edits(item.ref, **change)
        now = spot.items[item.ref]
        spot.human[item.ref] = (now.version, origin if version == item.version else item, self.said(now))

    def said(self, item: Item) -> list[tuple[int, int]]:
        """When the rota has the item's person on anyway."""
        return [(s.start, s.end) for s in self.desired(Window(item.start, item.end)) if s.person == self.person(item.who)]

    def human_deletes(self, n: int, pick: int) -> None:
        mine = self.future(n)
        if mine:
            self.spots[n].human_deletes(mine[pick % len(mine)].ref)

    def future(self, n: int) -> list[Item]:
        items = [
            i for i in self.spots[n].items.values() if i.end > self.clock.t and (self.shape != "calendar" or len(i.ref) == 32)
        ]
        return sorted(items, key=lambda i: (i.start, i.end, i.ref))

    # --- looking ---

    def person(self, who: str) -> str:
        return next((i for i, name in NAMES.items() if who.startswith(name)), who)

    def shown(self, n: int, at: int) -> list[str]:
        """Whom the destination shows (calendars: by our entries; pagers: by overrides)."""
        spot = self.spots[n]
        if self.shape == "pager":
            return [who for start, end, who, ref in spot.paged(Window(at, at + 1)) if ref is not None]
        items = [i for i in spot.items.values() if i.start <= at < i.end and (self.shape != "calendar" or len(i.ref) == 32)]
        return sorted(self.person(i.who) for i in items)

    def wanted(self, at: int) -> list[str]:
        return sorted(s.person for s in self.desired(Window(at, at + 1)))

    def instants(self, n: int) -> list[int]:
        now = self.clock.t
        bounds = {now} | {t for i in self.spots[n].items.values() for t in (i.start, i.end)}
        bounds |= {t for s in self.desired(Window(now, now + HORIZON)) for t in (s.start, s.end)}
        return sorted(t for t in bounds if now <= t < now + HORIZON)


__all__ = ["HORIZON", "HOUR", "T0", "Killed", "Spot", "World", "replace"]
