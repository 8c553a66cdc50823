"""Random rotas, on a grid of half hours and round clock changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from syncd.core.model import (
    Advance,
    Away,
    Boundary,
    Clock,
    Hours,
    Join,
    Layer,
    Overlap,
    Override,
    Roster,
    Rotation,
    Schedule,
    Unit,
)
from syncd.core.rotation import problems

ZONES = ("UTC", "Europe/Berlin", "America/Chicago", "Australia/Lord_Howe", "Asia/Kolkata", "America/Havana", "Africa/Cairo")
PEOPLE = ("ana", "ben", "cho", "dev", "eve")
BASES = tuple(
    datetime.fromisoformat(day)
    for day in ("2026-03-06", "2026-03-27", "2026-10-02", "2026-10-23", "2026-10-30", "2024-02-28", "2011-12-28", "2026-04-22")
)


def halves(most: int = 48):
    return st.integers(0, most - 1).map(lambda n: n * 1800)


@st.composite
def hours(draw, weekly: bool):
    if weekly:
        return Hours(
            days=frozenset([draw(st.integers(0, 6))]), at=draw(halves()),
            length=draw(st.sampled_from((1, 9, 24, 47, 100, 168))) * 3600, weekly=True,
        )  # fmt: skip
    days = draw(st.frozensets(st.integers(0, 6), min_size=1)) if draw(st.booleans()) else frozenset(range(7))
    return Hours(days=days, at=draw(halves()), length=draw(st.integers(1, 48)) * 1800)


@st.composite
def moments(draw, base: datetime, first: int = -30, last: int = 25, offsets: bool = True):
    at = base + timedelta(days=draw(st.integers(first, last)), seconds=draw(st.sampled_from((0, 0, 2, 3, 5, 18, 47))) * 1800)
    return at.replace(tzinfo=UTC) if offsets and draw(st.integers(0, 5)) == 0 else at


@st.composite
def rotations(draw, base: datetime, windows: bool):
    """Mostly without contradictions; what `problems` still finds is left out of the schedule."""
    advance = draw(st.sampled_from((Advance.ALWAYS, Advance.ALWAYS, Advance.ACTIVE, Advance.ACTIVE_DAYS)))
    unit = Unit.DAY if advance is Advance.ACTIVE_DAYS else draw(st.sampled_from(Unit))
    every = draw(
        st.sampled_from((1, 2, 3, 5, 7, 8, 12, 36)) if unit is Unit.HOUR else st.integers(1, 8 if unit is Unit.DAY else 3)
    )
    at = draw(st.one_of(st.none(), halves()))
    on = draw(st.one_of(st.none(), st.integers(0, 6))) if unit is Unit.WEEK or (unit is Unit.DAY and every == 7) else None
    kind = draw(st.sampled_from(("none", "none", "date", "time")))
    anchor = None
    if kind == "date":
        anchor, on = draw(moments(base, offsets=False)).date(), None
    elif kind == "time":
        anchor, at, on = draw(moments(base)), None, None
    clock = draw(st.sampled_from((None, None, Clock.WALL, Clock.ELAPSED)))
    if advance is not Advance.ALWAYS:
        clock = Clock.WALL
    return Rotation(
        unit=unit, every=every, anchor=anchor, at=at, on=on, clock=None if unit is Unit.MONTH else clock, advance=advance,
        lasts=draw(st.one_of(st.none(), st.none(), st.sampled_from((1, 3, 12, 48)).map(lambda h: h * 3600))),
        fair=advance is Advance.ALWAYS and draw(st.booleans()),
    )  # fmt: skip


@st.composite
def members(draw, base: datetime, most: int = 4):
    groups = st.one_of(st.sampled_from(PEOPLE).map(lambda p: (p,)), st.lists(st.sampled_from(PEOPLE), max_size=2).map(tuple))
    lists = st.lists(st.one_of(groups, st.sampled_from(PEOPLE).map(lambda p: (p,))), max_size=most).map(tuple)
    rosters = [Roster(since=draw(st.one_of(st.none(), st.none(), moments(base))), groups=draw(lists))]
    if draw(st.booleans()):
        later = [
            Roster(since=draw(moments(base, -6, 12)), groups=draw(lists), join=draw(st.sampled_from(Join)))
            for _ in range(draw(st.integers(1, 3)))
        ]
        rosters += sorted(later, key=lambda roster: roster.since.replace(tzinfo=None))
    return tuple(rosters)


@st.composite
def layers(draw, name: str, base: datetime):
    weekly = draw(st.integers(0, 3)) == 0
    windows = tuple(draw(st.lists(hours(weekly), min_size=1, max_size=3))) if draw(st.booleans()) else ()
    days = draw(st.frozensets(st.integers(0, 6))) if not (windows and weekly) and draw(st.booleans()) else None
    rotation = draw(rotations(base, bool(windows))) if draw(st.integers(0, 3)) else None
    shift = days is not None and (windows or rotation) and draw(st.booleans())
    return Layer(
        name=name, role="primary", timezone=draw(st.sampled_from(ZONES)), rosters=draw(members(base)),
        priority=draw(st.integers(0, 1)), rotation=rotation, windows=windows, days=days,
        start=draw(st.one_of(st.none(), moments(base, -30, 2))), end=draw(st.one_of(st.none(), st.none(), moments(base, 0, 20))),
        boundary=Boundary.SHIFT if shift else Boundary.MIDNIGHT,
        on_away=draw(st.sampled_from(("stay", "stay", "next"))),
    )  # fmt: skip


@st.composite
def schedules(draw, most: int = 3):
    base = draw(st.sampled_from(BASES))
    at = int(base.replace(tzinfo=UTC).timestamp())
    near = st.integers(-48 * 3, 48 * 12).map(lambda n: at + n * 1800)
    overrides = []
    for i in range(draw(st.sampled_from((0, 0, 1, 2, 3)))):
        start = draw(near)
        overrides.append(
            Override(
                id=f"o{i}",
                roles=("primary",),
                people=tuple(draw(st.lists(st.sampled_from(PEOPLE), max_size=2))),
                replaces=draw(
                    st.one_of(st.none(), st.just(()), st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=2).map(tuple))
                ),
                start=start,
                end=start + draw(st.sampled_from((1, 5, 30, 100, 400))) * 1800,
            )
        )
    away = tuple(
        Away(person=draw(st.sampled_from(PEOPLE)), start=(a := draw(near)), end=a + draw(st.integers(1, 200)) * 1800)
        for _ in range(draw(st.integers(0, 2)))
    )
    schedule = Schedule(
        id="payments", title="Payments", timezone=draw(st.sampled_from(ZONES)),
        layers=tuple(draw(layers(f"layer-{i}", base)) for i in range(draw(st.integers(1, most)))),
        overrides=tuple(overrides), away=away,
        start=draw(st.one_of(moments(base, -40, -3), moments(base, -3, 3))),
        end=draw(st.one_of(st.none(), st.none(), moments(base, 3, 14))),
        override_overlap=draw(st.sampled_from((Overlap.FIRST, Overlap.LAST, Overlap.UNION))),
    )  # fmt: skip
    return replace(schedule, layers=tuple(layer for layer in schedule.layers if not problems(layer, schedule))), at
