"""What no document tells of Microsoft, or documents dispute: run a test under each setting."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass
class Knobs:
    """Where the vendor's behaviour is unknown, disputed or a nuisance."""

    duplicate_status: Literal[400, 409] = 409
    duplicate_named: bool = False
    """`ErrorDuplicateTransactionId` names the older event in `@event.existingEventId` (MS-12)."""
    spent_after_deletion: Literal["new", "refused"] = "new"
    views: Literal["work", "500", "forget"] = "work"
    """Extended properties on calendar views: filter and expand work, fail, or find nothing (MS-26)."""
    wrap: bool = True
    """Text bodies become HTML pages (MS-10)."""
    keep_zone: bool = False
    """Without a Prefer header times come in the event's own zone, not in UTC (MS-18)."""
    irresolvable: int = 0
    """So many writes to come fail with 412 without cause (MS-14)."""
    lag: float = 0
    """Seconds until lists and deltas see a write."""
    at_once: int = 4
    retry_after: str | None = "10"
    """Of a 429: seconds, a date, or none."""
    largest_page: int = 1_000
    deltas_elsewhere: bool = True
    """On other calendars than the primary (MS-32)."""
    lost_delta: Literal["SyncStateNotFound", "syncStateNotFound", "resyncRequired"] = "SyncStateNotFound"
    lost_delta_location: bool = False
    replay: Literal["", "old", "twice"] = ""
    """A delta gives an old change again, or one item twice (MS-35)."""
    longest_subscription: int = 4_230
    """Minutes (MS-45)."""
    reachable: set[str] | None = None
    """Mailboxes that the app may open; None: all of the tenant (MS-01, MS-02)."""
    unhosted: set[str] = field(default_factory=set)
    """Users without an Exchange mailbox."""
