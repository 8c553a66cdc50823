"""`syncd restore`: brings a human's edit that gave way to the rota back, as an override that takes its time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from syncd.cli import FAILED, USAGE, Command, stop
from syncd.cli.session import Session, actor, with_session
from syncd.cli.show import as_json, table, utc, when
from syncd.core.drift import Pull
from syncd.core.imports import cuts_for
from syncd.core.model import Override, Schedule, Window
from syncd.core.shifts import shifts

if TYPE_CHECKING:
    from syncd.store import Conflict, Tx


@click.command(cls=Command)
@click.argument("id_", metavar="ID")
@with_session
def restore(session: Session, id_: str) -> None:
    """Put what a destination had, before the rota took its place, into the rota. `syncd conflicts` lists what there is.

    What has passed stays as it was. Every destination of the schedule follows.
    """
    with session.look() as seen:
        known = {one.id: one for one in seen.conflicts.open()} if seen else {}
    conflict = known[session.known("conflict", id_, known)]
    of = _schedule(session, conflict)
    wanted = _wanted(session, conflict)
    with session.change() as tx:
        if not tx.conflicts.close(conflict.id, by=actor(), at=session.now, how="restored"):
            stop(f"{conflict.id} was answered meanwhile", USAGE)
        override = _record(session, tx, of, wanted)
        told = shifts(tx.overrides.in_force(of), Window(wanted.start, wanted.end), role=conflict.role)
        if {one.person for one in told} != set(wanted.people):
            stop("something in the rota keeps it from having an effect: nothing was changed", FAILED)
    if session.json:
        as_json({"override": override, "people": list(wanted.people), "start": utc(wanted.start), "end": utc(wanted.end)})
        return
    click.echo(override)
    rows = [(session.rota.people[one.person].name, when(one.start, of.timezone), when(one.end, of.timezone)) for one in told]
    table(("on call", "from", "to"), rows)


def _schedule(session: Session, conflict: Conflict) -> Schedule:
    settings = session.config.destinations.get(conflict.destination)
    if settings is None:
        return stop(f"{conflict.destination} left the configuration", USAGE)
    return session.rota.schedules[settings.schedule]


def _wanted(session: Session, conflict: Conflict) -> Override:
    had: Any = conflict.destination_had
    people = tuple(str(one) for one in (had.get("people", ()) if isinstance(had, dict) else had or ()))
    unknown = [one.removeprefix("?") for one in people if one not in session.rota.people]
    if not people:
        stop("nobody stood there: there is nothing to bring back; `syncd override add` changes the rota", USAGE)
    if unknown:
        stop(f"{', '.join(unknown)} is not in `people`: add them first", USAGE)
    if conflict.end <= session.now:
        stop("it is over: the past stays as it was", USAGE)
    return Override(
        id="",
        roles=(conflict.role,),
        people=people,
        replaces=None,
        start=max(conflict.start, session.now),
        end=conflict.end,
        reason=f"restored from {conflict.destination}",
        origin="command",
    )


def _record(session: Session, tx: Tx, of: Schedule, wanted: Override) -> str:
    """Earlier overrides of the role make room, as for an import."""
    pull = Pull(people=wanted.people, start=wanted.start, end=wanted.end, row="7", refs=())
    by, role = actor(), wanted.roles[0]
    for cut in cuts_for(tx.overrides.in_force(of), role, pull):
        tx.overrides.cut(of.id, cut.override, role, cut.window, by=by, at=session.now, reason="makes room for what is restored")
    id_ = tx.overrides.add(of.id, wanted, by=by, at=session.now)
    tx.journal.add(at=session.now, event="restored", actor=by, entry=id_, new=replace(wanted, id=id_).reason)
    tx.destinations.want(one.name for one in session.config.destinations.values() if one.schedule == of.id)
    return id_
