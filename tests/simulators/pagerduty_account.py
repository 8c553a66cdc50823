"""What a PagerDuty account holds: users, layer-based schedules with their rendering, shift-based ones with custom shifts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import Any, Literal
from zoneinfo import ZoneInfo

Piece = tuple[int, int, str, str | None]
"""Start, end, user id, and the override it comes from."""


def iso(instant: float, zone: str = "UTC") -> str:
    if zone == "UTC":
        return f"{datetime.fromtimestamp(instant, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return datetime.fromtimestamp(instant, ZoneInfo(zone)).isoformat()


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


@dataclass
class User:
    id: str
    name: str
    email: str


@dataclass
class Restriction:
    """`at`: seconds after local midnight. `day`: 0 is Monday, None every day."""

    at: int
    duration: int
    day: int | None = None

    def holds(self, local: datetime) -> bool:
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        days = range(-8, 1) if self.day is not None else (-1, 0)
        opens = [midnight + timedelta(days=shift, seconds=self.at) for shift in days]
        return any(
            one <= local < one + timedelta(seconds=self.duration)
            for one in opens
            if self.day is None or one.weekday() == self.day
        )


@dataclass
class Layer:
    """A rotation of equal turns from `start` on, counted in local time, within its restrictions."""

    users: list[str]
    start: int
    turn: int
    end: int | None = None
    virtual_start: int | None = None
    restrictions: list[Restriction] = field(default_factory=list)
    id: str = ""
    name: str = "Layer 1"

    def on(self, at: int, zone: ZoneInfo) -> str | None:
        if at < self.start or (self.end is not None and at >= self.end):
            return None
        local = datetime.fromtimestamp(at, zone).replace(tzinfo=None)
        if self.restrictions and not any(one.holds(local) for one in self.restrictions):
            return None
        first = datetime.fromtimestamp(self.start if self.virtual_start is None else self.virtual_start, zone).replace(
            tzinfo=None
        )
        return self.users[int((local - first).total_seconds() // self.turn) % len(self.users)] if self.users else None


@dataclass
class Override:
    """Of a layer-based schedule. `order` rises with every creation and is not shown (PD-26)."""

    id: str
    user: str
    start: int
    end: int
    order: int
    visible: float = 0


@dataclass
class CustomShift:
    id: str
    start: int
    end: int
    user: str | None
    """None: an empty member."""
    assignment: str
    visible: float = 0


@dataclass
class V3Override:
    id: str
    start: int
    end: int
    overridden: Mapping[str, str]
    overriding: Mapping[str, str]
    rotation: str | None
    shift: str | None


@dataclass
class Computed:
    """A piece of a shift-based schedule's final schedule."""

    start: int
    end: int
    user: str | None
    """None: an empty member."""
    source: Mapping[str, str]


