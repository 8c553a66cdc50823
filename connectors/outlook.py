"""An Outlook calendar through Microsoft Graph: a user's, a shared mailbox's or a room's; as an app, or as a user who signed in.

REF is the immutable id (MS-19), VERSION the etag, UID the `transactionId` an event was created with: Exchange keeps it, takes
no second event with it (MS-12), and copies it into no copy. The MARKER is a single-value extended property (MS-25).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from connectors.outlook_events import EXPAND, FIELDS, Events, ref_of, version_of
from connectors.outlook_graph import Gone, Graph, ServerFault, Spent, part
from connectors.outlook_http import Answer, Http, checked
from connectors.outlook_sign_in import CLOUDS, SignedIn, SignIn, sign_in
from connectors.outlook_tokens import TokenFile
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
from syncd.core.model import Shift, Window, iso
from syncd.event import CalendarOptions

GRAPH = "graph.microsoft.com"
PAGE = "500"
"""Events a page; without it there are ten (MS-31)."""
MINUTE = 60
_ASKED = (("$top", PAGE), ("$select", FIELDS), ("$expand", EXPAND))


class Outlook:
    requires: ClassVar[tuple[str, ...]] = ("msal", "requests")

    @dataclass(frozen=True, kw_only=True)
    class Options(CalendarOptions):
        """`client_secret` or `certificate` (one PEM with both halves): the app itself. Neither: a user who has signed in.

        `authority` and `base_url` with or without their last part (the tenant, `/v1.0`). `ca_file`: a bundle to trust instead
        of the usual one. `token_cache`: where the user's sign-in is kept, if not among the program's own files;
        `token_cache_key`: what encrypts it, without which a key beside the file does.
        """

        tenant: str
        client_id: str
        mailbox: str
        client_secret: Secret | None = None
        certificate: Secret | None = None
        calendar: str | None = None
        authority: str | None = None
        base_url: str | None = None
        ca_file: Path | None = None
        token_cache: Path | None = None
        token_cache_key: Secret | None = None

        def __post_init__(self) -> None:
            super().__post_init__()
            if self.client_secret is not None and self.certificate is not None:
                raise ValueError("client_secret: either this or certificate, not both")
            for name in ("tenant", "client_id", "mailbox"):
                text = str(getattr(self, name))
                if not text or any(char in "/\\?" or char.isspace() for char in text):
                    raise ValueError(f"{name}: {text[:60]!r} is none; copy it from the Entra or Exchange admin center")
            if self.base_url is not None:
                checked("base_url", self.base_url)
            if self.authority is not None and urlsplit(checked("authority", self.authority)).scheme != "https":
                raise ValueError("authority: only https, on loopback too: msal takes nothing else")  # MS-50

    capabilities: ClassVar[Capabilities] = Capabilities(calls=4)  # MS-42

    def __init__(self, options: Options, site: Site) -> None:
        self._options = options
        self._events = Events(options, site)
        self._graph = graph(options, site.state)
        self._asked = f"{options.mailbox.casefold()}/{options.calendar or ''}"
        """What the calendar was looked up by: another setting is another question."""
        self._found = dict(site.found) if site.found.get("asked") == self._asked else {}
        self._sure = False

    # --- looking ----------------------------------------------------------------------------

    def read(self, window: Window, known: Mapping[str, str]) -> Observation:
        try:
            rows, first = self._look(window, known)
        except Gone:
            if self._sure or not self._found:
                raise
            self._found = {}  # it may have been deleted and made again: the fingerprint will tell
            rows, first = self._look(window, known)
        entries: dict[str, Entry] = {}
        same = {ref_of(row) for row in rows if self._settled(row, known)}
        for row in rows:
            entry = self._events.entry(row, known) if ref_of(row) not in same else None
            if entry is not None and (entry.ref in known or (entry.start < window.end and window.start < entry.end)):
                entries[entry.ref] = entry
        for ref in known:
            if (
                ref not in entries and ref not in same and (entry := self._one(ref, known)) is not None
            ):  # W11: looked for by itself
                entries[ref] = entry
        return Observation(
            entries=tuple(entries.values()),
            same=frozenset(same),
            server_time=first.time,
            fingerprint=f"outlook:{self._options.mailbox.casefold()}:{self._calendar()}",
            found=dict(self._found),
        )

    def _look(self, window: Window, known: Mapping[str, str]) -> tuple[list[dict[str, Any]], Answer]:
        """One list. Views are said to fail or to forget extended properties (MS-26): then, and from then on, the plain list."""
        calendar = self._calendar()
        if self._found.get("list") == "events":
            try:
                return self._plain(calendar, window)
            except Gone:
                raise
            except (ServerFault, Rejected):
                del self._found["list"]  # what was learned is no longer so
        query = (("startDateTime", iso(window.start)), ("endDateTime", iso(window.end)), *_ASKED)
        try:
            rows, first = self._graph.rows(f"/calendars/{part(calendar)}/calendarView", query)
            self._sure = True
            bare = {ref_of(row) for row in rows if self._events.bare(row, known) and not self._settled(row, known)}
            if not bare:
                return rows, first
        except ServerFault:
            rows, bare = [], None
        plain, answer = self._plain(calendar, window)
        if bare is None or any(ref_of(row) in bare and self._events.marker(row) is not None for row in plain):
            self._found["list"] = "events"
            return plain, answer
        return rows, first  # it was a human who took the mark away; the view shows every meeting of a series

    def _settled(self, row: Mapping[str, Any], known: Mapping[str, str]) -> bool:
        """Without our mark and at the version known: whether it ever had one was found out when that version was first seen."""
        version = version_of(row)
        return version is not None and known.get(ref_of(row)) == version and self._events.bare(row, known)

    def _plain(self, calendar: str, window: Window) -> tuple[list[dict[str, Any]], Answer]:
        """Single events and masters of series only, so foreign series are seen at their first meeting alone."""
        overlap = f"start/dateTime lt '{iso(window.end)[:-1]}' and end/dateTime gt '{iso(window.start)[:-1]}'"
        found = self._graph.rows(f"/calendars/{part(calendar)}/events", (("$filter", overlap), *_ASKED))
        self._sure = True
        return found

    def _one(self, ref: str, known: Mapping[str, str]) -> Entry | None:
        """A known event outside of the window. In another calendar of the mailbox it is gone from this one."""
        try:
            answer = self._graph.get(self._path(ref), _ASKED[1:])
        except Gone:
            return None
        if (entry := self._events.entry(answer.data, known)) is None:
            raise Unavailable("Graph's answer about an event of ours is about none")
        return entry

    def _calendar(self) -> str:
        """The calendar's id, looked up once and then given back to us."""
        if "calendar" not in self._found:
            self._found = {"asked": self._asked, "calendar": self._looked_up()["id"]}
            self._sure = True
        return self._found["calendar"]

    def _looked_up(self) -> dict[str, Any]:
        wanted = self._options.calendar
        if wanted is None:
            row = self._graph.get("/calendar").data
        else:
            there = self.calendars()
            rows = [row for row in there if row["id"] == wanted] or [
                row for row in there if str(row.get("name")).casefold() == wanted.casefold()
            ]
            if len(rows) != 1:
                raise Rejected(
                    f"{self._options.mailbox} has {'no calendar' if not rows else 'several calendars'} {wanted!r}; "
                    f"put its name{'' if not rows else ' or rather its id'} in `calendar` (syncd link outlook lists them)"
                )
            row = rows[0]
        if not isinstance(row.get("id"), str) or not row["id"]:
            raise Unavailable("Graph's answer about a calendar has no id")
        return dict(row)

    def calendars(self) -> list[dict[str, Any]]:
        """`id`, `name`, `canEdit` of every calendar of the mailbox: for `link`."""
        rows, _ = self._graph.rows("/calendars", (("$top", "100"),))
        return [row for row in rows if isinstance(row.get("id"), str)]

    def places(self) -> Sequence[Place]:
        rows = [(row["id"], str(row.get("name") or ""), row.get("canEdit") is not False) for row in self.calendars()]
        names = [name for _, name, _ in rows]
        return [
            Place(
                id=id_,
                name=name,
                options={"calendar": name if name and names.count(name) == 1 else id_},
                note="" if writable else "cannot be written",
            )
            for id_, name, writable in rows
        ]

    # --- writing ----------------------------------------------------------------------------

    def wording(self, shift: Shift) -> str:
        return self._events.wording(shift)

    def create(self, shift: Shift, op: Operation) -> Entry:
        try:
            answer = self._graph.post(f"/calendars/{part(self._calendar())}/events", self._events.new(shift, op))
        except Spent as spent:
            if (made := self._made(spent.event, shift)) is None:
                raise
            return made
        entry = self._written(answer, op)
        # MS-12: 201 with the event of an earlier call, moved since. Less than a minute is the server's rounding, no move.
        if max(abs(entry.start - shift.start), abs(entry.end - shift.end)) >= MINUTE:
            raise Stale("the id is spent on an event that says something else")
        return entry

    def _made(self, ref: str, shift: Shift) -> Entry | None:
        """The event that has the id, if it is the one to be made: by an earlier call whose answer was lost, in no list yet."""
        try:
            entry = self._one(ref, {}) if ref else None
        except Unavailable as cause:
            raise Unavailable(str(cause), after=cause.after, refused=True) from None  # only a read failed
        if entry is None or entry.marker is None:
            return None
        return entry if (entry.start, entry.end, entry.title) == (shift.start, shift.end, self._events.title(shift)) else None

    def replace(self, entry: Entry, shift: Shift, op: Operation) -> Entry:
        """One PATCH, which leaves what it does not name; a GET before it where a human may have been at the event."""
        version = _version(entry)
        try:
            there = None if op.untouched else self._as_seen(entry)
            answer = self._graph.patch(self._path(entry.ref), self._events.change(shift, op, there), version)
        except Gone as gone:
            raise Stale(f"the event is gone ({gone})") from None
        written = replace(self._written(answer, op), uid=entry.uid)
        theirs = there is not None and self._events.described(there, shift)
        return replace(written, version=None) if theirs else written

    def _as_seen(self, entry: Entry) -> Mapping[str, Any]:
        try:
            found = self._graph.get(self._path(entry.ref), (("$select", "body,type,changeKey"),)).data
        except Unavailable as cause:
            raise Unavailable(str(cause), after=cause.after, refused=True) from None  # only a read failed
        if version_of(found) != entry.version:
            raise Stale("the event was changed since it was read")
        return dict(found)

    def delete(self, entry: Entry, op: Operation) -> None:
        try:
            answer = self._graph.delete(self._path(entry.ref), _version(entry))
        except Gone:
            return
        if answer.status != 204:  # anything else in between may say 200 to whatever it is asked
            raise Unavailable(f"Graph answered a deletion with HTTP {answer.status}; the next look shows whether it is done")

    def _written(self, answer: Answer, op: Operation) -> Entry:
        entry = self._events.entry(answer.data or {}, {}) if answer.data else None
        if entry is None:
            raise Unavailable("Graph confirmed a write without saying what stands there now")
        return replace(entry, uid=op.uid, marker=op.marker)  # an answer to a write has no extended properties

    def _path(self, ref: str) -> str:
        return f"/calendars/{part(self._calendar())}/events/{part(ref)}"

    # --- the rest ---------------------------------------------------------------------------

    def doctor(self) -> Iterable[Finding]:
        from connectors.outlook_doctor import findings

        return findings(self._graph, self._options.calendar, self._looked_up)

    def close(self) -> None:
        self._graph.http.close()

    @staticmethod
    def sign_in(
        options: Options, tell: Callable[[str], None], wait: Callable[[float], None], state: Path | None = None
    ) -> SignedIn:
        """For `syncd auth outlook`: signs a user in with a code on another device, and keeps what that gives.

        `tell` shows the vendor's instruction (address and code), `wait` sleeps for so many seconds. `state`: as of a `Site`.
        Raises `Denied` with what to do, or `Unavailable`.
        """
        return sign_in(graph(options, state).who, tell, wait)


