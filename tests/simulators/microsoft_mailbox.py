"""The mailboxes behind the Microsoft simulator: what they keep, how it is shown, and the log that deltas read."""

from __future__ import annotations

import base64
import hashlib
import html
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.simulators.microsoft_odata import Refusal, Wishes, bad, instant, property_id, shown_time

PLAIN = (
    "subject", "body", "showAs", "isReminderOn", "reminderMinutesBeforeStart", "isAllDay", "categories", "importance",
    "sensitivity", "attendees", "location", "locations", "allowNewTimeProposals", "responseRequested", "hideAttendees",
    "isOnlineMeeting", "onlineMeetingProvider",
)  # fmt: skip
"""What a client may set, besides times, `transactionId` (on create only) and extended properties."""

DEFAULTS: Mapping[str, Any] = {
    "subject": None, "body": {"contentType": "html", "content": ""}, "showAs": "busy", "isReminderOn": True,
    "reminderMinutesBeforeStart": 15, "isAllDay": False, "categories": [], "importance": "normal", "sensitivity": "normal",
    "attendees": [], "location": {"displayName": "", "locationType": "default", "uniqueIdType": "unknown"}, "locations": [],
    "allowNewTimeProposals": True, "responseRequested": True, "hideAttendees": False, "isOnlineMeeting": False,
    "onlineMeetingProvider": "unknown",
}  # fmt: skip


def opaque(*parts: object, form: str = "AAkALgAAAAAAHYQDEapm") -> str:
    """An id like Exchange's: long, case-sensitive, with characters that a URL must quote."""
    return form + base64.urlsafe_b64encode(hashlib.sha256("\0".join(map(str, parts)).encode()).digest()).decode()


