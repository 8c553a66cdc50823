"""A shift as a Graph event, and back: what is written, and what of an answer is believed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from syncd.connector import Entry, Operation, Site, Unavailable
from syncd.core.model import Instant, Shift
from syncd.event import CalendarOptions, Names, description_of, same_words, tidy, title_of

PROPERTY = "String {7b1f3c52-6d0e-4b7a-9f43-2f5c1f0f9a61} Name syncd"
"""Our extended property: the marker. The GUID is ours alone, and never changes."""
EXPAND = f"singleValueExtendedProperties($filter=id eq '{PROPERTY}')"
FIELDS = "id,subject,start,end,isAllDay,type,transactionId,changeKey"
"""What a look asks for: no bodies, no attendees, nothing of a stranger's meeting but title and time."""

SUBJECT, NAME, TITLE = 255, 100, 60
"""Exchange's longest subject, in UTF-16 units; and what of it a name and the titles of role and schedule may take."""

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(?:\.\d+)?(Z|[+-]\d\d:\d\d)?")
_OURS = re.compile(r"[0-9a-v]{32}")
"""A uid as ours are made (W3). Others' transaction ids are GUIDs."""
_UTC = ("utc", "etc/utc", "etc/gmt", "tzone://microsoft/utc", "z", "gmt")


class Events:
    """For one site. What people read in the event is `wording`; only its first line comes back from a look."""

    def __init__(self, options: CalendarOptions, site: Site) -> None:
        self._options = options
        self._site = _shortened(site)
        self._names = Names(self._site, options.title)
        self._zone = ZoneInfo(site.schedule.timezone)

    # --- written --------------------------------------------------------------------------

    def title(self, shift: Shift) -> str:
        return fitted(title_of(shift, self._site, self._options.title), SUBJECT)

    def wording(self, shift: Shift) -> str:
        return f"{self.title(shift)}\n{description_of(shift, self._site)}"

    def new(self, shift: Shift, op: Operation) -> dict[str, Any]:
        """Nobody is invited, it shows as free, and Exchange's reminder of 15 minutes is off unless one is asked for (MS-10)."""
        alarm = self._options.alarm
        reminder = {"isReminderOn": False} if alarm is None else {"isReminderOn": True, "reminderMinutesBeforeStart": alarm}
        category = re.sub(r"[,;\s]+", " ", self._site.role.title or self._site.role.id).strip()
        return {
            **self.changed(shift, op),
            "showAs": "free",
            **reminder,
            "categories": [fitted(category, NAME)],
            "transactionId": op.uid,
        }

    def change(self, shift: Shift, op: Operation, there: Mapping[str, Any] | None) -> dict[str, Any]:
        """What is ours to say of an event that stands; how it shows, reminds and is coloured stays as people set it (MS-13).

        `there`: body and type, where a human may have been at it; their description stays, and only that it repeats goes.
        """
        body = self.changed(shift, op)
        if there is not None and self.described(there, shift):
            del body["body"]
        return body if there is None or there.get("type") != "seriesMaster" else {**body, "recurrence": None}

    def described(self, event: Mapping[str, Any], shift: Shift) -> bool:
        """Whether it has another description than we would write: a human's. Exchange makes HTML of a text (MS-10)."""
        body = event.get("body")
        kind, text = (str(body.get("contentType")), str(body.get("content") or "")) if isinstance(body, dict) else ("", "")
        return not same_words(description_of(shift, self._site), text, page=kind.casefold() == "html")

    def changed(self, shift: Shift, op: Operation) -> dict[str, Any]:
        """What every write says."""
        return {
            "subject": self.title(shift),
            "body": {"contentType": "text", "content": description_of(shift, self._site)},
            "start": self._time(shift, shift.start),
            "end": self._time(shift, shift.end),
            "isAllDay": False,
            "singleValueExtendedProperties": [{"id": PROPERTY, "value": op.marker}],
        }

    def _time(self, shift: Shift, at: Instant) -> dict[str, str]:
        """UTC, unless `zone` is set and the local times of both ends mean one instant only (F19)."""
        name = self._options.zone or "UTC"
        zone: tzinfo = UTC if self._options.zone is None else ZoneInfo(self._options.zone)
        if any(_twofold(one, zone) for one in (shift.start, shift.end)):
            name, zone = "UTC", UTC
        return {"dateTime": f"{datetime.fromtimestamp(at, zone):%Y-%m-%dT%H:%M:%S}", "timeZone": name}

    # --- read -----------------------------------------------------------------------------

    def entry(self, event: Mapping[str, Any], known: Mapping[str, str]) -> Entry | None:
        """None: a stranger's event that cannot be read. One of ours that cannot is no complete look (F35, I12)."""
        ref, marker = ref_of(event), self.marker(event)
        try:
            if not ref:
                raise ValueError("it has no id")
            start, end = self._instant(event, "start"), self._instant(event, "end")
        except (ValueError, OverflowError) as problem:
            trouble = str(problem)
        else:
            title = tidy(str(event.get("subject") or ""))
            return Entry(
                ref=ref,
                uid=_uid(event) or ref,
                start=start,
                end=max(start, end),
                person=self._names.person(title),
                title=title,
                version=version_of(event),
                marker=marker,
            )
        if marker is not None or ref in known:
            raise Unavailable(f"Graph shows an event of ours that cannot be read: {trouble}")
        return None

    def marker(self, event: Mapping[str, Any]) -> str | None:
        rows = event.get("singleValueExtendedProperties")
        for row in rows if isinstance(rows, list) else ():
            if (
                isinstance(row, dict)
                and str(row.get("id")).casefold() == PROPERTY.casefold()
                and isinstance(row.get("value"), str)
            ):
                return str(row["value"])
        return None

    def bare(self, event: Mapping[str, Any], known: Mapping[str, str]) -> bool:
        """By its ref or by the id it was created with it is ours, and the mark that was asked for is not there (W8)."""
        return self.marker(event) is None and (ref_of(event) in known or _OURS.fullmatch(_uid(event) or "") is not None)

    def _instant(self, event: Mapping[str, Any], name: str) -> Instant:
        """Seven decimals and no offset, in the zone named: UTC, as we asked (MS-10). A day is of the schedule's zone (F21)."""
        value = event.get(name)
        text, zone = (str(value.get("dateTime")), str(value.get("timeZone") or "UTC")) if isinstance(value, dict) else ("", "")
        found = _TIME.fullmatch(text)
        if found is None:
            raise ValueError(f"its {name} is no time")
        local = datetime.fromisoformat(found[1])
        if event.get("isAllDay") is True:
            return int(local.replace(tzinfo=self._zone).timestamp())
        if found[2]:
            return int(datetime.fromisoformat(found[1] + found[2]).timestamp())
        return int(local.replace(tzinfo=_zone(zone)).timestamp())


