"""How a destination is kept: the columns of the decision table, and the two choices a bidirectional one has."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    AUTHORITATIVE = "authoritative"
    BIDIRECTIONAL = "bidirectional"
    MANUAL = "manual"


class OnDeleted(StrEnum):
    """Bidirectional, row 6: an entry was deleted at the destination."""

    RESTORE = "restore"
    ACCEPT = "accept"
    HOLD = "hold"


class OnConflict(StrEnum):
    """Bidirectional, row 7 only: both sides changed, differently."""

    ROTA = "rota"
    DESTINATION = "destination"
    HOLD = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """I9: what one cycle may remove without a successor: `max(removals, removal_share * own future entries)`."""

    removals: int = 3
    removal_share: float = 0.30
