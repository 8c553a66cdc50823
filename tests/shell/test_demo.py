"""`make demo`: a rota of one's own with today's dates, calendar files, and nothing to do the second time."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from syncd.cli import demo
from syncd.config import Config, load
from syncd.core.model import Window
from syncd.core.shifts import shifts

ROOT = Path(__file__).parent.parent.parent
DEMO = ROOT / "config" / "demo.yaml"


def test_the_demo_writes_calendars_and_then_has_nothing_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("SYNCD_CONFIG", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    today = date.today()  # noqa: DTZ011 - the commands that it calls read the real clock
    assert demo.run([str(DEMO), "demo"], today) == 0
    first = capsys.readouterr().out
    assert "Who is on call now" in first
    assert "shifts in demo/calendars/primary/" in first
    assert "Try next" in first
    written = {path: path.read_bytes() for path in (tmp_path / "demo").rglob("*.ics")}
    assert len(written) > 20

    assert demo.run([str(DEMO), "demo"], today) == 0
    second = capsys.readouterr().out
    assert second.count("nothing to do") == 2
    assert {path: path.read_bytes() for path in (tmp_path / "demo").rglob("*.ics")} == written
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo"]  # nothing outside it


@pytest.mark.parametrize("days", range(28))
def test_whatever_day_it_is_somebody_is_on_call_and_the_override_is_to_come_and_changes_something(
    tmp_path: Path, days: int
) -> None:
    today = date(2026, 11, 16) + timedelta(days=days)
    path = tmp_path / "syncd.yaml"
    path.write_text(demo.dated(DEMO.read_text(), today))
    rota = load(path, destinations=False).rota
    assert (len(rota.people), len(rota.roles)) == (3, 2)
    (schedule,) = rota.schedules.values()
    now = int((today - date(1970, 1, 1)).total_seconds()) + 12 * 3_600
    assert {shift.role for shift in shifts(schedule, Window(now, now + 1))} == {"primary", "backup"}
    (override,) = schedule.overrides
    assert now < override.start < now + 15 * 86_400
    within = Window(override.start, override.end)
    without = shifts(load_without_override(path).rota.schedules[schedule.id], within, role="primary")
    assert {shift.person for shift in without} != set(override.people)


def load_without_override(path: Path) -> Config:
    text = path.read_text()
    head, _, tail = text.partition("    overrides:\n")
    other = path.with_name("plain.yaml")
    other.write_text(head + tail.split("\n", 1)[1])
    return load(other, destinations=False)
