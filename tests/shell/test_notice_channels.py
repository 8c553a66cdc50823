"""Each kind of channel of the reference page: a local receiver gets what the vendor would get; nothing leaves the machine."""

from __future__ import annotations

import importlib
import json
import logging
import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from syncd import log
from syncd.connector import Secret
from syncd.core.audience import AUDIENCES, Kind, Reader
from syncd.core.model import Rota
from syncd.notify.channel import Message, address, is_personal, problem_of, send
from syncd.notify.words import message
from tests.shell.receivers import HttpReceiver, mail_server, only_loopback, until

TOLD = Message("On call Mon 09:00: Primary", "You take over from Ana.\n")

# scheme → plugin, class, the attribute with the vendor's address, its path here, an address like the reference page's, answer
VENDORS = {
    "twilio": (
        "twilio", "NotifyTwilio", "notify_sms_url", "/Accounts/{sid}/Messages.json",
        f"twilio://AC{'a1' * 16}:{'b2' * 16}@15551230000/15551230001", "{}",
    ),
    "slack": ("slack", "NotifySlack", "webhook_url", "/services", "slack://T1JJ3T3L2/B1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "ok"),
    "feishu": ("feishu", "NotifyFeishu", "notify_url", "/hook/{token}/", "feishu://abcdefgh-1234-5678", '{"code": 0}'),
    "dingtalk": (
        "dingtalk", "NotifyDingTalk", "notify_url", "/send?access_token={token}", "dingtalk://abcdef1234567890",
        '{"errcode": 0}',
    ),
    "wecombot": (
        "wecombot", "NotifyWeComBot", "notify_url", "/send?key={key}", "wecombot://a1b2c3d4-1111-2222-3333-444455556666",
        '{"errcode": 0}',
    ),
    "tgram": ("telegram", "NotifyTelegram", "notify_url", "/bot", "tgram://123456789:abcdefg_hijklmnop/12315544", '{"ok": true}'),
    "zoom": ("zoom", "NotifyZoom", "zoom_webhook_url", "/hook/{}", "zoom://Web1hookId/t0kenValue123", "{}"),
}  # fmt: skip


def secret(url: str) -> Secret:
    return Secret("a test", lambda: url)


@pytest.fixture(autouse=True)
def _no_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    only_loopback(monkeypatch)


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    found = HttpReceiver()
    yield found
    found.close()


def text_of(body: str) -> str:
    """Whatever the form, as one text."""
    from urllib.parse import unquote_plus

    try:
        return json.dumps(json.loads(body), ensure_ascii=False)
    except ValueError:
        return unquote_plus(body)


@pytest.mark.parametrize("scheme", list(VENDORS))
def test_the_vendor_gets_title_and_text(scheme: str, receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    module, plugin, attribute, path, url, answer = VENDORS[scheme]
    kind = getattr(importlib.import_module(f"apprise.plugins.{module}"), plugin)
    monkeypatch.setattr(kind, attribute, f"http://{receiver.url}{path}")
    receiver.answer = answer
    assert send(secret(url), TOLD).problem == ""
    [(_, _, body)] = receiver.got
    assert "On call Mon 09:00: Primary" in text_of(body)
    assert "You take over from Ana." in text_of(body)


def test_teams_gets_an_adaptive_card(receiver: HttpReceiver) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    receiver.speak_tls(context)
    assert send(secret(f"workflows://{receiver.url}/643a8f4de5/SigNature1?verify=no"), TOLD).problem == ""
    [(path, _, body)] = receiver.got
    assert path.startswith("/workflows/643a8f4de5/")
    assert "AdaptiveCard" in body
    assert "You take over from Ana" in body


def test_a_mail_goes_to_the_person_and_to_nobody_else_that_the_address_names() -> None:
    with mail_server() as mail:
        url = f"mailto://127.0.0.1:{mail.port}/also@example.com?from=rota@example.com&to=a@example.com&cc=b@example.com"
        assert send(secret(url), TOLD, "ana@example.com").problem == ""
        until(lambda: mail.mails)
        [told] = mail.mails
    assert (told["to"], told["subject"]) == (["ana@example.com"], "On call Mon 09:00: Primary")
    assert told["body"].strip() == "You take over from Ana."


PAGE = (Path(__file__).parents[2] / "docs" / "notices.md").read_text("utf-8")
FILLED = {
    "ACCOUNT_SID": "AC" + "a1" * 16, "AUTH_TOKEN": "b2" * 16, "FROM_NUMBER": "15551230000", "TO_NUMBER": "15551230001",
    "TOKEN_A": "T1JJ3T3L2", "TOKEN_B": "B1BRTD4JD", "TOKEN_C": "TIiajkdnlazkcOXrIdevi7FQ", "WORKFLOW_ID": "643a8f4de5",
    "SIGNATURE": "SigNature1", "HOST": "prod.example.com", "BOT_TOKEN": "123456789:abcdefg_hijklmnop", "CHAT_ID": "12315544",
    "WEBHOOK_ID": "Web1hookId", "SECRET": "SECabc123", "KEY": "a1b2c3d4-1111-2222-3333-444455556666", "TOKEN": "abcdef1234567890",
}  # fmt: skip


@pytest.mark.parametrize("name", ["E-mail", "SMS", "Slack", "Teams", "Feishu", "DingTalk", "WeCom", "Telegram", "Zoom"])
def test_each_address_of_the_reference_page_is_one_that_is_understood(name: str) -> None:
    [line] = re.findall(rf"^\| {name} \| (.*) \|$", PAGE, re.MULTILINE)
    forms = [one for one in re.findall(r"`([a-z]+://[^`]+)`", line) if not one.endswith("://")]
    assert forms
    for form in forms:
        url = form
        for word, value in FILLED.items():
            url = url.replace(word, value)
        assert problem_of(url) == "", url


def test_the_reference_page_says_of_each_kind_to_whom_it_goes_and_whether_it_is_on() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE))
    assert list(rows) == [kind.value for kind in Kind]
    for kind, audience in AUDIENCES.items():
        to, default = rows[kind.value].split(" | ")[0], rows[kind.value].rsplit(" | ", 1)[1]
        assert to.startswith("admins") is audience.admins
        assert default.startswith("on" if audience.default and kind is not Kind.DAILY else "off")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("nosuch://host/x", "does not take this address"),
        ("mailto://127.0.0.1:1?from=a@example.com&to=b@example.com", "Connection refused"),
        ("not an address", "does not take this address"),
        ("https://[broken", "ValueError"),
    ],
)
def test_an_address_that_is_wrong_or_dead_is_an_answer(url: str, problem: str) -> None:
    assert problem in send(secret(url), TOLD).problem


