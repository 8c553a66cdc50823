"""`syncd override`: changes to the rota that are recorded in the store and kept for ever."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from syncd.cli import USAGE, Command, Group, say, stop
from syncd.cli.session import Session, actor, with_session
from syncd.cli.show import as_json, parse, shift_json, table, utc, when
from syncd.core.model import Approval, Instant, Overlap, Override, Schedule, Window
from syncd.core.shifts import shifts
from syncd.core.timeline import union
from syncd.store import Approved, Marked

if TYPE_CHECKING:
    from syncd.store import Tx


class Lists(Command):
    """`--person ana ben` is `--person ana --person ben`: the command takes no arguments besides its options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        several = {name for one in self.params if getattr(one, "multiple", False) for name in one.opts}
        spread: list[str] = []
        option = ""
        for place, word in enumerate(args):
            if word.startswith("--"):
                option = word if word in several else ""
            elif option and place and args[place - 1] != option:
                spread.append(option)
            spread.append(word)
        return super().parse_args(ctx, spread)


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
@click.option("--reason", default="", metavar="TEXT", help="Kept with it.")
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
    window = _window(session, of, start, end)
    wanted = Override(
        id="",
        roles=_roles(session, of, roles),
        people=tuple(dict.fromkeys(session.known("person", one, session.rota.people) for one in _spread(people))),
        replaces=_replaced(session, replaces),
        start=window.start,
        end=window.end,
        reason=reason.strip(),
        origin="command",
    )
    with session.look() as seen:
        _checked(session, session.in_force(of, seen), wanted, warn=True)
    waits = _waits(of, wanted, actor())
    with session.change() as tx:
        before = tx.overrides.in_force(of)
        after = _checked(session, before, wanted)
        approval = Approved.PENDING if waits else Approved.APPROVED
        id_ = tx.overrides.add(of.id, wanted, by=actor(), at=session.now, approval=approval)
        _from_now(session, tx, of.id, replace(wanted, id=id_))
        _journal(session, tx, "override.added", of.id, id_, new=_said(of, replace(wanted, id=id_)))
    if waits:
        say(f"syncd: it waits for approval: `syncd override approve {id_}`")
    _tell(session, of, replace(wanted, id=id_), before, before if waits else after, "pending" if waits else "approved")


@override.command("remove")
@click.argument("id_", metavar="ID")
@click.option("--reason", default="", metavar="TEXT", help="Kept with it.")
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
            _journal(session, tx, "override.removed", of.id, id_, old=_said(of, wanted))
        after = tx.overrides.in_force(of)
    if done:
        say(f"syncd: {id_} was removed before")
    _tell(session, of, wanted, before, after, str(recorded.approval) if recorded else "approved")


@override.command("approve")
@click.argument("id_", metavar="ID")
@with_session
def approve(session: Session, id_: str) -> None:
    """Let an override that waits for approval count from now on."""
    _decide(session, id_, approved=True)


@override.command("reject")
@click.argument("id_", metavar="ID")
@click.option("--reason", default="", metavar="TEXT", help="Kept with it.")
@with_session
def reject(session: Session, id_: str, reason: str) -> None:
    """Refuse an override that waits for approval."""
    _decide(session, id_, approved=False, reason=reason)


