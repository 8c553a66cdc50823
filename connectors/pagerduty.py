"""PagerDuty's layer-based schedules: a shift is an override, on top of whatever lies there, and cannot be changed.

A schedule shows one person at a time. Who of several overlapping overrides is on top stands nowhere in their list; it is
read off the rendered schedule, so a look is two reads (PD-21, PD-26, PD-35). Which people can be put on call stands in
`Observation.found` (`pagerduty_people.py`): `user:ana` says who ana is there, `missing:dev` that dev is nobody there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from connectors.pagerduty_answer import Answer, Refusal, line
from connectors.pagerduty_api import Api, PagerDutyOptions, account_of, before_writing, check_deleted, item_of, listed, slices
from connectors.pagerduty_doctor import examine
from connectors.pagerduty_overrides import (
    Look,
    Override,
    Top,
    form_of,
    is_over,
    name_in,
    override_in,
    rendered_in,
    shares,
    span,
    told_by,
    tops,
    torn,
)
from connectors.pagerduty_people import People
from syncd.connector import (
    Capabilities,
    ConnectorError,
    Denied,
    Entry,
    Finding,
    Observation,
    Operation,
    Paged,
    Place,
    Rejected,
    Site,
    Unavailable,
    Unsupported,
)
from syncd.core.model import DAY, Shift, Window, iso


class PagerDuty:
    """Layer-based schedules (the v2 API)."""

    Options: ClassVar[type[PagerDutyOptions]] = PagerDutyOptions
    requires: ClassVar[tuple[str, ...]] = ("pagerduty",)
    batch: ClassVar[int] = 5
    """Few enough that one lost answer leaves little in doubt: what lands late is cleaned up within the limits of a cycle (W4)."""
    capabilities: ClassVar[Capabilities] = Capabilities(
        exclusive=True, stacked=True, renders=True, markers=False, own_ids=False, native_update=False, people=1, calls=1
    )

    def __init__(self, options: PagerDutyOptions, site: Site) -> None:
        self._schedule = options.schedule
        self._site = site
        self._api = Api(options)
        self._people = People(site, self._api)

    def wording(self, shift: Shift) -> str:
        return ""

    def close(self) -> None:
        self._api.close()

    def places(self) -> Sequence[Place]:
        from connectors.pagerduty_link import places

        return places(self._api, "/schedules")

    def original(self, window: Window) -> Mapping[str, Any]:
        from connectors.pagerduty_link import layered

        return layered(self._api, self._schedule, window)

    # --- looking -------------------------------------------------------------------------

    def read(self, window: Window, known: Mapping[str, str]) -> Observation:
        look = self._look(window)
        if torn(look, window):  # a write of somebody fell between the two reads
            look = self._look(window)
        at = torn(look, window)
        if at is not None:  # somebody who is no user any more is not rendered, whatever the list says
            here = {one.user for one in look.overrides.values() if shares(one, window)} - {piece.user for piece in look.final}
            if self._people.check(sorted(here), look.time):
                at = torn(look, window, frozenset(user for user in here if self._people.is_gone(user)))
        if at is not None:
            raise Unavailable(f"PagerDuty's list of overrides and its rendered schedule disagree at {iso(at)}; look again later")
        # What is over cannot be changed or deleted any more (PD-28): it is what it was.
        past = {ref for ref, said in known.items() if ref not in look.overrides and is_over(said, look.time)}
        missing = [ref for ref in known if ref not in look.overrides and ref not in past]
        if missing:  # gone if two lists agree (W11); the second is wider, as one override cannot be read by itself (PD-27)
            wide = self._overrides(Window(window.start - 15 * DAY, window.end + 60 * DAY), look.names)
            look.overrides.update({ref: wide[ref] for ref in missing if ref in wide})
        rendered = {piece.user for piece in look.final}
        pages = [one for one in look.overrides.values() if one.user in rendered or not self._people.is_replaced(one.user)]
        shown = [one for one in pages if one.ref in known or shares(one, window)]
        users = {*(one.user for one in shown), *(piece.user for piece in look.final)}
        self._people.meet({user: look.names.get(user, "") for user in users}, look.time)
        return Observation(
            entries=tuple(map(self._entry, sorted(shown, key=lambda one: (one.start, one.ref)))),
            same=frozenset(past),
            paged=tuple(map(self._paged, tops(look, window, known))),
            missing=self._people.missing(),
            server_time=look.time,
            fingerprint=f"pagerduty:{account_of(look.page, self._api)}:{self._schedule}",
            found=self._people.found,
        )

    def _look(self, window: Window) -> Look:
        look = Look({}, [], [], {}, None, None)
        for part in slices(window):
            answer = self._get(f"/schedules/{self._schedule}", [*span(part), ("time_zone", "UTC")])
            schedule = item_of(answer, "schedule")
            if schedule.get("type") == "schedule_v3":
                raise self._upgraded()
            for name, pieces in (("final_schedule", look.final), ("overrides_subschedule", look.covered)):
                pieces += rendered_in(schedule, name, part, look.names)
            look.overrides.update(self._overrides(part, look.names))
            look = look._replace(time=answer.time or look.time, page=schedule.get("html_url"))
        return look

    def _overrides(self, window: Window, names: dict[str, str]) -> dict[str, Override]:
        found = {}
        for part in slices(window):
            for item in listed(self._get(f"/schedules/{self._schedule}/overrides", span(part)), "overrides"):
                override = override_in(item)
                found[override.ref] = override
                names.setdefault(override.user, name_in(item))
        return found

    def _entry(self, override: Override) -> Entry:
        person = self._people.person(override.user)
        return Entry(
            ref=override.ref,
            uid="",
            start=override.start,
            end=override.end,
            person=person,
            title="" if person else self._people.name(override.user),
            version=override.version,
        )

    def _paged(self, top: Top) -> Paged:
        person = self._people.person(top.user)
        return Paged(
            start=top.start, end=top.end, person=person, title="" if person else self._people.name(top.user), ref=top.ref
        )

    # --- writing -------------------------------------------------------------------------

    def create(self, shift: Shift, op: Operation) -> Entry:
        [outcome] = self.create_many([shift], [op])
        if isinstance(outcome, ConnectorError):
            raise outcome
        return outcome

    def create_many(self, shifts: Sequence[Shift], ops: Sequence[Operation]) -> Sequence[Entry | ConnectorError]:
        """The status of the whole call says nothing of its items (PD-24)."""
        outcomes: list[Entry | ConnectorError | None] = [None] * len(shifts)
        sent: list[tuple[int, Override]] = []
        users = {person: self._user(person) for person in dict.fromkeys(shift.person for shift in shifts)}
        for at, shift in enumerate(shifts):
            user = users[shift.person]
            if isinstance(user, Rejected):
                outcomes[at] = user
            else:
                sent.append((at, Override("", shift.start, shift.end, user)))
        if sent:
            body = {"overrides": [form_of(one) for _, one in sent]}
            answer = self._post(f"/schedules/{self._schedule}/overrides", body)
            told = told_by(answer)
            for at, override in sent:
                outcomes[at] = self._judged(override, shifts[at], told)
            refused = {override.user for at, override in sent if isinstance(outcomes[at], Rejected)}
            self._people.check(sorted(refused), answer.time)
        return [outcome or Rejected("nothing was sent") for outcome in outcomes]

    def _user(self, person: str) -> str | Rejected:
        try:
            return self._people.needed(person)
        except Rejected as problem:
            return problem

    def _judged(self, sent: Override, shift: Shift, told: list[tuple[Override, str]]) -> Entry | ConnectorError:
        """The item of the answer that says what was sent; each is taken once, since equal ones may be sent."""
        who = f"the override for {shift.person} from {iso(shift.start)}"
        for item in told:
            override, words = item
            if (override.start, override.end, override.user) == (sent.start, sent.end, sent.user):
                told.remove(item)
                return (
                    self._entry(override) if override.ref else Rejected(f"PagerDuty refuses {who}: {words or 'no reason given'}")
                )
        return Unavailable(f"PagerDuty's answer does not mention {who}; the next look shows whether it is there")

    def replace(self, entry: Entry, shift: Shift, op: Operation) -> Entry:
        raise Rejected("an override cannot be changed, only created and deleted (PD-27)")

    def delete(self, entry: Entry, op: Operation) -> None:
        """A running one is cut off at the server's now and stays (PD-28)."""
        try:
            done = self._api.delete(f"/schedules/{self._schedule}/overrides/{entry.ref}")
        except Refusal as refusal:
            answer = refusal.answer
        else:
            check_deleted(done, entry.start)
            return
        self._check_kind()
        if answer.status != 404:
            raise Rejected(f"PagerDuty does not delete the override {entry.ref}, which may be over ({answer.words})")

    # --- which kind it is ----------------------------------------------------------------

    def _get(self, path: str, params: Sequence[tuple[str, str]] = ()) -> Answer:
        try:
            return self._api.get(path, params)
        except Refusal as refusal:
            answer = refusal.answer
        raise self._refused(answer)

    def _post(self, path: str, body: Mapping[str, Any]) -> Answer:
        try:
            return self._api.post(path, body)
        except Refusal as refusal:
            answer = refusal.answer
        raise self._refused(answer)

    def _refused(self, answer: Answer) -> Rejected:
        self._check_kind()
        if answer.status == 404:
            return Rejected(
                f"PagerDuty has no schedule {self._schedule} for this credential ({answer.words}): "
                "look at options: schedule (the last part of its page's address) and at the account"
            )
        return Rejected(f"PagerDuty refuses the call ({answer.words})")

    def _check_kind(self) -> None:
        """An upgraded schedule keeps its id and is refused here: to take that for "deleted" would be wrong (PD-41, PD-42)."""
        try:
            before_writing(lambda: self._api.get(f"/v3/schedules/{self._schedule}"))
        except (Refusal, Denied):
            return
        raise self._upgraded()

    def _upgraded(self) -> Unsupported:
        return Unsupported(
            f"the schedule {self._schedule} is a shift-based one now, which this kind cannot write: "
            f"write `kind: pagerduty_v3` at the destination {self._site.destination} (its options stay as they are)"
        )

    def doctor(self) -> Iterable[Finding]:
        return examine(self._api, self._people, self._site, self._flavour, f"/schedules/{self._schedule}/overrides")

    def _flavour(self) -> str:
        schedule = item_of(self._get(f"/schedules/{self._schedule}"), "schedule")
        if schedule.get("type") == "schedule_v3":
            raise self._upgraded()
        return f"{line(str(schedule.get('name') or self._schedule))}, layer-based, {line(str(schedule.get('time_zone')))}"
