"""One layer: who takes turns, and when it is on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from syncd.config.names import Names
from syncd.config.shape import Item, Section
from syncd.core.model import Boundary, Group, Layer, Roster, Rotation
from syncd.core.zone import instant


def layer(section: Section, name: str, zone: str, names: Names) -> Layer:
    """The layer as core has it. Its role is empty where that was reported."""
    zone = section["timezone"] or zone
    windows = section["windows"]
    report = names.report
    if section["days"] is not None:
        if any(window.weekly for window in windows):
            section.error(
                report,
                "days",
                "`days` does not go together with weekly windows",
                "name the days in the windows",
            )
        elif not section["days"]:
            section.warn(report, "days", "names no day, so the layer is never on", "leave it out for every day")
    elif section["boundary"] is Boundary.SHIFT and "days" not in section.bad:
        section.error(report, "boundary", "`boundary: shift` decides what `days` cuts, and there is none", "add `days`")
    start, end = section["from"], section["until"]
    if start and end and instant(start, zone) >= instant(end, zone):
        section.error(report, "until", "`until` is not after `from`", "a period needs some length")
    return Layer(
        name=name,
        role=_role(section, names),
        timezone=zone,
        rosters=_rosters(section, zone, names),
        priority=section["priority"],
        rotation=_rotation(section["rotation"], names),
        start=start,
        end=end,
        days=section["days"],
        windows=windows,
        boundary=section["boundary"],
        on_away=section["on_away"],
    )


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


def _rotation(section: Section | None, names: Names) -> Rotation | None:
    if section is None or "unit" not in section:
        return None
    if section["every"] > 30:
        section.warn(names.report, "every", "a turn of more than 30 units is unusual", "a larger unit may say it better")
    return Rotation(**{key.name: section[key.name] for key in section.shape.keys})


def _rosters(section: Section, zone: str, names: Names) -> tuple[Roster, ...]:
    members = section["members"]
    if members is None:
        return ()
    if not members or not isinstance(members[0], Item):
        return (Roster(since=None, groups=_groups(members, names)),)
    rosters: list[tuple[int, Roster]] = []
    for item in members:
        dated: Section = item.value
        since: datetime | None = dated["from"]
        if since is None and rosters and "from" not in dated.bad:
            dated.error(names.report, "from", "only the first roster may leave out `from`", "say when this one takes over")
        order = instant(since, zone) if since is not None else -(1 << 62)
        if any(other == order for other, _ in rosters):
            dated.error(names.report, "from", "two rosters take over at the same time", "keep one")
        rosters.append((order, Roster(since=since, groups=_groups(dated["people"] or (), names), join=dated["join"])))
    return tuple(roster for _, roster in sorted(rosters, key=lambda pair: pair[0]))


def _groups(members: tuple[Any, ...], names: Names) -> tuple[Group, ...]:
    groups = []
    for member in members:
        group = names.all("person", (Item(*one) for one in member))
        if group:
            groups.append(group)
    return tuple(groups)
