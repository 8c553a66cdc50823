"""One cycle of one destination from its settings: opens its connector, gives it patience, takes its lease, and lets it run."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Lock

from syncd import registry
from syncd.clock import Clock
from syncd.config import Config
from syncd.config.settings import Destination
from syncd.connector import Connector, Secret
from syncd.core.model import basic
from syncd.cycle import Cycle, Report, Trigger, purge, site_of
from syncd.retry import Pace, Patient, Retry
from syncd.store import Store


class Paces:
    """One `Pace` for each credential, shared by all destinations that use it."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], Pace] = {}
        self._lock = Lock()

    def of(self, settings: Destination, calls: int) -> Pace:
        options = settings.options
        found = [getattr(options, one.name) for one in dataclasses.fields(options)] if dataclasses.is_dataclass(options) else []
        used = sorted(one.where for one in found if isinstance(one, Secret))
        with self._lock:
            return self._known.setdefault((settings.kind, *used) if used else (settings.name,), Pace(calls))


@dataclass(frozen=True, kw_only=True)
class Errand:
    """Whoever runs cycles: a configuration, a store, a clock, and who asked. `store` None: nothing is remembered yet."""

    config: Config
    store: Store | None
    clock: Clock
    trigger: Trigger
    actor: str = "syncd"
    stop: Event = field(default_factory=Event)
    paces: Paces = field(default_factory=Paces)
    counted: Callable[[str, str, str], None] = lambda destination, call, status: None
    """Hears of each call of a connector: which, and how it ended."""
    patience: float = 30.0
    """Longest `Retry-After` in seconds that is waited for within a cycle."""

    def run_id(self) -> str:
        """Names a run in the journal and the log; later ones sort after earlier ones."""
        return f"{basic(self.clock.now())}-{secrets.token_hex(3)}"

    def open(self, settings: Destination) -> Connector:
        """Raises what `registry.connector` raises."""
        found = {}
        if self.store is not None:
            with self.store.read() as tx:
                known = tx.destinations.get(settings.name)
            found = dict(known.found) if known else {}
        kind = registry.connector(settings.kind)
        connector = kind(settings.options, site_of(settings, self.config.rota, found))
        retry = Retry(clock=self.clock, stop=self.stop, patience=self.patience)
        pace = self.paces.of(settings, connector.capabilities.calls)
        return Patient.of(connector, retry, pace, lambda call, status: self.counted(settings.name, call, status))

    def plan(self, settings: Destination) -> Report:
        """What an export would do; changes nothing. Raises what a failed look raises."""
        connector = self.open(settings)
        try:
            return self._cycle(settings, connector, self.run_id(), Trigger.PLAN).plan()
        finally:
            connector.close()

    def run(
        self,
        settings: Destination,
        *,
        run: str = "",
        digest: str = "",
        wait: float = 0,
        on_wait: Callable[[str], None] | None = None,
        progress: Callable[[int, int], None] = lambda done, of: None,
        jumped: str = "",
    ) -> Report:
        """One cycle under the destination's lease. Raises `LeaseHeld` where it is not free within `wait` seconds."""
        if self.store is None:
            raise ValueError("a cycle that writes needs a store")
        connector = self.open(settings)
        try:
            with self.store.lease(settings.name, wait=wait, on_wait=on_wait, stop=self.stop) as lease:
                cycle = self._cycle(settings, connector, run or self.run_id(), self.trigger, digest, progress, jumped)
                return cycle.run_under(lease)
        finally:
            connector.close()

    def purge_plan(self, settings: Destination) -> Report:
        """What a purge would remove; changes nothing. Raises what a failed look raises."""
        connector = self.open(settings)
        try:
            return purge.plan(self._cycle(settings, connector, self.run_id(), Trigger.PLAN))
        finally:
            connector.close()

    def purge(
        self, settings: Destination, *, digest: str = "", wait: float = 0, on_wait: Callable[[str], None] | None = None
    ) -> Report:
        """Removes all that we wrote there. Raises what a failed look raises, and `LeaseHeld`."""
        if self.store is None:
            raise ValueError("a purge needs a store")
        connector = self.open(settings)
        try:
            with self.store.lease(settings.name, wait=wait, on_wait=on_wait, stop=self.stop) as lease:
                return purge.run(self._cycle(settings, connector, self.run_id(), self.trigger, digest), self.store, lease)
        finally:
            connector.close()

    def _cycle(
        self,
        settings: Destination,
        connector: Connector,
        run: str,
        trigger: Trigger,
        digest: str = "",
        progress: Callable[[int, int], None] = lambda done, of: None,
        jumped: str = "",
    ) -> Cycle:
        others = self.config.destinations.values()
        return Cycle(
            store=self.store,
            settings=settings,
            rota=self.config.rota,
            connector=connector,
            clock=self.clock,
            run=run,
            trigger=trigger,
            actor=self.actor,
            digest=digest,
            siblings=tuple(one.name for one in others if one.schedule == settings.schedule and one.name != settings.name),
            stop=self.stop,
            progress=progress,
            jumped=jumped,
        )
