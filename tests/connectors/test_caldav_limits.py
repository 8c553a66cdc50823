"""CalDAV against hostile servers and networks: size, depth, time, certificates, other hosts (F32, F34-F37)."""

from __future__ import annotations

import gzip
import ssl
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

import connectors.caldav_session
from connectors.caldav import CalDav
from syncd.connector import Denied, Secret, Unavailable
from tests.connectors.calendars import Calendar
from tests.connectors.conformance import SITE, WINDOW, T, event, op, shift
from tests.simulators.proxy import Answer, Drop, Exchange, Proxy, Rule, answers, delayed, half, page

OPEN, CLOSE = '<multistatus xmlns="DAV:">', "</multistatus>"


@pytest.fixture
def hostile() -> Iterator[Proxy]:
    """A server that says only what its rules say."""
    with Proxy("http://127.0.0.1:9") as proxy:
        yield proxy


def at(proxy: Proxy, **more: Any) -> CalDav:
    password = Secret("here", lambda: "secret word")
    return CalDav(CalDav.Options(url=f"{proxy.url}/ana/rota/", username="ana", password=password, **more), SITE)


def look(proxy: Proxy, *bodies: bytes | str, **headers: str) -> str:
    """The text of the `Unavailable` that an answer of `bodies` makes of a look."""
    body = b"".join(one.encode() if isinstance(one, str) else one for one in bodies)
    proxy.rules = [Rule(".*", "", answers(207, body, **headers))]
    with pytest.raises(Unavailable) as failure:
        at(proxy).read(WINDOW, {"a1.ics": "1"})
    assert len(proxy.seen()) == 1
    return str(failure.value)


# --- size --------------------------------------------------------------------------------------


def test_an_answer_over_ten_mebibytes_is_refused(hostile: Proxy) -> None:
    assert "10 MiB" in look(hostile, OPEN, b" " * 11 * 1_048_576, CLOSE)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_an_answer_packed_beyond_reason_is_refused(hostile: Proxy, coding: str) -> None:
    body = OPEN.encode() + b" " * 9 * 1_048_576 + CLOSE.encode()
    packed = gzip.compress(body) if coding == "gzip" else zlib.compress(body)
    assert len(packed) < 20_000
    assert "beyond reason" in look(hostile, packed, Content_Encoding=coding)


def test_a_bomb_is_never_unpacked(hostile: Proxy) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    bomb = b"".join(packer.compress(b" " * 1_048_576) for _ in range(100)) + packer.flush()
    assert "beyond reason" in look(hostile, bomb, Content_Encoding="gzip")


def test_a_packed_answer_of_common_size_is_read(calendar: Calendar) -> None:
    calendar.put("x.ics", event("x", T, T + 60, "Ben Okafor"))

    def packed(exchange: Exchange) -> Answer:
        answer = exchange.forward()
        answer.headers["Content-Encoding"], answer.body = "gzip", gzip.compress(answer.body)
        return answer

    calendar.proxy.rules = [Rule("REPORT", "", packed)]
    assert len(calendar.connector().read(WINDOW, {}).entries) == 1


def test_a_packing_that_nobody_asked_for_is_refused(hostile: Proxy) -> None:
    assert "asked for" in look(hostile, OPEN, CLOSE, Content_Encoding="br")


@pytest.mark.parametrize("garbage", [b"\x00\x01\x02", gzip.compress(b"x" * 9_000)[:20]], ids=["not packed", "cut off"])
def test_what_cannot_be_unpacked_is_refused(hostile: Proxy, garbage: bytes) -> None:
    assert look(hostile, garbage, Content_Encoding="gzip")


def test_more_than_ten_thousand_entries_are_refused(hostile: Proxy) -> None:
    assert "more than 10000 entries" in look(hostile, OPEN, "<response><href>/x</href></response>" * 10_001, CLOSE)


@pytest.mark.parametrize("tag", ["x", "response"])
def test_an_answer_deeper_than_32_is_refused(hostile: Proxy, tag: str) -> None:
    assert "XML" in look(hostile, OPEN, f"<{tag}>" * 32, f"</{tag}>" * 32, CLOSE)


LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdef", "bcdefg", strict=True))
    + "]>"
)