def test_an_answer_that_is_a_refusal_is_a_failure_and_never_shows_a_secret(
    receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    slack = importlib.import_module("apprise.plugins.slack").NotifySlack
    monkeypatch.setattr(slack, "webhook_url", f"http://{receiver.url}/services")
    receiver.status = 429
    caplog.set_level(logging.DEBUG)
    for name in ("apprise", "urllib3"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.DEBUG)
    answer = send(secret("slack://T1JJ3T3L2/B1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"), TOLD)
    assert not answer.arrived
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in log.redact(answer.problem) + caplog.text
    assert log.redact("POST /services/T1JJ3T3L2/B1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ") == "POST /services/***/***/***"


def test_a_receiver_that_never_answers_costs_seconds() -> None:
    with mail_server("hang") as mail:
        url = f"mailto://127.0.0.1:{mail.port}?from=a@example.com&to=b@example.com&cto=0.2&rto=0.2"
        assert not send(secret(url), TOLD).arrived


def test_our_time_outs_are_added_and_those_of_the_address_kept() -> None:
    assert address("json://127.0.0.1/x") == "json://127.0.0.1/x?cto=4&rto=4"
    assert address("json://127.0.0.1/x?cto=1&rto=2") == "json://127.0.0.1/x?cto=1&rto=2"
    assert is_personal("MAILTOS://u:p@mail.example.com")
    assert not is_personal("json://mailto")


def test_nothing_can_leave_the_machine_here() -> None:
    with pytest.raises(OSError, match="a test "):
        socket.create_connection(("192.0.2.1", 80), timeout=1)


# --- receivers that refuse, lie or hang -------------------------------------------------------


def vendor(scheme: str, receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a channel of that kind, whose vendor is `receiver`."""
    module, plugin, attribute, path, url, answer = VENDORS[scheme]
    monkeypatch.setattr(
        getattr(importlib.import_module(f"apprise.plugins.{module}"), plugin), attribute, f"http://{receiver.url}{path}"
    )
    receiver.answer = answer
    return url


@pytest.mark.parametrize(
    ("scheme", "said"),
    [
        ("feishu", '{"code": 19024, "msg": "Key Words Not Found"}'),
        ("feishu", '{"StatusCode": 9499, "StatusMessage": "Bad Request"}'),
        ("dingtalk", '{"errcode": 310000, "errmsg": "sign not match"}'),
        ("wecombot", '{"errcode": 93000, "errmsg": "invalid webhook url"}'),
        ("slack", "no_service"),
        ("zoom", '{"code": 200340, "message": "disabled"}'),
        ("twilio", '{"error_code": 30003, "error_message": "unreachable"}'),
        ("tgram", '{"ok": false, "description": "chat not found"}'),
        ("wecombot", "<html>sign in to the network</html>"),
        ("feishu", ""),
    ],
)
def test_a_refusal_with_a_good_status_did_not_arrive(
    scheme: str, said: str, receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = vendor(scheme, receiver, monkeypatch)
    receiver.answer = said
    answer = send(secret(url), TOLD)
    assert not answer.arrived
    assert said[:30] in answer.problem


@pytest.mark.parametrize(("header", "after"), [("30", 30.0), ("Thu, 01 Jan 2099 00:00:00 GMT", 2e9), ("soon", None), ("²", None)])
def test_a_receiver_that_asks_us_to_wait_says_for_how_long(header: str, after: float | None, receiver: HttpReceiver) -> None:
    receiver.status, receiver.headers = 429, {"Retry-After": header}
    answer = send(secret(f"json://{receiver.url}/x"), TOLD)
    assert not answer.arrived
    assert answer.after == after if after is None or after < 1e9 else (answer.after or 0) > 1e9


def test_an_answer_of_any_length_is_read_only_so_far(receiver: HttpReceiver) -> None:
    receiver.status, receiver.answer = 500, "x" * 5_000_000
    answer = send(secret(f"json://{receiver.url}/x"), TOLD)
    assert "500 xxx" in answer.problem
    assert len(answer.problem) <= 500


def test_what_a_mail_server_says_is_told() -> None:
    with mail_server() as mail, mail_server("busy") as busy:
        assert (
            "550 no such mailbox"
            in send(secret(f"mailto://127.0.0.1:{mail.port}?from=a@b.example"), TOLD, "dead@x.example").problem
        )
        assert (
            "451 try again later" in send(secret(f"mailto://127.0.0.1:{busy.port}?from=a@b.example"), TOLD, "a@x.example").problem
        )
        login = secret(f"mailto://rota:s3cretpassword@127.0.0.1:{mail.port}?from=a@b.example&mode=insecure")
        assert "AUTH extension not supported" in send(login, TOLD, "a@x.example").problem
        tls = send(secret(f"mailtos://127.0.0.1:{mail.port}?from=a@b.example&mode=ssl"), TOLD, "a@x.example")
        assert "SSLError" in tls.problem or "wrong version" in tls.problem.lower()


def test_a_mail_whose_fate_is_not_known_did_not_arrive_so_that_it_is_sent_again() -> None:
    with mail_server("drop") as mail:
        answer = send(secret(f"mailto://127.0.0.1:{mail.port}?from=a@b.example"), TOLD, "a@x.example")
        assert not answer.arrived
        until(lambda: len(mail.mails) == 1)


@pytest.mark.parametrize("scheme", ["twilio", "tgram", "wecombot", "feishu"])
def test_a_text_that_is_longer_than_the_vendor_takes_ends_at_a_line_and_says_where_the_rest_is(
    scheme: str, receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = vendor(scheme, receiver, monkeypatch)
    rows = "".join(f"Zeile {number}: für Ana\n" for number in range(3_000))
    assert send(secret(url), Message("3000 notices", rows)).arrived
    [(_, _, body)] = receiver.got
    told = text_of(body)
    assert "syncd history" in told
    assert "Zeile 0: für Ana" in told
    told = json.loads(body)["text"] if scheme == "tgram" else told
    assert len(told.encode()) < {"twilio": 1_600, "tgram": 4_096, "wecombot": 2_200, "feishu": 20_000}[scheme]


HOSTILE = '<!channel> @everyone <at user_id="all"></at> [x](https://evil.example) *b* <b>'


@pytest.mark.parametrize("scheme", list(VENDORS))
def test_a_hostile_name_calls_nobody_and_opens_no_link_in_any_chat(
    scheme: str, receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"kind": "attention", "destination": "pager", "start": 0, "end": 0, "text": HOSTILE}
    assert send(secret(vendor(scheme, receiver, monkeypatch)), message(said, Rota(), Reader("group", ""))).arrived
    [(_, _, body)] = receiver.got
    told = text_of(body)
    for mark in ("<!", "<at ", "@everyone", "](http"):
        assert mark not in told


def test_a_hostile_name_is_only_text_in_a_mail() -> None:
    said = {
        "kind": "attention",
        "destination": "pager",
        "start": 0,
        "end": 0,
        "text": "x\r\nBcc: evil@example.com\r\n\r\n" + HOSTILE,
    }
    with mail_server() as mail:
        url = f"mailto://127.0.0.1:{mail.port}?from=rota@example.com"
        assert send(secret(url), message(said, Rota(), Reader("mail", "ana")), "ana@example.com").arrived
        until(lambda: mail.mails)
        [told] = mail.mails
    assert told["to"] == ["ana@example.com"]
    assert told["subject"].startswith("x Bcc: evil@example.com <!channel> @everyone")


def test_an_address_is_judged_without_sending_anything() -> None:
    assert problem_of("slack://T1JJ3T3L2/B1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ") == ""
    assert problem_of("mailto://127.0.0.1?from=rota@example.com") == ""
    assert "does not take this address" in problem_of("nosuch://host/x")
    assert "does not take this address" in problem_of("https://[broken")
