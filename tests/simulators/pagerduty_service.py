"""What all of the simulated PagerDuty shares: the account, its keys, the switches, errors, pages and references."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tests.simulators.common import Bucket, Call, Clock, Simulator, Tokens, answer
from tests.simulators.contract import Contract
from tests.simulators.pagerduty_account import Account, Schedule, User

KEY = "canary-pagerduty-key"
READ_KEY = "canary-pagerduty-read-only-key"
ALL = ("schedules.read", "schedules.write", "users.read", "oncalls.read")


def error(status: int, code: int, message: str, errors: Sequence[str] = (), *, v3: bool = False) -> Response:
    """`errors` is a list in v2 and a map in v3 (PD-14)."""
    inside: dict[str, Any] = {"message": message, "code": code}
    if errors:
        inside["errors"] = {"request": list(errors)} if v3 else list(errors)
    return answer({"error": inside}, status)


class Service(Simulator):
    """One account. The switches are what the vendor's documents leave open (SIMULATORS.md section 3)."""

    tls = True

    def __init__(self, *, clock: Clock | None = None, seed: int = 1, port: int = 0) -> None:
        self.account = Account()
        self.keys = {KEY: ALL, READ_KEY: ("schedules.read", "users.read")}
        self.app_scopes: tuple[str, ...] = ALL
        """What the app was given; a token has those of them that were asked for."""
        self.contract = Contract("pagerduty-schedules.openapi.json")
        self.create_shape = "array"  # or "object": the guide's other shape (PD-23)
        self.past_delete_status = 400  # or 404 (PD-28)
        self.upgraded_status = 400  # or 404: v2 override calls on an upgraded schedule
        self.joins_rendered = True  # neighbours of one user are one rendered entry
        self.cuts_v3_overrides = True  # or False: a running or past one is simply gone (PD-46)
        self.renders = True  # or False: a v3 schedule comes without its final schedule whatever is asked for
        self.clips_rendered = False  # overflow has no effect on the final schedule
        self.leaves_out = ""  # a name in the source of a computed assignment
        self.hides_deleted = False  # the rendering leaves out whoever is no user any more
        self.bare_429 = False  # neither headers nor body (PD-12)
        self.lag = 0.0  # seconds until a write shows in lists
        self.refuse_tokens = 0
        super().__init__(clock=clock, seed=seed, port=port)
        self.tokens = Tokens(self.clock, 86_400)
        self.buckets: dict[str, Bucket] = {}
        self.rate = 960

    def page(self, call: Call, name: str, items: Sequence[Any], *, most: int = 100, usual: int = 25) -> Response:
        """Classic pagination (PD-16): the limit is capped, the sum of offset and limit is not."""
        limit, offset = min(most, int(call.first("limit") or usual)), int(call.first("offset") or 0)
        if offset + limit > 10_000:
            return error(400, 2001, "Invalid Input Provided", ["Offset plus limit cannot exceed 10000"])
        body = {name: list(items[offset : offset + limit]), "limit": limit, "offset": offset, "more": offset + limit < len(items)}
        return answer(body if call.path.startswith("/v3/") else {**body, "total": None})

    def user_form(self, user: User) -> dict[str, Any]:
        return {
            **self.reference(user.id),
            "type": "user",
            "name": user.name,
            "email": user.email,
            "time_zone": "UTC",
            "role": "user",
        }

    def reference(self, user_id: str) -> dict[str, Any]:
        user = self.account.users.get(user_id)
        page = f"https://{self.account.subdomain}.pagerduty.com/users/{user_id}"
        name = user.name if user else None
        return {"id": user_id, "type": "user_reference", "summary": name, "self": f"{self.url}/users/{user_id}", "html_url": page}

    def schedule(self, request: Request) -> Schedule | None:
        return self.account.schedules.get(request.path_params["id"])