@dataclass(frozen=True)
class Event:
    """One state of an event. Instants are whole seconds UTC."""

    guid: str
    calendar: str
    start: int
    end: int
    zones: tuple[str, str]
    facts: Mapping[str, Any]
    properties: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Canonical id → (id as it was written, value)."""
    transaction: str | None = None
    change: int = 0
    created: int = 0
    modified: int = 0
    repeats: tuple[int, ...] = ()
    """Of a series, the starts of its occurrences."""
    master: str | None = None
    """Of an occurrence, its series."""

    @property
    def key(self) -> str:
        return base64.b64encode(
            b"\x0f\x00\x00\x00\x16\x00\x00\x00" + hashlib.sha256(f"{self.guid}{self.change}".encode()).digest()[:20]
        ).decode()

    @property
    def etag(self) -> str:
        return f'W/"{self.key}"'


@dataclass
class Calendar:
    id: str
    name: str
    can_edit: bool = True


@dataclass
class Item:
    """An event through time: lists see its states late, a get sees the last one at once. None: deleted."""

    states: list[tuple[float, Event | None]]

    def at(self, when: float | None = None) -> Event | None:
        return next((event for since, event in reversed(self.states) if when is None or since <= when), None)


class Mailbox:
    """One user's, a shared one's or a room's. Every change gets a number from one counter."""

    def __init__(self, address: str, now: Callable[[], float], kind: str = "user") -> None:
        self.address, self.kind, self._now = address, kind, now
        self.id = f"{hashlib.sha256(address.encode()).hexdigest()[:8]}-0000-4000-8000-000000000000"
        self.calendars: dict[str, Calendar] = {}
        self.items: dict[str, Item] = {}
        self.spent: dict[str, str] = {}
        """`transactionId` → guid, also of events long gone (MS-12)."""
        self.bodies: dict[str, str] = {}
        """guid → the first POST's body in one form, to tell a repeat."""
        self.changes: list[tuple[int, str]] = []
        self._counter = itertools.count(1)
        self.default = self.add_calendar("Calendar").id

    def add_calendar(self, name: str, *, can_edit: bool = True) -> Calendar:
        calendar = Calendar(opaque(self.address, "calendar", next(self._counter), form="AAMkADIx"), name, can_edit)
        self.calendars[calendar.id] = calendar
        return calendar

    # --- change ---------------------------------------------------------------------------

    def store(self, event: Event) -> Event:
        change = next(self._counter)
        event = replace(event, change=change, modified=int(self._now()))
        self.items.setdefault(event.guid, Item([])).states.append((self._now(), event))
        self.changes.append((change, event.guid))
        return event

    def remove(self, event: Event) -> None:
        self.items[event.guid].states.append((self._now(), None))
        self.changes.append((next(self._counter), event.guid))

    def new(self, calendar: str, body: Mapping[str, Any]) -> Event:
        number = next(self._counter)
        blank = Event(opaque(self.address, "event", number), calendar, 0, 0, ("UTC", "UTC"), DEFAULTS, created=int(self._now()))
        if "start" not in body or "end" not in body:
            raise bad("At least one property failed validation: start and end are needed.", "ErrorPropertyValidationFailure")
        event = self.store(replace(changed(blank, body), transaction=body.get("transactionId")))
        if event.transaction:
            self.spent[event.transaction] = event.guid
        return event

    # --- look ------------------------------------------------------------------------------

    def now(self) -> list[Event]:
        return [event for item in self.items.values() if (event := item.at()) is not None]

    def listed(self, calendar: str, lag: float) -> list[Event]:
        """As lists and deltas see it, which may be late."""
        seen = (item.at(self._now() - lag) for item in self.items.values())
        return sorted(
            (event for event in seen if event and event.calendar == calendar), key=lambda event: (event.start, event.guid)
        )

    def find(self, id_: str, *, immutable: bool, calendar: str | None) -> Event:
        for event in self.now():
            if shown_id(event, immutable) == id_ and calendar in (None, event.calendar):
                return event
        raise Refusal(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def changed(event: Event, body: Mapping[str, Any]) -> Event:
    """`event` with what `body` says; what it does not name stays (MS-13)."""
    known = {
        *PLAIN,
        "start",
        "end",
        "transactionId",
        "singleValueExtendedProperties",
        "id",
        "originalStartTimeZone",
        "originalEndTimeZone",
        "recurrence",
    }
    if unknown := [name for name in body if name not in known and not name.startswith("@")]:
        raise bad(f"The property {unknown[0]!r} is not one this simulator keeps.", "RequestBodyRead")
    facts = {**event.facts, **{name: body[name] for name in PLAIN if name in body}}
    if len(facts["subject"] or "") > 255:
        raise bad("At least one property failed validation: subject is longer than 255.", "ErrorPropertyValidationFailure")
    start, start_zone = instant(body["start"]) if "start" in body else (event.start, event.zones[0])
    end, end_zone = instant(body["end"]) if "end" in body else (event.end, event.zones[1])
    if end < start:
        raise bad("The end date is earlier than the start date.", "ErrorCalendarEndDateIsEarlierThanStartDate")
    if facts["isAllDay"]:
        midnights = [
            shown_time(at, zone)["dateTime"].endswith("T00:00:00.0000000") for at, zone in ((start, start_zone), (end, end_zone))
        ]
        if not all(midnights) or start_zone != end_zone or start == end:
            raise bad(
                "The event's start and end of an all-day event must be midnight in one zone.", "ErrorPropertyValidationFailure"
            )
    properties = dict(event.properties)
    for one in body.get("singleValueExtendedProperties", ()):
        key, value = property_id(one.get("id")), one.get("value")
        if value is None:
            properties.pop(key, None)
        else:
            properties[key] = (one["id"], value)
    if body.get("recurrence") is not None:
        raise bad("This simulator makes series by a human's hand alone.", "RequestBodyRead")
    repeats = () if "recurrence" in body else event.repeats
    return replace(event, facts=facts, start=start, end=end, zones=(start_zone, end_zone), properties=properties, repeats=repeats)


def shown_id(event: Event, immutable: bool) -> str:
    """Without the header an id changes when the event moves to another calendar (MS-19)."""
    return event.guid if immutable else opaque(event.guid, event.calendar, form="AAMkADIxTm9u")


def shown(
    event: Event, box: Mailbox, wish: Wishes, expand: tuple[str, ...] | None = (), *, wrap: bool = True, keep_zone: bool = False
) -> dict[str, Any]:
    """The event's JSON. `expand`: extended properties named; None: the server forgot them (MS-26)."""
    zones = (wish.zone, wish.zone) if wish.zone else event.zones if keep_zone else ("UTC", "UTC")
    start, end = shown_time(event.start, zones[0]), shown_time(event.end, zones[1])
    if event.facts["isAllDay"]:  # a day has no zone: midnight in whichever is asked for
        start, end = (
            {**shown_time(at, own), "timeZone": zone}
            for at, own, zone in zip((event.start, event.end), event.zones, zones, strict=True)
        )
    answer: dict[str, Any] = {
        "@odata.etag": event.etag,
        "id": shown_id(event, wish.immutable),
        "createdDateTime": stamp(event.created),
        "lastModifiedDateTime": stamp(event.modified),
        "changeKey": event.key,
        "originalStartTimeZone": event.zones[0],
        "originalEndTimeZone": event.zones[1],
        "iCalUId": "040000008200E00074C5B7101A82E008" + hashlib.sha256(event.guid.encode()).hexdigest()[:40].upper(),
        "hasAttachments": False,
        "isCancelled": False,
        "isDraft": False,
        "isOrganizer": True,
        "seriesMasterId": event.master,
        "type": "occurrence" if event.master else "seriesMaster" if event.repeats else "singleInstance",
        "webLink": f"https://outlook.office365.com/owa/?itemid={event.guid}",
        "onlineMeetingUrl": None,
        "recurrence": None,
        "onlineMeeting": None,
        "responseStatus": {"response": "organizer", "time": "0001-01-01T00:00:00Z"},
        "start": start,
        "end": end,
        "organizer": {"emailAddress": {"name": box.address, "address": box.address}},
        **event.facts,
        **_body(event.facts["body"], wish.text, wrap),
    }
    if event.transaction is not None:
        answer["transactionId"] = event.transaction
    values = [
        {"id": event.properties[key][0], "value": event.properties[key][1]} for key in expand or () if key in event.properties
    ]
    if values:
        answer["singleValueExtendedProperties"] = values
    return answer


def occurrences(event: Event) -> Iterator[Event]:
    """A view expands series; an occurrence has an id of its own and its master's properties."""
    if not event.repeats:
        yield event
    for start in event.repeats:
        yield replace(
            event, guid=opaque(event.guid, start), start=start, end=start + event.end - event.start, repeats=(), master=event.guid
        )


def _body(body: Mapping[str, Any] | None, text: bool, wrap: bool) -> dict[str, Any]:
    content, plain = str((body or {}).get("content") or ""), str((body or {}).get("contentType", "text")).lower() == "text"
    words = content if plain else html.unescape(content)
    preview = {"bodyPreview": words[:255]}
    if text or (plain and not wrap):
        return {**preview, "body": {"contentType": "text", "content": words}}
    inside = "<br>\r\n".join(html.escape(line) for line in content.splitlines()) if plain else content
    page = (
        '<html><head>\r\n<meta http-equiv="Content-Type" content="text/html; charset=utf-8"></head>'
        f'<body>\r\n<div class="PlainText">{inside}</div>\r\n</body></html>\r\n'
    )
    return {**preview, "body": {"contentType": "html", "content": page if wrap else inside}}


def stamp(at: float) -> str:
    return shown_time(int(at), "UTC")["dateTime"] + "Z"
