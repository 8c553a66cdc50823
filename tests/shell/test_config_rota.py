"""What the keys of the file mean, as values of core."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from syncd.config import Config, load
from syncd.core.mode import Limits, Mode, OnConflict, OnDeleted
from syncd.core.model import (
    Advance,
    Approval,
    Away,
    Boundary,
    Clock,
    Holidays,
    Hours,
    Join,
    Layer,
    Overlap,
    Override,
    Person,
    Role,
    Roster,
    Rotation,
    Schedule,
    Team,
    Unit,
)

ALL = frozenset(range(7))
HOUR = 3_600


def config_of(text: str, tmp_path: Path, name: str = "syncd.yaml") -> Config:
    file = tmp_path / name
    file.write_text(text)
    return load(file)


def schedule_of(body: str, tmp_path: Path) -> Schedule:
    text = (
        "people: {ana: {name: Ana}, ben: {name: Ben}, cho: {name: Cho}, dev: {name: Dev}}\n"
        "roles: {primary: {}, secondary: {}}\n"
        "schedules:\n  s:\n" + "".join(f"    {line}\n" for line in body.splitlines())
    )
    return config_of(text, tmp_path).rota.schedules["s"]


def layer_of(layer: str, tmp_path: Path) -> Layer:
    (found,) = schedule_of(f"layers: [{{role: primary, {layer}}}]", tmp_path).layers
    return found


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def test_people_roles_and_teams_are_read_with_every_key(tmp_path: Path) -> None:
    rota = config_of(
        """\
timezone: Europe/Berlin
people:
  ana:
    name: Ana Lima
    email: ana@example.com
    phone: "+49 30 1234"
    timezone: Europe/Lisbon
    aliases: [Ana L.]
    accounts: {folder: 4711}
    holidays: {country: PT, subdivision: "11", also: [2026-06-13]}
  ben: {name: Ben Okafor}
roles: {primary: {title: Primary}, secondary: {people: 2}}
teams: {payments: {title: Payments, people: [ana, ben], channels: [chat]}}
holidays: {country: DE}
notices: {channels: {chat: {url: {env: HOME}}}}
""",
        tmp_path,
    ).rota

    assert rota.timezone == "Europe/Berlin"
    assert rota.people["ana"] == Person(
        id="ana",
        name="Ana Lima",
        email="ana@example.com",
        phone="+49 30 1234",
        timezone="Europe/Lisbon",
        aliases=("Ana L.",),
        accounts={"folder": "4711"},
        holidays=Holidays(country="PT", subdivision="11", also=(date(2026, 6, 13),)),
    )
    assert rota.people["ben"] == Person(id="ben", name="Ben Okafor")
    assert rota.roles == {
        "primary": Role(id="primary", title="Primary"),
        "secondary": Role(id="secondary", title="secondary", people=2),
    }
    assert rota.teams == {"payments": Team(id="payments", title="Payments", people=("ana", "ben"), channels=("chat",))}
    assert rota.holidays == Holidays(country="DE")


def test_a_schedule_is_read_with_every_key(tmp_path: Path) -> None:
    schedule = schedule_of(
        """\
title: Payments
description: "Cards\\nand refunds"
handoff_note: Look.
needs: {primary: always, secondary: [{from: "18:00", to: "09:00", days: [mon]}]}
timezone: America/Chicago
start: 2026-03-01
end: 2027-03-01T12:00
admins: [ana]
override_overlap: union
approval: others
holidays: {country: US}
layers: []
away:
  - {person: ana, start: 2026-04-01, end: 2026-04-08, reason: holiday}""",
        tmp_path,
    )

    assert schedule == Schedule(
        id="s",
        title="Payments",
        description="Cards\nand refunds",
        handoff_note="Look.",
        needs={"primary": "always", "secondary": (Hours(days=frozenset({0}), at=18 * HOUR, length=15 * HOUR),)},
        timezone="America/Chicago",
        start=datetime(2026, 3, 1),  # noqa: DTZ001
        end=datetime(2027, 3, 1, 12),  # noqa: DTZ001
        admins=("ana",),
        override_overlap=Overlap.UNION,
        approval=Approval.OTHERS,
        holidays=Holidays(country="US"),
        layers=(),
        # Chicago is five hours behind UTC in April.
        away=(Away(person="ana", start=at("2026-04-01T05:00Z"), end=at("2026-04-08T05:00Z"), reason="holiday"),),
    )


def test_a_layer_is_read_with_every_key(tmp_path: Path) -> None:
    schedule = schedule_of(
        """\
