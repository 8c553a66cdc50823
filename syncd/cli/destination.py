"""`syncd destination`: a destination added to, changed in or taken out of the configuration file, comments kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from syncd.cli import FAILED, USAGE, Failure, Group, say, stop
from syncd.cli.edit import Uneditable, Value, drop, put
from syncd.cli.given import given_options
from syncd.cli.rewrite import Original
from syncd.cli.session import Session, with_session
from syncd.cli.show import as_json
from syncd.cli.sync import errand, looking, planned
from syncd.cli.told import Result, tell
from syncd.config import Config, ConfigError
from syncd.config.document import Node, parse
from syncd.config.forms import NAME
from syncd.config.problem import Report, Wrong
from syncd.core.mode import Mode, OnConflict, OnDeleted
from syncd.cycle import Trigger
from syncd.store.errors import StoreError

if TYPE_CHECKING:
    from syncd.config.settings import Destination


@click.group(cls=Group)
def destination() -> None:
    """A destination in the configuration file: add, set, remove. Comments stay, and a daemon follows by itself.

    The file is changed in that one place, checked whole, and replaced at once; then the plan of the first cycle is shown.
    """


_SETTINGS: dict[str, Any] = {
    "schedule": {"metavar": "S", "help": "The schedule it shows; default the only one."},
    "role": {"metavar": "R", "help": "Its role; default the only one."},
    "mode": {"type": click.Choice([one.value for one in Mode]), "help": "Default authoritative."},
    "refresh": {"metavar": "TIME", "help": "How often it is looked at, such as 5m (default)."},
    "horizon": {"metavar": "TIME", "help": "How far ahead shifts are exported, such as 30d (default)."},
    "on_deleted": {"type": click.Choice([one.value for one in OnDeleted]), "help": "Bidirectional: an entry was deleted there."},
    "on_conflict": {"type": click.Choice([one.value for one in OnConflict]), "help": "Bidirectional: both sides changed it."},
    "protect_until": {"metavar": "TIME", "help": "Leave alone what was exported before this horizon."},
    "removals": {"metavar": "N", "help": "limits.removals: removals that one cycle may do."},
    "removal_share": {"metavar": "N%", "help": "limits.removal_share: the same as a share of what is there."},
}


def _settings(command: Callable[..., Any]) -> Callable[..., Any]:
    for name, more in reversed(_SETTINGS.items()):
        command = click.option(f"--{name.replace('_', '-')}", name, **more)(command)
    return click.option(
        "--option", "-o", "options", multiple=True, metavar="KEY=VALUE", help="As under `options:`; a secret is env:X, file:X …"
    )(command)


@destination.command("add")
@click.argument("name")
@click.option("--kind", metavar="KIND", required=True, help="caldav, folder, google, outlook, pagerduty, pagerduty_v3 …")
@_settings
@with_session
def add(session: Session, name: str, kind: str, options: tuple[str, ...], **settings: str | None) -> int:
    """Write a new one into the configuration. Shows what its first cycle would do.

    Paths are from the folder of the file. `syncd link KIND` lists the calendars and schedules that a vendor has.

    \b
    syncd destination add team --kind folder --schedule payments --role primary -o path=calendars/team
    syncd destination add team --kind caldav -o url=https://dav.example.com/team/ -o username=syncd -o password=file:dav.key
    syncd destination add team --kind google -o calendar=team@group.calendar.google.com -o credentials=file:google.json
    syncd destination add team --kind outlook -o tenant=example.com -o client_id=0a1b2c3d-… \\
          -o client_secret=env:OUTLOOK_SECRET -o mailbox=oncall@example.com
    syncd destination add pager --kind pagerduty -o schedule=P123ABC -o token=credential:pagerduty-token
    syncd destination add pager --kind pagerduty_v3 -o schedule=P123ABC -o token=env:PAGERDUTY_TOKEN
    syncd destination add trial --kind memory --mode manual
    """
    original = _original(session)
    try:
        NAME.read(Node("text", "", 1, 1, text=name), "", Report())
    except Wrong as wrong:
        stop(f"NAME: {wrong.problem}; {wrong.remedy}", USAGE)
    if name in session.config.destinations:
        stop(f"there is a destination {name} already: `syncd destination set {name}` changes it", USAGE)
    value: dict[str, Value] = {"kind": kind, **_said(settings)}
    if given := given_options(kind, options):
        value["options"] = given
    return _write(session, original, name, lambda text: put(text, ("destinations", name), value), "added to")


@destination.command("set")
@click.argument("name")
@_settings
@click.option("--unset", multiple=True, metavar="KEY", help="Back to the default: refresh, options.alarm …")
@with_session
def set_(session: Session, name: str, options: tuple[str, ...], unset: tuple[str, ...], **settings: str | None) -> int:
    """Change settings of one. Shows what its next cycle would do.

    \b
    syncd destination set team --mode bidirectional --refresh 1m
    syncd destination set team -o alarm=30 --unset protect_until
    """
    original = _original(session)
    there = session.config.destinations
    name = session.known("destination", name, there)
    above = ("destinations", name)
    said = _said(settings)
    puts: list[tuple[tuple[str, ...], Value]] = []
    for key, value in [*said.items(), *((("options"), value) for value in [given_options(there[name].kind, options)] if value)]:
        if isinstance(value, Mapping):
            puts += [((*above, key, inner), one) for inner, one in value.items()]
        else:
            puts.append(((*above, key), value))
    if not puts and not unset:
        stop("nothing to change is named; `syncd destination set --help` has examples", USAGE)

    def change(text: str) -> str:
        for path, value in puts:
            text = put(text, path, value)
        for key in unset:
            text = _unset(text, (*above, *key.split(".")), key)
        return text

    return _write(session, original, name, change, "changed in")


@destination.command("remove")
@click.argument("name")
@with_session
def remove(session: Session, name: str) -> None:
    """Take one out of the configuration. What we wrote there stays, and stays known.

    Then `syncd purge NAME` removes what we wrote there, or `syncd forget NAME` leaves it and drops what we know of it.
    """
    original = _original(session)
    name = session.known("destination", name, session.config.destinations)
    data, _ = _checked(session, original, name, lambda text: drop(text, ("destinations", name)))
    with session.look() as tx:
        left = tx.ledger.count(name) if tx else 0
    original.replace(data)
    if session.json:
        as_json({"destination": name, "file": str(original.path), "left": left})
        return
    say(f"syncd: {name} is taken out of {original.path}")
    if left:
        entries = "1 entry that we wrote stays" if left == 1 else f"{left} entries that we wrote stay"
        say(f"syncd: {entries} there: `syncd purge {name}` removes them, `syncd forget {name}` leaves them and forgets them")
    else:
        say("syncd: nothing that we know of is left there")


def with_destination(session: Session, name: str, value: Mapping[str, Value]) -> Config:
    """The configuration as it would be with this destination. Nothing is written. What is wrong with it is exit 2."""
    _, config = _checked(session, _read(session), name, lambda text: put(text, ("destinations", name), value))
    return config


# --- the file ----------------------------------------------------------------------------


def _original(session: Session) -> Original:
    """The file, where it may be changed. Its mistakes are told first (exit 78)."""
    original = _read(session)
    original.check()
    return original


def _read(session: Session) -> Original:
    path = session.config.path
    try:
        return Original(path)
    except OSError as error:
        stop(f"{path}: {error.strerror}", FAILED)


def _checked(session: Session, original: Original, name: str, change: Callable[[str], str]) -> tuple[bytes, Config]:
    """The file's new content, and the configuration that it is. What is wrong with the destination is exit 2."""
    mark = b"\xef\xbb\xbf" if original.data.startswith(b"\xef\xbb\xbf") else b""
    try:
        data = mark + change(original.data.removeprefix(mark).decode()).encode()
    except Uneditable as error:
        stop(f"{original.path}: {error}", FAILED)
    session.strict = True
    try:
        return data, session.as_if(data)
    except ConfigError as error:
        own = [
            problem
            for problem in error.problems
            if f"{problem.path}.".startswith(f"destinations.{name}.") and problem.severity == "error"
        ]
        if not own:
            raise
        return stop(f"{name} cannot be used so: nothing was changed", USAGE, [replace(problem, line=0) for problem in own])


