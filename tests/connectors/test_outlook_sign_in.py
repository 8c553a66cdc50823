"""How the Outlook connector signs in: as an app with a secret or a certificate, or as a user, and what a refusal says."""

from __future__ import annotations

import dataclasses
import logging
import re
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from ruamel.yaml import YAML

from connectors import outlook_sign_in
from connectors.outlook import Outlook, graph
from syncd.connector import ConnectorError, Denied, Secret, Unavailable
from tests.connectors.conformance import NOW, SITE, WINDOW, op, shift
from tests.connectors.outlook_there import leaks, options, outlook
from tests.simulators.common import Clock, Fault
from tests.simulators.microsoft import CLIENT, ONCALL, Microsoft
from tests.simulators.microsoft_login import App

pytestmark = pytest.mark.filterwarnings("ignore:Attempted too soon")  # msal reads the clock of this machine, not the test's


@pytest.fixture
def there() -> Iterator[Microsoft]:
    with Microsoft(clock=Clock(NOW)) as there:
        yield there


def tokens(there: Microsoft) -> int:
    """Calls of the token endpoint so far."""
    return len(there.journal.of("POST", "/token$"))


def forget() -> None:
    """As after a restart of the process."""
    outlook_sign_in._HELD.clear()


def refused(there: Microsoft, **more: Any) -> ConnectorError:
    connector = outlook(there, **more)
    with pytest.raises(ConnectorError) as failure:
        connector.read(WINDOW, {})
    connector.close()
    assert leaks(failure.value) == []
    return failure.value


# --- the app --------------------------------------------------------------------------------


def test_a_token_serves_every_connector_and_thread_until_it_ends(there: Microsoft) -> None:
    def look(number: int) -> int:
        connector = outlook(there)
        connector.create(shift(), op(f"a{number}"))
        connector.close()
        return number

    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(look, range(12)))) == 12
    assert tokens(there) == 1


@pytest.mark.parametrize("verb", ["read", "create"])
def test_a_token_that_ended_early_is_replaced_once_and_the_call_made_again(there: Microsoft, verb: str) -> None:
    connector = outlook(there)
    connector.read(WINDOW, {})
    there.clock.advance(4_000)  # past its life by the vendor's clock, not by ours
    if verb == "read":
        connector.read(WINDOW, {})
    else:
        connector.create(shift(), op("a1"))
        assert len(there.box().now()) == 1
    connector.close()
    assert tokens(there) == 2


def test_a_fresh_token_that_is_refused_as_well_is_denied(there: Microsoft) -> None:
    there.login.tokens.refuse_next = 2
    problem = refused(there)
    assert isinstance(problem, Denied)
    assert "InvalidAuthenticationToken" in str(problem)
    assert tokens(there) == 2
    connector = outlook(there)
    connector.read(WINDOW, {})
    connector.close()
    assert tokens(there) == 2, "the one that was refused is not asked for again"


def test_many_threads_with_an_ended_token_ask_for_one(there: Microsoft) -> None:
    connector = outlook(there)
    connector.read(WINDOW, {})
    there.login.tokens.revoke_all()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: connector.create(shift(), op(f"a{n}")), range(8)))
    connector.close()
    assert tokens(there) == 2


def test_a_replaced_secret_is_used_at_once(there: Microsoft) -> None:
    kept = {"secret": "canary-wrong"}
    secret = Secret("file secret", lambda: kept["secret"])
    assert isinstance(refused(there, client_secret=secret), Denied)
    kept["secret"] = there.secret
    connector = outlook(there, client_secret=secret)
    assert connector.read(WINDOW, {}).entries == ()
    connector.close()


