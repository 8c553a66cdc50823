"""Importing what a team has in another product: the golden cases of each, and what is printed where it is not exact."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from syncd.config import Config, load
from syncd.core.gaps import gaps
from syncd.core.model import Window
from syncd.core.shifts import shifts
from syncd.imports import NotImportable, as_yaml, imported
from tests.shell.command_line import CommandLine, command_line


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


class Brought:
    """What came out: the text, and the configuration that it is."""

    def __init__(self, folder: Path, product: str, value: Any, **said: Any) -> None:
        self.text = as_yaml(imported(product, json.dumps(value).encode(), now=at("2026-03-11T12:00Z"), **said))
        path = folder / "imported.yaml"
        path.write_text(self.text, "utf-8")
        self.config: Config = load(path, now=at("2026-03-11T12:00Z"))
        self.schedule = next(iter(self.config.rota.schedules.values()))

    def turns(self, start: str, end: str, role: str | None = None) -> list[str]:
        """`ana 2026-03-02T09:00-06:00` for each shift, its start in the schedule's zone."""
        from zoneinfo import ZoneInfo

        there = ZoneInfo(self.schedule.timezone)
        found = shifts(self.schedule, Window(at(start), at(end)), role=role)
        return [f"{one.person} {datetime.fromtimestamp(one.start, there).isoformat(timespec='minutes')}" for one in found]

    def on(self, moment: str, role: str | None = None) -> set[str]:
        return {one.person for one in shifts(self.schedule, Window(at(moment), at(moment) + 1), role=role)}

    def warnings(self) -> str:
        return " ".join(line.strip().removeprefix("#").strip() for line in self.text.splitlines() if line.strip().startswith("#"))

    def warned(self, words: str, line: str) -> bool:
        """Whether a warning with these words stands right above a line that begins so."""
        lines = [one.strip() for one in self.text.splitlines()]
        for i, one in enumerate(lines):
            if one.removeprefix("- ").startswith(line):
                above: list[str] = []
                for before in reversed(lines[:i]):
                    if not before.startswith("#"):
                        break
                    above.insert(0, before.removeprefix("#").strip())
                if words in " ".join(above):
                    return True
        return False


# --- PagerDuty -------------------------------------------------------------------------------


def reference(id_: str, name: str) -> dict[str, Any]:
    return {"user": {"id": id_, "type": "user_reference", "summary": name}}


ALICE, BOB, CAROL, DAVE = (reference(f"P{name.upper()}", f"{name} Example") for name in ("Alice", "Bob", "Carol", "Dave"))


def layer(*users: dict[str, Any], start: str, turn: int, **rest: Any) -> dict[str, Any]:
    return {
        "name": "Layer 1", "start": start, "end": None, "rotation_virtual_start": start,
        "rotation_turn_length_seconds": turn, "users": list(users), "restrictions": [], **rest,
    }  # fmt: skip


def pagerduty(*layers: dict[str, Any], zone: str = "UTC", **rest: Any) -> dict[str, Any]:
    return {
        "schedule": {
            "id": "PX",
            "type": "schedule",
            "name": "Payments",
            "time_zone": zone,
            "schedule_layers": list(layers),
            **rest,
        }
    }


def test_weekly_turns_from_the_first_of_march(tmp_path: Path) -> None:
    brought = Brought(tmp_path, "pagerduty", pagerduty(layer(ALICE, BOB, CAROL, start="2026-03-01T00:00:00Z", turn=604_800)))
    assert brought.turns("2026-03-01T00:00Z", "2026-03-29T00:00Z") == [
        "alice 2026-03-01T00:00+00:00",
        "bob 2026-03-08T00:00+00:00",
        "carol 2026-03-15T00:00+00:00",
        "alice 2026-03-22T00:00+00:00",
    ]
    assert brought.text.splitlines()[1:] == [
        "timezone: UTC",
        "people:",
        "  alice: {name: Alice Example, accounts: {pagerduty: PALICE}}",
        "  bob: {name: Bob Example, accounts: {pagerduty: PBOB}}",
        "  carol: {name: Carol Example, accounts: {pagerduty: PCAROL}}",
        "roles:",
        "  primary: {title: Primary}",
        "schedules:",
        "  payments:",
        "    title: Payments",
        "    layers:",
        "      - name: Layer 1",
        "        from: 2026-03-01",
        "        members: [alice, bob, carol]",
        '        rotation: {every: 1, unit: week, on: sun, at: "00:00"}',
    ]


def test_four_people_take_turns_of_twelve_hours(tmp_path: Path) -> None:
    brought = Brought(tmp_path, "pagerduty", pagerduty(layer(ALICE, BOB, CAROL, DAVE, start="2026-03-01T00:00:00Z", turn=43_200)))
    assert brought.turns("2026-03-01T00:00Z", "2026-03-03T12:00Z") == [
        "alice 2026-03-01T00:00+00:00",
        "bob 2026-03-01T12:00+00:00",
        "carol 2026-03-02T00:00+00:00",
        "dave 2026-03-02T12:00+00:00",
        "alice 2026-03-03T00:00+00:00",
    ]


def test_a_weekly_handoff_keeps_its_local_time_across_a_clock_change(tmp_path: Path) -> None:
    value = pagerduty(layer(ALICE, BOB, start="2026-03-02T09:00:00-06:00", turn=604_800), zone="America/Chicago")
    assert Brought(tmp_path, "pagerduty", value).turns("2026-03-02T15:00Z", "2026-03-17T00:00Z") == [
        "alice 2026-03-02T09:00-06:00",
        "bob 2026-03-09T09:00-05:00",
        "alice 2026-03-16T09:00-05:00",
    ]


