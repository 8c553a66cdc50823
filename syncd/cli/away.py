"""`syncd away`: time off that is recorded in the store, and who could cover."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from syncd.cli import USAGE, Group, say, stop
from syncd.cli.change import period_of, reason_option
from syncd.cli.session import Session, actor, with_session
from syncd.cli.show import as_json, between, shift_json, table, utc, when
from syncd.core.model import Away, Override, Schedule, Window
from syncd.core.remedy import able, added
from syncd.core.shifts import roles_of, shifts
from syncd.core.timeline import both, minus, union


class Adds(Group):
    """`syncd away ana --from T` is `syncd away add ana --from T`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and not {"-h", "--help"} & set(args):
            args = ["add", *args]
        return super().parse_args(ctx, args)


@click.group(cls=Adds)
def away() -> None:
    """Time off: `syncd away ana --from T --to T`; list, remove.

    What is recorded here is kept in the store for ever, with who, when and why, and counts beside the file's `away`: it is
    reported wherever that person is on call and moves nobody, but for layers with `on_away: next`. The file is never edited.
    """


@away.command("add")
@click.argument("somebody", metavar="[PERSON]", required=False)
@click.option("--person", metavar="P", help="Who is away, if not given as the argument.")
@click.option("--schedule", metavar="S", help="Only in this schedule; default: in every one.")
@click.option("--from", "start", metavar="T", help="Default: today 00:00.")
@click.option("--to", "end", metavar="T", help="Not part of it; default: the next day 00:00.")
@reason_option
@with_session
def add(
    session: Session,
    somebody: str | None,
    person: str | None,
    schedule: str | None,
    start: str | None,
    end: str | None,
    reason: str,
) -> None:
    """Record time off. Prints its id, then where that person is on call meanwhile, and who could cover.

    Times without an offset are in the schedule's zone, or without --schedule in the configuration's. With --json: {"id",
    "person", "schedule" (null: every one), "start", "end", "reason", "by", "at", "on_call": [a shift as `syncd shifts` has it,
    with "cover": ids and "suggestion"]}.
    """
    if (somebody is None) == (person is None):
        stop("name who is away: syncd away ana --from T --to T", USAGE)
    who = session.known("person", somebody or person or "", session.rota.people)
    asked = session.schedules(schedule)
    zone = asked[0].timezone if schedule is not None else session.rota.timezone
    window = period_of(session, replace(_NOWHERE, timezone=zone), start, end)
    wanted = Away(person=who, start=window.start, end=window.end, reason=reason.strip())
    with session.look() as seen:
        told = [session.in_force(of, seen) for of in asked]
    known = [union((one.start, one.end) for one in of.away if one.person == who) for of in told]
    if told and not any(minus([window], spans) for spans in known):
        stop(f"it would change nothing: {session.name(who)} is away then already", USAGE)
    with session.change() as tx:
        id_ = tx.overrides.time_off(wanted, schedule=schedule, by=actor(), at=session.now)
        tx.journal.add(at=session.now, event="away.added", actor=actor(), entry=id_, new=_said(wanted, schedule))
        _want(session, tx, schedule)
        told = [tx.overrides.in_force(of) for of in asked]
    found = [row for of in told for row in _on_call(session, of, who, window)]
    if session.json:
        said = {"id": id_, **_said(wanted, schedule), "by": actor(), "at": utc(session.now)}
        as_json({**said, "on_call": [{**shift_json(one), "cover": free, "suggestion": hint} for one, free, hint in found]})
        return
    click.echo(id_)
    zones = {of.id: of.timezone for of in told}
    rows = [
        (
            f"{one.schedule}, {one.role}",
            between(one.start, one.end, zones[one.schedule]),
            ", ".join(session.name(free) for free in cover[:5]) or "nobody is free",
        )
        for one, cover, _ in found
    ]
    name = session.name(who)
    table((f"{name} is on call", "when", "could cover"), rows, f"{name} is not on call then")
    for hint in (hint for _, cover, hint in found if cover):  # a command is not wrapped: it is to be copied
        click.echo(hint)


