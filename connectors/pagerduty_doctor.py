"""Looks at what a PagerDuty destination needs, and says in the vendor's own words what to click."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from connectors.pagerduty_answer import Refusal
from connectors.pagerduty_api import SCOPES, Api, listed
from connectors.pagerduty_final import final
from connectors.pagerduty_people import People
from syncd.connector import ConnectorError, Denied, Finding, Site, Unsupported
from syncd.core.model import DAY, Window, iso

KEYS = "in PagerDuty: Integrations > Developer Tools > API Access Keys > Create New API Key, with Read-only API Key not ticked"
APP = f"in PagerDuty: Integrations > Developer Tools > App Registration > your app > Scoped OAuth, tick {', '.join(SCOPES)}"


def examine(api: Api, people: People, site: Site, flavour: Callable[[], str], entries: str) -> Iterator[Finding]:
    """`entries` is the path of the schedule's entries. One that cannot be there is deleted: whoever may not write is told so."""
    try:
        yield Finding(what="schedule", ok=True, text=flavour())
    except ConnectorError as problem:
        yield _bad("schedule", problem)
        return
    try:
        answer = api.get("/users", [("limit", "1")])
        listed(answer, "users")
        yield Finding(what="reading users", ok=True, text="allowed")
        if answer.time is not None:
            yield Finding(what="clock", ok=True, text=f"PagerDuty's clock says {iso(answer.time)}", server_time=answer.time)
    except (ConnectorError, Refusal) as problem:
        yield _bad("reading users", problem)
        return
    try:
        api.delete(f"{entries}/NOSUCHENTRY")
        yield Finding(what="writing", ok=True, text="allowed")
    except Refusal:  # there is none: so it was looked for
        yield Finding(what="writing", ok=True, text="allowed")
    except ConnectorError as problem:
        yield _bad("writing", problem)
    yield from _people(people, site)


def beside_the_rota(api: Api, schedule: str) -> Iterator[Finding]:
    """Of a shift-based schedule: what else decides whom it pages in the next 30 days."""
    try:
        now = api.get(f"/v3/schedules/{schedule}").time or 0
        told = final(api, schedule, Window(now, now + 30 * DAY))
    except (ConnectorError, Refusal) as problem:
        text = problem.answer.words if isinstance(problem, Refusal) else str(problem)
        yield Finding(what="final schedule", ok=False, text=text, remedy="the rest is well; look again later")
        return
    if told.on is None:
        text = "PagerDuty does not render this schedule, so `status` compares the custom shifts and the overrides alone"
        yield Finding(what="final schedule", ok=True, text=text)
    number = len(told.overs)
    text = f"{number or 'none'} over custom shifts in the next 30 days"
    yield Finding(what="overrides", ok=True, text=text + ("; `mode` decides about them" if number else ""))
    others = len({on.user for on in told.on or () if on.ref is None})
    if others:
        text = f"rotations of this schedule page {others} {'person' if others == 1 else 'people'} besides the rota"
        yield Finding(what="rotations", ok=False, text=text, remedy="delete them in PagerDuty, unless both are to be paged")


def _people(people: People, site: Site) -> Iterator[Finding]:
    for person in people.of_the_schedule():
        try:
            user = people.needed(person)
        except ConnectorError as problem:
            text = f"the e-mail {site.people[person].email} is no single user's"
            remedy = f"write accounts: {{pagerduty: PXXXXXX}} at {person}, the last part of the address of the user's page"
            yield Finding(what=f"person {person}", ok=False, text=f"{text} ({problem})", remedy=remedy)
        else:
            yield Finding(what=f"person {person}", ok=True, text=f"is the user {user}")


def _bad(what: str, problem: Exception) -> Finding:
    text = problem.answer.words if isinstance(problem, Refusal) else str(problem)
    remedy = f"{KEYS}; of an app, {APP}" if isinstance(problem, Denied) else ""
    if isinstance(problem, Unsupported):
        remedy = "change `kind` as said"
    return Finding(what=what, ok=False, text=text, remedy=remedy or "look at the destination's options")
