"""Finds what keeps notices from arriving: addresses nobody understands, people whom nothing reaches, what fails now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from syncd.connector import Finding
from syncd.core.audience import Kind, admins_of, readers
from syncd.core.model import Rota, Schedule
from syncd.herald.ways import Channels
from syncd.notify.channel import INSTALL, installed, problem_of

FAILING = "notices failing"
"""The store's fact: reader → since when nothing arrives there, and why."""


def findings(channels: Channels, failing: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """For `doctor`, without sending anything. `failing`: the fact of that name."""
    if not channels.any:
        yield Finding(what="channels", ok=True, text="none is configured, so nobody is told anything (docs/notices.md)")
        return
    if not installed():
        yield Finding(what="channels", ok=False, text="Apprise is not installed, so nothing can be sent", remedy=INSTALL)
        return
    yield from _addresses(channels)
    for schedule in channels.config.rota.schedules.values():
        yield from _people(channels, schedule)
    for one in failing.values():
        who = f"{one['channel']} ({one['person']})" if one["person"] else one["channel"]
        to = f" --person {one['person']}" if one["person"] else ""
        remedy = f"once it is mended: syncd notices test {one['channel']}{to}"
        yield Finding(
            what="delivery", ok=False, text=f"{who}: nothing arrives since {one['since']}: {one['reason']}", remedy=remedy
        )


def members_of(schedule: Schedule) -> tuple[str, ...]:
    """Everybody in one of its rosters."""
    rosters = (roster for layer in schedule.layers for roster in layer.rosters)
    return tuple(dict.fromkeys(person for roster in rosters for group in roster.groups for person in group))


def _addresses(channels: Channels) -> Iterator[Finding]:
    rota = channels.config.rota
    listed = {name for team in rota.teams.values() for name in team.channels}
    for name, url in channels.addresses("").items():
        try:
            why = problem_of(url.reveal())
        except (OSError, KeyError):
            why = f"{url.where} is not there or cannot be read"
        if why:
            yield Finding(what="channels", ok=False, text=f"{name}: {why}", remedy="the forms are in docs/notices.md")
        elif name in channels.ways("").personal:
            if any(person.email for person in rota.people.values()):
                yield Finding(what="channels", ok=True, text=f"{name}: personal, to each person's `email`")
            else:
                yield Finding(what="channels", ok=False, text=f"{name}: nobody has an `email`", remedy="write it under `people:`")
        elif name in listed:
            yield Finding(what="channels", ok=True, text=f"{name}: a group channel")
        else:
            remedy = f"write `channels: [{name}]` under a team"
            yield Finding(what="channels", ok=True, text=f"{name}: no team lists it, so nothing is sent there", remedy=remedy)


def _people(channels: Channels, schedule: Schedule) -> Iterator[Finding]:
    rota, ways = channels.config.rota, channels.ways(schedule.id)
    if not readers(rota, ways, schedule.id, Kind.SERVICE, (), {}):
        text = f"{schedule.id}: what is told to its admins reaches nobody"
        remedy = "give an admin an `email` and a `mailto` channel, or its team a channel"
        yield Finding(what="readers", ok=True, text=text, remedy=remedy)
    people = dict.fromkeys([*members_of(schedule), *admins_of(rota, schedule.id)])
    if lost := [one for one in people if not (ways.personal and _email(rota, one))]:
        text = f"{schedule.id}: {', '.join(lost)} cannot be told of a handoff or a change of their duty"
        why = "an `email` is missing" if ways.personal else "there is no `mailto` channel"
        yield Finding(what="readers", ok=True, text=text, remedy=why)


def _email(rota: Rota, person: str) -> str | None:
    return rota.people[person].email if person in rota.people else None
