"""`syncd notices`: what a person or a group channel hears of, and where; `set` keeps a choice, `test` tries a channel."""

from __future__ import annotations

import re
from typing import Any

import click

from syncd.cli import FAILED, USAGE, Command, Group, say, stop
from syncd.cli.session import Session, actor, with_session
from syncd.cli.show import as_json, span, table
from syncd.core.audience import AUDIENCES, Choices, Kind, Ways
from syncd.core.model import DAY, HOUR, Rota

FIVE = 300
_PERSONAL = AUDIENCES[Kind.CHANGED]
"""Whoever it is about, and nobody else."""

_MEANING = {
    Kind.ATTENTION: "a destination needs attention, or is well again",
    Kind.REMOVED: "an edit at a destination gave way to the rota",
    Kind.IMPORT: "an edit at a destination came into the rota",
    Kind.CONFLICT: "the rota and an edit disagree",
    Kind.HOLD: "a change waits for an answer",
    Kind.HANDOFF: "you come in or go off",
    Kind.DAILY: "who is on call today",
    Kind.CHANGED: "your duty changed",
    Kind.GAPS: "nobody is on call then",
    Kind.APPROVAL: "an override waits for approval",
    Kind.SERVICE: "syncd itself needs attention",
}

_person = click.option("--person", metavar="P", help="Whose choice; by default yours: the person logged in.")
_channel = click.option("--channel", metavar="C", help="Only this channel; of a group channel it is that channel's own choice.")


@click.group(cls=Group, invoke_without_command=True)
@_person
@_channel
@with_session
def notices(session: Session, person: str | None, channel: str | None) -> None:
    """What you hear of, and where: your own choices over those of the file."""
    context = click.get_current_context()
    if context.invoked_subcommand is not None:
        return
    named = _whose(session, person, channel)
    ways = _ways(session)
    with session.look() as tx:
        choices: Choices = tx.preferences.all() if tx else {}
    rows = [
        {"person": named or None, "channel": one, "notice": kind.value, **_said(session, ways, choices, named, one, kind)}
        for one in ([channel] if channel else ways.personal)
        for kind in Kind
    ]
    if session.json:
        as_json(rows)
        return
    cells = [(row["channel"], row["notice"], shown(row["value"]), row["from"], _MEANING[Kind(row["notice"])]) for row in rows]
    table(
        ("channel", "notice", "told", "because", "what it tells"),
        cells,
        "no personal channel (`mailto`) is configured under `notices.channels:`",
    )
    if named and rows and not session.rota.people[named].email:
        say(f"syncd: warning: {named} has no `email`, so none of it arrives")
    if rows:
        click.echo(f"change: `syncd notices set NOTICE on|off|default`; try: `syncd notices test {rows[0]['channel']}`")


@notices.command("set", cls=Command)
@click.argument("kind", metavar="NOTICE", type=click.Choice([kind.value for kind in Kind]))
@click.argument("value")
@click.option(
    "--to", type=click.Choice(["incoming", "outgoing", "both"]), help="Of a handoff: when you come in, go off, or both."
)
@_person
@_channel
@with_session
def set_(session: Session, kind: str, value: str, to: str | None, person: str | None, channel: str | None) -> None:
    """Choose for NOTICE: on, off, or default; for handoff also how long ahead (30m, 2h), for daily the time (08:00)."""
    named = _whose(session, person, channel)
    chosen = _value(Kind(kind), value.strip().lower(), to)
    with session.change() as tx:
        before = tx.preferences.all().get((named, channel or "", kind))
        tx.preferences.set(named, channel or "", kind, chosen)
        tx.journal.add(at=session.now, event="notices set", actor=actor(), entry=named or channel, old=before, new={kind: chosen})
    if session.json:
        as_json({"person": named or None, "channel": channel, "notice": kind, "value": chosen})
    else:
        click.echo(f"{named or channel}: {kind} {shown(chosen) if chosen is not None else 'as the file says'}")
        if named and any(_follows(session, schedule) for schedule in session.rota.schedules):
            click.echo("where a team says `follow: team`, its word counts and not yours")