timezone: America/Chicago
layers:
  - name: week
    role: primary
    priority: -3
    from: 2026-03-02T09:00
    until: 2026-09-01T00:00+02:00
    timezone: Europe/London
    members: [ana, ben, [cho, dev]]
    rotation: {every: 2, unit: week, on: mon, at: "09:00", anchor: 2026-03-02, lasts: 3d, clock: wall, advance: active}
    days: [mon, tue]
    windows: [{from: "18:00", to: "09:00"}]
    boundary: shift
    on_away: next""",
        tmp_path,
    )

    assert schedule.layers == (
        Layer(
            name="week",
            role="primary",
            priority=-3,
            start=datetime(2026, 3, 2, 9),  # noqa: DTZ001
            end=datetime.fromisoformat("2026-09-01T00:00+02:00"),
            timezone="Europe/London",
            rosters=(Roster(since=None, groups=(("ana",), ("ben",), ("cho", "dev"))),),
            rotation=Rotation(
                every=2,
                unit=Unit.WEEK,
                on=0,
                at=9 * HOUR,
                anchor=date(2026, 3, 2),
                lasts=3 * 86_400,
                clock=Clock.WALL,
                advance=Advance.ACTIVE,
                fair=False,
            ),
            days=frozenset({0, 1}),
            windows=(Hours(days=ALL, at=18 * HOUR, length=15 * HOUR),),
            boundary=Boundary.SHIFT,
            on_away="next",
        ),
    )


def test_what_is_left_out_has_the_documented_default(tmp_path: Path) -> None:
    text = """\
