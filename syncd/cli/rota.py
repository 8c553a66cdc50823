"""The questions about the rota: who is on call, which shifts there are, why, where gaps are, and how fair it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from syncd.cli import USAGE, Command, stop
from syncd.cli.past import Duty, duties, recorded
from syncd.cli.session import Session, with_session
from syncd.cli.show import Coloured, as_json, between, shift_json, span, table, utc, when
from syncd.core.model import DAY, Instant, Override, Schedule, Window
from syncd.core.shifts import oncall as rota_oncall
from syncd.core.shifts import roles_of

if TYPE_CHECKING:
    from syncd.store import Tx

YEAR = 366 * DAY

_schedule = click.option("--schedule", metavar="S", help="Only this schedule.")
_role = click.option("--role", metavar="R", help="Only this role.")
_person = click.option("--person", metavar="P", help="Only this person.")
_from = click.option("--from", "start", metavar="T", help="Default: now. ISO 8601; without an offset in the schedule's zone.")
_to = click.option("--to", "end", metavar="T", help="Default: 30 days after --from.")
_at = click.option("--at", metavar="T", help="Default: now. ISO 8601; without an offset in the schedule's zone.")

SUGGESTED = 3
"""Gaps for which people read a suggestion."""


@click.command(cls=Command)
@_schedule
@_role
@_person
@_from
@_to
@click.option(
    "--month", is_flag=False, flag_value="now", metavar="[YYYY-MM]", help="A month as a table of days; default: this one."
)
@with_session
def shifts(
    session: Session,
    schedule: str | None,
    role: str | None,
    person: str | None,
    start: str | None,
    end: str | None,
    month: str | None,
) -> None:
    """Every shift that shares an instant with the period, whole."""
    from syncd.cli import month as table_of_days

    if month is not None and (start, end) != (None, None):
        stop("--month goes without --from and --to", USAGE)
    schedules = session.schedules(schedule)
    role, person = session.role(role), session.person(person)
    found: list[tuple[Schedule, Duty]] = []
    with session.look() as tx:
        for of in schedules:
            if month is None:
                window = session.period(start, end, of.timezone)
            else:
                window = table_of_days.period(table_of_days.month_of(month, session.now, of.timezone), of.timezone)
            told = duties(tx, session.in_force(of, tx), window, session.now, role)
            found += [(of, one) for one in told if person in (None, one.person)]
    found.sort(key=lambda one: (one[1].start, one[1].role, one[1].person, one[1].schedule))
    if session.json:
        as_json([shift_json(one) for _, one in found])
        return
    if month is not None:
        for of in schedules:
            first = table_of_days.month_of(month, session.now, of.timezone)
            mine = [one for _, one in found if one.schedule == of.id]
            for named in dict.fromkeys([*roles_of(of), *(one.role for one in mine)]):
                if role in (None, named):
                    table_of_days.show(of, named, [one for one in mine if one.role == named], first)
        return
    rows = [
        (one.schedule, one.role, session.name(one.person), when(one.start, of.timezone), when(one.end, of.timezone), _by(one))
        for of, one in found
    ]
    table(("schedule", "role", "on call", "from", "to", "by"), rows, "no shifts")


@click.command(cls=Command)
@_at
@_schedule
@_role
@_person
@with_session
def oncall(session: Session, at: str | None, schedule: str | None, role: str | None, person: str | None) -> None:
    """Who is on call, one line for each role, also where nobody is."""
    schedules = session.schedules(schedule)
    role, person = session.role(role), session.person(person)
    found: list[tuple[Schedule, dict[str, Any]]] = []
    with session.look() as tx:
        for of in schedules:
            moment = session.now if at is None else session.instant(at, "--at", of.timezone)
            found += [(of, row) for row in _oncall(session, tx, session.in_force(of, tx), moment, role)]
    if person is not None:
        found = [(of, row) for of, row in found if any(one["id"] == person for one in row["people"])]
    if session.json:
        as_json([{**row, "at": utc(row["at"]), "people": [_times(one) for one in row["people"]]} for _, row in found])
        return
    rows: list[tuple[str, ...]] = []
    for of, row in found:
        for one in row["people"]:
            contact = ", ".join(one[key] for key in ("email", "phone") if one[key])
            following = session.name(one["next"]) if one["next"] else "–"
            until = f"{when(one['until'], of.timezone)} ({span(max(0, one['until'] - row['at']))})"
            rows.append((row["schedule"], row["role"], one["name"] or one["id"], until, following, contact))
        if not row["people"]:
            rows.append((row["schedule"], row["role"], Coloured.of("nobody", "red"), "", "", ""))
    table(("schedule", "role", "on call", "until", "next", "contact"), rows, "no roles")


def _oncall(session: Session, tx: Tx | None, of: Schedule, at: Instant, role: str | None) -> list[dict[str, Any]]:
    roles = roles_of(of) if role is None else [one for one in roles_of(of) if one == role]
    if not recorded(tx, of, at, session.now):
        rows = [row for one in roles for row in rota_oncall(session.rota, of, at, one)]
        return [{**row._asdict(), "people": [one._asdict() for one in row.people]} for row in rows]
    told = duties(tx, of, Window(at, at + 2 * YEAR), session.now, role)
    past = dict.fromkeys([*roles, *(one.role for one in told if one.start <= at)])
    return [
        {"schedule": of.id, "role": name, "at": at, "people": _served(session, [one for one in told if one.role == name], at)}
        for name in past
    ]


def _served(session: Session, told: list[Duty], at: Instant) -> list[dict[str, Any]]:
    """Whoever was on by the record, with what followed."""
    people = []
    for one in (one for one in told if one.start <= at < one.end):
        free: Instant | None = one.end
        for later in told:
            if later.person == one.person and free is not None and one.end <= later.start <= free:
                free = max(free, later.end)
        following = next((later.person for later in told if one.end <= later.start <= one.end + YEAR), None)
        person = session.rota.people.get(one.person)
        people.append(
            {
                "id": one.person,
                "name": person.name if person else None,
                "email": person.email if person else None,
                "phone": person.phone if person else None,
                "until": one.end,
                "free_at": free if free is not None and free <= at + YEAR else None,
                "next": following,
            }
        )
    return people


def _times(person: dict[str, Any]) -> dict[str, Any]:
    return {**person, "until": utc(person["until"]), "free_at": utc(person["free_at"])}


@click.command(cls=Command)
@_role
@_schedule
@_at
@with_session
def why(session: Session, role: str | None, schedule: str | None, at: str | None) -> None:
    """Why this person is on call: overrides, tiers, windows, turns and rosters, each with its numbers."""
    of = session.one_schedule(schedule)
    role = session.role(role)
    moment = session.now if at is None else session.instant(at, "--at", of.timezone)
    with session.look() as tx:
        told = session.in_force(of, tx)
        if role is None:
            used = roles_of(told)
            role = (
                used[0] if len(used) == 1 else stop(f"name a role with --role; {of.id} uses {', '.join(used) or 'none'}", USAGE)
            )
        said = _recorded(session, tx, told, role, moment) if recorded(tx, told, moment, session.now) else None
    if said is None:
        from syncd.core.explain import why as explain

        answer = explain(session.rota, told, role, moment)
        steps = [{"step": one.step, "text": one.text, "numbers": dict(one.numbers)} for one in answer.steps]
        said = {"schedule": of.id, "role": role, "at": utc(moment), "people": list(answer.people), "steps": steps}
    if session.json:
        as_json(said)
        return
    click.echo(f"{of.id}, {role}, {when(moment, of.timezone)}")
    for one in said["steps"]:
        click.echo(f"  {one['step']:<9} {one['text']}")


def _recorded(session: Session, tx: Tx | None, of: Schedule, role: str, at: Instant) -> dict[str, Any]:
    on = [one for one in duties(tx, of, Window(at, at + 1), session.now, role) if one.start <= at < one.end]
    steps: list[dict[str, Any]] = [
        {
            "step": "record",
            "text": f"written down as it happened: {session.name(one.person)} by {_by(one)}",
            "numbers": {"start": utc(one.start), "end": utc(one.end), "key": one.key, "turn": one.source.turn},
        }
        for one in on
    ]
    people = [one.person for one in on]
    names = ", ".join(session.name(one) for one in people) or "nobody"
    steps.append({"step": "answer", "text": f"on call then: {names}, by the record", "numbers": {"people": people}})
    return {"schedule": of.id, "role": role, "at": utc(at), "people": people, "steps": steps}


@click.command(cls=Command)
@_schedule
@_role
@_from
@_to
@with_session
def gaps(session: Session, schedule: str | None, role: str | None, start: str | None, end: str | None) -> None:
    """Needed time without anybody, with too many, or with somebody away; and what could be done."""
    from syncd.core.gaps import gaps as find

    schedules = session.schedules(schedule)
    role = session.role(role)
    with session.look() as tx:
        told = [(session.in_force(of, tx), _removed(tx, of)) for of in schedules]
    found = [
        (of, gap)
        for of, removed in told
        for gap in find(session.rota, of, session.period(start, end, of.timezone), role=role, removed=removed)
    ]
    found.sort(key=lambda one: (one[1].start, one[1].schedule, one[1].role, one[1].cause))
    if session.json:
        rows = [{**gap._asdict(), "start": utc(gap.start), "end": utc(gap.end), "people": list(gap.people)} for _, gap in found]
        as_json(rows)
        return
    table(
        ("schedule", "role", "when", "cause", "why"),
        [(gap.schedule, gap.role, between(gap.start, gap.end, of.timezone), gap.cause, gap.why) for of, gap in found],
        "no gaps",
    )
    for _, gap in found[:SUGGESTED]:
        click.echo(f"{gap.schedule}, {gap.role}: {gap.suggestion}")
    if len(found) > SUGGESTED:
        click.echo(f"… and {len(found) - SUGGESTED} more; --json has a suggestion for each")


def _removed(tx: Tx | None, of: Schedule) -> list[Override]:
    """Overrides that were taken back: a gap may be where one of them was."""
    from syncd.store import Marked

    if tx is None:
        return []
    gone = {mark.override for mark in tx.overrides.marks(of.id) if mark.kind is Marked.REMOVED}
    known = (*of.overrides, *(one.override for one in tx.overrides.list(of.id)))
    return [one for one in known if one.id in gone]


@click.command(cls=Command)
@_schedule
@_role
@_from
@_to
@with_session
def fairness(session: Session, schedule: str | None, role: str | None, start: str | None, end: str | None) -> None:
    """Hours, nights (22:00 to 06:00), weekends and holidays per person and role, of the time within the period.

    What has passed is counted from the record of who really was on call, as far as there is one.

    Without --schedule, times without an offset are in the configuration's zone.
    """
    from syncd.cli.holidays import days_off
    from syncd.core.fairness import fairness as shares

    schedules = session.schedules(schedule)
    role = session.role(role)
    window = session.period(start, end, schedules[0].timezone if schedule else session.rota.timezone)
    with session.look() as tx:
        rota = replace(session.rota, schedules={of.id: session.in_force(of, tx) for of in schedules})

        def served(of: Schedule, within: Window, named: str) -> list[Duty]:
            return duties(tx, of, within, session.now, named)

        found = shares(rota, window, role=role, holidays=days_off(rota, window), duties=served)
    if session.json:
        as_json([one._asdict() for one in found])
        return
    rows = [
        (session.name(one.person), one.role, f"{round(one.hours, 1):g}", one.nights, one.weekends, one.holidays) for one in found
    ]
    table(("person", "role", "hours", "nights", "weekends", "holidays"), rows, "nobody")
    click.echo(between(window.start, window.end, schedules[0].timezone if schedule else session.rota.timezone))


def _by(one: Duty) -> str:
    of = one.source
    if of.override is not None:
        return f"override {of.override}"
    return f"{of.layer}, turn {of.turn}" if of.turn is not None else str(of.layer)
