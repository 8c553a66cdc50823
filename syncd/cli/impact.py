"""`syncd impact`: whose future shifts would move if another file became the configuration, and by how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from syncd.cli import Command
from syncd.cli.session import Session, with_session
from syncd.cli.show import as_json, span, table, utc, when
from syncd.core.impact import Impact, Shown, effect
from syncd.core.impact import impact as compared
from syncd.core.model import Person, Rota, Schedule, Window

if TYPE_CHECKING:
    from syncd.config import Config
    from syncd.store import Tx


@click.command(cls=Command)
@click.argument("file", metavar="FILE")
@click.option("--from", "start", metavar="T", help="Default: now.")
@click.option("--to", "end", metavar="T", help="Default: 30 days after --from.")
@with_session
def impact(session: Session, file: str, start: str | None, end: str | None) -> None:
    """Who would be on call for more or less, and when, if FILE became the configuration; nothing is changed.

    Overrides and time off of the store count in both. Destinations are not called: what their first cycle would do is worked
    out as if each showed the rota of today.

    With --json: {"from", "to", "changes": [{"schedule", "role", "person", "seconds", "gained", "lost"}], "moves": [{"schedule",
    "role", "person", "before", "after", "start_seconds", "end_seconds"}], "gaps": those that it would open, as `syncd gaps`
    has them, "destinations": [{"destination", "actions": {"create", "replace", "delete"}, "holds": reasons, "note"}]}. Periods
    are {"start", "end"}; `seconds` is how much more (negative: less) the person would be on call.
    """
    window = session.period(start, end, session.rota.timezone)
    other = session.another(Path(file))
    with session.look() as tx:
        before, after = (_with_store(session, rota, tx) for rota in (session.rota, other.rota))
    found = compared(before, after, window)
    destinations = _destinations(session, before, after, other)
    if session.json:
        as_json({"from": utc(window.start), "to": utc(window.end), **_json(found), "destinations": destinations})
        return
    _tell({**before.people, **after.people}, found, destinations, {**before.schedules, **after.schedules})


def _with_store(session: Session, rota: Rota, tx: Tx | None) -> Rota:
    return replace(rota, schedules={id_: session.in_force(one, tx) for id_, one in rota.schedules.items()})


def _destinations(session: Session, before: Rota, after: Rota, other: Config) -> list[dict[str, Any]]:
    """Every destination of either file at which something would change."""
    told = []
    for name in dict.fromkeys([*session.config.destinations, *other.destinations]):
        was, will = (_shown(config, rota, name) for config, rota in ((session.config, before), (other, after)))
        if will is None:
            note = "no longer configured: what it shows is left as it is"
            told.append({"destination": name, "actions": {}, "holds": [], "note": note})
            continue
        found = effect(name, was, will, session.now)
        note = "new" if was is None else ""
        if not found.empty or note:
            told.append({"destination": name, "actions": dict(found.actions), "holds": list(found.holds), "note": note})
    return told


def _shown(config: Config, rota: Rota, name: str) -> Shown | None:
    settings = config.destinations.get(name)
    if settings is None or settings.schedule not in rota.schedules:
        return None
    role = rota.roles.get(settings.role)
    return Shown(
        schedule=rota.schedules[settings.schedule],
        role=settings.role,
        mode=settings.mode,
        horizon=settings.horizon,
        limits=settings.limits,
        people=role.people if role else 1,
    )


def _json(found: Impact) -> dict[str, Any]:
    return {
        "changes": [
            {
                "schedule": one.schedule,
                "role": one.role,
                "person": one.person,
                "seconds": one.seconds,
                "gained": [_period(span) for span in one.gained],
                "lost": [_period(span) for span in one.lost],
            }
            for one in found.changes
        ],
        "moves": [
            {
                "schedule": one.schedule,
                "role": one.role,
                "person": one.person,
                "before": _period(one.before),
                "after": _period(one.after),
                "start_seconds": one.after.start - one.before.start,
                "end_seconds": one.after.end - one.before.end,
            }
            for one in found.moves
        ],
        "gaps": [{**gap._asdict(), **_period(Window(gap.start, gap.end)), "people": list(gap.people)} for gap in found.gaps],
    }


def _period(one: Window) -> dict[str, Any]:
    return {"start": utc(one.start), "end": utc(one.end)}


# --- for people --------------------------------------------------------------------------


def _tell(
    people: Mapping[str, Person], found: Impact, destinations: list[dict[str, Any]], schedules: Mapping[str, Schedule]
) -> None:
    def zone(id_: str) -> str:
        return schedules[id_].timezone

    def name(id_: str) -> str:
        return people[id_].name if id_ in people else id_

    if not (found.changes or found.moves or found.gaps or destinations):
        click.echo("nobody's shifts would move")
        return
    spans = [
        (one, what, period)
        for one in found.changes
        for what, periods in (("gains", one.gained), ("loses", one.lost))
        for period in periods
    ]
    rows = [
        (
            *(one.schedule, one.role, name(one.person), what),
            *(when(period.start, zone(one.schedule)), when(period.end, zone(one.schedule)), span(period.end - period.start)),
        )
        for one, what, period in sorted(spans, key=lambda of: (of[0].schedule, of[0].role, of[2].start, of[0].person))
    ]
    table(("schedule", "role", "person", "", "from", "to", "length"), rows, "nobody's shifts would move")
    for one in found.moves:
        was, will = (when(at.start, zone(one.schedule)) for at in (one.before, one.after))
        by = "; ".join(
            f"{word} {span(abs(seconds))} {'later' if seconds > 0 else 'earlier'}"
            for word, seconds in (("begins", one.after.start - one.before.start), ("ends", one.after.end - one.before.end))
            if seconds
        )
        click.echo(f"{one.schedule}, {one.role}: {name(one.person)}'s shift of {was} {by}: from {will}")
    totals = [(one.schedule, one.role, name(one.person), _more(one.seconds)) for one in found.changes]
    if totals:
        click.echo()
        table(("schedule", "role", "person", "in all"), totals)
    for gap in found.gaps:
        times = f"{when(gap.start, zone(gap.schedule))} – {when(gap.end, zone(gap.schedule))}"
        click.echo(click.style("gap", fg="red") + f": {gap.schedule}, {gap.role}: {gap.cause}, {times}; {gap.suggestion}")
    for told in destinations:
        actions = ", ".join(f"{count} × {action}" for action, count in told["actions"].items())
        click.echo(f"{told['destination']}: {', '.join(part for part in (told['note'], actions) if part)}")
        for reason in told["holds"]:
            click.echo(f"  would be held: {reason}")


def _more(seconds: int) -> str:
    return f"{span(abs(seconds))} {'more' if seconds > 0 else 'less'}" if seconds else "as much, at other times"