@pytest.mark.parametrize(
    "payload",
    [
        f"{LAUGHS}<multistatus xmlns='DAV:'>&g;</multistatus>",
        f'<!DOCTYPE x [<!ENTITY a "{"x" * 50_000}">]><multistatus xmlns="DAV:">{"&a;" * 1_000}</multistatus>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><multistatus xmlns="DAV:">&a;</multistatus>',
        '<!DOCTYPE multistatus SYSTEM "http://127.0.0.1:9/x.dtd"><multistatus xmlns="DAV:"/>',
        '<!DOCTYPE multistatus><multistatus xmlns="DAV:"/>',
    ],
    ids=["laughs", "blowup", "file", "remote DTD", "bare DTD"],
)
def test_a_document_type_is_refused(hostile: Proxy, payload: str) -> None:
    assert "XML" in look(hostile, payload)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>",
        "{}",
        OPEN,
        "<multistatus/>",
        '<error xmlns="DAV:"/>',
        "\xff\xfe",
        "<?xml version='1.0' encoding='x-evil'?><a/>",
    ],
    ids=["nothing", "HTML", "JSON", "cut off", "no namespace", "an error", "bytes", "an unknown encoding"],
)
def test_what_is_no_multistatus_is_refused(hostile: Proxy, body: str) -> None:
    assert look(hostile, body.encode("latin-1"))


def test_finding_by_name_is_bounded_as_everything_else(hostile: Proxy) -> None:
    hostile.rules = [Rule(".*", "", answers(207, f"{LAUGHS}<multistatus xmlns='DAV:'>&g;</multistatus>"))]
    with pytest.raises(Unavailable, match="XML"):
        at(hostile, calendar="Rota").read(WINDOW, {})
    home = "<response><href>/ana/</href><propstat><prop><current-user-principal><href>http://127.0.0.2:9/</href></current-user-principal></prop><status>HTTP/1.1 200 OK</status></propstat></response>"  # fmt: skip  # noqa: E501
    hostile.rules = [Rule(".*", "", answers(207, OPEN + home + CLOSE))]
    with pytest.raises(Unavailable, match="another host"):
        at(hostile, calendar="Rota").read(WINDOW, {})


# --- time ----------------------------------------------------------------------------------------


