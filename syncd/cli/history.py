"""`syncd history`: runs and what they did, newest first, as sentences for people and the journal's lines for programs."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeGuard

import click

from syncd.cli import Command
from syncd.cli.session import Session, with_session
from syncd.cli.show import as_json, between, columns, lines, parse, safe, sides, utc, when

if TYPE_CHECKING:
    from syncd.store.journal import Line

WIDE = 100
"""Columns where no terminal says otherwise."""


@click.command(cls=Command)
@click.option("--destination", metavar="DEST", help="Only this one.")
@click.option("--run", metavar="RUN", help="Only this run.")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=None, metavar="N", help="At most so many lines.")
@with_session
def history(session: Session, destination: str | None, run: str | None, limit: int | None) -> None:
    """Runs and what they did, newest first; `syncd undo RUN` takes one back. With --json every value is whole."""
    session.of_the_store()
    with session.look() as tx:
        if destination is not None:
            session.known("destination", destination, {*session.config.destinations, *(tx.destinations.names() if tx else ())})
        found = tx.journal.list(destination=destination, run=run, limit=limit) if tx else ()
    if session.json:
        as_json(
            [
                {
                    "id": one.id,
                    "at": utc(one.at),
                    "run": one.run or None,
                    "destination": one.destination,
                    "event": one.event,
                    "actor": one.actor,
                    "entry": one.entry,
                    "old": one.old,
                    "new": one.new,
                    "digest": one.digest,
                }
                for one in found
            ]
        )
        return
    if not found:
        click.echo("nothing was done yet")
    for (at, run_, by), steps in groupby(found, key=lambda one: (one.at // 60, one.run, one.actor)):
        click.echo(f"{when(at * 60, session.rota.timezone)}  {f'run {run_}  ' if run_ else ''}by {by}")
        lines([(one.event, one.destination or "–", safe(_what(session, one))) for one in steps], columns() or WIDE, "  ")


def _what(session: Session, one: Line) -> str:
    """What it was about, in words; what it was before, where that differs."""
    zone = session.zone_of(one.destination)
    if isinstance(one.new, dict) and {"people", "what", "done"} <= one.new.keys():
        return _told(session, one, one.new, zone)
    if one.event.startswith("status "):
        return "; ".join(str(part) for part in (one.new, one.old and f"it was {one.old}") if part)
    if _is_shift(one.old) and _is_shift(one.new) and _time(one.old, zone) == _time(one.new, zone):
        people = dict.fromkeys((_person(session, one.old), _person(session, one.new)))
        return f"{' → '.join(people)}, {_time(one.new, zone)}"
    if one.event == "notices set" and isinstance(one.new, dict):
        from syncd.cli.notices import shown

        chosen = (f"{kind} {'default' if value is None else shown(value)}" for kind, value in one.new.items())
        return f"{one.entry}: {', '.join(chosen)}"
    if one.event in ("held", "ack"):
        return f"{one.new} ({one.digest})"
    if one.event == "undone":
        return f"run {one.entry}: {_said(session, one.new, zone)}"
    said = [_said(session, value, zone) for value in (one.old, one.new) if value is not None]
    return " → ".join(dict.fromkeys(part for part in said if part)) or one.entry or ""


def _told(session: Session, one: Line, new: dict[str, Any], zone: str) -> str:
    """A notice of an edit: when, what happened, who stood there and who is on now; the id by which it is brought back."""
    said = f"{_time(new, zone)}: {new['what']}"
    if isinstance(one.old, dict):
        said += f"; {sides(_people(session, one.old['people']), _people(session, new['people']), new['done'])}"
    else:
        said += f"; {new['done']}"
    back = f" ({one.entry})" if one.event in ("notice: conflict", "notice: removed") else ""
    return said + back


def _said(session: Session, value: Any, zone: str) -> str:
    """A value of the journal; times as the rota's people read them."""
    if _is_shift(value):
        done = f": {value['done']}" if value.get("done") else ""
        return f"{_person(session, value)}, {_time(value, zone)}{done}"
    if isinstance(value, dict) and {"people", "start", "end"} <= value.keys():
        replaced = value.get("replaces", "all")
        whom = "" if replaced == "all" else f" for {'nobody' if replaced == 'none' else _people(session, replaced)}"
        roles = ", ".join(value.get("roles", [value.get("role", "")]))
        reason = f" ({value['reason']})" if value.get("reason") else ""
        return f"{_people(session, value['people'])}{whom} as {roles}, {_time(value, zone)}{reason}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_said(session, inside, zone)}" for key, inside in value.items() if inside is not None)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return _people(session, value)
    if isinstance(value, list):
        return "; ".join(_said(session, one, zone) for one in value)
    return str(value)


def _people(session: Session, ids: Iterable[Any]) -> str:
    return ", ".join(session.name(str(one)) for one in ids) or "nobody"


def _is_shift(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict) and {"person", "start", "end"} <= value.keys()


def _person(session: Session, value: dict[str, Any]) -> str:
    return session.name(str(value["person"]))


def _time(value: dict[str, Any], zone: str) -> str:
    try:
        return between(parse(value["start"]), parse(value["end"]), zone)
    except (TypeError, ValueError):
        return "?"
