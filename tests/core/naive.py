"""The schedule language told a second time, slowly: one instant after the other, from lists made by counting."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from syncd.core.model import (
    Advance,
    Boundary,
    Clock,
    Join,
    Layer,
    Overlap,
    Schedule,
    Unit,
)

GRID = 1800
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def utc(t: int) -> datetime:
    return datetime.fromtimestamp(t, UTC)


@lru_cache(maxsize=200_000)
def wall(t: int, zone: str) -> datetime:
    return utc(t).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@lru_cache(maxsize=200_000)
def instant(local: datetime, zone: str) -> int:
    """The first instant at which the clock shows `local` or, where it is left out, what comes after it."""
    if local.tzinfo is not None:
        return int(local.timestamp())
    t = int(local.replace(tzinfo=UTC).timestamp()) - 15 * 3600
    while wall(t, zone) < local:
        t += 900
    return t


def midnight(day: date) -> datetime:
    return datetime.combine(day, time())


class Hand:
    """One layer, worked out from its anchor to `until`."""

    def __init__(self, layer: Layer, schedule: Schedule, since: int, until: int) -> None:
        self.layer, self.schedule, self.until = layer, schedule, until
        self.zone = layer.timezone
        self.first_day = wall(since, self.zone).date() - 21 * DAY
        self.last_day = wall(until, self.zone).date() + 21 * DAY
        self.windows = self.open_windows()
        self.mask_cuts = layer.days is not None and layer.boundary is Boundary.MIDNIGHT
        self.turns = self.count() if layer.rotation else []
        self.serving = self.serve() if layer.rotation else []

    # when it is open

    def days(self):
        day = self.first_day
        while day <= self.last_day:
            yield day
            day += DAY

    def local_windows(self):
        layer = self.layer
        found = []
        for day in self.days():
            for hours in layer.windows:
                if day.weekday() in hours.days:
                    if layer.boundary is Boundary.SHIFT and day.weekday() not in layer.days:
                        continue
                    opens = midnight(day) + timedelta(seconds=hours.at)
                    found.append((opens, opens + timedelta(seconds=hours.length)))
        return sorted(found)

    def open_windows(self):
        return [(instant(a, self.zone), instant(b, self.zone)) for a, b in self.local_windows()]

    def valid(self, t: int) -> bool:
        for begin, end, zone in (
            (self.layer.start, self.layer.end, self.zone),
            (self.schedule.start, self.schedule.end, self.schedule.timezone),
        ):
            if begin is not None and t < instant(begin, zone):
                return False
            if end is not None and t >= instant(end, zone):
                return False
        return True

    def open(self, t: int) -> bool:
        if self.mask_cuts and wall(t, self.zone).weekday() not in self.layer.days:
            return False
        return not self.layer.windows or any(a <= t < b for a, b in self.windows)

    # the turns

    def anchor(self) -> tuple[datetime, int]:
        rotation = self.layer.rotation
        at = None if rotation.at is None else timedelta(seconds=rotation.at)
        if rotation.anchor is not None:
            given = rotation.anchor
            if not isinstance(given, datetime):
                given = midnight(given) + (at or timedelta())
            if given.tzinfo is not None:
                t = instant(given, self.zone)
                return wall(t, self.zone), t
            return given, instant(given, self.zone)
        if self.layer.start is not None:
            given, zone = self.layer.start, self.zone
        else:
            given, zone = self.schedule.start, self.schedule.timezone
        since = instant(given, zone)
        local = given if given.tzinfo is None and zone == self.zone else wall(since, self.zone)
        if self.elapsed() and at is None and rotation.on is None:
            return local, since
        time_of_day = local - midnight(local.date()) if at is None else at
        on = rotation.on
        if on is None and rotation.unit is Unit.WEEK:
            on = local.weekday()
        day = local.date() + 2 * DAY
        while True:
            here = midnight(day) + time_of_day
            fits = on is None or day.weekday() == on
            if rotation.unit is Unit.MONTH:
                last = ((day.replace(day=28) + 4 * DAY).replace(day=1) - DAY).day
                fits = day.day == min(local.day, last)
            if fits and instant(here, self.zone) <= since:
                break
            day -= DAY
        t = instant(here, self.zone)
        self.month_day = local.day
        if rotation.unit is Unit.HOUR:
            if self.elapsed():
                while t + rotation.every * 3600 <= since:
                    t += rotation.every * 3600
                return wall(t, self.zone), t
            while instant(here + rotation.every * HOUR, self.zone) <= since:
                here += rotation.every * HOUR
            t = instant(here, self.zone)
        return here, t

    def elapsed(self) -> bool:
        rotation = self.layer.rotation
        if rotation.clock is None:
            return rotation.unit is Unit.HOUR and 24 % rotation.every != 0
        return rotation.clock is Clock.ELAPSED

    def opening_day(self, day: date) -> bool:
        layer = self.layer
        if layer.days is not None and day.weekday() not in layer.days:
            return False
        if not layer.windows:
            return True
        for hours in layer.windows:
            if not hours.weekly and day.weekday() in hours.days:
                return True
            if hours.weekly:
                for back in range(8):
                    start = day - back * DAY
                    opens = midnight(start) + timedelta(seconds=hours.at)
                    closes = opens + timedelta(seconds=hours.length)
                    if start.weekday() in hours.days and opens < midnight(day + DAY) and closes > midnight(day):
                        return True
        return False

    def raw(self):
        """Wall starts of all turns, one after the other, each from the anchor."""
        rotation = self.layer.rotation
        local, _ = self.anchor()
        if rotation.advance is Advance.ACTIVE_DAYS:
            yield local
            seen, day = -1, local.date()
            while True:
                if self.opening_day(day):
                    seen += 1
                    if seen and seen % rotation.every == 0:
                        yield midnight(day) + (local - midnight(local.date()))
                day += DAY
                if day > self.last_day + 60 * DAY:
                    return
        k = 0
        while True:
            n = k * rotation.every
            if rotation.unit is Unit.MONTH:
                day_wanted = getattr(self, "month_day", local.day) if rotation.anchor is None else local.day
                month = local.year * 12 + local.month - 1 + n
                first = date(month // 12, month % 12 + 1, 1)
                last = ((first.replace(day=28) + 4 * DAY).replace(day=1) - DAY).day
                yield datetime.combine(first.replace(day=min(day_wanted, last)), local.time())
            else:
                yield local + n * {Unit.HOUR: HOUR, Unit.DAY: DAY, Unit.WEEK: 7 * DAY}[rotation.unit]
            k += 1

    def touched(self, a: datetime, b: datetime) -> bool:
        layer = self.layer
        if layer.boundary is Boundary.SHIFT and not layer.windows:
            return a.weekday() in layer.days
        here = a
        while here < b and here < a + 8 * DAY:
            open_ = not layer.windows
            for hours in layer.windows:
                for back in range(9):
                    day = here.date() - back * DAY
                    if layer.boundary is Boundary.SHIFT and day.weekday() not in layer.days:
                        continue
                    opens = midnight(day) + timedelta(seconds=hours.at)
                    if day.weekday() in hours.days and opens <= here < opens + timedelta(seconds=hours.length):
                        open_ = True
            if open_ and not (self.mask_cuts and here.weekday() not in layer.days):
                return True
            here += timedelta(seconds=GRID)
        return False

    def count(self):
        """(k, start, duty ends, next handoff, wall start) of every counted turn up to `until`."""
        rotation = self.layer.rotation
        local, first = self.anchor()
        found = []
        if self.elapsed():
            length = rotation.every * {Unit.HOUR: 3600, Unit.DAY: 86400, Unit.WEEK: 604800}[rotation.unit]
            k = 0
            while first + k * length <= self.until:
                a = first + k * length
                found.append((k, a, min(a + length, a + (rotation.lasts or length)), a + length, wall(a, self.zone)))
                k += 1
            return found
        walls = self.raw()
        a = next(walls)
        k = 0
        for b in walls:
            start = max(instant(a, self.zone), first) if found or a != local else first
            end = instant(b, self.zone)
            if start > self.until:
                break
            if rotation.advance is not Advance.ACTIVE or self.touched(a, b):
                stop = end if rotation.lasts is None else min(end, instant(a + timedelta(seconds=rotation.lasts), self.zone))
                found.append((k, start, stop, end, a))
                k += 1
            a = b
        return found

    # the lists

    def f(self, k: int, n: int) -> int:
        rotation = self.layer.rotation
        if not rotation.fair or n == 0:
            return k
        hours = {Unit.HOUR: 1, Unit.DAY: 24, Unit.WEEK: 168}.get(rotation.unit, 168) * rotation.every
        if rotation.unit is Unit.MONTH:
            hours = 168
        p = next(p for p in range(1, 169) if p * hours % 168 == 0)
        if not any(p % d == 0 and n % d == 0 for d in range(2, n + 1)):
            return k
        b = p
        while any((b + 1) % d == 0 and n % d == 0 for d in range(2, n + 1)):
            b += p
        return k + k // b

    def serve(self):
        """(from, to, k, place or None, groups) : who serves which part of every turn."""
        rosters = [(-(10**12) if r.since is None else instant(r.since, self.zone), r.groups, r.join) for r in self.layer.rosters]
        out = []
        groups, walk = None, None  # walk: None counts from the anchor, else (place, handoff)
        left = list(rosters)
        waiting = []
        last = None  # (member, place)
        turns = self.turns

        def place(k):
            if not groups:
                return None
            n = len(groups)
            if walk is None:
                return self.f(k, n) % n
            return (walk[0] + self.f(k, n) - self.f(walk[1], n)) % n

        for i, (k, start, _, _, _) in enumerate(turns):
            until = turns[i + 1][1] if i + 1 < len(turns) else 10**12
            if until == start and i + 1 < len(turns):
                pass  # an empty turn is walked all the same
            # take over at this handoff
            while left and left[0][0] <= start:
                since, new, join = left.pop(0)
                if k == 0 or join is Join.RECALCULATE or (groups is None and not waiting):
                    groups, walk, waiting = new, None, []
                else:
                    waiting.append(new)
            for new in waiting:
                if not groups:
                    groups, walk = new, None
                    continue
                if not new:
                    groups, walk = new, None
                    continue
                member, where = last
                same = where % len(new)
                if new[same] == member:
                    last = (member, same)
                    walk = (same + 1, k)
                elif member in new:
                    last = (member, new.index(member))
                    walk = (last[1] + 1, k)
                else:
                    last = (member, same)
                    walk = (same, k)
                groups = new
            waiting = []
            here = start
            while left and left[0][0] < until:
                since, new, join = left.pop(0)
                if join is Join.RECALCULATE or (not groups and not waiting):
                    out.append((here, since, k, place(k), groups or ()))
                    groups, walk, waiting, here = new, None, [], since
                else:
                    waiting.append(new)
            out.append((here, until, k, place(k), groups or ()))
            if groups:
                last = (groups[place(k)], place(k))
        return out

    def chosen(self, k: int, place: int, groups):
        if self.layer.on_away != "next":
            return groups[place]
        _, start, _, end, _ = next(turn for turn in self.turns if turn[0] == k)
        for step in range(len(groups)):
            group = groups[(place + step) % len(groups)]
            if step and not group:
                continue
            if not any(a.person in group and a.start < end and a.end > start for a in self.schedule.away):
                return group
        return groups[place]

    def on(self, t: int):
        """[(person, turn identity)] of the layer at `t`."""
        layer = self.layer
        if not self.valid(t) or not self.open(t):
            return []
        if layer.rotation is None:
            groups = ()
            for roster in layer.rosters:
                if roster.since is None or instant(roster.since, self.zone) <= t:
                    groups = roster.groups
            people = [p for group in groups for p in group]
            return [(p, self.opening(t)) for p in dict.fromkeys(people)]
        for k, a, stop, _, opened in self.turns:
            if a <= t < stop:
                if layer.boundary is Boundary.SHIFT and not layer.windows and opened.weekday() not in layer.days:
                    continue
                for since, until, turn, place, groups in self.serving:
                    if turn == k and since <= t < until and place is not None:
                        return [(p, k) for p in dict.fromkeys(self.chosen(k, place, groups))]
        return []

    def opening(self, t: int):
        merged = []
        for a, b in self.local_windows():
            if merged and a < merged[-1][1]:
                merged[-1] = (merged[-1][0], max(b, merged[-1][1]))
            else:
                merged.append((a, b))
        endless = any(b - a > timedelta(days=7) for a, b in merged)
        if self.layer.windows and not endless:
            for a, b in merged:
                if instant(a, self.zone) <= t < instant(b, self.zone):
                    return a
        day = wall(t, self.zone).date()
        return midnight(day - day.weekday() * DAY)


def clash(a, b) -> bool:
    if a.replaces is None or b.replaces is None:
        return True
    return any(p in b.replaces for p in a.replaces)


class Naive:
    def __init__(self, schedule: Schedule, since: int, until: int) -> None:
        self.schedule = schedule
        self.hands = [Hand(layer, schedule, since, until) for layer in schedule.layers]

    def counting(self, role: str, t: int):
        schedule = self.schedule
        if schedule.start is not None and t < instant(schedule.start, schedule.timezone):
            return []
        if schedule.end is not None and t >= instant(schedule.end, schedule.timezone):
            return []
        here = [o for o in schedule.overrides if role in o.roles and o.start <= t < o.end]
        if schedule.override_overlap is Overlap.UNION:
            return here
        kept = []
        for one in here if schedule.override_overlap is not Overlap.LAST else here[::-1]:
            if not any(clash(one, other) for other in kept):
                kept.append(one)
        return [one for one in here if one in kept]

    def at(self, role: str, t: int) -> dict[str, tuple[str, object]]:
        """person → (layer or override, turn)."""
        overrides = self.counting(role, t)
        tiers: dict[int, list[tuple[str, str, object]]] = {}
        for hand in self.hands:
            if hand.layer.role == role:
                for person, turn in hand.on(t):
                    tiers.setdefault(hand.layer.priority, []).append((person, hand.layer.name, turn))
        on: dict[str, tuple[str, object]] = {}
        put = []
        for priority in sorted(tiers, reverse=True):
            there = {}
            for person, name, turn in tiers[priority]:
                there.setdefault(person, (name, turn))
            put = [o for o in overrides if o.replaces and any(p in there for p in o.replaces)]
            on = {p: how for p, how in there.items() if not any(p in (o.replaces or ()) and p not in o.people for o in overrides)}
            if on or any(o.people for o in put):
                break
        wanted = [(o, p) for o in overrides if not o.replaces or o in put for p in o.people]
        if any(o.replaces is None for o in overrides):
            on = {p: how for p, how in on.items() if any(p == q for _, q in wanted)}
        for one, person in wanted:
            on.setdefault(person, ("override " + one.id, None))
        return on

    def shifts(self, role: str, since: int, until: int):
        """[(person, source, turn, start, end)] of [since, until), cut at its edges."""
        done, running = [], {}
        for t in range(since, until + 1, GRID):
            now = self.at(role, t) if t < until else {}
            for person, (how, start) in list(running.items()):
                if now.get(person) != how:
                    done.append((person, *how, start, t))
                    del running[person]
            for person, how in now.items():
                running.setdefault(person, (how, t))
        return sorted(done, key=str)
