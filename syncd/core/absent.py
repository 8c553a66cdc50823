"""Decides what a destination shows where it has no account for whoever the rota has on: whoever is there stays (row 15)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from syncd.core.drift import Drift
from syncd.core.entry import Absent
from syncd.core.merge import Do, Tell
from syncd.core.model import Instant, Shift, Window
from syncd.core.notice import Notice
from syncd.core.plan import Change, Status
from syncd.core.record import Action, Value
from syncd.core.sweep import sweep

ROW = "15"


def left(
    rota: Sequence[Shift], missing: Mapping[str, Absent], there: Iterable[Value], hands: Iterable[Value] = ()
) -> list[Shift]:
    """`rota` with, in place of each of `missing`, one of those who stand there and whom the rota does not have on anyway.

    `hands`: what a human put there. It was agreed by nobody, so there the rota stays as it is, and `kept` decides.
    """
    if not any(shift.person in missing for shift in rota):
        return list(rota)
    out = [shift for shift in rota if shift.person not in missing]
    taken = [(shift.start, shift.end, shift.person) for shift in out]
    standing = [(value.start, value.end, value.person) for value in there]
    edits = [(value.start, value.end, value.person) for value in hands]
    for shift in rota:
        if shift.person not in missing:
            continue
        mine: list[Shift] = []
        for piece, (others, on, edited) in sweep(Window(shift.start, shift.end), taken, standing, edits):
            free = [person for person in on if person not in others]
            stays = shift.person in free or any(person not in others for person in edited)
            who = shift.person if stays else free[0] if free else None
            if who is not None and mine and (mine[-1].person, mine[-1].end) == (who, piece.start):
                mine[-1] = mine[-1]._replace(end=piece.end)
            elif who is not None:
                mine.append(shift._replace(person=who, start=piece.start, end=piece.end))
        out += mine
        taken = [*taken, *((one.start, one.end, one.person) for one in mine)]
    return sorted(out, key=lambda s: (s.start, s.slot, s.person))


def kept(drifts: Iterable[Drift], missing: Mapping[str, Absent]) -> list[Drift]:
    """Where the rota would be put in the place of what stands there, and has somebody who cannot be on: it stays, and is told."""
    return [replace(d, row=ROW, do=Do.KEEP, tell=Tell.HELD) if d.do is Do.PUSH and d.desired in missing else d for d in drifts]


def lacking(rota: Iterable[Shift], missing: Mapping[str, Absent], now: Instant, horizon: Instant) -> tuple[Shift, ...]:
    """The rota's shifts of those who cannot be put on call there."""
    return tuple(s for s in rota if s.person in missing and s.end > now and s.start < horizon)


def refused(lack: Iterable[Shift], kept: Sequence[Shift], missing: Mapping[str, Absent], now: Instant) -> tuple[Change, ...]:
    """What is not sent, as the plan shows it: one a shift that does not stand there anyway. `kept`: what `left` made of it."""
    shown = {(s.key, s.person) for s in kept}
    return tuple(
        Change(
            action=Action.CREATE, row=ROW, key=s.key, shift=s, after=Value(s.person, max(s.start, now), s.end),
            status=Status.WAITS, reason=missing[s.person].text,
        )
        for s in lack
        if (s.key, s.person) not in shown
    )  # fmt: skip


def unsent(changes: Iterable[Change], missing: Mapping[str, Absent]) -> tuple[Change, ...]:
    """What would put one of them on call, be it for another part of what stands there, waits with the rest."""
    return tuple(
        replace(c, status=Status.WAITS, reason=missing[c.shift.person].text)
        if c.shift is not None and c.shift.person in missing and c.status is Status.NOW
        else c
        for c in changes
    )


def told(lack: Sequence[Shift], missing: Mapping[str, Absent], *, destination: str, schedule: str, role: str) -> list[Notice]:
    """One for each person and each time that they went missing."""
    out = []
    for person in dict.fromkeys(s.person for s in lack):
        mine = [s for s in lack if s.person == person]
        out.append(
            Notice(
                id=f"missing-{destination}-{person}-{missing[person].since}", kind=Tell.HELD, destination=destination,
                schedule=schedule, role=role, start=min(s.start for s in mine), end=max(s.end for s in mine),
                text=missing[person].text, rota=(person,), done="whoever is there stays",
            )
        )  # fmt: skip
    return out
