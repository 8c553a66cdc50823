"""Overrides and time off: their local times must be clear, and an override without an id is known by its content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import sha256

from syncd.config.names import Names
from syncd.config.shape import Item, Section
from syncd.core.model import Away, Instant, Override, iso
from syncd.core.overrides import contradict
from syncd.core.zone import ambiguous_or_missing, instant


def override(section: Section, schedule: str, zone: str, used: tuple[str, ...], names: Names) -> Override | None:
    """None where something in it was reported. `used`: the roles of the schedule's layers."""
    period = _period(section, zone, names)
    roles = _roles(section, used, names)
    people = names.all("person", section["people"] or ())
    replaces = _replaces(section, names)
    if period is None or not roles:
        return None
    start, end = period
    return Override(
        id=section["id"] or content_id(schedule, roles, people, replaces, start, end, section["reason"]),
        roles=roles,
        people=people,
        replaces=replaces,
        start=start,
        end=end,
        reason=section["reason"],
    )


def content_id(
    schedule: str,
    roles: tuple[str, ...],
    people: tuple[str, ...],
    replaces: tuple[str, ...] | None,
    start: Instant,
    end: Instant,
    reason: str,
) -> str:
    """`file-` and 12 hex digits of the content's hash: a cut or removal in the store is a mark against it.

    Order does not count where it means nothing, nor how a time was written.
    """
    parts = (
        schedule,
        ",".join(sorted(roles)),
        ",".join(people),
        "all" if replaces is None else ",".join(sorted(replaces)) or "none",
        iso(start),
        iso(end),
        reason,
    )
    return f"file-{sha256(chr(0).join(parts).encode()).hexdigest()[:12]}"


def away(section: Section, zone: str, names: Names) -> Away | None:
    """None where something in it was reported."""
    person = names.of("person", section, "person")
    period = _period(section, zone, names)
    if person is None or period is None:
        return None
    return Away(person=person, start=period[0], end=period[1], reason=section["reason"])


def contradictions(overrides: Iterable[Override]) -> Iterator[tuple[Override, Override]]:
    """Of the overrides that cannot hold together with an earlier one, each once, with that one."""
    here: list[Override] = []
    for new in sorted(overrides, key=lambda one: one.start):
        here = [old for old in here if old.end > new.start]
        other = next((old for old in here if contradict(old, new) and not set(old.roles).isdisjoint(new.roles)), None)
        if other is not None:
            yield other, new
        else:
            here.append(new)


def _period(section: Section, zone: str, names: Names) -> tuple[Instant, Instant] | None:
    clear = True
    for key in ("start", "end"):
        if key not in section:
            clear = False
            continue
        local: datetime = section[key]
        wrong = ambiguous_or_missing(local, zone)
        if wrong:
            clear = False
            what = "does not exist" if wrong == "missing" else "exists twice"
            section.error(
                names.report,
                key,
                f"{local:%Y-%m-%d %H:%M} {what} in {zone}: the clock changes there",
                "add the offset that is meant, such as +01:00",
            )
    if not clear:
        return None
    start, end = instant(section["start"], zone), instant(section["end"], zone)
    if start >= end:
        section.error(names.report, "end", "`end` is not after `start`", "a period needs some length")
        return None
    return start, end


def _roles(section: Section, used: tuple[str, ...], names: Names) -> tuple[str, ...]:
    if "roles" in section.bad:
        return ()
    roles = section["roles"]
    if roles == "all":
        if len(used) > 1:
            section.warn(names.report, "roles", f"`all` is {len(used)} roles at once: {', '.join(used)}", "name those meant")
        if not used:
            section.error(names.report, "roles", "`all` is no role here: no layer has one", "name the role")
        return used
    if roles is not None:
        if not roles:
            section.error(names.report, "roles", "names no role", "name one, or leave it out where there is one")
        return names.all("role", roles)
    if len(used) == 1:
        return used
    known = list(names.known["role"])
    if not used and len(known) == 1:
        return (known[0],)
    section.error(
        names.report,
        "roles",
        f"the override names no role, and the layers use {len(used)}",
        f"add `roles:` with some of {', '.join((list(used) or known)[:8])}",
    )
    return ()


def _replaces(section: Section, names: Names) -> tuple[str, ...] | None:
    replaces = section["replaces"]
    if replaces == "all" or replaces is None:
        return None
    if replaces == "none":
        return ()
    if isinstance(replaces, str):
        person = names.one("person", replaces, section.place("replaces"), section.at("replaces"))
        return (person,) if person else ()
    items: tuple[Item, ...] = replaces
    return names.all("person", items)
