"""Subscriptions: made only after the notification address has answered with the token it was sent (MS-45, MS-46)."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import requests
from starlette.requests import Request
from starlette.responses import Response

from tests.simulators.common import Call, answer
from tests.simulators.microsoft_odata import Refusal, bad

if TYPE_CHECKING:
    from tests.simulators.microsoft import Microsoft


class Subscriptions:
    def __init__(self, there: Microsoft) -> None:
        self._there = there
        self.kept: dict[str, dict[str, Any]] = {}

    async def answer(self, request: Request, call: Call) -> Response:
        if call.method == "GET":
            return answer({"value": list(self.kept.values())})
        body = dict(call.json or {})
        self._check(body)
        await self._validate(str(body.get("notificationUrl", "")))
        body["id"] = secrets.token_hex(16)
        self.kept[body["id"]] = {name: value for name, value in body.items() if name != "clientState"}
        return answer(self.kept[body["id"]], 201)

    async def one(self, request: Request, call: Call) -> Response:
        found = self.kept.get(request.path_params["id"])
        if found is None:
            raise Refusal(404, "ResourceNotFound", "The object was not found.")
        if call.method == "DELETE":
            del self.kept[found["id"]]
            return Response(status_code=204)
        if call.method == "PATCH":
            self._check({**found, **call.json})
            found["expirationDateTime"] = call.json["expirationDateTime"]
        return answer(found)

    def _check(self, body: dict[str, Any]) -> None:
        try:
            until = datetime.fromisoformat(str(body.get("expirationDateTime"))).timestamp()
        except ValueError:
            raise bad("expirationDateTime is not a time.", "InvalidRequest") from None
        longest = self._there.knobs.longest_subscription
        if not 0 < until - self._there.clock.now <= longest * 60:  # refused, not shortened (MS-45)
            raise bad(f"Subscription expiration can only be {longest} minutes in the future.", "InvalidRequest")
        if len(str(body.get("clientState") or "")) > 128:
            raise bad("clientState is longer than 128 characters.", "InvalidRequest")

    async def _validate(self, url: str) -> None:
        token = f"Validation: Testing client application reachability {secrets.token_hex(8)}"
        target = f"{url}{'&' if '?' in url else '?'}{urlencode({'validationToken': token})}"
        if urlsplit(url).hostname not in ("127.0.0.1", "localhost"):
            raise bad("This simulator calls loopback only.", "ValidationError")

        def fetch() -> str:
            with suppress(requests.RequestException), requests.Session() as session:
                session.trust_env = False
                there = session.post(target, timeout=10, headers={"content-type": "text/plain"})
                return there.text if there.status_code == 200 and there.headers["content-type"].startswith("text/plain") else ""
            return ""

        if await asyncio.to_thread(fetch) != token:
            raise bad("Subscription validation request failed. Must respond with 200 OK to this request.", "ValidationError")
