"""A whole story with faults at each vendor: every request is one that its documents allow, and no secret comes out anywhere."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from syncd import log
from tests.simulators.common import Call, Fault
from tests.simulators.contract import Contract
from tests.simulators.google import METHODS, ROOT
from tests.simulators.google_schema import body_problems, nullable, parameter_problems
from tests.simulators.microsoft_contract import wrong_request
from tests.simulators.pagerduty import CLIENT_SECRET
from tests.stories.conftest import noon, opening
from tests.stories.daemon import daemon
from tests.stories.days import ROTA
from tests.stories.files import OnServer
from tests.stories.pagers import Pager
from tests.stories.place import Place
from tests.stories.story import Story, story
from tests.stories.vendors import InMemory, InOutlook, OnGoogle

KEPT = ("marker-key", "health-key", "channel", "password", "client-secret", "key.json")
"""The files that secrets are read from."""
TOP = """\
marker_key: {file: marker-key}
health: {listen: "127.0.0.1:0", key: {file: health-key}}
log: {level: debug, format: json}
notices: {channels: {mail: {url: {file: channel}}}}
"""
COMMANDS = (
    ("check",), ("doctor",), ("plan",), ("export", "--now"), ("status",), ("history",), ("holds",), ("conflicts",), ("notices",),
    ("override", "list"), ("audit", "verify"),
)  # fmt: skip


@pytest.fixture
def told(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    for name in ("marker-key", "health-key", "channel"):
        secret = tmp_path / name
        secret.touch(0o600)
        secret.write_text("json://127.0.0.1:1/canary-channel" if name == "channel" else f"canary-{name}-0123456789abcdef")
    with opening(request.param, request, tmp_path)(noon()) as place:
        found = story(place, tmp_path, monkeypatch, "bidirectional", exported=False)
        found.write(TOP + ROTA)
        yield found


def lived(told: Story) -> None:
    """All that people and the rota do."""
    told.export()
    told.give("ana 12T09 13T09", "dee")
    told.override("eve", "14T09", "15T09")
    told.remove("ana 15T09 16T09")
    told.export()
    told.pass_time(24)
    told.export()
    told.run("doctor")


# --- what the vendors' documents allow ----------------------------------------------------------


def wrong(place: Place, call: Call) -> list[str]:
    """What the vendor's document does not allow about a call."""
    if isinstance(place, InOutlook) and call.path.startswith("/v1.0/"):
        return wrong_request(call.method, call.path, call.query, call.json)
    if isinstance(place, Pager) and call.path != "/oauth/token":
        problem = Contract("pagerduty-schedules.openapi.json").problem(
            call.method, call.path, call.query, call.headers, call.body
        )
        return [problem] if problem else []
    if isinstance(place, OnGoogle) and call.path.startswith(ROOT):
        path = call.path[len(ROOT) :]
        (name,) = [name for (verb, form), name in METHODS.items() if verb == call.method and re.fullmatch(form, path)][:1]
        body = body_problems(name, nullable(call.json)) if call.body else []
        return [*parameter_problems(name, call.query), *body]
    return []


@pytest.mark.parametrize("told", ["google", "outlook", "pagerduty", "pagerduty_v3"], indirect=True)
def test_every_request_of_a_story_is_one_that_the_vendors_document_allows(told: Story) -> None:
    if not Contract("pagerduty-schedules.openapi.json").present:
        pytest.skip("the vendors' documents are not here")
    there: Any = told.place.there  # type: ignore[attr-defined]
    told.place.forget = lambda: None  # type: ignore[method-assign]
    there.faults.add(Fault(method="GET", status=503, first=3))
    there.faults.add(Fault(method="POST", status=429, headers={"retry-after": "1"}, first=5))
    lived(told)
    told.syncd.json("purge", "team", "--now")
    journal = list(there.journal)
    assert {"GET", "POST", "DELETE"} <= {call.method for call in journal}
    assert [problem for call in journal for problem in wrong(told.place, call)] == []


# --- secrets ------------------------------------------------------------------------------------


def secrets(place: Place) -> set[str]:
    found = {"canary-marker-key", "canary-health-key", "canary-channel", "canary-access"}
    if isinstance(place, OnGoogle):
        found |= {"canary-key-id", *(line for line in json.loads(place.key)["private_key"].splitlines() if len(line) > 40)}
    if isinstance(place, InOutlook | Pager):
        found.add(place.there.secret if isinstance(place, InOutlook) else CLIENT_SECRET)
    if isinstance(place, OnServer):
        found |= {str(place.server.password)}
    return found


@pytest.mark.parametrize(
    "told", ["folder", "radicale", "google", "outlook", "pagerduty", "pagerduty_v3", "memory"], indirect=True
)
def test_no_secret_is_in_any_output_log_or_file(told: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_DEBUG", "1")
    told.export()
    spoken, written = [], io.StringIO()
    for fault in echoes(told.place):
        if fault is not None:
            told.place.there.faults.add(fault)  # type: ignore[attr-defined]
        for command in COMMANDS:
            for form in ((), ("--json",)):
                result = told.syncd.run(*command, *form)
                spoken += [result.output, result.stderr, repr(result.exception)]
        if fault is not None:
            told.place.there.faults.clear()  # type: ignore[attr-defined]
    log.configure("debug", "json", written)
    try:
        with daemon(told) as running:
            running.passes(400)
    finally:
        structlog.reset_defaults()
    assert "destination" in written.getvalue()
    told.run("backup", str(told.syncd.folder / "copy.db"))
    stored = b"".join(path.read_bytes() for path in told.syncd.folder.rglob("*") if path.is_file() and path.name not in KEPT)
    text = "\n".join([*spoken, written.getvalue()])
    for secret in secrets(told.place):
        assert secret not in text
        assert secret.encode() not in stored


def echoes(place: Place) -> list[Fault | None]:
    """Refusals in the middle of everything that repeat what was sent to them."""
    if isinstance(place, OnServer | InMemory) or place.kind == "folder":
        return [None]
    text, client = "Bearer canary-access-0001; token=canary-access-0001", "canary-key-id"
    if isinstance(place, InOutlook | Pager):
        client = place.there.secret if isinstance(place, InOutlook) else CLIENT_SECRET
    said = {"error": {"message": text, "code": 2001, "errors": [text]}}
    return [
        None,
        Fault(path="^(?!.*token)", status=403, body=said, times=None),
        Fault(path="token$", status=400, body={"error": "invalid_grant", "error_description": client}, times=None),
        Fault(method="GET", status=200, body=text.encode(), times=None),
    ]
