"""Calls Graph for one mailbox with a token, and turns what it answers into the contract's errors or into data."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urljoin

from connectors.outlook_http import Answer, Http, origin
from connectors.outlook_sign_in import Bearer, SignIn
from syncd.connector import Denied, Rejected, Stale, Unavailable

PREFER = 'IdType="ImmutableId", outlook.timezone="UTC"'
"""On every request: ids that stay (MS-19), times in UTC (MS-18)."""
AT_ONCE = 4
"""Calls that a mailbox takes at one time, whoever makes them (MS-42)."""
MOST_PAGES, MOST_ROWS = 100, 10_000

Query = Sequence[tuple[str, str]]

_NO_MAILBOX = ("errorinvaliduser", "errornonexistentmailbox", "mailboxnotenabledforrestapi", "request_resourcenotfound")


class ServerFault(Unavailable):
    """500: the server stumbled over this very request; another way of asking may work (MS-26)."""


class Gone(Rejected):
    """The item or calendar is not there; the mailbox is."""


class Spent(Stale):
    """The `transactionId` belongs to an event; `event`: its id where Graph names it (MS-12)."""

    def __init__(self, text: str, event: str) -> None:
        super().__init__(text)
        self.event = event


_SLOTS: dict[tuple[str, str, str], threading.BoundedSemaphore] = {}
_SLOTS_LOCK = threading.Lock()


@dataclass(frozen=True)
class Graph:
    """`root` ends in `/v1.0`. `app`: no user is signed in, so other rights have to be given."""

    root: str
    mailbox: str
    http: Http
    who: SignIn
    app: bool

    def get(self, path: str, query: Query = ()) -> Answer:
        return self._call("GET", self._url(path, query))

    def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        return self._call("POST", self._url(path), body=body)

    def patch(self, path: str, body: Mapping[str, Any], version: str) -> Answer:
        return self._call("PATCH", self._url(path), body=body, version=version)

    def delete(self, path: str, version: str) -> Answer:
        return self._call("DELETE", self._url(path), version=version)

    def rows(self, path: str, query: Query) -> tuple[list[dict[str, Any]], Answer]:
        """All pages of a list and its first answer; a list that does not end well is an error (F6)."""
        answer = first = self.get(path, query)
        rows, links = list(self._page(answer)), set[str]()
        url = self._url(path, query)
        while link := answer.data.get("@odata.nextLink"):
            url = link = urljoin(url, link) if isinstance(link, str) else ""  # whole as a rule; OData allows a relative one
            if not self._ours(link):  # it would be sent our token
                raise Unavailable("Graph's next page is at another address than base_url; nothing was sent there")
            if link in links or len(links) >= MOST_PAGES or len(rows) > MOST_ROWS:
                raise Unavailable(f"Graph's list does not end after {len(links) + 1} pages and {len(rows)} entries")
            links.add(link)
            answer = self._call("GET", link)
            rows += self._page(answer)
        return rows, first

    def _page(self, answer: Answer) -> Iterator[dict[str, Any]]:
        rows = answer.data.get("value")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Unavailable("Graph's answer to a list is no list")
        yield from rows

    def _ours(self, link: str) -> bool:
        try:
            return origin(link) == origin(self.root)
        except ValueError:
            return False

    def _url(self, path: str, query: Query = ()) -> str:
        """`path` is below the mailbox, its parts quoted by `part`."""
        text = f"{self.root}/users/{part(self.mailbox)}{path}"
        return f"{text}?{urlencode(query, quote_via=quote, safe='$')}" if query else text

    # --- one call -------------------------------------------------------------------------

    def _call(self, method: str, url: str, *, body: Mapping[str, Any] | None = None, version: str | None = None) -> Answer:
        headers = {"Prefer": PREFER}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if version is not None:
            headers["If-Match"] = version
        data = None if body is None else json.dumps(body).encode()
        bearer = self.who.bearer()
        answer = self._sent(method, url, headers, data, bearer)
        if answer.status == 401:  # expired or revoked before its time: certainly nothing was done, so one more with a fresh one
            bearer = self.who.bearer(refused=bearer)
            answer = self._sent(method, url, headers, data, bearer)
        return self._judged(answer, bearer, writing=method != "GET", conditional=version is not None)

    def _sent(self, method: str, url: str, headers: Mapping[str, str], data: bytes | None, bearer: Bearer) -> Answer:
        with _SLOTS_LOCK:
            slot = _SLOTS.setdefault(
                (self.root, self.who.client_id, self.mailbox.casefold()), threading.BoundedSemaphore(AT_ONCE)
            )
        with slot:
            return self.http.send(method, url, headers=headers, body=data, auth=bearer)

    def _judged(self, answer: Answer, bearer: Bearer, *, writing: bool, conditional: bool) -> Answer:
        """The answer if it is what was asked for. What a status means is not the same everywhere (MS-12, MS-14, MS-43)."""
        status, code = answer.status, bearer.hide(answer.code).casefold()
        words = f"Graph answered {bearer.hide(answer.words)}"
        if status in (200, 201) and isinstance(answer.data, dict):
            return answer
        if status in (200, 204) and writing and not answer.text:
            return answer  # a deletion; of another write the caller misses what it says
        if status == 401:
            raise Denied(f"{words}. Graph refuses even a fresh token; compare base_url with the cloud of your tenant")
        if status == 403:
            raise Denied(f"{words}. {self.right}")
        if status == 429:
            raise Unavailable(words, after=answer.after, refused=True)
        if status == 500 and answer.error and answer.after is None:  # Graph's own, and not a passing one
            raise ServerFault(words)
        if code == "errorduplicatetransactionid":
            raise Spent(f"{words}. The id is spent on another event", str(answer.error.get("@event.existingEventId") or ""))
        if code == "errorirresolvableconflict" or status == 412:
            if conditional:
                raise Stale(f"{words}. The event was changed since it was read")
            raise Unavailable(words, after=answer.after, refused=True)
        if status in (404, 410) and answer.error:
            if code in _NO_MAILBOX:
                raise Rejected(
                    f"{words}. Check `mailbox`: {self.mailbox} has to be a user, shared or room mailbox in Exchange Online"
                )
            raise Gone(words)
        if status in (408, 423, 425) or status >= 500 or status < 400 or (not answer.error and status != 400):
            raise Unavailable(words if status >= 400 else f"{words} where data was expected", after=answer.after)
        raise Rejected(words) if not writing else Rejected(f"{words}. Nothing was written")

    @property
    def right(self) -> str:
        """What to click where Graph denies."""
        if self.app:
            return (
                f"Give the app access to {self.mailbox}: in Exchange Online PowerShell, New-ManagementRoleAssignment, role "
                "`Application Calendars.ReadWrite` with a scope that holds this mailbox; it may take two hours (docs/outlook.md)"
            )
        return f"In Outlook, share the calendar of {self.mailbox} with the user who signed in, with `Can edit` (docs/outlook.md)"


def part(text: str) -> str:
    """One part of a path: ids have characters that a URL must quote."""
    return quote(text, safe="@")
