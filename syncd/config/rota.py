"""From the keys of the file to the rota: people, roles, teams and schedules, with every reference looked up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.config.layers import check, layer
from syncd.config.names import Names
from syncd.config.overrides import away, contradictions, override
from syncd.config.problem import Report, shown
from syncd.config.shape import Item, Section
from syncd.core.model import Holidays, Layer, Overlap, Override, Person, Role, Rota, Schedule, Team


def names_of(top: Section, report: Report) -> Names:
    """All that the file defines. What could not be read counts: it is reported where it stands, not where it is used."""
    return Names(
        report,
        {
            "person": _written(top, "people"),
            "role": _written(top, "roles"),
            "team": _written(top, "teams"),
            "schedule": _written(top, "schedules"),
        },
    )


def read_rota(top: Section, schedules: Mapping[str, Item], names: Names) -> Rota:
    """`top`: the file's keys; `schedules`: id → its `Section`, template included."""
    report = names.report
    people = {id_: _person(id_, item.value) for id_, item in top["people"].items()}
    roles = {
        id_: Role(id=id_, title=item.value["title"] or id_, people=item.value["people"]) for id_, item in top["roles"].items()
    }
    rota = Rota(
        timezone=top["timezone"],
        people=people,
        roles=roles,
        teams={id_: _team(id_, item.value, names) for id_, item in top["teams"].items()},
        schedules={id_: _Schedule(id_, item.value, top, names).read() for id_, item in schedules.items()},
        holidays=holidays(top["holidays"]),
    )
    _distinct_people(top["people"], report)
    _distinct_titles(schedules, rota, report)
    _distinct_overrides(schedules, report)
    return rota


def _written(top: Section, key: str) -> tuple[str, ...]:
    node = top.place(key)
    return tuple(node.entries) if node is not top.node and node.kind == "mapping" else ()


def holidays(section: Section | None) -> Holidays | None:
    if section is None:
        return None
    return Holidays(country=section["country"], subdivision=section["subdivision"], also=section["also"])


def _person(id_: str, section: Section) -> Person:
    return Person(
        id=id_,
        name=section["name"] or id_,
        email=section["email"],
        phone=section["phone"],
        timezone=section["timezone"],
        aliases=tuple(item.value for item in section["aliases"]),
        accounts={name: item.value for name, item in section["accounts"].items()},
        holidays=holidays(section["holidays"]),
    )


def _team(id_: str, section: Section, names: Names) -> Team:
    return Team(
        id=id_,
        title=section["title"] or id_,
        people=names.all("person", section["people"]),
        channels=tuple(dict.fromkeys(item.value for item in section["channels"])),
    )


