"""Short ways to say a rota and to read its shifts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from syncd.core.model import DAY, Away, Hours, Layer, Override, Person, Roster, Rota, Rotation, Schedule, Shift, Unit, Window
from syncd.core.shifts import shifts

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKDAYS = frozenset(range(5))


def at(text: str) -> int:
    """An instant: `2026-03-01` or `2026-03-01T09:00`, in UTC unless it has an offset."""
    local = datetime.fromisoformat(text)
    return int((local if local.tzinfo else local.replace(tzinfo=UTC)).timestamp())


def local(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def clock(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60


def days(text: str) -> frozenset[int]:
    return frozenset(DAYS.index(day) for day in text.split())


def daily(begin: str, end: str, on: str = " ".join(DAYS)) -> Hours:
    length = clock(end) - clock(begin)
    return Hours(days=days(on), at=clock(begin), length=length if length > 0 else length + DAY)


def weekly(begin: str, end: str) -> Hours:
    (day, time), (last, until) = begin.split(), end.split()
    length = (DAYS.index(last) - DAYS.index(day)) * DAY + clock(until) - clock(time)
    return Hours(days=days(day), at=clock(time), length=length if length > 0 else length + 7 * DAY, weekly=True)


def groups(people: str) -> tuple[tuple[str, ...], ...]:
    """`ana ben cho+dev`: two single members and a group."""
    return tuple(tuple(person.split("+")) for person in people.split())


def turns(every: str, **more: Any) -> Rotation:
    """`2 day`, with `at` and `on` as in the file."""
    number, unit = every.split()
    if "at" in more:
        more["at"] = clock(more["at"])
    if "on" in more:
        more["on"] = DAYS.index(more["on"])
    if isinstance(more.get("anchor"), str):
        more["anchor"] = local(more["anchor"])
    return Rotation(every=int(number), unit=Unit(unit), **more)


def layer(members: str | Sequence[Roster], rotation: Rotation | None = None, **more: Any) -> Layer:
    rosters = (Roster(since=None, groups=groups(members)),) if isinstance(members, str) else tuple(members)
    for key in ("start", "end"):
        if isinstance(more.get(key), str):
            more[key] = local(more[key])
    more = {"name": "", "role": "primary", "timezone": "UTC", **more}
    return Layer(rosters=rosters, rotation=rotation, **more)


def schedule(*layers: Layer, **more: Any) -> Schedule:
    for key in ("start", "end"):
        if isinstance(more.get(key), str):
            more[key] = local(more[key])
    named = tuple(one if one.name else replace(one, name=f"layer-{i}") for i, one in enumerate(layers, 1))
    return Schedule(**{"id": "payments", "title": "Payments", "timezone": "UTC", "layers": named, **more})


def override(people: str, start: str, end: str, replaces: str | None = None, **more: Any) -> Override:
    """`replaces`: None all, "" none, else people."""
    return Override(
        **{
            "id": f"{people}-{start}",
            "roles": ("primary",),
            "people": tuple(people.split()),
            "replaces": None if replaces is None else tuple(replaces.split()),
            "start": at(start),
            "end": at(end),
            **more,
        }
    )


def away(person: str, start: str, end: str) -> Away:
    return Away(person=person, start=at(start), end=at(end))


def rota(one: Schedule, *people: str, **more: Any) -> Rota:
    known = people or tuple(dict.fromkeys(p for la in one.layers for r in la.rosters for g in r.groups for p in g))
    return Rota(people={p: Person(id=p, name=p.title()) for p in known}, schedules={one.id: one}, **more)


def said(instant: int) -> str:
    """`03-01T09:00`."""
    return f"{datetime.fromtimestamp(instant, UTC):%m-%dT%H:%M}"


def read(found: Sequence[Shift]) -> list[str]:
    return [f"{shift.person} {said(shift.start)} {said(shift.end)}" for shift in found]


def whole(one: Schedule, start: str, end: str, role: str | None = None) -> list[str]:
    """The shifts of a period, each as `ana 03-01T00:00 03-08T00:00`."""
    return read(shifts(one, Window(at(start), at(end)), role=role))


def whose(one: Schedule, moment: str, role: str = "primary") -> list[str]:
    """The people on call at a moment, in the order of their shifts."""
    return [shift.person for shift in shifts(one, Window(at(moment), at(moment) + 1), role=role)]
