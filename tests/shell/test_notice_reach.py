"""What keeps notices from arriving is told by `doctor`, `check`, `status` and the health endpoint, before somebody misses one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from syncd.herald import reach
from syncd.herald.reach import FAILING
from syncd.store import Store
from syncd.web.metrics import stored
from syncd.web.status import told_of
from tests.shell.command_line import ROTA, CommandLine, command_line

CHANNELS = "notices: {channels: {mail: {url: {file: mail}}, group: {url: {file: group}}}}\n"
TEAM = "teams: {payments: {title: P, people: [ana, ben], channels: [group]}}\n"
OWNED = ROTA.replace("    title: Payments\n", "    title: Payments\n    team: payments\n") + TEAM
DOWN = {"mail ana": {"channel": "mail", "person": "ana", "since": "2026-03-11T11:00:00Z", "reason": "535 refused"}}


@pytest.fixture
def syncd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    for name, url in (("mail", "mailto://mail.example.com?from=rota@example.com"), ("group", "json://host.example/x")):
        (tmp_path / name).touch(0o600)
        (tmp_path / name).write_text(url)
    return command_line(tmp_path, monkeypatch, OWNED + CHANNELS)


def said(syncd: CommandLine, code: int = 0) -> dict[str, bool]:
    return {one["text"]: one["ok"] for one in syncd.json("doctor", code=code) if one["of"] == "notices"}


def test_channels_that_are_well_are_named_with_whom_they_reach(syncd: CommandLine) -> None:
    assert said(syncd) == {"mail: personal, to each person's `email`": True, "group: a group channel": True}


def test_no_channel_is_no_mistake_but_is_said(syncd: CommandLine) -> None:
    syncd.write(ROTA)
    assert said(syncd) == {"none is configured, so nobody is told anything (docs/notices.md)": True}


def test_an_address_nobody_understands_is_a_mistake_and_never_shown(syncd: CommandLine) -> None:
    (syncd.folder / "group").write_text("nosuch://T0ps3cret/x")
    found = said(syncd, code=1)
    assert [ok for text, ok in found.items() if text.startswith("group: Apprise does not take this address")] == [False]
    assert "T0ps3cret" not in str(found)


def test_apprise_that_is_not_installed_is_told_with_the_command_that_installs_it(
    syncd: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "installed", lambda: False)
    [found] = [one for one in syncd.json("doctor", code=1) if one["of"] == "notices"]
    assert (found["ok"], found["remedy"]) == (False, "pip install 'syncd[notify]'")


def test_a_mail_channel_with_nobody_to_write_to_and_people_whom_nothing_reaches_are_told(syncd: CommandLine) -> None:
    nobody = OWNED.replace(", email: ana@example.com", "").replace(", email: ben@example.com", "")
    syncd.write(nobody + CHANNELS)
    assert said(syncd, code=1)["mail: nobody has an `email`"] is False
    syncd.write(OWNED.replace(", email: ben@example.com", "").replace("channels: [group]", "channels: []") + CHANNELS)
    found = said(syncd)
    assert found["payments: ben cannot be told of a handoff or a change of their duty"]
    assert found["group: no team lists it, so nothing is sent there"]
    syncd.write(ROTA + CHANNELS)
    assert said(syncd)["payments: what is told to its admins reaches nobody"]


def test_check_warns_of_somebody_on_call_without_an_address_once_and_only_where_something_is_told(syncd: CommandLine) -> None:
    lost = OWNED.replace(", email: ben@example.com", "")
    syncd.write(lost + CHANNELS)
    [warning] = [one for one in syncd.json("check") if "ben is on call and has no `email`" in one["problem"]]
    assert (warning["severity"], warning["path"]) == ("warning", "people.ben")
    syncd.write(lost.replace(", channels: [group]", ""))
    assert [one for one in syncd.json("check") if "no `email`" in one["problem"]] == []


def down(store: Store, failing: Mapping[str, Any] | None) -> None:
    with store.write() as tx:
        tx.facts.put(FAILING, failing)


def test_what_does_not_arrive_is_told_by_doctor_status_and_the_health_endpoint(syncd: CommandLine) -> None:
    store = Store.open(syncd.folder / "state" / "syncd")
    assert store is not None
    try:
        down(store, DOWN)
        assert said(syncd, code=1)["mail (ana): nothing arrives since 2026-03-11T11:00:00Z: 535 refused"] is False
        assert "notices do not arrive (mail): `syncd doctor` says why" in syncd.run("status").stdout
        from syncd.config import load

        config = load(syncd.folder / "syncd.yaml", now=0)
        with store.read() as tx:
            assert told_of(config, tx, 1)["notices"] == {"waiting": 0, "since": None, "failing": [DOWN["mail ana"]]}
            assert "syncd_notices_failing 1\n" in stored(config, tx, 1)
        down(store, None)
        assert "do not arrive" not in syncd.run("status").stdout
        assert all(said(syncd).values())
    finally:
        store.close()
