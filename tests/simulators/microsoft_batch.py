"""`$batch`: up to twenty requests in one, answered in any order, each for itself (MS-40, MS-41)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from tests.simulators.common import Call, answer
from tests.simulators.microsoft_contract import wrong_request
from tests.simulators.microsoft_odata import bad

if TYPE_CHECKING:
    from tests.simulators.microsoft import Microsoft

Route = Callable[[dict[str, Any], Call], Awaitable[Response]]


async def batch(there: Microsoft, request: Request, call: Call, route: Route) -> Response:
    items = (call.json or {}).get("requests") or []
    ids = [str(item.get("id", "")).casefold() for item in items]
    if len(items) > 20:
        raise bad("Number of batch request steps exceeds the maximum value: '20'.")
    if len(set(ids)) != len(ids) or "" in ids:
        raise bad("Every batch request step needs an id of its own.")
    statuses: dict[str, int] = {}
    answers: list[dict[str, Any]] = []
    mailboxes: Counter[str] = Counter()
    for number, item in enumerate(items):
        box = item["url"].lstrip("/").split("/")[1] if item["url"].lstrip("/").startswith("users/") else ""
        mailboxes[box] += 1
        forced = call.fault.items.get(number) if call.fault else None
        if any(statuses.get(str(other), 500) >= 400 for other in item.get("dependsOn", ())):
            one = Response(status_code=424)
        elif forced is not None:
            one = Response(status_code=forced)
        elif box and mailboxes[box] > there.knobs.at_once:
            one = there.refused(there.throttled("Application is over its MailboxConcurrency limit."))
        else:
            one = await _one(there, request, call, item, route)
        statuses[str(item["id"])] = one.status_code
        body = json.loads(bytes(one.body)) if one.body else None
        headers = {name: value for name, value in one.headers.items() if name in ("content-type", "retry-after", "location")}
        answers.append(
            {"id": item["id"], "status": one.status_code, "headers": headers, **({"body": body} if body is not None else {})}
        )
    there.random.shuffle(answers)
    return answer({"responses": answers})


async def _one(there: Microsoft, request: Request, call: Call, item: dict[str, Any], route: Route) -> Response:
    url = urlsplit("/v1.0/" + item["url"].lstrip("/"))
    headers = {name.lower(): value for name, value in (item.get("headers") or {}).items()}
    if "body" in item and "application/json" not in headers.get("content-type", ""):
        raise bad("A batch request step with a body needs a Content-Type of its own.")
    body = json.dumps(item["body"]).encode() if "body" in item else b""
    one = Call(at=call.at, method=item["method"], path=url.path, query=tuple(parse_qsl(url.query, keep_blank_values=True)),
               headers={"authorization": call.headers.get("authorization", ""), **headers}, body=body)  # fmt: skip
    for problem in wrong_request(one.method, one.path, one.query, item.get("body")):
        there.refuse(one, problem)
    scope = {
        **request.scope,
        "method": one.method,
        "path": url.path,
        "raw_path": url.path.encode(),
        "query_string": url.query.encode(),
    }
    return await route(
        {key: value for key, value in scope.items() if key not in ("endpoint", "path_params", "router", "route")}, one
    )
