"""Measures `shifts` beside a bare loop over local handoffs, dateutil's rrule and recurring-ical-events, in one run.

    python -m bench shifts

Three layers in America/Chicago with daily handoffs at 09:00; medians of five. Ratios are to the bare loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import recurring_ical_events
from dateutil.rrule import DAILY, WEEKLY, rrule
from icalendar import Calendar

from bench.measure import here, medians
from bench.report import Line
from syncd.core.model import DAY, Layer, Roster, Rotation, Schedule, Unit, Window
from syncd.core.shifts import shifts

ZONE = ZoneInfo("America/Chicago")
START = datetime(2026, 3, 1)  # noqa: DTZ001 - a local time, as in a file
TURN = {Unit.DAY: timedelta(days=1), Unit.WEEK: timedelta(weeks=1)}
THREE = ("first", "second", "third")
NAMES = {"roles": "3 roles", "old": "anchor of 1990", "one role": "1 role"}
PEOPLE = ("ana", "ben", "cho", "dev")


def schedule(unit: Unit, roles: Sequence[str], year: int = 2020) -> Schedule:
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
    return Schedule(id="payments", title="Payments", timezone=ZONE.key, layers=layers, start=datetime(year, 3, 2, 9))  # noqa: DTZ001


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


def by_rrule(unit: Unit, days: int, layers: int = 3) -> int:
    """dateutil: a recurrence a layer, expanded with their zone."""
    begin = (START + timedelta(hours=9)).replace(tzinfo=ZONE)
    rules = [rrule(WEEKLY if unit is Unit.WEEK else DAILY, dtstart=begin) for _ in range(layers)]
    end = START.replace(tzinfo=ZONE) + timedelta(days=days)
    found = [
        (at.astimezone(UTC), (at + TURN[unit]).astimezone(UTC)) for rule in rules for at in rule.between(begin, end, inc=True)
    ]
    return len(found)


def by_calendar(unit: Unit, days: int, layers: int = 3) -> int:
    """recurring-ical-events: a VEVENT with an RRULE a layer."""
    frequency = "WEEKLY" if unit is Unit.WEEK else "DAILY"
    events = "".join(
        f"BEGIN:VEVENT\r\nUID:{i}\r\nSUMMARY:{i}\r\nDTSTART;TZID={ZONE.key}:20260301T090000\r\n"
        f"DURATION:P{TURN[unit].days}D\r\nRRULE:FREQ={frequency}\r\nEND:VEVENT\r\n"
        for i in range(layers)
    )
    calendar = Calendar.from_ical(f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:bench\r\n{events}END:VCALENDAR\r\n")
    return len(recurring_ical_events.of(calendar).between(START, START + timedelta(days=days)))


def measure() -> Iterator[Line]:
    """Ratios to the bare loop in the same run; a figure a period, a unit and an age of the anchor."""
    at = int(START.replace(tzinfo=ZONE).timestamp())
    for unit in (Unit.DAY, Unit.WEEK):
        for days in (90, 365, 1826):
            window = Window(at, at + days * DAY)
            cost = _medians(
                {
                    "loop": partial(bare, unit, days),
                    "roles": partial(count, schedule(unit, THREE), window),
                    "old": partial(count, schedule(unit, THREE, 1990), window),
                    "one role": partial(count, schedule(unit, ("first",) * 3), window),
                    "rrule": partial(by_rrule, unit, days),
                    "ical": partial(by_calendar, unit, days),
                }
            )
            loop = cost.pop("loop")
            others = f"loop {loop * 100:.2f} ms; dateutil {cost.pop('rrule') / loop:.1f}, ical {cost.pop('ical') / loop:.1f}"
            for name, took in cost.items():
                yield Line(f"3 layers, {unit} turns, {days} days, {NAMES[name]} / bare loop", took / loop, 2.0, others)
                others = ""
    year = Window(at, at + 365 * DAY)
    six = _medians(
        {
            "ours": partial(count, schedule(Unit.DAY, THREE * 2), year),
            "ical": partial(by_calendar, Unit.DAY, 365, 6),
            "rrule": partial(by_rrule, Unit.DAY, 365, 6),
        }
    )
    note = f"{six['ours'] * 100:.1f} ms; dateutil's bare dates {six['rrule'] * 100:.1f} ms"
    yield Line("a year of 6 layers / recurring-ical-events", six["ours"] / six["ical"], 0.1, note)
    many = [schedule(Unit.DAY, THREE) for _ in range(1000)]
    window = Window(at, at + 90 * DAY)
    yield Line("1,000 schedules, 90 days, seconds", here(lambda: sum(count(one, window) for one in many)).wall, 5.0)


def _medians(works: Mapping[str, Callable[[], int]]) -> dict[str, float]:
    """Seconds of CPU for ten, by name: the shortest take a tenth of a millisecond."""
    ten = {name: partial(here, partial(_ten, work)) for name, work in works.items()}
    return {name: cost.cpu for name, cost in medians(ten).items()}


def _ten(work: Callable[[], int]) -> None:
    for _ in range(10):
        work()


if __name__ == "__main__":
    for line in measure():
        print(line)  # noqa: T201 - the report
