"""A simulated PagerDuty account that both of its connectors' tests use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from connectors.pagerduty_api import PagerDutyOptions
from syncd.connector import Secret
from tests.connectors.conformance import NOW, PEOPLE
from tests.simulators.common import Clock, Fault, clean_environment
from tests.simulators.pagerduty import CLIENT_ID, CLIENT_SECRET, KEY, PagerDuty

METHODS = {"read": "GET", "create": "POST", "replace": "PUT", "delete": "DELETE"}
LAYERS, SHIFTS = "PLAYER1", "PSHIFT1"


@contextmanager
def account() -> Iterator[PagerDuty]:
    """The people of `PEOPLE` by e-mail, a stranger, and one schedule of each kind."""
    clean_environment()
    with PagerDuty(clock=Clock(NOW)) as there:
        for person in PEOPLE.values():
            there.account.add_user(person.name, person.email or "")
        there.account.add_user("Zoe Unknown", "zoe@elsewhere.example")
        there.account.add_schedule("Payments", LAYERS)
        there.account.add_schedule("Payments in shifts", SHIFTS, kind="schedule_v3")
        yield there


def secret(text: str) -> Secret:
    return Secret("file /run/secrets/pagerduty", lambda: text)


def options(there: PagerDuty, **rest: Any) -> PagerDutyOptions:
    """With the API key, unless something else is given."""
    given = {"schedule": LAYERS, "token": secret(KEY), "base_url": there.url, "ca_file": there.ca_file}
    return PagerDutyOptions(**{**given, **rest})


def app(there: PagerDuty, **rest: Any) -> PagerDutyOptions:
    """As an app with client credentials."""
    who = {"client_id": CLIENT_ID, "client_secret": secret(CLIENT_SECRET), "account": there.account.subdomain}
    return options(there, token=None, **{**who, **rest})


def user(there: PagerDuty, who: str) -> str:
    """The id of a person of `PEOPLE`, or of the user of that name."""
    name = PEOPLE[who].name if who in PEOPLE else who
    return next(one.id for one in there.account.users.values() if one.name == name)


def fault(method: str, kind: str) -> Fault:
    """The words of `conformance.py`."""
    return {
        "lost before": Fault(method=method, drop="before"),
        "lost after": Fault(method=method, drop="after"),
        "refused": Fault(method=method, status=429, headers={"Retry-After": "7"}),
        "down": Fault(method=method, status=503),
        "denied": Fault(method=method, status=401, body={"error": {"message": "Authentication failed", "code": 2006}}),
        "garbage": Fault.gateway(200, method=method),
    }[kind]
