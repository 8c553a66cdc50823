"""`syncd backup` and `syncd audit`: a copy of the store while it is in use, and whether its journal was tampered with."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from syncd.cli import FAILED, STORE, Command, Group, say, stop
from syncd.cli.session import Session, with_session
from syncd.cli.show import as_json


@click.command(cls=Command)
@click.argument("file", metavar="FILE")
@with_session
def backup(session: Session, file: str) -> None:
    """Copy the store to FILE, also while the daemon runs. The key that signs markers is not in it: keep that, too.

    To restore: stop the daemon, move syncd.db, syncd.db-wal and syncd.db-shm aside, put FILE there as
    syncd.db and the key beside it.
    """
    with session.store(create=False) as store:
        if store is None:
            stop(f"{session.store_location()}: there is no store to copy", STORE)
        store.backup(file)
    if session.json:
        as_json({"file": file})
        return
    key = "`marker_key`" if session.config.marker_key else Path(session.store_location()) / "syncd.key"
    say(f"syncd: {file} written; the key ({key}) is not in it: keep it, too, apart from the copies")


@click.group(cls=Group)
def audit() -> None:
    """The journal's chain of hashes: verify."""


@audit.command("verify")
@with_session
def verify(session: Session) -> int:
    """Exit 1 where a line of the journal was changed, removed, added or moved."""
    with session.store(create=False) as store:
        if store is None:
            stop(f"{session.store_location()}: there is no store", STORE)
        found = store.audit()
    if session.json:
        as_json({**asdict(found), "problems": list(found.problems)})
    else:
        for problem in found.problems:
            click.echo(problem)
        click.echo(f"{found.rows} lines, head {found.head}: {'tampered with' if found.problems else 'whole'}")
    return FAILED if found.problems else 0
