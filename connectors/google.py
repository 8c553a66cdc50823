"""Google Calendar: one event a shift, its marker in private extended properties, its id chosen by us.

REF and UID are the event's id, VERSION its etag. Numbers like G-06 are facts about the vendor's interface.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar

from connectors.google_event import Event, body_of, change_of, described, marker_of, times_of, utc, wording
from syncd.connector import (
    Capabilities,
    ConnectorError,
    Denied,
    Entry,
    Finding,
    Observation,
    Operation,
    Secret,
    Site,
    Stale,
    Unavailable,
    Unsupported,
)
from syncd.core.model import DAY, Shift, Window, iso
from syncd.event import CalendarOptions, Names, tidy, title_of

if TYPE_CHECKING:
    from connectors.google_account import Account
    from connectors.google_call import Line

if find_spec("googleapiclient") is None:  # imported at the first call; that it is missing is said before that
    raise ModuleNotFoundError("No module named 'googleapiclient'", name="googleapiclient")

SERVICE = "/calendar/v3"
PAGE = 1000
"""Events of one answer: at 2,500, the most there is, a busy calendar's might be too large to read (G-20)."""
MOST_EVENTS = 10_000
LIST = "calendar#events"
"""The kind of a list, which may leave out its events where a page has none."""
YEAR = 366 * DAY
BLIND = ("none", "freeBusyReader")
"""Roles that do not see what an event says."""
WRITERS = ("writer", "owner")


