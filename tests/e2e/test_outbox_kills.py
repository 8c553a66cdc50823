"""A daemon that is killed while it tells people: every notice arrives, and twice only where its answer was lost (F48)."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import syncd
from syncd.store import Store
from tests.shell.receivers import HttpReceiver, MailServer, mail_server

ROTA = """\
health: null
store: state
timezone: UTC
people:
  ana: {name: Ana Lima, email: ana@example.com}
  cho: {name: Cho Min-ji, email: cho@example.com}
roles:
  primary: {title: Primary}
teams:
  payments: {title: Payments, people: [ana], channels: [group]}
schedules:
  payments:
    team: payments
    admins: [cho]
    start: 2026-02-23T09:00
    layers: [{role: primary, members: [ana], rotation: {every: 1, unit: week, on: mon, at: "09:00"}}]
notices: {channels: {mail: {url: {file: mail}}, group: {url: {file: group}}}}
"""
NAMES = ("first", "second", "third")
ROOT = Path(syncd.__file__).parents[1]
FEW = {("before send", 2), ("after send", 2), ("before noting", 3), ("after noting", 3)}
KILLS = [
    pytest.param(point, number, id=f"{point}-{number}", marks=() if (point, number) in FEW else pytest.mark.long)
    for point in ("before send", "after send", "before noting", "after noting")
    for number in range(1, 9)
]


class Town:
    """A store with three notices for an admin and a group, where they arrive, and a daemon to carry them."""

    def __init__(self, folder: Path, mail: MailServer, http: HttpReceiver) -> None:
        self.folder, self.mail, self.http = folder, mail, http
        for name, text in (("mail", f"mailto://127.0.0.1:{mail.port}?from=rota@example.com"), ("group", f"json://{http.url}/")):
            (folder / name).touch(0o600)
            (folder / name).write_text(text)
        (folder / "syncd.yaml").write_text(ROTA)
        store = Store.open(folder / "state")
        assert store is not None
        at = int(time.time())
        with store.write() as tx:
            for name in NAMES:
                said = {
                    "id": name, "kind": "C", "destination": "pager", "schedule": "payments", "role": "primary", "start": at,
                    "end": at + 86_400, "text": name, "rota": [], "had": ["?Zed"], "done": "", "refs": [], "also": [],
                }  # fmt: skip
                assert tx.outbox.post(said, name, at=at)
        store.close()

    def daemon(self, point: str = "never", number: int = 1) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.e2e.dying", "now", point, str(number), "run"]
        clean = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(command, cwd=self.folder, env={**clean, "PYTHONPATH": str(ROOT)}, stderr=log)

    def states(self) -> list[str]:
        with closing(sqlite3.connect(self.folder / "state" / "syncd.db")) as base:
            return [state for (state,) in base.execute("SELECT state FROM notices")]

    def arrived(self) -> list[tuple[str, str]]:
        """Channel and notice of each message."""
        mails = [("mail", name) for mail in self.mail.mails for name in NAMES if f"syncd restore {name}" in mail["body"]]
        return mails + [("group", name) for _, _, body in self.http.got for name in NAMES if f"syncd restore {name}" in body]


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    http = HttpReceiver()
    try:
        with mail_server() as mail:
            yield Town(tmp_path, mail, http)
    finally:
        http.close()


@pytest.mark.parametrize(("point", "number"), KILLS)
def test_every_notice_arrives_and_twice_only_where_its_answer_was_lost(town: Town, point: str, number: int) -> None:
    dying = town.daemon(point, number)
    try:
        until(lambda: dying.poll() is not None or set(town.states()) == {"sent"})
        killed = dying.poll() == -signal.SIGKILL
    finally:
        dying.kill()
        dying.wait()
    before = Counter(town.arrived())
    following = town.daemon()
    try:
        until(lambda: set(town.states()) == {"sent"})
    finally:
        following.terminate()
        following.wait(30)
    arrived = Counter(town.arrived())
    assert set(arrived) == {(channel, name) for channel in ("mail", "group") for name in NAMES}
    twice = {one for one, times in arrived.items() if times > 1}
    assert max(arrived.values()) <= 2
    assert twice <= set(before), "only what was on its way when the daemon died"
    assert killed or (number > 3 and not twice)


def until(true: object) -> None:
    assert callable(true)
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
