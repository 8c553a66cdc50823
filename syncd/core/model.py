"""The rota's nouns. Every instant is a whole second since 1970 in UTC; every interval is half-open.

A `datetime` in a layer is the local wall time as it was written in the file (naive: of the layer's zone, with an
offset: an instant). Only `rotation.py` turns those into instants, because a handoff keeps its wall time for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Literal, NamedTuple

Instant = int

HOUR = 3_600
DAY = 86_400
WEEK = 604_800


class Window(NamedTuple):
    """A period of time, `[start, end)`."""

    start: Instant
    end: Instant


# --- people, roles, teams ----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Holidays:
    """Public holidays by country, and days of one's own (SCHEDULES.md section 1)."""

    country: str | None = None
    subdivision: str | None = None
    also: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who can be on call. `accounts`: connector kind or destination name → account there."""

    id: str
    name: str
    email: str | None = None
    phone: str | None = None
    timezone: str | None = None
    aliases: tuple[str, ...] = ()
    accounts: Mapping[str, str] = field(default_factory=dict)
    holidays: Holidays | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A kind of duty; at most `people` hold it at one time."""

    id: str
    title: str
    people: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Who may change the schedules it owns, and the group channels that hear of them."""

    id: str
    title: str
    people: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    notices: Mapping[str, object] = field(default_factory=dict)


# --- layers ------------------------------------------------------------------------------


class Unit(StrEnum):
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Clock(StrEnum):
    """`wall`: handoffs keep their local time across clock changes. `elapsed`: turns keep their length."""

    WALL = "wall"
    ELAPSED = "elapsed"


class Advance(StrEnum):
    """Which turns are counted: all, those that the layer's activity touches, or working days only."""

    ALWAYS = "always"
    ACTIVE = "active"
    ACTIVE_DAYS = "active_days"


class Boundary(StrEnum):
    """Where a day mask cuts: at local midnight, or never inside a window or turn that began on a day of it."""

    MIDNIGHT = "midnight"
    SHIFT = "shift"


class Join(StrEnum):
    """How a dated roster takes over: at the next handoff, or at once by turn number."""

    CONTINUE = "continue"
    RECALCULATE = "recalculate"


Group = tuple[str, ...]
"""The people who serve one turn together; mostly one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """The groups that take turns from `since` on (None: from the beginning)."""

    since: datetime | None
    groups: tuple[Group, ...]
    join: Join = Join.CONTINUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Whose turn (SCHEDULES.md section 2). `at`: seconds after local midnight. `on`: 0 is Monday. `lasts`: seconds.

    None stands for the default that section 2 gives. An `anchor` that is a bare `date` takes `at`.
    """

    every: int = 1
    unit: Unit
    at: int | None = None
    on: int | None = None
    anchor: datetime | date | None = None
    lasts: int | None = None
    clock: Clock | None = None
    advance: Advance = Advance.ALWAYS
    fair: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Recurring local hours: they open on each of `days` (0 is Monday) at `at` and stay open for `length`.

    Seconds of local wall time, `0 <= at < 86400`, `0 < length <= 604800`. `weekly` says how it was written: a daily
    window opens on its days, a weekly one (exactly one day here) covers all the days it touches.
    """

    days: frozenset[int]
    at: int
    length: int
    weekly: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One source of people for one role; of the layers with somebody, the highest `priority` decides."""

    name: str
    role: str
    timezone: str
    rosters: tuple[Roster, ...]
    priority: int = 0
    rotation: Rotation | None = None
    start: datetime | None = None
    end: datetime | None = None
    days: frozenset[int] | None = None
    windows: tuple[Hours, ...] = ()
    boundary: Boundary = Boundary.MIDNIGHT
    on_away: Literal["stay", "next"] = "stay"


# --- overrides and schedules ---------------------------------------------------------------


class Overlap(StrEnum):
    """What two overrides that contradict each other mean (SCHEDULES.md section 4)."""

    FIRST = "first"
    LAST = "last"
    REJECT = "reject"
    UNION = "union"


class Approval(StrEnum):
    NONE = "none"
    OTHERS = "others"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """`people` instead of `replaces` in `roles` for `[start, end)`.

    `replaces`: None is everybody, `()` nobody (they join), else those persons. In the order of the file, then of
    recording. What an import cut away is already taken off: one override may come as several pieces of one `id`.
    """

    id: str
    roles: tuple[str, ...]
    people: tuple[str, ...]
    replaces: tuple[str, ...] | None
    start: Instant
    end: Instant
    reason: str = ""
    origin: str = "file"  # file, command, API, import
    by: str = ""
    at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    person: str
    start: Instant
    end: Instant
    reason: str = ""


Need = Literal["always", "never"] | tuple[Hours, ...]
"""Which hours of a role must be covered; hours are in the schedule's zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    id: str
    title: str
    timezone: str
    layers: tuple[Layer, ...]
    overrides: tuple[Override, ...] = ()
    away: tuple[Away, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    description: str = ""
    team: str | None = None
    admins: tuple[str, ...] = ()
    needs: Mapping[str, Need] = field(default_factory=dict)
    override_overlap: Overlap = Overlap.FIRST
    approval: Approval = Approval.NONE
    handoff_note: str = ""
    holidays: Holidays | None = None
    notices: Mapping[str, object] = field(default_factory=dict)
    longest: int | None = None
    """Seconds of duty without a break over which `check` warns; None: never."""
    rest: int | None = None
    """Seconds between two duties of a person under which it warns."""

    @property
    def zones(self) -> frozenset[str]:
        """Those that its times are written in."""
        return frozenset((self.timezone, *(layer.timezone for layer in self.layers)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rota:
    """Everything that the canonical source says."""

    timezone: str = "UTC"
    people: Mapping[str, Person] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    teams: Mapping[str, Team] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    holidays: Holidays | None = None


# --- shifts ------------------------------------------------------------------------------


class Source(NamedTuple):
    """Where a shift comes from: a layer's turn, or an override."""

    layer: str | None = None
    turn: int | None = None
    override: str | None = None


class Shift(NamedTuple):
    """One person holding one role without interruption within one turn. `slot`: see SCHEDULES.md section 5, `key`."""

    schedule: str
    role: str
    person: str
    start: Instant
    end: Instant
    slot: int
    source: Source

    @property
    def key(self) -> str:
        """Unique name, free of the person: `SCHEDULE/ROLE/START/SLOT`, the start in UTC, basic format."""
        return f"{self.schedule}/{self.role}/{basic(self.start)}/{self.slot}"


def basic(instant: Instant) -> str:
    """`20260307T000000Z`: ISO 8601 basic format, UTC."""
    return f"{datetime.fromtimestamp(instant, UTC):%Y%m%dT%H%M%SZ}"


def iso(instant: Instant) -> str:
    """`2026-03-07T00:00:00Z`: the form of every time in our JSON."""
    return f"{datetime.fromtimestamp(instant, UTC):%Y-%m-%dT%H:%M:%SZ}"
