"""A rota that another system keeps, as the commands and the daemon read it: kept, held and told in the store."""

from __future__ import annotations

from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from syncd import log
from syncd.cli import FAILED, Failure, say, stop
from syncd.cli.show import when
from syncd.config import Config, ConfigError
from syncd.config.problem import Problem
from syncd.source import NAME, PATIENCE, Reading, SourceUnknown, put, read

if TYPE_CHECKING:
    from syncd.cli.session import Session
    from syncd.store import Store, Tx

SHORT = 5.0
"""Seconds that a question waits for the source."""
_unsaid: WeakKeyDictionary[Session, Reading] = WeakKeyDictionary()
"""What a session has read and no store has been told of yet."""


def with_rota(session: Session, bare: Config, *, destinations: bool, data: bytes | None = None) -> Config:
    """`bare` with its rota. Where the source is unknown its last good state stands in, with a warning; without one exit 1."""
    try:
        reading = read(
            bare,
            _folder(session, bare),
            now=session.clock.now(),
            destinations=destinations,
            strict=session.strict,
            young=not destinations,
            patience=PATIENCE if destinations else SHORT,
            data=data,
            released=lambda: _released(session, bare),
        )
    except SourceUnknown as unknown:
        stop(f"the rota's source: {unknown}; no good state of it was kept", FAILED)
    if reading.unknown is not None and not session.logs:
        since = when(reading.kept_at, reading.config.rota.timezone)
        say(f"syncd: warning: the rota's source: {reading.unknown}; what it said at {since} counts")
    _unsaid[session] = reading
    return reading.config


def remember(session: Session, store: Store) -> None:
    """A good state is kept beside the store; one that is not believed is a hold and a notice, once."""
    reading = _unsaid.pop(session, None)
    if reading is None or reading.config.source is None:
        return
    if reading.fresh is not None:
        try:
            put(_folder(session, reading.config), reading.config.source, reading.fresh)
        except OSError as error:
            say(f"syncd: warning: what the rota's source says cannot be kept: {error.strerror}")
    with store.read() as tx:
        waiting = [hold.digest for hold in (*tx.holds.open(NAME), *tx.holds.answered(NAME))]
    unknown = reading.unknown
    if unknown is None and not waiting:
        return
    with store.write() as tx:
        for digest in waiting:
            if unknown is None or digest != unknown.digest:
                tx.holds.close(NAME, digest)
        if unknown is not None:
            _told(tx, reading, unknown, session.clock.now())


def _told(tx: Tx, reading: Reading, unknown: SourceUnknown, now: int) -> None:
    text = f"the rota's source: {unknown}; its last good state counts"
    if unknown.digest:
        tx.holds.put(NAME, unknown.digest, reason=str(unknown), changes=[], identities=[unknown.digest], since=now)
    # One notice for as long as the same good state has to stand in.
    id_ = f"source-{unknown.digest or reading.kept_at}"
    said = {
        "id": id_, "kind": "H", "destination": NAME, "schedule": "", "role": "", "start": now, "end": now, "text": text,
        "rota": [], "had": [], "done": "", "refs": [], "also": [], "digest": unknown.digest,
    }  # fmt: skip
    if tx.outbox.post(said, id_, at=now):
        tx.journal.add(at=now, event="source.unknown", entry=id_, new=text, digest=unknown.digest or None)


def _folder(session: Session, config: Config) -> Path:
    """Beside the store; where that is a database, where a store of this machine would be."""
    location = session.store_location(config)
    folder = Path(session.own_place() if "://" in location else location)
    if "://" in location:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _released(session: Session, bare: Config) -> frozenset[str]:
    with session.store(create=False, config=bare) as store:
        if store is None:
            return frozenset()
        with store.read() as tx:
            return tx.holds.released(NAME)


class Follower:
    """Reads the source again every `refresh` on a thread of its own; what has changed is loaded by the daemon's next turn."""

    def __init__(self, session: Session, store: Store, config: Config) -> None:
        self._session, self._store, self._clock = session, store, session.clock
        session.logs = True
        self._refresh = config.source.refresh if config.source else 0
        self._due = self._clock.monotonic() + self._refresh
        self._digest = config.digest
        self._reader: Thread | None = None
        self._one_at_a_time = Lock()
        self._ready: Config | None = None
        self._unknown = ""

    def turn(self, reload: Event) -> None:
        """One turn of the daemon's loop."""
        if not self._refresh or self._clock.monotonic() < self._due or (self._reader and self._reader.is_alive()):
            return
        self._due = self._clock.monotonic() + self._refresh
        self._reader = Thread(target=self._read, args=(reload,), name="syncd-source", daemon=True)
        self._reader.start()

    def load(self) -> Config:
        """What was read last, or all of it now. Raises `ConfigError`."""
        config, self._ready = self._ready, None
        if config is None:
            try:
                config = self._whole()
            except Failure as failure:
                problem = Problem(file="source", line=0, column=0, path="source", problem=failure.message)
                raise ConfigError([problem]) from None
        self._digest = config.digest
        self._refresh = config.source.refresh if config.source else 0
        return config

    def _read(self, reload: Event) -> None:
        try:
            config = self._whole()
        except (ConfigError, Failure) as problem:
            self._say(str(problem.problems[0]) if isinstance(problem, ConfigError) else problem.message)
            return
        except Exception as error:  # whatever it was, the daemon goes on with what it has, and reads again
            self._say(f"{type(error).__name__}: {error}")
            return
        if config.digest != self._digest:
            self._ready = config
            reload.set()

    def _whole(self) -> Config:
        with self._one_at_a_time:
            config = self._session.reread()
            reading = _unsaid.get(self._session)
            self._say(str(reading.unknown) if reading and reading.unknown else "")
            if config.source is not None:
                remember(self._session, self._store)
            return config

    def _say(self, unknown: str) -> None:
        """Once on entering, once on recovery."""
        if unknown and not self._unknown:
            log.logger().error("source.unknown", reason=unknown)
        elif self._unknown and not unknown:
            log.logger().info("source.recovered")
        self._unknown = unknown
