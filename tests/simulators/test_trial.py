"""Each simulator, started from a shell, prints a configuration with which syncd does all that it can do there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("vendor", "names"),
    [("pagerduty", ["pager", "pager-shifts"]), ("google", ["team-calendar"]), ("microsoft", ["outlook"])],
)
def test_what_a_simulator_prints_is_a_whole_configuration_that_works(vendor: str, names: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", f"tests.simulators.{vendor}", "--folder", str(tmp_path / "secrets")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        try:
            assert server.stdout is not None
            printed = ""
            while "until Ctrl-C" not in printed:
                line = server.stdout.readline()
                assert line, printed
                printed += line
            (tmp_path / "syncd.yaml").write_text(printed, "utf-8")
            assert [one["destination"] for one in _syncd(tmp_path, "export", "--now")] == names
            assert [one["status"] for one in _syncd(tmp_path, "status")] == ["OK"] * len(names)
            assert all(finding["ok"] for finding in _syncd(tmp_path, "doctor"))
        finally:
            server.terminate()


@pytest.mark.parametrize("vendor", ["pagerduty", "google", "microsoft"])
def test_without_what_a_simulator_needs_it_says_in_a_sentence_how_to_get_it(vendor: str) -> None:
    command = [sys.executable, "-S", "-m", f"tests.simulators.{vendor}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert "make setup" in done.stderr


def _syncd(folder: Path, *words: str) -> list[dict[str, object]]:
    environment = {**os.environ, "HOME": str(folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "syncd", "--config", str(folder / "syncd.yaml"), "--json", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found
