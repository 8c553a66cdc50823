"""Brings a store to the present schema: numbered steps, all in one transaction, after a copy was made."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from syncd.store.errors import StoreError
from syncd.store.session import Database, Session
from syncd.store.text import start_of

Step = Callable[[Session], None]

_FIRST = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL);

CREATE TABLE entries (
    destination TEXT NOT NULL, ref TEXT NOT NULL, uid TEXT NOT NULL, shift_key TEXT NOT NULL, generation BIGINT NOT NULL,
    op TEXT NOT NULL, person TEXT, starts BIGINT NOT NULL, ends BIGINT NOT NULL, lane BIGINT NOT NULL, version TEXT,
    place BIGINT NOT NULL, doubt TEXT NOT NULL CHECK (doubt IN ('', 'replace', 'delete')),
    PRIMARY KEY (destination, ref));
CREATE TABLE pieces (
    destination TEXT NOT NULL, place BIGINT NOT NULL, starts BIGINT NOT NULL, ends BIGINT NOT NULL, person TEXT, top_ref TEXT,
    seen TEXT NOT NULL, agreed INTEGER NOT NULL, PRIMARY KEY (destination, place));
CREATE TABLE intents (
    destination TEXT NOT NULL, op TEXT NOT NULL, epoch BIGINT NOT NULL, place BIGINT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (destination, op));
CREATE TABLE echoes (
    destination TEXT NOT NULL, op TEXT NOT NULL, uid TEXT NOT NULL, person TEXT, starts BIGINT NOT NULL, ends BIGINT NOT NULL,
    lane BIGINT NOT NULL, seen TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (destination, op));
CREATE TABLE imports (
    destination TEXT NOT NULL, override TEXT NOT NULL, ref TEXT NOT NULL, version TEXT NOT NULL, starts BIGINT NOT NULL,
    ends BIGINT NOT NULL, people TEXT NOT NULL, place BIGINT NOT NULL,
    PRIMARY KEY (destination, override, ref, version));
CREATE TABLE generations (
    destination TEXT NOT NULL, shift_key TEXT NOT NULL, generation BIGINT NOT NULL, PRIMARY KEY (destination, shift_key));

CREATE TABLE observations (
    destination TEXT PRIMARY KEY, at BIGINT NOT NULL, server_time BIGINT, digest TEXT NOT NULL);
CREATE TABLE observed (destination TEXT PRIMARY KEY, content TEXT NOT NULL);

CREATE TABLE revisions (schedule TEXT PRIMARY KEY, revision BIGINT NOT NULL);
CREATE TABLE overrides (
    id TEXT PRIMARY KEY, place BIGINT NOT NULL UNIQUE, schedule TEXT NOT NULL, roles TEXT NOT NULL, people TEXT NOT NULL,
    replaces TEXT, starts BIGINT NOT NULL, ends BIGINT NOT NULL, reason TEXT NOT NULL, origin TEXT NOT NULL,
    actor TEXT NOT NULL, at BIGINT NOT NULL, run TEXT NOT NULL,
    approval TEXT NOT NULL CHECK (approval IN ('approved', 'pending')), CHECK (starts < ends));
CREATE INDEX overrides_by_schedule ON overrides (schedule, place);
CREATE TABLE override_marks (
    id TEXT PRIMARY KEY, place BIGINT NOT NULL UNIQUE, schedule TEXT NOT NULL, override TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('removed', 'cut', 'approved', 'rejected', 'undone')),
    role TEXT, starts BIGINT, ends BIGINT, undoes TEXT, actor TEXT NOT NULL, at BIGINT NOT NULL, reason TEXT NOT NULL,
    run TEXT NOT NULL, CHECK (kind <> 'cut' OR starts < ends), CHECK (kind <> 'undone' OR undoes IS NOT NULL));
CREATE INDEX marks_by_schedule ON override_marks (schedule, place);

CREATE TABLE journal (
    place BIGINT PRIMARY KEY, at BIGINT NOT NULL, run TEXT NOT NULL, destination TEXT, event TEXT NOT NULL, actor TEXT NOT NULL,
    entry TEXT, old TEXT NOT NULL, new TEXT NOT NULL, digest TEXT, chain TEXT NOT NULL);
CREATE INDEX journal_by_run ON journal (run, place);
CREATE INDEX journal_by_destination ON journal (destination, place);
CREATE TABLE journal_head (name TEXT PRIMARY KEY, place BIGINT NOT NULL, chain TEXT NOT NULL);

CREATE TABLE holds (
    destination TEXT NOT NULL, digest TEXT NOT NULL, reason TEXT NOT NULL, changes TEXT NOT NULL, identities TEXT NOT NULL,
    since BIGINT NOT NULL, state TEXT NOT NULL CHECK (state IN ('open', 'answered', 'closed')), actor TEXT, answered_at BIGINT,
    PRIMARY KEY (destination, digest));
CREATE TABLE conflicts (
    id TEXT PRIMARY KEY, place BIGINT NOT NULL, destination TEXT NOT NULL, role TEXT NOT NULL, starts BIGINT NOT NULL,
    ends BIGINT NOT NULL, rota TEXT NOT NULL, destination_had TEXT NOT NULL, done TEXT NOT NULL, since BIGINT NOT NULL,
    closed_at BIGINT, closed_by TEXT, closed_how TEXT);
CREATE TABLE notices (
    dedup TEXT PRIMARY KEY, place BIGINT NOT NULL, notice TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('armed', 'due', 'sent', 'dropped')), armed_at BIGINT NOT NULL, next_at BIGINT,
    attempts BIGINT NOT NULL, delivered TEXT NOT NULL, problem TEXT NOT NULL, sent_at BIGINT);
CREATE INDEX notices_due ON notices (next_at) WHERE state = 'due';

CREATE TABLE destinations (name TEXT PRIMARY KEY, next_due BIGINT, answered BIGINT NOT NULL, standing TEXT NOT NULL);
CREATE TABLE wanted (destination TEXT PRIMARY KEY, times BIGINT NOT NULL);

CREATE TABLE served (
    schedule TEXT NOT NULL, role TEXT NOT NULL, person TEXT NOT NULL, starts BIGINT NOT NULL, ends BIGINT NOT NULL,
    shift_key TEXT NOT NULL, source TEXT NOT NULL, PRIMARY KEY (schedule, role, person, starts), CHECK (starts < ends));
CREATE INDEX served_until ON served (schedule, ends);
CREATE TABLE recorded (
    schedule TEXT NOT NULL, starts BIGINT NOT NULL, ends BIGINT NOT NULL, PRIMARY KEY (schedule, starts), CHECK (starts < ends));

CREATE TABLE leases (
    name TEXT PRIMARY KEY, epoch BIGINT NOT NULL, holder TEXT NOT NULL, until BIGINT NOT NULL, locked INTEGER NOT NULL);
CREATE TABLE preferences (
    person TEXT NOT NULL, channel TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (person, channel, kind))
"""