people: {ana: {name: Ana}}
roles: {primary: {}}
schedules: {s: {layers: [{members: [ana], rotation: {unit: hour, anchor: 2026-03-02}}]}}
destinations: {d: {kind: folder, options: {path: calendar}}}
"""
    config = config_of(text, tmp_path)

    assert config.rota.timezone == "UTC"
    schedule = config.rota.schedules["s"]
    assert (schedule.title, schedule.timezone, schedule.start, schedule.end) == ("s", "UTC", None, None)
    assert (schedule.override_overlap, schedule.approval, schedule.needs) == (Overlap.FIRST, Approval.NONE, {})
    (layer,) = schedule.layers
    assert (layer.name, layer.role, layer.priority, layer.timezone) == ("layer-1", "primary", 0, "UTC")
    assert (layer.days, layer.windows, layer.boundary, layer.on_away) == (None, (), Boundary.MIDNIGHT, "stay")
    assert layer.rotation == Rotation(unit=Unit.HOUR, anchor=date(2026, 3, 2))
    destination = config.destinations["d"]
    assert (destination.schedule, destination.role, destination.mode) == ("s", "primary", Mode.AUTHORITATIVE)
    assert (destination.refresh, destination.horizon, destination.protect_until) == (300, 30 * 86_400, None)
    assert (destination.on_deleted, destination.on_conflict) == (OnDeleted.RESTORE, OnConflict.ROTA)
    assert destination.limits == Limits(removals=3, removal_share=0.3)
    assert (config.tenant, config.store, config.marker_key, config.source) == ("default", None, None, None)
    assert config.health is not None
    assert (config.health.host, config.health.port, config.health.key) == ("127.0.0.1", 8469, None)
    assert (config.log.level, config.log.format) == ("info", "auto")


def test_dated_rosters_keep_their_order_and_how_they_join(tmp_path: Path) -> None:
    layer = layer_of(
        "members: [{from: 2026-03-02, people: [ana, ben]},"
        " {from: 2026-05-01T09:00+02:00, people: [[ana, cho]], join: recalculate}],"
        " rotation: {unit: week, anchor: 2026-03-02}",
        tmp_path,
    )

    assert layer.rosters == (
        Roster(since=datetime(2026, 3, 2), groups=(("ana",), ("ben",))),  # noqa: DTZ001
        Roster(since=datetime.fromisoformat("2026-05-01T09:00+02:00"), groups=(("ana", "cho"),), join=Join.RECALCULATE),
    )


WINDOWS = [
    ('{from: "09:00", to: "17:00"}', Hours(days=ALL, at=9 * HOUR, length=8 * HOUR)),
    ('{from: "18:00", to: "09:00", days: [fri]}', Hours(days=frozenset({4}), at=18 * HOUR, length=15 * HOUR)),
    ("{from: 22:00, to: 6:00}", Hours(days=ALL, at=22 * HOUR, length=8 * HOUR)),
    ('{from: "00:00", to: "24:00"}', Hours(days=ALL, at=0, length=24 * HOUR)),
    ('{from: "00:00", to: "23:59"}', Hours(days=ALL, at=0, length=24 * HOUR)),
    ('{from: "08:00", to: "08:00"}', Hours(days=ALL, at=8 * HOUR, length=24 * HOUR)),
    ('{from: "18:00", to: "00:00"}', Hours(days=ALL, at=18 * HOUR, length=6 * HOUR)),
    ('{from: "mon 09:00", to: "fri 18:00"}', Hours(days=frozenset({0}), at=9 * HOUR, length=105 * HOUR, weekly=True)),
    ('{from: "fri 18:00", to: "mon 09:00"}', Hours(days=frozenset({4}), at=18 * HOUR, length=63 * HOUR, weekly=True)),
    ('{from: "wed 00:00", to: "wed 00:00"}', Hours(days=frozenset({2}), at=0, length=168 * HOUR, weekly=True)),
    ('{from: "sat 00:00", to: "sun 23:59"}', Hours(days=frozenset({5}), at=0, length=48 * HOUR, weekly=True)),
    ('{from: "sun 00:00", to: "sun 24:00"}', Hours(days=frozenset({6}), at=0, length=24 * HOUR, weekly=True)),
]


@pytest.mark.parametrize(("window", "hours"), WINDOWS)
def test_a_window_opens_and_stays_open_as_written(window: str, hours: Hours, tmp_path: Path) -> None:
    assert layer_of(f"members: [ana], windows: [{window}]", tmp_path).windows == (hours,)


MOMENTS = [
    ("2026-03-02", datetime(2026, 3, 2)),  # noqa: DTZ001
    ("2026-03-02T09:00", datetime(2026, 3, 2, 9)),  # noqa: DTZ001
    ("2026-03-02 09:00:30", datetime(2026, 3, 2, 9, 0, 30)),  # noqa: DTZ001
    ('"2026-03-02T24:00"', datetime(2026, 3, 3)),  # noqa: DTZ001
    ("2026-03-02T09:00Z", datetime(2026, 3, 2, 9, tzinfo=UTC)),
    ("2026-03-02T09:00:00+05:30", datetime(2026, 3, 2, 3, 30, tzinfo=UTC)),
    ("2026-03-02T09:00-0500", datetime(2026, 3, 2, 14, tzinfo=UTC)),
]


@pytest.mark.parametrize(("written", "meant"), MOMENTS)
def test_a_time_is_local_unless_it_states_an_offset(written: str, meant: datetime, tmp_path: Path) -> None:
    start = schedule_of(f"start: {written}", tmp_path).start

    assert start == meant
    assert start is not None
    assert (start.tzinfo is None) == (meant.tzinfo is None)


def test_only_a_local_end_of_23_59_is_the_end_of_the_day(tmp_path: Path) -> None:
    assert schedule_of("end: 2026-03-07T23:59", tmp_path).end == datetime(2026, 3, 8)  # noqa: DTZ001
    assert schedule_of("start: 2026-03-07T23:59", tmp_path).start == datetime(2026, 3, 7, 23, 59)  # noqa: DTZ001
    assert schedule_of("end: 2026-03-07T23:59+00:00", tmp_path).end == datetime(2026, 3, 7, 23, 59, tzinfo=UTC)


def override_of(body: str, tmp_path: Path, layers: str = "layers: [{role: primary, members: [ana]}]") -> Override:
    (found,) = schedule_of(f"timezone: Europe/Berlin\n{layers}\noverrides: [{{{body}}}]", tmp_path).overrides
    return found


def test_an_override_of_the_file_has_instants_and_an_id_of_its_content(tmp_path: Path) -> None:
    one = override_of("people: [ben], start: 2026-03-07T00:00, end: 2026-03-08T00:00, reason: leave", tmp_path)
    same = override_of(
        'reason: "leave", roles: [primary], replaces: all, people: [ben], start: 2026-03-06T23:00Z, end: 2026-03-08', tmp_path
    )
    other = override_of("people: [ben], start: 2026-03-07T00:00, end: 2026-03-08T01:00, reason: leave", tmp_path)

    assert one == Override(
        id=one.id,
        roles=("primary",),
        people=("ben",),
        replaces=None,
        start=at("2026-03-06T23:00Z"),
        end=at("2026-03-07T23:00Z"),
        reason="leave",
    )
    assert one.id.startswith("file-")
    assert len(one.id) == 17
    assert int(one.id.removeprefix("file-"), 16) >= 0
    assert same == one
    assert other.id != one.id


@pytest.mark.parametrize(
    ("written", "meant"),
    [("all", None), ("none", ()), ("ana", ("ana",)), ("[ana, cho]", ("ana", "cho")), ("[]", ())],
)
def test_an_override_replaces_everybody_nobody_or_those_named(
    written: str, meant: tuple[str, ...] | None, tmp_path: Path
) -> None:
    assert override_of(f"people: [ben], replaces: {written}, start: 2026-03-07, end: 2026-03-08", tmp_path).replaces == meant


def test_roles_of_an_override_may_be_all_that_the_layers_use(tmp_path: Path) -> None:
    layers = "layers: [{role: secondary, members: [ana]}, {role: primary, members: [ben]}]"
    found = override_of("roles: all, people: [], start: 2026-03-07, end: 2026-03-08", tmp_path, layers)

    assert found.roles == ("secondary", "primary")
    assert found.people == ()


def test_an_override_may_have_a_time_that_a_clock_change_brings_twice_if_it_states_the_offset(tmp_path: Path) -> None:
    found = override_of("people: [ben], start: 2026-10-25T02:30+02:00, end: 2026-10-25T02:30+01:00", tmp_path)

    assert found.end - found.start == HOUR


def test_the_same_override_twice_counts_once_with_a_warning(tmp_path: Path) -> None:
    line = "{people: [ana], start: 2026-03-07, end: 2026-03-08}"
    text = (
        "people: {ana: {name: Ana}}\nroles: {primary: {}}\n"
        f"schedules: {{s: {{layers: [{{members: [ana]}}], overrides: [{line}, {line}]}}}}\n"
    )
    config = config_of(text, tmp_path)

    assert len(config.rota.schedules["s"].overrides) == 1
    assert [(warning.line, warning.path) for warning in config.warnings] == [(3, "schedules.s.overrides.1")]


def test_a_schedule_begins_from_its_template_and_layers_are_merged_by_name(tmp_path: Path) -> None:
    rota = config_of(
        """\
