"""PagerDuty on loopback: layer-based (v2) and shift-based (v3) schedules, users, app tokens, and a human in its web page.

As SIMULATORS.md sections 3.1 and 4 say. `python -m tests.simulators.pagerduty` serves one for trying: an
account with the API key `canary-pagerduty-key`, the users ana, ben and cho, and the schedules PLAYER1 and PSHIFT1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tests.simulators.common import Bucket, Call, answer, call_of
from tests.simulators.pagerduty_account import CustomShift, Override, V3Override
from tests.simulators.pagerduty_rest import LayerBased
from tests.simulators.pagerduty_service import KEY, READ_KEY, error
from tests.simulators.pagerduty_v3 import ShiftBased, member
from tests.simulators.trial import left, serve

CLIENT_ID, CLIENT_SECRET = "canary-client-id", "canary-client-secret"

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "KEY", "READ_KEY", "PagerDuty"]


class PagerDuty(LayerBased, ShiftBased):
    """One account with everything in it."""

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/oauth/token", self._token, methods=["POST"]),
            Route("/abilities", self._abilities), Route("/abilities/{id}", self._ability),
            Route("/users", self._users), Route("/users/me", self._me), Route("/users/{id}", self._user),
            Route("/oncalls", self._oncalls),
            *self.layer_routes(), *self.shift_routes(),
        ]  # fmt: skip

    # --- credentials, rate, schema -------------------------------------------------------

    def admit(self, call: Call) -> Response | None:
        if call.path == "/oauth/token":
            return None
        scopes = self._scopes(call.headers.get("authorization", ""))
        if scopes is None or self.refuse_tokens > 0:
            self.refuse_tokens = max(0, self.refuse_tokens - 1)
            return error(401, 2006, "Authentication failed")
        bucket = self.buckets.setdefault(call.headers["authorization"], Bucket(self.clock, self.rate, 60))
        if not bucket.take():
            return Response(b"", 429) if self.bare_429 else error(429, 2020, "Rate Limit Exceeded")
        wanted = "users.read" if call.path.startswith("/users") else "oncalls.read" if call.path.startswith("/oncalls") else (
            "schedules.read" if call.method == "GET" else "schedules.write"
        )  # fmt: skip
        if not call.path.startswith("/abilities") and wanted not in scopes:
            return error(403, 2010, "Access Denied", [f"Your token is missing the scope {wanted}"])
        if "from" in call.headers:
            self.refuse(call, "From is no parameter of this operation (PD-06)")
        problem = self.contract.problem(call.method, call.path, call.query, call.headers, call.body)
        if problem is not None:
            self.refuse(call, problem)
            if not (call.method == "POST" and call.path.endswith("/overrides") and not call.path.startswith("/v3/")):
                return error(400, 2001, "Invalid Input Provided", [problem], v3=call.path.startswith("/v3/"))
        return None

    def headers(self, call: Call) -> Mapping[str, str]:
        bucket = self.buckets.get(call.headers.get("authorization", ""))
        if bucket is None or (self.bare_429 and bucket.remaining == 0):
            return {}
        return {
            "ratelimit-limit": str(bucket.size),
            "ratelimit-remaining": str(bucket.remaining),
            "ratelimit-reset": str(bucket.reset),
        }

    def _scopes(self, authorization: str) -> frozenset[str] | None:
        kind, _, value = authorization.partition(" ")
        if kind == "Token" and value.startswith("token="):
            found = self.keys.get(value.removeprefix("token="))
            return None if found is None else frozenset(found)
        return self.tokens.scopes(value) if kind == "Bearer" else None

    async def _token(self, request: Request) -> Response:
        form = call_of(request).form
        if form.get("client_id") != CLIENT_ID or form.get("client_secret") != CLIENT_SECRET:
            return answer({"error": "invalid_client", "error_description": "Client authentication failed"}, 401)
        first, *scopes = form.get("scope", "").split(" ")
        if form.get("grant_type") != "client_credentials":
            return answer({"error": "unsupported_grant_type"}, 400)
        if first != f"as_account-us.{self.account.subdomain}":
            return answer({"error": "invalid_scope", "error_description": "The account is unknown or not authorised"}, 400)
        given = [scope for scope in scopes if scope in self.app_scopes]
        token = self.tokens.issue(given)
        return answer({"access_token": token, "token_type": "bearer", "scope": " ".join([first, *given]), "expires_in": 86_400})

    # --- account -------------------------------------------------------------------------

    async def _abilities(self, request: Request) -> Response:
        return answer({"abilities": self.account.abilities})

    async def _ability(self, request: Request) -> Response:
        name = request.path_params["id"]
        return Response(b"", 204) if name in self.account.abilities else error(402, 2014, "Account does not have the ability")

    async def _users(self, request: Request) -> Response:
        call = call_of(request)
        wanted = (call.first("query") or "").casefold()
        found = [one for one in self.account.users.values() if wanted in one.name.casefold()]
        return self.page(call, "users", [self.user_form(one) for one in found])

    async def _me(self, request: Request) -> Response:
        return error(400, 2001, "Invalid Input Provided", ["there is no user behind an account key"])

    async def _user(self, request: Request) -> Response:
        user = self.account.users.get(request.path_params["id"])
        return error(404, 2100, "Not Found") if user is None else answer({"user": self.user_form(user)})

    async def _oncalls(self, request: Request) -> Response:
        now = int(self.clock.now)
        on = [
            {"user": self.reference(piece[2]), "schedule": {"id": one.id, "type": f"{one.kind}_reference", "summary": one.name}}
            for one in self.account.schedules.values() if one.kind == "schedule" for piece in one.pieces(now, now + 1)
        ]  # fmt: skip
        policy = {"id": "PPOLICY", "type": "escalation_policy_reference", "summary": "Policy", "self": None, "html_url": None}
        full = [{**one, "escalation_policy": policy, "escalation_level": 1, "start": None, "end": None} for one in on]
        return self.page(call_of(request), "oncalls", full)

    # --- a human in the web page ---------------------------------------------------------

    def human_overrides(self, schedule: str, user: str, start: int, end: int) -> str:
        """Puts an override on top of what is there; its id."""
        with self.hand():
            one = Override(self.account.new_id(), user, start, end, self.account.order())
            self.account.schedules[schedule].overrides[one.id] = one
            return one.id

    def human_adds_shift(self, schedule: str, user: str | None, start: int, end: int) -> str:
        with self.hand():
            one = CustomShift(self.account.new_id("A", 26), start, end, user, self.account.new_id("A", 26))
            self.account.schedules[schedule].shifts[one.id] = one
            return one.id

    def human_overrides_shift(self, schedule: str, shift: str, user: str | None, start: int, end: int) -> str:
        """Puts somebody over a custom shift, as *Override shift* does in the page; None: nobody. Its id (PD-43)."""
        with self.hand():
            there = self.account.schedules[schedule]
            under = there.shifts[shift].user
            one = V3Override(self.account.new_id("A", 26), start, end, member(under), member(user), None, shift)
            there.v3_overrides[one.id] = one
            return one.id

    def human_changes_shift(self, schedule: str, shift: str, **change: Any) -> None:
        with self.hand():
            for name, value in change.items():
                setattr(self.account.schedules[schedule].shifts[shift], name, value)

    def human_deletes(self, schedule: str, entry: str) -> None:
        with self.hand():
            there = self.account.schedules[schedule]
            there.overrides.pop(entry, None)
            there.shifts.pop(entry, None)
            there.v3_overrides.pop(entry, None)

    def human_upgrades(self, schedule: str) -> None:
        """The schedule becomes shift-based and keeps its id (PD-41); its overrides become custom shifts."""
        with self.hand():
            there = self.account.schedules[schedule]
            there.kind = "schedule_v3"
            for one in there.overrides.values():
                there.shifts[one.id] = CustomShift(one.id, one.start, one.end, one.user, self.account.new_id("A", 26))
            there.overrides.clear()


def furnish(there: PagerDuty, folder: Path) -> str:
    for name, email in (("Ana Lopez", "ana@example.com"), ("Ben Okafor", "ben@example.com"), ("Cho Min-ji", "cho@example.com")):
        there.account.add_user(name, email)
    there.account.add_schedule("Payments", "PLAYER1")
    there.account.add_schedule("Payments, shift-based", "PSHIFT1", kind="schedule_v3")
    same = f'token: {left(folder, "pagerduty-token", KEY)}, base_url: "{there.url}", ca_file: "{folder / "ca.pem"}"'
    return f"""\
  pager:
    kind: pagerduty
    options: {{schedule: PLAYER1, {same}}}
  pager-shifts:
    kind: pagerduty_v3
    options: {{schedule: PSHIFT1, {same}}}
"""


if __name__ == "__main__":
    serve(PagerDuty, furnish, "A PagerDuty account")