def test_a_virtual_start_says_whose_turn_it_is_when_the_layer_begins(tmp_path: Path) -> None:
    before = layer(ALICE, BOB, CAROL, start="2026-03-05T12:00:00Z", turn=604_800, rotation_virtual_start="2026-02-23T09:00:00Z")
    brought = Brought(tmp_path, "pagerduty", pagerduty(before))
    assert brought.turns("2026-03-01T00:00Z", "2026-03-17T00:00Z") == [
        "bob 2026-03-05T12:00+00:00",
        "carol 2026-03-09T09:00+00:00",
        "alice 2026-03-16T09:00+00:00",
    ]


def test_a_virtual_start_after_the_start_is_counted_backwards(tmp_path: Path) -> None:
    after = layer(ALICE, BOB, CAROL, start="2026-03-05T12:00:00Z", turn=604_800, rotation_virtual_start="2026-03-16T09:00:00Z")
    brought = Brought(tmp_path, "pagerduty", pagerduty(after))
    assert brought.turns("2026-03-01T00:00Z", "2026-03-17T00:00Z") == [
        "bob 2026-03-05T12:00+00:00",
        "carol 2026-03-09T09:00+00:00",
        "alice 2026-03-16T09:00+00:00",
    ]


WEEKDAY_NIGHTS = [
    {"type": "weekly_restriction", "start_day_of_week": day, "start_time_of_day": "18:00:00", "duration_seconds": 54_000}
    for day in range(1, 6)
]


def test_restrictions_are_windows_in_the_words_of_a_person(tmp_path: Path) -> None:
    nights = layer(ALICE, start="2026-03-02T00:00:00Z", turn=604_800, restrictions=WEEKDAY_NIGHTS)
    brought = Brought(tmp_path, "pagerduty", pagerduty(nights))
    assert '        windows: [{from: "18:00", to: "09:00", days: [mon, tue, wed, thu, fri]}]' in brought.text.splitlines()
    assert brought.on("2026-03-07T08:59Z") == {"alice"}, "Friday's night, which ends on Saturday"
    assert brought.on("2026-03-07T09:00Z") == brought.on("2026-03-08T20:00Z") == brought.on("2026-03-09T08:00Z") == set()


def test_a_restriction_over_the_weekend_wraps(tmp_path: Path) -> None:
    weekend = {"type": "weekly_restriction", "start_day_of_week": 5, "start_time_of_day": "18:00:00", "duration_seconds": 226_800}
    brought = Brought(
        tmp_path, "pagerduty", pagerduty(layer(ALICE, start="2026-03-02T00:00:00Z", turn=604_800, restrictions=[weekend]))
    )
    assert '        windows: [{from: "fri 18:00", to: "mon 09:00"}]' in brought.text.splitlines()
    assert brought.on("2026-03-09T08:59Z") == {"alice"}
    assert brought.on("2026-03-09T09:00Z") == set()


def test_a_restriction_of_the_whole_day_is_none(tmp_path: Path) -> None:
    all_day = {"type": "daily_restriction", "start_time_of_day": "07:00:00", "duration_seconds": 86_400}
    brought = Brought(
        tmp_path, "pagerduty", pagerduty(layer(ALICE, start="2026-03-02T00:00:00Z", turn=604_800, restrictions=[all_day]))
    )
    assert "windows" not in brought.text


def test_the_last_layer_of_the_list_wins(tmp_path: Path) -> None:
    nights = layer(BOB, start="2026-03-02T00:00:00Z", turn=604_800, restrictions=WEEKDAY_NIGHTS, name="Nights")
    value = pagerduty(layer(ALICE, start="2026-03-02T00:00:00Z", turn=604_800), nights)
    brought = Brought(tmp_path, "pagerduty", value)
    assert brought.on("2026-03-03T12:00Z") == {"alice"}
    assert brought.on("2026-03-03T20:00Z") == {"bob"}
    assert brought.warned("the last layer of the list wins here", "layers:")
    assert Brought(tmp_path, "pagerduty", value, top="first").on("2026-03-03T20:00Z") == {"alice"}


def test_the_rendered_schedule_says_which_layer_wins(tmp_path: Path) -> None:
    nights = layer(BOB, start="2026-03-02T00:00:00Z", turn=604_800, restrictions=WEEKDAY_NIGHTS, name="Nights")
    shown = [
        {"start": "2026-03-03T09:00:00Z", "end": "2026-03-03T18:00:00Z", **ALICE},
        {"start": "2026-03-03T18:00:00Z", "end": "2026-03-04T09:00:00Z", **BOB},
    ]
    value = pagerduty(
        nights, layer(ALICE, start="2026-03-02T00:00:00Z", turn=604_800), final_schedule={"rendered_schedule_entries": shown}
    )
    brought = Brought(tmp_path, "pagerduty", value)
    assert brought.on("2026-03-03T20:00Z") == {"bob"}
    assert "warning" not in brought.text


def test_what_pagerduty_shows_otherwise_is_told(tmp_path: Path) -> None:
    shown = [{"start": "2026-03-03T09:00:00Z", "end": "2026-03-03T18:00:00Z", **BOB}]
    value = pagerduty(
        layer(ALICE, start="2026-03-02T00:00:00Z", turn=604_800), final_schedule={"rendered_schedule_entries": shown}
    )
    brought = Brought(tmp_path, "pagerduty", value)
    text = "PagerDuty shows bob from 2026-03-03 09:00+00:00 to 2026-03-03 18:00+00:00, this rota has alice"
    assert brought.warned(text, "payments:")