people: {ana: {name: Ana}, ben: {name: Ben}}
roles: {primary: {}, secondary: {}}
templates:
  office:
    timezone: Europe/London
    handoff_note: Look.
    layers:
      - {name: day, role: primary, members: , rotation: {unit: day, at: "09:00"}, windows: [{from: "09:00", to: "17:00"}]}
      - {name: night, role: secondary, members: [ben]}
schedules:
  s:
    template: office
    handoff_note: Listen.
    start: 2026-03-02
    layers:
      - {name: extra, role: secondary, members: [ana]}
      - {name: day, members: [ana, ben], priority: 2}
""",
        tmp_path,
    ).rota
    schedule = rota.schedules["s"]

    assert (schedule.timezone, schedule.handoff_note) == ("Europe/London", "Listen.")
    assert [layer.name for layer in schedule.layers] == ["day", "night", "extra"]
    day = schedule.layers[0]
    assert (day.role, day.priority, day.rosters[0].groups) == ("primary", 2, (("ana",), ("ben",)))
    assert day.rotation == Rotation(unit=Unit.DAY, at=9 * HOUR)
    assert day.windows == (Hours(days=ALL, at=9 * HOUR, length=8 * HOUR),)


def test_anchors_aliases_and_merge_keys_mean_what_they_mean_elsewhere(tmp_path: Path) -> None:
    rota = config_of(
        """\