@pytest.mark.parametrize(
    ("arrange", "words"),
    [
        (lambda there: {"client_secret": Secret("x", lambda: "canary-wrong")}, "AADSTS7000215.*copy its Value"),
        (lambda there: there.login.apps[CLIENT].expired.add(there.secret) or {}, "AADSTS7000222.*has expired"),
        (lambda there: {"client_id": "another"}, "AADSTS700016.*Overview page"),
        (lambda there: {"tenant": "elsewhere", "authority": there.url}, "no tenant.*AADSTS90002.*Directory"),
        (lambda there: {"client_secret": Secret("file x", Path("/nowhere").read_text)}, "cannot be read from file x"),
        (lambda there: {"client_secret": None, "certificate": Secret("file c", lambda: "canary-no-pem")}, "certificate.*PEM"),
    ],
)  # fmt: skip
def test_a_refused_credential_says_what_to_click(
    there: Microsoft, arrange: Callable[[Microsoft], dict[str, Any]], words: str
) -> None:
    problem = refused(there, **arrange(there))
    assert isinstance(problem, Denied)
    assert re.search(words, str(problem)), str(problem)


@pytest.mark.parametrize(
    ("fault", "after"),
    [
        (Fault(path="/token$", status=429, headers={"retry-after": "17"}, body={"error": "throttled"}), 17.0),
        (Fault(path="/token$", status=429), None),
        (Fault(path="/token$", status=500, body={"error": "server_error"}), None),
        (Fault(path="/token$", status=400, body={"error": "temporarily_unavailable"}), None),
        (Fault.gateway(503, path="/token$"), None),
        (Fault.gateway(200, path="/token$"), None),
        (Fault(path="/token$", drop="before"), None),
        (Fault(path="/token$", drop="half"), None),
        (Fault.gateway(502, path="openid-configuration"), None),
        (Fault(path="openid-configuration", status=200, body={}), None),
        (Fault(path="openid-configuration", status=302, headers={"location": "https://evil.example"}), None),
    ],
)
def test_a_login_in_trouble_is_unavailable_nothing_was_written_and_the_next_call_asks_it_again(
    there: Microsoft, fault: Fault, after: float | None
) -> None:
    there.faults.add(fault)
    connector = outlook(there)
    with pytest.raises(Unavailable) as failure:
        connector.create(shift(), op("a1"))
    assert (failure.value.refused, failure.value.after) == (True, after)
    assert leaks(failure.value) == []
    assert there.journal.of("*", "^/v1.0") == []
    assert connector.create(shift(), op("a1")).uid == "a1", "msal's memory of the failure is not asked (MS-54)"
    connector.close()


def test_a_secret_that_the_login_repeats_is_not_told(there: Microsoft) -> None:
    body = {"error": "invalid_client", "error_description": f"AADSTS7000215: no {there.secret} please"}
    there.faults.add(Fault(path="/token$", status=401, body=body))
    assert there.secret not in str(refused(there))