def test_a_server_that_never_answers_is_left(calendar: Calendar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connectors.caldav_session, "READ", 0.2)
    calendar.proxy.rules = [Rule(".*", "", delayed(60))]
    with pytest.raises(Unavailable, match="did not answer") as failure:
        calendar.connector().create(shift(), op("a1"))
    assert not failure.value.refused


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_trickle_ends_at_the_deadline(hostile: Proxy, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    monkeypatch.setattr(connectors.caldav_session, "TOTAL", 0.5)
    head = b"HTTP/1.1 207 Multi-Status\r\nX-Slow: "
    sent = head if part == "head" else b"HTTP/1.1 207 Multi-Status\r\nContent-Length: 100000\r\n\r\n"

    def trickle(exchange: Exchange) -> Answer:
        exchange.write(sent)
        while not exchange.closing.wait(0.05):
            exchange.write(b"x")
        raise Drop

    hostile.rules = [Rule(".*", "", trickle)]
    with pytest.raises(Unavailable, match="did not finish"):
        at(hostile).read(WINDOW, {})


def test_half_an_answer_is_none(calendar: Calendar) -> None:
    calendar.connector().create(shift(), op("a1"))
    calendar.proxy.rules = [Rule("REPORT", "", half)]
    with pytest.raises(Unavailable):
        calendar.connector().read(WINDOW, {})


def test_a_server_that_is_not_there_was_certainly_not_asked(hostile: Proxy) -> None:
    connector = CalDav(CalDav.Options(url="http://127.0.0.1:9/ana/"), SITE)
    with pytest.raises(Unavailable, match=r"cannot be reached: 127\.0\.0\.1:9: Connection refused") as failure:
        connector.create(shift(), op("a1"))
    assert failure.value.refused


# --- other hosts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_within_the_server_is_followed_with_the_same_request(calendar: Calendar, status: int) -> None:
    def elsewhere(exchange: Exchange) -> Answer:
        if not exchange.path.startswith("/old"):
            return exchange.forward()
        return Answer(status, {"Location": exchange.path.removeprefix("/old")})

    calendar.proxy.rules = [Rule(".*", "", elsewhere)]
    connector = calendar.connector(url=f"{calendar.proxy.url}/old{calendar.path}")
    connector.create(shift(), op("a1"))
    assert len(connector.read(WINDOW, {}).entries) == 1
    assert [one.method for one in calendar.proxy.journal] == ["PUT"] * 2 + ["PROPFIND"] * 2 + ["REPORT"] * 4


def test_a_redirect_to_another_host_is_refused_and_the_password_stays(calendar: Calendar, hostile: Proxy) -> None:
    calendar.proxy.rules = [Rule(".*", "", answers(307, Location=f"{hostile.url}/stolen/"))]
    with pytest.raises(Unavailable, match="another host") as failure:
        calendar.connector().create(shift(), op("a1"))
    assert failure.value.refused
    assert hostile.journal == []


def test_a_ring_of_redirects_ends(hostile: Proxy) -> None:
    hostile.rules = [Rule(".*", "", answers(302, Location="/round/"))]
    with pytest.raises(Unavailable, match="ring"):
        at(hostile).read(WINDOW, {})
    assert len(hostile.journal) == 4


@pytest.mark.parametrize(
    "url",
    [
        "http://calendar.example.com/", "http://10.0.0.1/", "http://127.0.0.1.example.com/", "ftp://127.0.0.1/", "calendar",
        "https://ana:secret@example.com/", "https://", "https://[::1", "file:///etc/passwd", "http://localhost.example.com/",
        "https://example.com/cal?export", "https://example.com/#x",
    ],
)  # fmt: skip
def test_an_address_that_is_none_or_would_show_the_password_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"^url: "):
        CalDav.Options(url=url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:5232/ana/", "http://[::1]/", "http://localhost/x", "https://example.com/ana"])
def test_an_address_that_is_well_is_taken(url: str) -> None:
    assert CalDav.Options(url=url).url == url


@pytest.mark.parametrize(
    "more",
    [
        {"username": "ana"}, {"password": Secret("x", str)}, {"connections": 0}, {"title": "On call"}, {"alarm": -1},
        {"username": "a", "password": Secret("x", str), "token": Secret("x", str)}, {"title": "{person} {nobody}"},
        {"zone": "Mars/Base"}, {"zone": "../etc"},
    ],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=": "):
        CalDav.Options(url="https://example.com/", **more)


def test_the_environment_does_not_lead_the_calls_elsewhere(calendar: Calendar, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    assert calendar.connector().read(WINDOW, {}).entries == ()


# --- certificates ----------------------------------------------------------------------------------


def test_a_certificate_of_an_authority_of_ones_own(calendar: Calendar, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with Proxy(calendar.server.url, context) as proxy:
        url = proxy.url + calendar.path
        trusting = calendar.connector(url=url, ca_file=tmp_path / "ca.pem")
        trusting.create(shift(), op("a1"))
        assert len(trusting.read(WINDOW, {}).entries) == 1
        trusting.close()
        for wrong in (None, tmp_path / "missing.pem"):
            with pytest.raises(Unavailable, match="ca_file") as failure:
                calendar.connector(url=url, ca_file=wrong).read(WINDOW, {})
            assert failure.value.refused


@pytest.mark.parametrize("token", ["t\u00f6ken", "to\nken", "to\x00ken"])
def test_a_token_that_is_none_is_denied_and_not_shown(hostile: Proxy, token: str) -> None:
    connector = CalDav(CalDav.Options(url=hostile.url, token=Secret("file t", lambda: token)), SITE)
    with pytest.raises(Denied, match="file t") as failure:
        connector.read(WINDOW, {})
    assert token not in str(failure.value)


def test_a_server_that_names_the_way_up_leads_nowhere(hostile: Proxy) -> None:
    kind = '<collection/><calendar xmlns="urn:ietf:params:xml:ns:caldav"/>'
    prop = f"<prop><getetag>x</getetag><resourcetype>{kind}</resourcetype></prop>"
    props = f"<propstat>{prop}<status>HTTP/1.1 200 OK</status></propstat>"
    up = "".join(f"<response><href>/ana/rota/{name}</href>{props}</response>" for name in ("", "..", ".", "%2e%2e"))
    hostile.rules = [Rule(".*", "", answers(207, OPEN + up + CLOSE))]
    assert at(hostile).read(WINDOW, {}).entries == ()
    assert [(one.method, one.path) for one in hostile.journal] == [("PROPFIND", "/ana/rota/"), ("REPORT", "/ana/rota/")]


def test_a_page_is_no_list(hostile: Proxy) -> None:
    for status in (200, 207, 502, 503):
        hostile.rules = [Rule(".*", "", page(status))]
        with pytest.raises(Unavailable):
            at(hostile).read(WINDOW, {})