people: {ana: {name: Ana}, ben: {name: Ben}}
roles: {primary: {}, secondary: {}}
schedules:
  s:
    start: 2026-03-02
    layers:
      - &week {name: a, role: primary, members: &both [ana, ben], rotation: {unit: week, on: mon, at: "09:00"}}
      - {<<: *week, name: b, role: secondary}
      - {name: c, role: secondary, members: *both}
""",
        tmp_path,
    ).rota
    first, second, third = rota.schedules["s"].layers

    assert (second.role, second.rotation, second.rosters) == ("secondary", first.rotation, first.rosters)
    assert third.rosters == first.rosters


def test_two_files_that_mean_the_same_have_one_digest(tmp_path: Path) -> None:
    one = config_of(
        "timezone: Europe/Berlin\npeople: {ana: {name: Ana}, ben: {name: Ben}}\nroles: {primary: {}}\n"
        "schedules: {s: {start: 2026-03-02, layers: [{members: [ana, ben], days: [mon, tue], rotation: {unit: day}}]}}\n",
        tmp_path,
    )
    same = config_of(
        """\
# The same, said in other words.
roles: {primary: {title: primary, people: 1}}
people:
  ben: {name: "Ben"}
  ana: {name: "Ana", email: }
store: elsewhere
schedules:
  s:
    timezone: Europe/Berlin
    start: 2026-03-02T00:00
    layers:
      - {name: layer-1, role: primary, days: [tue, mon], members: [ana, ben], rotation: {every: 1, unit: day}, priority: 0}
timezone: Europe/Berlin
""",
        tmp_path,
        "same.yaml",
    )
    other = config_of((tmp_path / "syncd.yaml").read_text().replace("[ana, ben]", "[ben, ana]"), tmp_path, "other.yaml")

    assert one.digest == same.digest != other.digest
    assert one.schedule_digest("s") == same.schedule_digest("s") != other.schedule_digest("s")


def test_a_schedules_digest_is_free_of_the_other_schedules(tmp_path: Path) -> None:
    head = "people: {ana: {name: Ana}}\nroles: {primary: {}}\n"
    one = config_of(head + "schedules: {s: {layers: [{members: [ana]}]}}\n", tmp_path)
    two = config_of(head + "schedules: {s: {layers: [{members: [ana]}]}, t: {}}\n", tmp_path)

    assert one.schedule_digest("s") == two.schedule_digest("s")
    assert one.digest != two.digest


def test_the_nearest_notices_win(tmp_path: Path) -> None:
    config = config_of(
        """\
people: {ana: {name: Ana}}
roles: {primary: {}}
notices:
  channels: {mail: {url: {env: HOME}}}
  handoff: {lead: 30m}
  daily: {at: "07:00", to: [people, team]}
teams: {t: {notices: {channels: {chat: {url: {env: HOME}}}, handoff: off}}}
schedules:
  s: {team: t, notices: {daily: off, follow: team}}
  u: {}
""",
        tmp_path,
    )
    top, near = config.notices_of["u"], config.notices_of["s"]

    assert top == config.notices
    assert top.handoff is not None
    assert (top.handoff.lead, top.handoff.to) == (1_800, "incoming")
    assert top.daily is not None
    assert (top.daily.at, top.daily.to) == (7 * HOUR, ("people", "team"))
    assert (set(near.channels), near.handoff, near.daily, near.follow) == ({"mail", "chat"}, None, None, "team")
    assert near.gaps == top.gaps


def test_destinations_are_read_with_every_key(tmp_path: Path) -> None:
    config = config_of(
        """\
people: {ana: {name: Ana}}
roles: {primary: {}}
schedules: {s: {layers: [{members: [ana]}]}}
destinations:
  d:
    kind: folder
    schedule: s
    role: primary
    mode: bidirectional
    refresh: 90s
    horizon: 2w
    on_deleted: hold
    on_conflict: destination
    protect_until: 7d
    limits: {removals: 5, removal_share: 0.5}
    options: {path: ../out, title: "{person}", alarm: 30}
