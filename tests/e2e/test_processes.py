"""Real processes: killed at calls and commits, two at once, the daemon and its signals."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import syncd
from tests.e2e.town import NOON, ROLLING, Town
from tests.simulators.proxy import Rule, delayed
from tests.stores import postgres_url

__all__ = ["postgres_url"]

POINTS = ("before call", "after call", "before commit", "after commit")
FEW = {("after call", 3), ("before commit", 8)}
ROOT = Path(syncd.__file__).parents[1]


def command(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def started(town: Town, *arguments: str) -> subprocess.Popen[str]:
    clean = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return subprocess.Popen(
        command(*arguments),
        cwd=town.syncd.folder,
        env={**clean, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def ended(*processes: subprocess.Popen[str]) -> Iterator[None]:
    """None of them outlives the test."""
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def export(town: Town, point: str = "never", number: int = 1) -> subprocess.Popen[str]:
    """`syncd export --now`, in a process that dies there."""
    return started(town, "-m", "tests.e2e.dying", NOON, point, str(number), "export", "--now")


def died(town: Town, point: str, number: int) -> bool:
    """False where it came to its end before that."""
    process = export(town, point, number)
    with ended(process):
        assert process.wait(60) in (0, -signal.SIGKILL), process.communicate()
        return process.returncode != 0


def serial(town: Town) -> None:
    """One call at a time, so that nothing of a dead process is still under way."""
    town.write(options="username: ana, password: {file: password}, connections: 1")


KILLS = [
    pytest.param(point, number, id=f"{point}-{number}", marks=() if (point, number) in FEW else pytest.mark.long)
    for point in POINTS
    for number in range(1, 25)
]


@pytest.mark.parametrize(("point", "number"), KILLS)
def test_a_first_export_that_is_killed_is_finished_by_the_next(one: Town, point: str, number: int) -> None:
    one.syncd.json("purge", "team", "--now")
    for path in one.database.parent.glob("syncd.db*"):
        path.unlink()
    serial(one)
    died(one, point, number)
    one.export()
    assert one.shown() == ROLLING
    one.nothing_to_do()


@pytest.mark.parametrize(("point", "number"), [kill for kill in KILLS if kill.values[0].endswith("commit")])
def test_whoever_is_killed_at_a_commit_to_postgresql_is_followed(
    one: Town, point: str, number: int, request: pytest.FixtureRequest
) -> None:
    location, tenant = request.getfixturevalue("postgres_url"), f"killed_{point[:2]}_{number}"
    one.path = one.server.calendar()
    (one.syncd.folder / "key").write_text("5a" * 32)
    (one.syncd.folder / "key").chmod(0o600)
    text = (one.syncd.folder / "syncd.yaml").read_text().partition("destinations:")[0]
    one.write(
        f"tenant: {tenant}\nmarker_key: {{file: key}}\nstore: '{location}'\n{text}",
        options="username: ana, password: {file: password}, connections: 1",
    )
    if died(one, point, number):
        leases_run_out(location, f"syncd_{tenant}")
    one.export()
    assert one.shown() == ROLLING
    one.nothing_to_do()


def leases_run_out(location: str, schema: str) -> None:
    """As after 45 seconds."""
    import psycopg

    with psycopg.connect(location) as connection, suppress(psycopg.errors.UndefinedTable):
        connection.execute(f"SET search_path = {schema}")
        connection.execute("UPDATE leases SET until = 0")


@pytest.mark.parametrize("mode", ["authoritative", "bidirectional"])
@pytest.mark.parametrize(("point", "number"), KILLS)
def test_a_change_and_a_humans_edit_survive_a_kill(one: Town, mode: str, point: str, number: int) -> None:
    """The override is shown; the edit is imported, or put back and kept for `restore`: none is lost, and none told twice."""
    one.write(mode=mode)
    one.export()
    one.write(mode=mode, options="username: ana, password: {file: password}, connections: 1")
    one.override("cho", "15T09", "16T09")
    one.drag("ana 12T09 13T09", "12T11", "13T11")
    died(one, point, number)
    one.export()
    if mode == "bidirectional":
        assert one.shown() == [*ROLLING[:2], "ana 13T09 13T11", "ben 13T11 14T09", ROLLING[3], "cho 15T09 16T09", ROLLING[5]]
        assert one.told() == ["C 12T09 12T11", "I 13T09 13T11"]
    else:
        assert one.shown() == [*ROLLING[:4], "cho 15T09 16T09", ROLLING[5]]
        assert one.told() == ["R 13T09 13T11"]
    one.nothing_to_do()


def test_two_exports_at_once_make_each_shift_once(one: Town) -> None:
    one.syncd.json("purge", "team", "--now")
    one.proxy.rules = [Rule("PUT", "", delayed(0.1))]
    one.proxy.journal.clear()
    processes = [export(one) for _ in range(2)]
    with ended(*processes):
        told = [process.communicate(timeout=90) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], told
    assert len(one.writes()) == 6
    assert one.shown() == ROLLING
    one.proxy.rules.clear()
    one.nothing_to_do()


def test_two_exports_of_two_stores_with_one_key_make_each_shift_once(one: Town) -> None:
    """As after a copy of a machine: both know nothing, and write under the same ids."""
    one.syncd.json("purge", "team", "--now")
    for path in one.database.parent.glob("syncd.db*"):
        path.unlink()
    shutil.copytree(one.database.parent, one.syncd.folder / "other")
    copy = (one.syncd.folder / "syncd.yaml").read_text()
    (one.syncd.folder / "other.yaml").write_text(f"store: other\n{copy}")
    arguments = ("-m", "tests.e2e.dying", NOON, "never", "1", "export", "--now")
    processes = [started(one, *arguments), started(one, *arguments, "--config", "other.yaml")]
    with ended(*processes):
        told = [process.communicate(timeout=90) for process in processes]
    assert {process.returncode for process in processes} <= {0, 1}, told
    one.export()
    assert one.shown() == ROLLING
    one.nothing_to_do()


def test_the_daemon_keeps_what_is_shown_and_ends_with_0_on_sigterm(one: Town) -> None:
    """A manual destination beside it is looked at, and not written."""
    one.proxy.now = lambda: int(time.time())
    path = one.server.calendar()
    manual = f"url: '{one.proxy.url}{path}', username: ana, password: {{file: password}}"
    one.path = one.server.calendar()
    one.write(
        f"health: null\nstore: fresh\n{(one.syncd.folder / 'syncd.yaml').read_text().partition('destinations:')[0]}",
        more=f"  asked: {{kind: caldav, schedule: payments, role: primary, mode: manual, refresh: 1s, options: {{{manual}}}}}\n",
        refresh="1s",
    )
    daemon = started(one, "-m", "syncd", "run")
    with ended(daemon):
        until(lambda: len(one.events()) >= 5 and bool(one.proxy.seen("REPORT", path)), daemon)
        gone = one.events()[2]
        one.delete(gone.ref)
        until(lambda: gone.start in [event.start for event in one.events()], daemon)
        assert one.proxy.seen("PUT|DELETE", path) == []
        before = time.monotonic()
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0
        assert time.monotonic() - before < 20
        lines = [json.loads(line) for line in daemon.communicate()[1].splitlines()]
        assert {"event", "level", "timestamp"} <= set(lines[0])
    starts = [event.start for event in one.events()]
    assert len(starts) == len(set(starts)), "each shift once"
    assert all(first.end == second.start for first, second in zip(one.events(), one.events()[1:], strict=False)), "no hole"


@pytest.mark.long
def test_sigterm_while_a_server_hangs_ends_within_twenty_seconds(one: Town) -> None:
    one.proxy.now = lambda: int(time.time())
    one.path = one.server.calendar()
    text = (one.syncd.folder / "syncd.yaml").read_text().partition("destinations:")[0]
    one.write(f"health: null\nstore: fresh\n{text}", refresh="1s")
    one.proxy.rules = [Rule("PUT", "", delayed(60), first=2)]
    one.proxy.journal.clear()
    daemon = started(one, "-m", "syncd", "run")
    with ended(daemon):
        until(lambda: len(one.proxy.seen("PUT")) >= 2, daemon)
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0
    one.proxy.rules.clear()


@pytest.mark.long
@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_whoever_freezes_in_its_cycle_is_followed_and_does_no_harm_when_it_wakes(
    one: Town, kind: str, request: pytest.FixtureRequest
) -> None:
    """F12: two daemons on PostgreSQL; on SQLite an export beside the daemon. The frozen one wakes with a call under way."""
    one.proxy.now = lambda: int(time.time())
    one.path = one.server.calendar()
    (one.syncd.folder / "key").write_text("5a" * 32)
    (one.syncd.folder / "key").chmod(0o600)
    location = request.getfixturevalue("postgres_url") if kind == "postgres" else "fresh"
    text = (one.syncd.folder / "syncd.yaml").read_text().partition("destinations:")[0]
    one.write(f"health: null\ntenant: frozen\nmarker_key: {{file: key}}\nstore: '{location}'\n{text}", refresh="1s")
    one.proxy.rules = [Rule("PUT", "", delayed(5), first=1)]
    one.proxy.journal.clear()
    first = started(one, "-m", "syncd", "run")
    with ended(first):
        until(lambda: bool(one.proxy.seen("PUT")), first)
        first.send_signal(signal.SIGSTOP)
        one.proxy.journal.clear()
        second = started(one, "-m", "syncd", *(("run",) if kind == "postgres" else ("export", "--now")))
        with ended(second):
            until(lambda: len(one.events()) >= 5, second, seconds=60)
            first.send_signal(signal.SIGCONT)
            looks = len(one.proxy.seen("REPORT"))
            until(lambda: len(one.proxy.seen("REPORT")) >= looks + 6, first)
            starts = [event.start for event in one.events()]
            assert len(starts) == len(set(starts)), "each shift once"
            assert first.poll() is None


def until(true: object, process: subprocess.Popen[str], seconds: float = 30) -> None:
    """Until `true()`; fails after `seconds`, or when `process` ends with an error."""
    assert callable(true)
    deadline = time.monotonic() + seconds
    while not true():
        assert not process.poll(), process.communicate()
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
