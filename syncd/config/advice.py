"""Warnings about what is allowed but probably not meant: core finds them, here they get their places in the file."""

from __future__ import annotations

from collections.abc import Mapping

from syncd.config.problem import Report
from syncd.config.shape import Item, Section
from syncd.core.model import DAY, HOUR, Instant, Rota, Schedule, Unit, Window
from syncd.core.surprises import across, surprises

AHEAD = 30 * DAY
"""How far ahead people's duties are looked at."""
MOST_OVERRIDES = 500
MOST_OVERLAPS = 50
"""More of them are bulk, not a slip; and a warning for each pair would cost the square of their number."""
MOST_SHIFTS = 20_000
_LENGTH = {Unit.HOUR: HOUR, Unit.DAY: DAY, Unit.WEEK: 7 * DAY, Unit.MONTH: 30 * DAY}


def advise(rota: Rota, sections: Mapping[str, Item], now: Instant, report: Report) -> None:
    """Reports core's surprises about every schedule that is small enough to be looked through in no time."""
    left = MOST_SHIFTS
    for id_, schedule in rota.schedules.items():
        section: Section = sections[id_].value
        left -= _shifts(schedule)
        if left < 0 or len(schedule.overrides) > MOST_OVERRIDES or _overlaps(schedule) > MOST_OVERLAPS:
            report.warn(section.node, section.path, "too large to look for what may not be meant", "keep bulk in the store")
            continue
        for found in surprises(rota, schedule, Window(now, now + AHEAD)):
            report.warn(section.place(*found.path), section.at(*found.path), found.text, found.remedy)
    if left >= 0:
        for id_, found in across(rota, Window(now, now + AHEAD)):
            section = sections[id_].value
            report.warn(section.node, section.path, found.text, found.remedy)


def _shifts(schedule: Schedule) -> int:
    """About how many shifts its layers have in that time."""
    count = 0
    for layer in schedule.layers:
        turns = AHEAD // (_LENGTH[layer.rotation.unit] * layer.rotation.every) if layer.rotation else 0
        people = max((len(group) for roster in layer.rosters for group in roster.groups), default=0)
        count += (1 + turns + len(layer.windows) * 30) * max(1, people) + len(layer.rosters)
    return count


def _overlaps(schedule: Schedule) -> int:
    """Pairs of overrides that share an instant, counted until there are too many."""
    count = 0
    ends: list[Instant] = []
    for one in sorted(schedule.overrides, key=lambda one: one.start):
        ends = [end for end in ends if end > one.start]
        count += len(ends)
        ends.append(one.end)
        if count > MOST_OVERLAPS:
            break
    return count
