"""What syncd remembers: ledger, intents, overrides, journal, outbox, leases, in SQLite or PostgreSQL."""

from syncd.store.conflicts import Conflict
from syncd.store.destinations import Destination
from syncd.store.errors import LeaseHeld, LeaseLost, NotFound, StoreError
from syncd.store.holds import Hold
from syncd.store.journal import Audit, Line
from syncd.store.leases import Lease
from syncd.store.marks import Approved, Mark, Marked, Recorded, Stored, in_force
from syncd.store.outbox import Posted
from syncd.store.served import Served
from syncd.store.store import Store
from syncd.store.tx import Tx

__all__ = [
    "Approved", "Audit", "Conflict", "Destination", "Hold", "Lease", "LeaseHeld", "LeaseLost", "Line", "Mark", "Marked",
    "NotFound", "Posted", "Recorded", "Served", "Store", "StoreError", "Stored", "Tx", "in_force",
]  # fmt: skip
