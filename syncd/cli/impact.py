"""`syncd impact`: whose future shifts would move if another file became the configuration, and by how much."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from syncd.cli import Command
from syncd.cli.session import Session, with_session
from syncd.cli.show import as_json, span, table, utc, when
from syncd.core.model import Instant, Schedule, Window
from syncd.core.shifts import roles_of, shifts
from syncd.core.timeline import minus, union


@click.command(cls=Command)
@click.argument("file", metavar="FILE")
@click.option("--from", "start", metavar="T", help="Default: now.")
@click.option("--to", "end", metavar="T", help="Default: 30 days after --from.")
@with_session
def impact(session: Session, file: str, start: str | None, end: str | None) -> None:
    """Who would be on call for more or less, and when, if FILE became the configuration. Overrides of the store count in both."""
    from syncd.config import load

    window = session.period(start, end, session.rota.timezone)
    other = load(Path(file), destinations=False).rota
    found: list[tuple[str, dict[str, Any], list[tuple[str, Window]]]] = []
    with session.look() as tx:
        for id_ in dict.fromkeys([*session.rota.schedules, *other.schedules]):
            told = [rota.schedules[id_] for rota in (session.rota, other) if id_ in rota.schedules]
            before, after = (
                _who(session.in_force(rota.schedules[id_], tx), window) if id_ in rota.schedules else {}
                for rota in (session.rota, other)
            )
            zone = told[-1].timezone
            for role, person in sorted({*before, *after}):
                had, has = before.get((role, person), []), after.get((role, person), [])
                gained, lost = minus(has, had), minus(had, has)
                if gained or lost:
                    said = {
                        "schedule": id_,
                        "role": role,
                        "person": person,
                        "seconds": _length(gained) - _length(lost),
                        "gained": [_json(one) for one in gained],
                        "lost": [_json(one) for one in lost],
                    }
                    spans = sorted(
                        [*(("gains", one) for one in gained), *(("loses", one) for one in lost)], key=lambda one: one[1]
                    )
                    found.append((zone, said, spans))
    if session.json:
        as_json([said for _, said, _ in found])
        return
    rows = [
        (
            said["schedule"],
            said["role"],
            said["person"],
            what,
            when(one.start, zone),
            when(one.end, zone),
            span(one.end - one.start),
        )
        for zone, said, spans in found
        for what, one in spans
    ]
    table(("schedule", "role", "person", "", "from", "to", "length"), rows, "nobody's shifts would move")


def _who(schedule: Schedule, window: Window) -> dict[tuple[str, str], list[Window]]:
    """Role and person → when, within the period."""
    found: dict[tuple[str, str], list[Window]] = {}
    for role in roles_of(schedule):
        for one in shifts(schedule, window, role=role):
            piece = Window(max(one.start, window.start), min(one.end, window.end))
            found.setdefault((role, one.person), []).append(piece)
    return {key: union(pieces) for key, pieces in found.items()}


def _length(windows: Iterable[Window]) -> Instant:
    return sum(one.end - one.start for one in windows)


def _json(one: Window) -> dict[str, Any]:
    return {"start": utc(one.start), "end": utc(one.end)}
