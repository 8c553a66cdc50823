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
from syncd.notify.channel import Message, address, is_personal, send
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


def test_the_reference_page_has_a_line_for_each() -> None:
    page = (Path(__file__).parents[2] / "docs" / "notices.md").read_text("utf-8")
    for name in ("E-mail", "SMS", "Slack", "Teams", "Feishu", "DingTalk", "WeCom", "Telegram", "Zoom"):
        assert re.search(rf"^\| {name} \| `[a-z]+://", page, re.MULTILINE), name


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
