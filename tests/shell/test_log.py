"""What a log line looks like, and that no secret is in any."""

from __future__ import annotations

import base64
import io
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from syncd import log
from syncd.connector import Secret

CANARY = 'zeisig"7&lerche\\Q9'


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr(Secret, "revealed", set())
    out = io.StringIO()
    log.configure("debug", stream=out)
    yield out
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def last(lines: io.StringIO) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(lines.getvalue().splitlines()[-1])
    return line


def test_every_line_is_one_json_object_with_event_level_and_a_time_in_utc(lines: io.StringIO) -> None:
    log.logger(destination="pager", run="r1").warning("destination.failed", reason="line one\nline two")
    line = last(lines)
    assert line.items() >= {"event": "destination.failed", "level": "warning", "destination": "pager", "run": "r1"}.items()
    assert line["timestamp"].endswith("Z")
    assert len(lines.getvalue().splitlines()) == 1


def test_a_librarys_own_logging_comes_out_in_the_same_form(lines: io.StringIO) -> None:
    logging.getLogger("some.library").error("cannot reach %s", "calendar")
    assert last(lines).items() >= {"event": "cannot reach calendar", "level": "error"}.items()


def test_a_chatty_client_library_is_kept_quiet_at_debug(lines: io.StringIO) -> None:
    logging.getLogger("urllib3.connectionpool").debug("GET /?token=abc")
    assert lines.getvalue() == ""


@pytest.mark.parametrize("library", ["httpx2", "googleapiclient.discovery", "urllib3.connectionpool"])
def test_a_client_librarys_line_for_each_request_is_not_among_our_decisions(lines: io.StringIO, library: str) -> None:
    log.configure("info", stream=lines)
    logging.getLogger(library).info("HTTP Request: GET https://api.example.com/schedules 200 OK")
    assert lines.getvalue() == ""
    logging.getLogger(library).warning("the pool is full")
    assert last(lines)["event"] == "the pool is full"


@pytest.mark.parametrize(
    "text",
    [
        CANARY,
        f"Authorization: Bearer {CANARY}",
        f"https://syncd:{CANARY}@calendar.example/x",
        json.dumps({"reply": CANARY}),
        json.dumps(json.dumps({"reply": CANARY})),
        "Basic " + base64.b64encode(f"user:{CANARY}".encode()).decode(),
        "https://example.com/?q=zeisig%227%26lerche%5CQ9",
    ],
)
def test_a_secret_that_was_read_is_in_no_line_in_whatever_coding(lines: io.StringIO, text: str) -> None:
    assert Secret("environment T", lambda: CANARY).reveal() == CANARY
    logger = log.logger()
    logger.info(text, detail=text, deep={"list": [text]})
    logging.getLogger("library").debug(text)
    try:
        raise RuntimeError(text)
    except RuntimeError:
        logger.exception("destination.failed")
    written = lines.getvalue()
    assert len(written.splitlines()) == 3
    for form in ("zeisig", "lerche", base64.b64encode(f"user:{CANARY}".encode()).decode()):
        assert form not in written
    for line in written.splitlines():
        json.loads(line)


@pytest.mark.parametrize(
    "text",
    [
        "POST /oauth?client_secret=finch&grant_type=x",
        '{"access_token": "finch", "expires_in": 3600}',
        '{\\"refresh_token\\": \\"finch\\"}',
        "Authorization: Token token=finch",
        "authorization: bearer finch.finch.finch",
        "password=finch",
        "http://finch:finch@127.0.0.1/",
        "-----BEGIN RSA PRIVATE KEY-----\nfinch\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_what_is_shaped_like_a_secret_is_masked_though_nobody_told_us(lines: io.StringIO, text: str) -> None:
    log.logger().info(text)
    assert "finch" not in lines.getvalue()
    assert log.MASK in lines.getvalue()


def test_a_value_under_a_secrets_name_is_masked_whatever_it_is(lines: io.StringIO) -> None:
    log.logger().info("x", token="finch", headers={"Authorization": ["finch"], "Accept": "text/xml"})
    assert "finch" not in lines.getvalue()
    assert last(lines)["headers"]["Accept"] == "text/xml"


def test_ordinary_text_is_left_as_it_is(lines: io.StringIO) -> None:
    text = "ana takes payments/primary from 09:00; see https://example.com/rota?week=12"
    log.logger().info(text)
    assert last(lines)["event"] == text


def test_a_terminal_gets_readable_lines(monkeypatch: pytest.MonkeyPatch, lines: io.StringIO) -> None:
    out = io.StringIO()
    log.configure("info", "text", out)
    log.logger(destination="pager").info("export", changes=3)
    assert "export" in out.getvalue()
    assert "changes=3" in out.getvalue()
    assert "\x1b" not in out.getvalue()


def test_the_level_is_obeyed(lines: io.StringIO) -> None:
    out = io.StringIO()
    log.configure("warning", stream=out)
    log.logger().info("quiet")
    logging.getLogger("library").info("quiet")
    assert out.getvalue() == ""


def test_the_journal_is_told_how_bad_each_line_is_and_gets_it_whole(
    lines: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "journal").open("w", encoding="utf-8") as out:
        facts = os.fstat(out.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{facts.st_dev}:{facts.st_ino}")
        log.configure("debug", stream=out)
        for level in ("debug", "info", "warning", "error", "critical"):
            getattr(log.logger(), level)("destination.failed", reason="line one\nline two")
        logging.getLogger("some.library").error("no answer")
    written = (tmp_path / "journal").read_text().splitlines()
    assert [line[:3] for line in written] == ["<7>", "<6>", "<4>", "<3>", "<2>", "<3>"]
    assert [json.loads(line[3:])["level"] for line in written][:3] == ["debug", "info", "warning"]


def test_a_stream_that_is_not_the_journal_has_no_priorities(
    lines: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "1:2")
    with (tmp_path / "file").open("w", encoding="utf-8") as out:
        log.configure("info", stream=out)
        log.logger().error("destination.failed")
    json.loads((tmp_path / "file").read_text())
    monkeypatch.delenv("JOURNAL_STREAM")
    log.configure("info", stream=lines)
    log.logger().error("destination.failed")
    assert last(lines)["level"] == "error"


def test_a_traceback_for_the_journal_has_its_priority_on_every_line(
    lines: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "journal").open("w", encoding="utf-8") as out:
        facts = os.fstat(out.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{facts.st_dev}:{facts.st_ino}")
        log.configure("info", "text", out)
        try:
            raise RuntimeError("no answer")
        except RuntimeError:
            log.logger().exception("destination.bug")
    written = (tmp_path / "journal").read_text().splitlines()
    assert len(written) > 2
    assert all(line.startswith("<3>") for line in written)