def first(session: Session) -> None:
    """Everything that 1.0 keeps."""
    for statement in _FIRST.split(";\n"):
        session.change(statement)


def time_off(session: Session) -> None:
    """Time off by command; `schedule` '' is every schedule."""
    session.change(
        "CREATE TABLE away (id TEXT PRIMARY KEY, place BIGINT NOT NULL UNIQUE, schedule TEXT NOT NULL, person TEXT NOT NULL,"
        " starts BIGINT NOT NULL, ends BIGINT NOT NULL, reason TEXT NOT NULL, actor TEXT NOT NULL, at BIGINT NOT NULL,"
        " removed_by TEXT, removed_at BIGINT, removed_reason TEXT, CHECK (starts < ends))"
    )


def retention(session: Session) -> None:
    """Of a generation, when its shift starts: what is long past is let go of."""
    session.change("ALTER TABLE generations ADD COLUMN starts BIGINT")
    for row in session.rows("SELECT DISTINCT shift_key FROM generations"):
        sql = "UPDATE generations SET starts = :starts WHERE shift_key = :shift_key"
        session.change(sql, starts=start_of(row["shift_key"]), shift_key=row["shift_key"])


MIGRATIONS: tuple[Step, ...] = (first, time_off, retention)
"""Step n brings a store from version n to n + 1. What was released is never edited: a change is another step."""


def version_of(session: Session, database: Database) -> int:
    """0 where there is nothing yet."""
    if "schema_version" not in database.tables(session):
        return 0
    found = session.row("SELECT version FROM schema_version")
    return 0 if found is None else int(found["version"])


def refuse_newer(database: Database, version: int, known: int) -> None:
    if version > known:
        raise StoreError(
            f"{database.where} was written by a newer syncd (schema {version}, this one knows {known}); nothing was written. "
            f"Use that syncd, or give this one another store: set `store:`, or move that one aside."
        )


def migrate(database: Database, steps: Sequence[Step] = MIGRATIONS) -> None:
    """To the newest version. Raises `StoreError` for a newer one, with nothing written."""
    with database.transaction(write=False) as session:
        version = version_of(session, database)
    refuse_newer(database, version, len(steps))
    if version == len(steps):
        return
    with database.transaction(write=True) as session:
        database.prepare(session)
        tables = database.tables(session)
        version = version_of(session, database)
        refuse_newer(database, version, len(steps))
        if version:
            database.copy_aside(session, version, tables)
        elif "schema_version" not in tables:
            session.change("CREATE TABLE schema_version (version INTEGER NOT NULL)")
        for step in steps[version:]:
            step(session)
        session.change("DELETE FROM schema_version")
        session.change("INSERT INTO schema_version (version) VALUES (:version)", version=len(steps))
