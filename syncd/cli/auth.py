"""`syncd auth`: a user signs in at a vendor, and what that gives is kept where the configuration names it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import click

from syncd import registry
from syncd.cli import FAILED, USAGE, Group, asks, say, stop
from syncd.cli.session import Session, with_session
from syncd.cli.show import as_json
from syncd.connector import ConnectorError


@click.group(cls=Group)
def auth() -> None:
    """Sign in at a vendor as a user: google, outlook."""


@auth.command("google")
@click.option("--client", metavar="FILE", help="The OAuth client of type “Desktop app”, as it was downloaded; else asked for.")
@click.option("--out", metavar="FILE", help="Where the credentials go, for your eyes alone; else to stdout.")
@with_session
def google(session: Session, client: str | None, out: str | None) -> None:
    """Opens a door on this machine that the browser comes back to, and gives the content of `credentials`."""
    if client is None and not asks():
        stop("there is no terminal to ask at; name the OAuth client's file with --client", USAGE)
    client = client or click.prompt("OAuth client's file", err=True)
    try:
        text = Path(client).read_text("utf-8")
    except (OSError, ValueError) as error:
        stop(f"{client} cannot be read: {getattr(error, 'strerror', None) or error}", USAGE)
    target = Path(out) if out else None
    if target and not target.parent.is_dir():
        stop(f"{target.parent} is no directory", USAGE)
    sign_in = getattr(_kind("google"), "authorise")  # noqa: B009 - a connector may have it, the contract does not ask for it
    try:
        granted: dict[str, str] = sign_in(text, _show)
    except ConnectorError as error:
        stop(str(error), FAILED)
    if target is None:
        click.echo(json.dumps(granted))
        return
    _write(target, json.dumps(granted, indent=1) + "\n")
    _done(session, granted.get("account", ""), str(target))


@auth.command("outlook")
@click.argument("name", metavar="[DEST]", required=False)
@with_session
def outlook(session: Session, name: str | None) -> None:
    """Shows an address and a code for any device; keeps what that gives, encrypted. DEST: which, of several."""
    found = {one.name: one for one in session.whole_config.destinations.values() if one.kind == "outlook"}
    if name is None and len(found) != 1:
        stop(f"name a destination of kind outlook; there are {', '.join(found) or 'none in the configuration'}", USAGE)
    settings = found[session.known("outlook destination", name or next(iter(found)), found)]
    sign_in = getattr(_kind("outlook"), "sign_in")  # noqa: B009
    state = session.whole_config.state
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        signed = sign_in(settings.options, _show, time.sleep, state)
    except ConnectorError as error:
        stop(str(error), FAILED)
    except OSError as error:
        stop(f"{state} cannot be made: {error.strerror}", FAILED)
    _done(session, signed.account, str(signed.file))


def _kind(kind: str) -> Any:
    try:
        return registry.connector(kind)
    except (registry.UnknownKind, registry.MissingExtra) as error:
        return stop(str(error), USAGE)


def _show(text: str) -> None:
    """What the person has to do; an address alone is to be opened."""
    say(f"Open this address in a browser on this machine:\n{text}" if text.startswith("https://") else text)


def _write(target: Path, text: str) -> None:
    """Whole or not at all, for its owner alone from the first byte."""
    new = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(target)
    except OSError as error:
        stop(f"{target} cannot be written: {error.strerror}", FAILED)
    finally:
        new.unlink(missing_ok=True)


def _done(session: Session, account: str, file: str) -> None:
    if session.json:
        as_json({"account": account or None, "file": file})
        return
    say(f"syncd: signed in{f' as {account}' if account else ''}; {file} written")
