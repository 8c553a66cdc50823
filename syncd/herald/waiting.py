"""What waits for one reader, and how it is put into messages: at most five a minute, then one digest that holds all of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from syncd.core.audience import Kind, Reader, kind_of

A_MINUTE = 5
"""Messages to one reader within a minute; what is more comes as one digest."""
MINUTE = 60.0
SHOWN = 50
"""Notices that a digest shows; the rest it counts."""
_FIRST = (Kind.HANDOFF, Kind.GAPS, Kind.ATTENTION, Kind.SERVICE, Kind.HOLD, Kind.CONFLICT)
"""What is shown before anything else."""


class Part(NamedTuple):
    """One message: the notices to show, and all that it tells of."""

    shown: list[Mapping[str, Any]]
    about: tuple[str, ...]


class Pile:
    """Notices for one reader; of ten thousand only those worth showing are kept whole."""

    def __init__(self) -> None:
        self.about: list[str] = []
        self._shown: list[tuple[int, int, Mapping[str, Any]]] = []

    def add(self, dedup: str, said: Mapping[str, Any]) -> None:
        kind = kind_of(str(said.get("kind", "")))
        rank = _FIRST.index(kind) if kind in _FIRST else len(_FIRST)
        self._shown.append((rank, len(self.about), said))
        self.about.append(dedup)
        if len(self._shown) > 4 * SHOWN:
            self._trim()

    def _trim(self) -> None:
        self._shown.sort(key=lambda one: one[:2])
        del self._shown[SHOWN:]

    def apart(self) -> list[Part]:
        return [Part([said], (self.about[place],)) for _, place, said in self._shown]

    def together(self) -> list[Part]:
        self._trim()
        return [Part([said for _, _, said in self._shown], tuple(self.about))]


class Pace:
    """How much each reader was sent; monotonic seconds."""

    def __init__(self) -> None:
        self._sent: dict[Reader, list[float]] = {}
        self._digests: dict[Reader, float] = {}

    def parts(self, reader: Reader, pile: Pile, now: float) -> list[Part]:
        """Empty where it is to wait."""
        recent = [at for at in self._sent.get(reader, []) if now - at < MINUTE]
        self._sent[reader] = recent
        if len(recent) + len(pile.about) <= A_MINUTE:
            return pile.apart()
        return [] if self.wait(reader, now) else pile.together()

    def wait(self, reader: Reader, now: float) -> float:
        """Seconds until the next digest may go."""
        return max(0.0, self._digests[reader] + MINUTE - now) if reader in self._digests else 0.0

    def sent(self, reader: Reader, notices: int, now: float) -> None:
        self._sent.setdefault(reader, []).append(now)
        if notices > 1:
            self._digests[reader] = now
