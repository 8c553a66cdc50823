"""Every problem at once, each where it stands, with what to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.config import ConfigError, Problem, load

HEAD = """\
people:
  ana: {name: Ana}
  ben: {name: Ben}
roles: {primary: {}, secondary: {}}
"""
"""Lines 1 to 4 of the files below."""


def problems_of(text: str, tmp_path: Path) -> tuple[Problem, ...]:
    file = tmp_path / "syncd.yaml"
    file.write_text(text)
    try:
        return load(file).warnings
    except ConfigError as error:
        return error.problems


def schedule(body: str) -> str:
    """`body` from line 7 on, in a schedule."""
    return f"{HEAD}schedules:\n  s:\n" + "".join(f"    {line}\n" for line in body.splitlines())


LAYER = 'layers: [{role: primary, members: [ana], rotation: {unit: week, on: mon, at: "09:00", anchor: 2026-03-02}}]\n'

CASES = [
    # Whole files.
    ("", 1, 1, "", "the file is empty", ""),
    ("- a\n", 1, 1, "", "the file is no mapping of keys to values", ""),
    ("people: [a\n", 2, 1, "", "this is no YAML: expected ',' or ']'", ""),
    ("a: b: c\n", 1, 5, "", "this is no YAML: mapping values are not allowed here", ""),
    ("people: {}\n---\npeople: {}\n", 2, 1, "", "more than one document", ""),
    ("people: !!python/object:os.system {}\n", 1, 9, "", "a YAML tag", ""),
    ("people: {}\npeople: {}\n", 2, 1, "people", "duplicate key 'people'", "line 1"),
    ("poeple: {}\n", 1, 1, "poeple", "unknown key 'poeple'", "did you mean 'people'?"),
    ("? [a]\n: b\n", 1, 3, "", "a key that is no text", ""),
    # People.
    ("people: {Ana: {name: Ana}}\n", 1, 10, "people.Ana", "is no id", "small letters"),
    ("people: {all: {name: All}}\n", 1, 10, "people.all", "has a meaning of its own", ""),
    ("people: {ana: {}}\n", 1, 15, "people.ana.name", "person needs `name`", ""),
    ("people: {ana: {name: }}\n", 1, 15, "people.ana.name", "person needs `name`", ""),
    ("people: {ana: {name: A, emial: a@b.c}}\n", 1, 25, "people.ana.emial", "unknown key", "did you mean 'email'?"),
    ("people: {ana: {name: A, email: nobody}}\n", 1, 32, "people.ana.email", "is no e-mail address", ""),
    ('people: {ana: {name: "A\\nB"}}\n', 1, 22, "people.ana.name", "a line break", ""),
    ("people: {ana: {name: A, timezone: Europe/Berln}}\n", 1, 35, "people.ana.timezone", "no time zone", "'Europe/Berlin'"),
    ("people: {ana: {name: A, timezone: ../etc/passwd}}\n", 1, 35, "people.ana.timezone", "no time zone", ""),
    ("people: {ana: {name: A, timezone: right/UTC}}\n", 1, 35, "people.ana.timezone", "no time zone", ""),
    ("people:\n  a: {name: A, email: X@b.c}\n  b: {name: B, email: x@b.c}\n", 3, 23, "people.b.email", "a has the same", ""),
    (
        "people:\n  a: {name: A, accounts: {folder: P1}}\n  b: {name: B, accounts: {folder: P1}}\ndestinations: {}\n",
        3, 35, "people.b.accounts.folder", "a has the same account", "",
    ),
    ("people: {ana: {name: A, accounts: {foldr: x}}}\n", 1, 36, "people.ana.accounts.foldr", "unknown kind or dest", "'folder'"),
    # References.
    (HEAD + "teams: {t: {people: [anna]}}\n", 5, 22, "teams.t.people.0", "unknown person 'anna'", "did you mean 'ana'?"),
    (schedule("team: t"), 7, 11, "schedules.s.team", "unknown team 't'", "define it under `teams:`"),
    (schedule("admins: [ana, ana]"), 7, 19, "schedules.s.admins.1", "stands here twice", ""),
    (schedule("needs: {primry: always}"), 7, 13, "schedules.s.needs.primry", "unknown role", "did you mean 'primary'?"),
    (schedule("layers: [{role: primary, members: [bne]}]"), 7, 40, "schedules.s.layers.0.members.0", "unknown person", "'ben'"),
    (schedule("layers: [{members: [ana]}]"), 7, 14, "schedules.s.layers.0.role", "names no role", "primary, secondary"),
    (schedule("template: t"), 7, 15, "schedules.s.template", "unknown template 't'", ""),
    # Schedules.
    (schedule(f"title: {'x' * 41}"), 7, 12, "schedules.s.title", "41 characters", "1 to 40"),
    (schedule(f"description: {'x' * 501}"), 7, 18, "schedules.s.description", "501 characters", "500"),
    (schedule(f"handoff_note: {'x' * 1001}"), 7, 19, "schedules.s.handoff_note", "1,001 characters", "1,000"),
    (schedule("start: 2026-03-02\nend: 2026-03-02"), 8, 10, "schedules.s.end", "not after", ""),
    (HEAD + "schedules: {a: {title: X}, b: {title: X}}\n", 5, 39, "schedules.b.title", "a has the same title", "unique"),
    (
        schedule("layers:\n  - {name: x, role: primary, members: []}\n  - {name: x, role: primary, members: []}"),
        9, 16, "schedules.s.layers.1.name", "two layers are named 'x'", "line 8",
    ),
    # Rotations and windows.
    (schedule("layers: [{role: primary, members: [], rotation: {unit: second}}]"), 7, 60, "schedules.s.layers.0.rotation.unit",
     "'second' is not known", ""),
    (schedule("layers: [{role: primary, members: [], rotation: {unit: day, every: 0}}]"), 7, 72,
     "schedules.s.layers.0.rotation.every", "'0' is no whole number", ""),
    (schedule("layers: [{role: primary, members: [], rotation: {unit: day}}]"), 7, 53, "schedules.s.layers.0.rotation.anchor",
     "nothing says when the first turn begins", "start"),
    (schedule("layers: [{role: primary, members: [[]]}]"), 7, 40, "schedules.s.layers.0.members.0", "a group of nobody", ""),
    (schedule("layers: [{role: primary, members: [], days: [monday]}]"), 7, 50, "schedules.s.layers.0.days.0", "'monday'",
     "'mon'"),
    (schedule("layers: [{role: primary, members: [], boundary: shift}]"), 7, 53, "schedules.s.layers.0.boundary", "days", "days"),
    (
        schedule('layers: [{role: primary, members: [], days: [mon], windows: [{from: "mon 09:00", to: "tue 09:00"}]}]'),
        7, 49, "schedules.s.layers.0.days", "weekly windows", "",
    ),
    (
        schedule('layers: [{role: primary, members: [], windows: [{from: "mon 09:00", to: "tue 09:00", days: [mon]}]}]'),
        7, 96, "schedules.s.layers.0.windows.0.days", "a weekly window takes no days", "",
    ),
    (
        schedule('layers: [{role: primary, members: [], windows: [{from: "mon 09:00", to: "09:00"}]}]'),
        7, 77, "schedules.s.layers.0.windows.0.to", "one end names a weekday", "",
    ),
    (
        schedule('layers: [{role: primary, members: [], windows: [{from: "25:00", to: "09:00"}]}]'),
        7, 60, "schedules.s.layers.0.windows.0.from", "'25:00' is no time of day", "",
    ),
    # Times.
    (schedule("start: 2026-02-30"), 7, 12, "schedules.s.start", "a day that no calendar has", ""),
    (schedule("start: tomorrow"), 7, 12, "schedules.s.start", "is no date or time", "2026-03-02"),
    (schedule("start: 0001-01-01"), 7, 12, "schedules.s.start", "out of range", "1970"),
    (schedule("start: 2026-03-02T24:01"), 7, 12, "schedules.s.start", "a time that no day has", ""),
    (schedule("start: 2026-03-02T09:00+15:00"), 7, 12, "schedules.s.start", "an offset that no zone has", ""),
    # Overrides and time off.
    (
        schedule(f"timezone: Europe/Berlin\n{LAYER}overrides: [{{people: [ana], start: 2026-03-29T02:30, end: 2026-03-30}}]"),
        9, 40, "schedules.s.overrides.0.start", "does not exist in Europe/Berlin", "offset",
    ),
    (
        schedule(f"timezone: Europe/Berlin\n{LAYER}away: [{{person: ana, start: 2026-10-25, end: 2026-10-25T02:30}}]"),
        9, 50, "schedules.s.away.0.end", "exists twice in Europe/Berlin", "offset",
    ),
    (schedule("overrides: [{people: [ana], start: 2026-03-02, end: 2026-03-03}]"), 7, 17, "schedules.s.overrides.0.roles",
     "names no role", ""),
    (schedule(LAYER + "overrides: [{people: [ana], start: 2026-03-03, end: 2026-03-03}]"), 8, 57,
     "schedules.s.overrides.0.end", "not after", ""),
    (schedule(LAYER + "overrides: [{people: [ana], replaces: [bne], start: 2026-03-02, end: 2026-03-03}]"), 8, 44,
     "schedules.s.overrides.0.replaces.0", "unknown person", "'ben'"),
    (schedule(LAYER + "overrides: [{people: [ana], role: primary, start: 2026-03-02, end: 2026-03-03}]"), 8, 33,
     "schedules.s.overrides.0.role", "unknown key", "'roles'"),
    (schedule(LAYER + "override_overlap: reject\noverrides:\n"
              "  - {people: [ana], start: 2026-03-02, end: 2026-03-04}\n"
              "  - {people: [ben], start: 2026-03-03, end: 2026-03-05}\n"
              "  - {people: [ben], replaces: none, start: 2026-03-04, end: 2026-03-05}"), 11, 9,
     "schedules.s.overrides.1", "contradicts the override in line 10", "override_overlap"),
    # Destinations.
    (schedule(LAYER) + "destinations: {d: {kind: foldr}}\n", 8, 26, "destinations.d.kind", "no connector of kind 'foldr'",
     "'folder'"),
    (schedule(LAYER) + "destinations: {d: {}}\n", 8, 19, "destinations.d.kind", "destination needs `kind`", ""),
    (schedule(LAYER) + "destinations: {d: {kind: folder, options: {path: x, pth: x}}}\n", 8, 53, "destinations.d.options.pth",
     "unknown key", "'path'"),
    (schedule(LAYER) + "destinations: {d: {kind: folder, options: {path: x, alarm: soon}}}\n", 8, 60,
     "destinations.d.options.alarm", "no whole number", ""),
    (schedule(LAYER) + 'destinations: {d: {kind: folder, options: {path: x, title: "{who}"}}}\n', 8, 60,
     "destinations.d.options.title", "{who} is not known", ""),
    (schedule(LAYER) + "destinations: {d: {kind: folder, refresh: 2h, options: {path: x}}}\n", 8, 43,
     "destinations.d.refresh", "out of range", "1h"),
    (schedule(LAYER) + "destinations: {d: {kind: folder, mode: automatic, options: {path: x}}}\n", 8, 40,
     "destinations.d.mode", "'automatic' is not known", "authoritative"),
    (schedule(LAYER) + "destinations: {d: {kind: folder, schedule: z, options: {path: x}}}\n", 8, 44,
     "destinations.d.schedule", "unknown schedule 'z'", ""),
    # The rest.
    ("people: {}\nhealth: {listen: nowhere}\n", 2, 18, "health.listen", "no address and port", "127.0.0.1:8469"),
    ("people: {}\nlog: {level: loud}\n", 2, 14, "log.level", "'loud' is not known", "debug"),
    ("people: {}\nstore: mysql://db/x\n", 2, 8, "store", "another kind than PostgreSQL", "postgresql://"),
    ("people: {}\nstore: postgresql://db/x\n", 1, 1, "marker_key", "needs `marker_key`", ""),
    ("source: {}\n", 1, 9, "source", "exactly one of directory, url and bridge", ""),
    ("source: {url: 'http://example.com/rota.yaml'}\n", 1, 15, "source.url", "plain http", "https"),
    ("source: {url: 'https://me:pw@example.com/'}\n", 1, 15, "source.url", "holds a user or a password", "secret"),
    ("source: {url: 'https://example.com/r'}\npeople: {}\n", 2, 1, "people", "comes from `source`", ""),
    ("people: {}\nnotices: {handoff: {lead: soon}}\n", 2, 27, "notices.handoff.lead", "no duration", "30m"),
    ("people: {}\nnotices: {handoff: never}\n", 2, 20, "notices.handoff", "expected a mapping or off", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "column", "path", "problem", "remedy"), CASES)
def test_a_mistake_is_shown_where_it_stands_with_a_remedy(
    text: str, line: int, column: int, path: str, problem: str, remedy: str, tmp_path: Path
) -> None:
    found = [one for one in problems_of(text, tmp_path) if one.severity == "error"]

    assert [(one.line, one.column, one.path) for one in found] == [(line, column, path)], found
    assert problem in found[0].problem
    assert remedy in found[0].remedy


def test_all_mistakes_of_a_file_are_reported_at_once_in_its_order(tmp_path: Path) -> None:
    text = """\
