"""What may be done in one transaction, by what it is done to."""

from __future__ import annotations

from functools import cached_property

from syncd.core.model import Instant
from syncd.store.conflicts import Conflicts
from syncd.store.counts import Counts
from syncd.store.destinations import Destinations
from syncd.store.facts import Facts, Preferences
from syncd.store.holds import Holds
from syncd.store.journal import Journal
from syncd.store.ledger import Ledger
from syncd.store.observations import Observations
from syncd.store.outbox import Outbox
from syncd.store.overrides import Overrides
from syncd.store.retention import drop_old
from syncd.store.served import ServedRecord
from syncd.store.session import Session


class Tx:
    """One transaction: what is read is one moment, what is written is there whole or not at all."""

    def __init__(self, session: Session, instance: str) -> None:
        self.session = session
        self._instance = instance

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.session)

    @cached_property
    def observations(self) -> Observations:
        return Observations(self.session)

    @cached_property
    def overrides(self) -> Overrides:
        return Overrides(self.session, self._instance)

    @cached_property
    def journal(self) -> Journal:
        return Journal(self.session)

    @cached_property
    def holds(self) -> Holds:
        return Holds(self.session)

    @cached_property
    def conflicts(self) -> Conflicts:
        return Conflicts(self.session, self._instance)

    @cached_property
    def outbox(self) -> Outbox:
        return Outbox(self.session)

    @cached_property
    def destinations(self) -> Destinations:
        return Destinations(self.session)

    @cached_property
    def counts(self) -> Counts:
        return Counts(self.session)

    @cached_property
    def served(self) -> ServedRecord:
        return ServedRecord(self.session)

    def forget(self, destination: str) -> int:
        """Drops what is known of it; its entries stay where they are. How many rows of the ledger that was."""
        self.holds.close_all(destination)
        self.destinations.forget(destination)
        return self.ledger.forget(destination)

    def drop_old(self, now: Instant) -> int:
        """Lets go of what is long past; called often, it does so once a day. How many rows that was."""
        return drop_old(self.session, now)

    @cached_property
    def facts(self) -> Facts:
        return Facts(self.session)

    @cached_property
    def preferences(self) -> Preferences:
        return Preferences(self.session)
