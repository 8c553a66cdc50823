"""Decides who is told what, and where: admins, those it is about, group channels, and what each chose (DESIGN.md section 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from syncd.core.model import Rota

Choices = Mapping[tuple[str, str, str], Any]
"""(person, channel, kind) → what was chosen. Person "" is the channel itself, channel "" all of a person's channels."""


class Kind(StrEnum):
    """What can be switched on and off; the value is the word that people write."""

    ATTENTION = "attention"
    REMOVED = "removed"
    IMPORT = "import"
    CONFLICT = "conflict"
    HOLD = "hold"
    HANDOFF = "handoff"
    DAILY = "daily"
    CHANGED = "changed"
    GAPS = "gaps"
    APPROVAL = "approval"
    SERVICE = "service"


class _Audience(NamedTuple):
    admins: bool
    about: bool
    default: bool = True


AUDIENCES: dict[Kind, _Audience] = {
    Kind.ATTENTION: _Audience(admins=True, about=False),
    Kind.REMOVED: _Audience(admins=True, about=True, default=False),
    Kind.IMPORT: _Audience(admins=True, about=True),
    Kind.CONFLICT: _Audience(admins=True, about=True),
    Kind.HOLD: _Audience(admins=True, about=False),
    Kind.HANDOFF: _Audience(admins=False, about=True),
    Kind.DAILY: _Audience(admins=False, about=True),
    Kind.CHANGED: _Audience(admins=False, about=True),
    Kind.GAPS: _Audience(admins=True, about=False),
    Kind.APPROVAL: _Audience(admins=True, about=False),
    Kind.SERVICE: _Audience(admins=True, about=False),
}

_SAID = {"R": Kind.REMOVED, "I": Kind.IMPORT, "C": Kind.CONFLICT, "H": Kind.HOLD, "recovered": Kind.ATTENTION}


def kind_of(said: str) -> Kind:
    """The kind of a notice as the outbox has it; what is not known concerns the service itself."""
    if said in _SAID:
        return _SAID[said]
    return Kind(said) if said in list(Kind) else Kind.SERVICE


def concerned(kind: Kind, said: Mapping[str, Any]) -> tuple[str, ...]:
    """The people whom a notice of the outbox is about: of a removal whoever gave way, else both sides (PROTOCOL.md section 4)."""
    named = [*said.get("about", ()), *said.get("had", ()), *(() if kind is Kind.REMOVED else said.get("rota", ()))]
    return tuple(dict.fromkeys(str(one).removeprefix("?") for one in named))


class Reader(NamedTuple):
    """Where one copy of a notice goes. `person` "": whoever reads that group channel."""

    channel: str
    person: str

    @property
    def key(self) -> str:
        """How the outbox knows that it has arrived."""
        return f"{self.channel} {self.person}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """The channels that count for a schedule, told apart. `follow_team`: what people chose themselves does not count."""

    personal: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    follow_team: bool = False


def admins_of(rota: Rota, schedule: str) -> tuple[str, ...]:
    """The schedule's admins, else those of its team; for "" (the service itself) the admins of all schedules."""
    if schedule not in rota.schedules:
        return tuple(dict.fromkeys(p for one in rota.schedules for p in admins_of(rota, one))) if not schedule else ()
    found = rota.schedules[schedule]
    team = rota.teams.get(found.team or "")
    return found.admins or (team.people if team else ())


def channels_of(rota: Rota, schedule: str) -> tuple[str, ...]:
    """What the schedule's team lists; for "" those of all teams that own one."""
    schedules = [rota.schedules[schedule]] if schedule in rota.schedules else [] if schedule else list(rota.schedules.values())
    teams = [rota.teams[one.team] for one in schedules if one.team is not None and one.team in rota.teams]
    return tuple(dict.fromkeys(channel for team in teams for channel in team.channels))


def people_on(
    rota: Rota, ways: Ways, people: Iterable[str], kind: Kind, choices: Choices, *, default: bool = True
) -> list[Reader]:
    """Their personal channels, as far as each of them has an address and wants it."""
    return [
        Reader(channel, person)
        for person in dict.fromkeys(people)
        if person in rota.people and rota.people[person].email
        for channel in ways.personal
        if wanted(choice(choices, ways, person, channel, kind), default)
    ]


def groups_on(rota: Rota, ways: Ways, schedule: str, kind: Kind, choices: Choices, *, default: bool = True) -> list[Reader]:
    listed = channels_of(rota, schedule)
    return [
        Reader(channel, "")
        for channel in ways.group
        if channel in listed and wanted(choice(choices, ways, "", channel, kind), default)
    ]


def readers(rota: Rota, ways: Ways, schedule: str, kind: Kind, about: Iterable[str], choices: Choices) -> tuple[Reader, ...]:
    """Everybody who is told of a notice of that kind, each once. `about`: the people whom it concerns."""
    audience = AUDIENCES[kind]
    people = [*(admins_of(rota, schedule) if audience.admins else ()), *(about if audience.about else ())]
    found = people_on(rota, ways, people, kind, choices, default=audience.default)
    if audience.admins:
        found += groups_on(rota, ways, schedule, kind, choices, default=audience.default)
    return tuple(dict.fromkeys(found))


def choice(choices: Choices, ways: Ways, person: str, channel: str, kind: Kind) -> Any:
    """What was chosen for this channel, else for all of them; None where nothing was, or where the team's word counts."""
    if person and ways.follow_team:
        return None
    found = choices.get((person, channel, kind.value))
    return found if found is not None or not person else choices.get((person, "", kind.value))


def wanted(chosen: Any, default: bool) -> bool:
    """A choice with particulars (a lead, a time) is a yes."""
    return default if chosen is None else bool(chosen)
