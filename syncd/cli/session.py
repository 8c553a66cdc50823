"""What every command needs of the configuration, the store and the clock, opened only when it is asked for."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from syncd.cli import CONFIG, USAGE, say, stop
from syncd.clock import Clock, SystemClock
from syncd.core.model import DAY, Instant, Rota, Schedule, Window

if TYPE_CHECKING:
    from syncd.config import Config
    from syncd.store import Store, Tx

F = TypeVar("F", bound=Callable[..., Any])


class Session:
    """One call of the command line. `clock` may be another's in tests."""

    clock: Clock = SystemClock()

    def __init__(self, context: click.Context) -> None:
        self.named: str | None = context.meta.get("syncd.config")
        self.json: bool = context.meta.get("syncd.json", False)

    @functools.cached_property
    def now(self) -> Instant:
        """One instant for the whole command."""
        return self.clock.now()

    # --- configuration -------------------------------------------------------------------

    @functools.cached_property
    def config(self) -> Config:
        """For questions and the store: destinations' options are not looked into. Raises `ConfigError`."""
        whole: Config | None = self.__dict__.get("whole_config")
        return whole or self._load(destinations=False)

    @functools.cached_property
    def whole_config(self) -> Config:
        """Everything, destinations' options and secrets too. Raises `ConfigError`."""
        return self._load(destinations=True)

    def reread(self) -> Config:
        """The file as it is now. Raises `ConfigError`."""
        return self._load(destinations=True)

    def another(self, path: Path) -> Config:
        """Another file, as if it were the configuration. Raises `ConfigError`."""
        return self._load(destinations=False, path=path)

    def as_if(self, data: bytes) -> Config:
        """The file with `data` in it, whole. Raises `ConfigError`."""
        return self._load(destinations=True, data=data)

    def of_the_store(self, *, whole: bool = False) -> bool:
        """For what the store alone can tell, also while a daemon goes on with the configuration as it was before a mistake.

        Whether the configuration can be used. Where it cannot, that is said on stderr; `config` then has no rota but where the
        store is, so people have their ids. Raises `ConfigError` where there is no store to answer. `whole`: with its options.
        """
        from syncd.config import ConfigError, find, where_its_store_is

        try:
            return bool(self.whole_config if whole else self.config)
        except ConfigError as error:
            broken = error
        usable = False
        if whole:
            with suppress(ConfigError):
                usable = bool(self.config)
        if not usable:
            with suppress(ConfigError):
                self.config = where_its_store_is(find(self.named))
            with self.store(create=False) if "config" in self.__dict__ else nullcontext() as store:
                if store is None:
                    raise broken
        wrong = [problem for problem in broken.problems if problem.severity == "error"]
        say(f"syncd: warning: {wrong[0]}")
        say(
            "syncd: warning: the configuration cannot be used so; this is how things stood: `syncd check` tells all that is wrong"
        )
        return usable

    strict = False
    """Mistakes in a rota from elsewhere are errors, as they are in a file; else its last good state stands in."""

    logs = False
    """What happens is told in the log, once, not in sentences on stderr."""

    def _load(self, *, destinations: bool, path: Path | None = None, data: bytes | None = None) -> Config:
        from syncd.config import find, load

        bare = load(path or find(self.named), destinations=destinations, elsewhere=False, data=data)
        if bare.source is None:
            return bare
        from syncd.cli.elsewhere import with_rota

        return with_rota(self, bare, destinations=destinations, data=data)

    @property
    def rota(self) -> Rota:
        return self.config.rota

    def schedules(self, named: str | None = None) -> list[Schedule]:
        """All, or the one named; an unknown one is exit 2."""
        found = self.rota.schedules
        if named is None:
            return list(found.values())
        return [found[self.known("schedule", named, found)]]

    def one_schedule(self, named: str | None) -> Schedule:
        """The one named, or the only one there is."""
        found = self.schedules(named)
        if len(found) != 1:
            there = f"there are several: {', '.join(one.id for one in found)}" if found else "the configuration has none"
            stop(f"name a schedule with --schedule; {there}", USAGE)
        return found[0]

    def role(self, named: str | None) -> str | None:
        return None if named is None else self.known("role", named, self.rota.roles)

    def person(self, named: str | None) -> str | None:
        return None if named is None else self.known("person", named, self.rota.people)

    def name(self, id_: str) -> str:
        """As people read it; of somebody who is not in the rota, what is known: an id, or words of a title."""
        found = self.rota.people.get(id_)
        return found.name if found else id_.removeprefix("?")

    def known(self, what: str, name: str, names: Iterable[str]) -> str:
        """`name` if it is one of `names`; else exit 2 with the nearest."""
        if name in names:
            return name
        from syncd.config.problem import shown, suggestion

        near = suggestion(name, names)
        return stop(f"no {what} {shown(name)}" + (f"; {near}" if near else ""), USAGE)

    def zone_of(self, destination: str | None) -> str:
        """Of the schedule that it shows; where there is none, the rota's."""
        settings = self.config.destinations.get(destination or "")
        found = self.rota.schedules.get(settings.schedule) if settings else None
        return found.timezone if found else self.rota.timezone

    # --- times ---------------------------------------------------------------------------

    def instant(self, text: str, option: str, zone: str, *, end: bool = False) -> Instant:
        """ISO 8601; without an offset it is in `zone`. `end`: a local 23:59 is read as 24:00. Anything else is exit 2."""
        from syncd.core.zone import instant

        return instant(self.local(text, option, end=end), zone)

    def local(self, text: str, option: str, *, end: bool = False) -> Any:
        from syncd.config.document import Node
        from syncd.config.forms import END, START
        from syncd.config.problem import Report, Wrong

        report = Report()
        try:
            return (END if end else START).read(Node("text", "", 1, 1, text=text.strip()), option, report)
        except Wrong as wrong:
            return stop(f"{option}: {wrong.problem}" + (f"; {wrong.remedy}" if wrong.remedy else ""), USAGE)

    def period(self, start: str | None, end: str | None, zone: str, *, days: int = 30) -> Window:
        """`--from` (default now) and `--to` (default `days` after it); reversed or over ten years is exit 2."""
        begin = self.now if start is None else self.instant(start, "--from", zone)
        until = begin + days * DAY if end is None else self.instant(end, "--to", zone)
        if until <= begin:
            stop("--to is not after --from", USAGE)
        if until > _ten_years_after(begin):
            stop("more than ten years between --from and --to", USAGE)
        return Window(begin, until)

    # --- the store -----------------------------------------------------------------------

    def store_location(self, config: Config | None = None) -> str:
        """`store:` of the file, `$STATE_DIRECTORY` (systemd), `$XDG_STATE_HOME/syncd`, `~/.local/state/syncd`."""
        named = (config or self.config).store
        return named if named is not None else self.own_place()

    @staticmethod
    def own_place() -> str:
        """Where a store is that the file does not name."""
        from syncd.config.state import own_place

        return own_place()

    @contextmanager
    def store(self, *, create: bool, config: Config | None = None) -> Iterator[Store | None]:
        """None where there is none and none is to be made. `config`: another than the session's."""
        config = config or self.config
        location = self.store_location(config)
        if not create and "://" not in location and not (Path(location) / "syncd.db").exists():
            yield None
            return
        from syncd.store import Store

        given = config.marker_key
        try:
            key = given.reveal() if given else None
        except (OSError, KeyError):
            stop(f"marker_key: {given.where if given else ''} is not there or cannot be read", CONFIG)
        store = Store.open(location, config.tenant, key, create=create)
        try:
            if create and store is not None and config.source is not None:
                from syncd.cli.elsewhere import remember

                remember(self, store)
            yield store
        finally:
            if store is not None:
                store.close()

    @contextmanager
    def look(self) -> Iterator[Tx | None]:
        """One moment of the store, for questions."""
        with self.store(create=False) as store:
            if store is None:
                yield None
                return
            with store.read() as tx:
                yield tx

    @contextmanager
    def change(self) -> Iterator[Tx]:
        """One transaction, in a store that is made where there is none."""
        with self.store(create=True) as store:
            assert store is not None, "made where there was none"  # noqa: S101
            with store.write() as tx:
                yield tx

    def in_force(self, schedule: Schedule, tx: Tx | None) -> Schedule:
        """With the overrides that the store has."""
        return schedule if tx is None else tx.overrides.in_force(schedule)


def _ten_years_after(begin: Instant) -> Instant:
    """The same date and time ten years on; of 29 February, 1 March."""
    start = datetime.fromtimestamp(begin, UTC)
    leap = (start.month, start.day) == (2, 29)
    return int(start.replace(year=start.year + 10, month=3 if leap else start.month, day=1 if leap else start.day).timestamp())


def with_session(function: F) -> F:
    """The command's first argument is its session."""

    @click.pass_context
    @functools.wraps(function)
    def called(context: click.Context, *args: Any, **kwargs: Any) -> Any:
        return function(Session(context), *args, **kwargs)

    return cast("F", called)


def actor() -> str:
    """Who gave this command, for the journal: the person logged in, also under sudo."""
    for name in ("SYNCD_ACTOR", "SUDO_USER", "USER", "LOGNAME"):
        if os.environ.get(name):
            return os.environ[name]
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
