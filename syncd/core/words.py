"""Decides which shift a few words mean: `ana sat`, `ben next week`, `cho 14 mar secondary`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from syncd.core.model import DAY, Instant, Rota, Schedule, Shift, Window
from syncd.core.shifts import shifts
from syncd.core.zone import instant, local_of, zone

AHEAD = 92 * DAY
"""How far ahead shifts are looked for where no time is named."""
BACK = 31 * DAY
"""How far back, to tell that a shift has ended from there being none."""
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_SILENT = frozenset(("on", "at", "the", "of", "in", "for", "shift", "'s", "from"))


class Unclear(Exception):
    """The words mean no shift, or several: `candidates`."""

    def __init__(self, text: str, candidates: Sequence[Shift] = ()) -> None:
        super().__init__(text)
        self.candidates = tuple(candidates)


@dataclass(frozen=True, slots=True)
class _Days:
    """Local days `[first, last]`."""

    first: date
    last: date


def find(rota: Rota, schedules: Iterable[Schedule], text: str, now: Instant) -> Shift:
    """The one shift that `text` means: a person, perhaps a day or a week, a role, a schedule. `schedules`: with their overrides.

    Of several shifts that share time with the days named, one that begins in them is meant. Raises `Unclear`.
    """
    words = [word for word in re.findall(r"[^\s,;]+", text.casefold().replace("'s ", " ")) if word not in _SILENT]
    asked = list(schedules)
    words, chosen = _named(words, {one.id: (one.id, one.title) for one in asked})
    words, roles = _named(words, {one.id: (one.id, one.title) for one in rota.roles.values()})
    words, person = _person(rota, words, text)
    of = [one for one in asked if not chosen or one.id in chosen]
    mine: list[Shift] = []
    days: dict[str, _Days | None] = {}
    for one in of:
        today = local_of(zone(one.timezone).wall(now)).date()
        days[one.id] = _days(words, today, text)
        told = shifts(one, _looked(days[one.id], one.timezone, now))
        mine += [shift for shift in told if shift.person == person and (not roles or shift.role in roles)]
    return _one(mine, days, {one.id: one.timezone for one in of}, text, now)


def _looked(days: _Days | None, name: str, now: Instant) -> Window:
    return Window(now - BACK, now + AHEAD) if days is None else _window(days, name)


def _window(days: _Days, name: str) -> Window:
    return Window(instant(days.first, name), instant(days.last + timedelta(days=1), name))


def _one(found: list[Shift], days: Mapping[str, _Days | None], zones: Mapping[str, str], text: str, now: Instant) -> Shift:
    coming = sorted((shift for shift in found if shift.end > now), key=lambda shift: (shift.start, shift.schedule, shift.role))
    if not found:
        raise Unclear(f"{text!r}: no such shift; `syncd shifts` lists those that there are")
    if not coming:
        raise Unclear(f"{text!r}: that shift has ended", sorted(found, key=lambda shift: shift.start)[-3:])
    if len(coming) > 1:
        begun = [
            shift
            for shift in coming
            if (at := days[shift.schedule]) is not None
            and _window(at, zones[shift.schedule]).start <= shift.start < _window(at, zones[shift.schedule]).end
        ]
        if len(begun) == 1:
            return begun[0]
        raise Unclear(f"{text!r} can mean {len(coming)} shifts", coming)
    return coming[0]


# --- words -------------------------------------------------------------------------------


def _named(words: list[str], names: Mapping[str, tuple[str, str]]) -> tuple[list[str], set[str]]:
    """Ids whose id or title stands among the words, and the words that are left."""
    found: set[str] = set()
    for id_, called in names.items():
        for parts in sorted((name.casefold().split() for name in called), key=len, reverse=True):
            at = next((i for i in range(len(words) - len(parts) + 1) if words[i : i + len(parts)] == parts), None)
            if parts and at is not None:
                found.add(id_)
                words = words[:at] + words[at + len(parts) :]
    return words, found


def _person(rota: Rota, words: list[str], text: str) -> tuple[list[str], str]:
    """Whom the first words name: an id, a name, a part of one or an alias, as long as it can be; and the words that are left."""
    for size in range(min(len(words), 4), 0, -1):
        said = words[:size]
        exact = [
            one.id
            for one in rota.people.values()
            if " ".join(said) in {one.id, one.name.casefold(), *map(str.casefold, one.aliases)}
        ]
        found = exact or [one.id for one in rota.people.values() if set(said) <= set(one.name.casefold().split())]
        if len(found) == 1:
            return words[size:], found[0]
        if found:
            raise Unclear(f"{text!r}: {' '.join(said)} can be {' or '.join(found)}")
    raise Unclear(f"{text!r}: it begins with nobody's name; name a person first, then a day or a week")


def _days(words: list[str], today: date, text: str) -> _Days | None:
    """The days that the words name; None where there are no words."""
    monday = today - timedelta(days=today.weekday())
    match [_word(word) for word in words]:
        case []:
            return None
        case ["today" | "tonight" | "now"]:
            return _Days(today, today)
        case ["tomorrow"]:
            return _Days(today + timedelta(days=1), today + timedelta(days=1))
        case ["yesterday"]:
            return _Days(today - timedelta(days=1), today - timedelta(days=1))
        case ["this" | "next" | "last" as which, "week"]:
            first = monday + timedelta(weeks=1 if which == "next" else -1 if which == "last" else 0)
            return _Days(first, first + timedelta(days=6))
        case ["week"]:
            return _Days(monday, monday + timedelta(days=6))
        case [("this" | "next") as which, "weekend"]:
            first = monday + timedelta(days=5, weeks=which == "next")
            return _Days(first, first + timedelta(days=1))
        case ["weekend"]:
            return _Days(monday + timedelta(days=5), monday + timedelta(days=6))
        case ["this" | "next" as which, int(day)]:
            on = monday + timedelta(days=day, weeks=which == "next")
            return _Days(on, on)
        case [int(day)]:
            on = today + timedelta(days=(day - today.weekday()) % 7)
            return _Days(on, on)
        case [date() as on]:
            return _Days(on, on)
        case [int(_), date() as on]:
            return _Days(on, on)
        case [str(one), str(other)]:
            return _day_of_month(one, other, today, text)
    raise Unclear(f"{text!r}: {' '.join(words)} is no day or week; write sat, next week, weekend, tomorrow, 14 mar or 2026-03-14")


def _word(word: str) -> str | int | date:
    """A weekday as its number, a date as itself, anything else as it is."""
    for number, name in enumerate(_DAYS):
        if len(word) > 2 and name.startswith(word.rstrip(".")):
            return number
    try:
        return date.fromisoformat(word)
    except ValueError:
        return word


def _day_of_month(one: str, other: str, today: date, text: str) -> _Days:
    """`14 mar` or `mar 14`: the next one, or one that has just been."""
    number, name = (one, other) if one[:1].isdigit() else (other, one)
    number = re.sub(r"(st|nd|rd|th|\.)$", "", number)
    months = [i for i, month in enumerate(_MONTHS, 1) if len(name) > 2 and month.startswith(name.rstrip("."))]
    if months and number.isdecimal():
        for year in (today.year, today.year + 1):
            try:
                on = date(year, months[0], int(number))
            except ValueError:
                continue
            if on >= today - timedelta(days=31):
                return _Days(on, on)
    raise Unclear(f"{text!r}: {one} {other} is no day to come")
