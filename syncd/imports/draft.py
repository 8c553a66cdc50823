"""What an import has understood so far: the rota as core has it, and a warning for everything that is not exactly that."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import available_timezones

from syncd.core.model import (
    DAY,
    HOUR,
    WEEK,
    Clock,
    Hours,
    Instant,
    Layer,
    Override,
    Person,
    Role,
    Rotation,
    Schedule,
    Team,
    Unit,
)
from syncd.core.rotation import SECONDS, anchor_of
from syncd.core.zone import ambiguous_or_missing, instant, local_of, wall_of, weekday, zone
from syncd.imports.document import NotImportable

EVERY_DAY = frozenset(range(7))
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f<>,;\"()]{1,64}@[^@\s\x00-\x1f\x7f<>,;\"()]{1,253}")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9][A-Za-z0-9_+-]*)*")

ZONES = {
    "Hawaii": "Pacific/Honolulu",
    "Alaska": "America/Juneau",
    "Pacific Time (US & Canada)": "America/Los_Angeles",
    "Arizona": "America/Phoenix",
    "Mountain Time (US & Canada)": "America/Denver",
    "Central Time (US & Canada)": "America/Chicago",
    "Eastern Time (US & Canada)": "America/New_York",
    "Indiana (East)": "America/Indiana/Indianapolis",
    "Atlantic Time (Canada)": "America/Halifax",
    "Newfoundland": "America/St_Johns",
    "Brasilia": "America/Sao_Paulo",
    "Edinburgh": "Europe/London",
    "London": "Europe/London",
    "Bern": "Europe/Zurich",
    "New Delhi": "Asia/Kolkata",
    "Mumbai": "Asia/Kolkata",
    "Chennai": "Asia/Kolkata",
    "Beijing": "Asia/Shanghai",
    "Osaka": "Asia/Tokyo",
    "Canberra": "Australia/Sydney",
    "Wellington": "Pacific/Auckland",
}
"""Of the words that vendors use for zones, those whose last part is no city of IANA's."""

Place = tuple[Any, ...]
"""Where a warning stands: `("person", id)`, `("layer", schedule, name, key)`, `("schedule", id, key)`, …"""


def slug(text: str, most: int = 48) -> str:
    """`Ana Lima` → `ana-lima`; "" where nothing is left."""
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:most].strip("-")


def is_zone(name: str) -> bool:
    if not _ZONE.fullmatch(name) or name.split("/")[0] in ("localtime", "posix", "posixrules", "right"):
        return False
    try:
        zone(name)
    except (OSError, ValueError, LookupError):
        return False
    return True


def _near(written: str) -> str:
    """`Eastern Time (US & Canada)` → `America/New_York`, `Berlin` → `Europe/Berlin`, `UTC+8` → `Etc/GMT-8`; "" for others."""
    if written in ZONES:
        return ZONES[written]
    offset = re.fullmatch(r"(?:UTC|GMT)? ?([+-])0?([0-9]{1,2})(?::?00)?", written)
    if offset and int(offset[2]) <= 12:  # there a sign means the other direction
        return f"Etc/GMT{'-' if offset[1] == '+' else '+'}{int(offset[2])}"
    last = written.replace(" ", "_").casefold()
    found = [name for name in available_timezones() if "/" in name and name.rpartition("/")[2].casefold() == last]
    return found[0] if len(found) == 1 and is_zone(found[0]) else ""


def unique(wanted: str, taken: Iterable[str]) -> str:
    known = {one.casefold() for one in taken}
    name, number = wanted, 1
    while name.casefold() in known:
        number += 1
        name = f"{wanted[:40]}-{number}"
    return name


