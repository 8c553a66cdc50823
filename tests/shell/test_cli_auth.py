"""`syncd auth`: a real process, a simulated vendor, and a person with a browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.connectors.google_place import opened
from tests.shell.command_line import FOLDER, ROTA, CommandLine, command_line
from tests.simulators.google_signin import CLIENT


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
        assert list(tmp_path.iterdir()) == [client, out] or sorted(tmp_path.iterdir()) == [client, out]


def test_a_client_of_another_kind_is_refused_with_what_to_make_instead(syncd: CommandLine) -> None:
    file = syncd.write('{"web": {"client_id": "x"}}', "client.json")
    assert "Desktop app" in syncd.refused("auth", "google", "--client", str(file), "--out", "credentials.json", code=1)
    assert "cannot be read" in syncd.refused("auth", "google", "--client", "nowhere.json")
    assert "--client" in syncd.refused("auth", "google")


def test_outlook_needs_a_destination_of_its_kind(syncd: CommandLine) -> None:
    assert "none in the configuration" in syncd.refused("auth", "outlook")
    assert "calendar" in syncd.refused("auth", "outlook", "calendar")