@override.command("list")
@click.option("--schedule", metavar="S", help="Only this schedule's.")
@click.option("--all", "everything", is_flag=True, help="In the table also those that ended, were removed or rejected.")
@with_session
def list_(session: Session, schedule: str | None, everything: bool) -> None:
    """Every override, the file's first, then as they were recorded; in JSON also those that ended or were removed."""
    found: list[tuple[Schedule, dict[str, Any], Instant]] = []
    with session.look() as tx:
        for of in session.schedules(schedule):
            recorded = tx.overrides.list(of.id) if tx else ()
            marks = tx.overrides.marks(of.id) if tx else ()
            removed = {mark.override: mark for mark in marks if mark.kind is Marked.REMOVED}
            states = {one.override.id: str(one.approval) for one in recorded}
            for one in (*of.overrides, *(one.override for one in recorded)):
                mark = removed.get(one.id)
                gone = {"by": mark.by, "at": utc(mark.at), "reason": mark.reason} if mark else None
                said = {**_said(of, one), "approval": states.get(one.id, "approved"), "removed": gone}
                found.append((of, said, one.end))
    if session.json:
        as_json([said for _, said, _ in found])
        return
    rows = []
    for of, said, end in found:
        state = "removed" if said["removed"] else said["approval"] if said["approval"] != "approved" else ""
        state = state or ("ended" if end <= session.now else "")
        if everything or state in ("", "pending"):
            start = parse(said["start"])
            rows.append(
                (
                    *(said["id"], of.id, ", ".join(said["roles"]), ", ".join(said["people"]) or "nobody"),
                    *(when(start, of.timezone), when(end, of.timezone)),
                    *(said["by"] or said["origin"], state or "in force", said["reason"]),
                )
            )
    table(("id", "schedule", "role", "on call", "from", "to", "by", "state", "reason"), rows, "no overrides")


def _decide(session: Session, id_: str, *, approved: bool, reason: str = "") -> None:
    of, wanted = _find(session, id_)
    with session.change() as tx:
        before = tx.overrides.in_force(of)
        tx.overrides.decide(id_, approved, by=actor(), at=session.now, reason=reason)
        if approved:
            _from_now(session, tx, of.id, wanted)
        _journal(session, tx, "override.approved" if approved else "override.rejected", of.id, id_, new=_said(of, wanted))
        after = tx.overrides.in_force(of)
    _tell(session, of, wanted, before, after, "approved" if approved else "rejected")


def _find(session: Session, id_: str) -> tuple[Schedule, Override]:
    known: dict[str, tuple[Schedule, Override]] = {}
    with session.look() as tx:
        for of in session.schedules():
            recorded = tx.overrides.list(of.id) if tx else ()
            for one in (*of.overrides, *(one.override for one in recorded)):
                known[one.id] = (of, one)
    return known[session.known("override", id_, known)]


def _window(session: Session, of: Schedule, start: str | None, end: str | None) -> Window:
    from syncd.core.zone import instant, local_of, zone

    def midnight(at: Instant, days: int) -> Instant:
        day = local_of(zone(of.timezone).wall(at)).replace(hour=0, minute=0, second=0)
        return instant(day + timedelta(days=days), of.timezone)

    begin = midnight(session.now, 0) if start is None else _clear(session, start, "--from", of)
    until = midnight(begin, 1) if end is None else _clear(session, end, "--to", of, end=True)
    if until <= begin:
        stop(f"--to ({when(until, of.timezone)}) is not after --from ({when(begin, of.timezone)})", USAGE)
    if until <= session.now:
        stop(f"it ended {when(until, of.timezone)}, before now: an override changes what is to come", USAGE)
    return Window(begin, until)


def _clear(session: Session, text: str, option: str, of: Schedule, *, end: bool = False) -> Instant:
    """A time that a clock change leaves out or brings twice is refused unless it states an offset."""
    from syncd.core.zone import ambiguous_or_missing, instant

    local = session.local(text, option, end=end)
    wrong = ambiguous_or_missing(local, of.timezone)
    if wrong:
        what = "does not exist" if wrong == "missing" else "exists twice"
        stop(f"{option}: {text} {what} in {of.timezone}; add the offset that is meant, such as +01:00", USAGE)
    return instant(local, of.timezone)


def _roles(session: Session, of: Schedule, named: Sequence[str]) -> tuple[str, ...]:
    used = tuple(dict.fromkeys(layer.role for layer in of.layers))
    asked = _spread(named)
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
    asked = _spread(named)
    if asked in ([], ["all"]):
        return None
    if asked == ["none"]:
        return ()
    return tuple(dict.fromkeys(session.known("person", one, session.rota.people) for one in asked))


def _spread(values: Iterable[str]) -> list[str]:
    """`ana,ben` is two."""
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _waits(of: Schedule, wanted: Override, by: str) -> bool:
    """Whether somebody has to approve it: `all` of them, or those `others` are put on by."""
    if of.approval is Approval.OTHERS:
        return by not in of.admins and any(person != by for person in wanted.people)
    return of.approval is Approval.ALL


