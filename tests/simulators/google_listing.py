"""Lists of a calendar: windows, filters, pages and sync tokens (G-20 to G-25), and how late a list may be."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.simulators.common import Call
from tests.simulators.google_calendar import Calendar, Refusal, Resource
from tests.simulators.google_schema import stamp

RESTRICTED = ("iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin", "timeMax", "updatedMin")
"""What a sync token does not go with (G-22)."""
HIDDEN = ("kind", "etag", "id", "status", "start", "end", "iCalUID")
"""All that is seen of an event by whoever may only see free and busy."""


@dataclass(kw_only=True)
class Listing:
    """One call of `events.list`, `lag` seconds behind, in pages of at most `page`. Sync tokens of another `epoch` are lost."""

    calendar: Calendar
    call: Call
    role: str
    lag: float = 0.0
    page: int | None = None
    epoch: int = 0
    match: Callable[[Iterable[object]], bool] = all

    def answer(self) -> Resource:
        """A page token carries where the next page begins, a sync token the last change seen."""
        since, after = self._tokens()
        if self._asked("orderBy") == "startTime" and self._asked("singleEvents") != "true":
            raise Refusal(400, "badRequest", "The requested ordering is not available for the particular query.")
        found = [item for item in self._candidates(since) if self._wanted(item[1], since)]
        found = [item for item in found if after is None or item[0] > after]
        most = min(int(self._asked("maxResults") or 250), 2500, self.page or 2500)
        body = header(self.calendar, self.role) | {"items": [self._shown(event) for _, event in found[:most]]}
        if len(found) > most:
            return body | {"nextPageToken": _sealed({"after": found[most - 1][0], "since": since})}
        return body | {"nextSyncToken": _sealed({"change": self._seen(), "epoch": self.epoch})}

    def instances(self, ref: str) -> Resource:
        self.calendar.get(ref)
        events = [event for event in self.calendar.instances(ref) if self._wanted(event, None)]
        return header(self.calendar, self.role) | {"items": [self._shown(event) for event in events]}

    def _asked(self, name: str) -> str | None:
        return self.call.first(name)

    def _tokens(self) -> tuple[int | None, list[int] | None]:
        """The change that a sync begins after, and the place that a page begins after."""
        if self._asked("pageToken") is not None:
            page = _opened(self._asked("pageToken"))
            if page is None:
                raise Refusal(400, "invalid", "Invalid page token value.")
            return page["since"], page["after"]
        if self._asked("syncToken") is None:
            return None, None
        sync = _opened(self._asked("syncToken"))
        if sync is None or sync["epoch"] != self.epoch:
            raise Refusal(410, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.", domain="calendar")
        if any(self._asked(name) is not None for name in RESTRICTED) or self._asked("showDeleted") == "false":
            raise Refusal(400, "syncTokenWithRequestRestrictions", "These do not go with a sync token.", domain="calendar")
        return sync["change"], None

    def _seen(self) -> int:
        return max((change for _, change, _ in self.calendar.visible(self.lag)), default=0)

    def _candidates(self, since: int | None) -> list[tuple[list[float], Resource]]:
        """Events and, with `singleEvents`, occurrences; each with its place in the order."""
        single = self._asked("singleEvents") == "true"
        found: list[tuple[list[float], Resource]] = []
        for born, change, event in self.calendar.visible(self.lag):
            if since is not None and change <= since:
                continue
            if single and "recurrence" in event and event["status"] != "cancelled":
                found += [([born, n], instance) for n, instance in enumerate(self.calendar.instances(event["id"]))]
            elif not (single and "recurringEventId" in event):
                found.append(([born, 0], event))
        if self._asked("orderBy") == "startTime":
            found = [([*self.calendar.bounds(event), *place], event) for place, event in found]
        if self._asked("orderBy") == "updated":
            found = [([updated.timestamp(), *place], event) for place, event in found if (updated := stamp(event["updated"]))]
        return sorted(found, key=lambda item: item[0])

    def _wanted(self, event: Resource, since: int | None) -> bool:
        deleted = self._asked("showDeleted") == "true" or since is not None or self._asked("updatedMin") is not None
        exception = "recurringEventId" in event and self._asked("singleEvents") != "true"
        if event["status"] == "cancelled" and not deleted and not exception:  # as the discovery document says of showDeleted
            return False
        start, end = self.calendar.bounds(event)
        low, high, updated = (stamp(self._asked(name)) for name in ("timeMin", "timeMax", "updatedMin"))
        if (low and end <= low.timestamp()) or (high and start >= high.timestamp()):
            return False
        if updated and (stamp(event["updated"]) or updated) < updated:
            return False
        if self._asked("iCalUID") not in (None, event["iCalUID"]):
            return False
        text = f"{event.get('summary', '')} {event.get('description', '')}".casefold()
        return (self._asked("q") or "").casefold() in text and self._bears(event)

    def _bears(self, event: Resource) -> bool:
        for kind in ("private", "shared"):
            wanted = [value.partition("=") for key, value in self.call.query if key == f"{kind}ExtendedProperty"]
            there = event.get("extendedProperties", {}).get(kind, {})
            if wanted and not self.match(there.get(name) == value for name, _, value in wanted):
                return False
        return True

    def _shown(self, event: Resource) -> Resource:
        if self.role != "freeBusyReader":
            return event
        return {key: event[key] for key in HIDDEN if key in event} | {"visibility": "private"}


def header(calendar: Calendar, role: str) -> Resource:
    return {
        "kind": "calendar#events", "etag": f'"{calendar.last_change}"', "summary": calendar.summary, "timeZone": calendar.zone,
        "updated": "2026-03-02T12:00:00.000Z", "accessRole": role, "defaultReminders": [],
    }  # fmt: skip


def _sealed(content: Mapping[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def _opened(token: str | None) -> dict[str, Any] | None:
    try:
        found = json.loads(urlsafe_b64decode(token + "=" * (-len(token) % 4))) if token else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
