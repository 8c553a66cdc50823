"""Small things that are to be found again: people's own choices, and what the daemon leaves for others to read."""

from __future__ import annotations

from typing import Any

from syncd.store.session import Session
from syncd.store.text import dumps, loads


class Facts:
    """A name → JSON: `daemon` (pid, address of its health endpoint), the version of the time zones, …"""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, name: str) -> Any:
        """None where nothing is known."""
        found = self._session.row("SELECT value FROM facts WHERE name = :name", name=name)
        return None if found is None else loads(found["value"])

    def put(self, name: str, value: Any) -> bool:
        """None takes it away. Whether anything was new."""
        if value is None:
            return self._session.change("DELETE FROM facts WHERE name = :name", name=name) > 0
        return (
            self._session.change(
                "INSERT INTO facts (name, value) VALUES (:name, :value)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE facts.value <> excluded.value",
                name=name,
                value=dumps(value),
            )
            > 0
        )


class Preferences:
    """What a person wants to hear of, and where: their own choice, which wins over the file's (DESIGN.md section 7)."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def set(self, person: str, channel: str, kind: str, value: Any) -> None:
        """None takes the choice back."""
        key: dict[str, object] = {"person": person, "channel": channel, "kind": kind}
        self._session.change("DELETE FROM preferences WHERE person = :person AND channel = :channel AND kind = :kind", **key)
        if value is not None:
            self._session.insert(
                "preferences",
                value=dumps(value),
                **key,
            )

    def of(self, person: str) -> dict[tuple[str, str], Any]:
        """(channel, kind) → what was chosen."""
        sql = "SELECT * FROM preferences WHERE person = :person ORDER BY channel, kind"
        return {(row["channel"], row["kind"]): loads(row["value"]) for row in self._session.rows(sql, person=person)}

    def all(self) -> dict[tuple[str, str, str], Any]:
        """(person, channel, kind) → what was chosen."""
        found = self._session.rows("SELECT * FROM preferences ORDER BY person, channel, kind")
        return {(row["person"], row["channel"], row["kind"]): loads(row["value"]) for row in found}