@notices.command("test", cls=Command)
@click.argument("channel")
@click.option("--person", metavar="P", help="Of a personal channel: to whom; by default you.")
@click.option("--schedule", metavar="S", help="Where schedules have channels of the same name: whose.")
@with_session
def test(session: Session, channel: str, person: str | None, schedule: str | None) -> int:
    """Send one text, marked as a test, through CHANNEL now, and show what the receiver answers; exit 1 if it did not arrive."""
    from syncd import log
    from syncd.core.audience import Reader
    from syncd.herald.ways import Channels
    from syncd.notify.channel import send
    from syncd.notify.words import message

    if schedule is not None:
        session.known("schedule", schedule, session.rota.schedules)
    addresses = Channels(session.config).addresses(schedule or "")
    session.known("channel", channel, addresses)
    named = _whose(session, person, channel)
    to = session.rota.people[named].email if named else ""
    if to is None:
        stop(f"{named} has no `email`, so {channel} cannot reach them", USAGE)
    said = {"kind": "test", "text": f"Sent by {actor()}.", "start": session.now, "end": session.now}
    answer = send(addresses[channel], message(said, session.rota, Reader(channel, named)), to)
    words = log.redact(answer.problem or answer.said)
    if session.json:
        as_json({"channel": channel, "person": named or None, "arrived": answer.arrived, "answer": words})
    elif answer.arrived:
        where = f"{channel} ({named})" if named else channel
        click.echo(f"{where}: the receiver took it" + (f" and answered: {words}" if words else ""))
    else:
        say(f"{channel}: it did not arrive: {words}")
    return 0 if answer.arrived else FAILED


def _value(kind: Kind, text: str, to: str | None) -> Any:
    if to is not None and kind is not Kind.HANDOFF:
        stop("--to is for handoff only", USAGE)
    if text in {"on", "off", "default"}:
        simple = {"on": True, "off": False, "default": None}[text]
        return {"to": to} if simple and to else simple
    if kind is Kind.HANDOFF:
        found = re.fullmatch(r"(\d{1,6})([mhd])", text)
        seconds = int(found[1]) * {"m": 60, "h": HOUR, "d": DAY}[found[2]] if found else -1
        if not 0 <= seconds <= 7 * DAY or seconds % FIVE:
            stop(
                f"{text!r} is no lead; write on, off, default, or a multiple of 5 minutes up to 7 days, such as 30m or 2h", USAGE
            )
        return {"lead": seconds, **({"to": to} if to else {})}
    if kind is Kind.DAILY:
        time = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", text)
        if not time:
            stop(f"{text!r} is no time of day; write on, off, default, or 08:00", USAGE)
        return {"at": int(time[1]) * HOUR + int(time[2]) * 60}
    return stop(f"{text!r} is no choice for {kind}; write on, off or default", USAGE)


def _whose(session: Session, person: str | None, channel: str | None) -> str:
    """The person's id; "" for a group channel."""
    ways = _ways(session)
    if channel is not None:
        session.known("channel", channel, [*ways.personal, *ways.group])
        if channel in ways.group:
            if person is not None:
                stop(f"{channel} is a group channel: its choice is its own; leave out --person", USAGE)
            return ""
    if person is not None:
        return session.known("person", person, session.rota.people)
    me = _myself(session.rota)
    return me or stop(f"{actor()} is nobody of `people`: name somebody with --person", USAGE)


def _myself(rota: Rota) -> str | None:
    """By id, else by the only e-mail that begins so."""
    name = actor()
    if name in rota.people:
        return name
    found = [one.id for one in rota.people.values() if one.email and name in {one.email, one.email.partition("@")[0]}]
    return found[0] if len(found) == 1 else None


def _ways(session: Session) -> Ways:
    from syncd.herald.ways import Channels

    return Channels(session.config).ways("")


def _follows(session: Session, schedule: str) -> bool:
    return session.config.notices_of.get(schedule, session.config.notices).follow == "team"


def _said(session: Session, ways: Ways, choices: Choices, person: str, channel: str, kind: Kind) -> dict[str, Any]:
    """The value that counts, and whose it is."""
    file = session.config.notices
    if not person and AUDIENCES[kind] == _PERSONAL and kind is not Kind.DAILY:
        return {"value": False, "from": "never to a group"}
    own = (((person, channel, kind.value), "own choice"), ((person, "", kind.value), "own choice, all channels"))
    for key, whose in own if not (person and file.follow == "team") else ():
        if key in choices and (person or key[1]):
            return {"value": choices[key], "from": whose}
    match kind:
        case Kind.HANDOFF:
            return {"value": {"lead": file.handoff.lead, "to": file.handoff.to} if file.handoff else False, "from": "the file"}
        case Kind.DAILY:
            told = file.daily and (person or "team" in file.daily.to)
            return {"value": {"at": file.daily.at} if file.daily and told else False, "from": "the file"}
        case Kind.GAPS:
            return {"value": file.gaps is not None, "from": "the file"}
        case _:
            return {"value": AUDIENCES[kind].default, "from": "default"}


def shown(value: Any) -> str:
    if isinstance(value, dict):
        parts = [span(value["lead"]) + " ahead"] if "lead" in value else []
        parts += [value["to"]] if "to" in value else []
        parts += [f"at {value['at'] // HOUR:02}:{value['at'] % HOUR // 60:02}"] if "at" in value else []
        return ", ".join(parts)
    return "on" if value else "off"
