"""Newer time zone data under a running rota: what it moves is shown before it is done (F20)."""

from __future__ import annotations

import sys
import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from importlib.resources import files
from pathlib import Path

import pytest

from syncd.core.model import DAY, Rota, Rotation, Unit
from syncd.cycle import Trigger
from tests.machine.story import SHAPES, A, at_rest, entry, h, story
from tests.machine.world import World


def read_anew(*folders: Path) -> None:
    """As a new process would: nothing that was worked out from the old data is left."""
    zoneinfo.reset_tzpath(to=[str(folder) for folder in folders])
    zoneinfo.ZoneInfo.clear_cache()
    for name, module in list(sys.modules.items()):
        if name.startswith("syncd.core"):
            for one in vars(module).values():
                if hasattr(one, "cache_clear"):
                    one.cache_clear()


@pytest.fixture
def newer(tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Puts other data in place: Berlin's clocks are those of another city."""
    before = [Path(folder) for folder in zoneinfo.TZPATH]

    def as_in(city: str) -> None:
        there = tmp_path / "Europe" / "Berlin"
        there.parent.mkdir(exist_ok=True)
        there.write_bytes(files("tzdata.zoneinfo").joinpath(*city.split("/")).read_bytes())
        read_anew(tmp_path, *before)

    yield as_in
    read_anew(*before)


def daily(rota: Rota) -> Rota:
    """A turn a day, from midnight to midnight in Berlin."""
    schedule = rota.schedules["s"]
    turns = Rotation(every=1, unit=Unit.DAY, anchor=datetime(2026, 3, 2))  # noqa: DTZ001 - local time of the layer
    layers = tuple(replace(layer, timezone="Europe/Berlin", rotation=turns) for layer in schedule.layers)
    return replace(rota, schedules={"s": replace(schedule, timezone="Europe/Berlin", layers=layers)})


def exported(world: World, days: int) -> World:
    world.rota = daily(world.rota)
    world.settings[0] = replace(world.settings[0], horizon=days * DAY)
    world.cycle()
    assert at_rest(world)
    return world


def changed_hands(world: World) -> tuple[str, str]:
    """Who is shown in the last hour before Berlin's first midnight, which the story has at hour 15, and in the hour after it."""
    (before,), (after,) = world.shown(0, h(14.5)), world.shown(0, h(15.5))
    return before, after


@pytest.mark.parametrize("shape", SHAPES)
def test_data_that_moves_more_than_three_shifts_waits_for_an_answer(shape: str, newer: Callable[[str], None]) -> None:
    with story(shape, A, exported=False) as w:
        exported(w, days=8)
        newer("Europe/London")
        report = w.cycle()
        assert report.decision is not None
        assert ["Europe/Berlin" in hold.reason for hold in report.decision.holds] == [True]
        assert changed_hands(w) == ("ana", "ben")
        w.cycle()
        assert changed_hands(w) == ("ana", "ben"), "still so in the next cycle"
        assert w.ack_all()
        w.settle()
        assert changed_hands(w) == ("ana", "ana")
        assert at_rest(w)


@pytest.mark.parametrize("shape", SHAPES)
def test_data_that_moves_few_shifts_moves_them(shape: str, newer: Callable[[str], None]) -> None:
    with story(shape, A, exported=False) as w:
        exported(w, days=2)
        newer("Europe/London")
        w.settle()
        assert changed_hands(w) == ("ana", "ana")


def test_data_that_changes_another_time_of_the_year_is_nobodys_business(newer: Callable[[str], None]) -> None:
    with story(exported=False) as w:
        exported(w, days=8)
        newer("Europe/Paris")
        assert entry(w, "ana", 0)
        assert at_rest(w)


def test_who_runs_the_export_lets_the_shifts_move(newer: Callable[[str], None]) -> None:
    with story(mode=A, exported=False) as w:
        exported(w, days=8)
        newer("Europe/London")
        w.cycle(trigger=Trigger.EXPORT)
        assert changed_hands(w) == ("ana", "ana")


def test_a_zone_that_newer_data_has_no_more_is_written_otherwise_in_the_rota_and_all_goes_on() -> None:
    with story(mode=A, exported=False) as w:
        exported(w, days=8)
        with w.store.write() as tx:
            known = tx.destinations.get("d0")
            assert known is not None
            zones = {"Europe/Nowhere": known.more["zones"]["Europe/Berlin"]}
            tx.destinations.put(replace(known, more={**known.more, "zones": zones}))
        assert at_rest(w)
