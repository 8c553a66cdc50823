"""How destinations stand, what waits for a human, and what was done: the store's side of the command line."""

from __future__ import annotations

from typing import Any

import click

from syncd.cli import USAGE, Command, say, stop
from syncd.cli.session import Session, actor, with_session
from syncd.cli.show import as_json, parse, span, table, utc, when
from syncd.web.status import rows_of

COLORS = {"OK": "green", "Pending": "yellow", "Warning": "yellow", "Error": "red"}


@click.command(cls=Command)
@with_session
def status(session: Session) -> None:
    """How each destination stands, from what the last look saw; no destination is called."""
    with session.look() as tx:
        found = rows_of(session.config, tx, session.now)
    if session.json:
        as_json(found)
        return
    rows = []
    for one in found:
        age = "never" if one["last_cycle"] is None else f"{span(max(0, session.now - parse(one['last_cycle'])))} ago"
        told = one["status"] or "–"
        rows.append(
            (
                one["destination"],
                one["mode"] or "–",
                told,
                age,
                one["holds"],
                one["conflicts"],
                one["imported_30d"],
                one["reason"],
            )
        )
    table(("destination", "mode", "status", "last cycle", "holds", "conflicts", "imported", "reason"), rows, "no destinations")


@click.command(cls=Command)
@with_session
def holds(session: Session) -> None:
    """Changes that wait for a human; `syncd ack DIGEST` lets one happen."""
    with session.look() as tx:
        found = tx.holds.open() if tx else ()
    if session.json:
        as_json(
            [
                {
                    "digest": one.digest,
                    "destination": one.destination,
                    "reason": one.reason,
                    "changes": list(one.changes),
                    "since": utc(one.since),
                }
                for one in found
            ]
        )
        return
    zone = session.rota.timezone
    table(
        ("digest", "destination", "changes", "since", "reason"),
        [(one.digest, one.destination, len(one.changes), when(one.since, zone), one.reason) for one in found],
        "nothing waits",
    )


@click.command(cls=Command)
@click.argument("digest")
@with_session
def ack(session: Session, digest: str) -> None:
    """Let a held change happen: of what was held, whatever still stands, and only that.

    The daemon does it at once; without one, `syncd export` does.
    """
    with session.look() as seen:
        if seen is None:
            stop(f"no hold {digest} waits for an answer: nothing was ever exported", USAGE)
    with session.change() as tx:
        hold = tx.holds.answer(digest, by=actor(), at=session.now)
        tx.destinations.want([hold.destination])
        tx.journal.add(
            at=session.now, event="ack", actor=actor(), destination=hold.destination, new=hold.reason, digest=hold.digest
        )
    if session.json:
        as_json({"digest": hold.digest, "destination": hold.destination, "reason": hold.reason})
        return
    say(f"syncd: {hold.digest} at {hold.destination} goes on with the next cycle ({hold.reason})")


@click.command(cls=Command)
@with_session
def conflicts(session: Session) -> None:
    """What a human wrote at a destination and the rota displaced, or could not say; `syncd restore ID` brings one back."""
    with session.look() as tx:
        found = tx.conflicts.open() if tx else ()
    if session.json:
        as_json(
            [
                {
                    "id": one.id,
                    "destination": one.destination,
                    "role": one.role,
                    "start": utc(one.start),
                    "end": utc(one.end),
                    "rota": one.rota,
                    "destination_had": one.destination_had,
                    "done": one.done,
                    "since": utc(one.since),
                }
                for one in found
            ]
        )
        return
    zone = session.rota.timezone
    table(
        ("id", "destination", "role", "from", "to", "rota", "it had", "done"),
        [
            (
                *(one.id, one.destination, one.role, when(one.start, zone), when(one.end, zone)),
                *(_people(one.rota), _people(one.destination_had), one.done),
            )
            for one in found
        ],
        "no conflicts",
    )


def _people(value: Any) -> str:
    """Ids, or the titles of events by a human's hand that stand beside a hole."""
    if isinstance(value, dict):
        return _people(value.get("people") or [event["title"] for event in value.get("events", ())])
    value = value.get("people", []) if isinstance(value, dict) else value
    return ", ".join(map(str, value)) or "nobody" if isinstance(value, list) else str(value)


@click.command(cls=Command)
@click.option("--destination", metavar="DEST", help="Only this one.")
@click.option("--run", metavar="RUN", help="Only this run.")
@click.option("--limit", type=click.IntRange(1), default=None, metavar="N", help="At most so many lines.")
@with_session
def history(session: Session, destination: str | None, run: str | None, limit: int | None) -> None:
    """Runs and what they did, newest first."""
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
    zone = session.rota.timezone
    table(
        ("when", "destination", "event", "by", "entry", "before", "after", "run"),
        [
            (
                *(when(one.at, zone), one.destination or "–", one.event, one.actor, one.entry or "–"),
                *(_said(one.old, zone), _said(one.new, zone), one.run or "–"),
            )
            for one in found
        ],
        "nothing was done yet",
    )


def _said(value: Any, zone: str) -> str:
    """A value of the journal in a few words; times as the rota's people read them."""
    if value is None:
        return "–"
    if isinstance(value, dict) and "person" in value:
        return f"{value['person']} {_time(value.get('start'), zone)} – {_time(value.get('end'), zone)}"
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value) or "nobody"
    return str(value)[:60]


def _time(text: Any, zone: str) -> str:
    return when(parse(text), zone) if isinstance(text, str) else "?"
