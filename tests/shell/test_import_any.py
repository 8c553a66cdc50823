"""Whatever a product's file says: what goes out comes back the same, and what is printed always loads."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from syncd.config import Config, load
from syncd.core.model import DAY, HOUR, WEEK, Window
from syncd.core.shifts import shifts
from syncd.imports import PRODUCTS, NotImportable, as_yaml, imported
from tests.simulators.pagerduty_account import Layer, Override, Restriction, Schedule, iso

BASE = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp())
ZONES = ("UTC", "Europe/Berlin", "America/Chicago", "Asia/Kolkata", "America/Havana", "Australia/Lord_Howe")
USERS = ("PANA", "PBEN", "PCHO", "PDEV")


def loaded(text: str) -> Config:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "syncd.yaml"
        path.write_text(text, "utf-8")
        return load(path, now=BASE)


# --- there and back ------------------------------------------------------------------------------


@st.composite
def restrictions(draw: Any) -> Restriction:
    day = draw(st.one_of(st.none(), st.integers(0, 6)))
    longest = 48 if day is None else 7 * 48
    return Restriction(draw(st.integers(0, 47)) * 1800, draw(st.integers(1, longest)) * 1800, day)


@st.composite
def layers(draw: Any, number: int) -> Layer:
    start = BASE + draw(st.integers(-20, 40)) * 6 * HOUR
    return Layer(
        users=draw(st.lists(st.sampled_from(USERS), min_size=1, max_size=4)),
        start=start,
        turn=draw(st.sampled_from((DAY, 2 * DAY, 5 * DAY, WEEK, 2 * WEEK, 12 * HOUR, 8 * HOUR, 6 * HOUR, 5400, 10 * HOUR))),
        end=start + draw(st.integers(4, 200)) * 6 * HOUR if draw(st.integers(0, 3)) == 0 else None,
        virtual_start=start + draw(st.integers(-60, 60)) * HOUR if draw(st.booleans()) else None,
        restrictions=draw(st.lists(restrictions(), max_size=3)),
        name=f"Layer {number}",
    )


@st.composite
def accounts(draw: Any) -> Schedule:
    zone = draw(st.sampled_from(ZONES))
    there = Schedule("PX", "Payments", zone, layers=[draw(layers(n)) for n in range(draw(st.integers(1, 3)))])
    if ZoneInfo(zone).utcoffset(datetime(2026, 1, 1)) != ZoneInfo(zone).utcoffset(datetime(2026, 7, 1)):  # noqa: DTZ001
        for one in there.layers:  # what turns of hours do at a clock change is nowhere said
            one.turn = one.turn if one.turn % DAY == 0 else DAY
    for number in range(draw(st.sampled_from((0, 0, 1, 3)))):
        start = BASE + draw(st.integers(0, 60)) * 6 * HOUR
        end = start + draw(st.integers(1, 20)) * HOUR
        there.overrides[f"Q{number}"] = Override(f"Q{number}", draw(st.sampled_from(USERS)), start, end, number)
    return there


def exported(there: Schedule) -> dict[str, Any]:
    """As PagerDuty's API answers, the highest layer last; times with the zone's offset."""

    def user(id_: str) -> dict[str, str]:
        return {"id": id_, "type": "user_reference", "summary": id_.removeprefix("P").capitalize()}

    layers = [
        {
            "name": one.name, "start": iso(one.start, there.zone), "end": None if one.end is None else iso(one.end, there.zone),
            "rotation_virtual_start": iso(one.virtual_start or one.start, there.zone), "rotation_turn_length_seconds": one.turn,
            "users": [{"user": user(who)} for who in one.users],
            "restrictions": [
                {"type": "daily_restriction" if each.day is None else "weekly_restriction", "duration_seconds": each.duration,
                 "start_time_of_day": f"{each.at // 3600:02d}:{each.at // 60 % 60:02d}:00",
                 **({} if each.day is None else {"start_day_of_week": each.day + 1})}
                for each in one.restrictions
            ],
        }
        for one in reversed(there.layers)
    ]  # fmt: skip
    overrides = [
        {"id": one.id, "start": iso(one.start), "end": iso(one.end), "user": user(one.user)} for one in there.overrides.values()
    ]
    return {
        "schedule": {"id": there.id, "type": "schedule", "name": there.name, "time_zone": there.zone, "schedule_layers": layers},
        "overrides": overrides,
    }


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(accounts())
def test_whoever_pagerduty_shows_is_on_call_after_an_import(there: Schedule) -> None:
    config = loaded(as_yaml(imported("pagerduty", json.dumps(exported(there)).encode())))
    (schedule,) = config.rota.schedules.values()
    since, until = BASE - 2 * DAY, BASE + 35 * DAY
    ours = {(one.start, one.end, one.person) for one in shifts(schedule, Window(since, until))}
    people = {person.accounts["pagerduty"]: id_ for id_, person in config.rota.people.items()}
    theirs = [(start, end, people[user]) for start, end, user, _ in there.pieces(since, until)]

    def on(pieces: Any, at: int) -> list[str]:
        return sorted({who for start, end, who in pieces if start <= at < end})

    for at in range(since, until, 1800):
        assert on(ours, at) == on(theirs, at), datetime.fromtimestamp(at, UTC)


# --- what is printed always loads ------------------------------------------------------------------

KEYS = [
    "id",
    "name",
    "title",
    "summary",
    "description",
    "time_zone",
    "timezone",
    "schedule_layers",
    "layers",
    "overrides",
    "users",
    "participants",
    "members",
    "groups",
    "start",
    "end",
    "rotation_virtual_start",
    "rotation_turn_length_seconds",
    "restrictions",
    "type",
    "duration_seconds",
    "start_time_of_day",
    "start_day_of_week",
    "user",
    "email",
    "team",
    "teams",
    "rotation_type",
    "handoff_time",
    "handoff_day",
    "rotation_interval_days",
    "layer_number",
    "effective_from",
    "effective_until",
    "user_id",
    "start_at",
    "end_at",
    "layer_name",
    "mode",
    "layer_start",
    "layer_end",
    "rotation_unit",
    "rotation_value",
    "fair_rotation",
    "restrict_mode",
    "restrict_periods",
    "restrict_start",
    "restrict_end",
    "day_mask",
    "repeat",
    "mask_continuous_enabled",
    "person_ids",
    "role_id",
    "weight",
    "start_time",
    "custom_hours",
    "joined_at",
    "days_of_week",
    "time_of_day",
    "role",
    "final_schedule",
    "rendered_schedule_entries",
    "created_at",
]
WORDS = [
    "daily",
    "weekly",
    "custom",
    "hour",
    "day",
    "week",
    "month",
    "UTC",
    "Europe/Berlin",
    "09:00",
    "23:59",
    "24:00",
    "monday",
    "daily_restriction",
    "weekly_restriction",
    "2026-03-02T09:00:00Z",
    "2026-03-29T02:30:00+01:00",
    "2026-10-25T02:30",
    "9999-12-31T00:00:00Z",
    "all",
    "none",
    "true",
    "-1",
    "a@b.example",
]
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 10), st.integers(1_700_000_000, 1_900_000_000), st.integers(),
    st.sampled_from((*WORDS, "x: {y}", "# no", "Ana Lima")), st.text(max_size=60),
    st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip
ANYTHING = st.recursive(
    SCALARS, lambda inside: st.one_of(st.lists(inside, max_size=3), st.dictionaries(st.sampled_from(KEYS), inside, max_size=8))
)


def some(*names: str, **fixed: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={**dict.fromkeys(names, SCALARS), **fixed})


WHO = st.one_of(SCALARS, st.sampled_from(USERS), some("id", "name", "summary", "email", "joined_at"))
SEVERAL = st.lists(WHO, max_size=4)
TIMES = st.sampled_from(("2026-03-02T09:00:00Z", "2026-03-29T02:30:00+01:00", "2026-10-25T01:30:00Z", "2026-01-31T23:59:00Z"))
SECONDS = st.one_of(st.integers(0, 700_000), st.sampled_from((3600, 86_400, 604_800, 32_400, 64_800, 86_340)))
PERIOD = st.fixed_dictionaries({"restrict_start": SECONDS, "restrict_end": SECONDS})
MOMENTS = st.integers(1_700_000_000, 1_800_000_000)
MEMBER = st.fixed_dictionaries({"role_id": st.integers(0, 2), "person_ids": st.lists(st.integers(1, 4), max_size=2)})
GROUP = st.fixed_dictionaries({"members": st.lists(MEMBER, max_size=2)})
OVERRIDE = some("user_id", "reason", start=TIMES, end=TIMES, start_at=TIMES, end_at=TIMES, user=WHO)
OVERRIDES = st.lists(OVERRIDE, max_size=3)


def several(needed: dict[str, st.SearchStrategy[Any]], **more: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.fixed_dictionaries(needed, optional=more), max_size=3)


CLOSE = {
    "pagerduty": some(
        "name",
        "description",
        "time_zone",
        overrides=OVERRIDES,
        schedule_layers=several(
            {
                "start": TIMES,
                "rotation_turn_length_seconds": SECONDS.filter(bool),
                "users": st.lists(st.fixed_dictionaries({"user": some("id", "summary", "email")}), max_size=3),
            },
            name=SCALARS,
            end=TIMES,
            rotation_virtual_start=TIMES,
            restrictions=several(
                {
                    "type": st.sampled_from(("daily_restriction", "weekly_restriction")),
                    "start_time_of_day": st.just("18:30:00"),
                    "duration_seconds": SECONDS,
                    "start_day_of_week": st.integers(1, 7),
                }
            ),
        ),
    ),
    "siteqwality": some(
        "name",
        "timezone",
        "created_at",
        users=st.lists(some("id", "name", "email"), max_size=3),
        overrides=OVERRIDES,
        layers=several(
            {
                "rotation_type": st.sampled_from(("daily", "weekly", "custom", "custom_days")),
                "handoff_time": st.sampled_from(("09:00", "00:00", "23:59", "02:30")),
                "participants": st.lists(st.sampled_from(USERS), max_size=3),
            },
            layer_number=st.integers(-3, 3),
            handoff_day=st.integers(0, 6),
            rotation_interval_days=st.integers(1, 40),
            effective_from=TIMES,
            effective_until=TIMES,
            name=SCALARS,
        ),
    ),
    "flashduty": some(
        "schedule_name",
        "description",
        "team_id",
        "timezone",
        layers=several(
            {
                "layer_start": MOMENTS,
                "groups": st.lists(GROUP, max_size=3),
                "rotation_unit": st.sampled_from(("hour", "day", "week", "month")),
                "rotation_value": st.integers(1, 30),
            },
            mode=st.integers(0, 1),
            layer_name=SCALARS,
            layer_end=MOMENTS,
            handoff_time=SECONDS.filter(lambda n: n < WEEK),
            restrict_mode=st.integers(0, 2),
            restrict_periods=st.lists(PERIOD.filter(lambda one: max(one.values()) <= WEEK), max_size=3),
            day_mask=st.fixed_dictionaries({"repeat": st.lists(st.integers(0, 6), max_size=7)}),
            mask_continuous_enabled=st.booleans(),
            fair_rotation=st.booleans(),
        ),
    ),
    "onestack": some(
        "name",
        "timezone",
        "team",
        "template",
        start=TIMES,
        end=TIMES,
        overrides=OVERRIDES,
        layers=several(
            {"rotation_type": st.sampled_from(("daily", "weekly", "custom")), "members": SEVERAL},
            name=SCALARS,
            timezone=SCALARS,
            role=SCALARS,
            custom_hours=st.integers(1, 400),
            start=TIMES,
            end=TIMES,
            start_time=st.sampled_from(("09:00", "9:00 PM", "00:00")),
            restrictions=several(
                {},
                days_of_week=st.lists(st.sampled_from(("mon", "sunday", 3)), max_size=3),
                start=st.just("09:00"),
                end=st.sampled_from(("17:00", "23:59", "02:00")),
            ),
        ),
    ),
}


def prints_what_loads(product: str, value: Any) -> None:
    try:
        text = as_yaml(imported(product, json.dumps(value).encode("utf-8", "surrogatepass"), now=BASE))
    except NotImportable as error:
        said = str(error)
    else:
        loaded(text)
        return
    assert said
    assert "\n" not in said


@pytest.mark.parametrize("product", PRODUCTS)
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_looks_like_a_schedule_prints_what_loads(product: str, data: st.DataObject) -> None:
    prints_what_loads(product, data.draw(CLOSE[product]))


@pytest.mark.parametrize("product", PRODUCTS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=ANYTHING)
@example(value={"schedule_layers": [], "layers": [], "name": "\ud800 \x00 # x: {"})
@example(value={"schedule_layers": [], "layers": [], "name": "x" * 500, "description": "\t\x85\u2028" * 400})
def test_anything_at_all_prints_what_loads_or_is_refused(product: str, value: Any) -> None:
    prints_what_loads(product, value)
