"""Google Calendar v3 and Google's sign-in on loopback, as SIMULATORS.md section 3.2 says.

    with Google() as there:
        there.url + "/calendar/v3"          # the destination's base_url
        there.service_account()             # a key file's text; its account may write to `there.calendar`
        there.calendar.human_edits(ref, title="Ben: Primary")

`python -m tests.simulators.google` runs one for trying `syncd` without an account.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from email.utils import formatdate
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tests.simulators.common import Bucket, Call, Clock, Simulator, answer, call_of
from tests.simulators.google_batch import joined, parts
from tests.simulators.google_calendar import Calendar, Refusal, Resource
from tests.simulators.google_listing import Listing
from tests.simulators.google_schema import body_problems, nullable, parameter_problems, scopes
from tests.simulators.google_signin import EVENTS, SignIn
from tests.simulators.trial import left, serve

ROOT = "/calendar/v3"
WRITERS = ("writer", "owner")
TEAM = "team@group.calendar.example.com"
METHODS = {
    ("GET", r"/calendars/[^/]+/events"): "events.list",
    ("POST", r"/calendars/[^/]+/events"): "events.insert",
    ("POST", r"/calendars/[^/]+/events/import"): "events.import",
    ("POST", r"/calendars/[^/]+/events/watch"): "events.watch",
    ("GET", r"/calendars/[^/]+/events/[^/]+/instances"): "events.instances",
    ("GET", r"/calendars/[^/]+/events/[^/]+"): "events.get",
    ("PUT", r"/calendars/[^/]+/events/[^/]+"): "events.update",
    ("PATCH", r"/calendars/[^/]+/events/[^/]+"): "events.patch",
    ("DELETE", r"/calendars/[^/]+/events/[^/]+"): "events.delete",
    ("GET", r"/calendars/[^/]+"): "calendars.get",
    ("GET", r"/users/me/calendarList/[^/]+"): "calendarList.get",
    ("GET", r"/users/me/calendarList"): "calendarList.list",
}


class Google(Simulator):
    """Knobs are plain attributes. One calendar, `calendar`, is there from the start."""

    def __init__(self, *, clock: Clock | None = None, seed: int = 1, port: int = 0) -> None:
        super().__init__(clock=clock, seed=seed, port=port)
        self.signin = SignIn(self.clock)
        self.tokens = self.signin.tokens
        self.calendars: dict[str, Calendar] = {}
        self.calendar = self.add_calendar(TEAM, "Team")
        self.rate: Bucket | None = None
        self.rate_status, self.rate_reason = 403, "userRateLimitExceeded"
        self.retry_after: str | None = None
        """Form of `Retry-After` on a rate limit: None, `seconds` or `date`."""
        self.quota_exceeded = False
        self.api_enabled = True
        self.lag = 0.0
        """Seconds until a write shows in lists."""
        self.page: int | None = None
        """Pages are at most this long, whatever was asked for (G-20)."""
        self.properties_match = all
        """Several property filters: `all` as the discovery document says, `any` as the guide does (G-11)."""
        self._epoch = 0

    # --- what a test does ------------------------------------------------------------------

    def add_calendar(self, ref: str, summary: str = "", **roles: str) -> Calendar:
        self.calendars[ref] = Calendar(ref, self.clock, summary or ref, roles=dict(roles))
        return self.calendars[ref]

    def service_account(self, email: str = "syncd@rota.example.com", role: str = "writer", *, delegated: bool = False) -> str:
        """The key file of a new service account, which the team's calendar is shared with. `delegated`: domain-wide."""
        if role != "none":
            self.calendar.roles[email] = role
        return self.signin.service_account(email, f"{self.url}/token", delegated=delegated)

    def signed_in(self, email: str = "ana@example.com", role: str = "writer", scope: str = EVENTS) -> str:
        """The authorised-user file of a person who has signed in."""
        self.calendar.roles[email] = role
        return self.signin.signed_in(email, f"{self.url}/token", scope)

    def invalidate_sync(self) -> None:
        """All sync tokens are lost (G-25)."""
        self._epoch += 1

    # --- every call --------------------------------------------------------------------------

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/token", self._token, methods=["POST"]),
            Route("/o/oauth2/v2/auth", self._consent, methods=["GET"]),
            Route("/batch/calendar/v3", self._batch, methods=["POST"]),
            *(
                Route(ROOT + path, self._served, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
                for path in (
                    "/calendars/{calendarId}/events", "/calendars/{calendarId}/events/{eventId}",
                    "/calendars/{calendarId}/events/{eventId}/instances", "/calendars/{calendarId}",
                    "/users/me/calendarList", "/users/me/calendarList/{calendarId}",
                )
            ),
        ]  # fmt: skip

    async def _token(self, request: Request) -> Response:
        status, body = self.signin.token(call_of(request).form)
        return answer(body, status)

    async def _consent(self, request: Request) -> Response:
        return Response("", 302, {"location": self.signin.consent(dict(request.query_params), f"{self.url}")})

    async def _served(self, request: Request) -> Response:
        return self._answered(call_of(request))

    def _answered(self, call: Call) -> Response:
        try:
            return self._called(call, *self._admitted(call))
        except Refusal as cause:
            return self._error(cause)

    def _error(self, cause: Refusal) -> Response:
        error: Resource = {"domain": cause.domain, "reason": cause.reason, "message": cause.message}
        if cause.location:
            error |= {"locationType": "header", "location": cause.location}
        body = {"error": {"code": cause.status, "message": cause.message, "errors": [error]}}
        headers = {}
        if cause.domain == "usageLimits" and cause.reason != "quotaExceeded" and self.retry_after:
            after = self.rate.reset if self.rate else 60
            now = self.clock.now + self.clock.skew
            headers["retry-after"] = str(after) if self.retry_after == "seconds" else formatdate(now + after, usegmt=True)
        return answer(body, cause.status, headers)

    def _admitted(self, call: Call) -> tuple[str, str]:
        """Method and account, or the refusal: schema, token, scope, limits, in this order."""
        if not call.path.startswith(ROOT):
            raise Refusal(404, "notFound", "Not Found")
        path = call.path[len(ROOT) :]
        name = next((name for (verb, form), name in METHODS.items() if verb == call.method and re.fullmatch(form, path)), None)
        if name is None:
            raise Refusal(404, "notFound", "Not Found")
        kind, _, token = call.headers.get("authorization", "").partition(" ")
        granted = self.tokens.scopes(token) if kind == "Bearer" else None
        if granted is None:
            raise Refusal(401, "authError", "Invalid Credentials", location="Authorization")
        if not granted & scopes(name):
            raise Refusal(403, "insufficientPermissions", "Request had insufficient authentication scopes.")
        if not self.api_enabled:
            text = "Google Calendar API has not been used in project 4711 before or it is disabled."
            raise Refusal(403, "accessNotConfigured", text, domain="usageLimits")
        if self.quota_exceeded:
            raise Refusal(403, "quotaExceeded", "Calendar usage limits exceeded.", domain="usageLimits")
        if self.rate is not None and not self.rate.take():
            raise Refusal(self.rate_status, self.rate_reason, "Rate Limit Exceeded", domain="usageLimits")
        self._valid(name, call)
        return name, self.tokens.owner(token)

    def _valid(self, name: str, call: Call) -> None:
        problems = parameter_problems(name, call.query)
        if name in ("events.insert", "events.import", "events.update", "events.patch", "events.watch"):
            try:
                body = json.loads(call.body)
            except ValueError:
                body, problems = {}, [*problems, "the body is no JSON"]
            problems += [p for p in body_problems(name, nullable(body)) if not (name == "events.patch" and "required" in p)]
        if problems:
            self.refuse(call, "; ".join(problems))
            raise Refusal(400, "invalid", problems[0])

    def _called(self, call: Call, name: str, account: str) -> Response:
        pieces = call.path[len(ROOT) :].split("/")
        if name == "calendarList.list":
            items = [_listed(calendar, account) for calendar in self.calendars.values() if _role(calendar, account)]
            return answer({"kind": "calendar#calendarList", "etag": '"1"', "items": items})
        calendar = self._calendar(pieces[3 if name == "calendarList.get" else 2], account)
        if name == "calendarList.get":
            return answer(_listed(calendar, account))
        if name == "calendars.get":
            about = {"id": calendar.id, "summary": calendar.summary, "timeZone": calendar.zone}
            return answer({"kind": "calendar#calendar", "etag": '"1"', **about})
        role = _role(calendar, account)
        ref = pieces[4] if len(pieces) > 4 else ""
        if call.method != "GET" and name != "events.watch":
            if role not in WRITERS:
                raise Refusal(403, "requiredAccessLevel", "You need to have writer access to this calendar.", domain="calendar")
            return self._written(call, name, account, calendar, ref)
        if name == "events.list":
            return answer(self._listing(calendar, call, role).answer())
        if name == "events.instances":
            return answer(self._listing(calendar, call, role).instances(ref))
        if name == "events.watch":
            return _channel(call)
        event = calendar.get(ref)
        same = call.headers.get("if-none-match") == event["etag"]
        return Response(b"", 304) if same else answer(event, headers={"etag": event["etag"]})

    def _written(self, call: Call, name: str, account: str, calendar: Calendar, ref: str) -> Response:
        match = call.headers.get("if-match")
        if name == "events.delete":
            calendar.delete(ref, match)
            return Response(b"", 204)
        body = call.json
        if body.get("attendees") and self.signin.is_robot(account):
            text = "Service accounts cannot invite attendees without Domain-Wide Delegation of Authority."
            raise Refusal(403, "forbiddenForServiceAccounts", text, domain="calendar")
        if name == "events.insert":
            return answer(calendar.insert(body, account))
        if name == "events.import":
            return answer(calendar.insert({key: value for key, value in body.items() if key != "id"}, account))
        return answer((calendar.update if name == "events.update" else calendar.patch)(ref, body, match, account))

    def _listing(self, calendar: Calendar, call: Call, role: str) -> Listing:
        return Listing(
            calendar=calendar, call=call, role=role, lag=self.lag, page=self.page, epoch=self._epoch, match=self.properties_match
        )  # fmt: skip

    def _calendar(self, ref: str, account: str) -> Calendar:
        ref = account if ref == "primary" else ref
        if ref == account and ref not in self.calendars:
            self.add_calendar(ref)
        calendar = self.calendars.get(ref)
        if calendar is None or not _role(calendar, account):
            raise Refusal(404, "notFound", "Not Found")
        return calendar

    async def _batch(self, request: Request) -> Response:
        """Each part is counted for itself."""
        outer = call_of(request)
        found = list(parts(outer))
        if not found:
            return self._error(Refusal(400, "invalid", "Failed to parse batch request."))
        fates = outer.fault.items if outer.fault else {}
        answers = [
            part.answered(Response(b"{}", fates[number]) if number in fates else self._answered(part.call))
            for number, part in enumerate(found)
        ]
        self.random.shuffle(answers)
        return joined(answers)


def _role(calendar: Calendar, account: str) -> str:
    return "owner" if calendar.id == account else calendar.roles.get(account, "")


def _listed(calendar: Calendar, account: str) -> Resource:
    about = {"id": calendar.id, "summary": calendar.summary, "timeZone": calendar.zone, "accessRole": _role(calendar, account)}
    return {"kind": "calendar#calendarListEntry", "etag": '"1"', **about}


def _channel(call: Call) -> Response:
    """G-27; nothing is ever sent to it."""
    body = call.json
    secure = str(body.get("address", "")).startswith("https://")
    if body.get("type") != "web_hook" or not secure or len(body.get("id", "")) > 64:
        raise Refusal(400, "invalid", "Invalid channel.")
    return answer({"kind": "api#channel", "id": body["id"], "resourceId": "r1", "resourceUri": call.path})


def furnish(there: Google, folder: Path) -> str:
    key = left(folder, "google.json", there.service_account())
    return f"""\
  team-calendar:
    kind: google
    options: {{calendar: {TEAM}, credentials: {key}, base_url: "{there.url}{ROOT}"}}
"""


if __name__ == "__main__":
    serve(Google, furnish, "Google Calendar")
