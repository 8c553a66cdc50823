"""Looks at what a PagerDuty destination needs, and says in the vendor's own words what to click."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from connectors.pagerduty_answer import Refusal
from connectors.pagerduty_api import SCOPES, Api, listed
from connectors.pagerduty_people import People
from syncd.connector import ConnectorError, Denied, Finding, Site, Unsupported
from syncd.core.model import iso

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