def test_the_rendered_schedule_says_whether_turns_keep_their_length_across_a_clock_change(tmp_path: Path) -> None:
    """The rota and what is shown agree until 2026-03-29T01:00Z, when Berlin's clocks go forward."""
    turns = layer(ALICE, BOB, start="2026-03-27T09:00:00+01:00", turn=43_200)
    names = {"Alice": ALICE, "Bob": BOB}
    shown = [
        {"start": f"2026-03-{start}:00:00Z", "end": f"2026-03-{end}:00:00Z", **names[who]}
        for start, end, who in (("28T08", "28T20", "Alice"), ("28T20", "29T08", "Bob"), ("29T08", "29T20", "Alice"))
    ]
    kept = Brought(
        tmp_path, "pagerduty", pagerduty(turns, zone="Europe/Berlin", final_schedule={"rendered_schedule_entries": shown})
    )
    assert kept.turns("2026-03-29T00:00Z", "2026-03-29T20:00Z") == [
        "bob 2026-03-28T21:00+01:00",
        "alice 2026-03-29T10:00+02:00",
    ]
    assert "clock: elapsed" in kept.text
    assert "warning" not in kept.text


def test_overrides_are_written_by_their_start_whatever_the_vendors_order(tmp_path: Path) -> None:
    days = (9, 3, 12, 6)
    listed = [
        {"id": f"Q{day}", "start": f"2026-03-{day:02}T00:00:00Z", "end": f"2026-03-{day + 1:02}T00:00:00Z", **BOB} for day in days
    ]
    over = {"id": "Q0", "start": "2026-03-02T12:00:00Z", "end": "2026-03-03T12:00:00Z", **CAROL}
    base = layer(ALICE, start="2026-03-02T00:00:00Z", turn=604_800)
    for overrides in (listed, [*listed, over]):
        brought = Brought(tmp_path, "pagerduty", {**pagerduty(base), "overrides": overrides})
        starts = [one.start for one in brought.schedule.overrides if one.people == ("bob",)]
        assert starts == [at(f"2026-03-{day:02}T00:00Z") for day in (3, 6, 9, 12)]
    assert brought.on("2026-03-03T06:00Z") == {"carol"}


def test_of_overrides_that_overlap_the_last_created_wins(tmp_path: Path) -> None:
    first = {"id": "Q1", "start": "2026-03-03T00:00:00Z", "end": "2026-03-04T00:00:00Z", **BOB}
    second = {"id": "Q2", "start": "2026-03-03T12:00:00Z", "end": "2026-03-03T18:00:00Z", **CAROL}
    base = layer(ALICE, start="2026-03-02T00:00:00Z", turn=604_800)
    brought = Brought(tmp_path, "pagerduty", {**pagerduty(base), "overrides": [first, second]})
    assert brought.on("2026-03-03T06:00Z") == {"bob"}
    assert brought.on("2026-03-03T12:00Z") == {"carol"}
    assert brought.warned("overrides overlap (1)", "override_overlap: last")
    brought = Brought(tmp_path, "pagerduty", {**pagerduty(base), "overrides": [second, first]})
    assert brought.on("2026-03-03T12:00Z") == {"bob"}
    shown = [{"start": "2026-03-03T00:00:00Z", "end": "2026-03-04T00:00:00Z", **BOB}]
    value = pagerduty(base, overrides=[first, second], final_schedule={"rendered_schedule_entries": shown})
    assert Brought(tmp_path, "pagerduty", value).on("2026-03-03T12:00Z") == {"bob"}, "as the rendered schedule shows"


def test_turns_of_no_whole_hours_are_said_exactly(tmp_path: Path) -> None:
    brought = Brought(tmp_path, "pagerduty", pagerduty(layer(ALICE, BOB, CAROL, start="2026-03-02T09:00:00Z", turn=5_400)))
    assert brought.turns("2026-03-02T09:00Z", "2026-03-02T15:00Z") == [
        "alice 2026-03-02T09:00+00:00",
        "bob 2026-03-02T10:30+00:00",
        "carol 2026-03-02T12:00+00:00",
        "alice 2026-03-02T13:30+00:00",
    ]
    assert brought.warned("turns of 5400 seconds are no whole hours", "name: Layer 1 1")


def test_a_shift_based_schedule_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotImportable, match="syncd link pagerduty_v3"):
        Brought(tmp_path, "pagerduty", {"schedule": {"id": "PX", "type": "schedule_v3", "name": "x"}})


def event(
    start: str, end: str, rule: str, *users: str, each: int = 1, zone: str = "Europe/Berlin", **rest: Any
) -> dict[str, Any]:
    members = [{"type": "user_member", "user_id": user} if user else {"type": "empty_member"} for user in users]
    return {
        "id": "E", "type": "schedule_event", "name": "Week", "recurrence": [f"RRULE:{rule}"], "effective_since": start,
        "start_time": {"date_time": start, "time_zone": zone}, "end_time": {"date_time": end, "time_zone": zone},
        "assignment_strategy": {"type": "rotating_member_assignment_strategy", "shifts_per_member": each, "members": members},
        **rest,
    }  # fmt: skip


def shift_based(*events: dict[str, Any]) -> dict[str, Any]:
    users = [{"id": "PALICE", "name": "Alice Example"}, {"id": "PBOB", "name": "Bob Example"}]
    rotations = [{"id": "R", "type": "schedule_rotation", "events": list(events)}]
    inside = {"id": "PX", "type": "schedule_v3", "name": "Payments", "time_zone": "Europe/Berlin", "rotations": rotations}
    return {"schedule": inside, "users": users}


