"""How much of something there is, for the metrics: asked of the whole store at once, whatever the number of destinations."""

from __future__ import annotations

from syncd.core.model import Instant
from syncd.store.session import Session


class Counts:
    def __init__(self, session: Session) -> None:
        self._session = session

    def intents(self) -> dict[str, int]:
        """Destination → writes whose outcome is not known; those with none are left out."""
        found = self._session.rows("SELECT destination, count(*) AS n FROM intents GROUP BY destination")
        return {row["destination"]: int(row["n"]) for row in found}

    def notices(self) -> dict[str, int]:
        """State (`armed`, `due`, `sent`, `dropped`) → notices."""
        return {
            row["state"]: int(row["n"]) for row in self._session.rows("SELECT state, count(*) AS n FROM notices GROUP BY state")
        }

    def waiting_since(self) -> Instant | None:
        """When the notice was armed that is due longest."""
        found = self._session.row("SELECT min(armed_at) AS at FROM notices WHERE state = 'due'")
        return None if found is None or found["at"] is None else int(found["at"])
