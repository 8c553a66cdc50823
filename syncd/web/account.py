"""What the daemon tells of itself at one moment: ready or why not, status as JSON, metrics, a line for its manager."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from syncd import __version__
from syncd.config import Config
from syncd.core.model import Instant, iso
from syncd.store import Store, StoreError
from syncd.web.metrics import Measures, stored
from syncd.web.status import reasons_of, told_of


@dataclass(frozen=True, kw_only=True)
class Account:
    """`running`: destinations whose cycle is under way → for how many seconds; `hanging`: how many that were given up have not
    come back; `hangs`: those that nothing was heard of since → why; `refused`, `unwritable`: why, or ""."""

    config: Config
    store: Store
    now: Instant
    since: Instant
    alive: bool
    unwritable: str
    refused: str
    failing: tuple[str, ...]
    running: Mapping[str, float]
    hanging: Mapping[str, int]
    hangs: Mapping[str, str]
    measures: Measures

    def reasons(self) -> list[str]:
        """Why it is not ready; empty where it is."""
        try:
            with self.store.read() as tx:
                found = reasons_of(self.config, tx, self.now)
        except StoreError as error:
            return [str(error)]
        found += [f"{name}: {why}" for name, why in self.hangs.items() if f"{name}: {why}" not in found]
        return [*found, f"the store cannot be written: {self.unwritable}"] if self.unwritable else found

    def status(self) -> dict[str, Any]:
        """`status --json` under `destinations`, gaps under `schedules`, and `process`."""
        reasons = self.reasons()
        process = {
            "pid": os.getpid(),
            "version": __version__,
            "since": iso(self.since),
            "ready": not reasons,
            "reasons": reasons,
            "configuration_refused": self.refused or None,
        }
        try:
            with self.store.read() as tx:
                return {**told_of(self.config, tx, self.now), "process": process}
        except StoreError:
            return {"destinations": [], "schedules": [], "process": process}

    def metrics(self) -> str:
        """Prometheus' text format. What the store has is left out where it cannot be read."""
        own = self.measures.own(
            alive=self.alive,
            ready=not self.reasons(),
            refused=bool(self.refused),
            writable=not self.unwritable,
            since=self.since,
            running=self.running,
            destinations=self.config.destinations,
            hanging=self.hanging,
        )
        try:
            with self.store.read() as tx:
                return own + stored(self.config, tx, self.now)
        except StoreError:
            return own

    def line(self) -> str:
        """For `systemctl status`."""
        if self.unwritable:
            return f"the store cannot be written: {self.unwritable}"
        failing = f", failing: {', '.join(self.failing)}" if self.failing else ""
        refused = "; the changed configuration is refused" if self.refused else ""
        return f"{len(self.config.destinations)} destinations{failing}{refused}"
