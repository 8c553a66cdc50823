"""`syncd shifts --month`: a month as a table of days, for each role."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import date, timedelta

import click

from syncd.cli import USAGE, stop
from syncd.cli.past import Duty
from syncd.cli.show import safe, width
from syncd.core.model import Instant, Schedule, Window
from syncd.core.timeline import minus, union
from syncd.core.zone import instant, local_of, zone

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
OPEN = "–"
"""Part of that day has nobody."""


def month_of(text: str, now: Instant, name: str) -> date:
    """The first day of the month that `--month` names: `2026-03`, or "now". Anything else is exit 2."""
    if text == "now":
        return local_of(zone(name).wall(now)).date().replace(day=1)
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        stop(f"--month: {text!r} is no month; write 2026-03", USAGE)
    if not 1970 <= first.year <= 2200:
        stop(f"--month: {text} is out of range; years 1970 to 2200", USAGE)
    return first


def period(first: date, name: str) -> Window:
    return Window(instant(first, name), instant(_next(first), name))


def _next(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)


def show(of: Schedule, role: str, told: Sequence[Duty], first: date) -> None:
    """One table: a column a weekday, and who is on call each day, in the order in which they are."""
    days = [first + timedelta(days=n) for n in range((_next(first) - first).days)]
    cells = {day: _cell(of, told, day) for day in days}
    most = max(6, (shutil.get_terminal_size((100, 24)).columns - 6) // 7 - 2)
    size = min(most, max(6, *(width(cell) + 3 for cell in cells.values())))
    click.echo(click.style(f"{of.id}, {role}: {first:%B %Y} ({of.timezone})", bold=True))
    click.echo("  ".join(day.ljust(size) for day in DAYS).rstrip())
    for monday in range(-first.weekday(), len(days), 7):
        week = [days[n] if 0 <= n < len(days) else None for n in range(monday, monday + 7)]
        row = [_fitted("" if day is None else f"{day.day:>2} {cells[day]}", size) for day in week]
        click.echo("  ".join(row).rstrip())
    if any(OPEN in cell.split() for cell in cells.values()):
        click.echo(f"{OPEN} part of that day has nobody: `syncd gaps` tells more")


def _cell(of: Schedule, told: Sequence[Duty], day: date) -> str:
    start, end = instant(day, of.timezone), instant(day + timedelta(days=1), of.timezone)
    here = sorted((one for one in told if one.start < end and start < one.end), key=lambda one: one.start)
    free = minus([Window(start, end)], union((one.start, one.end) for one in here))
    return " ".join([*dict.fromkeys(one.person for one in here), *([OPEN] if free else [])])


def _fitted(text: str, size: int) -> str:
    text = safe(text)
    while width(text) > size:
        text = text[:-2] + "…" if text.endswith("…") else text[:-1] + "…"
    return text + " " * (size - width(text))