class Google:
    @dataclass(frozen=True, kw_only=True)
    class Options(CalendarOptions):
        """`calendar`: its id, or `primary`. `credentials`: JSON, a service account's key or a signed-in user's."""

        calendar: str
        credentials: Secret
        subject: str | None = None
        """Whom a service account with domain-wide delegation acts for."""
        base_url: str | None = None

    capabilities: ClassVar[Capabilities] = Capabilities(calls=4)

    def __init__(self, options: Options, site: Site) -> None:
        self._options = options
        self._site = site
        self._names = Names(site, options.title)
        self._lock = Lock()
        self._account: Account | None = None
        self._idle: list[Line] = []

    @staticmethod
    def authorise(client: str, tell: Callable[[str], None]) -> dict[str, str]:
        """For `syncd auth google`: a user signs in with a browser; the content of a credentials file.

        `client`: the OAuth client's file as it was downloaded; `tell` shows the address to open. Raises `Denied`, `Unavailable`.
        """
        from connectors.google_signin import authorise, client_of

        return authorise(client_of(client), tell)

    # --- looking ---------------------------------------------------------------------------

    def read(self, window: Window, known: Mapping[str, str]) -> Observation:
        """One list, to its last page; what is not listed at the version known is asked for by itself (W11)."""
        with self._line() as line:
            events = {event["id"]: event for event in self._listed(line, window)}
            for ref, version in known.items():
                if ref not in events or (version and events[ref].get("etag") != version):
                    event = self._got(line, ref)
                    if event is not None:
                        events[ref] = event
                    else:
                        events.pop(ref, None)
            entries = [self._entry(event, window, known=event["id"] in known) for event in events.values()]
            calendar = self._options.calendar
            return Observation(
                entries=tuple(sorted((entry for entry in entries if entry), key=lambda entry: (entry.start, entry.ref))),
                server_time=line.time,
                fingerprint=f"google:{line.account.name}:{line.account.name if calendar == 'primary' else calendar}",
            )

    def _listed(self, line: Line, window: Window) -> Iterator[Event]:
        """Every event that touches `window`. Pages may be short: only the last has no next (G-20)."""
        page: str | None = None
        pages: set[str] = set()
        number = 0
        while True:
            answer = self._page(line, {**self._window(window), **({"pageToken": page} if page else {})})
            number += len(answer["items"])
            yield from (event for event in answer["items"] if event.get("status") != "cancelled")
            page = answer.get("nextPageToken")
            if not page:
                return
            if page in pages or number > MOST_EVENTS:
                raise Unavailable(f"Google's list of events does not end; see what fills the calendar {self._options.calendar}")
            pages.add(page)

    def _page(self, line: Line, query: Mapping[str, Any]) -> dict[str, Any]:
        from connectors.google_call import Gone, not_found, shared_too_little

        try:
            answer = line.ask(lambda events: events.list(**query))
        except Gone:
            raise not_found(line.account, self._options.calendar) from None
        items = answer.get("items", [] if answer.get("kind") == LIST else None)
        if not isinstance(items, list) or not all(
            isinstance(event, dict) and isinstance(event.get("id"), str) for event in items
        ):
            raise Unavailable("Google's list of events makes no sense")
        if answer.get("accessRole") in BLIND:
            raise Denied(shared_too_little(line.account, self._options.calendar, "sees only when it is busy"))
        return {**answer, "items": items}

    def _window(self, window: Window) -> dict[str, Any]:
        """Of a series every occurrence, but where these would be years of them: ours are no series."""
        return {
            "calendarId": self._options.calendar, "timeMin": utc(window.start), "timeMax": utc(window.end),
            "singleEvents": window.end - window.start <= YEAR, "maxResults": PAGE, "maxAttendees": 1,
        }  # fmt: skip

    def _got(self, line: Line, ref: str) -> Event | None:
        """The event as it stands now; a deleted one is answered as cancelled (G-05)."""
        from connectors.google_call import Gone

        try:
            event = line.ask(lambda events: events.get(calendarId=self._options.calendar, eventId=ref))
        except Gone:
            return None
        if event.get("id") != ref:
            raise Unavailable("Google's answer makes no sense")
        return event if event.get("status") != "cancelled" else None

    def _entry(self, event: Event, window: Window, *, known: bool) -> Entry | None:
        """What `event` says. Where no time can be read of it, a known one is nobody's at no time, and is then put right."""
        times = times_of(event, self._site.schedule.timezone)
        start, end = times or (window.start, window.start)
        if not known and (times is None or not (start < window.end and window.start < max(end, start + 1))):
            return None
        title = tidy(str(event.get("summary") or ""))
        return Entry(
            ref=event["id"], uid=event["id"], start=start, end=end, title=title, marker=marker_of(event),
            person=self._names.person(title) if times else None, version=event.get("etag"),
        )  # fmt: skip

    # --- writing ---------------------------------------------------------------------------

    def wording(self, shift: Shift) -> str:
        return wording(shift, self._site, self._options)

    def create(self, shift: Shift, op: Operation) -> Entry:
        """An id that was ever used is `Stale`, also that of a deleted event (G-02): the next generation is free.

        Where the event that has it is this very one, an earlier call made it whose answer was lost, and no list shows it yet.
        """
        from connectors.google_call import Gone, Taken, not_found

        body = {"id": op.uid, **body_of(shift, op, self._site, self._options)}
        with self._line() as line:
            event: Event
            try:
                event = line.ask(lambda events: events.insert(calendarId=self._options.calendar, body=body, sendUpdates="none"))
            except Gone:
                raise not_found(line.account, self._options.calendar) from None
            except Taken:
                found = self._looked_at(line, op.uid)
                if found is None or not self._says(found, shift):
                    raise
                event = found
            return self._written(event, shift)

    def _says(self, event: Event, shift: Shift) -> bool:
        """It is marked as ours, and says what we would write."""
        there = (times_of(event, self._site.schedule.timezone), tidy(str(event.get("summary") or "")))
        return marker_of(event) is not None and there == (
            (shift.start, shift.end),
            title_of(shift, self._site, self._options.title),
        )

    def replace(self, entry: Entry, shift: Shift, op: Operation) -> Entry:
        """One PATCH, which leaves what it does not name; a GET before it where a human may have been at the event."""
        from connectors.google_call import Forbidden

        version = _version(entry)
        target = {"calendarId": self._options.calendar, "eventId": entry.ref}
        with self._line() as line:
            there = None if op.untouched else self._as_seen(line, entry)
            body = change_of(shift, op, self._site, self._options, entry.marker, there)
            try:
                event = line.ask(lambda events: events.patch(**target, body=body, sendUpdates="none"), version)
            except Forbidden:
                if self._got(line, entry.ref) is None:
                    raise Stale("the event is no longer there") from None
                raise
            written = self._written(event, shift)
            return replace(written, version=None) if described(event, shift, self._site) else written

    def _looked_at(self, line: Line, ref: str) -> Event | None:
        """As part of a write: where this read fails, nothing was done."""
        try:
            return self._got(line, ref)
        except Unavailable as cause:
            raise Unavailable(str(cause), after=cause.after, refused=True) from None

    def _as_seen(self, line: Line, entry: Entry) -> Event:
        event = self._looked_at(line, entry.ref)
        if event is None or event.get("etag") != entry.version:
            raise Stale("the event was changed since it was read")
        return event

    def delete(self, entry: Entry, op: Operation) -> None:
        from connectors.google_call import Gone

        target = {"calendarId": self._options.calendar, "eventId": entry.ref}
        with self._line() as line:
            try:
                line.ask(lambda events: events.delete(**target, sendUpdates="none"), _version(entry))
            except Gone:
                return
            except Stale:
                if self._got(line, entry.ref) is not None:  # that of a deleted event moved on as well
                    raise
                return
            told = line.status
            if told != 204 and self._got(line, entry.ref) is not None:  # anything in between may say 200 to whatever it is asked
                raise Unavailable(f"Google answered a deletion with HTTP {told}, and the event stands still")

    def _written(self, event: Event, shift: Shift) -> Entry:
        entry = self._entry(event, Window(shift.start, shift.end), known=True) if isinstance(event.get("id"), str) else None
        if entry is None:
            raise Unavailable("Google's answer to a write makes no sense, so nobody knows what became of it")
        return entry

    # --- the rest --------------------------------------------------------------------------

    def doctor(self) -> Iterable[Finding]:
        """Credentials, the calendar, and what may be done to it, in Google's own words. Nothing is written."""
        from connectors.google_call import shared_too_little

        calendar = self._options.calendar
        what = "credentials"
        try:
            with self._line() as line:
                line.sign_in()
                who = line.account.name
                yield Finding(what=what, ok=True, text=f"Google knows us as {who}")
                what = "calendar"
                answer = self._page(line, {"calendarId": calendar, "maxResults": 1})
                yield Finding(what=what, ok=True, text=f"{calendar} is “{tidy(str(answer.get('summary', '')))}”")
                what = "rights"
                role = answer.get("accessRole")
                if role is not None and role not in WRITERS:
                    raise Denied(shared_too_little(line.account, calendar, "may only read it"))
                may = "may change its events" if role else "may read its events; whether to change them, Google does not say"
                yield Finding(what=what, ok=True, text=f"{who} {may} ({role or 'no role'})")
                if line.time is not None:
                    yield Finding(what="clock", ok=True, text=f"Google's clock says {iso(line.time)}", server_time=line.time)
        except ConnectorError as cause:
            text, _, remedy = str(cause).partition("; ")
            yield Finding(what=what, ok=False, text=text, remedy=remedy)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _line(self) -> Iterator[Line]:
        """A connection for one thread, given back for whoever comes next: at rest there is one, and one token."""
        with self._lock:
            line = self._idle.pop() if self._idle else self._opened()
        try:
            yield line
        finally:
            self._idle.append(line)

    def _opened(self) -> Line:
        from connectors.google_account import Account
        from connectors.google_call import Line
        from connectors.google_http import safe

        base = (self._options.base_url or "").rstrip("/")
        if base and not safe(base):
            raise Unsupported("base_url is not https; write https, plain http is only for this machine itself")
        self._account = self._account or Account(self._options.credentials, self._options.subject)
        return Line(self._account, f"{base.removesuffix(SERVICE)}{SERVICE}/" if base else None, self._options.calendar)


def _version(entry: Entry) -> str:
    """Nothing is changed that was not seen (F13)."""
    if entry.version is None:
        raise Stale("the event's version is not known, so it has to be read first")
    return entry.version
