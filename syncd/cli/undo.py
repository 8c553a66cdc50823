"""`syncd undo RUN`: what a run changed is put back into the rota, as a plan that is shown first; destinations follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from syncd.cli import USAGE, Command, asks, stop
from syncd.cli.restore import _record
from syncd.cli.session import Session, actor, with_session
from syncd.cli.show import as_json, between, parse, table, utc, when
from syncd.config.problem import shown
from syncd.core.model import Override, Schedule, Window
from syncd.core.shifts import shifts
from syncd.core.timeline import minus

if TYPE_CHECKING:
    from syncd.store import Tx
    from syncd.store.journal import Line


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that is put back. `override`: an import that is taken back; else `person` had `window` and gets it again."""

    schedule: str
    role: str
    destination: str
    person: str
    window: Window
    override: str = ""

    @property
    def words(self) -> str:
        return "the import is taken back" if self.override else "is on call again"


@click.command(cls=Command)
@click.argument("run", metavar="RUN")
@click.option("--now", "at_once", is_flag=True, help="Do it without asking.")
@with_session
def undo(session: Session, run: str, at_once: bool) -> None:
    """Take back what a run changed. `syncd history` names runs; what would be done is shown, then done when you agree.

    Imports of the run leave the rota. Whoever the run replaced or removed at a destination comes back as an override where that
    is still to come, and every destination of the schedule follows. What it only added stays: the rota has it.
    """
    with session.look() as tx:
        lines = tx.journal.list(run=run) if tx else ()
        if not lines:
            stop(f"no run {shown(run)}; `syncd history` names them", USAGE)
        done = [line for line in tx.journal.list(event="undone") if line.entry == run] if tx else []
        steps = _steps(session, tx, lines, run) if tx else []
    if not at_once and steps and (session.json or not asks()):
        stop("there is no terminal to ask at; use --now", USAGE)
    if not session.json:
        _show(session, steps, done)
    if steps and (at_once or click.confirm("Do it?", err=True)):
        with session.change() as tx:
            if _steps(session, tx, tx.journal.list(run=run), run) != steps:
                stop("the rota changed meanwhile: nothing was done; look again", USAGE)
            _do(session, tx, steps, run)
    if session.json:
        as_json([_said(one) for one in steps])


def _steps(session: Session, tx: Tx, lines: tuple[Line, ...], run: str) -> list[Step]:
    """Imports first, then displaced people, by time; what the rota says already is left out."""
    found = [
        Step(
            schedule=one.schedule, role=role, destination=one.override.by, person=", ".join(one.override.people),
            window=Window(one.override.start, one.override.end), override=one.override.id,
        )
        for one in tx.overrides.list()
        if one.run == run and not one.removed and one.override.end > session.now
        for role in one.override.roles
    ]  # fmt: skip
    for line in lines:
        settings = session.config.destinations.get(line.destination or "")
        old: Any = line.old
        if settings is None or not line.event.endswith(" applied") or not isinstance(old, dict) or "person" not in old:
            continue
        window = Window(max(parse(old["start"]), session.now), parse(old["end"]))
        if window.start >= window.end or old["person"] not in session.rota.people:
            continue
        schedule = tx.overrides.in_force(session.rota.schedules[settings.schedule])
        for piece in _missing(schedule, settings.role, old["person"], _lost(old, line.new, window)):
            found.append(
                Step(schedule=schedule.id, role=settings.role, destination=settings.name, person=old["person"], window=piece)
            )
    return sorted(dict.fromkeys(found), key=lambda one: (not one.override, one.window, one.role, one.person))


def _lost(old: Any, new: Any, window: Window) -> list[Window]:
    """What a write took from a person: an entry that was only signed or renamed is theirs as before."""
    if not isinstance(new, dict) or new.get("person") != old["person"]:
        return [window]
    return [Window(start, end) for start, end in minus([window], [Window(parse(new["start"]), parse(new["end"]))])]


def _missing(schedule: Schedule, role: str, person: str, wanted: list[Window]) -> list[Window]:
    """The parts of `wanted` in which the rota does not have `person`."""
    has = [Window(one.start, one.end) for w in wanted for one in shifts(schedule, w, role=role) if one.person == person]
    return [Window(start, end) for start, end in minus(wanted, has)]


def _do(session: Session, tx: Tx, steps: list[Step], run: str) -> None:
    for schedule in {one.schedule for one in steps if one.override}:
        for mark in tx.overrides.marks(schedule, run=run):
            tx.overrides.undo(schedule, mark.id, by=actor(), at=session.now, reason=f"undo of {run}")
    for one in steps:
        if one.override:
            tx.overrides.remove(one.schedule, one.override, by=actor(), at=session.now, reason=f"undo of {run}")
            continue
        of = session.rota.schedules[one.schedule]
        if _missing(tx.overrides.in_force(of), one.role, one.person, [one.window]):
            wanted = Override(
                id="", roles=(one.role,), people=(one.person,), replaces=None, start=one.window.start, end=one.window.end,
                reason=f"undo of {run}", origin="command",
            )  # fmt: skip
            _record(session, tx, of, wanted, one.destination)
    tx.journal.add(at=session.now, event="undone", actor=actor(), entry=run, new=[_said(one) for one in steps])
    touched = {one.schedule for one in steps}
    tx.destinations.want(one.name for one in session.config.destinations.values() if one.schedule in touched)


def _said(one: Step) -> dict[str, Any]:
    return {
        "schedule": one.schedule,
        "role": one.role,
        "destination": one.destination,
        "person": one.person,
        "start": utc(one.window.start),
        "end": utc(one.window.end),
        "override": one.override or None,
        "done": one.words,
    }


def _show(session: Session, steps: list[Step], done: list[Line]) -> None:
    """`done`: when it was undone before, newest first."""
    rows = []
    for one in steps:
        zone = session.rota.schedules[one.schedule].timezone
        people = ", ".join(map(session.name, one.person.split(", ")))
        rows.append((f"{one.schedule}, {one.role}", people, between(one.window.start, one.window.end, zone), one.words))
    nothing = "nothing of that run can be taken back: it only added, or it is over"
    if done:
        at = when(done[0].at, session.rota.timezone)
        nothing = f"{done[0].actor} undid that run at {at}: nothing of it is left to take back"
    table(("role", "who", "when", "what"), rows, nothing)