@dataclass
class Draft:
    """One import. `kind` is the destination kind whose accounts the product's ids are, if there is one."""

    product: str
    kind: str | None = None
    timezone: str = "UTC"
    """Of schedules whose product does not say one."""
    now: Instant = 0
    people: dict[str, Person] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)
    head: list[str] = field(default_factory=list)
    """Warnings about the whole."""
    notes: dict[Place, list[str]] = field(default_factory=dict)
    remarks: dict[Place, str] = field(default_factory=dict)
    """Short comments at the end of a line: no warnings."""
    _names: dict[str, list[str]] = field(default_factory=dict)
    _accounts: dict[str, str] = field(default_factory=dict)
    _emails: dict[str, str] = field(default_factory=dict)

    def warn(self, place: Place, text: str) -> None:
        said = self.notes.setdefault(place, [])
        if text not in said:
            said.append(text)

    # --- who -------------------------------------------------------------------------------

    def person(self, account: str, name: str = "", email: str = "") -> str:
        """The id of whoever has `account` there; made from the name when met first."""
        key = account or email.casefold() or name
        id_ = self._accounts.get(key)
        if id_ is not None:
            self._learn(id_, name, email)
            return id_
        self.few(len(self.people) + 1, 2_000, "people")
        id_ = self._new_id(name, email, account)
        self._accounts[key] = id_
        if not name:
            self.warn(("person", id_), f"the file does not say who {account or 'this'} is: write the name and the e-mail address")
        if account and self.kind is None:
            self.remarks[("person", id_)] = f"{self.product} {account}"
        accounts = {self.kind: account} if self.kind and account else {}
        self.people[id_] = Person(id=id_, name=name or email or account or id_, accounts=accounts)
        self._learn(id_, name, email)
        return id_

    def _learn(self, id_: str, name: str, email: str) -> None:
        known = self.people[id_]
        if name and ("person", id_) in self.notes:
            del self.notes[("person", id_)]
            known = self.people[id_] = replace(known, name=name)
        if not email or known.email:
            return
        if not _EMAIL.fullmatch(email):
            self.warn(("person", id_), f"{email[:80]} is no e-mail address that can be used here")
        elif self._emails.setdefault(email.casefold(), id_) != id_:
            self.warn(("person", id_), f"{self._emails[email.casefold()]} has the same e-mail address, so it is left out here")
        else:
            self.people[id_] = replace(known, email=email)

    def _new_id(self, name: str, email: str, account: str) -> str:
        """The first name where nobody else has it, else the whole name, else a number behind it."""
        words = name.split()
        local = email.partition("@")[0]
        tries = [slug(words[0]) if words else "", slug(name), slug(local), slug(f"person-{account}")]
        for one in tries:
            if one and one not in self.people and one not in ("all", "none"):
                return one
        first = next((one for one in tries if one and one not in ("all", "none")), "person")
        return unique(first, self.people)

    def role(self, id_: str, title: str, people: int = 1) -> str:
        known = self.roles.get(id_)
        self.roles[id_] = Role(id=id_, title=title, people=max(1, min(100, people), known.people if known else 1))
        return id_

    def few(self, number: int, most: int, what: str) -> None:
        """Raises `NotImportable` for more than one file can hold."""
        if number > most:
            raise NotImportable(f"more than {most:,} {what}: too much for one file; import one schedule at a time")

    def team(self, name: str) -> str | None:
        if not name:
            return None
        for id_, team in self.teams.items():
            if team.title == name:
                return id_
        id_ = unique(slug(name) or "team", [*self.teams, "all"])
        self.teams[id_] = Team(id=id_, title=name)
        return id_

    def new_schedule(self, name: str) -> tuple[str, str]:
        """An id and a title that no other schedule has."""
        self.few(len(self.schedules) + 1, 500, "schedules")
        id_ = unique(slug(name) or "schedule", [*self.schedules, "all"])
        title = unique(name[:40].strip() or id_, [one.title for one in self.schedules.values()])
        if name and title != name:
            self.warn(("schedule", id_, "title"), f"the title there is {name}: ours are unique, of at most 40 characters")
        return id_, title

    def layer_name(self, schedule: str, wanted: str) -> str:
        """`wanted`, or with a number behind it where the schedule has such a layer already."""
        taken = self._names.setdefault(schedule, [])
        self.few(len(taken) + 1, 200, "layers in a schedule")
        taken.append(unique(wanted[:90].strip() or "layer", taken))
        return taken[-1]

    def zone(self, place: Place, written: str, default: str = "UTC", *, loose: bool = True) -> str:
        """An IANA zone; `loose`: also from the words that a vendor may use instead."""
        if not written:
            return default
        if is_zone(written):
            return written
        if loose and (near := _near(written)):
            self.warn(place, f"{written[:60]} is read as {near}")
            return near
        self.warn(place, f"{written[:60]} is no IANA time zone; {default} is used: put the right one here")
        return default


# --- times -----------------------------------------------------------------------------------


def local(at: Instant, name: str, *, end: bool = False) -> datetime:
    """The local time that means `at` in the zone `name`: with an offset only where it would not be clear without."""
    wall = zone(name).wall(at)
    naive = local_of(wall)
    if not ambiguous_or_missing(naive, name) and not (end and wall % DAY >= DAY - 60):
        return naive
    offset = wall - at
    seconds = offset if offset % 60 == 0 else 0
    return local_of(at + seconds).replace(tzinfo=timezone(timedelta(seconds=seconds)))