def ref_of(event: Mapping[str, Any]) -> str:
    """ "" where it has none."""
    ref = event.get("id")
    return ref if isinstance(ref, str) else ""


def _uid(event: Mapping[str, Any]) -> str | None:
    """An occurrence bears its series' marks, and is no entry of ours: its id is its own."""
    transaction = event.get("transactionId")
    single = event.get("type") in (None, "singleInstance", "seriesMaster")
    return transaction if single and isinstance(transaction, str) and transaction else None


def version_of(event: Mapping[str, Any]) -> str | None:
    """The etag comes along whatever was selected (MS-15); the change key is the same without its quotation marks."""
    etag, key = event.get("@odata.etag"), event.get("changeKey")
    return str(etag) if etag else f'W/"{key}"' if key else None


def _zone(name: str) -> tzinfo:
    if name.casefold() in _UTC:
        return UTC
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

    try:
        return ZoneInfo(WINDOWS_TO_OLSON.get(name, name))
    except (OSError, ValueError, KeyError):
        pass
    raise ValueError(f"its time is in the unknown zone {name[:60]!r} although UTC was asked for")


def _twofold(at: Instant, zone: tzinfo) -> bool:
    local = datetime.fromtimestamp(at, zone)
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def fitted(text: str, units: int) -> str:
    """`text` cut between graphemes until it fits into so many UTF-16 units: what Exchange counts."""
    length = units
    while _units(text) > units:
        text = tidy(text, length)
        length -= max(1, length // 8)
    return text


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _shortened(site: Site) -> Site:
    """With names that fit into a subject together with what follows them. Who is called longer is known by both."""
    people = {}
    for id_, person in site.people.items():
        name = fitted(tidy(person.name, NAME), NAME)
        longer = () if name == tidy(person.name, NAME) else (person.name,)
        people[id_] = replace(person, name=name or person.id, aliases=(*person.aliases, *longer)) if longer else person
    if _units(site.role.title) + _units(site.schedule.title) <= 2 * TITLE:
        return replace(site, people=people)
    role = replace(site.role, title=fitted(tidy(site.role.title), TITLE))
    return replace(
        site, people=people, role=role, schedule=replace(site.schedule, title=fitted(tidy(site.schedule.title), TITLE))
    )