class _Schedule:
    """One schedule while it is read: its zone and its roles are known before its layers and overrides."""

    def __init__(self, id_: str, section: Section, top: Section, names: Names) -> None:
        self.id = id_
        self.section = section
        self.names = names
        self.report = names.report
        self.zone: str = section["timezone"] or top["timezone"]

    def read(self) -> Schedule:
        section = self.section
        layers = self._layers()
        used = tuple(dict.fromkeys(one.role for one in layers if one.role))
        limits: Section | None = section["limits"]
        schedule = Schedule(
            id=self.id,
            title=section["title"] or self.id,
            timezone=self.zone,
            layers=layers,
            start=section["start"],
            end=section["end"],
            description=section["description"],
            team=self.names.of("team", section, "team"),
            admins=self.names.all("person", section["admins"]),
            needs=self._needs(section["needs"]),
            override_overlap=section["override_overlap"],
            approval=section["approval"],
            handoff_note=section["handoff_note"],
            holidays=holidays(section["holidays"]),
            longest=limits["shift"] if limits else None,
            rest=limits["rest"] if limits else None,
            overrides=self._overrides(used, section["override_overlap"]),
            away=tuple(found for item in section["away"] if (found := away(item.value, self.zone, self.names)) is not None),
        )
        self._order(schedule)
        if not section.bad & {"start", "end", "timezone"}:
            for item, one in zip(section["layers"], layers, strict=True):
                check(item.value, one, schedule, self.report)
        return schedule

    def _layers(self) -> tuple[Layer, ...]:
        names: dict[str, Item] = {}
        layers = []
        for number, item in enumerate(self.section["layers"], 1):
            name = item.value["name"] or f"layer-{number}"
            if name in names:
                self.report.error(
                    item.value.place("name"),
                    item.value.at("name"),
                    f"two layers are named {shown(name)}",
                    f"the other stands in line {names[name].node.line}",
                )
            names[name] = item
            layers.append(layer(item.value, name, self.zone, self.names))
        return tuple(layers)

    def _overrides(self, used: tuple[str, ...], overlap: Overlap) -> tuple[Override, ...]:
        overrides: dict[str, Override] = {}
        items: dict[str, Item] = {}
        for item in self.section["overrides"]:
            found = override(item.value, self.id, self.zone, used, self.names)
            if found is None:
                continue
            if found.id in overrides:
                same = "id" not in item.value
                (self.report.warn if same else self.report.error)(
                    item.node,
                    item.path,
                    "this override stands here twice" if same else f"two overrides have the id {shown(found.id)}",
                    "take one away" if same else "give each its own",
                )
                continue
            overrides[found.id] = found
            items[found.id] = item
        if overlap is Overlap.REJECT:
            for one, other in contradictions(overrides.values()):
                self.report.error(
                    items[other.id].node,
                    items[other.id].path,
                    f"it contradicts the override in line {items[one.id].node.line}, and `override_overlap` is `reject`",
                    "shorten one of them, or choose another `override_overlap`",
                )
        return tuple(overrides.values())

    def _needs(self, needs: Mapping[str, Item]) -> dict[str, Any]:
        return {
            role: item.value for role, item in needs.items() if self.names.one("role", role, item.node, item.path) is not None
        }

    def _order(self, schedule: Schedule) -> None:
        if schedule.start and schedule.end and not _before(schedule.start, schedule.end, self.zone):
            self.section.error(self.report, "end", "`end` is not after `start`", "a period needs some length")


def _before(start: Any, end: Any, zone: str) -> bool:
    from syncd.core.zone import instant

    return instant(start, zone) < instant(end, zone)


def _distinct_people(people: Mapping[str, Item], report: Report) -> None:
    """Two people with one account: each would be taken for the other (MERGE.md rule 27)."""
    emails: dict[str, str] = {}
    accounts: dict[tuple[str, str], str] = {}
    names: dict[str, str] = {}
    for id_, item in people.items():
        section: Section = item.value
        email = section["email"]
        if email is not None and (other := emails.setdefault(email.casefold(), id_)) != id_:
            section.error(report, "email", f"{other} has the same e-mail address", "give each their own account")
        for kind, account in section["accounts"].items():
            if (other := accounts.setdefault((kind, account.value.casefold()), id_)) != id_:
                section.error(report, f"accounts.{kind}", f"{other} has the same account", "give each their own account")
        called = {one.casefold(): "name" for one in (section["name"],) if one}
        called |= {alias.value.casefold(): "aliases" for alias in section["aliases"]}
        for name, key in called.items():
            if (other := names.setdefault(name, id_)) != id_:
                section.warn(report, key, f"{other} has the same name", "tell them apart, or titles that name them mean nobody")


def _distinct_titles(schedules: Mapping[str, Item], rota: Rota, report: Report) -> None:
    titles: dict[str, str] = {}
    for id_, item in schedules.items():
        title = rota.schedules[id_].title
        if (other := titles.setdefault(title, id_)) != id_:
            item.value.error(report, "title", f"the schedule {other} has the same title", "titles are unique")


def _distinct_overrides(schedules: Mapping[str, Item], report: Report) -> None:
    """What the store remembers of an override is by its id alone."""
    seen: dict[str, str] = {}
    for id_, schedule in schedules.items():
        for item in schedule.value["overrides"]:
            given = item.value["id"]
            if given is not None and (other := seen.setdefault(given, id_)) != id_:
                item.value.error(report, "id", f"an override of the schedule {other} has this id", "give each its own")
