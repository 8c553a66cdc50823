"""How destinations stand, what waits for a human, and what was done: the store's side of the command line."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import click

from syncd.cli import USAGE, Command, say, stop
from syncd.cli.session import Session, actor, with_session
from syncd.cli.show import Coloured, as_json, between, columns, lines, parse, safe, sides, span, table, utc, when
from syncd.config.problem import shown
from syncd.core.held import sentence
from syncd.web.status import modes_of, rows_of

SHOWN = 6
"""Changes of a hold that a person reads; JSON has all."""
LATE = 360
"""Seconds after which nobody looks any more: a daemon gives up a cycle after five minutes."""
COLORS = {"OK": "green", "Pending": "yellow", "Warning": "yellow", "Error": "red"}


@click.command(cls=Command)
@with_session
def status(session: Session) -> None:
    """How each destination stands, from what the last look saw; no destination is called."""
    usable = session.of_the_store(whole=True)
    with session.look() as tx:
        modes = (
            modes_of(session.config)
            if usable or tx is None
            else {one.name: one.mode for one in tx.destinations.all() if not one.removed}
        )
        found = rows_of(modes, tx, session.now)
        failing = (tx.facts.get("notices failing") if tx else None) or {}
    if session.json:
        as_json(found)
        return
    rows, reasons = [], []
    for one in found:
        age = "never" if one["last_cycle"] is None else f"{span(max(0, session.now - parse(one['last_cycle'])))} ago"
        told = Coloured.of(one["status"], COLORS.get(one["status"], "white")) if one["status"] else "–"
        missing = one["next_unexported"]
        since = f" (from {when(parse(missing), session.zone_of(one['destination']))})" if missing else ""
        rows.append((one["destination"], one["mode"] or "–", told, age, one["holds"], one["conflicts"], one["imported_30d"]))
        if one["reason"] or since:
            reasons.append(f"{one['destination']}: {one['reason']}{since}")
    table(("destination", "mode", "status", "last cycle", "holds", "conflicts", "imported"), rows, "no destinations")
    for reason in reasons:
        click.echo(safe(reason))
    due = {one["destination"]: parse(one["next_due"]) for one in found if one["next_due"]}
    late = {name: at for name, at in due.items() if session.now - at > LATE}
    if late:
        at = when(min(late.values()), session.rota.timezone)
        click.echo(safe(f"{', '.join(late)}: not looked at since {at}, when it was due: does the daemon run? `syncd health`"))
    for count, what, how in (
        (sum(one["holds"] for one in found), "held", "`syncd holds` shows what waits for an answer"),
        (
            sum(one["conflicts"] for one in found),
            "in conflict",
            "`syncd conflicts` shows where an edit and the rota disagree",
        ),
    ):
        if count:
            click.echo(f"{count} {what}: {how}")
    if failing:
        said = ", ".join(sorted({one["channel"] for one in failing.values()}))
        click.echo(f"notices do not arrive ({safe(said)}): `syncd doctor` says why")


@click.command(cls=Command)
@with_session
def holds(session: Session) -> None:
    """Changes that wait for a human; `syncd ack DIGEST` lets one happen.

    One that is not wanted ends by itself: put the rota, or what was edited, back as it was.
    """
    session.of_the_store()
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
    if not found:
        click.echo("nothing waits")
    for one in found:
        if any(one.destination == other.destination and one.identities < other.identities for other in found):
            continue  # it has grown since it was told: all of it waits in the other, and either may be answered
        zone = session.zone_of(one.destination)
        click.echo(f"{one.digest}  {one.destination}, since {when(one.since, zone)}")
        said = [sentence(change, session.name, partial(between, zone=zone)) for change in one.changes]
        left = [f"and {len(said) - SHOWN} more: `syncd plan {one.destination}`"] if len(said) > SHOWN else []
        rows = [one.reason, *(f"- {line}" for line in said[:SHOWN] if line), *left, f"let it happen: `syncd ack {one.digest}`"]
        lines([(safe(row),) for row in rows], columns(), "  ")


@click.command(cls=Command)
@click.argument("digest")
@with_session
def ack(session: Session, digest: str) -> None:
    """Let a held change happen: of what was held, whatever still stands, and only that.

    The daemon does it at once; without one, `syncd export` does. The id of a conflict says that it was seen, and that nothing
    is to be brought back: it is listed no more.
    """
    if not re.fullmatch(r"[0-9a-f]{6,16}", digest.strip().lower()):
        stop(f"{shown(digest)} is no digest of a hold: that has 16 digits, of which 6 will do; `syncd holds` shows them", USAGE)
    session.of_the_store()
    with session.look() as seen:
        if seen is None:
            stop(f"no hold {digest} waits for an answer: nothing was ever exported", USAGE)
    with session.change() as tx:
        conflict = tx.conflicts.get(digest.strip().lower())
        if conflict is not None and tx.conflicts.close(conflict.id, by=actor(), at=session.now, how="dismissed"):
            tx.journal.add(
                at=session.now, event="conflict seen", actor=actor(), destination=conflict.destination, entry=conflict.id
            )
            if session.json:
                as_json({"id": conflict.id, "destination": conflict.destination, "done": conflict.done})
            else:
                say(f"syncd: the conflict {conflict.id} at {conflict.destination} is listed no more ({conflict.done})")
            return
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
    """What a human wrote at a destination and the rota displaced, or could not say.

    `syncd restore ID` brings one back, `syncd ack ID` takes it off this list.
    """
    session.of_the_store()
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
    if not found:
        click.echo("no conflicts")
        return
    for one in found:
        zone = session.zone_of(one.destination)
        click.echo(f"{one.id}  {one.destination}, {one.role}, since {when(one.since, zone)}")
        said = sides(_people(session, one.destination_had), _people(session, one.rota), one.done)
        lines([(safe(f"{between(one.start, one.end, zone)}: {said}"),)], columns(), "  ")
    click.echo("`syncd restore ID` brings one back, `syncd ack ID` takes it off this list")


def _people(session: Session, value: Any) -> str:
    """Names, or the titles of events by a human's hand that stand beside a hole."""
    if isinstance(value, dict):
        return _people(session, value.get("people") or [event["title"] for event in value.get("events", ())])
    return ", ".join(session.name(str(one)) for one in value) or "nobody" if isinstance(value, list) else str(value)
