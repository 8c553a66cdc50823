"""A calendar on any CalDAV server. A look is one REPORT of etags, then one multiget of what is new, changed or missing.

REF is the last part of an object's path, as one compares paths; VERSION its etag as the server gave it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import ClassVar
from urllib.parse import quote, unquote, urlsplit

from connectors.caldav_look import contents, list_of, point, still_outside
from connectors.caldav_wire import Answer, Credentials, Wire, failure, missing, no_calendar, origin, server_time, url_problem
from connectors.caldav_xml import (
    CAL,
    DAV,
    TooMany,
    conditions,
    multistatus,
    names,
    properties,
    query,
    quoted,
    same_etag,
    same_path,
    strong,
)
from syncd.connector import (
    Capabilities,
    Entry,
    Finding,
    Observation,
    Operation,
    Place,
    Rejected,
    Secret,
    Site,
    Stale,
    Unavailable,
)
from syncd.core.model import HOUR, Shift, Window
from syncd.event import CalendarOptions, Names, entries_of, entry_of, from_ical, into, principal, to_ical, touches, wording

MOST_OUTSIDE = 500
OFFSET = 14 * HOUR
"""By so much some servers look for an event with a zone in the wrong place: they take its local times for UTC."""
CALENDAR = {"Content_Type": "text/calendar; charset=utf-8"}


class CalDav:
    @dataclass(frozen=True, kw_only=True)
    class Options(CalendarOptions):
        """`url` of a calendar, or with `calendar`, its name, of the server or home where it is looked for."""

        url: str
        calendar: str | None = None
        username: str | None = None
        password: Secret | None = None
        token: Secret | None = None
        ca_file: Path | None = None
        connections: int = 4

        def __post_init__(self) -> None:
            super().__post_init__()
            if problem := url_problem(self.url):
                raise ValueError(f"url: {problem}")
            if (self.username is None) != (self.password is None):
                raise ValueError("username: needs `password`, and the other way round")
            if self.token is not None and self.password is not None:
                raise ValueError("token: either a token, or username and password")
            if not 1 <= self.connections <= 16:
                raise ValueError("connections: from 1 to 16")

    capabilities: ClassVar[Capabilities] = Capabilities(calls=4)
    requires: ClassVar[tuple[str, ...]] = ("caldav", "defusedxml", "requests")

    def __init__(self, options: Options, site: Site) -> None:
        self._options = options
        self._site = site
        self._names = Names(site, options.title)
        self.capabilities = replace(type(self).capabilities, calls=options.connections)  # type: ignore[misc]  # of this instance
        self._key = f"{options.url} {options.calendar or ''} {options.username or ''}"
        self._found = dict(site.found) if site.found.get("for") == self._key else {}
        given = Credentials(username=options.username, password=options.password, token=options.token)
        self._learning = Lock()
        self._wire = Wire(options.url, given, options.ca_file, digest=self._found.get("auth") == "digest")

    # --- looking ---

    def read(self, window: Window, known: Mapping[str, str]) -> Observation:
        url = self._calendar()
        unseen = "seen" not in self._found
        answer = (self._first_look(url) if unseen and not known else None) or self._listing(window)
        parts = multistatus(answer.body)
        url = self._calendar()
        listed = list_of(parts, url)
        if unseen and known and not listed:
            self._first_look(url)
        same = {ref for ref, one in listed.items() if one.etag and same_etag(known.get(ref, "")) == same_etag(one.etag)}
        same &= known.keys()
        outside = {
            ref: line
            for ref, line in self._outside().items()
            if still_outside(line, listed.get(ref), window) and ref not in known
        }
        wanted = {ref: one.href for ref, one in listed.items() if ref not in same and ref not in outside}
        wanted |= {ref: f"{urlsplit(url).path}{ref}" for ref in known if ref not in listed}
        objects = contents(self._wire, url, wanted, listed)
        entries = list(
            entries_of(
                objects,
                names=self._names,
                zone=self._site.schedule.timezone,
                window=window,
                known=known,
                stem=_stem,
                standing={_stem(ref) for ref in listed},
            )
        )
        shown = tuple(entry for entry in entries if entry.ref in known or touches(entry, window))
        self._keep_outside(outside, objects, entries, shown)
        return Observation(
            entries=shown,
            same=frozenset(same),
            server_time=server_time(answer.headers),
            fingerprint=self._fingerprint(url),
            found=self._found,
        )

    def _listing(self, window: Window) -> Answer:
        url = self._calendar()
        around = OFFSET if self._options.zone is not None else 0
        window = Window(window.start - around, window.end + around)
        answer = self._wire.call("REPORT", url, query(window), Depth="1")
        if answer.status in (404, 410) and self._options.calendar is not None and self._site.found.get("calendar") == url:
            del self._found["calendar"]  # it may have moved: its name is looked for again, and the fingerprint tells
            url = self._calendar()
            answer = self._wire.call("REPORT", url, query(window), Depth="1")
        if answer.status in (404, 410):
            raise missing(url, answer)
        if answer.status == 403 and conditions(answer.body) & {"supported-report", "supported-filter", "valid-filter"}:
            raise no_calendar(url)
        if answer.status != 207:
            raise failure(answer, "looking at the calendar", writing=False)
        return answer

    def _first_look(self, url: str) -> Answer | None:
        """An empty list may come from what is no calendar at all, so the first look asks what it is. None where anything stands
        there: a calendar with nothing in it, the usual beginning, has answered all with this one request."""
        for depth in ("1", "0"):  # its entries too, unless they are too many, or it goes by another path there
            answer = self._wire.call("PROPFIND", url, properties("D:resourcetype", "D:getetag"), Depth=depth)
            if answer.status in (404, 410):
                raise missing(url, answer)
            if answer.status != 207:
                raise failure(answer, "looking at the calendar", writing=False)
            try:
                parts = multistatus(answer.body)
            except TooMany:
                if depth == "0":
                    raise
                continue
            here = {same_path(urlsplit(one).path).rstrip("/") for one in (url, answer.url)}
            own = [part for part in parts if depth == "0" or same_path(part.href).rstrip("/") in here]
            if own:
                break
        types = [element for part in own for element in part.found.get(f"{DAV}resourcetype", ())]
        if not any(element.tag == f"{CAL}calendar" for element in types):
            raise no_calendar(url)
        self._found |= {"for": self._key, "seen": "calendar"}
        return answer if depth == "1" and len(parts) == 1 else None

    # --- what a look remembers: objects that the server lists though they are outside the window ---

    def _outside(self) -> dict[str, str]:
        lines = self._found.get("outside", "").split("\n")
        return {line.split(" ")[0]: line for line in lines if line.count(" ") == 3}

    def _keep_outside(
        self,
        before: Mapping[str, str],
        objects: Iterable[tuple[str, str | None, bytes]],
        entries: Iterable[Entry],
        shown: Iterable[Entry],
    ) -> None:
        """Recurring events, what only touches the range, what cannot be read: known, a next look need not fetch them again."""
        when = {entry.ref: (entry.start, entry.end) for entry in entries}
        told = {entry.ref for entry in shown}
        lines = dict(before)
        for ref, etag, _ in objects:
            if ref not in told and etag:
                start, end = when.get(ref, (0, 0))
                lines[ref] = f"{ref} {quote(same_etag(etag), safe='')} {start} {end}"
        self._found.pop("outside", None)
        if lines:
            self._found |= {"for": self._key, "outside": "\n".join(lines[ref] for ref in sorted(lines)[:MOST_OUTSIDE])}

    # --- writing ---

    def wording(self, shift: Shift) -> str:
        return wording(shift, self._site, self._options)

    def create(self, shift: Shift, op: Operation) -> Entry:
        ref = f"{op.uid}.ics"
        body = to_ical(shift, op, self._site, self._options)
        answer = self._wire.call("PUT", self._calendar() + ref, body, **CALENDAR, If_None_Match="*")
        if answer.status in (409, 412) or (answer.status == 403 and "no-uid-conflict" in conditions(answer.body)):
            raise Stale(f"the id {op.uid} is already taken ({answer.status})")
        if answer.status in (404, 410):
            raise Unavailable("the calendar is not there; restore it, or put another in `url`", refused=True)
        return self._written(answer, shift, op, ref)

    def replace(self, entry: Entry, shift: Shift, op: Operation) -> Entry:
        """One PUT where the entry stands as we left it, else a GET before it."""
        found = self._as_seen(entry, surely=not op.untouched)
        if found is None:
            raise Stale(f"{entry.ref} is gone")
        condition, there = found
        body, theirs = into(there, shift, op, self._site, self._options)
        answer = self._wire.call("PUT", self._calendar() + entry.ref, body, **CALENDAR, **condition)
        if answer.status in (404, 409, 410, 412):
            raise Stale(f"{entry.ref} is no longer as it was read ({answer.status})")
        written = self._written(answer, shift, op, entry.ref)
        return replace(written, version=None) if theirs else written

    def delete(self, entry: Entry, op: Operation) -> None:
        if strong(entry.version or "") and "deletes" not in self._found:
            with self._learning:  # one learns for all who delete at the same time
                if "deletes" not in self._found:
                    self._delete(entry, f"never-{op.uid}")
                    return
        self._delete(entry)

    def _delete(self, entry: Entry, wrong: str = "") -> None:
        """`wrong`: an etag that the entry never has, asked with first: who deletes it all the same ignores conditions. The entry
        was read just before, so nothing of anybody's is lost with it."""
        found = self._as_seen(entry, surely=self._found.get("deletes") != "if-match")
        if found is None:
            return
        condition, _ = found
        address = self._calendar() + entry.ref
        if wrong:
            answer = self._wire.call("DELETE", address, If_Match=quoted(wrong))
            if answer.status == 412 or _done(answer):
                self._found |= {"for": self._key, "deletes": "if-match" if answer.status == 412 else "ignored"}
        if not wrong or answer.status == 412:
            answer = self._wire.call("DELETE", address, **condition)
        if answer.status == 412:
            raise Stale(f"{entry.ref} is no longer as it was read")
        if answer.status not in (404, 410) and not _done(answer):
            raise failure(answer, "deleting an entry", writing=True)
        if answer.status == 200 and not names(answer.body, entry.ref) and point(self._wire, self._calendar(), entry.ref):
            raise Unavailable(f"the server answered the deletion of {entry.ref} with 200, and it stands still")

    def _written(self, answer: Answer, shift: Shift, op: Operation, ref: str) -> Entry:
        if not _done(answer):
            broken = conditions(answer.body) if answer.status == 403 else set()
            if broken - {"need-privileges"}:
                raise Rejected(f"writing an entry: the server refuses it ({', '.join(sorted(broken))})")
            raise failure(answer, "writing an entry", writing=True)
        version = answer.headers.get("etag") or None  # none: the server may have changed it, and it is read again (DAV-04)
        entry = entry_of(shift, op, self._site, self._options, self._names, ref=ref, version=version)
        if answer.status not in (201, 204) and version is None:  # whatever stands before the calendar says 200 to anything
            now = point(self._wire, self._calendar(), ref)
            if now is None or not (self._says(now[1], entry) or self._says(now[1], replace(entry, marker=None))):
                raise Unavailable(f"the server answered the write of {ref} with {answer.status}, and something else stands there")
        return entry

    def _as_seen(self, entry: Entry, *, surely: bool) -> tuple[dict[str, str], bytes] | None:
        """The header that makes a write fail if `entry` has changed, with its content if that was read; None if it is gone;
        `Stale` if a change is seen at once.

        `If-Match` takes strong etags only. Where the server gave a weak one or none, a read just before has to do. So it does
        (`surely`) where the content is wanted, and before a DELETE until the server has shown that it heeds the header there.
        """
        version = entry.version or ""
        if strong(version) and not surely:
            return {"If_Match": quoted(version)}, b""
        try:
            now = point(self._wire, self._calendar(), entry.ref)
        except Unavailable as cause:
            raise Unavailable(str(cause), after=cause.after, refused=True) from cause  # only a read failed
        if now is None:
            return None
        etag = now[0] or ""
        if (same_etag(version) != same_etag(etag)) if version and etag else not self._says(now[1], entry):
            raise Stale(f"{entry.ref} is no longer as it was read")
        held = next((one for one in (version, etag) if strong(one)), None)
        return ({"If_Match": quoted(held)} if held else {}), now[1]

    def _says(self, data: bytes, entry: Entry) -> bool:
        event = principal(from_ical(data, self._site.schedule.timezone))
        if event is None:
            return False
        return (event.start, event.end, event.title, event.marker) == (entry.start, entry.end, entry.title, entry.marker)

    # --- opening ---

    def _calendar(self) -> str:
        """The calendar's address, with a slash at its end; looked for by name only where nobody remembers it."""
        if self._options.calendar is None:
            return self._options.url.rstrip("/") + "/"
        url = self._found.get("calendar", "")
        if not url or not self._wire.allows(url):
            from connectors.caldav_find import find

            url = find(self._wire, self._options.url, self._options.calendar)
            self._found |= {"for": self._key, "calendar": url, "seen": "calendar"}
        if self._wire.digest:
            self._found |= {"for": self._key, "auth": "digest"}
        return url

    def _fingerprint(self, url: str) -> str:
        scheme, host, port = origin(url)
        return f"caldav:{scheme}://{host}:{port}{same_path(urlsplit(url).path)} {self._options.username or ''}"

    def calendars(self) -> Mapping[str, str]:
        """Name → address of the calendars that the account sees: for `link`."""
        from connectors.caldav_find import calendars

        return dict(calendars(self._wire, self._options.url))

    def places(self) -> Sequence[Place]:
        return [Place(id=url, name=name, options={"url": url}) for name, url in self.calendars().items()]

    def doctor(self) -> Iterable[Finding]:
        from connectors.caldav_find import findings

        return findings(self._wire, self._options.url, self._options.calendar, self._calendar)

    def close(self) -> None:
        self._wire.close()


def _stem(ref: str) -> str:
    return unquote(ref).removesuffix(".ics")


def _done(answer: Answer) -> bool:
    """Success; a page with 200 is that of a gateway, and says nothing of the calendar."""
    return 200 <= answer.status < 300 and answer.status != 207 and not (answer.status == 200 and answer.html)
