"""`syncd override`: changes to the rota that are recorded in the store and kept for ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click

from syncd.cli import USAGE, Group, say, stop
from syncd.cli.change import (
    Lists,
    as_said,
    checked,
    from_now,
    period_of,
    reason_option,
    spread,
    tell,
    waits_for_approval,
    write_down,
)
from syncd.cli.session import Session, actor, with_session
from syncd.cli.show import as_json, between, parse, table, utc
from syncd.core.model import Instant, Override, Schedule
from syncd.store import Approved, Marked


@click.group(cls=Group)
def override() -> None:
    """Somebody else for a time: add, list, remove; approve and reject where the schedule asks for it."""


@override.command("add", cls=Lists)
@click.option("--person", "people", multiple=True, metavar="P…", help="Who is on call; may be given several times.")
@click.option("--nobody", is_flag=True, help="Nobody instead: those replaced are off.")
@click.option("--role", "roles", multiple=True, metavar="R…", help="Default: the schedule's role, where it has one.")
@click.option("--schedule", metavar="S", help="Default: the only schedule.")
@click.option("--replaces", multiple=True, metavar="all|none|P…", help="Whom: everybody (default), nobody, or these.")
@click.option("--from", "start", metavar="T", help="Default: today 00:00 in the schedule's zone.")
@click.option("--to", "end", metavar="T", help="Default: the next day 00:00.")
@reason_option
@with_session
def add(
    session: Session,
    people: tuple[str, ...],
    nobody: bool,
    roles: tuple[str, ...],
    schedule: str | None,
    replaces: tuple[str, ...],
    start: str | None,
    end: str | None,
    reason: str,
) -> None:
    """Put somebody on call for a time. Prints the id, then who was on before and who is now.

    A time T is ISO 8601; without an offset it is in the schedule's zone. A start that has passed is kept as written and takes
    effect from now.
    """
    of = session.one_schedule(schedule)
    if nobody == bool(people):
        stop("name who is on with --person, or say --nobody", USAGE)
    window = period_of(session, of, start, end)
    wanted = Override(
        id="",
        roles=_roles(session, of, roles),
        people=tuple(dict.fromkeys(session.known("person", one, session.rota.people) for one in spread(people, "--person"))),
        replaces=_replaced(session, replaces),
        start=window.start,
        end=window.end,
        reason=reason.strip(),
        origin="command",
    )
    with session.look() as seen:
        checked(session, session.in_force(of, seen), wanted, warn=True)
    waits = waits_for_approval(of, wanted, actor())
    with session.change() as tx:
        before = tx.overrides.in_force(of)
        after = checked(session, before, wanted)
        approval = Approved.PENDING if waits else Approved.APPROVED
        id_ = tx.overrides.add(of.id, wanted, by=actor(), at=session.now, approval=approval)
        from_now(session, tx, of.id, replace(wanted, id=id_))
        write_down(session, tx, "override.added", of.id, id_, new=as_said(of, replace(wanted, id=id_)))
    if waits:
        say(f"syncd: it waits for approval: `syncd override approve {id_}`")
    tell(session, of, replace(wanted, id=id_), before, before if waits else after, "pending" if waits else "approved")


@override.command("remove")
@click.argument("id_", metavar="ID")
@reason_option
@with_session
def remove(session: Session, id_: str, reason: str) -> None:
    """Take an override back, one of the file's too. It is marked, never deleted."""
    of, wanted = _find(session, id_)
    with session.change() as tx:
        before = tx.overrides.in_force(of)
        recorded = tx.overrides.get(id_)
        done = any(mark.override == id_ and mark.kind is Marked.REMOVED for mark in tx.overrides.marks(of.id))
        if not done:
            tx.overrides.remove(of.id, id_, by=actor(), at=session.now, reason=reason)
            write_down(session, tx, "override.removed", of.id, id_, old=as_said(of, wanted))
        after = tx.overrides.in_force(of)
    if done:
        say(f"syncd: {id_} was removed before")
    tell(session, of, wanted, before, after, str(recorded.approval) if recorded else "approved")


@override.command("approve")
@click.argument("id_", metavar="ID")
@with_session
def approve(session: Session, id_: str) -> None:
    """Let an override that waits for approval count from now on."""
    _decide(session, id_, approved=True)


@override.command("reject")
@click.argument("id_", metavar="ID")
@reason_option
@with_session
def reject(session: Session, id_: str, reason: str) -> None:
    """Refuse an override that waits for approval."""
    _decide(session, id_, approved=False, reason=reason)


