"""One calendar of Google's: its events, what every write does to them, and a human's hand beside the API's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from tests.simulators.common import Clock
from tests.simulators.google_schema import stamp

Resource = dict[str, Any]


class Refusal(Exception):
    """An error answer: status, reason, message (G-37)."""

    def __init__(self, status: int, reason: str, message: str, *, domain: str = "global", location: str = "") -> None:
        super().__init__(message)
        self.status, self.reason, self.message, self.domain, self.location = status, reason, message, domain, location


@dataclass
class Record:
    """An event and what it was before: lists may lag behind."""

    born: int
    versions: list[tuple[float, int, Resource]] = field(default_factory=list)
    """When it was written, the number of the change, and what it became."""

    @property
    def now(self) -> Resource:
        return self.versions[-1][2]

    def at(self, time: float) -> tuple[float, int, Resource] | None:
        """The version that a list shows which lags behind until `time`."""
        return next((version for version in reversed(self.versions) if version[0] <= time), None)


@dataclass
class Calendar:
    """`roles`: account → accessRole. `zone`: answers give their times with its offset."""

    id: str
    clock: Clock
    summary: str = ""
    zone: str = "Europe/Berlin"
    roles: dict[str, str] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    revive: bool = True
    """Whether an update to `confirmed` brings a deleted event back; else 403 (G-03: unknown)."""
    precondition_first: bool = False
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    # --- what the API does -----------------------------------------------------------------

    def insert(self, body: Mapping[str, Any], account: str) -> Resource:
        """G-01, G-02: an id once used is taken for ever."""
        ref = body.get("id") or f"server{next(self.numbers):08d}"
        if not re.fullmatch(r"[a-v0-9]{5,1024}", ref):
            raise Refusal(400, "invalid", "Invalid resource id value.")
        if "id" in body and "iCalUID" in body:
            raise Refusal(400, "invalid", "Only one of id and iCalUID may be given.")
        if ref in self.records:
            raise Refusal(409, "duplicate", "The requested identifier already exists.")
        event = self._complete(body, account)
        event |= {"id": ref, "created": _utc(self.clock.now), "iCalUID": body.get("iCalUID") or f"{ref}@google.com"}
        self.records[ref] = Record(next(self.numbers))
        return self._write(ref, event)

    def get(self, ref: str) -> Resource:
        """Deleted ones too (G-05)."""
        if ref in self.records:
            return self.records[ref].now
        for instance in self.instances(ref.rpartition("_")[0]):
            if instance["id"] == ref:
                return instance
        raise Refusal(404, "notFound", "Not Found")

    def update(self, ref: str, body: Mapping[str, Any], match: str | None, account: str) -> Resource:
        """Replaces: what is left out is gone (G-07)."""
        old = self._matching(ref, match)
        if old["status"] == "cancelled" and not self.revive:
            raise Refusal(403, "forbidden", "Forbidden")
        kept = {
            key: old[key]
            for key in ("id", "created", "iCalUID", "creator", "organizer", "recurringEventId", "originalStartTime")
            if key in old
        }
        return self._write(ref, self._complete(body, account) | kept)

    def patch(self, ref: str, body: Mapping[str, Any], match: str | None, account: str) -> Resource:
        """Merges; null takes away."""
        old = self._matching(ref, match)
        if old["status"] == "cancelled" and not self.revive:
            raise Refusal(403, "forbidden", "Forbidden")
        merged = _merge(old, body)
        changed = self._complete(merged, account) | {
            key: old[key] for key in ("id", "created", "iCalUID", "creator", "organizer")
        }
        if set(body) == {"reminders"}:
            return self._write(ref, changed | {"updated": old["updated"]}, touch=False)  # G-13
        return self._write(ref, changed)

    def delete(self, ref: str, match: str | None) -> None:
        """Twice is an error (G-04), whatever version was named, or, by switch, only after that is right."""
        old = self._matching(ref, match if self.precondition_first else None)
        if old["status"] == "cancelled":
            raise Refusal(410, "deleted", "Resource has been deleted")
        self._matching(ref, match)
        self._write(ref, old | {"status": "cancelled"})

    def visible(self, lag: float) -> list[tuple[int, int, Resource]]:
        """`(born, change, event)` of all events, deleted ones too, as a list sees them that lags behind so many seconds."""
        seen = ((record.born, record.at(self.clock.now - lag)) for record in self.records.values())
        return [(born, version[1], version[2]) for born, version in seen if version is not None]

    @property
    def last_change(self) -> int:
        return max((record.versions[-1][1] for record in self.records.values()), default=0)

    def instances(self, ref: str) -> list[Resource]:
        """The occurrences of a series, exceptions in their place; at most 2,000."""
        if ref not in self.records or "recurrence" not in self.records[ref].now:
            return []
        master = self.records[ref].now
        start, end = self.bounds(master)
        exceptions = {
            r.now["originalStartTime"]["dateTime"]: r.now for r in self.records.values() if r.now.get("recurringEventId") == ref
        }
        rule = rrulestr("\n".join(master["recurrence"]), dtstart=datetime.fromtimestamp(start, UTC), forceset=True)
        found = []
        for begin, _ in zip(rule, range(2000), strict=False):
            at = int(begin.timestamp())
            times = {"start": self._time(at), "end": self._time(at + end - start)}
            instance = {key: value for key, value in master.items() if key != "recurrence"} | times
            instance |= {"id": f"{ref}_{begin:%Y%m%dT%H%M%SZ}", "recurringEventId": ref, "originalStartTime": times["start"]}
            found.append(exceptions.get(times["start"]["dateTime"], instance))
        return found

    def bounds(self, event: Mapping[str, Any]) -> tuple[float, float]:
        """Start and end in seconds; of a whole day in the calendar's zone."""
        return self._seconds(event["start"]), self._seconds(event["end"])

    # --- a human in Google Calendar ----------------------------------------------------------

    def human_creates(self, start: float, end: float, title: str, **more: Any) -> str:
        body = {"summary": title, "start": {"dateTime": _utc(start)}, "end": {"dateTime": _utc(end)}, **more}
        ref: str = self.insert(body, "a.human@example.com")["id"]
        return ref

    def human_edits(
        self, ref: str, *, start: float | None = None, end: float | None = None, title: str | None = None, **more: Any
    ) -> None:
        change = dict(more)
        if start is not None:
            change["start"] = {"dateTime": _utc(start)}
        if end is not None:
            change["end"] = {"dateTime": _utc(end)}
        if title is not None:
            change["summary"] = title
        self.patch(ref, change, None, "a.human@example.com")

    def human_deletes(self, ref: str) -> None:
        self.delete(ref, None)

    def human_restores(self, ref: str) -> None:
        """From the bin."""
        self._write(ref, self.records[ref].now | {"status": "confirmed"})

    def human_copies(self, ref: str) -> str:
        """The copy bears the private properties too (F16)."""
        old = self.records[ref].now
        copy: str = self.insert({k: v for k, v in old.items() if k in COPIED}, "a.human@example.com")["id"]
        return copy

    def strip(self, ref: str) -> None:
        """Another program forgets the private properties."""
        self._write(ref, {key: value for key, value in self.records[ref].now.items() if key != "extendedProperties"})

    def vanish(self, ref: str) -> None:
        """Long after a deletion nothing is known of an event (G-05)."""
        del self.records[ref]

    def live(self) -> list[Resource]:
        return [record.now for record in self.records.values() if record.now["status"] != "cancelled"]

    # --- inside -------------------------------------------------------------------------------

    def _matching(self, ref: str, match: str | None) -> Resource:
        """G-06."""
        old = self.get(ref)
        if ref not in self.records:  # an occurrence becomes an exception when it is written
            self.records[ref] = Record(next(self.numbers), [(self.clock.now, next(self.numbers), old)])
        if match is not None and match not in ("*", old["etag"]):
            raise Refusal(412, "conditionNotMet", "Precondition Failed", location="If-Match")
        return old

    def _write(self, ref: str, event: Resource, *, touch: bool = True) -> Resource:
        number = next(self.numbers)
        event = deepcopy(event) | {"etag": f'"{number:016d}"'}
        if touch:
            event["updated"] = _utc(self.clock.now)
        self.records[ref].versions.append((self.clock.now, number, event))
        return event

    def _complete(self, body: Mapping[str, Any], account: str) -> Resource:
        """The resource that a body becomes."""
        event: Resource = {
            key: value for key, value in body.items() if value not in (None, "", [], {}) and key not in ("etag", "updated")
        }
        event["start"], event["end"] = self._side(body, "start"), self._side(body, "end")
        start, end = self.bounds(event)
        if ("date" in event["start"]) != ("date" in event["end"]):
            raise Refusal(400, "invalid", "Start and end times must either both be date or both be dateTime.")
        if end < start:
            raise Refusal(400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar")
        for name, allowed in CHOICES.items():
            if name in event and event[name] not in allowed:
                raise Refusal(400, "invalid", f"Invalid value for: {name}")
        event["reminders"] = _reminders(event.get("reminders"))
        if properties := _properties(event.pop("extendedProperties", {})):
            event["extendedProperties"] = properties
        if event.get("transparency") == "opaque":
            del event["transparency"]
        who = {"email": self.id, "self": True}
        return {
            "kind": "calendar#event", "status": "confirmed", "creator": {"email": account}, "organizer": who, "sequence": 0,
            "eventType": "default", "htmlLink": "https://www.google.com/calendar/event?eid=c2lt", **event,
        }  # fmt: skip

    def _side(self, body: Mapping[str, Any], name: str) -> Resource:
        side = {key: value for key, value in (body.get(name) or {}).items() if value is not None}
        if "date" in side and "dateTime" not in side:
            return {"date": side["date"]}
        text, zone = side.get("dateTime", ""), side.get("timeZone")
        at = stamp(text)
        if at is None and zone and text:
            at = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
        if at is None:
            raise Refusal(400, "required" if not text else "invalid", f"Missing or invalid {name} time.")
        return self._time(int(at.timestamp()), zone)

    def _time(self, at: float, zone: str | None = None) -> Resource:
        """With the offset of the calendar's zone, as answers have it, whatever was sent."""
        return {"dateTime": datetime.fromtimestamp(at, ZoneInfo(self.zone)).isoformat(), "timeZone": zone or self.zone}

    def _seconds(self, side: Mapping[str, str]) -> float:
        if "date" in side:
            return datetime.fromisoformat(side["date"]).replace(tzinfo=ZoneInfo(self.zone)).timestamp()
        return datetime.fromisoformat(side["dateTime"]).timestamp()


COPIED = (
    "summary",
    "description",
    "location",
    "start",
    "end",
    "transparency",
    "visibility",
    "reminders",
    "extendedProperties",
    "recurrence",
)
CHOICES: Mapping[str, tuple[str, ...]] = {
    "status": ("confirmed", "tentative", "cancelled"), "transparency": ("opaque", "transparent"),
    "visibility": ("default", "public", "private", "confidential"),
}  # fmt: skip


def _utc(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S.000Z}"


def _reminders(asked: Mapping[str, Any] | None) -> Resource:
    """G-13: at most five, up to four weeks before."""
    if not asked or asked.get("useDefault"):
        if asked and asked.get("overrides"):
            raise Refusal(
                400,
                "cannotUseDefaultRemindersAndSpecifyOverride",
                "Cannot specify both default reminders and overrides at the same time.",
                domain="calendar",
            )
        return {"useDefault": True}
    overrides = asked.get("overrides", [])
    if len(overrides) > 5 or any(
        o.get("method") not in ("email", "popup") or not 0 <= o.get("minutes", -1) <= 40_320 for o in overrides
    ):
        raise Refusal(400, "invalid", "Invalid reminders.")
    return {"useDefault": False, **({"overrides": overrides} if overrides else {})}


def _properties(asked: Mapping[str, Mapping[str, str | None]]) -> Resource:
    """G-10: a key over 44 is dropped, a value over 1024 is cut, and nobody says so."""
    found = {
        kind: {k: v[:1024] for k, v in (values or {}).items() if v is not None and len(k) <= 44} for kind, values in asked.items()
    }
    return {kind: values for kind, values in found.items() if values}


def _merge(old: Any, change: Any) -> Any:
    if not isinstance(old, dict) or not isinstance(change, Mapping):
        return change
    merged = {key: value for key, value in old.items() if key not in change}
    for key, value in change.items():
        if value is not None:
            merged[key] = _merge(old.get(key), value) if key not in ("start", "end") else value
    return merged