def restricted(at: int, length: int, day: int | None) -> Hours:
    """A window that opens at `at` seconds after midnight, on one day of the week (0 is Monday) or every day."""
    days = EVERY_DAY if day is None else frozenset((day,))
    whole = WEEK if day is not None else DAY
    return Hours(days=days, at=at % DAY, length=min(length, whole), weekly=day is not None)


def short(windows: Iterable[Hours]) -> tuple[Hours, ...]:
    """The same hours in fewer words: weekly windows of less than a day that differ in their day alone are one daily window."""
    together: dict[tuple[int, int], set[int]] = {}
    kept: list[tuple[int, int] | Hours] = []
    for one in dict.fromkeys(windows):
        key = (one.at, one.length)
        if one.weekly and one.length > DAY:
            kept.append(one)
            continue
        if key not in together:
            kept.append(key)
        together.setdefault(key, set()).update(one.days)
    found = [one if isinstance(one, Hours) else Hours(days=frozenset(together[one]), at=one[0], length=one[1]) for one in kept]
    return () if any(_always(one) for one in found) else tuple(found)


def _always(one: Hours) -> bool:
    """Open all the time, so that it restricts nothing."""
    return (one.weekly and one.length >= WEEK) or (not one.weekly and one.days == EVERY_DAY and one.length >= DAY)


def rotation(seconds: int, anchor: Instant | int, layer: Layer, schedule: Schedule, *, clock: Clock | None = None) -> Layer:
    """`layer` with turns of `seconds` from `anchor` (an instant) on, in the words a person would use.

    `seconds` is whole hours. The anchor is left out where the layer's `from` says it.
    """
    unit = Unit.WEEK if seconds % WEEK == 0 else Unit.DAY if seconds % DAY == 0 else Unit.HOUR
    plain = Rotation(every=seconds // SECONDS[unit], unit=unit, clock=clock)
    return anchored(plain, local(anchor, layer.timezone), layer, schedule)


def anchored(turns: Rotation, anchor: datetime, layer: Layer, schedule: Schedule) -> Layer:
    """`layer` with `turns` from `anchor` on; `anchor` is a local time of the layer, or has an offset."""
    if anchor.tzinfo is not None:
        return replace(layer, rotation=replace(turns, anchor=anchor))
    wall = wall_of(anchor)
    at, on = wall % DAY, weekday(wall) if turns.unit is Unit.WEEK else None
    worded = replace(turns, at=at, on=on)
    for one in (replace(worded, anchor=None), replace(worded, anchor=anchor.date()), replace(turns, anchor=anchor)):
        found = anchor_of(replace(layer, rotation=one), schedule)
        same = found is not None and (found.wall, found.at) == (wall, instant(anchor, layer.timezone))
        if same and found is not None and (turns.unit is not Unit.MONTH or found.day == anchor.day):
            return replace(layer, rotation=one)
    return replace(layer, rotation=replace(turns, anchor=anchor))


def split(seconds: int, anchor: Instant, layer: Layer, schedule: Schedule) -> list[Layer] | None:
    """Turns that are no whole hours, said exactly: one layer a place in the list, each on for `lasts` of a longer turn.

    None where that would take more than 24 layers.
    """
    groups = layer.rosters[0].groups
    times = next((times for times in range(1, 25) if times * len(groups) * seconds % HOUR == 0), None)
    if not groups or times is None or times * len(groups) > 24:
        return None
    cycle = times * len(groups) * seconds
    found = []
    for place in range(times * len(groups)):
        part = replace(
            layer,
            name=f"{layer.name[:80]} {place + 1}",
            rosters=(replace(layer.rosters[0], groups=(groups[place % len(groups)],)),),
        )
        with_turns = rotation(cycle, anchor + place * seconds, part, schedule)
        assert with_turns.rotation is not None  # noqa: S101 - just set
        found.append(replace(with_turns, rotation=replace(with_turns.rotation, lasts=seconds)))
    return found


def next_midnight(at: Instant, name: str) -> Instant:
    """The first local midnight after `at`."""
    return instant(local_of(zone(name).wall(at) // DAY * DAY + DAY), name)


def midnight(at: Instant, name: str) -> Instant:
    """The local midnight at or before `at`."""
    return instant(local_of(zone(name).wall(at) // DAY * DAY), name)


def overlapping(overrides: Iterable[Override]) -> list[tuple[Override, Override]]:
    """Pairs of which the later in the list shares time with an earlier one and puts on somebody else."""
    found: list[tuple[Override, Override]] = []
    here: list[Override] = []
    for new in sorted(overrides, key=lambda one: one.start):
        if len(found) >= 1_000:
            break
        here = [old for old in here if old.end > new.start]
        found += [(old, new) for old in here if old.people != new.people and not set(old.roles).isdisjoint(new.roles)]
        here.append(new)
    return found
