"""Microsoft on loopback: the login, and Graph's calendars (SIMULATORS.md sections 1, 3.3 and 4).

    with Microsoft() as there:
        there.base_url, there.authority, there.client_id, there.secret, there.ca_file
        there.box("oncall@example.com")      # a mailbox: its calendars and events
        there.human.edits(ref, subject="…")  # somebody in Outlook
        there.knobs.views = "500"

What no document tells is a knob: run a test under each setting.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tests.simulators.common import Bucket, Call, Clock, Simulator, answer, call_of
from tests.simulators.microsoft_batch import batch
from tests.simulators.microsoft_contract import wrong_request
from tests.simulators.microsoft_delta import Deltas
from tests.simulators.microsoft_human import Human
from tests.simulators.microsoft_knobs import Knobs
from tests.simulators.microsoft_login import App, Login
from tests.simulators.microsoft_mailbox import Event, Mailbox, changed, occurrences, shown
from tests.simulators.microsoft_odata import Refusal, Wishes, bad, bound, expanded, filtered, selected, wishes
from tests.simulators.microsoft_subscriptions import Subscriptions
from tests.simulators.trial import left, serve

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "66666666-7777-8888-9999-000000000000"
RESOURCE = "https://graph.microsoft.com"
ONCALL = "oncall@example.com"


class Microsoft(Simulator):
    tls = True  # msal takes no other authority (MS-50)

    def __init__(self, *, clock: Clock | None = None, seed: int = 1, port: int = 0) -> None:
        self.knobs = Knobs()
        self.client_id, self.secret, self.tenant = CLIENT, "canary-client-secret~0123456789abcdefghi", TENANT
        self._clock_there = clock or Clock()
        self.login = Login(self._clock_there, lambda: self.url, TENANT, RESOURCE)
        self.login.apps[CLIENT] = App(CLIENT, {self.secret}, public=True)
        self.mailboxes: dict[str, Mailbox] = {}
        self.shares: dict[str, set[str]] = {}
        """Mailbox → users who were given its calendars (delegated sign-in)."""
        self.deltas, self.subscriptions, self.human = Deltas(self), Subscriptions(self), Human(self)
        self._pages: dict[str, str] = {}
        self.rate: dict[tuple[str, str], Bucket] = {}
        self.rate_size, self.rate_period = 10_000, 600.0
        super().__init__(clock=self._clock_there, seed=seed, port=port)
        self.add_mailbox(ONCALL)

    # --- what a test does -------------------------------------------------------------------

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1.0"

    @property
    def authority(self) -> str:
        return f"{self.url}/{self.tenant}"

    def add_mailbox(self, address: str, kind: str = "user") -> Mailbox:
        self.mailboxes[address.casefold()] = Mailbox(address, lambda: self.clock.now, kind)
        return self.mailboxes[address.casefold()]

    def box(self, address: str = ONCALL) -> Mailbox:
        return self.mailboxes[address.casefold()]

    # --- before anything else ---------------------------------------------------------------

    def routes(self) -> Sequence[BaseRoute]:
        def both(path: str, end: Any, *methods: str) -> list[Route]:
            """The same below the mailbox, its default calendar and any calendar."""
            places = ("/v1.0/users/{user}", "/v1.0/users/{user}/calendar", "/v1.0/users/{user}/calendars/{calendar}")
            return [Route(place + path, end, methods=list(methods)) for place in places]

        return [
            *self.login.routes(),
            Route("/v1.0/users/{user}/calendar", self._guarded(self._calendar)),
            Route("/v1.0/users/{user}/calendars", self._guarded(self._calendars), methods=["GET", "POST"]),
            Route("/v1.0/users/{user}/calendars/{calendar}", self._guarded(self._calendar)),
            *both("/calendarView/delta", self._guarded(self.deltas.answer), "GET"),
            *both("/calendarView", self._guarded(self._view), "GET"),
            *both("/events", self._guarded(self._events), "GET", "POST"),
            *both("/events/{event}", self._guarded(self._event), "GET", "PATCH", "DELETE"),
            Route("/v1.0/subscriptions", self._guarded(self.subscriptions.answer), methods=["GET", "POST"]),
            Route("/v1.0/subscriptions/{id}", self._guarded(self.subscriptions.one), methods=["GET", "PATCH", "DELETE"]),
            Route("/v1.0/$batch", self._guarded(self._batch), methods=["POST"]),
        ]

    def admit(self, call: Call) -> Response | None:
        if not call.path.startswith("/v1.0/"):
            return None
        problems = wrong_request(call.method, call.path, call.query, _json(call))
        for problem in problems:
            self.refuse(call, problem)
        try:
            self._admit(call)
            if problems and call.body:
                raise bad(problems[0], "RequestBodyRead")
        except Refusal as refusal:
            return self.refused(refusal)
        return None

    def _admit(self, call: Call) -> None:
        if sum(not other.outcome for other in self.journal[-64:] if other.path.startswith("/v1.0/")) > self.knobs.at_once:
            raise self.throttled("Application is over its MailboxConcurrency limit.")
        token = self.token(call)
        scopes = self.login.tokens.scopes(token)
        if scopes is None or self.login.tokens.refuse_next > 0:
            self.login.tokens.refuse_next = max(0, self.login.tokens.refuse_next - 1)
            text = "Lifetime validation failed, the token is expired." if token else "Access token is empty."
            raise Refusal(
                401, "InvalidAuthenticationToken", text, headers={"www-authenticate": 'Bearer realm="", authorization_uri=""'}
            )
        user = re.match(r"/v1\.0/users/([^/]+)", call.path)
        if user:
            bucket = self.rate.setdefault(
                (self.login.tokens.owner(token), user[1].casefold()), Bucket(self.clock, self.rate_size, self.rate_period)
            )
            if not bucket.take():
                raise self.throttled("Application is over its request limit of this mailbox.")

    def throttled(self, text: str) -> Refusal:
        headers = {} if self.knobs.retry_after is None else {"retry-after": self.knobs.retry_after}
        return Refusal(429, "ApplicationThrottled", text, headers=headers)

    @staticmethod
    def token(call: Call) -> str:
        return call.headers.get("authorization", "").removeprefix("Bearer ").strip()

    def _guarded(self, end: Any) -> Any:
        async def guarded(request: Request) -> Response:
            try:
                found: Response = await end(request, call_of(request))
                return found
            except Refusal as refusal:
                return self.refused(refusal)

        return guarded

    def refused(self, refusal: Refusal) -> Response:
        inner = {"date": "2026-03-02T12:00:00", "request-id": "00000000-aaaa-bbbb-cccc-000000000000"}
        return answer(
            {"error": {"code": refusal.code, "message": refusal.message, "innerError": inner, **refusal.more}},
            refusal.status,
            refusal.headers,
        )

    def headers(self, call: Call) -> Mapping[str, str]:
        return {"request-id": f"{len(self.journal):08x}-0000-4000-8000-000000000000"}

    # --- whose mailbox ----------------------------------------------------------------------

    def mailbox(self, request: Request, call: Call) -> Mailbox:
        """The mailbox of the path, if this token may open it."""
        name = request.path_params["user"].casefold()
        box = self.mailboxes.get(name) or next((box for box in self.mailboxes.values() if box.id == name), None)
        owner = self.login.tokens.owner(self.token(call))
        if box is None:
            raise Refusal(404, "ErrorInvalidUser", f"The requested user '{request.path_params['user']}' is invalid.")
        address = box.address.casefold()
        if owner.startswith("user:"):
            allowed = owner == f"user:{address}" or owner.removeprefix("user:") in self.shares.get(address, ())
        else:
            allowed = self.knobs.reachable is None or address in self.knobs.reachable
        if not allowed:
            raise Refusal(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        if address in self.knobs.unhosted:
            raise Refusal(
                404, "MailboxNotEnabledForRESTAPI", "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
            )
        return box

    def calendar_of(self, request: Request, box: Mailbox) -> str:
        id_ = request.path_params.get("calendar", box.default)
        if id_ not in box.calendars:
            raise Refusal(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return str(id_)

    # --- calendars --------------------------------------------------------------------------

    async def _calendar(self, request: Request, call: Call) -> Response:
        box = self.mailbox(request, call)
        return answer(selected(self._calendar_json(box, self.calendar_of(request, box)), call.first("$select")))

    async def _calendars(self, request: Request, call: Call) -> Response:
        box = self.mailbox(request, call)
        if call.method == "POST":
            name = str((call.json or {}).get("name") or "")
            if not name or any(calendar.name == name for calendar in box.calendars.values()):
                raise Refusal(409, "ErrorFolderExists", "A folder with the specified name already exists.")
            return answer(self._calendar_json(box, box.add_calendar(name).id), 201)
        call = self._resumed(call)
        return self._paged(call, [selected(self._calendar_json(box, id_), call.first("$select")) for id_ in box.calendars])

    def _calendar_json(self, box: Mailbox, id_: str) -> dict[str, Any]:
        calendar = box.calendars[id_]
        return {
            "id": id_, "name": calendar.name, "color": "auto", "hexColor": "", "isDefaultCalendar": id_ == box.default,
            "changeKey": "AAAA", "canShare": True, "canViewPrivateItems": True, "canEdit": calendar.can_edit,
            "isTallyingResponses": False,
            "isRemovable": id_ != box.default, "owner": {"name": box.address, "address": box.address},
        }  # fmt: skip

    # --- lists ------------------------------------------------------------------------------

    async def _view(self, request: Request, call: Call) -> Response:
        box = self.mailbox(request, call)
        call = self._resumed(call)
        start, end = bound(call.first("startDateTime"), "startDateTime"), bound(call.first("endDateTime"), "endDateTime")
        found = [one for event in box.listed(self.calendar_of(request, box), self.knobs.lag) for one in occurrences(event)]
        found = [event for event in found if event.start < end and (event.end > start or event.start == event.end == start)]
        return self._list(request, call, box, found, view=True)

    async def _events(self, request: Request, call: Call) -> Response:
        box = self.mailbox(request, call)
        if call.method == "POST":
            return self._create(request, call, box)
        return self._list(
            request, self._resumed(call), box, box.listed(self.calendar_of(request, box), self.knobs.lag), view=False
        )

    def _list(self, request: Request, call: Call, box: Mailbox, events: list[Event], *, view: bool) -> Response:
        probe, extended = filtered(call.first("$filter"))
        expand: tuple[str, ...] | None = expanded(call.first("$expand"))
        if view and (extended or expand):
            if self.knobs.views == "500":
                raise Refusal(500, "ErrorInternalServerError", "An internal server error occurred. The operation failed.")
            if self.knobs.views == "forget":
                expand = None
                events = [] if extended else events
        kept = [event for event in sorted(events, key=lambda event: (event.start, event.guid)) if probe(_facts(event))]
        select, wish = call.first("$select"), _wish(call)
        return self._paged(call, [selected(self._shown(event, box, wish, expand), select) for event in kept])

    def _paged(self, call: Call, rows: list[dict[str, Any]]) -> Response:
        top, skip = call.first("$top") or "10", call.first("$skip") or "0"
        if not top.isdigit() or not skip.isdigit() or int(top) == 0:
            raise bad(f"Invalid value {top!r} for $top or {skip!r} for $skip.")
        size, begin = min(int(top), self.knobs.largest_page), int(skip)
        body: dict[str, Any] = {
            "@odata.context": f"{self.base_url}/$metadata#Collection(event)",
            "value": rows[begin : begin + size],
        }
        if begin + size < len(rows):
            token = secrets.token_hex(12)
            self._pages[token] = urlencode([*((k, v) for k, v in call.query if k != "$skip"), ("$skip", str(begin + size))])
            body["@odata.nextLink"] = f"{self.url}{call.path}?$skiptoken={token}"
        return answer(body)

    def _resumed(self, call: Call) -> Call:
        """A next link is opaque: only its token comes back."""
        token = call.first("$skiptoken")
        if token is None:
            return call
        if token not in self._pages:
            raise bad("The skip token is not valid.", "ErrorInvalidUrlQuery")
        return replace(call, query=tuple(parse_qsl(self._pages[token], keep_blank_values=True)))

    def _shown(self, event: Event, box: Mailbox, wish: Wishes, expand: tuple[str, ...] | None = ()) -> dict[str, Any]:
        return shown(event, box, wish, expand, wrap=self.knobs.wrap, keep_zone=self.knobs.keep_zone)

    # --- one event --------------------------------------------------------------------------

    def _create(self, request: Request, call: Call, box: Mailbox) -> Response:
        calendar = self.calendar_of(request, box)
        self._writable(box, calendar)
        body = _body(call)
        transaction = body.get("transactionId")
        form = json.dumps([calendar, body], sort_keys=True)
        if transaction in box.spent:
            older = box.items[box.spent[transaction]].at()
            if older is not None and box.bodies[older.guid] == form:
                return answer(self._shown(older, box, _wish(call)), 201)  # MS-12: nothing new
            if older is not None or self.knobs.spent_after_deletion == "refused":
                named = {"@event.existingEventId": box.spent[transaction]} if self.knobs.duplicate_named else {}
                text = "Your request can't be completed. The TransactionId in your request has already been used."
                raise Refusal(self.knobs.duplicate_status, "ErrorDuplicateTransactionId", text, more=named)
        event = box.new(calendar, body)
        box.bodies[event.guid] = form
        return answer(
            self._shown(event, box, _wish(call)), 201, {"location": f"{self.base_url}/users('{box.id}')/events('{event.guid}')"}
        )

    async def _event(self, request: Request, call: Call) -> Response:
        box, wish = self.mailbox(request, call), _wish(call)
        calendar = self.calendar_of(request, box) if "calendar" in request.path_params else None
        event = box.find(request.path_params["event"], immutable=wish.immutable, calendar=calendar)
        if call.method == "GET":
            return answer(selected(self._shown(event, box, wish, expanded(call.first("$expand"))), call.first("$select")))
        self._writable(box, event.calendar)
        if call.headers.get("if-match", "*") not in ("*", event.etag):
            raise self._irresolvable()
        if call.method == "DELETE":
            box.remove(event)
            return Response(status_code=204)
        body = _body(call)
        if body.get("transactionId", event.transaction) != event.transaction:
            raise bad("The transactionId of an event cannot be changed.", "ErrorInvalidRequest")
        return answer(self._shown(box.store(changed(event, body)), box, wish))

    def _writable(self, box: Mailbox, calendar: str) -> None:
        if not box.calendars[calendar].can_edit:
            raise Refusal(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        if self.knobs.irresolvable > 0:
            self.knobs.irresolvable -= 1
            raise self._irresolvable()

    @staticmethod
    def _irresolvable() -> Refusal:
        text = "The send or update operation could not be performed because the change key is not the item's current one."
        return Refusal(412, "ErrorIrresolvableConflict", text)

    async def _batch(self, request: Request, call: Call) -> Response:
        return await batch(self, request, call, self._route)


def _facts(event: Event) -> dict[str, Any]:
    properties = {key: value for key, (_, value) in event.properties.items()}
    return {
        "start": event.start,
        "end": event.end,
        "subject": event.facts["subject"],
        "transactionId": event.transaction,
        "properties": properties,
    }


def _wish(call: Call) -> Wishes:
    return wishes([call.headers.get("prefer", "")])


def _json(call: Call) -> Any:
    try:
        return json.loads(call.body) if call.body else None
    except ValueError:
        return call.body.decode("utf-8", "replace")


def _body(call: Call) -> dict[str, Any]:
    found = _json(call)
    if not isinstance(found, dict) or "application/json" not in call.headers.get("content-type", ""):
        raise bad("Unable to read JSON request payload.", "RequestBodyRead")
    return found


def furnish(there: Microsoft, folder: Path) -> str:
    there.login.approves = ONCALL
    return f"""\
  outlook:
    kind: outlook
    options:
      tenant: {there.tenant}
      client_id: {there.client_id}
      client_secret: {left(folder, "outlook-secret", there.secret)}
      mailbox: {ONCALL}
      authority: {there.authority}
      base_url: {there.base_url}
      ca_file: "{folder / "ca.pem"}"
"""


if __name__ == "__main__":
    serve(Microsoft, furnish, "A Microsoft 365 mailbox")
