"""Whether what the file says in different places goes together: destinations, accounts, channels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from syncd.config.options import Options
from syncd.config.problem import Report
from syncd.config.settings import Destination, Notices
from syncd.config.shape import Item, Section
from syncd.core.model import Person, Rota


def check_pagers(destinations: Mapping[str, Destination], items: Mapping[str, Item], options: Options, report: Report) -> None:
    """Of two that show whoever is paged in one schedule, each removes what the other wrote (MERGE.md rule 27)."""
    shown: dict[tuple[str, str], str] = {}
    for name, destination in destinations.items():
        capabilities = options.capabilities(destination.kind)
        schedule = getattr(destination.options, "schedule", None)
        if capabilities is None or not capabilities.exclusive or not schedule:
            continue
        where = (str(getattr(destination.options, "base_url", None) or "").rstrip("/"), str(schedule))
        if (other := shown.setdefault(where, name)) != name:
            items[name].value.error(
                report,
                "options.schedule",
                f"the destination {other} has the same schedule: each would remove what the other writes",
                "give each a schedule of its own",
            )


def check_room(
    destinations: Mapping[str, Destination], items: Mapping[str, Item], rota: Rota, options: Options, report: Report
) -> None:
    """A role of more people than a destination can show at once (MERGE.md rule 24)."""
    for name, destination in destinations.items():
        capabilities, role = options.capabilities(destination.kind), rota.roles.get(destination.role)
        if capabilities and role and capabilities.people is not None and role.people > capabilities.people:
            items[name].value.error(
                report,
                "role",
                f"{role.people} people may hold {role.id}, and a {destination.kind} shows {capabilities.people} at a time",
                "show it elsewhere, or split the role",
            )


def check_accounts(people: Mapping[str, Item], rota: Rota, destinations: Mapping[str, Destination], report: Report) -> None:
    """Every account is of a kind or destination there is, and of one person (MERGE.md rule 27)."""
    known = set(destinations) | set(chain.from_iterable(_kinds(one.kind) for one in destinations.values()))
    for item in people.values():
        for key, account in item.value["accounts"].items():
            if key not in known:
                known.update(_installed())
            if key not in known:
                report.unknown(account.node, account.path, "kind or destination", key, sorted(known))
    for name, destination in destinations.items():
        holders: dict[str, tuple[str, str]] = {}
        for id_, person in rota.people.items():
            key, account = _account(person, name, destination.kind)
            if not account:
                continue
            other, other_key = holders.setdefault(account.casefold(), (id_, key))
            # Where both say it under one key it was found when the people were read.
            if other != id_ and key != other_key:
                section: Section = people[id_].value
                section.error(
                    report, key, f"{other} has the same account at the destination {name}", "give each their own account"
                )


def _account(person: Person, destination: str, kind: str) -> tuple[str, str]:
    """The key that names the account at a destination, and the account."""
    for key in (destination, *_kinds(kind)):
        if key in person.accounts:
            return f"accounts.{key}", person.accounts[key]
    return "email", person.email or ""


def _kinds(kind: str) -> Iterator[str]:
    """An account of `pagerduty` serves `pagerduty_v3` too: one vendor, one list of users."""
    yield kind
    if kind.endswith("_v3"):
        yield kind.removesuffix("_v3")


def _installed() -> list[str]:
    from syncd.registry import kinds

    return kinds()


def check_channels(teams: Mapping[str, Item], notices: list[Notices], report: Report) -> None:
    """A team's channels are some of `notices`. Where no channel is configured at all, nothing is sent: a warning."""
    known = dict.fromkeys(chain.from_iterable(one.channels for one in notices))
    for item in teams.values():
        for channel in item.value["channels"]:
            if channel.value in known:
                continue
            if known:
                report.unknown(channel.node, channel.path, "channel", channel.value, known, "define it under `notices.channels:`")
            else:
                report.warn(channel.node, channel.path, "no channel is configured", "define it under `notices.channels:`")


def check_reach(people: Mapping[str, Item], rota: Rota, notices: Mapping[str, Notices], report: Report) -> None:
    """Who is on call and has no e-mail is told nothing personally, whatever the channels: a warning, once a person."""
    told = (one for id_, one in rota.schedules.items() if notices[id_].channels)
    rosters = (roster for one in told for layer in one.layers for roster in layer.rosters)
    members = dict.fromkeys(person for roster in rosters for group in roster.groups for person in group)
    for id_ in members:
        if id_ in people and id_ in rota.people and not rota.people[id_].email:
            problem = f"{id_} is on call and has no `email`: no handoff and no change of duty can be told to them"
            report.warn(people[id_].node, people[id_].path, problem, "write it, or tell them otherwise")