def _write(session: Session, original: Original, name: str, change: Callable[[str], str], done: str) -> int:
    data, config = _checked(session, original, name, change)
    session.__dict__["whole_config"] = config
    settings = config.destinations[name]
    for problem in config.warnings:
        if f"{problem.path}.".startswith(f"destinations.{name}."):
            say(f"syncd: warning: {replace(problem, line=0)}")
    result = _first_cycle(session, settings)  # before a daemon beside us takes the file up
    if data != original.data:
        original.replace(data)
        say(f"syncd: {name} is {done} {original.path}")
    else:
        say(f"syncd: {original.path} says so already")
    tell(session, [result])
    if result.error is not None:
        say(f"syncd: what its first cycle would do cannot be told yet; `syncd doctor {name}` says what is missing")
        return FAILED
    return 0


def _first_cycle(session: Session, settings: Destination) -> Result:
    try:
        with session.store(create=False) as store, looking([settings.name]):
            return planned(errand(session, store, Trigger.PLAN), settings)
    except (Failure, StoreError) as error:
        return Result(settings=settings, error=error)


# --- what was given ----------------------------------------------------------------------


def _said(settings: Mapping[str, str | None]) -> dict[str, Value]:
    """As keys of the file; the two limits together."""
    said: dict[str, Value] = {}
    limits: dict[str, Value] = {}
    for key, value in settings.items():
        if value is not None:
            (limits if key.startswith("removal") else said)[key] = value
    return {**said, "limits": limits} if limits else said


def _unset(text: str, path: tuple[str, ...], key: str) -> str:
    from syncd.config.destinations import DESTINATION

    if path[2] not in DESTINATION.by_name or key == "kind":
        stop(f"--unset {key[:40]}: write a setting of the destination, such as refresh or options.alarm", USAGE)
    return text if parse(text.encode(), "", Report()).get(*path) is None else drop(text, path)
