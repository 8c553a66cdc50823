"""`syncd template save`: another team's schedule from one that works, people and dates left open."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.config import load
from tests.shell.command_line import CommandLine, command_line

ROTA = """\
timezone: Europe/Berlin
people:
  ana: {name: Ana Lima}
  ben: {name: Ben Okafor}
  cho: {name: Cho Min-ji}
  dev: {name: Dev Rao}
roles:
  primary: {title: Primary}
  secondary: {title: Secondary}
schedules:
  payments:
    title: Payments
    description: "Answer first, ask later # always"
    start: 2026-03-02T09:00
    end: 2026-12-01
    admins: [ana]
    needs: {primary: always, secondary: [{from: "18:00", to: "09:00", days: [mon, tue]}]}
    holidays: {country: DE, also: [2026-12-24]}
    override_overlap: last
    layers:
      - role: primary
        members: [ana, ben]
        rotation: {every: 2, unit: week, anchor: 2026-03-02T09:00}
      - name: nights
        role: secondary
        priority: 3
        from: 2026-03-05
        until: 2026-06-01
        members: [cho, [ana, ben]]
        days: [mon, tue, wed, thu, fri]
        boundary: shift
        windows: [{from: "18:00", to: "09:00"}]
        rotation: {every: 1, unit: day, at: "18:00"}
    overrides:
      - {roles: [primary], people: [cho], start: 2026-03-04, end: 2026-03-05}
    away:
      - {person: ana, start: 2026-04-01, end: 2026-04-08}
"""
OTHER = """\
  search:
    template: standard
    title: Search
    start: 2026-05-04T09:00
    layers:
      - {name: layer-1, members: [dev, cho]}
      - {name: nights, members: [dev]}
"""


@pytest.fixture
def syncd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return command_line(tmp_path, monkeypatch, ROTA)


def test_people_and_dates_are_left_open_and_the_handoff_is_kept(syncd: CommandLine) -> None:
    assert syncd.run("template", "save", "payments", "standard").stdout.splitlines()[2:] == [
        "templates:",
        "  standard:",
        '    description: "Answer first, ask later # always"',
        '    needs: {primary: always, secondary: [{from: "18:00", to: "09:00", days: [mon, tue]}]}',
        "    holidays: {country: DE}",
        "    override_overlap: last",
        "    layers:",
        "      - name: layer-1",
        "        role: primary",
        '        rotation: {every: 2, unit: week, on: mon, at: "09:00"}',
        "      - name: nights",
        "        role: secondary",
        "        priority: 3",
        "        days: [mon, tue, wed, thu, fri]",
        "        boundary: shift",
        '        windows: [{from: "18:00", to: "09:00"}]',
        '        rotation: {every: 1, unit: day, at: "18:00"}',
    ]


def test_a_schedule_begins_from_what_was_saved(syncd: CommandLine) -> None:
    printed = syncd.run("template", "save", "payments", "standard").stdout
    config = load(syncd.write(ROTA + OTHER + printed))
    search, payments = config.rota.schedules["search"], config.rota.schedules["payments"]
    assert [one.rosters[0].groups for one in search.layers] == [(("dev",), ("cho",)), (("dev",),)]
    assert [(one.role, one.priority, one.days, one.windows) for one in search.layers] == [
        (one.role, one.priority, one.days, one.windows) for one in payments.layers
    ]
    assert (search.overrides, search.away, search.admins) == ((), (), ())
    assert (search.end, search.description) == (None, payments.description)
    assert (
        syncd.json("oncall", "--schedule", "search", "--role", "primary", "--at", "2026-05-04T10:00")[0]["people"][0]["id"]
        == "dev"
    )


def test_one_made_from_a_template_can_be_saved_again(syncd: CommandLine) -> None:
    printed = syncd.run("template", "save", "payments", "standard").stdout
    syncd.write(ROTA + OTHER + printed)
    again = syncd.run("template", "save", "search", "other").stdout
    assert again.splitlines()[2:] == [line.replace("standard", "other") for line in printed.splitlines()[2:]]


def test_names_that_mean_nothing_are_refused(syncd: CommandLine) -> None:
    assert "did you mean 'payments'?" in syncd.refused("template", "save", "payment", "standard")
    assert "is no id" in syncd.refused("template", "save", "payments", "not a name")