def test_an_event_of_a_week_is_a_weekly_turn(tmp_path: Path) -> None:
    week = event("2026-03-23T09:00+01:00", "2026-03-30T09:00+02:00", "FREQ=WEEKLY", "PALICE", "PBOB")
    week["end_time"]["date_time"] = "2026-03-30T10:00+02:00"
    long = Brought(tmp_path, "pagerduty", shift_based(week))
    assert "is left out" in long.warnings(), "longer than the week that it recurs in"
    week["end_time"]["date_time"] = "2026-03-30T09:00+02:00"
    assert Brought(tmp_path, "pagerduty", shift_based(week)).turns("2026-03-23T08:00Z", "2026-04-07T00:00Z") == [
        "alice 2026-03-23T09:00+01:00",
        "bob 2026-03-30T09:00+02:00",
        "alice 2026-04-06T09:00+02:00",
    ]


def test_an_event_of_working_days_hands_over_by_the_shift(tmp_path: Path) -> None:
    rule = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"
    value = shift_based(event("2026-03-02T09:00+01:00", "2026-03-02T17:00+01:00", rule, "PALICE", "PBOB"))
    brought = Brought(tmp_path, "pagerduty", value)
    days = [next(iter(brought.on(f"2026-03-{day:02}T12:00Z")), "") for day in range(2, 10)]
    assert days == ["alice", "bob", "alice", "bob", "alice", "", "", "bob"]
    assert brought.on("2026-03-02T17:00Z") == set()


def test_events_are_on_call_at_once_and_every_member_too(tmp_path: Path) -> None:
    daily = event("2026-03-02T00:00+01:00", "2026-03-03T00:00+01:00", "FREQ=DAILY", "PALICE", "PBOB")
    daily["assignment_strategy"]["type"] = "every_member_assignment_strategy"
    brought = Brought(tmp_path, "pagerduty", shift_based(daily))
    assert brought.on("2026-03-05T12:00Z") == {"alice", "bob"}
    assert brought.config.rota.roles["primary"].people == 2
    monthly = event("2026-03-02T00:00+01:00", "2026-03-03T00:00+01:00", "FREQ=MONTHLY", "PALICE")
    left = Brought(tmp_path, "pagerduty", shift_based(monthly))
    assert "the event Week is left out: RRULE:FREQ=MONTHLY" in left.warnings()


def test_a_zone_in_the_vendors_words_is_found(tmp_path: Path) -> None:
    value = pagerduty(layer(ALICE, start="2026-03-02T09:00:00Z", turn=604_800), zone="Eastern Time (US & Canada)")
    brought = Brought(tmp_path, "pagerduty", value)
    assert brought.schedule.timezone == "America/New_York"
    assert brought.warned("Eastern Time (US & Canada) is read as America/New_York", "timezone: America/New_York")


def test_more_than_a_file_can_hold_is_one_clear_error(tmp_path: Path) -> None:
    everybody = [reference(f"P{number}", f"Person {number}") for number in range(3_000)]
    with pytest.raises(NotImportable, match="more than 2,000 people"):
        Brought(tmp_path, "pagerduty", pagerduty(layer(*everybody, start="2026-03-02T09:00:00Z", turn=604_800)))
    many = [layer(ALICE, start="2026-03-02T09:00:00Z", turn=604_800) for _ in range(500)]
    with pytest.raises(NotImportable, match="more than 200 layers"):
        Brought(tmp_path, "pagerduty", pagerduty(*many))
    covers = [{"id": "Q", "start": "2026-03-03T00:00:00Z", "end": "2026-03-04T00:00:00Z", **BOB} for _ in range(4_000)]
    with pytest.raises(NotImportable, match="more than 2,000 overrides"):
        Brought(
            tmp_path, "pagerduty", {**pagerduty(layer(ALICE, start="2026-03-02T09:00:00Z", turn=604_800)), "overrides": covers}
        )


# --- SiteQwality -----------------------------------------------------------------------------

ANA, BEN, CHO = (f"{digit * 8}-aaaa-4bbb-9ccc-dddddddddddd" for digit in "123")
USERS = [
    {"id": ANA, "name": "Ana Lima", "email": "ana@example.com"},
    {"id": BEN, "name": "Ben Okafor", "email": "ben@example.com"},
    {"id": CHO, "name": "Cho Min-ji", "email": "cho@example.com"},
]


def siteqwality(*layers: dict[str, Any], zone: str = "UTC", **rest: Any) -> dict[str, Any]:
    return {
        "id": "s",
        "name": "Primary on-call",
        "timezone": zone,
        "layers": list(layers),
        "overrides": [],
        "users": USERS,
        **rest,
    }


def test_sunday_is_day_0_of_a_handoff(tmp_path: Path) -> None:
    weekly = {
        "layer_number": 1, "rotation_type": "weekly", "handoff_day": 0, "handoff_time": "09:00", "participants": [ANA, BEN],
        "effective_from": "2026-03-04T12:00:00Z",
    }  # fmt: skip
    brought = Brought(tmp_path, "siteqwality", siteqwality(weekly))
    assert brought.turns("2026-03-01T00:00Z", "2026-03-16T00:00Z") == [
        "ana 2026-03-04T12:00+00:00",
        "ben 2026-03-08T09:00+00:00",
        "ana 2026-03-15T09:00+00:00",
    ]
    assert '        rotation: {every: 1, unit: week, on: sun, at: "09:00"}' in brought.text.splitlines()
    assert "  ana: {name: Ana Lima, email: ana@example.com}    # SiteQwality 11111111-aaaa-4bbb-9ccc-dddddddddddd" in brought.text


