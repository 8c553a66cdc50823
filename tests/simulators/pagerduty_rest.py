"""The simulator's layer-based schedules: rendering on request, overrides with a status an item (PD-20 to PD-38)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tests.simulators.common import answer, call_of
from tests.simulators.pagerduty_account import Override, Piece, Schedule, iso, seconds
from tests.simulators.pagerduty_service import Service, error

SHIFT_BASED = "This is a shift-based schedule: use the /v3/schedules endpoints"


class LayerBased(Service):
    def layer_routes(self) -> list[BaseRoute]:
        return [
            Route("/schedules", self._list_schedules, methods=["GET"]),
            Route("/schedules/{id}", self._get_schedule, methods=["GET"]),
            Route("/schedules/{id}/overrides", self._list_overrides, methods=["GET"]),
            Route("/schedules/{id}/overrides", self._create_overrides, methods=["POST"]),
            Route("/schedules/{id}/overrides/{override}", self._delete_override, methods=["DELETE"]),
        ]

    def _layer_based(self, request: Request) -> Schedule | Response:
        there = self.schedule(request)
        if there is None:
            return error(404, 2100, "Not Found")
        if there.kind == "schedule_v3":
            call = call_of(request)
            status = 400 if call.path.count("/") == 2 else self.upgraded_status
            return error(status, 2001 if status == 400 else 2100, "Invalid Input Provided", [SHIFT_BASED])
        return there

    async def _list_schedules(self, request: Request) -> Response:
        call = call_of(request)
        wanted = (call.first("query") or "").casefold()
        mine = [one for one in self.account.schedules.values() if one.kind == "schedule" and wanted in one.name.casefold()]
        return self.page(call, "schedules", [self._form(one) for one in mine])

    async def _get_schedule(self, request: Request) -> Response:
        there = self._layer_based(request)
        if isinstance(there, Response):
            return there
        call = call_of(request)
        since, until = call.first("since"), call.first("until")
        if since is None and until is None:  # nothing is rendered (PD-35)
            return answer({"schedule": self._form(there)})
        last = seconds(until) if until else seconds(since or "") + 1_209_600
        first = seconds(since) if since else last - 1_209_600
        if last <= first:
            return error(400, 2004, "Invalid date range")
        zone = call.first("time_zone") or there.zone
        over = call.first("overflow") == "true"
        return answer({"schedule": self._form(there, first, last, zone, over)})

    def _form(self, there: Schedule, since: int = 0, until: int = 0, zone: str = "UTC", over: bool = False) -> dict[str, Any]:
        page = f"https://{self.account.subdomain}.pagerduty.com/schedules/{there.id}"
        form: dict[str, Any] = {
            "id": there.id, "type": "schedule", "summary": there.name, "html_url": page,
            "self": f"{self.url}/schedules/{there.id}",
            "name": there.name, "time_zone": there.zone, "description": "", "escalation_policies": [], "teams": [],
            "users": [self.reference(user) for user in dict.fromkeys(who for layer in there.layers for who in layer.users)],
        }  # fmt: skip
        layers = []
        for layer in there.layers:
            pieces = there.layer_pieces(layer, since, until) if until else []
            layers.append({
                "id": layer.id or "PLAYER", "name": layer.name, "start": iso(layer.start, zone),
                "end": None if layer.end is None else iso(layer.end, zone),
                "rotation_virtual_start": iso(layer.start if layer.virtual_start is None else layer.virtual_start, zone),
                "rotation_turn_length_seconds": layer.turn, "users": [{"user": self.reference(who)} for who in layer.users],
                "restrictions": [
                    {"type": "daily_restriction" if one.day is None else "weekly_restriction", "duration_seconds": one.duration,
                     "start_time_of_day": f"{one.at // 3600:02d}:{one.at // 60 % 60:02d}:{one.at % 60:02d}",
                     **({} if one.day is None else {"start_day_of_week": one.day + 1})} for one in layer.restrictions
                ],
                "rendered_schedule_entries": self._rendered(pieces, zone),
                "rendered_coverage_percentage": _share(pieces, since, until),
            })  # fmt: skip
            if layer.end is None:
                del layers[-1]["end"]  # the schema has no null there
        form["schedule_layers"] = layers
        if until:
            # With overflow a piece is told beyond the window as far as its own entry goes (PD-35).
            reach = [one for one in there.overrides.values() if one.start < until and since < one.end] if over else []
            first, last = min([since, *(one.start for one in reach)]), max([until, *(one.end for one in reach)])
            final = [
                piece for piece in there.pieces(first, last, joined=self.joins_rendered) if piece[0] < until and since < piece[1]
            ]
            covered = [piece for piece in there.pieces(since, until) if piece[3]]
            if self.hides_deleted:
                final, covered = ([one for one in told if one[2] in self.account.users] for told in (final, covered))
            form["final_schedule"] = self._sub("Final Schedule", final, zone, since, until)
            form["overrides_subschedule"] = self._sub("Overrides", covered, zone, since, until)
        return form

    def _sub(self, name: str, pieces: list[Piece], zone: str, since: int, until: int) -> dict[str, Any]:
        share = _share(pieces, since, until)
        return {"name": name, "rendered_schedule_entries": self._rendered(pieces, zone), "rendered_coverage_percentage": share}

    def _rendered(self, pieces: list[Piece], zone: str) -> list[dict[str, Any]]:
        return [{"start": iso(start, zone), "end": iso(end, zone), "user": self.reference(who)} for start, end, who, _ in pieces]

    async def _list_overrides(self, request: Request) -> Response:
        there = self._layer_based(request)
        if isinstance(there, Response):
            return there
        call = call_of(request)
        since, until = seconds(call.first("since") or ""), seconds(call.first("until") or "")
        if until <= since:
            return error(400, 2004, "Invalid date range")
        shown = [
            one for one in there.overrides.values()
            if one.start < until and since < one.end and one.visible <= self.clock.now
        ]  # fmt: skip
        self.random.shuffle(shown)  # the list says nothing of who was created last
        if call.first("editable") is not None:  # PD-22
            return answer({"overrides": [{"id": one.id} for one in shown if one.start > self.clock.now]})
        over = call.first("overflow") == "true"
        return answer({"overrides": [self._override_form(one, *((0, 2**40) if over else (since, until))) for one in shown]})

    def _override_form(self, one: Override, since: int = 0, until: int = 2**40) -> dict[str, Any]:
        return {
            "id": one.id,
            "start": iso(max(one.start, since)),
            "end": iso(min(one.end, until)),
            "user": self.reference(one.user),
        }

    async def _create_overrides(self, request: Request) -> Response:
        there = self._layer_based(request)
        if isinstance(there, Response):
            return there
        call = call_of(request)
        body = call.json
        alone = isinstance(body, dict) and "override" in body  # deprecated, and works (PD-25)
        items = [body["override"]] if alone else body.get("overrides") if isinstance(body, dict) else None
        if not isinstance(items, list) or not items:
            return error(400, 2001, "Invalid Input Provided", ["overrides is empty"])
        told = [self._create(there, item, call.fault.items.get(at) if call.fault else None) for at, item in enumerate(items)]
        if alone:
            return (
                answer({"override": told[0]["override"]}, 201)
                if told[0]["status"] == 201
                else error(400, 4004, "Invalid override")
            )
        if self.create_shape == "object":
            return answer({"overrides": [one["override"] for one in told]}, 201)
        return answer(told, 201)

    def _create(self, there: Schedule, item: Mapping[str, Any], status: int | None) -> dict[str, Any]:
        user = item.get("user") or {}
        wrong: list[str] = [f"{name} cannot be empty" for name in ("start", "end", "user") if not item.get(name)]
        try:
            start, end = seconds(item.get("start", "")), seconds(item.get("end", ""))
        except ValueError:
            start, end = 0, 0
            wrong = wrong or ["Dates are invalid"]
        if not wrong and end <= start:
            wrong.append("Override must end after its start")
        if not wrong and end <= self.clock.now:
            wrong.append("Override cannot be in the past")
        if not wrong and user.get("id") not in self.account.users:
            wrong.append("User does not exist")
        if wrong or status is not None:
            return {"status": status or 400, "errors": wrong or ["Something went wrong"], "override": dict(item)}
        one = Override(self.account.new_id(), user["id"], start, end, self.account.order(), self.clock.now + self.lag)
        there.overrides[one.id] = one
        return {"status": 201, "override": self._override_form(one)}

    async def _delete_override(self, request: Request) -> Response:
        there = self._layer_based(request)
        if isinstance(there, Response):
            return there
        one = there.overrides.get(request.path_params["override"])
        now = int(self.clock.now)
        if one is None:
            return error(404, 2100, "Not Found")
        if one.end <= now:
            return error(self.past_delete_status, 4004, "Override not found or invalid", ["You cannot remove a past override"])
        if one.start < now:  # running: cut off (PD-28)
            one.end = now
            return answer({"override": self._override_form(one)})
        del there.overrides[one.id]
        return Response(b"", 204)


def _share(pieces: list[Piece], since: int, until: int) -> float:
    on = sum(min(end, until) - max(start, since) for start, end, *_ in pieces)
    return round(100 * on / (until - since), 1) if until > since else 0.0
