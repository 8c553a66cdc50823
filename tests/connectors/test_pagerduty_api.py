"""How PagerDuty is asked: credentials of both kinds, its regions, its rate limit, one call at a time, bounded answers."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from connectors import pagerduty_api, pagerduty_http
from connectors.pagerduty import PagerDuty
from connectors.pagerduty_api import Api, PagerDutyOptions, checked, identity, scope
from syncd.connector import ConnectorError, Denied, Secret, Unavailable
from tests.connectors.conformance import SITE, WINDOW, op, shift
from tests.connectors.pagerduty_place import LAYERS, account, app, options, secret
from tests.simulators.common import Fault
from tests.simulators.pagerduty import CLIENT_SECRET, KEY, READ_KEY
from tests.simulators.pagerduty import PagerDuty as Vendor

CANARIES = (KEY, READ_KEY, CLIENT_SECRET, "canary-access")


@pytest.fixture
def place() -> Iterator[Vendor]:
    pagerduty_api._LANES.clear()
    with account() as there:
        yield there


def tokens(place: Vendor) -> int:
    return len(place.journal.of("POST", "^/oauth/token$"))


def failure_of(there: PagerDuty) -> ConnectorError:
    with pytest.raises(ConnectorError) as failure:
        there.read(WINDOW, {})
    return failure.value


# --- options ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ({"token": None}, "write a token"),
        ({"token": None, "client_id": "a", "account": "acme"}, "all of client_id"),
        ({"client_id": "a"}, "not both"),
        ({"schedule": "https://acme.pagerduty.com/schedules/P1"}, "the schedule's id"),
        ({"schedule": " "}, "the schedule's id"),
        ({"base_url": "http://api.pagerduty.com"}, "https address"),
        ({"base_url": "https://key@api.pagerduty.com"}, "https address"),
        ({"base_url": "api.pagerduty.com"}, "https address"),
    ],
)
def test_options_that_cannot_work_are_refused_with_what_to_write(rest: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"schedule": "P1", "token": secret(KEY), **rest}
    with pytest.raises(ValueError, match=words):
        PagerDutyOptions(**given)


def test_the_regions_hosts_are_the_vendors_and_another_host_serves_its_own_tokens() -> None:
    assert Api(PagerDutyOptions(schedule="P1", token=secret(KEY))).base == "https://api.pagerduty.com"
    assert checked("https://api.eu.pagerduty.com/") == "https://api.eu.pagerduty.com"
    assert identity("https://api.pagerduty.com") == identity("https://api.eu.pagerduty.com") == "https://identity.pagerduty.com"
    assert identity("https://127.0.0.1:8470") == "https://127.0.0.1:8470"
    assert scope("https://api.pagerduty.com", "acme").startswith("as_account-us.acme schedules.read ")
    assert scope("https://api.eu.pagerduty.com", "acme").startswith("as_account-eu.acme ")
    assert scope("https://gateway.example", "eu.acme").startswith("as_account-eu.acme ")


# --- credentials ------------------------------------------------------------------------------


def test_a_key_and_a_token_are_sent_in_their_own_ways_and_no_from(place: Vendor) -> None:
    PagerDuty(options(place), SITE).read(WINDOW, {})
    PagerDuty(app(place), SITE).read(WINDOW, {})
    kinds = [call.headers.get("authorization", "").partition(" ")[0] for call in place.journal]
    assert kinds == ["Token", "Token", "", "Bearer", "Bearer"]
    assert not any("from" in call.headers for call in place.journal)
    form = place.journal.of("POST")[0].form
    assert (form["grant_type"], form["scope"].split()[0]) == ("client_credentials", "as_account-us.acme")


def test_no_token_is_asked_for_while_one_is_valid(place: Vendor) -> None:
    for _ in range(3):
        connector = PagerDuty(app(place), SITE)
        connector.read(WINDOW, {})
        connector.close()
    assert tokens(place) == 1


def test_a_token_that_ran_out_is_replaced_once_and_the_call_is_made(place: Vendor) -> None:
    pager = PagerDuty(app(place), SITE)
    pager.create(shift(), op("a1"))
    place.clock.advance(86_400)
    assert len(pager.read(WINDOW, {}).entries) == 1
    place.tokens.revoke_all()
    pager.create(shift("ben"), op("a2"))
    assert tokens(place) == 3
    assert len(pager.read(WINDOW, {}).entries) == 2


def test_a_new_token_that_is_refused_too_is_denied_after_one_exchange(place: Vendor) -> None:
    pager = PagerDuty(app(place), SITE)
    pager.read(WINDOW, {})
    place.refuse_tokens = 2
    before = len(place.journal)
    assert isinstance(failure_of(pager), Denied)
    assert [call.path for call in place.journal[before:]] == [f"/schedules/{LAYERS}", "/oauth/token", f"/schedules/{LAYERS}"]
    pager.read(WINDOW, {})


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ({"client_secret": secret("canary-access-wrong")}, "invalid_client"),
        ({"account": "nobody"}, "invalid_scope"),
    ],
)
def test_an_app_that_gets_no_token_is_denied_with_the_vendors_words(place: Vendor, rest: dict[str, Any], words: str) -> None:
    failure = failure_of(PagerDuty(app(place, **rest), SITE))
    assert isinstance(failure, Denied)
    assert words in str(failure)
    assert "client_secret" in str(failure)


def test_a_token_host_in_trouble_leaves_no_write_in_doubt(place: Vendor) -> None:
    pager = PagerDuty(app(place), SITE)
    for trouble in (Fault(path="oauth", drop="after"), Fault.gateway(503, path="oauth"), Fault.gateway(200, path="oauth")):
        place.faults.add(trouble)
        with pytest.raises(Unavailable) as failure:
            pager.create(shift(), op("a1"))
        assert failure.value.refused
    place.faults.add(Fault(path="oauth", status=200, body={"token": "x"}, headers={"content-type": "application/json"}))
    with pytest.raises(Unavailable, match="without an access token"):
        pager.create(shift(), op("a1"))
    place.faults.add(Fault(path="oauth", status=429, headers={"ratelimit-reset": "9"}))
    with pytest.raises(Unavailable) as failure:
        pager.create(shift(), op("a1"))
    assert (failure.value.refused, failure.value.after) == (True, 9)
    assert place.journal.of("POST", "overrides") == []


def test_a_missing_scope_is_named_with_what_to_click(place: Vendor) -> None:
    place.app_scopes = ("schedules.read", "users.read")
    findings = {finding.what: finding for finding in PagerDuty(app(place), SITE).doctor()}
    assert not findings["writing"].ok
    assert "schedules.write" in findings["writing"].text
    assert "Scoped OAuth" in findings["writing"].remedy
    findings = {finding.what: finding for finding in PagerDuty(options(place, token=secret(READ_KEY)), SITE).doctor()}
    assert findings["schedule"].ok
    assert not findings["writing"].ok
    assert "Read-only API Key" in findings["writing"].remedy


def test_doctor_says_which_right_is_missing_first(place: Vendor) -> None:
    place.app_scopes = ("schedules.read", "schedules.write")
    *_, last = PagerDuty(app(place), SITE).doctor()
    assert (last.what, last.ok) == ("reading users", False)
    assert "users.read" in last.text
    place.app_scopes = ()
    pagerduty_api._LANES.clear()
    [only] = PagerDuty(app(place), SITE).doctor()
    assert (only.what, only.ok) == ("schedule", False)


def test_doctor_writes_nothing(place: Vendor) -> None:
    list(PagerDuty(options(place), SITE).doctor())
    assert [call.status for call in place.journal.writes()] == [404]
    assert place.account.schedules[LAYERS].overrides == {}


def test_a_secret_that_is_not_there_names_the_place(place: Vendor) -> None:
    def gone() -> str:
        raise FileNotFoundError("/run/secrets/pagerduty")

    failure = failure_of(PagerDuty(options(place, token=Secret("file /run/secrets/pagerduty", gone)), SITE))
    assert isinstance(failure, Denied)
    assert "file /run/secrets/pagerduty" in str(failure)
    assert len(place.journal) == 0


def test_a_replaced_secret_is_used_at_the_next_call(place: Vendor) -> None:
    now = ["canary-access-old"]
    pager = PagerDuty(options(place, token=Secret("test", lambda: now[0])), SITE)
    assert isinstance(failure_of(pager), Denied)
    now[0] = KEY + "\n"
    pager.read(WINDOW, {})


# --- rate -------------------------------------------------------------------------------------


def test_the_rate_limits_own_header_says_how_long_to_wait(place: Vendor) -> None:
    place.rate = 2
    pager = PagerDuty(options(place), SITE)
    pager.read(WINDOW, {})
    place.clock.advance(13)
    before = len(place.journal)
    failure = failure_of(pager)
    assert isinstance(failure, Unavailable)
    assert (failure.after, failure.refused) == (47, True)
    assert len(place.journal) == before + 1
    place.clock.advance(47)
    pager.read(WINDOW, {})


def test_a_refusal_without_headers_and_body_is_one_too(place: Vendor) -> None:
    place.rate, place.bare_429 = 0, True
    failure = failure_of(PagerDuty(options(place), SITE))
    assert isinstance(failure, Unavailable)
    assert (failure.after, failure.refused) == (None, True)


def test_retry_after_may_be_a_date_of_the_servers(place: Vendor) -> None:
    until = {"Retry-After": "Mon, 01 Mar 2027 00:01:30 GMT"}
    place.faults.add(Fault(status=429, headers=until))
    failure = failure_of(PagerDuty(options(place), SITE))
    assert isinstance(failure, Unavailable)
    assert failure.after == 90


def test_calls_of_one_credential_wait_for_each_other(place: Vendor) -> None:
    place.faults.add(Fault(delay=0.02, times=None))
    connectors = [PagerDuty(options(place), SITE) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: one.read(WINDOW, {}), connectors))
    assert place.most_at_once == 1


# --- bounds -----------------------------------------------------------------------------------


def test_an_answer_that_does_not_come_ends_the_call(place: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pagerduty_http, "READ", 0.1)
    place.faults.add(Fault(delay=5))
    assert "did not answer within" in str(failure_of(PagerDuty(options(place), SITE)))


def test_an_answer_that_trickles_ends_the_call(place: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pagerduty_http, "TOTAL", 0.2)
    place.faults.add(Fault(trickle=0.02))
    assert "did not finish its answer" in str(failure_of(PagerDuty(options(place), SITE)))


def test_an_endless_answer_is_not_taken(place: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pagerduty_http, "LARGEST", 1_000)
    place.faults.add(Fault(status=200, body=b" " * 5_000))
    assert "more than 10 MiB" in str(failure_of(PagerDuty(options(place), SITE)))


def test_a_compressed_answer_is_not_unpacked(place: Vendor) -> None:
    place.faults.add(Fault(status=200, headers={"content-encoding": "gzip"}, body=b"\x1f\x8b"))
    assert "compressed" in str(failure_of(PagerDuty(options(place), SITE)))


def test_a_redirect_is_not_followed(place: Vendor) -> None:
    place.faults.add(Fault(status=302, headers={"location": "https://127.0.0.1:9/steal"}))
    failure = failure_of(PagerDuty(options(place), SITE))
    assert "base_url" in str(failure)
    assert len(place.journal) == 1


def test_a_certificate_of_nobody_and_a_host_that_is_not_there_are_told_apart(place: Vendor) -> None:
    failure = failure_of(PagerDuty(options(place, ca_file=None), SITE))
    assert "certificate" in str(failure)
    url = place.url
    place.stop()
    failure = failure_of(PagerDuty(options(place, base_url=url), SITE))
    assert "(127.0.0.1) could not be reached (Connection refused)" in str(failure)
    assert isinstance(failure, Unavailable)
    assert failure.refused


def test_a_ca_file_that_is_none_is_named(place: Vendor, tmp_path: Any) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for name in ("ca.pem", "missing.pem"):
        failure = failure_of(PagerDuty(options(place, ca_file=tmp_path / name), SITE))
        assert name in str(failure)


def test_plain_http_serves_on_loopback() -> None:
    class Plain(Vendor):
        tls = False

    with Plain() as there:
        there.account.add_schedule("Payments", LAYERS)
        seen = PagerDuty(options(there, ca_file=None), SITE).read(WINDOW, {})
        assert there.url.startswith("http://")
        assert seen.entries == ()
        assert len(there.journal) == 2


# --- words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"), [(401, Denied), (402, Denied), (403, Denied), (408, Unavailable), (500, Unavailable), (503, Unavailable)]
)
def test_each_status_is_a_word_of_the_contract_in_the_vendors_words(
    place: Vendor, status: int, kind: type[ConnectorError]
) -> None:
    errors = ["one\nline", "two"]
    place.faults.add(Fault(status=status, body={"error": {"message": "Something", "code": 2099, "errors": errors}}))
    failure = failure_of(PagerDuty(options(place), SITE))
    assert type(failure) is kind
    assert f"HTTP {status} code 2099 Something; one line; two" in str(failure)


@pytest.mark.parametrize("make", [options, app], ids=["API key", "app"])
@pytest.mark.parametrize("status", [302, 400, 401, 402, 403, 404, 429, 500, 503])
def test_no_error_holds_a_secret_even_if_the_vendor_repeats_it(place: Vendor, make: Any, status: int) -> None:
    pager = PagerDuty(make(place), SITE)
    pager.create(shift(), op("a1"))
    sent = [value for call in place.journal for value in (call.headers.get("authorization", ""), *call.form.values())]
    body = {"error": {"message": f"you sent {sent}", "code": 1, "errors": sent}}
    for path in ("^/schedules", "^/v3", "oauth"):
        place.faults.add(Fault(path=path, status=status, body=body, times=None))
    with pytest.raises(ConnectorError) as failure:
        pager.create(shift("ben"), op("a2"))
    assert not [canary for canary in CANARIES if canary in "".join(traceback.format_exception(failure.value))]
    assert (failure.value.__cause__, failure.value.__context__) == (None, None)
    assert not [canary for canary in CANARIES if canary in f"{pager!r} {vars(pager)} {vars(pager._api)} {pagerduty_api._LANES}"]


def test_a_secret_of_two_letters_mangles_no_words(place: Vendor) -> None:
    wrong = secret("so")
    place.faults.add(Fault(status=401, body={"error": {"message": "Something so wrong with canary-access-old", "code": 2006}}))
    secret("canary-access-old").reveal()
    with pytest.raises(Denied, match=r"Something so wrong with \*\*\*"):
        PagerDuty(options(place, token=wrong), SITE).read(WINDOW, {})
