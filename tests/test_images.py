"""What can be checked of the image, the compose file and the units without a machine to run them on."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from syncd.config import load

ROOT = Path(__file__).parent.parent
HADOLINT = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
UNITS = ("systemd/syncd.service", "systemd/user/syncd.service")


def steps() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, continued lines joined, comments away."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    lines = re.sub(r"\\\n\s*", " ", "\n".join(line for line in text.splitlines() if not line.startswith("#")))
    return [
        (word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in lines.splitlines() if line.strip())
    ]


def of(word: str) -> list[str]:
    return [rest for found, rest in steps() if found == word]


def test_the_image_has_two_stages_of_one_pinned_base() -> None:
    assert of("ARG") == [of("ARG")[0]]
    assert re.fullmatch(r"PYTHON=python:3\.\d+\.\d+-slim-[a-z]+", of("ARG")[0])
    assert of("FROM") == ["${PYTHON} AS build", "${PYTHON}"]


def test_the_image_is_built_from_the_lock_by_hash_and_fetches_nothing_else() -> None:
    installs = [line for line in of("RUN") if "pip install" in line]
    assert len(installs) == 2
    assert "--require-hashes --no-deps -r requirements/run.txt" in installs[0]
    assert "--no-deps --no-build-isolation" in installs[1]
    assert not [line for line in of("RUN") if re.search(r"apt-get|curl|wget", line)]
    assert not of("ADD")


def test_the_last_stage_runs_no_command_and_no_shell_as_a_fixed_user() -> None:
    last = steps()[[word for word, _ in steps()].index("FROM", 2) :]
    words = [word for word, _ in last]
    assert "RUN" not in words
    assert [rest for word, rest in last if word == "USER"] == ["10001:10001"]
    for word in ("ENTRYPOINT", "CMD"):
        assert isinstance(json.loads(next(rest for found, rest in last if found == word)), list), "as a list: signals arrive"
    health = next(rest for word, rest in last if word == "HEALTHCHECK")
    assert json.loads(health.partition("CMD ")[2]) == ["syncd", "health"]
    assert ("STOPSIGNAL", "SIGTERM") in last


def test_the_volume_begins_as_a_directory_of_the_users_alone() -> None:
    assert any("install -d -m 0700 /state/syncd" in line for line in of("RUN"))
    assert "--from=build --chown=10001:10001 /state/ /var/lib/" in of("COPY"), "what is in a directory keeps its mode"


def test_everything_that_is_copied_is_let_through_and_there() -> None:
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    for line in of("COPY"):
        if "--from" in line:
            continue
        for name in line.split()[:-1]:
            assert name in let_through
            assert (ROOT / name).exists()


def composed() -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load((ROOT / "compose.yaml").read_text("utf-8"))
    return found


@pytest.mark.parametrize("name", ["syncd", "calendar"])
def test_a_composed_service_has_no_rights_and_a_root_that_is_only_read(name: str) -> None:
    service = composed()["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_the_composed_daemon_keeps_its_store_in_a_volume_and_has_time_to_end() -> None:
    told = composed()
    service = told["services"]["syncd"]
    assert "syncd-state:/var/lib/syncd" in service["volumes"]
    assert "syncd-state" in told["volumes"]
    assert int(service["stop_grace_period"].removesuffix("s")) >= 20


def test_the_composed_rota_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_DEMO_PASSWORD", composed()["services"]["syncd"]["environment"]["SYNCD_DEMO_PASSWORD"])
    config = load(ROOT / "config" / "compose.yaml")
    assert set(config.destinations) == {"calendar"}
    assert not config.warnings or all("bidirectional" in str(one) for one in config.warnings)


@pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed")
def test_hadolint_finds_nothing() -> None:
    done = subprocess.run([str(HADOLINT), str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(shutil.which("docker") is None, reason="docker is not installed")
def test_compose_accepts_the_file() -> None:
    done = subprocess.run(
        ["docker", "compose", "-f", str(ROOT / "compose.yaml"), "config", "--quiet"], capture_output=True, text=True
    )
    if "is not a docker command" in done.stderr or "unknown" in done.stderr:
        pytest.skip("this docker has no compose")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_notified_watched_reloaded_and_given_time_to_end(name: str) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(ROOT / name)
    service = unit["Service"]
    assert service["Type"] == "notify"
    assert service["NotifyAccess"] == "main"
    assert int(service["WatchdogSec"]) > 60
    assert service["ExecReload"].endswith("kill -HUP $MAINPID")
    assert int(service["TimeoutStopSec"]) > 20
    assert service["ExecStart"].endswith("/syncd run")
    assert unit["Install"]["WantedBy"] == ("default.target" if "user" in name else "multi-user.target")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_understands_every_line_of_a_unit(name: str, tmp_path: Path) -> None:
    text = (ROOT / name).read_text("utf-8")
    here = tmp_path / "syncd.service"
    here.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(here)], capture_output=True, text=True, check=False)
    assert not [
        line for line in done.stderr.splitlines() if "syncd.service" in line and ("Unknown" in line or "Failed to parse" in line)
    ]