def test_a_handoff_stays_at_its_local_time_across_a_clock_change(tmp_path: Path) -> None:
    weekly = {
        "layer_number": 1, "rotation_type": "weekly", "handoff_day": 1, "handoff_time": "09:00", "participants": [ANA, BEN],
        "effective_from": "2026-03-02T15:00:00Z",
    }  # fmt: skip
    brought = Brought(tmp_path, "siteqwality", siteqwality(weekly, zone="America/Chicago"))
    assert brought.turns("2026-03-02T15:00Z", "2026-03-10T00:00Z") == [
        "ana 2026-03-02T09:00-06:00",
        "ben 2026-03-09T09:00-05:00",
    ]


def test_custom_days_are_counted_from_the_day_the_layer_begins(tmp_path: Path) -> None:
    custom = {
        "layer_number": 1, "rotation_type": "custom_days", "rotation_interval_days": 3, "handoff_time": "10:00",
        "participants": [ANA, BEN], "effective_from": None, "created_at": "2026-03-02T15:04:05Z",
    }  # fmt: skip
    assert Brought(tmp_path, "siteqwality", siteqwality(custom)).turns("2026-03-02T12:00Z", "2026-03-09T00:00Z") == [
        "ana 2026-03-02T10:00+00:00",
        "ben 2026-03-05T10:00+00:00",
        "ana 2026-03-08T10:00+00:00",
    ]


def test_the_lowest_layer_number_wins(tmp_path: Path) -> None:
    base = {
        "layer_number": 5, "rotation_type": "daily", "handoff_time": "09:00", "participants": [ANA],
        "effective_from": "2026-03-01T09:00:00Z",
    }  # fmt: skip
    above = {**base, "layer_number": 2, "participants": [BEN], "effective_until": "2026-03-10T09:00:00Z"}
    brought = Brought(tmp_path, "siteqwality", siteqwality(base, above))
    assert brought.on("2026-03-05T12:00Z") == {"ben"}
    assert brought.on("2026-03-10T09:00Z") == {"ana"}
    assert [one.priority for one in brought.schedule.layers] == [-2, -5]
    assert brought.warned("newer pages of the product say the highest does", "priority: -2")


def test_a_period_shorter_than_a_turn_asks_for_windows(tmp_path: Path) -> None:
    weekend = {
        "layer_number": 1, "rotation_type": "weekly", "handoff_day": 1, "handoff_time": "09:00", "participants": [ANA],
        "effective_from": "2026-03-07T00:00:00Z", "effective_until": "2026-03-09T00:00:00Z",
    }  # fmt: skip
    brought = Brought(tmp_path, "siteqwality", siteqwality(weekend))
    assert brought.warned("did you mean `windows`?", "from: 2026-03-07")


def test_of_overrides_that_overlap_the_first_defined_wins(tmp_path: Path) -> None:
    base = {
        "layer_number": 1, "rotation_type": "daily", "handoff_time": "09:00", "participants": [ANA],
        "effective_from": "2026-03-01T09:00:00Z",
    }  # fmt: skip
    overrides = [
        {"user_id": BEN, "start_at": "2026-03-03T00:00:00Z", "end_at": "2026-03-04T00:00:00Z"},
        {"user_id": CHO, "start_at": "2026-03-03T12:00:00Z", "end_at": "2026-03-05T00:00:00Z"},
    ]
    brought = Brought(tmp_path, "siteqwality", siteqwality(base, overrides=overrides))
    assert brought.on("2026-03-03T18:00Z") == {"ben"}
    assert brought.on("2026-03-04T00:00Z") == {"cho"}
    assert brought.warned("overrides overlap (1): the first one defined wins here", "overrides:")


def test_a_zone_that_is_none_is_utc_as_there(tmp_path: Path) -> None:
    base = {"layer_number": 1, "rotation_type": "daily", "handoff_time": "09:00", "participants": [ANA], "created_at": 1772355600}
    brought = Brought(tmp_path, "siteqwality", siteqwality(base, zone="Pacific Time"))
    assert brought.schedule.timezone == "UTC"
    assert brought.warned("Pacific Time is no IANA time zone", "timezone: UTC")


# --- Flashduty -------------------------------------------------------------------------------


def group(*people: int, role: int = 0, **roles: list[int]) -> dict[str, Any]:
    named = [{"role_id": int(name[1:]), "person_ids": ids} for name, ids in roles.items()]
    return {"group_name": "A", "members": ([{"role_id": role, "person_ids": list(people)}] if people else []) + named}


def rule(*groups: dict[str, Any], start: str, unit: str = "week", value: int = 1, **rest: Any) -> dict[str, Any]:
    return {
        "layer_name": "Rule 1", "mode": 0, "groups": list(groups), "fair_rotation": False, "handoff_time": 0,
        "layer_start": at(start), "layer_end": None, "restrict_mode": 0, "restrict_periods": [], "day_mask": {"repeat": None},
        "mask_continuous_enabled": False, "rotation_unit": unit, "rotation_value": value, **rest,
    }  # fmt: skip


PERSONS = [
    {"person_id": n, "person_name": name} for n, name in ((1, "Ana Lima"), (2, "Ben Okafor"), (3, "Cho Min-ji"), (4, "Dev Rao"))
]


def flashduty(*layers: dict[str, Any], **rest: Any) -> dict[str, Any]:
    inside = {"schedule_id": 2001, "schedule_name": "SRE", "description": "", "team_id": 7, "layers": list(layers), **rest}
    return {"request_id": "x", "data": {**inside, "persons": PERSONS}}


