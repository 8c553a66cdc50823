"""One layer: who takes turns, and when it is on."""

from __future__ import annotations

from typing import Any

from syncd.config.names import Names
from syncd.config.problem import Report
from syncd.config.shape import Item, Section
from syncd.core.model import Group, Layer, Roster, Rotation, Schedule
from syncd.core.rotation import problems
from syncd.core.zone import instant


def layer(section: Section, name: str, zone: str, names: Names) -> Layer:
    """The layer as core has it. Its role is empty where that was reported."""
    zone = section["timezone"] or zone
    windows = section["windows"]
    report = names.report
    start, end = section["from"], section["until"]
    if start and end and instant(start, zone) >= instant(end, zone):
        section.error(report, "until", "`until` is not after `from`", "a period needs some length")
    return Layer(
        name=name,
        role=_role(section, names),
        timezone=zone,
        rosters=_rosters(section, zone, names),
        priority=section["priority"],
        rotation=_rotation(section["rotation"]),
        start=start,
        end=end,
        days=section["days"],
        windows=windows,
        boundary=section["boundary"],
        on_away=section["on_away"],
    )


def check(section: Section, one: Layer, schedule: Schedule, report: Report) -> None:
    """Core's rules about layers, where everything that they look at could be read."""
    rotation: Section | None = section["rotation"]
    dated = [item.value for item in section["members"] or () if isinstance(item, Item)]
    if not one.role or any(part.bad for part in (section, *dated, *([rotation] if rotation else []))):
        return
    for problem in problems(one, schedule):
        report.error(section.place(*problem.path), section.at(*problem.path), problem.text, problem.remedy)


def _role(section: Section, names: Names) -> str:
    if "role" in section:
        return names.of("role", section, "role") or ""
    known = list(names.known["role"])
    if len(known) == 1:
        return known[0]
    if "role" not in section.bad:
        why = "there are several" if known else "none is defined"
        section.error(names.report, "role", f"the layer names no role, and {why}", _which(known))
    return ""


def _which(known: list[str]) -> str:
    return f"add `role:` with one of {', '.join(known[:8])}" if known else "define one under `roles:`"


def _rotation(section: Section | None) -> Rotation | None:
    if section is None or "unit" not in section:
        return None
    return Rotation(**{key.name: section[key.name] for key in section.shape.keys})


def _rosters(section: Section, zone: str, names: Names) -> tuple[Roster, ...]:
    members = section["members"]
    if members is None:
        return ()
    if not members or not isinstance(members[0], Item):
        return (Roster(since=None, groups=_groups(members, names)),)
    dated: list[Section] = [item.value for item in members]
    return tuple(Roster(since=one["from"], groups=_groups(one["people"] or (), names), join=one["join"]) for one in dated)


def _groups(members: tuple[Any, ...], names: Names) -> tuple[Group, ...]:
    groups = []
    for member in members:
        group = names.all("person", (Item(*one) for one in member))
        if group:
            groups.append(group)
    return tuple(groups)
