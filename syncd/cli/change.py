"""Changes to the rota by command: times that must be clear, what is refused, what is written down, before and after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from syncd.cli import USAGE, Command, say, stop
from syncd.cli.session import Session, actor
from syncd.cli.show import as_json, shift_json, table, utc, when
from syncd.core.model import Approval, Instant, Overlap, Override, Schedule, Window
from syncd.core.shifts import shifts
from syncd.core.timeline import union

if TYPE_CHECKING:
    from syncd.store import Tx


def _said(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """As in a file: no longer, and without what commands a terminal."""
    from syncd.config.document import Node
    from syncd.config.keys import REASON
    from syncd.config.problem import Report, Wrong

    try:
        text: str = REASON.read(Node("text", "", 1, 1, text=value.strip()), "--reason", Report())
    except Wrong as wrong:
        stop(f"--reason: {wrong.problem}; {wrong.remedy}", USAGE)
    return text


reason_option = click.option("--reason", default="", metavar="TEXT", callback=_said, help="Kept with it.")


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


def period_of(session: Session, of: Schedule, start: str | None, end: str | None) -> Window:
    from syncd.core.zone import instant, local_of, zone

    def midnight(at: Instant, days: int) -> Instant:
        day = local_of(zone(of.timezone).wall(at)).replace(hour=0, minute=0, second=0)
        return instant(day + timedelta(days=days), of.timezone)

    begin = midnight(session.now, 0) if start is None else clear_time(session, start, "--from", of)
    until = midnight(begin, 1) if end is None else clear_time(session, end, "--to", of, end=True)
    if until <= begin:
        stop(f"--to ({when(until, of.timezone)}) is not after --from ({when(begin, of.timezone)})", USAGE)
    if until <= session.now:
        stop(f"it ended {when(until, of.timezone)}, before now: an override changes what is to come", USAGE)
    return Window(begin, until)


def clear_time(session: Session, text: str, option: str, of: Schedule, *, end: bool = False) -> Instant:
    """A time that a clock change leaves out or brings twice is refused unless it states an offset."""
    from syncd.core.zone import ambiguous_or_missing, instant

    local = session.local(text, option, end=end)
    wrong = ambiguous_or_missing(local, of.timezone)
    if wrong:
        what = "does not exist" if wrong == "missing" else "exists twice"
        stop(f"{option}: {text} {what} in {of.timezone}; add the offset that is meant, such as +01:00", USAGE)
    return instant(local, of.timezone)


def spread(values: Iterable[str], option: str) -> list[str]:
    """`ana,ben` is two. An empty one, perhaps of a variable that is not set, is no way to say nobody: exit 2."""
    found = [part.strip() for value in values for part in value.split(",")]
    if not all(found):
        stop(f"{option}: it is empty; name somebody, or leave it out", USAGE)
    return found


def waits_for_approval(of: Schedule, wanted: Override, by: str) -> bool:
    """Whether somebody has to approve it: `all` of them, or those `others` are put on by."""
    if of.approval is Approval.OTHERS:
        return by not in of.admins and any(person != by for person in wanted.people)
    return of.approval is Approval.ALL


def checked(session: Session, before: Schedule, wanted: Override, *, warn: bool = False) -> Schedule:
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
    """Why it would change nothing."""
    from syncd.core.layers import valid

    limits = valid(before)
    if wanted.end <= limits.start or wanted.start >= limits.end:
        when_ = f"ended {when(limits.end, before.timezone)}" if wanted.start >= limits.end else "has not begun by then"
        return f"it would change nothing: schedule {before.id} {when_}"
    first = [one for one in before.overrides if one.start < wanted.end and wanted.start < one.end]
    if first:
        ids = dict.fromkeys(one.id for one in first)
        remedy = " and ".join(f"`syncd override remove {one}`" for one in ids)
        return f"it would change nothing: {', '.join(ids)} holds then; {remedy} first"
    if wanted.replaces and not any(person in wanted.replaces for _, person in _who(before, wanted)):
        return f"it would change nothing: {' and '.join(wanted.replaces)} is not on call then"
    return f"it would change nothing: {', '.join(wanted.people) or 'nobody'} is on as asked"


def from_now(session: Session, tx: Tx, schedule: str, wanted: Override) -> None:
    """What has passed stays as it was: the override is kept as written, and marked as not in force before now."""
    if wanted.start < min(session.now, wanted.end):
        past = Window(wanted.start, min(session.now, wanted.end))
        for role in wanted.roles:
            tx.overrides.cut(schedule, wanted.id, role, past, by=actor(), at=session.now, reason="takes effect when recorded")


def write_down(session: Session, tx: Tx, event: str, schedule: str, id_: str, old: Any = None, new: Any = None) -> None:
    """Written down, and the schedule's destinations are due at once."""
    tx.journal.add(at=session.now, event=event, actor=actor(), entry=id_, old=old, new=new)
    tx.destinations.want(one.name for one in session.config.destinations.values() if one.schedule == schedule)


def as_said(of: Schedule, one: Override) -> dict[str, Any]:
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


def tell(session: Session, of: Schedule, one: Override, before: Schedule, after: Schedule, state: str) -> None:
    window = Window(one.start, one.end)
    was, will = ([shift for role in one.roles for shift in shifts(at, window, role=role)] for at in (before, after))
    if session.json:
        said = {
            **as_said(of, one),
            "approval": state,
            "before": [shift_json(s) for s in was],
            "after": [shift_json(s) for s in will],
        }
        as_json(said)
        return
    click.echo(one.id)
    whole = Window(min([one.start, *(s.start for s in was)]), max([one.end, *(s.end for s in was)]))
    will = [shift for role in one.roles for shift in shifts(after, whole, role=role)]
    for title, found in (("before", was), ("now", will)):
        rows = [(s.role, session.name(s.person), when(s.start, of.timezone), when(s.end, of.timezone)) for s in found]
        table((title, "on call", "from", "to"), rows, f"{title}: nobody")