def test_a_weekly_handoff_on_monday_at_ten(tmp_path: Path) -> None:
    value = flashduty(rule(group(1), group(2), group(3), start="2026-03-02T10:00Z", handoff_time=36_000))
    brought = Brought(tmp_path, "flashduty", value)
    assert brought.turns("2026-03-02T10:00Z", "2026-03-17T00:00Z") == [
        "ana 2026-03-02T10:00+00:00",
        "ben 2026-03-09T10:00+00:00",
        "cho 2026-03-16T10:00+00:00",
    ]
    assert '        rotation: {every: 1, unit: week, on: mon, at: "10:00"}' in brought.text.splitlines()
    assert brought.warned("the file does not say in which zone its times are meant; UTC is used", "timezone: UTC")


def test_its_zone_can_be_said(tmp_path: Path) -> None:
    value = flashduty(rule(group(1), group(2), start="2026-03-02T10:00+08:00", handoff_time=36_000))
    brought = Brought(tmp_path, "flashduty", value, timezone="Asia/Shanghai")
    assert brought.turns("2026-03-02T02:00Z", "2026-03-10T00:00Z") == [
        "ana 2026-03-02T10:00+08:00",
        "ben 2026-03-09T10:00+08:00",
    ]


NIGHTS: dict[str, Any] = {"restrict_mode": 1, "restrict_periods": [{"restrict_start": 64_800, "restrict_end": 32_400}]}
WEEKDAYS: dict[str, Any] = {"day_mask": {"repeat": [1, 2, 3, 4, 5]}}
WEEKEND = rule(
    group(3), start="2026-02-23T00:00Z", layer_name="Weekend", restrict_mode=2,
    restrict_periods=[{"restrict_start": 5 * 86_400, "restrict_end": 7 * 86_400 - 60}],
)  # fmt: skip


def test_a_date_mask_cuts_a_night_at_midnight(tmp_path: Path) -> None:
    value = flashduty(rule(group(1), start="2026-02-23T00:00Z", **NIGHTS, **WEEKDAYS), WEEKEND)
    brought = Brought(tmp_path, "flashduty", value)
    assert brought.on("2026-03-02T08:00Z") == {"ana"}, "Monday before nine obeys Monday's mask"
    assert brought.on("2026-03-07T02:00Z") == {"cho"}, "Friday night ends at Saturday's midnight"
    assert brought.warned("23:59 is read as 24:00", "windows:")
    assert '        windows: [{from: "sat 00:00", to: "sun 24:00"}]' in brought.text.splitlines()


def test_continuous_rotation_keeps_a_night_whole(tmp_path: Path) -> None:
    value = flashduty(rule(group(1), start="2026-02-23T00:00Z", mask_continuous_enabled=True, **NIGHTS, **WEEKDAYS), WEEKEND)
    brought = Brought(tmp_path, "flashduty", value)
    assert brought.on("2026-03-02T08:00Z") == set(), "Sunday night is nobody's"
    assert brought.on("2026-03-07T02:00Z") == {"ana", "cho"}, "Friday night overlaps Saturday"
    assert "        boundary: shift" in brought.text.splitlines()


def test_a_date_mask_drops_a_weekly_restriction(tmp_path: Path) -> None:
    value = flashduty({**WEEKEND, **WEEKDAYS})
    brought = Brought(tmp_path, "flashduty", value)
    assert brought.schedule.layers[0].windows == ()
    assert brought.warned("the weekly restriction is dropped", "days: [mon, tue, wed, thu, fri]")


def test_sunday_is_day_0_of_a_mask(tmp_path: Path) -> None:
    brought = Brought(tmp_path, "flashduty", flashduty(rule(group(1), start="2026-02-23T00:00Z", day_mask={"repeat": [0, 6]})))
    assert "        days: [sat, sun]" in brought.text.splitlines()


def test_groups_are_on_call_together_and_each_role_has_a_layer(tmp_path: Path) -> None:
    roles = [{"role_id": 1, "role_name": "Primary"}, {"role_id": 2, "role_name": "Backup"}]
    value = flashduty(rule(group(r1=[1, 2], r2=[3]), group(r1=[4], r2=[1]), start="2026-03-02T00:00Z", unit="day"))
    value["data"]["roles"] = roles
    brought = Brought(tmp_path, "flashduty", value)
    assert brought.on("2026-03-02T12:00Z", "primary") == {"ana", "ben"}
    assert brought.on("2026-03-02T12:00Z", "backup") == {"cho"}
    assert brought.on("2026-03-03T12:00Z", "primary") == {"dev"}
    assert brought.on("2026-03-03T12:00Z", "backup") == {"ana"}
    assert brought.config.rota.roles["primary"].people == 2
    assert "        members: [[ana, ben], dev]" in brought.text.splitlines()


def test_a_group_without_anybody_in_a_role_leaves_its_turn_empty(tmp_path: Path) -> None:
    value = flashduty(rule(group(r1=[1], r2=[3]), group(r1=[2]), group(r1=[4], r2=[1]), start="2026-03-02T00:00Z", unit="day"))
    brought = Brought(tmp_path, "flashduty", value)
    assert [brought.on(f"2026-03-0{day}T12:00Z", "role-2") for day in range(2, 8)] == [{"cho"}, set(), {"ana"}] * 2
    assert [brought.on(f"2026-03-0{day}T12:00Z", "role-1") for day in range(2, 5)] == [{"ana"}, {"ben"}, {"dev"}]


def test_fair_rotation_is_fair(tmp_path: Path) -> None:
    value = flashduty(rule(*map(group, (1, 2)), start="2026-03-02T00:00Z", unit="hour", value=12, fair_rotation=True))
    brought = Brought(tmp_path, "flashduty", value)
    assert brought.schedule.layers[0].rotation is not None
    assert brought.schedule.layers[0].rotation.fair
    assert '        rotation: {every: 12, unit: hour, at: "00:00", fair: true}' in brought.text.splitlines()