timezone: Mars/Olympus
people: {ana: {name: Ana, emial: x}}
roles: {primary: {people: none}}
schedules:
  s:
    layers: [{members: [bob], rotation: {unit: weeks}}]
    overrides: [{people: [eve], start: x, end: 2026-03-01}]
destinations: {d: {kind: folder, mode: both, options: {}}}
"""
    found = problems_of(text, tmp_path)

    assert [(one.line, one.path) for one in found] == [
        (1, "timezone"),
        (2, "people.ana.emial"),
        (3, "roles.primary.people"),
        (6, "schedules.s.layers.0.members.0"),
        (6, "schedules.s.layers.0.rotation.unit"),
        (7, "schedules.s.overrides.0.people.0"),
        (7, "schedules.s.overrides.0.start"),
        (8, "destinations.d.mode"),
        (8, "destinations.d.options.path"),
    ]


def test_a_problem_is_one_line_that_an_editor_can_jump_to(tmp_path: Path) -> None:
    (problem,) = problems_of("poeple: {}\n", tmp_path)

    assert str(problem) == f"{tmp_path}/syncd.yaml:1:1: poeple: unknown key 'poeple'; did you mean 'people'?"


def test_a_mistake_in_a_template_is_reported_once_however_many_schedules_use_it(tmp_path: Path) -> None:
    text = HEAD + (
        "templates: {t: {layers: [{name: x, role: primary, members: [zed]}]}}\n"
        "schedules: {a: {template: t}, b: {template: t, title: B}}\n"
    )
    found = problems_of(text, tmp_path)

    assert [(one.line, one.column) for one in found] == [(5, 61)]


def test_a_template_that_nobody_uses_is_checked_too(tmp_path: Path) -> None:
    found = problems_of("people: {}\ntemplates: {t: {layers: [{nme: x}]}}\n", tmp_path)

    assert [one.path for one in found] == ["templates.t.layers.0.nme"]


def test_an_override_id_is_of_one_schedule_because_the_store_knows_it_by_that_alone(tmp_path: Path) -> None:
    one = "{id: x, roles: [primary], people: [ana], start: 2026-03-02, end: 2026-03-03}"
    text = HEAD + f"schedules:\n  a: {{overrides: [{one}]}}\n  b: {{overrides: [{one}]}}\n"
    (found,) = [problem for problem in problems_of(text, tmp_path) if problem.severity == "error"]

    assert (found.line, found.path) == (7, "schedules.b.overrides.0.id")


WARNINGS = [
    (schedule(LAYER + "end: 2026-03-08T23:59"), 8, "schedules.s.end", "24:00"),
    (
        schedule('layers: [{role: primary, members: [ana], windows: [{from: "00:00", to: "23:59"}]}]'),
        7, "schedules.s.layers.0.windows.0.to", "24:00",
    ),
    (
        schedule("layers: [{role: primary, members: [ana]}, {role: secondary, members: [ben]}]\n"
                 "overrides: [{roles: all, people: [ana], start: 2026-03-02, end: 2026-03-03}]"),
        8, "schedules.s.overrides.0.roles", "2 roles at once",
    ),
    (
        schedule(LAYER) + "destinations: {d: {kind: folder, mode: bidirectional, options: {path: x}}}\n",
        8, "destinations.d.mode", "safety net",
    ),
    (HEAD + "teams: {t: {channels: [chat]}}\n", 5, "teams.t.channels.0", "no channel is configured"),
    ("people: {a: {name: Sam}, b: {name: sam}}\n", 1, "people.b.name", "a has the same name"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "path", "problem"), WARNINGS)
def test_what_is_doubtful_is_a_warning_and_the_file_is_taken(
    text: str, line: int, path: str, problem: str, tmp_path: Path
) -> None:
    file = tmp_path / "syncd.yaml"
    file.write_text(text)
    (warning,) = load(file).warnings

    assert (warning.line, warning.path, warning.severity) == (line, path, "warning")
    assert problem in warning.problem


def test_two_pagers_with_one_schedule_are_refused_because_each_would_remove_the_others_overrides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pager(monkeypatch)
    text = schedule(LAYER) + (
        "destinations:\n"
        "  a: {kind: pager, role: primary, options: {schedule: P1}}\n"
        "  b: {kind: pager, role: primary, options: {schedule: P1}}\n"
        "  c: {kind: pager, role: primary, options: {schedule: P2}}\n"
    )
    (found,) = problems_of(text, tmp_path)

    assert (found.line, found.column, found.path) == (10, 55, "destinations.b.options.schedule")


def test_a_role_of_two_people_is_refused_where_only_one_can_be_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pager(monkeypatch)
    text = schedule(LAYER).replace("roles: {primary: {}", "roles: {primary: {people: 2}") + (
        "destinations: {a: {kind: pager, role: primary, options: {schedule: P1}}}\n"
    )
    (found,) = problems_of(text, tmp_path)

    assert (found.path, "shows 1 at a time" in found.problem) == ("destinations.a.role", True)


def test_an_email_that_is_anothers_account_at_a_destination_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pager(monkeypatch)
    text = (
        schedule(LAYER)
        .replace("{name: Ana}", "{name: Ana, email: a@b.c}")
        .replace("{name: Ben}", "{name: Ben, accounts: {a: A@b.c}}")
        + "destinations: {a: {kind: pager, role: primary, options: {schedule: P1}}}\n"
    )
    (found,) = problems_of(text, tmp_path)

    assert (found.line, found.path) == (3, "people.ben.accounts.a")


def test_a_kind_whose_package_is_missing_names_the_line_that_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from syncd import registry

    point = next(point for kind, point in registry._points().items() if kind == "folder")
    missing = type(point)("caldav", "no_such_module_anywhere:X", registry.GROUP)._for(point.dist)
    monkeypatch.setattr(registry, "_ours", {"caldav": missing}.get)
    (found,) = problems_of(schedule(LAYER) + "destinations: {d: {kind: caldav}}\n", tmp_path)

    assert (found.line, found.column) == (8, 26)
    assert "pip install 'syncd[caldav]'" in found.remedy


def pager(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connector for a pager that shows one person at a time, installed as the kind `pager`."""
    from dataclasses import dataclass

    from syncd import registry
    from syncd.core.entry import Capabilities

    class Pager:
        @dataclass(frozen=True, kw_only=True)
        class Options:
            schedule: str

        capabilities = Capabilities(exclusive=True, people=1)

    monkeypatch.setattr(registry, "connector", lambda kind: Pager)