def pem(name: str = "syncd", key: Any = None, password: bytes | None = None) -> tuple[str, str]:
    """The key, and the certificate that is uploaded."""
    key = key or rsa.generate_private_key(65_537, 2_048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime(2027, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(
        subject, subject, key.public_key(), x509.random_serial_number(), begin, begin + timedelta(days=365)
    )
    public = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
    return private.decode(), public.decode()


@pytest.mark.parametrize("order", ["key last", "key first", "with the issuer's, in the wrong order"])
def test_a_certificate_signs_in_without_a_secret(there: Microsoft, order: str) -> None:
    key, public = pem()
    text = {"key last": public + key, "key first": key + public}.get(order, pem("issuer")[1] + public + key)
    there.login.apps[CLIENT].certificates.append(public.encode())
    connector = outlook(there, client_secret=None, certificate=Secret("file c", lambda: text))
    assert connector.create(shift(), op("a1")).uid == "a1"
    connector.close()
    assert all("client_secret" not in call.form for call in there.journal.of("POST", "/token$"))


def test_a_certificate_of_somebody_else_is_refused(there: Microsoft) -> None:
    there.login.apps[CLIENT].certificates.append(pem("other")[1].encode())
    problem = refused(there, client_secret=None, certificate=Secret("file c", lambda: "".join(pem())))
    assert "upload its public half" in str(problem)
    assert "PRIVATE KEY" not in str(problem)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (lambda: "", "0 and 0 in it"),
        (lambda: pem()[0], "0 and 1 in it"),
        (lambda: pem()[1], "1 and 0 in it"),
        (lambda: "".join(pem(password=b"canary")), "has a password"),
        (lambda: pem()[0] + pem()[1], "not the certificate's"),
        (lambda: "".join(pem(key=ec.generate_private_key(ec.SECP256R1()))), "no RSA key"),
        (lambda: pem()[0] + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "certificate cannot be read"),
        (lambda: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----" + pem()[1], "key cannot be read"),
    ],
    ids=["nothing", "no certificate", "no key", "password", "of two pairs", "elliptic", "torn certificate", "torn key"],
)
def test_a_file_that_is_no_certificate_with_its_key_says_why(there: Microsoft, text: Callable[[], str], words: str) -> None:
    problem = refused(there, client_secret=None, certificate=Secret("file /run/c", text))
    assert isinstance(problem, Denied)
    assert re.search(rf"file /run/c.*{words}", str(problem))
    assert there.journal.of("POST", "/token$") == []


# --- the user -------------------------------------------------------------------------------


def user(there: Microsoft, folder: Path, **more: Any) -> dict[str, Any]:
    return {"client_secret": None, "token_cache": folder / "tokens", **more}


def sign_in(there: Microsoft, folder: Path, name: str = ONCALL, **more: Any) -> tuple[str, list[str]]:
    told: list[str] = []

    def wait(seconds: float) -> None:
        assert seconds >= 5
        there.clock.advance(seconds)
        if len(waited := [*range(len(there.journal.of("POST", "/token$")))]) >= 2:
            there.login.approve(next(code for code in there.login.devices if code in told[0]), name)
        assert len(waited) < 10

    signed = Outlook.sign_in(options(there, **user(there, folder, **more)), told.append, wait)
    assert signed.file == folder / "tokens"
    return signed.account, told


def test_a_user_signs_in_with_a_code_and_the_calendar_is_theirs(there: Microsoft, tmp_path: Path) -> None:
    account, told = sign_in(there, tmp_path)
    assert account == ONCALL
    assert "https://microsoft.com/devicelogin" in told[0]
    forget()
    calls = tokens(there)
    connector = outlook(there, **user(there, tmp_path))
    assert connector.create(shift(), op("a1")).uid == "a1"
    connector.close()
    assert tokens(there) == calls, "the token of the sign-in is still good"
    asked = there.journal.of("POST", "/devicecode$")[-1].form["scope"].split()
    assert "https://graph.microsoft.com/Calendars.ReadWrite" in asked
    assert not [scope for scope in asked if "Mail" in scope or "All" in scope]


@pytest.mark.parametrize("ending", ["declined", "expired", "no public client"])
def test_a_sign_in_that_does_not_happen_says_so_and_keeps_nothing(there: Microsoft, tmp_path: Path, ending: str) -> None:
    there.login.apps[CLIENT].public = ending != "no public client"

    def wait(seconds: float) -> None:
        there.clock.advance(seconds)
        if ending == "declined":
            there.login.decline(next(iter(there.login.devices)))

    with pytest.raises(Denied) as failure:
        Outlook.sign_in(options(there, **user(there, tmp_path)), lambda _: None, wait)
    assert leaks(failure.value) == []
    assert not (tmp_path / "tokens").exists()


def test_what_is_kept_is_encrypted_and_ours_alone(there: Microsoft, tmp_path: Path) -> None:
    sign_in(there, tmp_path)
    for file in tmp_path.iterdir():
        assert b"canary" not in file.read_bytes()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with_key = tmp_path / "other"
    with_key.mkdir()
    sign_in(there, with_key, token_cache_key=Secret("x", lambda: "canary-key"))
    assert sorted(file.name for file in with_key.iterdir()) == ["tokens", "tokens.lock"]
    forget()
    problem = refused(there, **user(there, with_key, token_cache_key=Secret("x", lambda: "canary-other-key")))
    assert isinstance(problem, Denied)
    assert "syncd auth outlook" in str(problem)


def test_nobody_signed_in_yet_says_how(there: Microsoft, tmp_path: Path) -> None:
    assert "syncd auth outlook" in str(refused(there, **user(there, tmp_path)))


def test_a_sign_in_is_kept_among_the_programs_own_files_where_no_other_place_is_named(there: Microsoft, tmp_path: Path) -> None:
    there.login.approves = ONCALL
    chosen = options(there, client_secret=None)
    signed = Outlook.sign_in(chosen, lambda _: None, there.clock.advance, tmp_path)
    assert signed.file.parent == tmp_path
    forget()
    connector = Outlook(chosen, dataclasses.replace(SITE, state=tmp_path))
    assert connector.create(shift(), op("a1")).uid == "a1"
    connector.close()
    elsewhere = Outlook(chosen, SITE)
    with pytest.raises(Denied, match="neither client_secret nor certificate"):
        elsewhere.read(WINDOW, {})


@pytest.mark.parametrize("single_use", [False, True])
def test_an_ended_token_is_refreshed_once_by_whoever_comes_first(there: Microsoft, tmp_path: Path, single_use: bool) -> None:
    there.login.single_use = single_use
    sign_in(there, tmp_path)
    for _ in range(3):
        there.login.tokens.revoke_all()
        calls = tokens(there)
        for _ in range(3):
            forget()  # as three processes, one after the other
            connector = outlook(there, **user(there, tmp_path))
            connector.read(WINDOW, {})
            connector.close()
        assert tokens(there) == calls + 1


def test_a_token_that_msal_still_trusts_is_refreshed_when_graph_refuses_it(there: Microsoft, tmp_path: Path) -> None:
    sign_in(there, tmp_path)
    connector = outlook(there, **user(there, tmp_path))
    there.login.tokens.revoke_all()
    with ThreadPoolExecutor(4) as pool:
        calls = tokens(there)
        list(pool.map(lambda n: connector.create(shift(), op(f"a{n}")), range(8)))
    connector.close()
    assert tokens(there) == calls + 1


def test_a_revoked_sign_in_is_denied_until_somebody_signs_in_again(there: Microsoft, tmp_path: Path) -> None:
    sign_in(there, tmp_path)
    there.login.tokens.revoke_all()
    there.login.refreshes.clear()
    problem = refused(there, **user(there, tmp_path))
    assert isinstance(problem, Denied)
    assert "Sign in again: syncd auth outlook" in str(problem)
    sign_in(there, tmp_path)
    connector = outlook(there, **user(there, tmp_path))
    assert connector.read(WINDOW, {}).entries == ()
    connector.close()


def test_a_refreshed_token_that_cannot_be_kept_is_not_used(
    there: Microsoft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(there, tmp_path)
    there.login.tokens.revoke_all()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    problem = refused(there, **user(there, tmp_path))
    assert isinstance(problem, Unavailable)
    assert "No space left" in str(problem)
    monkeypatch.undo()
    connector = outlook(there, **user(there, tmp_path))
    connector.read(WINDOW, {})
    connector.close()


def test_the_parts_of_a_kept_sign_in_may_go_missing_one_by_one(there: Microsoft, tmp_path: Path) -> None:
    sign_in(there, tmp_path)
    forget()
    (tmp_path / "tokens.key").write_text("not a key")
    assert "syncd auth outlook" in str(refused(there, **user(there, tmp_path)))
    sign_in(there, tmp_path)
    assert outlook(there, **user(there, tmp_path)).read(WINDOW, {}).entries == ()
    (tmp_path / "tokens").write_bytes(b"\x00 torn")
    assert "syncd auth outlook" in str(refused(there, **user(there, tmp_path)))
    (tmp_path / "tokens").unlink()
    (tmp_path / "tokens").mkdir()
    assert isinstance(refused(there, **user(there, tmp_path)), Unavailable)
    assert "no user has signed in yet" in str(refused(there, **user(there, tmp_path / "nowhere")))
    (tmp_path / "tokens").rmdir()
    sign_in(there, tmp_path)
    key = Secret("file k", Path("/nowhere").read_text)
    assert "token_cache_key cannot be read from file k" in str(refused(there, **user(there, tmp_path, token_cache_key=key)))


def test_a_kept_sign_in_of_another_app_is_not_tried(there: Microsoft, tmp_path: Path) -> None:
    sign_in(there, tmp_path)
    there.login.apps["other"] = App("other", public=True)
    calls = tokens(there)
    assert "client_id" in str(refused(there, **user(there, tmp_path, client_id="other")))
    assert tokens(there) == calls


def test_a_code_is_asked_for_more_slowly_where_the_login_says_so_and_through_its_troubles(
    there: Microsoft, tmp_path: Path
) -> None:
    pauses: list[float] = []
    slow = {"error": "slow_down", "error_description": "slower"}
    there.faults.add(Fault(path="/token$", status=400, body=slow))
    there.faults.add(Fault(path="/token$", first=2, status=503))
    there.faults.add(Fault(path="/token$", first=3, drop="before"))
    there.login.approves = ONCALL
    assert Outlook.sign_in(options(there, **user(there, tmp_path)), lambda _: None, pauses.append).account == ONCALL
    assert pauses == [5, 10, 10, 10]


def test_signing_in_is_refused_where_it_makes_no_sense_or_no_code_comes(there: Microsoft, tmp_path: Path) -> None:
    with pytest.raises(Denied, match="leave client_secret and certificate out"):
        Outlook.sign_in(options(there), print, print)
    with pytest.raises(Denied, match="AADSTS700016"):
        Outlook.sign_in(options(there, **user(there, tmp_path, client_id="nobody")), print, print)
    there.faults.add(Fault(path="devicecode", status=503))
    with pytest.raises(Unavailable):
        Outlook.sign_in(options(there, **user(there, tmp_path)), print, print)


def test_a_shared_mailbox_is_open_to_those_it_is_shared_with(there: Microsoft, tmp_path: Path) -> None:
    there.add_mailbox("duty@example.com", "shared")
    sign_in(there, tmp_path)
    problem = refused(there, **user(there, tmp_path, mailbox="duty@example.com"))
    assert isinstance(problem, Denied)
    assert "Can edit" in str(problem)
    there.shares["duty@example.com"] = {ONCALL}
    connector = outlook(there, **user(there, tmp_path, mailbox="duty@example.com"))
    assert connector.create(shift(), op("a1")).uid == "a1"
    connector.close()


# --- settings -----------------------------------------------------------------------------------

ANY: dict[str, Any] = {
    "tenant": "t",
    "client_id": "c",
    "mailbox": "m@example.com",
    "client_secret": Secret("x", lambda: "canary"),
}


@pytest.mark.parametrize(
    ("base_url", "login"),
    [
        ("https://graph.microsoft.com", "https://login.microsoftonline.com/t"),
        ("https://graph.microsoft.us", "https://login.microsoftonline.us/t"),
        ("https://dod-graph.microsoft.us", "https://login.microsoftonline.us/t"),
        ("https://microsoftgraph.chinacloudapi.cn", "https://login.partner.microsoftonline.cn/t"),
    ],
)
@pytest.mark.parametrize("last", ["", "/", "/v1.0", "/v1.0/"])
def test_graph_is_taken_with_or_without_its_last_part_and_names_the_cloud(base_url: str, login: str, last: str) -> None:
    made = graph(Outlook.Options(**ANY, base_url=base_url + last))
    assert (made.root, made.who.authority, made.who.resource) == (f"{base_url}/v1.0", login, base_url)


@pytest.mark.parametrize(
    "authority", ["https://login.example", "https://login.example/", "https://login.example/T", "https://login.example/T/"]
)
def test_a_login_is_taken_with_or_without_the_tenant(authority: str) -> None:
    made = graph(Outlook.Options(**{**ANY, "tenant": "T"}, authority=authority))
    assert made.who.authority == "https://login.example/T"


def test_without_addresses_it_is_the_public_cloud_and_elsewhere_its_tokens_are_asked_for() -> None:
    made = graph(Outlook.Options(**ANY))
    assert (made.root, made.who.authority) == ("https://graph.microsoft.com/v1.0", "https://login.microsoftonline.com/t")
    assert graph(Outlook.Options(**ANY, base_url="http://127.0.0.1:8080")).who.resource == "https://graph.microsoft.com"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"base_url": "http://graph.example"}, "base_url: write an https address"),
        ({"base_url": "https://user:canary@graph.example"}, "base_url: write an https address"),
        ({"base_url": "https://[broken"}, "base_url"),
        ({"authority": "http://127.0.0.1:1/t"}, "authority: only https"),
        ({"certificate": Secret("y", lambda: "canary")}, "not both"),
        ({"mailbox": "a b"}, "mailbox"),
        ({"tenant": ""}, "tenant"),
        ({"tenant": "x/y"}, "tenant"),
        ({"alarm": -1}, "alarm"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_anything_is_opened(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words) as failure:
        Outlook.Options(**{**ANY, **given})
    assert "canary" not in str(failure.value)


def test_secrets_are_in_no_repr_and_in_no_log(there: Microsoft, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, "msal")  # as our log has it: at DEBUG msal tells the code that a sign-in polls with
    connector = outlook(there)
    connector.read(WINDOW, {})
    there.login.tokens.revoke_all()
    connector.create(shift(), op("a1"))
    sign_in(there, tmp_path)
    forget()
    there.login.tokens.revoke_all()
    other = outlook(there, **user(there, tmp_path))
    other.read(WINDOW, {})
    told = [
        caplog.text,
        repr(options(there)),
        repr(connector._graph),
        repr(other._graph),
        repr(outlook_sign_in._HELD),
        repr(vars(connector)),
    ]
    connector.close()
    other.close()
    assert [text for text in told if "canary" in text] == []


# --- doctor -------------------------------------------------------------------------------------


def test_doctor_names_what_is_wrong_and_what_to_click(there: Microsoft) -> None:
    def finding(**more: Any) -> tuple[str, str, str]:
        connector = outlook(there, SITE, **more)
        last = next(finding for finding in connector.doctor() if not finding.ok)
        connector.close()
        return last.what, last.text, last.remedy

    what, text, remedy = finding(client_secret=Secret("x", lambda: "canary-wrong"))
    assert what == "sign-in"
    assert "AADSTS7000215" in text
    assert "Certificates & secrets" in remedy
    what, text, remedy = finding(mailbox="nobody@example.com")
    assert (what, "ErrorInvalidUser" in text, "mailbox" in remedy) == ("mailbox", True, True)
    there.knobs.reachable = set()
    what, text, remedy = finding()
    assert (what, "ErrorAccessDenied" in text) == ("mailbox", True)
    assert "Application Calendars.ReadWrite" in remedy
    there.knobs.reachable = None
    assert finding(calendar="Duty")[0] == "calendar"
    there.box().add_calendar("Duty", can_edit=False)
    what, text, remedy = finding(calendar="Duty")
    assert (what, "canEdit is false" in text) == ("calendar", True)
    assert there.journal.writes("^/v1.0") == []


# --- the setup page ---------------------------------------------------------------------------

PAGE = (Path(__file__).parents[2] / "docs" / "outlook.md").read_text("utf-8")


def test_the_setup_page_has_every_option_and_its_example_is_one() -> None:
    for name in get_type_hints(Outlook.Options):
        assert f"`{name}`" in PAGE, name
    example = YAML(typ="safe").load(PAGE.split("```yaml")[1].split("```")[0])["destinations"]["outlook"]["options"]
    certificate = Secret("file outlook.pem", lambda: "")
    assert graph(Outlook.Options(**{**example, "certificate": certificate})).mailbox == "oncall@example.com"


def test_the_setup_page_explains_what_the_connector_says() -> None:
    for host in outlook_sign_in.CLOUDS.keys() - {"graph.microsoft.com"}:
        assert f"`https://{host}`" in PAGE
    for code in ("AADSTS7000215", "AADSTS7000222", "AADSTS700027", "AADSTS700016", "AADSTS90002"):
        assert f"`{code}`" in PAGE
        assert code in outlook_sign_in._REMEDIES
    assert "New-ManagementRoleAssignment" in PAGE
    assert "Application Calendars.ReadWrite" in PAGE
