"""How answers look: tables for people with every time in its zone, JSON for programs."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from syncd.core.model import Instant, Shift, iso

if TYPE_CHECKING:
    from syncd.cli.past import Duty


def as_json(value: Any) -> None:
    """One document on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def utc(instant: Instant | None) -> str | None:
    """A time of our JSON: UTC with `Z`, null where it is not known."""
    return None if instant is None else iso(instant)


def parse(text: str) -> Instant:
    """The instant of a time of our JSON."""
    return int(datetime.fromisoformat(text).timestamp())


def shift_json(shift: Shift | Duty) -> dict[str, Any]:
    """As `syncd shifts --json` has it (SCHEDULES.md section 5)."""
    of = shift.source
    source = {"override": of.override} if of.override is not None else {"layer": of.layer, "turn": of.turn}
    return {
        "schedule": shift.schedule,
        "role": shift.role,
        "person": shift.person,
        "start": iso(shift.start),
        "end": iso(shift.end),
        "key": shift.key,
        "source": source,
    }


def when(instant: Instant | None, zone: str) -> str:
    """`Sat 2026-03-07 09:00 CET`: with the seconds only where there are any."""
    if instant is None:
        return "–"
    local = datetime.fromtimestamp(instant, ZoneInfo(zone))
    return f"{local:%a %Y-%m-%d %H:%M:%S %Z}" if local.second else f"{local:%a %Y-%m-%d %H:%M %Z}"


def span(seconds: int) -> str:
    """`2d 3h`, `45m`, `30s`: two units at most."""
    parts = []
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"


def width(text: str) -> int:
    """Columns on a terminal."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    none = sum(bool(unicodedata.combining(char)) for char in text)
    return len(text) + wide - none


def table(head: Sequence[str], rows: Iterable[Sequence[object]], empty: str = "nothing") -> None:
    """Columns as wide as their widest cell; `empty` where there is no row."""
    cells = [[safe(str(cell)) for cell in row] for row in rows]
    if not cells:
        click.echo(empty)
        return
    widest = [max(width(row[i]) for row in [list(head), *cells]) for i in range(len(head))]
    for place, row in enumerate([list(head), *cells]):
        line = "  ".join(cell + " " * (size - width(cell)) for cell, size in zip(row, widest, strict=True)).rstrip()
        click.echo(click.style(line, bold=True) if place == 0 else line)


def safe(text: str) -> str:
    """Without anything that moves a terminal's cursor: titles at a destination are written by others."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
