"""One cycle of one destination from its settings: opens its connector, gives it patience, takes its lease, and lets it run.

Who supervises it holds an `Attempt`, by which it can be told to end and, where it does not, be fenced off.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from math import ceil
from threading import Event, Lock

from syncd import registry
from syncd.clock import Clock
from syncd.config import Config
from syncd.config.settings import Destination
from syncd.connector import Connector, Secret
from syncd.core.model import basic
from syncd.cycle import Cycle, Report, Trigger, purge, site_of
from syncd.pace import Pace
from syncd.retry import Patient, Retry
from syncd.store import Lease, LeaseLost, Store, StoreError


class Paces:
    """One `Pace` for each credential, shared by all destinations that use it."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], Pace] = {}
        self._lock = Lock()

    def of(self, settings: Destination, calls: int) -> Pace:
        with self._lock:
            return self._known.setdefault(_credential(settings), Pace(calls))


def _credential(settings: Destination) -> tuple[str, ...]:
    """Where the secrets of a destination lie, which two kinds of one vendor share; the destination itself where it has none."""
    options = settings.options
    found = [getattr(options, one.name) for one in dataclasses.fields(options)] if dataclasses.is_dataclass(options) else []
    used = sorted(one.where for one in found if isinstance(one, Secret))
    return tuple(used) or (settings.name,)


class Attempt:
    """One cycle, as seen by whoever may have to give it up."""

    def __init__(self, stop: Event) -> None:
        self.stop = stop
        """Set: no new call, no new intent, no longer waits."""
        self.given_up = False
        self._lock = Lock()
        self._lease: Lease | None = None
        self._connector: Connector | None = None

    def works_with(self, connector: Connector) -> None:
        self._connector = connector

    def works_under(self, lease: Lease) -> None:
        """Raises `LeaseLost` where it came too late."""
        with self._lock:
            if self.given_up:
                raise LeaseLost(lease.name)
            self._lease = lease

    def give_up(self) -> None:
        """Whatever it does from now on can neither write to the store nor open an intent (W13), and keeps nobody waiting.

        Raises `StoreError` where that could not be made sure of; to be called again then.
        """
        self.stop.set()
        if isinstance(self._connector, Patient):
            self._connector.let_go()
        with self._lock:
            if self._lease is not None:
                self._lease.release()
            self.given_up = True


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
        found, rest = {}, None
        if self.store is not None:
            with self.store.read() as tx:
                known = tx.destinations.get(settings.name)
                rest = tx.facts.get(_rest_of(settings))
            found = dict(known.found) if known else {}
        kind = registry.connector(settings.kind)
        connector = kind(settings.options, site_of(settings, self.config.rota, found, self.config.state))
        retry = Retry(clock=self.clock, stop=self.stop, patience=self.patience)
        pace = self.paces.of(settings, connector.capabilities.calls)
        now = self.clock.now()
        # Whoever asks by hand makes one call, and hears of it again; what a clock that was put back wrote counts for nothing.
        if rest is not None and self.trigger is Trigger.DAEMON and rest["at"] <= now:
            pace.told(self.clock, rest["until"] - now)
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
        attempt: Attempt | None = None,
    ) -> Report:
        """One cycle under the destination's lease. Raises `LeaseHeld` where it is not free within `wait` seconds."""
        if self.store is None:
            raise ValueError("a cycle that writes needs a store")
        connector = self.open(settings)
        try:
            if attempt is not None:
                attempt.works_with(connector)
            with self.store.lease(settings.name, wait=wait, on_wait=on_wait, stop=self.stop) as lease:
                if attempt is not None:
                    attempt.works_under(lease)
                cycle = self._cycle(settings, connector, run or self.run_id(), self.trigger, digest, progress, jumped)
                report = cycle.run_under(lease)
                self._keep_rest(settings, connector, lease)
                return report
        finally:
            connector.close()

    def _keep_rest(self, settings: Destination, connector: Connector, lease: Lease) -> None:
        """A rest that was asked for holds for other processes too, and for the next one after this."""
        assert self.store is not None, "a cycle that writes has a store"  # noqa: S101
        left, now = self.paces.of(settings, connector.capabilities.calls).rest(self.clock), self.clock.now()
        if left <= 0:
            return
        with suppress(StoreError), self.store.write(lease) as tx:
            was = tx.facts.get(_rest_of(settings))
            if was is None or was["until"] < now + int(left):
                tx.facts.put(_rest_of(settings), {"at": now, "until": now + ceil(left)})

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


def _rest_of(settings: Destination) -> str:
    """What a credential's rest is kept under; where secrets lie is nobody else's business."""
    return f"rest-{sha256(repr(_credential(settings)).encode()).hexdigest()[:16]}"
