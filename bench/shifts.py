"""Measures `shifts` beside a bare loop over local handoffs, dateutil's rrule and recurring-ical-events, in one run.

    python bench/shifts.py

Three layers in America/Chicago with daily handoffs at 09:00; medians of five. Ratios are to the bare loop.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import recurring_ical_events
from dateutil.rrule import DAILY, WEEKLY, rrule
from icalendar import Calendar

from syncd.core.model import DAY, Layer, Roster, Rotation, Schedule, Unit, Window
from syncd.core.shifts import shifts

ZONE = ZoneInfo("America/Chicago")
START = datetime(2026, 3, 1)  # noqa: DTZ001 - a local time, as in a file
TURN = {Unit.DAY: timedelta(days=1), Unit.WEEK: timedelta(weeks=1)}
PEOPLE = ("ana", "ben", "cho", "dev")


def schedule(unit: Unit, roles: tuple[str, str, str]) -> Schedule:
    layers = tuple(
        Layer(
            name=f"layer-{i}",
            role=role,
            timezone=ZONE.key,
            rosters=(Roster(since=None, groups=tuple((person,) for person in PEOPLE)),),
            rotation=Rotation(unit=unit, at=9 * 3600),
            priority=i,
        )
        for i, role in enumerate(roles)
    )
    return Schedule(id="payments", title="Payments", timezone=ZONE.key, layers=layers, start=datetime(2020, 3, 2, 9))  # noqa: DTZ001


def bare(unit: Unit, days: int) -> int:
    """What anybody would write first: for each layer and turn local start and end to UTC, and a tuple."""
    found = []
    for _ in range(3):
        at, k = START + timedelta(hours=9), 0
        while at < START + timedelta(days=days):
            end = at + TURN[unit]
            found.append((at.replace(tzinfo=ZONE).astimezone(UTC), end.replace(tzinfo=ZONE).astimezone(UTC), PEOPLE[k % 4], k))
            at, k = end, k + 1
    return len(found)


def count(one: Schedule, window: Window) -> int:
    return len(shifts(one, window))


def by_rrule(unit: Unit, days: int) -> int:
    """dateutil: three recurrences, expanded with their zone."""
    begin = (START + timedelta(hours=9)).replace(tzinfo=ZONE)
    rules = [rrule(WEEKLY if unit is Unit.WEEK else DAILY, dtstart=begin) for _ in range(3)]
    end = START.replace(tzinfo=ZONE) + timedelta(days=days)
    found = [
        (at.astimezone(UTC), (at + TURN[unit]).astimezone(UTC)) for rule in rules for at in rule.between(begin, end, inc=True)
    ]
    return len(found)


def by_calendar(unit: Unit, days: int) -> int:
    """recurring-ical-events: three VEVENTs with an RRULE."""
    frequency = "WEEKLY" if unit is Unit.WEEK else "DAILY"
    events = "".join(
        f"BEGIN:VEVENT\r\nUID:{i}\r\nSUMMARY:{i}\r\nDTSTART;TZID={ZONE.key}:20260301T090000\r\n"
        f"DURATION:P{TURN[unit].days}D\r\nRRULE:FREQ={frequency}\r\nEND:VEVENT\r\n"
        for i in range(3)
    )
    calendar = Calendar.from_ical(f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:bench\r\n{events}END:VCALENDAR\r\n")
    return len(recurring_ical_events.of(calendar).between(START, START + timedelta(days=days)))


def median(work: Callable[[], int]) -> float:
    """Seconds: of five runs the one in the middle, after one that does not count."""
    work()
    took = []
    for _ in range(5):
        begin = time.perf_counter()
        work()
        took.append(time.perf_counter() - begin)
    return statistics.median(took)


def main() -> None:
    write = sys.stdout.write
    write(f"{'':24}{'loop ms':>10}{'3 roles':>9}{'1 role':>9}{'rrule':>9}{'ical':>9}\n")
    at = int(START.replace(tzinfo=ZONE).timestamp())
    for unit in (Unit.DAY, Unit.WEEK):
        for days in (90, 365, 1826):
            window = Window(at, at + days * DAY)
            apart, together = schedule(unit, ("first", "second", "third")), schedule(unit, ("first", "first", "first"))
            base = median(partial(bare, unit, days))
            ratios = [
                median(work) / base
                for work in (
                    partial(count, apart, window),
                    partial(count, together, window),
                    partial(by_rrule, unit, days),
                    partial(by_calendar, unit, days),
                )
            ]
            write(f"{f'{unit} turns, {days} days':24}{base * 1000:>10.2f}" + "".join(f"{ratio:>9.2f}" for ratio in ratios) + "\n")
    many = [schedule(Unit.DAY, ("first", "second", "third")) for _ in range(1000)]
    window = Window(at, at + 90 * DAY)
    begin = time.perf_counter()
    found = sum(count(one, window) for one in many)
    write(f"1,000 schedules, 90 days: {found} shifts in {time.perf_counter() - begin:.2f} s\n")


if __name__ == "__main__":
    main()
