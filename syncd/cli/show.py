"""How answers look: tables for people with every time in its zone, JSON for programs."""

from __future__ import annotations

import json
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from syncd.core.model import Instant, Shift, iso

if TYPE_CHECKING:
    from syncd.cli.past import Duty

NARROW = 10
"""Columns below which a column of a table is not made narrower."""
_WORD = re.compile(r"\w{3} \d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?(?: [A-Z]{2,5}| [+-]\d\d)?\S*|\S+")
"""A time stays together where it can."""
JOINER = "\N{ZERO WIDTH JOINER}"
"""Makes one emoji of several."""


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


def between(start: Instant, end: Instant, zone: str) -> str:
    """`Mon 2026-03-02 09:00 – Mon 2026-03-09 09:00 CET`: what both ends have in common is said once."""
    begin, until = when(start, zone), when(end, zone)
    if begin.rpartition(" ")[2] == until.rpartition(" ")[2]:
        begin = begin.rpartition(" ")[0]
    return f"{begin} – {until.removeprefix(begin[:15])}"


def sides(had: str, rota: str, done: str) -> str:
    """Whom a destination showed, whom the rota had against it, and what was done, in a sentence."""
    has = "had" if "imported" in done or "withdrawn" in done else "has"
    return f"it showed {had}, the rota {has} {rota}; {done}"


class Coloured(str):
    """A word of a table that stands out on a terminal."""

    __slots__ = ("color",)
    color: str

    @classmethod
    def of(cls, text: str, color: str) -> Coloured:
        made = cls(text)
        made.color = color
        return made


def width(text: str) -> int:
    """Columns on a terminal. What joins to the character before it has none of its own."""
    columns = 0
    joined = False
    for char in text:
        if char == JOINER:
            joined = True
        elif joined or unicodedata.category(char) in ("Mn", "Me", "Cf"):
            joined = False
        else:
            columns += 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return columns


def table(head: Sequence[str], rows: Iterable[Sequence[object]], empty: str = "nothing") -> None:
    """Columns as wide as their widest cell, wrapped on a terminal that is too narrow; `empty` where there is no row."""
    cells = [[cell if isinstance(cell, Coloured) else safe(str(cell)) for cell in row] for row in rows]
    if not cells:
        click.echo(empty)
        return
    lines([list(head), *cells], columns(), head=True)


def lines(cells: Sequence[Sequence[str]], room: int | None, indent: str = "", *, head: bool = False) -> None:
    """Rows in columns, wrapped where they need more than `room`; `head`: the first one names them."""
    widest = _fitting(cells, None if room is None else room - len(indent))
    for place, row in enumerate(cells):
        wrapped = [_wrapped(cell, size) for cell, size in zip(row, widest, strict=True)]
        for number in range(max(map(len, wrapped))):
            parts = []
            for cell, text, size in zip(row, wrapped, widest, strict=True):
                part = text[number] if number < len(text) else ""
                shown = click.style(part, fg=cell.color) if isinstance(cell, Coloured) and part else part
                parts.append(shown + " " * (size - width(part)))
            line = indent + "  ".join(parts).rstrip()
            click.echo(click.style(line, bold=True) if head and place == 0 else line)


def columns() -> int | None:
    """How wide the terminal is; None where a file or a program reads."""
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    return shutil.get_terminal_size().columns


def _fitting(cells: Sequence[Sequence[str]], room: int | None) -> list[int]:
    """How wide each column is: the widest give way first, down to their longest word, then to `NARROW`."""
    widest = [max(width(row[place]) for row in cells) for place in range(len(cells[0]))]
    if room is None:
        return widest
    times = [max(width(word) for row in cells for word in _WORD.findall(row[place]) or [""]) for place in range(len(widest))]
    words = [max(width(word) for row in cells for word in row[place].split() or [""]) for place in range(len(widest))]
    for least in (times, words, [min(one, NARROW) for one in words]):
        while sum(widest) + 2 * (len(widest) - 1) > room:
            wide = [place for place, size in enumerate(widest) if size > least[place]]
            if not wide:
                break
            widest[max(wide, key=lambda place: (widest[place], place))] -= 1
    return widest


def _wrapped(text: str, size: int) -> list[str]:
    """Between words, a time being one; a longer word is broken, too."""
    if width(text) <= size:
        return [text]
    found = [""]
    words = _WORD.findall(text)
    for word in words if max(map(width, words), default=0) <= size else text.split():
        if found[-1] and width(found[-1]) + 1 + width(word) <= size:
            found[-1] += f" {word}"
            continue
        if found[-1]:
            found.append("")
        for char in word:
            if found[-1] and width(found[-1] + char) > size:
                found.append("")
            found[-1] += char
    return found


def safe(text: str) -> str:
    """Without anything that moves a terminal's cursor: titles at a destination are written by others."""
    return "".join(char if char.isprintable() or char == JOINER else "\N{REPLACEMENT CHARACTER}" for char in text)
