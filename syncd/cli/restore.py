"""`syncd restore`: brings a human's edit that gave way to the rota back, as an override that takes its time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from syncd.cli import FAILED, USAGE, Command, stop
from syncd.cli.change import as_said
from syncd.cli.session import Session, actor, with_session
from syncd.cli.show import as_json, parse, table, utc, when
from syncd.core.drift import Pull
from syncd.core.imports import cuts_for
from syncd.core.model import Override, Schedule, Window
from syncd.core.shifts import shifts
from syncd.core.sweep import sweep

if TYPE_CHECKING:
    from syncd.store import Conflict, Tx


@click.command(cls=Command)
@click.argument("id_", metavar="ID")
@with_session
def restore(session: Session, id_: str) -> None:
    """Put what a destination had, before the rota took its place, into the rota. `syncd conflicts` lists what there is.

    Where one of our events was deleted or made shorter and others, put there by hand, show who is on instead, it is those.
    What has passed stays as it was. Every destination of the schedule follows.
    """
    with session.look() as seen:
        known = {one.id: one for one in seen.conflicts.open()} if seen else {}
        past = seen.conflicts.get(id_) if seen else None
    if past is not None and past.closed_at is not None:
        zone = session.zone_of(past.destination)
        stop(f"{id_} was {past.closed_how} by {past.closed_by} at {when(past.closed_at, zone)}: nothing is left to do", USAGE)
    conflict = known[session.known("conflict", id_, known)]
    of = _schedule(session, conflict)
    with session.change() as tx:
        wanted = _wanted(session, conflict, tx.overrides.in_force(of))
        if not tx.conflicts.close(conflict.id, by=actor(), at=session.now, how="restored"):
            stop(f"{conflict.id} was answered meanwhile", USAGE)
        overrides = [_record(session, tx, of, one, conflict.destination) for one in wanted]
        told = []
        for one in wanted:
            there = shifts(tx.overrides.in_force(of), Window(one.start, one.end), role=conflict.role)
            if {shift.person for shift in there} != set(one.people):
                stop("something in the rota keeps it from having an effect: nothing was changed", FAILED)
            told += there
    if session.json:
        said = [
            {"override": id_, "people": list(one.people), "start": utc(one.start), "end": utc(one.end)}
            for id_, one in zip(overrides, wanted, strict=True)
        ]
        as_json({**said[0], "overrides": said})
        return
    for id_ in overrides:
        click.echo(id_)
    rows = [(session.rota.people[one.person].name, when(one.start, of.timezone), when(one.end, of.timezone)) for one in told]
    table(("on call", "from", "to"), rows)


def _schedule(session: Session, conflict: Conflict) -> Schedule:
    settings = session.config.destinations.get(conflict.destination)
    if settings is None:
        return stop(f"{conflict.destination} left the configuration", USAGE)
    return session.rota.schedules[settings.schedule]


def _named(session: Session, conflict: Conflict, person: str) -> str:
    """Whom the rota knows by now under the title that an event had; else as it stands."""
    from syncd.cycle.look import site_of
    from syncd.title import Names

    if person in session.rota.people:
        return person
    settings = session.whole_config.destinations[conflict.destination]
    template = str(getattr(settings.options, "title", "{person}"))
    return Names(site_of(settings, session.rota, {}), template).person(person.removeprefix("?")) or person


def _wanted(session: Session, conflict: Conflict, of: Schedule) -> list[Override]:
    """One, or several one after the other: what stood there, else what stands beside it by a human's hand (MERGE.md rule 23).

    Of a role that several hold at once, the others stay.
    """
    had: Any = conflict.destination_had
    people = tuple(_named(session, conflict, str(one)) for one in (had.get("people", ()) if isinstance(had, dict) else had or ()))
    events = [] if people or not isinstance(had, dict) else had.get("events", [])
    named = (*people, *(str(event["person"]) for event in events))
    unknown = [one.removeprefix("?") for one in named if one not in session.rota.people]
    if not people and not events:
        how = f"syncd override add --schedule {of.id} --role {conflict.role} --nobody"
        times = f"--from {utc(max(conflict.start, session.now))} --to {utc(conflict.end)}"
        stop(f"nobody stood there: there is nobody to bring back; if nobody is to be on call then: {how} {times}", USAGE)
    if unknown:
        stop(f"{', '.join(unknown)} is not in `people`: add the person there, or an alias, then restore it", USAGE)
    if conflict.end <= session.now:
        stop("it is over: the past stays as it was", USAGE)
    stood = [(conflict.start, conflict.end, person) for person in people]
    beside = [(parse(event["start"]), parse(event["end"]), str(event["person"])) for event in events]
    window = Window(max(conflict.start, session.now), conflict.end)
    most = session.rota.roles[conflict.role].people
    now = shifts(of, window, role=conflict.role) if most > 1 else ()
    others = [(one.start, one.end, one.person) for one in now if one.person not in conflict.rota]
    wanted = [
        Override(
            id="",
            roles=(conflict.role,),
            people=tuple(dict.fromkeys([*who, *on])),
            replaces=None,
            start=piece.start,
            end=piece.end,
            reason=f"restored from {conflict.destination}",
            origin="command",
        )
        for piece, (who, on) in sweep(window, stood or beside, others)
        if who
    ]
    if not wanted:
        stop("what stood beside it is over: the past stays as it was", USAGE)
    if events and any(len(one.people) > most for one in wanted):
        stop(f"more than {most} stand there at once: `syncd override add` says who it is", USAGE)
    return wanted


def _record(session: Session, tx: Tx, of: Schedule, wanted: Override, destination: str) -> str:
    """Earlier overrides of the role make room, as for an import. `destination`: what stood there is restored."""
    pull = Pull(people=wanted.people, start=wanted.start, end=wanted.end, row="7", refs=())
    by, role = actor(), wanted.roles[0]
    for cut in cuts_for(tx.overrides.in_force(of), role, pull):
        tx.overrides.cut(of.id, cut.override, role, cut.window, by=by, at=session.now, reason="makes room for what is restored")
    id_ = tx.overrides.add(of.id, wanted, by=by, at=session.now)
    new = as_said(of, replace(wanted, id=id_))
    tx.journal.add(at=session.now, event="restored", actor=by, destination=destination, entry=id_, new=new)
    tx.destinations.want(one.name for one in session.config.destinations.values() if one.schedule == of.id)
    return id_