@dataclass
class Schedule:
    id: str
    name: str
    zone: str = "UTC"
    kind: Literal["schedule", "schedule_v3"] = "schedule"
    layers: list[Layer] = field(default_factory=list)
    """The first is on top."""
    overrides: dict[str, Override] = field(default_factory=dict)
    shifts: dict[str, CustomShift] = field(default_factory=dict)
    v3_overrides: dict[str, V3Override] = field(default_factory=dict)
    rotations: dict[str, Layer] = field(default_factory=dict)

    def layer_pieces(self, layer: Layer, since: int, until: int) -> list[Piece]:
        zone = ZoneInfo(self.zone)
        return _joined((start, end, who, None) for start, end in _quarters(since, until) if (who := layer.on(start, zone)))

    def pieces(self, since: int, until: int, *, joined: bool = True) -> list[Piece]:
        """Whom the schedule pages: the override created last, else the first layer with somebody; gaps are left out."""
        return (_joined if joined else list)(self._pieces(since, until))

    def _pieces(self, since: int, until: int) -> Iterator[Piece]:
        shown = [one for one in self.overrides.values() if one.start < until and since < one.end]
        below = [piece for layer in reversed(self.layers) for piece in self.layer_pieces(layer, since, until)]
        edges = {since, until, *(at for one in [*shown] for at in (one.start, one.end)), *(at for one in below for at in one[:2])}
        for start, end in pairwise(sorted(at for at in edges if since <= at <= until)):
            on = [one for one in shown if one.start <= start < one.end]
            under = [one for one in below if one[0] <= start < one[1]]
            if on:
                top = max(on, key=lambda one: one.order)
                yield start, end, top.user, top.id
            elif under:
                yield start, end, under[-1][2], None

    # --- shift-based ---------------------------------------------------------------------

    def computed(self, since: int, until: int) -> list[Computed]:
        """Rotations and custom shifts side by side, each with its own overrides over it (PD-43, PD-49), unclipped."""
        found = []
        for id_, rotation in self.rotations.items():
            for start, end, who, _ in self.layer_pieces(rotation, since, until):
                mine = [one for one in self.v3_overrides.values() if one.rotation == id_]
                found += _overridden(start, end, who, "schedule_rotation", {"rotation_id": id_}, mine)
        for shift in self.shifts.values():
            mine = [one for one in self.v3_overrides.values() if one.shift == shift.id]
            found += _overridden(shift.start, shift.end, shift.user, "custom_shift", {"shift_id": shift.id}, mine)
        return [one for one in found if one.start < until and since < one.end]


def _overridden(
    start: int, end: int, user: str | None, kind: str, names: Mapping[str, str], overrides: Iterable[V3Override]
) -> list[Computed]:
    """Of overrides that overlap the one created last wins."""
    over = [one for one in overrides if one.start < end and start < one.end]
    edges = sorted({start, end, *(at for one in over for at in (one.start, one.end) if start < at < end)})
    found: list[Computed] = []
    for first, last in pairwise(edges):
        top = next((one for one in reversed(over) if one.start <= first < one.end), None)
        source = {"type": kind, **names} if top is None else {"type": f"{kind}_override", **names, "override_id": top.id}
        who = user if top is None else top.overriding.get("user_id")
        if found and (found[-1].user, found[-1].source) == (who, source):
            found[-1].end = last
        else:
            found.append(Computed(first, last, who, source))
    return found


def _quarters(since: int, until: int) -> Iterator[tuple[int, int]]:
    """Layers hand over and restrictions open at quarters of an hour at the finest: that is where to look."""
    yield from pairwise([since, *range(since - since % 900 + 900, until, 900), until] if since < until else [])


def _joined(pieces: Iterable[Piece]) -> list[Piece]:
    """Neighbours of one user are one entry: the rendering does not say where one override ends and the next begins."""
    joined: list[Piece] = []
    for start, end, user, ref in pieces:
        if joined and joined[-1][1] == start and joined[-1][2] == user:
            joined[-1] = (joined[-1][0], end, user, ref)
        else:
            joined.append((start, end, user, ref))
    return joined


class Account:
    """One PagerDuty account and its ids, which are in no order that a reader could use."""

    def __init__(self, subdomain: str = "acme") -> None:
        self.subdomain = subdomain
        self.users: dict[str, User] = {}
        self.schedules: dict[str, Schedule] = {}
        self.abilities = ["teams", "urgencies"]
        self._numbers = count(1)

    def new_id(self, letter: str = "Q", length: int = 14) -> str:
        digits = f"{next(self._numbers) * 7_919_191 % 2_176_782_336:0{length - 1}d}"
        return letter + digits.translate(str.maketrans("0123456789", "KXBWDQZHNV"))

    def order(self) -> int:
        return next(self._numbers)

    def add_user(self, name: str, email: str, id: str | None = None) -> User:  # noqa: A002  # the vendor's word
        user = User(id or self.new_id("P", 7), name, email)
        self.users[user.id] = user
        return user

    def add_schedule(self, name: str, id: str | None = None, **rest: Any) -> Schedule:  # noqa: A002
        schedule = Schedule(id or self.new_id("P", 7), name, **rest)
        self.schedules[schedule.id] = schedule
        return schedule
