"""How a destination stands, by the three-day rule, and when somebody is to be told (DESIGN.md section 7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from syncd.core.desired import Target
from syncd.core.drift import Drift
from syncd.core.merge import Do
from syncd.core.model import DAY, HOUR, Instant, Shift, Window
from syncd.core.own import is_unknown
from syncd.core.record import Value
from syncd.core.sweep import sweep

SOON = 3 * DAY


class State(StrEnum):
    OK = "OK"
    PENDING = "Pending"
    WARNING = "Warning"
    ERROR = "Error"


ATTENTION = {State.WARNING, State.ERROR}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A destination's status: `reason` in words, "" where all is well; `next_unexported`: first instant not surely shown."""

    state: State
    reason: str = ""
    next_unexported: Instant | None = None


class Telling(NamedTuple):
    """`kind` of notice, "" for none. `spared`: of this state only a hold has told, to those who hear of holds."""

    kind: str
    spared: bool


def telling(before: str | None, state: State, *, held: bool, just: bool, spared: bool) -> Telling:
    """What is told of a status: entering a state that needs attention, and recovery, once each.

    A hold that is told `just` now says it with the command that answers it; `held`: it is the only cause. `spared`: it was when
    the state was entered, so another cause has yet to be told.
    """
    if state not in ATTENTION:
        return Telling("recovered" if before in ATTENTION else "", spared=False)
    if state != before:
        return Telling("attention", spared=held and just)
    return Telling("attention", spared=False) if spared and not held else Telling("", spared)


def next_unexported(
    targets: Sequence[Target], standing: Iterable[Value], now: Instant, horizon: Instant, lacking: Iterable[Shift] = ()
) -> Instant | None:
    """First instant before `horizon` at which somebody of the rota is not surely shown; those `lacking` an account never are."""
    found = [instant for instant in (_first(targets, standing, now, horizon),) if instant is not None]
    return min([*found, *(max(shift.start, now) for shift in lacking)], default=None)


def _first(targets: Sequence[Target], standing: Iterable[Value], now: Instant, horizon: Instant) -> Instant | None:
    wanted = [(t.start, t.end, t.shift.person) for t in targets if t.shift.start < horizon]
    shown = [(v.start, v.end, v.person) for v in standing]
    if not wanted:
        return None
    window = Window(now, max(now + 1, *(end for _, end, _ in wanted)))
    for piece, (want, on) in sweep(window, wanted, shown):
        if any(want.count(person) > on.count(person) for person in want):
            return piece.start
    return None


def in_its_place(drifts: Iterable[Drift], at: Instant) -> str:
    """What is kept at `at` where somebody of the rota is to be shown, and what to do; "" where nothing is."""
    for d in drifts:
        if d.do is Do.KEEP and d.start <= at < d.end and d.desired is not None and d.observed:
            there = ", ".join(sorted(person.removeprefix("?") for person in d.observed))
            if any(map(is_unknown, d.observed)):
                why = "names nobody of the rota; correct it there, or add the person, or an alias, to `people`"
            else:
                why = f"is kept ({d.words}); correct it there, or `syncd conflicts`"
            return f"“{there}” stands there in place of {d.desired} and {why}"
    return ""


def after_cycle(unexported: Instant | None, now: Instant, *, pending: bool, reason: str) -> Standing:
    """`pending`: a difference was seen that this cycle was not to settle (manual, or part of it waits)."""
    if unexported is None:
        return Standing(state=State.PENDING if pending else State.OK, reason=reason)
    state = State.PENDING if pending else State.ERROR if unexported < now + SOON else State.WARNING
    return Standing(state=state, reason=reason or "a shift of the rota is not shown there", next_unexported=unexported)


def after_failure(before: Standing | None, last_full: Instant | None, now: Instant, *, reason: str, denied: bool) -> Standing:
    """A failed look keeps the status until a shift would be missed or for an hour; a refused credential is an Error now."""
    unexported = before.next_unexported if before else None
    if denied:
        return Standing(state=State.ERROR, reason=reason, next_unexported=unexported)
    if before is None or last_full is None:
        return Standing(state=State.ERROR, reason=reason, next_unexported=unexported)
    state = before.state
    if unexported is not None and unexported < now + SOON and state is not State.PENDING:
        state = State.ERROR
    elif state not in ATTENTION and now - last_full >= HOUR:
        state = State.WARNING
    return Standing(state=state, reason=reason, next_unexported=unexported)
