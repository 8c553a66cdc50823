"""`syncd swap`: two people take each other's shift, found by a few words; two overrides in one transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import click

from syncd.cli import USAGE, Command, say, stop
from syncd.cli.change import as_said, checked, from_now, reason_option, waits_for_approval, write_down
from syncd.cli.session import Session, actor, with_session
from syncd.cli.show import as_json, shift_json, table, when
from syncd.core.model import Override, Schedule, Shift, Window
from syncd.core.shifts import shifts
from syncd.core.words import Unclear, find
from syncd.store import Approved

if TYPE_CHECKING:
    from syncd.store import Tx

BETWEEN = frozenset(("with", "and", "for", "<->", "<>", "↔", "⇄"))


@click.command(cls=Command)
@click.argument("words", nargs=-1, required=True, metavar="WORDS with WORDS")
@click.option("--schedule", metavar="S", help="Only shifts of this schedule.")
@reason_option
@with_session
def swap(session: Session, words: tuple[str, ...], schedule: str | None, reason: str) -> None:
    """Two people take each other's shift: `syncd swap ana sat with ben next week`, or two arguments in quotes.

    Each side is a person, then a day or a week if she has several shifts to come (today, sat, next fri, weekend, next week,
    14 mar, 2026-03-14), and a role or a schedule where that is needed. Shows who was on before and who is now. With --json:
    {"overrides": [as `override list` has them, with "approval"], "before": shifts, "after": shifts}.
    """
    one, other = _sides(words)
    asked = session.schedules(schedule)
    with session.look() as seen:
        told = {of.id: session.in_force(of, seen) for of in asked}
    first, second = (_shift(session, told, text) for text in (one, other))
    if first.person == second.person:
        stop(f"both shifts are {session.name(first.person)}'s: there is nothing to swap", USAGE)
    _sensible(session, told, first, second)
    with session.change() as tx:
        before = {
            id_: tx.overrides.in_force(session.rota.schedules[id_]) for id_ in dict.fromkeys((first.schedule, second.schedule))
        }
        recorded = [
            _recorded(session, tx, before, shift, takes, reason)
            for shift, takes in ((first, second.person), (second, first.person))
        ]
        after = {id_: tx.overrides.in_force(session.rota.schedules[id_]) for id_ in before}
    _tell(session, recorded, before, after, (first, second))


def _sides(words: tuple[str, ...]) -> tuple[str, str]:
    if len(words) == 2:
        return words[0], words[1]
    split = [i for i, word in enumerate(words) if word.casefold() in BETWEEN]
    if len(split) != 1 or split[0] in (0, len(words) - 1):
        stop("name two shifts: syncd swap ana sat with ben next week", USAGE)
    return " ".join(words[: split[0]]), " ".join(words[split[0] + 1 :])


def _shift(session: Session, told: dict[str, Schedule], text: str) -> Shift:
    try:
        return find(session.rota, told.values(), text, session.now)
    except Unclear as unclear:
        return _unclear(unclear, told)


def _unclear(unclear: Unclear, told: dict[str, Schedule]) -> NoReturn:
    def line(shift: Shift) -> str:
        name = told[shift.schedule].timezone
        return f"  {shift.schedule}, {shift.role}: {shift.person}, {when(shift.start, name)} – {when(shift.end, name)}"

    shown = [line(shift) for shift in unclear.candidates[:10]]
    more = [f"  … and {len(unclear.candidates) - 10} more"] if len(unclear.candidates) > 10 else []
    stop("\n".join([f"{unclear}{':' if shown else ''}", *shown, *more]), USAGE)


def _sensible(session: Session, told: dict[str, Schedule], first: Shift, second: Shift) -> None:
    """What it cannot mean is refused; what may not be meant is said."""
    for shift, person in ((first, second.person), (second, first.person)):
        of = told[shift.schedule]
        if shift.source.override is not None:
            why = f"{session.name(shift.person)} has that shift by override {shift.source.override}"
            stop(f"{why}; `syncd override remove {shift.source.override}` first, or add another override", USAGE)
        window = Window(max(shift.start, session.now), shift.end)
        if any(one.person == person for one in shifts(of, window, role=shift.role)):
            stop(f"{session.name(person)} is on call as {shift.role} then already", USAGE)
        for away in of.away:
            if away.person == person and away.start < window.end and window.start < away.end:
                times = f"{when(away.start, of.timezone)} – {when(away.end, of.timezone)}"
                say(f"syncd: warning: {session.name(person)} is away {times}")
        both = [one for one in shifts(of, window) if one.person == person and one.role != shift.role]
        if both:
            say(f"syncd: warning: {session.name(person)} is on call as {both[0].role} then, too")


def _recorded(
    session: Session, tx: Tx, before: dict[str, Schedule], shift: Shift, takes: str, reason: str
) -> tuple[Schedule, Override, Approved]:
    """One half: `takes` in the place of whoever has `shift`."""
    of = session.rota.schedules[shift.schedule]
    wanted = Override(
        id="", roles=(shift.role,), people=(takes,), replaces=(shift.person,), start=shift.start, end=shift.end,
        reason=reason.strip() or f"swap of {shift.person} and {takes}", origin="command",
    )  # fmt: skip
    checked(session, before[of.id], wanted)
    approval = Approved.PENDING if waits_for_approval(of, wanted, actor()) else Approved.APPROVED
    id_ = tx.overrides.add(of.id, wanted, by=actor(), at=session.now, approval=approval)
    made = replace(wanted, id=id_, by=actor(), at=session.now)
    from_now(session, tx, of.id, made)
    write_down(session, tx, "override.added", of.id, id_, new=as_said(of, made))
    return of, made, approval


def _tell(
    session: Session,
    recorded: list[tuple[Schedule, Override, Approved]],
    before: dict[str, Schedule],
    after: dict[str, Schedule],
    swapped: tuple[Shift, Shift],
) -> None:
    was, will = (
        [one for shift in swapped for one in shifts(at[shift.schedule], Window(shift.start, shift.end), role=shift.role)]
        for at in (before, after)
    )
    if session.json:
        overrides = [{**as_said(of, one), "approval": str(approval)} for of, one, approval in recorded]
        as_json({"overrides": overrides, "before": [shift_json(one) for one in was], "after": [shift_json(one) for one in will]})
        return
    for _, one, approval in recorded:
        click.echo(one.id)
        if approval is Approved.PENDING:
            say(f"syncd: it waits for approval: `syncd override approve {one.id}`")
    for title, found in (("before", was), ("now", will)):
        rows = [
            (
                one.schedule,
                one.role,
                session.name(one.person),
                *(when(at, before[one.schedule].timezone) for at in (one.start, one.end)),
            )
            for one in dict.fromkeys(found)
        ]
        table((title, "role", "on call", "from", "to"), rows, f"{title}: nobody")
