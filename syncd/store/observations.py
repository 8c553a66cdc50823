"""The last complete look at each destination, so that questions are answered without calling it."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from syncd.connector import Observation
from syncd.core.entry import Absent, Entry, Paged
from syncd.core.model import Instant
from syncd.store.session import Session
from syncd.store.text import dumps, loads

_ENTRY = ("ref", "uid", "start", "end", "person", "title", "version", "marker", "over")
_PAGED = ("start", "end", "person", "title", "ref")


class Observations:
    def __init__(self, session: Session) -> None:
        self._session = session

    def last(self, destination: str) -> tuple[Observation, Instant] | None:
        """With the time of the look."""
        found = self._session.row(
            "SELECT o.at, o.server_time, c.content FROM observations o JOIN observed c ON c.destination = o.destination"
            " WHERE o.destination = :destination",
            destination=destination,
        )
        if found is None:
            return None
        said = loads(found["content"])  # what an older version wrote has fewer fields
        observation = Observation(
            entries=tuple(Entry(**dict(zip(_ENTRY, entry, strict=False))) for entry in said["entries"]),
            same=frozenset(said["same"]),
            paged=tuple(Paged(**dict(zip(_PAGED, paged, strict=True))) for paged in said["paged"]),
            missing={person: Absent(*told) for person, told in said.get("missing", {}).items()},
            server_time=found["server_time"],
            fingerprint=said["fingerprint"],
            found=said["found"],
        )
        return observation, found["at"]

    def put(self, destination: str, observation: Observation, at: Instant, last: Observation | None = None) -> bool:
        """Whether anything but the time was new. `last`: as read under this lease; what equals it is not written down again."""
        if last is not None and replace(last, server_time=observation.server_time) == observation:
            sql = "UPDATE observations SET at = :at, server_time = :server_time WHERE destination = :destination"
            if self._session.change(sql, at=at, server_time=observation.server_time, destination=destination):
                return False
        content = dumps(
            {
                "entries": [[getattr(entry, name) for name in _ENTRY] for entry in observation.entries],
                "same": sorted(observation.same),
                "paged": [[getattr(paged, name) for name in _PAGED] for paged in observation.paged],
                "missing": {person: list(told) for person, told in observation.missing.items()},
                "fingerprint": observation.fingerprint,
                "found": dict(observation.found),
            }
        )
        digest = hashlib.sha256(content.encode()).hexdigest()
        before = self._session.row("SELECT digest FROM observations WHERE destination = :destination", destination=destination)
        self._session.put(
            "observations",
            ("destination",),
            destination=destination,
            at=at,
            server_time=observation.server_time,
            digest=digest,
        )
        if before is not None and before["digest"] == digest:
            return False
        self._session.put(
            "observed",
            ("destination",),
            destination=destination,
            content=content,
        )
        return True