def _checked(session: Session, before: Schedule, wanted: Override, *, warn: bool = False) -> Schedule:
    """The schedule with it. An override that is refused, or would change nothing, is exit 2."""
    _overlaps(before, wanted, warn=warn)
    new = replace(wanted, id="new", start=max(wanted.start, session.now), at=session.now)
    after = replace(before, overrides=(*before.overrides, new))
    if _who(before, new) == _who(after, new):
        stop(_nothing(before, new), USAGE)
    return after


def _overlaps(before: Schedule, wanted: Override, *, warn: bool) -> None:
    from syncd.core.overrides import contradict

    for one in before.overrides:
        meets = one.start < wanted.end and wanted.start < one.end and not set(one.roles).isdisjoint(wanted.roles)
        if not meets or not contradict(one, wanted):
            continue
        there = f"{one.id} ({', '.join(one.people) or 'nobody'} until {when(one.end, before.timezone)})"
        if before.override_overlap is Overlap.REJECT:
            stop(f"it overlaps {there}, which this schedule refuses; `syncd override remove {one.id}` first", USAGE)
        if before.override_overlap is Overlap.FIRST and warn:
            say(f"syncd: warning: where it overlaps {there}, the one defined first holds")


def _who(schedule: Schedule, of: Override) -> dict[tuple[str, str], list[Window]]:
    """Role and person → when, within the override's time."""
    found: dict[tuple[str, str], list[Window]] = {}
    for role in of.roles:
        for one in shifts(schedule, Window(of.start, of.end), role=role):
            piece = Window(max(one.start, of.start), min(one.end, of.end))
            found.setdefault((role, one.person), []).append(piece)
    return {key: union(pieces) for key, pieces in found.items()}


def _nothing(before: Schedule, wanted: Override) -> str:
    first = [one for one in before.overrides if one.start < wanted.end and wanted.start < one.end]
    why = (
        f"{', '.join(one.id for one in first)} holds then" if first else f"{', '.join(wanted.people) or 'nobody'} is on as asked"
    )
    return f"it would change nothing: {why}"


def _from_now(session: Session, tx: Tx, schedule: str, wanted: Override) -> None:
    """What has passed stays as it was: the override is kept as written, and marked as not in force before now."""
    if wanted.start < min(session.now, wanted.end):
        past = Window(wanted.start, min(session.now, wanted.end))
        for role in wanted.roles:
            tx.overrides.cut(schedule, wanted.id, role, past, by=actor(), at=session.now, reason="takes effect when recorded")


def _journal(session: Session, tx: Tx, event: str, schedule: str, id_: str, old: Any = None, new: Any = None) -> None:
    """Written down, and the schedule's destinations are due at once."""
    tx.journal.add(at=session.now, event=event, actor=actor(), entry=id_, old=old, new=new)
    tx.destinations.want(one.name for one in session.config.destinations.values() if one.schedule == schedule)


def _said(of: Schedule, one: Override) -> dict[str, Any]:
    return {
        "id": one.id,
        "schedule": of.id,
        "roles": list(one.roles),
        "people": list(one.people),
        "replaces": "all" if one.replaces is None else list(one.replaces) or "none",
        "start": utc(one.start),
        "end": utc(one.end),
        "reason": one.reason,
        "origin": one.origin,
        "by": one.by or None,
        "at": utc(one.at),
    }


def _tell(session: Session, of: Schedule, one: Override, before: Schedule, after: Schedule, state: str) -> None:
    window = Window(one.start, one.end)
    was, will = ([shift for role in one.roles for shift in shifts(at, window, role=role)] for at in (before, after))
    if session.json:
        said = {
            **_said(of, one),
            "approval": state,
            "before": [shift_json(s) for s in was],
            "after": [shift_json(s) for s in will],
        }
        as_json(said)
        return
    click.echo(one.id)
    for title, found in (("before", was), ("now", will)):
        rows = [(s.role, session.rota.people[s.person].name, when(s.start, of.timezone), when(s.end, of.timezone)) for s in found]
        table((title, "on call", "from", "to"), rows, f"{title}: nobody")
