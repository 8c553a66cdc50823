"""How the store fails.

StoreError           the store cannot be read or written; its text says what to do (the command line exits 74)
├── LeaseHeld        somebody else works on this: `holder` says who (exit 75)
└── LeaseLost        our lease ran out and another took it: nothing of the transaction was kept (W13)
NotFound             no such hold, conflict or override; its text is for whoever asked (exit 2)
"""

from __future__ import annotations


class StoreError(Exception):
    """Its text is one or two sentences for the admin: what happened and what to do. Never a secret."""


class LeaseHeld(StoreError):
    """`holder`: who has it, in words that a person understands."""

    def __init__(self, name: str, holder: str, said: str = "") -> None:
        super().__init__(said or f"{name} is held by {holder}, which is at work on it; try again when that is done")
        self.name = name
        self.holder = holder


class LeaseLost(StoreError):
    def __init__(self, name: str) -> None:
        super().__init__(f"the lease on {name} was lost to somebody else: nothing was recorded")
        self.name = name


class NotFound(LookupError):
    """Its text says what was looked for and what there is."""
