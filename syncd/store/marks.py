"""What became of overrides: which count, which were removed, which lost part of their time; values only, no store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from syncd.core.model import Away, Instant, Override, Schedule, Window


class Approved(StrEnum):
    """SCHEDULES.md section 4: only approved ones count."""

    APPROVED = "approved"
    PENDING = "pending"
    REJECTED = "rejected"


class Marked(StrEnum):
    REMOVED = "removed"
    CUT = "cut"
    APPROVED = "approved"
    REJECTED = "rejected"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What was said of an override later, of the file's too. `undoes`: the mark that no longer counts."""

    id: str
    schedule: str
    override: str
    kind: Marked
    by: str
    at: Instant
    reason: str = ""
    role: str | None = None
    window: Window | None = None
    undoes: str | None = None
    run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An override as it was recorded, and what became of it. `marks`: those that count, in the order of recording."""

    override: Override
    schedule: str
    approval: Approved
    run: str
    marks: tuple[Mark, ...] = ()

    @property
    def removed(self) -> Mark | None:
        return next((mark for mark in self.marks if mark.kind is Marked.REMOVED), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """All that was recorded of a schedule: overrides in the order of recording, `marks` of the file's own too, and time off."""

    recorded: tuple[Recorded, ...] = ()
    marks: tuple[Mark, ...] = ()
    away: tuple[Away, ...] = ()


def in_force(schedule: Schedule, stored: Stored) -> Schedule:
    """`schedule` with the file's overrides and time off, then the recorded ones; removals and cuts are taken off.

    An override that was cut comes as pieces of one id, each with the roles that have that piece.
    """
    removed = {mark.override for mark in stored.marks if mark.kind is Marked.REMOVED}
    cuts: dict[str, list[Mark]] = {}
    for mark in stored.marks:
        if mark.kind is Marked.CUT:
            cuts.setdefault(mark.override, []).append(mark)
    approved = [one.override for one in stored.recorded if one.approval is Approved.APPROVED]
    pieces: list[Override] = []
    for override in (*schedule.overrides, *approved):
        if override.id not in removed:
            pieces.extend(_pieces(override, cuts.get(override.id, ())))
    return replace(schedule, overrides=tuple(pieces), away=(*schedule.away, *stored.away))


def _pieces(override: Override, cuts: Sequence[Mark]) -> Iterable[Override]:
    if not cuts:
        return [override]
    roles_of: dict[Window, list[str]] = {}
    for role in override.roles:
        left = [Window(override.start, override.end)]
        for cut in cuts:
            if cut.role in (role, None) and cut.window is not None:
                left = [piece for whole in left for piece in _outside(whole, cut.window)]
        for piece in left:
            roles_of.setdefault(piece, []).append(role)
    ordered = sorted(roles_of.items(), key=lambda item: (item[0], override.roles.index(item[1][0])))
    return [replace(override, roles=tuple(roles), start=piece.start, end=piece.end) for piece, roles in ordered]


def _outside(whole: Window, cut: Window) -> Iterable[Window]:
    if cut.end <= whole.start or whole.end <= cut.start:
        return [whole]
    left, right = Window(whole.start, cut.start), Window(cut.end, whole.end)
    return [piece for piece in (left, right) if piece.start < piece.end]
