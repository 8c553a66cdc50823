"""PagerDuty's shift-based schedules: a shift is a custom shift, which adds a person and replaces nobody (PD-44).

Custom shifts are what the vendor recommends to external sources of truth. Several people may be on call at once, and a look at
rest is one list. Who takes a shift in PagerDuty's page lays an override over it (PD-43), which that list does not show: so the
final rota is read too, wherever the list is not as we left it, while an override is known, and every quarter of an hour
(`rendered` in `Observation.found`). A custom shift of an empty member pages nobody: it is no entry. Which people can be put on
call stands in `found` as well, as `pagerduty_people.py` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from connectors.pagerduty_answer import Answer, Refusal, line
from connectors.pagerduty_api import (
    Api,
    PagerDutyOptions,
    account_of,
    before_writing,
    check_deleted,
    every,
    item_of,
    listed,
    moment,
    slices,
)
from connectors.pagerduty_doctor import beside_the_rota, examine
from connectors.pagerduty_final import OVERRIDES, Final, On, Over, final, override, period, unrendered, user_of
from connectors.pagerduty_people import People
from syncd.connector import (
    Capabilities,
    ConnectorError,
    Entry,
    Finding,
    Observation,
    Operation,
    Paged,
    Place,
    Rejected,
    Site,
    Stale,
    Unavailable,
    Unsupported,
)
from syncd.core.model import Instant, Shift, Window, iso
from syncd.core.timeline import minus

PROOF = 900
"""Seconds after which the final rota is read again, though nothing in the list says that it changed."""
PROVEN = "rendered"
"""In `found`: when the final rota was last read and agreed with the list."""


class _Custom(NamedTuple):
    ref: str
    start: Instant
    end: Instant
    user: str
    """An id; "" is an empty member."""

    @property
    def version(self) -> str:
        """The vendor has none (no etag): what it says is compared."""
        return f"{iso(self.start)}/{iso(self.end)}/{self.user}"


class PagerDutyV3:
    """Shift-based schedules (the v3 API)."""

    Options: ClassVar[type[PagerDutyOptions]] = PagerDutyOptions
    requires: ClassVar[tuple[str, ...]] = ("pagerduty",)
    capabilities: ClassVar[Capabilities] = Capabilities(exclusive=True, renders=True, markers=False, own_ids=False, calls=1)

    def __init__(self, options: PagerDutyOptions, site: Site) -> None:
        self._schedule = options.schedule
        self._path = f"/v3/schedules/{options.schedule}/custom_shifts"
        self._site = site
        self._api = Api(options)
        self._people = People(site, self._api)
        self._home = f"home:{options.schedule}"

    def wording(self, shift: Shift) -> str:
        return ""

    def close(self) -> None:
        self._api.close()

    def places(self) -> Sequence[Place]:
        from connectors.pagerduty_link import places

        return places(self._api, "/v3/schedules")

    def original(self, window: Window) -> Mapping[str, Any]:
        from connectors.pagerduty_link import shift_based

        return shift_based(self._api, self._schedule, window)

    # --- looking -------------------------------------------------------------------------

    def read(self, window: Window, known: Mapping[str, str]) -> Observation:
        time: Instant | None = None
        customs: dict[str, _Custom] = {}
        for part in slices(window):
            time = self._list(part, customs) or time
        for ref in known:
            if not ref.startswith(OVERRIDES) and ref not in customs and (one := self._one(ref)) is not None:
                customs[ref] = one  # gone only if it is nowhere (W11)
        pages = [one for one in customs.values() if one.user and not self._people.is_replaced(one.user)]
        on = [one for one in pages if one.ref in known or _shares(one, window)]
        at = time if time is not None else window.start
        told = self._final(window, on, at) if self._due(on, known, at) else None
        overs = [over for over in told.overs if _shares(over, window)] if told else []
        paged = self._whom(told, on) if told else []
        entries: list[_Custom | Over] = [*on, *overs]
        users = {*(one.user for one in entries), *(one.user for one in paged)} - {""}
        self._people.meet(dict.fromkeys(sorted(users), ""), time)
        return Observation(
            entries=tuple(map(self._entry, sorted(entries, key=lambda one: (one.start, one.ref)))),
            paged=tuple(map(self._paged, paged)),
            rendered=told is not None,
            missing=self._people.missing(),
            server_time=time,
            fingerprint=f"pagerduty:{self._people.found[self._home]}:{self._schedule}",
            found=self._people.found,
        )

    def _due(self, on: Sequence[_Custom], known: Mapping[str, str], at: Instant) -> bool:
        since = self._people.found.get(PROVEN, "")
        if self._home not in self._people.found or not since.isdigit() or not 0 <= at - int(since) < PROOF:
            return True
        return {one.ref: one.version for one in on} != known  # an override that is known is in no list

    def _final(self, window: Window, on: Sequence[_Custom], at: Instant) -> Final:
        try:
            told = final(self._api, self._schedule, window)
        except Refusal as refusal:
            refused = refusal.answer
        else:
            self._people.found[self._home] = account_of(told.page, self._api)
            shown = {one.ref for one in told.on or ()} | {over.shift for over in told.overs}
            if told.on is None or all(one.ref in shown or one.end <= at or not _shares(one, window) for one in on):
                self._people.found[PROVEN] = str(at)
            else:
                self._people.found.pop(PROVEN, None)  # a write fell between the two reads, or a shift pages nobody: look again
                self._people.check(sorted({one.user for one in on if one.ref not in shown}), at)
            return told
        if refused.status != 400:
            raise self._refused(refused)
        self._flavour()  # it is a schedule of this kind: so what it does not know is the rendering
        self._people.found[PROVEN] = str(at)
        return unrendered(self._api, self._schedule, window)

    def _whom(self, told: Final, on: Sequence[_Custom]) -> list[On]:
        """Whom PagerDuty pages; where it does not say so, whom the shifts and what lies over them do."""
        if told.on is not None:
            return told.on
        found = [On(over.start, over.end, over.user, over.ref) for over in told.overs if over.user]
        for one in on:
            taken = [(over.start, over.end) for over in told.overs if over.shift == one.ref]
            found += [On(start, end, one.user, one.ref) for start, end in minus([(one.start, one.end)], taken)]
        return found

    def _list(self, window: Window, customs: dict[str, _Custom]) -> Instant | None:
        """Without overflow, what crosses an edge comes back clipped. Returns the server's time."""
        try:
            items, answer = every(self._api, self._path, "custom_shifts", period(window))
        except Refusal as refusal:
            refused = refusal.answer
        else:
            customs.update({one.ref: one for one in map(_custom, items)})
            return answer.time
        raise self._refused(refused)

    def _one(self, ref: str) -> _Custom | None:
        """One custom shift as it stands, None where it is gone."""
        try:
            return _custom(item_of(self._api.get(f"{self._path}/{ref}"), "custom_shift"))
        except Refusal as refusal:
            answer = refusal.answer
        if answer.status in (400, 404):  # 400: an id of another kind, left from before an upgrade; the list was well
            return None
        raise self._refused(answer)

    def _entry(self, one: _Custom | Over) -> Entry:
        person, title = self._who(one.user)
        over = one.shift if isinstance(one, Over) else None
        return Entry(
            ref=one.ref, uid="", start=one.start, end=one.end, person=person, title=title, version=one.version, over=over
        )

    def _paged(self, on: On) -> Paged:
        person, title = self._who(on.user)
        return Paged(start=on.start, end=on.end, person=person, title=title, ref=on.ref)

    def _who(self, user: str) -> tuple[str | None, str]:
        """Person, and the name of somebody who is not in the rota."""
        person = self._people.person(user) if user else None
        return person, "" if person or not user else self._people.name(user)

    # --- writing -------------------------------------------------------------------------

    def create(self, shift: Shift, op: Operation) -> Entry:
        wanted = _Custom("", shift.start, shift.end, self._people.needed(shift.person))
        body = {"custom_shifts": [{"type": "custom_shift", **_times(wanted), **_member(wanted)}]}
        answer = self._asked(lambda: self._api.post(self._path, body), user=wanted.user)
        for one in map(_custom, listed(answer, "custom_shifts")):  # no status an item (PD-45)
            if one.ref and one[1:] == wanted[1:]:
                return self._entry(one)
        raise Unavailable(
            f"PagerDuty's answer does not mention the shift of {shift.person}; the next look shows whether it is there"
        )

    def replace(self, entry: Entry, shift: Shift, op: Operation) -> Entry:
        now, time = self._as_seen(entry)
        if now is None:
            raise Stale(f"the custom shift {entry.ref} is gone")
        wanted = _Custom(now.ref, shift.start, shift.end, self._people.needed(shift.person))
        if wanted == now:
            return self._entry(now)
        if time is not None and now.start <= time and (wanted.start, wanted.user) != (now.start, now.user):
            raise Rejected(f"the custom shift {entry.ref} has started: PagerDuty changes nothing but its end (PD-47)")
        change: dict[str, Any] = {name: text for name, text in _times(wanted).items() if text != _times(now)[name]}
        if wanted.user != now.user:
            change |= _member(wanted)
        answer = self._asked(lambda: self._api.put(f"{self._path}/{entry.ref}", {"custom_shift": change}), entry.ref, wanted.user)
        return self._entry(_custom(item_of(answer, "custom_shift")))

    def delete(self, entry: Entry, op: Operation) -> None:
        """A running one ends now and stays; what has ended is refused (PD-47; PD-46 says nothing else of overrides)."""
        now = self._override_as_seen(entry) if entry.ref.startswith(OVERRIDES) else self._as_seen(entry)[0]
        if now is None:
            return
        try:
            done = self._api.delete(self._path_of(entry.ref))
        except Refusal as refusal:
            answer = refusal.answer
        else:
            check_deleted(done, entry.start)
            return
        if answer.status != 404:
            raise Rejected(f"PagerDuty does not delete {_named(entry.ref)}, which may be over ({answer.words})")

    def _path_of(self, ref: str) -> str:
        return f"/v3/schedules/{self._schedule}/{ref}" if ref.startswith(OVERRIDES) else f"{self._path}/{ref}"

    def _override_as_seen(self, entry: Entry) -> Over | None:
        try:
            now = before_writing(lambda: override(self._api, self._schedule, entry.ref))
        except Refusal as refusal:
            refused = refusal.answer
        else:
            if (entry.version or "").split("/")[2:3] != [now.user]:  # its times may have been told in pieces
                raise Stale(f"{_named(entry.ref)} was changed since it was read")
            return now
        if refused.status == 404:
            self._flavour()
            return None
        raise self._refused(refused)

    def _as_seen(self, entry: Entry) -> tuple[_Custom | None, Instant | None]:
        """What stands there now, and the server's time. There is no If-Match: it is read before each write."""
        try:
            answer = before_writing(lambda: self._api.get(f"{self._path}/{entry.ref}"))
        except Refusal as refusal:
            refused = refusal.answer
        else:
            now = _custom(item_of(answer, "custom_shift"))
            if entry.version != now.version:
                raise Stale(f"the custom shift {entry.ref} was changed since it was read")
            return now, answer.time
        if refused.status == 404:
            self._flavour()  # gone, or the whole schedule is: that is not the same
            return None, None
        raise self._refused(refused)

    # --- which kind it is ----------------------------------------------------------------

    def _asked(self, call: Callable[[], Answer], ref: str = "", user: str = "") -> Answer:
        """`user`: who is to be put on call, and may be there no more if that is refused."""
        try:
            return call()
        except Refusal as refusal:
            answer = refusal.answer
        if ref and answer.status == 404:
            raise Stale(f"the custom shift {ref} is gone")
        self._people.check([user], answer.time)
        raise self._refused(answer)

    def _refused(self, answer: Answer) -> ConnectorError:
        self._flavour()
        return Rejected(f"PagerDuty refuses the call ({answer.words})")

    def _flavour(self) -> str:
        """The schedule's name; remembers whose it is. Raises `Unsupported` of a layer-based one (400, PD-42)."""
        try:
            schedule = item_of(self._api.get(f"/v3/schedules/{self._schedule}"), "schedule")
        except Refusal as refusal:
            answer = refusal.answer
        else:
            self._people.found[self._home] = account_of(schedule.get("html_url"), self._api)
            return f"{line(str(schedule.get('name') or self._schedule))}, shift-based, {line(str(schedule.get('time_zone')))}"
        if answer.status == 400:
            raise Unsupported(
                f"the schedule {self._schedule} is a layer-based one, which this kind cannot write ({answer.words}): "
                f"write `kind: pagerduty` at the destination {self._site.destination} (its options stay as they are)"
            )
        raise Rejected(
            f"PagerDuty has no schedule {self._schedule} for this credential ({answer.words}): "
            "look at options: schedule (the last part of its page's address) and at the account"
        )

    def doctor(self) -> Iterable[Finding]:
        bad = False
        for finding in examine(self._api, self._people, self._site, self._flavour, self._path):
            bad = bad or not finding.ok
            yield finding
        if not bad:
            yield from beside_the_rota(self._api, self._schedule)


def _named(ref: str) -> str:
    return f"the override {ref.removeprefix(OVERRIDES)}" if ref.startswith(OVERRIDES) else f"the custom shift {ref}"


def _custom(item: Mapping[str, Any]) -> _Custom:
    assignments = item.get("assignments")
    first = assignments[0] if isinstance(assignments, list) and assignments else None
    member = first.get("member") if isinstance(first, dict) else None
    if not item.get("id"):
        raise Unavailable("PagerDuty's answer has a custom shift without an id")
    return _Custom(str(item["id"]), moment(item.get("start_time")), moment(item.get("end_time")), user_of(member))


def _times(one: _Custom) -> dict[str, str]:
    return {"start_time": iso(one.start), "end_time": iso(one.end)}


def _member(one: _Custom) -> dict[str, Any]:
    return {"assignments": [{"type": "shift_assignment", "member": {"type": "user_member", "user_id": one.user}}]}


def _shares(one: _Custom | Over, window: Window) -> bool:
    return one.start < window.end and window.start < one.end