@override.command("list")
@click.option("--schedule", metavar="S", help="Only this schedule's.")
@click.option("--all", "everything", is_flag=True, help="In the table also those that ended, were removed or rejected.")
@with_session
def list_(session: Session, schedule: str | None, everything: bool) -> None:
    """Every override, the file's first, then as they were recorded; in JSON also those that ended or were removed.

    The table shows the times in which each is in force: later ones, an undo, or a start before it was recorded may leave less
    than was written, and nothing at all is `cut out`.
    """
    found: list[tuple[Schedule, dict[str, Any]]] = []
    with session.look() as tx:
        for of in session.schedules(schedule):
            recorded = tx.overrides.list(of.id) if tx else ()
            marks = tx.overrides.marks(of.id) if tx else ()
            removed = {mark.override: mark for mark in marks if mark.kind is Marked.REMOVED}
            states = {one.override.id: str(one.approval) for one in recorded}
            left: dict[str, list[dict[str, Any]]] = {}
            for piece in session.in_force(of, tx).overrides:
                part = {"roles": list(piece.roles), "start": utc(piece.start), "end": utc(piece.end)}
                left.setdefault(piece.id, []).append(part)
            for one in (*of.overrides, *(one.override for one in recorded)):
                mark = removed.get(one.id)
                gone = {"by": mark.by, "at": utc(mark.at), "reason": mark.reason} if mark else None
                said = as_said(of, one) | {"approval": states.get(one.id, "approved"), "removed": gone}
                found.append((of, said | {"in_force": left.get(one.id, [])}))
    if session.json:
        as_json([said for _, said in found])
        return
    rows = []
    for of, said in found:
        for part in said["in_force"] or [said]:
            state = _state(said, part, session.now)
            if everything or state in ("in force", "pending"):
                people = ", ".join(map(session.name, said["people"])) or "nobody"
                times = between(parse(part["start"]), parse(part["end"]), of.timezone)
                why = f"{said['by'] or said['origin']}" + (f": {said['reason']}" if said["reason"] else "")
                rows.append((said["id"], f"{of.id}, {', '.join(part['roles'])}", people, times, state, why))
    table(("id", "role", "on call", "when", "state", "by"), rows, "no overrides")


def _state(said: dict[str, Any], part: dict[str, Any], now: Instant) -> str:
    """Of a part of an override that is in force, or of all of it as it was written where none is."""
    if said["removed"]:
        return "removed"
    if said["approval"] != "approved":
        return str(said["approval"])
    if parse(part["end"]) <= now:
        return "ended"
    return "in force" if said["in_force"] else "cut out"


def _decide(session: Session, id_: str, *, approved: bool, reason: str = "") -> None:
    of, wanted = _find(session, id_)
    with session.change() as tx:
        before = tx.overrides.in_force(of)
        tx.overrides.decide(id_, approved, by=actor(), at=session.now, reason=reason)
        if approved:
            from_now(session, tx, of.id, wanted)
        write_down(session, tx, "override.approved" if approved else "override.rejected", of.id, id_, new=as_said(of, wanted))
        after = tx.overrides.in_force(of)
    tell(session, of, wanted, before, after, "approved" if approved else "rejected")


def _find(session: Session, id_: str) -> tuple[Schedule, Override]:
    known: dict[str, tuple[Schedule, Override]] = {}
    with session.look() as tx:
        for of in session.schedules():
            recorded = tx.overrides.list(of.id) if tx else ()
            for one in (*of.overrides, *(one.override for one in recorded)):
                known[one.id] = (of, one)
    return known[session.known("override", id_, known)]


def _roles(session: Session, of: Schedule, named: Sequence[str]) -> tuple[str, ...]:
    used = tuple(dict.fromkeys(layer.role for layer in of.layers))
    asked = spread(named, "--role")
    if asked == ["all"]:
        if len(used) > 1:
            say(f"syncd: warning: `all` is {len(used)} roles at once: {', '.join(used)}")
        return used
    if asked:
        return tuple(dict.fromkeys(session.known("role", one, session.rota.roles) for one in asked))
    if len(used) == 1:
        return used
    return stop(f"name a role with --role; {of.id} uses {', '.join(used) or 'none'}", USAGE)


def _replaced(session: Session, named: Sequence[str]) -> tuple[str, ...] | None:
    asked = spread(named, "--replaces")
    if asked in ([], ["all"]):
        return None
    if asked == ["none"]:
        return ()
    return tuple(dict.fromkeys(session.known("person", one, session.rota.people) for one in asked))