@pytest.mark.parametrize(("unit", "value", "second"), [("hour", 5, "2026-01-31T05:00"), ("month", 1, "2026-02-28T00:00")])
def test_every_unit_is_known(tmp_path: Path, unit: str, value: int, second: str) -> None:
    brought = Brought(
        tmp_path, "flashduty", flashduty(rule(group(1), group(2), start="2026-01-31T00:00Z", unit=unit, value=value))
    )
    assert brought.turns("2026-01-31T00:00Z", "2026-03-05T00:00Z")[1] == f"ben {second}+00:00"


def test_seven_days_hand_over_on_a_weekday_too(tmp_path: Path) -> None:
    value = flashduty(rule(group(1), group(2), start="2026-03-04T00:00Z", unit="day", value=7, handoff_time=86_400 + 36_000))
    assert Brought(tmp_path, "flashduty", value).turns("2026-03-04T00:00Z", "2026-03-11T00:00Z") == [
        "ana 2026-03-04T00:00+00:00",
        "ben 2026-03-10T10:00+00:00",
    ]


def test_an_override_replaces_every_layer_and_lasts_to_midnight(tmp_path: Path) -> None:
    other = rule(group(2), start="2026-02-23T00:00Z", layer_name="Rule 2")
    cover = {"layer_name": "leave", "mode": 1, "groups": [group(4)], "layer_start": at("2026-03-05T00:00Z"), "weight": 1}
    brought = Brought(tmp_path, "flashduty", flashduty(rule(group(1), start="2026-02-23T00:00Z"), other, cover))
    assert brought.on("2026-03-04T23:59Z") == {"ana", "ben"}
    assert brought.on("2026-03-05T12:00Z") == {"dev"}
    assert brought.on("2026-03-06T00:00Z") == {"ana", "ben"}
    assert "      - {people: [dev], start: 2026-03-05, end: 2026-03-06, reason: leave}" in brought.text.splitlines()


def test_of_overrides_the_higher_weight_wins(tmp_path: Path) -> None:
    covers = [
        {
            "mode": 1,
            "groups": [group(n)],
            "layer_start": at("2026-03-05T00:00Z"),
            "layer_end": at("2026-03-06T00:00Z"),
            "weight": n,
        }
        for n in (3, 4, 2)
    ]
    brought = Brought(tmp_path, "flashduty", flashduty(rule(group(1), start="2026-02-23T00:00Z"), *covers))
    assert brought.on("2026-03-05T12:00Z") == {"dev"}


# --- The One Stack On-Call --------------------------------------------------------------------


def onestack(*layers: dict[str, Any], zone: str = "UTC", **rest: Any) -> dict[str, Any]:
    return {"name": "Primary", "timezone": zone, "layers": list(layers), **rest}


def test_turns_are_of_real_time_from_the_start(tmp_path: Path) -> None:
    weekly = {"name": "week", "rotation_type": "weekly", "start_time": "09:00", "members": ["Ana", "Ben"]}
    value = onestack(weekly, zone="America/Chicago", start="2026-03-02T09:00:00-06:00")
    brought = Brought(tmp_path, "onestack", value)
    assert brought.turns("2026-03-02T15:00Z", "2026-03-10T00:00Z") == [
        "ana 2026-03-02T09:00-06:00",
        "ben 2026-03-09T10:00-05:00",
    ]
    assert "clock: elapsed" in brought.text
    assert "field names of this product are not public; read were" in brought.warnings()


def test_primary_and_backup_layers_count_at_once(tmp_path: Path) -> None:
    primary = {"name": "Primary", "rotation_type": "weekly", "start": "2026-03-02T09:00:00Z", "members": ["Ana", "Ben", "Cho"]}
    backup = {**primary, "name": "Backup", "start": "2026-03-05T09:00:00Z"}
    brought = Brought(tmp_path, "onestack", onestack(primary, backup, start="2026-03-02T09:00:00Z"))
    assert brought.on("2026-03-04T12:00Z") == {"ana"}
    assert brought.on("2026-03-10T12:00Z") == {"ana", "ben"}
    assert brought.on("2026-03-13T12:00Z") == {"ben"}, "Ben has both"
    assert {one.priority for one in brought.schedule.layers} == {0}
    assert brought.config.rota.roles["primary"].people == 2


def sun(zone: str) -> dict[str, Any]:
    hours = [{"type": "time_of_day", "start": "09:00", "end": "18:00"}]
    return {
        "name": zone, "timezone": zone, "rotation_type": "daily", "start": "2026-01-01T00:00:00Z",
        "members": [zone.partition("/")[2]], "restrictions": hours,
    }  # fmt: skip


def test_follow_the_sun_is_not_round_the_clock(tmp_path: Path) -> None:
    layers = (sun(zone) for zone in ("America/New_York", "Europe/London", "Asia/Tokyo"))
    brought = Brought(tmp_path, "onestack", onestack(*layers, start="2026-01-01T00:00:00Z"))

    def told(day: str, cause: str) -> list[tuple[int, int]]:
        window = Window(at(f"{day}T00:00Z"), at(f"{day}T00:00Z") + 86_400)
        found = gaps(brought.config.rota, brought.schedule, window)
        return [
            (one.start, one.end) for one in found if one.cause == cause and window.start <= one.start and one.end <= window.end
        ]

    assert brought.on("2026-01-14T22:59Z") == {"new-york"}
    assert brought.on("2026-01-14T23:30Z") == set()
    assert len(brought.on("2026-01-14T14:00Z")) == len(brought.on("2026-01-14T17:59Z")) == 2
    assert brought.on("2026-07-15T22:30Z") == brought.on("2026-07-15T23:30Z") == set()
    assert (
        len(brought.on("2026-07-15T08:30Z")) == len(brought.on("2026-07-15T13:00Z")) == len(brought.on("2026-07-15T16:59Z")) == 2
    )
    assert len(told("2026-01-14", "nobody")) == 1
    assert len(told("2026-01-14", "overlap")) == 1
    assert len(told("2026-07-15", "overlap")) == 2