""",
        tmp_path,
    )
    found = config.destinations["d"]

    assert (found.name, found.kind, found.schedule, found.role) == ("d", "folder", "s", "primary")
    assert (found.mode, found.refresh, found.horizon) == (Mode.BIDIRECTIONAL, 90, 14 * 86_400)
    assert (found.on_deleted, found.on_conflict, found.protect_until) == (
        OnDeleted.HOLD,
        OnConflict.DESTINATION,
        timedelta(days=7).total_seconds(),
    )
    assert found.limits == Limits(removals=5, removal_share=0.5)
    assert (found.options.path, found.options.title, found.options.alarm) == (tmp_path / "../out", "{person}", 30)


def test_health_may_be_off_or_anywhere(tmp_path: Path) -> None:
    assert config_of("health: null\n", tmp_path).health is None
    health = config_of('health: {listen: "[::1]:0"}\n', tmp_path).health
    assert health is not None
    assert (health.host, health.port) == ("::1", 0)


def test_only_the_rota_is_asked_without_importing_a_connector(tmp_path: Path) -> None:
    file = tmp_path / "syncd.yaml"
    file.write_text(
        "people: {ana: {name: Ana}}\nroles: {primary: {}}\nschedules: {s: {layers: [{members: [ana]}]}}\n"
        "destinations: {d: {kind: nobody-has-this, options: {token: {file: /nowhere}}}}\n"
    )
    found = load(file, destinations=False).destinations["d"]

    assert (found.kind, found.options) == ("nobody-has-this", None)


# --- a rota from elsewhere ---------------------------------------------------------------------


def test_the_rota_may_come_from_the_files_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "rotas").mkdir()
    (tmp_path / "rotas/people.yaml").write_text("people: {ana: {name: Ana}}\nroles: {primary: {}}\n")
    (tmp_path / "rotas/a.yaml").write_text("schedules: {a: {layers: [{members: [ana]}]}}\n")
    (tmp_path / "rotas/b.yml").write_text("timezone: Europe/Berlin\nschedules: {b: {}}\n")
    (tmp_path / "rotas/.b.yml.swp.yaml").write_text("an editor's")
    text = "source: {directory: rotas}\ndestinations: {d: {kind: folder, schedule: a, options: {path: x}}}\n"
    config = config_of(text, tmp_path)

    assert set(config.rota.schedules) == {"a", "b"}
    assert config.rota.timezone == "Europe/Berlin"
    assert config.destinations["d"].role == "primary"
    assert config.source is not None
    assert (config.source.directory, config.source.refresh) == (tmp_path / "rotas", 300)


def test_a_rota_from_a_url_is_put_in_once_it_was_fetched(tmp_path: Path) -> None:
    text = (
        "source: {url: 'https://example.com/rota'}\ndestinations: {d: {kind: folder, schedule: a, role: r, options: {path: x}}}\n"
    )
    config = config_of(text, tmp_path)
    rota = b"people: {ana: {name: Ana}}\nroles: {r: {}}\nschedules: {a: {layers: [{members: [ana]}]}}\n"
    fetched = load(tmp_path / "syncd.yaml", fetched={"https://example.com/rota": rota})

    assert config.rota.schedules == {}
    assert config.destinations["d"].schedule == "a"
    assert list(fetched.rota.schedules) == ["a"]


def test_check_warns_of_duty_over_the_limits_of_the_file_and_of_two_schedules_at_once(tmp_path: Path) -> None:
    text = (
        "people: {ana: {name: Ana}, ben: {name: Ben}}\nroles: {primary: {}}\nschedules:\n"
        "  one: {start: 2026-03-02, limits: {shift: 24h, rest: 12h}, layers: [{members: [ana, ben], rotation: {unit: week}}]}\n"
        "  two: {title: Two, layers: [{members: [ana]}]}\n"
    )
    file = tmp_path / "syncd.yaml"
    file.write_text(text)
    config = load(file, now=1_773_230_400)

    assert (config.rota.schedules["one"].longest, config.rota.schedules["one"].rest) == (86_400, 43_200)
    told = [(problem.line, problem.path, problem.problem) for problem in config.warnings]
    long = "Ana is on call for 168 h without a break, from Mon 2026-03-16 00:00 UTC; the limit is 24 h"
    assert (4, "schedules.one.limits.shift", long) in told
    assert any(path == "schedules.two" and "in schedule one at once" in text for _, path, text in told)
