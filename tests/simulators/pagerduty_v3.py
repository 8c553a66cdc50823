"""The simulator's shift-based schedules: custom shifts, overrides of one source each, rotations to look at (PD-40 to PD-53)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tests.simulators.common import answer, call_of
from tests.simulators.pagerduty_account import Computed, CustomShift, Schedule, V3Override, iso, seconds
from tests.simulators.pagerduty_service import Service, error


class ShiftBased(Service):
    def shift_routes(self) -> list[BaseRoute]:
        at = "/v3/schedules/{id}"
        return [
            Route("/v3/schedules", self._list_v3, methods=["GET"]),
            Route(at, self._get_v3, methods=["GET"]),
            Route(f"{at}/custom_shifts", self._list_shifts, methods=["GET"]),
            Route(f"{at}/custom_shifts", self._create_shifts, methods=["POST"]),
            Route(f"{at}/custom_shifts/{{shift}}", self._one_shift, methods=["GET", "PUT", "DELETE"]),
            Route(f"{at}/overrides", self._list_v3_overrides, methods=["GET"]),
            Route(f"{at}/overrides", self._create_v3_overrides, methods=["POST"]),
            Route(f"{at}/overrides/{{override}}", self._one_v3_override, methods=["GET", "DELETE"]),
            Route(f"{at}/rotations", self._list_rotations, methods=["GET"]),
        ]

    def _shift_based(self, request: Request) -> Schedule | Response:
        there = self.schedule(request)
        if there is None:
            return error(404, 2100, "Not Found", v3=True)
        if there.kind == "schedule":  # 400, not 404 (PD-42)
            return error(400, 2001, "Invalid Request", ["This is a layer-based schedule: use the /schedules endpoints"], v3=True)
        return there

    async def _list_v3(self, request: Request) -> Response:
        call = call_of(request)
        wanted = (call.first("query") or "").casefold()
        mine = [one for one in self.account.schedules.values() if one.kind == "schedule_v3" and wanted in one.name.casefold()]
        forms = [
            {"id": one.id, "type": "schedule_v3_reference", "summary": one.name, "self": f"{self.url}/v3/schedules/{one.id}"}
            for one in mine
        ]
        return self.page(call, "schedules", forms, most=1000, usual=100)

    async def _get_v3(self, request: Request) -> Response:
        there = self._shift_based(request)
        if isinstance(there, Response):
            return there
        call = call_of(request)
        form: dict[str, Any] = {
            "id": there.id, "type": "schedule_v3", "name": there.name, "time_zone": there.zone, "description": "", "teams": [],
            "escalation_policies": [], "rotations": [], "self": f"{self.url}/v3/schedules/{there.id}",
            "html_url": f"https://{self.account.subdomain}.pagerduty.com/schedules/{there.id}",
        }  # fmt: skip
        if self.renders and call.first("include[]") == "final_schedule" and call.first("since") and call.first("until"):  # PD-49
            window = seconds(call.first("since") or ""), seconds(call.first("until") or "")
            form["final_schedule"] = self._final(there, *window, over=call.first("overflow") == "true")
        return answer({"schedule": form})

    def _final(self, there: Schedule, since: int, until: int, *, over: bool) -> dict[str, Any]:
        """Everybody who is on call then, each with where it comes from; where nobody is, an empty member (PD-49)."""
        on = [one for one in there.computed(since, until) if one.user in self.account.users or not self.hides_deleted]
        told = [self._computed(one, since, until, over=over) for one in on]
        covered, at = 0, since
        for one in sorted(on, key=lambda piece: piece.start):
            if one.user and one.end > at:
                if one.start > at:
                    told.append(self._computed(Computed(at, one.start, None, {"type": "schedule_rotation"}), since, until))
                covered += min(one.end, until) - max(one.start, at)
                at = max(at, one.end)
        if at < until:
            told.append(self._computed(Computed(at, until, None, {"type": "schedule_rotation"}), since, until))
        share = round(100 * covered / (until - since), 1)
        return {"type": "final_schedule", "rendered_coverage_percentage": share, "computed_shift_assignments": told}

    def _computed(self, one: Computed, since: int, until: int, *, over: bool = False) -> dict[str, Any]:
        start, end = (one.start, one.end) if over and not self.clips_rendered else (max(one.start, since), min(one.end, until))
        who, kind = dict(member(one.user)), "computed_shift_assignment"
        source = {name: text for name, text in one.source.items() if name != self.leaves_out}
        return {"type": kind, "start_time": iso(start), "end_time": iso(end), "member": who, "source": source}

    async def _list_shifts(self, request: Request) -> Response:
        there = self._shift_based(request)
        if isinstance(there, Response):
            return there
        call = call_of(request)
        since, until = seconds(call.first("since") or ""), seconds(call.first("until") or "")
        over = call.first("overflow") == "true"
        shown = sorted(
            (one for one in there.shifts.values() if one.start < until and since < one.end and one.visible <= self.clock.now),
            key=lambda one: (one.start, one.id),
        )
        forms = [self._shift_form(there, one, *((0, 2**40) if over else (since, until))) for one in shown]
        return self.page(call, "custom_shifts", forms)

    def _shift_form(self, there: Schedule, one: CustomShift, since: int = 0, until: int = 2**40) -> dict[str, Any]:
        assignment = {"id": one.assignment, "type": "shift_assignment", "member": dict(member(one.user))}
        return {
            "id": one.id, "type": "custom_shift", "start_time": iso(max(one.start, since)), "end_time": iso(min(one.end, until)),
            "assignments": [assignment], "self": f"{self.url}/v3/schedules/{there.id}/custom_shifts/{one.id}",
            "html_url": f"https://{self.account.subdomain}.pagerduty.com/schedules/{there.id}",
        }  # fmt: skip

    async def _create_shifts(self, request: Request) -> Response:
        """All or nothing: the answer has no status an item (PD-45)."""
        there = self._shift_based(request)
        if isinstance(there, Response):
            return there
        call = call_of(request)
        made = []
        for at, item in enumerate(call.json["custom_shifts"]):
            start, end, who = seconds(item["start_time"]), seconds(item["end_time"]), item["assignments"][0]["member"]
            wrong = self._wrong(start, end, who)
            if wrong or (call.fault and at in call.fault.items):
                return error(400, 2001, "Invalid Request", [wrong or "Something went wrong"], v3=True)
            ids = self.account.new_id("A", 26), self.account.new_id("A", 26)
            made.append(CustomShift(ids[0], start, end, who.get("user_id"), ids[1], self.clock.now + self.lag))
        there.shifts.update({one.id: one for one in made})
        return answer({"custom_shifts": [self._shift_form(there, one) for one in made]}, 201)

    def _wrong(self, start: int, end: int, who: Mapping[str, str]) -> str:
        if end <= start:
            return "end_time must be after start_time"
        if end <= self.clock.now:
            return "end_time cannot be in the past"
        if who["type"] == "user_member" and who.get("user_id") not in self.account.users:
            return "user does not exist"
        return ""

    async def _one_shift(self, request: Request) -> Response:
        there = self._shift_based(request)
        if isinstance(there, Response):
            return there
        one = there.shifts.get(request.path_params["shift"])
        if one is None:
            return error(404, 2100, "Not Found", v3=True)
        now = int(self.clock.now)
        if request.method == "PUT":
            return self._put_shift(there, one, call_of(request).json["custom_shift"], now)
        if request.method == "DELETE":
            if one.end <= now:  # PD-47
                return error(400, 2001, "Invalid Request", ["the shift has already ended"], v3=True)
            if one.start <= now:
                one.end = now
            else:
                del there.shifts[one.id]
            return Response(b"", 204)
        return answer({"custom_shift": self._shift_form(there, one)})

    def _put_shift(self, there: Schedule, one: CustomShift, change: Mapping[str, Any], now: int) -> Response:
        start, end = seconds(change.get("start_time", iso(one.start))), seconds(change.get("end_time", iso(one.end)))
        who = change["assignments"][0]["member"] if "assignments" in change else member(one.user)
        if one.start <= now and (set(change) - {"end_time"} or end < now):
            return error(400, 2001, "Invalid Request", ["only end_time of a started shift can be modified"], v3=True)
        if one.start > now >= start:  # undocumented; the stricter of what it may be
            return error(400, 2001, "Invalid Request", ["start_time must be in the future"], v3=True)
        wrong = self._wrong(start, max(end, now + 1) if one.start <= now else end, who)
        if wrong:
            return error(400, 2001, "Invalid Request", [wrong], v3=True)
        one.start, one.end, one.user = start, end, who.get("user_id")
        return answer({"custom_shift": self._shift_form(there, one)})

    async def _list_v3_overrides(self, request: Request) -> Response:
        there = self._shift_based(request)
        if isinstance(there, Response):
            return there
        call = call_of(request)
        since, until = seconds(call.first("since") or ""), seconds(call.first("until") or "")
        edges = (0, 2**40) if call.first("overflow") == "true" else (since, until)
        shown = [one for one in there.v3_overrides.values() if one.start < until and since < one.end]
        return self.page(call, "overrides", [self._v3_form(one, *edges) for one in shown])

    async def _create_v3_overrides(self, request: Request) -> Response:
        there = self._shift_based(request)
        if isinstance(there, Response):
            return there
        made = []
        for item in call_of(request).json["overrides"]:
            sources = [item.get("rotation_id"), item.get("custom_shift_id")]
            if sum(one is not None for one in sources) != 1:  # PD-43
                return error(400, 2001, "Invalid Request", ["exactly one of rotation_id and custom_shift_id"], v3=True)
            start, end = seconds(item["start_time"]), seconds(item["end_time"])
            made.append(V3Override(
                self.account.new_id("A", 26), start, end, item["overridden_member"], item["overriding_member"], *sources
            ))  # fmt: skip
        there.v3_overrides.update({one.id: one for one in made})
        return answer({"overrides": [self._v3_form(one) for one in made]}, 201)

    async def _one_v3_override(self, request: Request) -> Response:
        there = self._shift_based(request)
        if isinstance(there, Response):
            return there
        one = there.v3_overrides.get(request.path_params["override"])
        if one is None:
            return error(404, 2100, "Not Found", v3=True)
        if request.method == "DELETE":
            return self._delete_v3_override(there, one, int(self.clock.now))
        return answer({"override": self._v3_form(one)})

    def _delete_v3_override(self, there: Schedule, one: V3Override, now: int) -> Response:
        """Of a running or past one undocumented (PD-46): by switch like a custom shift's, or gone whatever the time is."""
        if self.cuts_v3_overrides and one.end <= now:
            return error(400, 2001, "Invalid Request", ["the override has already ended"], v3=True)
        if self.cuts_v3_overrides and one.start < now:
            one.end = now
        else:
            del there.v3_overrides[one.id]
        return Response(b"", 204)

    def _v3_form(self, one: V3Override, since: int = 0, until: int = 2**40) -> dict[str, Any]:
        source = {"rotation_id": one.rotation} if one.rotation else {"custom_shift_id": one.shift}
        return {
            "id": one.id, "type": "override_shift", "start_time": iso(max(one.start, since)),
            "end_time": iso(min(one.end, until)), **source,
            "overridden_member": dict(one.overridden), "overriding_member": dict(one.overriding),
        }  # fmt: skip

    async def _list_rotations(self, request: Request) -> Response:
        there = self._shift_based(request)
        return there if isinstance(there, Response) else self.page(call_of(request), "rotations", [])


def member(user: str | None) -> Mapping[str, str]:
    return {"type": "user_member", "user_id": user} if user else {"type": "empty_member"}
