"""Google Calendar v3 and Google's sign-in on loopback, as SIMULATORS.md section 3.2 says.

    with Google() as there:
        there.url + "/calendar/v3"          # the destination's base_url
        there.service_account()             # a key file's text; its account may write to `there.calendar`
        there.calendar.human_edits(ref, title="Ben: Primary")

`python -m tests.simulators.google --port 8080 --key key.json` runs one for trying `syncd` without an account.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from email.utils import formatdate
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tests.simulators.common import Bucket, Call, Clock, Simulator, answer, call_of, serve
from tests.simulators.google_calendar import Calendar, Refusal, Resource
from tests.simulators.google_schema import body_problems, nullable, parameter_problems, scopes, stamp
from tests.simulators.google_signin import EVENTS, SignIn

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
RESTRICTED = ("iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin", "timeMax", "updatedMin")
"""What a sync token does not go with (G-22)."""


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
        parts = call.path[len(ROOT) :].split("/")
        if name == "calendarList.list":
            return answer(
                {"kind": "calendar#calendarList", "etag": '"1"', "items": [_listed(c, account) for c in self._shared(account)]}
            )
        calendar = self._calendar(parts[-1] if name == "calendarList.get" else parts[2], account)
        role = calendar.roles.get(account) or "owner"
        if name == "calendarList.get":
            return answer(_listed(calendar, account))
        if name == "calendars.get":
            return answer(
                {
                    "kind": "calendar#calendar",
                    "etag": '"1"',
                    "id": calendar.id,
                    "summary": calendar.summary,
                    "timeZone": calendar.zone,
                }
            )
        if call.method != "GET" and role not in WRITERS and name != "events.watch":
            raise Refusal(403, "requiredAccessLevel", "You need to have writer access to this calendar.", domain="calendar")
        ref = parts[4] if len(parts) > 4 else ""
        match = call.headers.get("if-match")
        if name == "events.list":
            return answer(_hidden(self._list(calendar, call, role), role))
        if name == "events.instances":
            return answer(_hidden(self._instances(calendar, ref, call, role), role))
        if name == "events.get":
            event = calendar.get(ref)
            same = call.headers.get("if-none-match") == event["etag"]
            return Response(b"", 304) if same else answer(event, headers={"etag": event["etag"]})
        if name == "events.delete":
            calendar.delete(ref, match)
            return Response(b"", 204)
        body = call.json
        if name == "events.watch":
            if (
                body.get("type") != "web_hook"
                or not str(body.get("address", "")).startswith("https://")
                or len(body.get("id", "")) > 64
            ):
                raise Refusal(400, "invalid", "Invalid channel.")
            return answer({"kind": "api#channel", "id": body["id"], "resourceId": "r1", "resourceUri": call.path})
        if body.get("attendees") and self.signin.is_robot(account):
            text = "Service accounts cannot invite attendees without Domain-Wide Delegation of Authority."
            raise Refusal(403, "forbiddenForServiceAccounts", text, domain="calendar")
        if name == "events.insert":
            return answer(calendar.insert(body, account))
        if name == "events.import":
            return answer(calendar.insert({key: value for key, value in body.items() if key != "id"}, account))
        return answer((calendar.update if name == "events.update" else calendar.patch)(ref, body, match, account))

    def _shared(self, account: str) -> list[Calendar]:
        return [c for c in self.calendars.values() if c.id == account or c.roles.get(account)]

    def _calendar(self, ref: str, account: str) -> Calendar:
        ref = account if ref == "primary" else ref
        if ref == account and ref not in self.calendars:
            self.add_calendar(ref)
        calendar = self.calendars.get(ref)
        if calendar is None or (ref != account and not calendar.roles.get(account)):
            raise Refusal(404, "notFound", "Not Found")
        return calendar

    # --- lists -----------------------------------------------------------------------------------

    def _list(self, calendar: Calendar, call: Call, role: str) -> Resource:
        """G-20 to G-25. A page token carries where the next page begins, a sync token the last change seen."""
        sync, page = _opened(call.first("syncToken")), _opened(call.first("pageToken"))
        if "syncToken" in dict(call.query) and "pageToken" not in dict(call.query):
            if sync is None or sync["epoch"] != self._epoch:
                raise Refusal(
                    410, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.", domain="calendar"
                )
            if any(call.first(name) is not None for name in RESTRICTED) or call.first("showDeleted") == "false":
                raise Refusal(
                    400, "syncTokenWithRequestRestrictions", "Sync token cannot be used with these parameters.", domain="calendar"
                )
        if call.first("pageToken") is not None and page is None:
            raise Refusal(400, "invalid", "Invalid page token value.")
        if call.first("orderBy") == "startTime" and call.first("singleEvents") != "true":
            raise Refusal(400, "badRequest", "The requested ordering is not available for the particular query.")
        since = sync["change"] if sync else page.get("since", 0) if page else 0
        found = [item for item in self._candidates(calendar, call, since) if self._wanted(calendar, item[1], call, since)]
        found = [item for item in found if page is None or item[0] > page["after"]]
        most = min(int(call.first("maxResults") or 250), 2500, self.page or 2500)
        body: Resource = {
            "kind": "calendar#events", "etag": f'"{self._last(calendar)}"', "summary": calendar.summary,
            "timeZone": calendar.zone, "updated": "2026-03-02T12:00:00.000Z", "accessRole": role, "defaultReminders": [],
            "items": [event for _, event in found[:most]],
        }  # fmt: skip
        if len(found) > most:
            body["nextPageToken"] = _sealed({"after": found[most - 1][0], "since": since})
        else:
            body["nextSyncToken"] = _sealed({"change": self._last(calendar), "epoch": self._epoch})
        return body

    def _last(self, calendar: Calendar) -> int:
        return max((record.change for record in calendar.records.values()), default=0)

    def _candidates(self, calendar: Calendar, call: Call, since: int) -> list[tuple[list[int], Resource]]:
        """Events and, with `singleEvents`, occurrences; each with its place in the order."""
        found: list[tuple[list[int], Resource]] = []
        for born, event in calendar.visible(self.lag):
            if since and calendar.records[event["id"]].change <= since:
                continue
            if "recurrence" in event and call.first("singleEvents") == "true" and event["status"] != "cancelled":
                found += [([born, n], instance) for n, instance in enumerate(calendar.instances(event["id"]))]
            elif not (event.get("recurringEventId") and call.first("singleEvents") == "true"):
                found.append(([born, 0], event))
        if call.first("orderBy") == "startTime":
            found.sort(key=lambda item: calendar.bounds(item[1]))
            return [([n, 0], event) for n, (_, event) in enumerate(found)]
        return sorted(found, key=lambda item: item[0])

    def _wanted(self, calendar: Calendar, event: Resource, call: Call, since: int) -> bool:
        deleted = call.first("showDeleted") == "true" or since > 0 or call.first("updatedMin") is not None
        if event["status"] == "cancelled" and not deleted:
            return False
        start, end = calendar.bounds(event)
        low, high, updated = (stamp(call.first(name)) for name in ("timeMin", "timeMax", "updatedMin"))
        if (low and end <= low.timestamp()) or (high and start >= high.timestamp()):
            return False
        if updated and (stamp(event["updated"]) or updated) < updated:
            return False
        if call.first("iCalUID") not in (None, event["iCalUID"]):
            return False
        if (words := call.first("q")) and words.lower() not in (event.get("summary", "") + event.get("description", "")).lower():
            return False
        for kind in ("private", "shared"):
            wanted = [value.partition("=") for key, value in call.query if key == f"{kind}ExtendedProperty"]
            there = event.get("extendedProperties", {}).get(kind, {})
            if wanted and not self.properties_match(there.get(name) == value for name, _, value in wanted):
                return False
        return True

    def _instances(self, calendar: Calendar, ref: str, call: Call, role: str) -> Resource:
        calendar.get(ref)
        items = [event for event in calendar.instances(ref) if self._wanted(calendar, event, call, 0)]
        return {
            "kind": "calendar#events",
            "etag": '"1"',
            "summary": calendar.summary,
            "timeZone": calendar.zone,
            "accessRole": role,
            "items": items,
        }

    # --- batch -------------------------------------------------------------------------------------

    async def _batch(self, request: Request) -> Response:
        """G-30, G-31: each part for itself, in any order, each counted."""
        outer = call_of(request)
        boundary = re.search(r'boundary="?([^";]+)', outer.headers.get("content-type", ""))
        if boundary is None:
            return self._error(Refusal(400, "invalid", "Failed to parse batch request."))
        parts = [p for p in outer.body.decode().split(f"--{boundary[1]}") if p.strip() not in ("", "--")]
        answers = []
        for number, part in enumerate(parts):
            head, _, inner = part.strip().replace("\r\n", "\n").partition("\n\n")
            content_id = re.search(r"content-id:\s*<([^>]*)>", head, re.IGNORECASE)
            call = _inner(inner, outer)
            fault = outer.fault.items.get(number) if outer.fault else None
            one = Response(b"{}", fault) if fault else self._answered(call)
            answers.append(
                f"Content-Type: application/http\r\nContent-ID: <response-{content_id[1] if content_id else ''}>\r\n\r\n"
                f"HTTP/1.1 {one.status_code} X\r\nContent-Type: application/json\r\n\r\n{bytes(one.body).decode()}\r\n"
            )
        self.random.shuffle(answers)
        text = "".join(f"--b\r\n{one}" for one in answers) + "--b--"
        return Response(text, 200, {"content-type": "multipart/mixed; boundary=b"})


def _inner(text: str, outer: Call) -> Call:
    """A part of a batch as a call; it is signed in as the whole is."""
    head, _, body = text.partition("\n\n")
    first, *lines = head.split("\n")
    verb, target = first.split(" ")[:2]
    parts = urlsplit(target)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if "authorization" in outer.headers:
        headers.setdefault("authorization", outer.headers["authorization"])
    query = tuple(parse_qsl(parts.query, keep_blank_values=True))
    return Call(at=outer.at, method=verb, path=unquote(parts.path), query=query, headers=headers, body=body.strip().encode())


def _listed(calendar: Calendar, account: str) -> Resource:
    role = "owner" if calendar.id == account else calendar.roles[account]
    return {
        "kind": "calendar#calendarListEntry",
        "etag": '"1"',
        "id": calendar.id,
        "summary": calendar.summary,
        "timeZone": calendar.zone,
        "accessRole": role,
    }


def _hidden(body: Resource, role: str) -> Resource:
    """Who may see only free and busy sees no more."""
    if role == "freeBusyReader":
        seen = ("kind", "etag", "id", "status", "start", "end", "iCalUID", "visibility")
        body["items"] = [{key: event[key] for key in seen if key in event} | {"visibility": "private"} for event in body["items"]]
    return body


def _sealed(content: Mapping[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def _opened(token: str | None) -> dict[str, Any] | None:
    try:
        found = json.loads(urlsafe_b64decode(token + "=" * (-len(token) % 4))) if token else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _prepare(there: Google, key: Path | None) -> None:
    if key is not None:
        key.write_text(there.service_account(), "utf-8")
        key.chmod(0o600)
    print(f"base_url {there.url}{ROOT}, calendar {TEAM}", file=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--key", type=Path)
    chosen, sys.argv[1:] = parser.parse_known_args()
    serve(Google, partial(_prepare, key=chosen.key), "Google Calendar on loopback; --key PATH writes a service account's key")