def test_days_and_hours_restrict_a_layer(tmp_path: Path) -> None:
    office = {
        "name": "office", "rotation_type": "custom", "custom_hours": 12, "start": "2026-03-02T00:00:00Z",
        "members": ["Ana", "Ben"],
        "restrictions": {"days_of_week": ["monday", "tue"], "time_of_day": {"start": "09:00", "end": "17:00"}},
    }  # fmt: skip
    brought = Brought(tmp_path, "onestack", onestack(office))
    assert brought.turns("2026-03-02T00:00Z", "2026-03-09T00:00Z") == [
        "ana 2026-03-02T09:00+00:00",
        "ben 2026-03-02T12:00+00:00",
        "ana 2026-03-03T09:00+00:00",
        "ben 2026-03-03T12:00+00:00",
    ]


def test_a_member_who_joined_later_comes_in_at_the_next_handoff(tmp_path: Path) -> None:
    members = [{"name": "Ana"}, {"name": "Ben"}, {"name": "Cho", "joined_at": "2026-03-11T12:00:00Z"}]
    weekly = {"name": "week", "rotation_type": "weekly", "start": "2026-03-02T09:00:00Z", "members": members}
    brought = Brought(tmp_path, "onestack", onestack(weekly))
    assert brought.turns("2026-03-02T09:00Z", "2026-03-31T00:00Z") == [
        "ana 2026-03-02T09:00+00:00",
        "ben 2026-03-09T09:00+00:00",
        "cho 2026-03-16T09:00+00:00",
        "ana 2026-03-23T09:00+00:00",
        "ben 2026-03-30T09:00+00:00",
    ]


def test_team_and_end_are_kept(tmp_path: Path) -> None:
    daily = {"name": "day", "rotation_type": "daily", "members": ["Ana"]}
    value = onestack(daily, start="2026-03-02", end="2026-04-01", team={"name": "Payments"}, template="24x7")
    brought = Brought(tmp_path, "onestack", value)
    assert brought.on("2026-03-31T23:00Z") == {"ana"}
    assert brought.on("2026-04-01T00:00Z") == set()
    assert brought.schedule.team == "payments"
    assert "made from the template 24x7" in brought.warnings()


# --- the command -------------------------------------------------------------------------------


@pytest.fixture
def syncd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return command_line(tmp_path, monkeypatch)


def test_the_command_prints_a_file_that_check_takes(syncd: CommandLine) -> None:
    value = json.dumps(pagerduty(layer(ALICE, BOB, start="2026-03-02T09:00:00Z", turn=604_800)))
    printed = syncd.run("import", "pagerduty", str(syncd.write(value, "schedule.json")))
    assert printed.exit_code == 0, printed.output
    assert printed.stdout == syncd.run("import", "pagerduty", "-", stdin=value).stdout
    syncd.write(printed.stdout, "new.yaml")
    assert syncd.run("check", "--config", "new.yaml").exit_code == 0
    assert syncd.json("oncall", "--config", "new.yaml")[0]["people"][0]["name"] == "Bob Example"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1, column 1: this is no JSON"),
        ("[1, 2", "this is no JSON"),
        ("\udcff", "this is not UTF-8 text"),
        ("{}", "no schedule_layers"),
        ("[" * 100_000, "levels inside each other"),
        ('{"a":' * 50 + "1" + "}" * 50, "levels inside each other"),
        (json.dumps([0] * 200_000), "more than 100,000 values"),
        ('{"schedule_layers": [1]}', "schedule_layers: expected a list of objects"),
        ('{"schedule_layers": [{"start": "soon"}]}', "schedule_layers[0].start: expected a time"),
        ('{"schedule_layers": [{"start": "2026-03-02", "rotation_turn_length_seconds": 1e400}]}', "whole number"),
        ('{"schedule_layers": [{"start": "2026-03-02", "rotation_turn_length_seconds": ' + "9" * 5_000 + "}]}", "24 digits"),
        ('{"schedule_layers": NaN}', "NaN is no number"),
    ],
)
def test_what_is_no_schedule_is_one_clear_error(syncd: CommandLine, text: str, says: str) -> None:
    path = syncd.folder / "bad.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    said = syncd.refused("import", "pagerduty", "bad.json")
    assert said.startswith("syncd: bad.json: ")
    assert says in said
    assert len(said.splitlines()) == 1


def test_json_has_the_warnings_with_their_lines(syncd: CommandLine) -> None:
    value = json.dumps(pagerduty(*(layer(who, start="2026-03-02T09:00:00Z", turn=604_800) for who in (ALICE, BOB))))
    told = syncd.json("import", "pagerduty", str(syncd.write(value, "schedule.json")))
    (warning,) = told["warnings"]
    assert warning["text"].startswith("the last layer of the list wins here")
    assert told["yaml"].splitlines()[warning["line"] - 1].startswith("    # warning: the last layer")


def test_a_file_that_is_not_there_and_options_that_mean_nothing(syncd: CommandLine) -> None:
    assert "No such file" in syncd.refused("import", "pagerduty", "missing.json")
    assert "--timezone" in syncd.refused("import", "flashduty", "missing.json", "--timezone", "Moon/Base")
    assert "--top" in syncd.refused("import", "flashduty", "missing.json", "--top", "first")
    assert "opsgenie" in syncd.refused("import", "opsgenie", "missing.json")