def graph(options: Outlook.Options, state: Path | None = None) -> Graph:
    """The mailbox's Graph in the cloud that `base_url` and `authority` name; Microsoft's public one without them."""
    root = checked("base_url", options.base_url or f"https://{GRAPH}").removesuffix("/v1.0") + "/v1.0"
    host = (urlsplit(root).hostname or "").lower()
    login = checked("authority", options.authority or f"https://{CLOUDS.get(host, CLOUDS[GRAPH])}")
    if login.rpartition("/")[2].casefold() != options.tenant.casefold():
        login = f"{login}/{options.tenant}"
    app = options.client_secret is not None or options.certificate is not None
    http = Http(None if options.ca_file is None else str(options.ca_file))
    tokens = None
    file = options.token_cache or (state and state / f"outlook-{options.tenant}-{options.client_id}.tokens".lower())
    if not app and file is not None:
        tokens = TokenFile(file, options.token_cache_key, f"syncd outlook {login} {options.client_id}")
    who = SignIn(
        authority=login,
        client_id=options.client_id,
        resource=f"https://{host if host in CLOUDS else GRAPH}",
        http=http,
        secret=options.client_secret,
        certificate=options.certificate,
        tokens=tokens,
    )
    return Graph(root, options.mailbox, http, who, app)


def _version(entry: Entry) -> str:
    """Nothing is written over what was not seen (F13)."""
    if entry.version is None:
        raise Stale("the event was read without its version")
    return entry.version
