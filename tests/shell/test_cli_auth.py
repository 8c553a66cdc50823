"""`syncd auth`: a real process, a simulated vendor, and a person with a browser."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.connectors.google_place import opened
from tests.shell.command_line import FOLDER, ROTA, CommandLine, command_line
from tests.simulators.common import clean_environment
from tests.simulators.google import TEAM
from tests.simulators.google_signin import CLIENT
from tests.simulators.microsoft import ONCALL, Microsoft


@pytest.fixture
def syncd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return command_line(tmp_path, monkeypatch, ROTA + FOLDER)


def test_a_person_signs_in_to_google_and_only_they_can_read_what_it_gives(tmp_path: Path) -> None:
    with opened() as place:
        auth = {"auth_uri": f"{place.url}/o/oauth2/v2/auth", "token_uri": f"{place.url}/token"}
        client, out = tmp_path / "client.json", tmp_path / "credentials.json"
        client.write_text(json.dumps({"installed": {**CLIENT, **auth, "redirect_uris": ["http://localhost"]}}))
        command = [sys.executable, "-m", "syncd", "auth", "google", "--client", str(client), "--out", str(out)]
        env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env)
        try:
            assert process.stderr is not None
            address = next(line.strip() for line in process.stderr if "://" in line)
            with requests.Session() as session:
                session.trust_env = False
                session.get(address, timeout=30)
            rest = process.stderr.read()
            assert process.wait(60) == 0, rest
        finally:
            process.kill()
            process.wait()
        assert "ana@example.com" in rest
        granted = json.loads(out.read_text())
        assert granted["type"] == "authorized_user"
        assert out.stat().st_mode & 0o777 == 0o600
        assert granted["refresh_token"] not in rest
        assert sorted(tmp_path.iterdir()) == [client, out]
        place.calendar.roles["ana@example.com"] = "writer"
        given = f"{{calendar: {TEAM}, credentials: {{file: credentials.json}}, base_url: '{place.url}'}}"
        there = f"{{kind: google, schedule: payments, role: primary, options: {given}}}"
        (tmp_path / "syncd.yaml").write_text(f"{ROTA}store: state\ndestinations:\n  team: {there}\n")
        export = [sys.executable, "-m", "syncd", "export", "--now"]
        done = subprocess.run(export, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        assert {event["creator"]["email"] for event in place.calendar.live()} == {"ana@example.com"}
        kept = b"".join(file.read_bytes() for file in (tmp_path / "state").rglob("*") if file.is_file())
        assert granted["refresh_token"].encode() not in kept + done.stdout.encode() + done.stderr.encode()


def test_a_client_of_another_kind_is_refused_with_what_to_make_instead(syncd: CommandLine) -> None:
    file = syncd.write('{"web": {"client_id": "x"}}', "client.json")
    assert "Desktop app" in syncd.refused("auth", "google", "--client", str(file), "--out", "credentials.json", code=1)
    assert "cannot be read" in syncd.refused("auth", "google", "--client", "nowhere.json")
    assert "--client" in syncd.refused("auth", "google")


# --- Outlook: a code on another device ------------------------------------------------------------


class Desk:
    """A folder with a configuration that names no secret, and `syncd` as real processes in it."""

    def __init__(self, folder: Path, there: Microsoft) -> None:
        self.folder, self.there = folder, there
        there.login.interval = 0.05
        options = (
            f"{{tenant: {there.tenant}, client_id: {there.client_id}, mailbox: {ONCALL}, authority: '{there.authority}', "
            f"base_url: '{there.base_url}', ca_file: '{there.ca_file}'}}"
        )
        there_ = f"{{kind: outlook, schedule: payments, role: primary, options: {options}}}"
        (folder / "syncd.yaml").write_text(f"{ROTA}store: state\ndestinations:\n  team: {there_}\n")

    def start(self, *command: str) -> subprocess.Popen[str]:
        env = {name: value for name, value in os.environ.items() if not name.lower().endswith(("_proxy", "_bundle"))}
        return subprocess.Popen(
            [sys.executable, "-m", "syncd", *command], cwd=self.folder, env=env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *command: str) -> tuple[int, str]:
        process = self.start(*command)
        out, err = process.communicate(timeout=120)
        return process.returncode, out + err

    def sign_in(self, fate: Callable[[str], object]) -> tuple[int, str]:
        """`fate`: what the person does with the code that they are shown."""
        process = self.start("auth", "outlook")
        try:
            assert process.stderr is not None
            shown = ""
            for line in process.stderr:
                shown += line
                if found := re.search("enter the code ([A-Z0-9]+)", line):
                    fate(found[1])
                    break
            out, err = process.communicate(timeout=120)
            return process.returncode, shown + out + err
        finally:
            process.kill()
            process.wait()

    def stored(self) -> bytes:
        """Every byte that is kept, the write-ahead log and a copy of the store among them."""
        assert self.run("backup", "copy.db")[0] == 0
        return b"".join(file.read_bytes() for file in self.folder.rglob("*") if file.is_file())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    clean_environment()
    with Microsoft() as there:
        yield Desk(tmp_path, there)


def test_a_user_signs_in_to_outlook_with_a_code_and_every_export_after_that_is_theirs(desk: Desk) -> None:
    code, said = desk.run("plan")
    assert (code, "syncd auth outlook" in said) == (1, True)
    login = desk.there.login
    code, said = desk.sign_in(lambda shown: login.approve(shown, ONCALL))
    assert code == 0, said
    assert ONCALL in said
    code, said = desk.run("export", "--now")
    assert code == 0, said
    assert len(desk.there.box().now()) >= 5, "an event for each week of the horizon"
    assert b"canary" not in desk.stored()
    assert {file.stat().st_mode & 0o077 for file in (desk.folder / "state").rglob("*") if file.is_file()} == {0}


def test_two_exports_at_once_refresh_a_single_use_token_once(desk: Desk) -> None:
    login = desk.there.login
    login.single_use = True
    assert desk.sign_in(lambda shown: login.approve(shown, ONCALL))[0] == 0
    login.tokens.revoke_all()
    processes = [desk.start("plan") for _ in range(2)]
    said = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    grants = [call.form.get("grant_type") for call in desk.there.journal.of("POST", "/token$")]
    assert grants.count("refresh_token") == 1


@pytest.mark.long
def test_a_user_who_says_no_leaves_nothing_behind_and_may_say_yes_later(desk: Desk) -> None:
    login = desk.there.login
    code, said = desk.sign_in(login.decline)
    assert code == 1
    assert "declined" in said.lower() or "refuses" in said.lower()
    assert not list((desk.folder / "state").glob("*.tokens"))
    assert desk.sign_in(lambda shown: login.approve(shown, ONCALL))[0] == 0
    assert desk.sign_in(lambda shown: login.approve(shown, ONCALL))[0] == 0, "and again, in place of the first"
    assert desk.run("plan")[0] == 0


def test_outlook_needs_a_destination_of_its_kind(syncd: CommandLine) -> None:
    assert "none in the configuration" in syncd.refused("auth", "outlook")
    assert "calendar" in syncd.refused("auth", "outlook", "calendar")
