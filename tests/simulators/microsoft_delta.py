"""Delta queries of a calendar view, with everything that makes them hard to use (MS-26, MS-32 to MS-36)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from tests.simulators.common import Call, answer
from tests.simulators.microsoft_mailbox import Event, Mailbox, occurrences, shown, shown_id
from tests.simulators.microsoft_odata import Refusal, Wishes, bad, bound, wishes

if TYPE_CHECKING:
    from tests.simulators.microsoft import Microsoft

REFUSED = ("$filter", "$select", "$expand", "$orderby", "$search", "$top")


@dataclass(frozen=True)
class State:
    """What a token stands for: window, how far it has seen, and what is still to be told of this round."""

    box: str
    calendar: str
    window: tuple[int, int]
    since: int
    left: tuple[str, ...] = ()
    page: int = 10


class Deltas:
    def __init__(self, there: Microsoft) -> None:
        self._there = there
        self._tokens: dict[str, State] = {}

    def invalidate(self) -> None:
        """A test's hand: every token is lost now."""
        self._tokens.clear()

    async def answer(self, request: Request, call: Call) -> Response:
        there = self._there
        box = there.mailbox(request, call)
        calendar = there.calendar_of(request, box)
        if calendar != box.default and not there.knobs.deltas_elsewhere:
            raise bad("Change tracking is only supported on the primary calendar.", "ErrorInvalidRequest")
        if wrong := [name for name, _ in call.query if name in REFUSED]:
            raise bad(
                f"The parameter {wrong[0]!r} is not supported with change tracking over the 'CalendarView' resource.",
                "ErrorInvalidUrlQuery",
            )
        wish = wishes([call.headers.get("prefer", "")])
        token = call.first("$skiptoken") or call.first("$deltatoken")
        if token is None:
            window = bound(call.first("startDateTime"), "startDateTime"), bound(call.first("endDateTime"), "endDateTime")
            refs = tuple(event.guid for event in box.listed(calendar, there.knobs.lag) if _inside(event, window))
            state = State(box.address, calendar, window, _newest(box, there), refs, wish.page or 10)
        elif token in self._tokens:
            state = self._tokens[token]
            if not state.left and call.first("$deltatoken"):
                state = self._next_round(state, box)
        else:
            raise self._lost(request, call)
        return self._page(request, call, box, state, wish)

    def _next_round(self, state: State, box: Mailbox) -> State:
        newest = _newest(box, self._there)
        refs = list(dict.fromkeys(guid for change, guid in box.changes if state.since < change <= newest))
        if self._there.knobs.replay == "old":
            refs += [guid for change, guid in box.changes if change <= state.since][:1]
        if self._there.knobs.replay == "twice":
            refs += refs[:1]
        return State(state.box, state.calendar, state.window, newest, tuple(refs), state.page)

    def _page(self, request: Request, call: Call, box: Mailbox, state: State, wish: Wishes) -> Response:
        now, later = state.left[: state.page], state.left[state.page :]
        token = f"t{len(self._tokens):06d}x{self._there.random.randrange(10**9)}"
        self._tokens[token] = State(state.box, state.calendar, state.window, state.since, later, state.page)
        name, link = ("$skiptoken", "@odata.nextLink") if later else ("$deltatoken", "@odata.deltaLink")
        rows = [self._row(box, guid, state, wish) for guid in now]
        context = f"{self._there.base_url}/$metadata#Collection(event)"
        return answer(
            {"@odata.context": context, link: f"{self._there.url}{call.path}?{urlencode({name: token})}", "value": rows}
        )

    def _row(self, box: Mailbox, guid: str, state: State, wish: Wishes) -> dict[str, Any]:
        event = box.items[guid].at(self._there.clock.now - self._there.knobs.lag)
        if event is not None and event.calendar == state.calendar and _inside(event, state.window):
            return shown(event, box, wish, None, wrap=self._there.knobs.wrap)
        last = next(event for _, event in reversed(box.items[guid].states) if event is not None)
        return {"@odata.type": "#microsoft.graph.event", "id": shown_id(last, wish.immutable), "@removed": {"reason": "deleted"}}

    def _lost(self, request: Request, call: Call) -> Refusal:
        knobs = self._there.knobs
        status = 410 if knobs.lost_delta != "resyncRequired" else 400
        headers = {"location": f"{self._there.url}{call.path}?$deltatoken=latest"} if knobs.lost_delta_location else {}
        return Refusal(status, knobs.lost_delta, "The sync state generation is not found; synchronize again.", headers=headers)


def _inside(event: Event, window: tuple[int, int]) -> bool:
    return any(one.start < window[1] and one.end > window[0] for one in occurrences(event))


def _newest(box: Mailbox, there: Microsoft) -> int:
    """The last change that lists see already."""
    seen = there.clock.now - there.knobs.lag
    shown_changes = {
        event.change for item in box.items.values() for since, event in item.states if event is not None and since > seen
    }
    return min(shown_changes, default=box.changes[-1][0] + 1 if box.changes else 1) - 1