_NOWHERE = Schedule(id="", title="", timezone="UTC", layers=())


@away.command("list")
@click.option("--person", metavar="P", help="Only this person's.")
@click.option("--all", "everything", is_flag=True, help="In the table also what has ended or was taken back.")
@with_session
def list_(session: Session, person: str | None, everything: bool) -> None:
    """All time off: the file's first, then as it was recorded; in JSON also what has ended or was taken back."""
    who = session.person(person)
    found: list[dict[str, Any]] = []
    with session.look() as tx:
        for of in session.schedules():
            found += [
                {"id": None, **_said(one, of.id), "origin": "file", "by": None, "at": None, "removed": None} for one in of.away
            ]
        for kept in tx.overrides.away.list() if tx else ():
            gone = {"by": kept.removed_by, "at": utc(kept.removed_at), "reason": kept.removed_reason} if kept.removed_at else None
            told = {"id": kept.id, **_said(kept.away, kept.schedule), "origin": "command", "by": kept.by, "at": utc(kept.at)}
            found.append({**told, "removed": gone})
    found = [one for one in found if who in (None, one["person"])]
    if session.json:
        as_json(found)
        return
    from syncd.cli.show import parse

    zone = session.rota.timezone
    rows = []
    for one in found:
        state = "taken back" if one["removed"] else "ended" if parse(one["end"]) <= session.now else ""
        if everything or not state:
            times = (when(parse(one["start"]), zone), when(parse(one["end"]), zone))
            cells = (one["id"] or "–", session.name(one["person"]), one["schedule"] or "every one", *times)
            rows.append((*cells, one["by"] or one["origin"], state, one["reason"]))
    table(("id", "person", "schedule", "from", "to", "by", "", "reason"), rows, "no time off")


@away.command("remove")
@click.argument("id_", metavar="ID")
@reason_option
@with_session
def remove(session: Session, id_: str, reason: str) -> None:
    """Take recorded time off back. It is marked, never deleted; the file's own is taken out of the file."""
    with session.look() as seen:
        known = seen.overrides.away.get(id_) if seen else None
    if known is None:
        stop(f"no time off {id_} was recorded here; `syncd away list` shows all", USAGE)
    with session.change() as tx:
        counted = tx.overrides.no_time_off(id_, by=actor(), at=session.now, reason=reason.strip())
        if counted:
            tx.journal.add(at=session.now, event="away.removed", actor=actor(), entry=id_, old=_said(known.away, known.schedule))
            _want(session, tx, known.schedule)
    if not counted:
        say(f"syncd: {id_} was taken back before")
    if session.json:
        as_json({"id": id_, **_said(known.away, known.schedule)})


def _on_call(session: Session, of: Schedule, person: str, window: Window) -> list[tuple[Any, list[str], str]]:
    """Her shifts in that time, each with who could cover and the command for the first of them."""
    found = []
    for role in roles_of(of):
        for one in shifts(of, window, role=role):
            if one.person != person:
                continue
            for start, end in both([Window(one.start, one.end)], [window]):
                free = able(session.rota, of, role, Window(start, end))
                new = Override(id="", roles=(role,), people=tuple(free[:1]), replaces=(person,), start=start, end=end)
                found.append((one, free, added(of, role, new) if free else "nobody is free then: look for somebody else"))
    return found


def _want(session: Session, tx: Any, schedule: str | None) -> None:
    """Destinations are due at once: a turn may be handed on (`on_away: next`)."""
    tx.destinations.want(one.name for one in session.config.destinations.values() if schedule in (None, one.schedule))


def _said(one: Away, schedule: str | None) -> dict[str, Any]:
    return {"person": one.person, "schedule": schedule, "start": utc(one.start), "end": utc(one.end), "reason": one.reason}
