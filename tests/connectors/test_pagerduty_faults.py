"""Every fault at every call of both PagerDuty connectors: one request, one word of the contract, no secret, no duplicate."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors import pagerduty_api, pagerduty_http
from connectors.pagerduty import PagerDuty
from connectors.pagerduty_v3 import PagerDutyV3
from syncd.connector import ConnectorError, Denied, Entry, Rejected, Unavailable
from syncd.core.model import DAY, HOUR, Window
from tests.connectors.conformance import SITE, T, op, said, shift
from tests.connectors.pagerduty_place import LAYERS, METHODS, SHIFTS, account, app, options
from tests.simulators.common import Fault
from tests.simulators.pagerduty import CLIENT_SECRET, KEY
from tests.simulators.pagerduty import PagerDuty as Vendor

Pager = PagerDuty | PagerDutyV3
SPAN = Window(T, T + DAY)
RATE = {"ratelimit-limit": "960", "ratelimit-remaining": "0", "ratelimit-reset": "33"}
JSON = {"content-type": "application/json"}
ERROR = {"error": {"message": "Rate Limit Exceeded", "code": 2020}}

KNOBS: dict[str, tuple[dict[str, Any], type[ConnectorError], bool, bool]] = {
    # knob: the fault, the word of the contract, is it certain that nothing was done, was it done all the same
    "dropped before": ({"drop": "before"}, Unavailable, False, False),
    "dropped after": ({"drop": "after"}, Unavailable, False, True),
    "half an answer": ({"drop": "half"}, Unavailable, False, True),
    "late": ({"drop": "late"}, Unavailable, False, False),
    "no answer": ({"delay": 3.0, "drop": "before"}, Unavailable, False, False),
    "an error, but applied": ({"status": 500, "commit": True}, Unavailable, False, True),
    "a gateway's page": ({"status": 502, "body": "<html>"}, Unavailable, False, False),
    "a page with 200": ({"status": 200, "body": "<html>"}, Unavailable, False, False),
    "took too long": ({"status": 408, "body": {"error": {"message": "Took too long", "code": 2016}}}, Unavailable, False, False),
    "unavailable": ({"status": 503}, Unavailable, False, False),
    "rate limit": ({"status": 429, "headers": RATE, "body": ERROR}, Unavailable, True, False),
    "rate limit, bare": ({"status": 429}, Unavailable, True, False),
    "led elsewhere": ({"status": 302, "headers": {"location": "/login"}}, Unavailable, True, False),
    "refused credential": ({"status": 401, "times": 2}, Denied, True, False),
    "missing ability": ({"status": 402}, Denied, True, False),
    "missing scope": ({"status": 403}, Denied, True, False),
    "invalid": ({"status": 400, "body": {"error": {"message": "Invalid Input Provided", "code": 2001}}}, Rejected, True, False),
}
CALLS = {"layers": ["read", "create", "delete"], "shifts": ["read", "create", "replace", "delete"]}
CASES = [(kind, verb) for kind, verbs in CALLS.items() for verb in verbs]

MATRIX = [
    (kind, verb, knob)
    for kind, verb in CASES
    for knob in KNOBS
    if (verb, knob) != ("delete", "half an answer")  # it has no body that could be cut
]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pagerduty_http, "READ", 0.5)
    monkeypatch.setattr(pagerduty_api, "_LANES", {})


@pytest.fixture
def place() -> Iterator[Vendor]:
    with account() as there:
        yield there


def made(place: Vendor, kind: str, signing: Callable[..., Any] = options) -> Pager:
    if kind == "layers":
        return PagerDuty(signing(place), SITE)
    return PagerDutyV3(signing(place, schedule=SHIFTS), SITE)


def prepared(pager: Pager, verb: str) -> Entry | None:
    """What the call is about, with everybody known and a token in hand."""
    pager.create(shift("cho", T + 20 * HOUR, T + 21 * HOUR), op("a0"))
    if verb in ("read", "create"):
        pager.read(SPAN, {})
        return None
    entry = pager.create(shift(), op("a1"))
    pager.read(SPAN, {})
    return entry


def call(pager: Pager, verb: str, entry: Entry | None) -> None:
    if verb == "read":
        pager.read(SPAN, {})
    elif verb == "create" or entry is None:
        pager.create(shift(), op("a1"))
    elif verb == "replace":
        pager.replace(entry, shift("ben"), op("a1"))
    else:
        pager.delete(entry, op("a1"))


def standing(pager: Pager) -> list[Any]:
    return sorted(said(entry) for entry in pager.read(SPAN, {}).entries if entry.start == T)


def expected(verb: str, done: bool) -> list[Any]:
    before, after = {"read": ("", ""), "create": ("", "ana"), "replace": ("ana", "ben"), "delete": ("ana", "")}[verb]
    person = after if done else before
    return [(T, T + 8 * HOUR, person)] if person else []


def struck(verb: str, kind: str, knob: dict[str, Any]) -> Fault:
    path = f"{SHIFTS}/custom_shifts" if kind == "shifts" else rf"{LAYERS}(/overrides.*)?$"
    return Fault(method=METHODS[verb], path=path, **knob)


@pytest.mark.parametrize(("kind", "verb", "knob"), MATRIX, ids=[" ".join(case) for case in MATRIX])
def test_one_request_one_word_and_what_was_there_stands(
    place: Vendor, kind: str, verb: str, knob: str, caplog: pytest.LogCaptureFixture
) -> None:
    fault, word, certain, done = KNOBS[knob]
    pager = made(place, kind)
    entry = prepared(pager, verb)
    place.faults.add(struck(verb, kind, fault))
    before = len(place.journal.of(METHODS[verb]))
    with pytest.raises(ConnectorError) as failure:
        call(pager, verb, entry)
    place.faults.clear()
    assert type(failure.value) is word
    assert [line for line in caplog.records if line.name.startswith("pagerduty")] == [], "told once, by the error"
    if isinstance(failure.value, Unavailable):
        assert failure.value.refused == certain
        assert failure.value.after == (33 if knob == "rate limit" else None)
    asked = place.journal.of(METHODS[verb])[before:]
    probes = [one for one in asked if one.path.startswith(f"/v3/schedules/{LAYERS}") or one.path == f"/v3/schedules/{SHIFTS}"]
    assert len(asked) - len(probes) == 1, "nothing is sent again"
    assert standing(pager) == expected(verb, done), "and the next look is well"
    text = "".join(traceback.format_exception(failure.value))
    assert KEY not in text
    assert "\n" not in str(failure.value)
    if knob == "late":
        place.land_late_writes()
        assert standing(pager) == expected(verb, done=True)
    pager.close()


@pytest.mark.parametrize("knob", ["dropped after", "rate limit", "a page with 200", "missing scope"])
@pytest.mark.parametrize(("kind", "verb"), CASES, ids=[f"{kind} {verb}" for kind, verb in CASES])
def test_an_app_meets_the_same_faults_alike(place: Vendor, kind: str, verb: str, knob: str) -> None:
    fault, word, certain, done = KNOBS[knob]
    pager = made(place, kind, app)
    entry = prepared(pager, verb)
    place.faults.add(struck(verb, kind, fault))
    with pytest.raises(word) as failure:
        call(pager, verb, entry)
    place.faults.clear()
    assert getattr(failure.value, "refused", certain) == certain
    assert standing(pager) == expected(verb, done)
    assert len(place.journal.of("POST", "oauth")) == 1
    text = "".join(traceback.format_exception(failure.value))
    assert not any(canary in text for canary in (CLIENT_SECRET, "canary-access"))
    pager.close()


@pytest.mark.parametrize(("kind", "verb"), CASES, ids=[f"{kind} {verb}" for kind, verb in CASES])
def test_a_token_revoked_at_any_call_costs_one_exchange(place: Vendor, kind: str, verb: str) -> None:
    pager = made(place, kind, app)
    entry = prepared(pager, verb)
    place.tokens.revoke_all()
    call(pager, verb, entry)
    assert standing(pager) == expected(verb, done=True)
    assert len(place.journal.of("POST", "oauth")) == 2
    pager.close()


@pytest.mark.parametrize("kind", CALLS)
def test_a_vendor_whose_clock_is_wrong_is_believed_and_told(place: Vendor, kind: str) -> None:
    place.clock.skew = 400
    pager = made(place, kind)
    assert pager.read(SPAN, {}).server_time == int(place.clock.now) + 400
    pager.close()


@pytest.mark.parametrize("kind", CALLS)
def test_a_lagging_list_never_makes_a_second_entry_of_one(place: Vendor, kind: str) -> None:
    """The look fails or is old while the list lags; once it has caught up there is one entry."""
    place.lag = 30
    pager = made(place, kind)
    pager.create(shift(), op("a1"))
    try:
        assert standing(pager) == []
    except Unavailable:
        assert kind == "layers", "there the two reads disagree, and that is seen"
    place.clock.advance(30)
    assert standing(pager) == [(T, T + 8 * HOUR, "ana")]
    pager.close()
