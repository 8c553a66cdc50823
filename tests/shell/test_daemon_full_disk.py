"""A disk that is really full, or may only be read, under a daemon at work: told once, nothing lost, and well again by itself."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from syncd.store import Store
from tests.shell.command_line import ROTA
from tests.shell.process import Process
from tests.shell.receivers import MailServer, mail_server

TOLD = ROTA.replace("    title: Payments\n", "    title: Payments\n    admins: [ana]\n")
ALARM, WELL = "syncd needs attention", "syncd is well again"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    found = tmp_path / "disk"
    found.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", found], capture_output=True, check=False).returncode:
        pytest.skip("a small disk can be made by root only")
    try:
        yield found
    finally:
        subprocess.run(["umount", "-l", found], capture_output=True, check=False)


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as found:
        yield found


def fill(disk: Path, leave: int = 0) -> None:
    """But for `leave` bytes."""
    with (disk / "ballast").open("ab", buffering=0) as ballast:
        for size in (4096, 1):
            try:
                while ballast.write(bytes(size)) == size:
                    pass
            except OSError:
                pass
        if leave:
            ballast.truncate(ballast.tell() - leave)


def start(folder: Path, mail: MailServer, *, state: Path, calendar: Path) -> Process:
    notices = "notices: {channels: {mail: {url: {env: MAIL}}}}\n"
    shows = f"kind: folder, schedule: payments, role: primary, refresh: 1s, options: {{path: '{calendar}'}}"
    there = f"destinations: {{calendar: {{{shows}}}}}\n"
    address = f"mailto://127.0.0.1:{mail.port}?from=rota@example.com"
    return Process(folder, TOLD + notices + there, store=f"store: '{state}'\n", MAIL=address)


def subjects(mail: MailServer) -> list[str]:
    return [one["subject"] for one in mail.mails]


def events(daemon: Process, *names: str) -> list[str]:
    return [line["event"] for line in daemon.lines() if line["event"] in names]


def metrics(daemon: Process) -> str:
    with urlopen(daemon.url + "/metrics", timeout=30) as answer:
        return str(answer.read().decode())


def shown(calendar: Path) -> list[str]:
    """Who is on until when; what is put back in the middle of a shift begins there (I7)."""
    said = [path.read_text().splitlines() for path in calendar.glob("*.ics")]
    return sorted(" ".join(sorted(line for line in lines if line.startswith(("SUMMARY", "DTEND")))) for lines in said)


def whole(daemon: Process, state: Path) -> None:
    """It ends as it should, and the store with it."""
    daemon.process.terminate()
    assert daemon.process.wait(20) == 0
    store = Store.open(state)
    assert store is not None
    assert store.audit().problems == ()
    with store.read() as tx:
        assert tx.ledger.memory("calendar").intents == ()
    store.close()


def swapped(entry: str) -> str:
    """The other one's name."""
    return entry.replace("Ana Lima", "Ben Okafor") if "Ana Lima" in entry else entry.replace("Ben Okafor", "Ana Lima")


def may(disk: Path, what: str) -> None:
    """`rw` or `ro`."""
    subprocess.run(["mount", "-o", f"remount,{what}", disk], check=True)


@pytest.mark.parametrize("leave", [0, 40_000], ids=["full", "all but full"])
def test_a_disk_that_fills_up_is_told_once_and_room_on_it_is_enough(
    tmp_path: Path, disk: Path, mail: MailServer, leave: int
) -> None:
    calendar, state = tmp_path / "calendar", disk / "state"
    daemon = start(tmp_path, mail, state=state, calendar=calendar)
    try:
        daemon.become(200)
        stood = shown(calendar)
        fill(disk, leave)
        for path in calendar.glob("*.ics"):  # by a human's hand: all of it is to be put back
            path.unlink()
        daemon.until("store.unwritable")
        daemon.become(503)
        assert daemon.code("/livez") == 200
        assert "syncd_store_writable 0\n" in metrics(daemon)
        daemon.become_true(lambda: any(ALARM in one for one in subjects(mail)))
        (disk / "ballast").unlink()
        daemon.until("store.recovered")
        daemon.become(200)
        daemon.become_true(lambda: shown(calendar) == stood)
        daemon.become_true(lambda: any(WELL in one for one in subjects(mail)))
        assert "syncd_store_writable 1\n" in metrics(daemon)
        whole(daemon, state)
        assert events(daemon, "store.unwritable", "store.recovered") == ["store.unwritable", "store.recovered"]
        assert [one.partition(":")[0] for one in subjects(mail) if "syncd" in one] == [ALARM, WELL]
    finally:
        daemon.close()


@pytest.mark.parametrize("trouble", ["full", "read only"])
def test_a_folder_on_such_a_disk_is_told_once_keeps_what_it_shows_and_is_made_whole(
    tmp_path: Path, disk: Path, mail: MailServer, trouble: str
) -> None:
    calendar, state = disk / "calendar", tmp_path / "state"
    daemon = start(tmp_path, mail, state=state, calendar=calendar)
    try:
        daemon.become(200)
        stood = shown(calendar)
        fill(disk) if trouble == "full" else may(disk, "ro")
        daemon.write(daemon.file.read_text().partition("store:")[0].replace("[ana, ben]", "[ben, ana]"))
        daemon.become_true(lambda: any(one.startswith("calendar needs attention") for one in subjects(mail)))
        daemon.become(503)
        assert shown(calendar) == stood
        (disk / "ballast").unlink() if trouble == "full" else may(disk, "rw")
        daemon.become(200)
        daemon.become_true(lambda: {swapped(one) for one in stood} <= set(shown(calendar)))
        daemon.become_true(lambda: any(one == "calendar is well again" for one in subjects(mail)))
        assert [path.name for path in calendar.iterdir() if path.suffix != ".ics"] == []
        whole(daemon, state)
        told = [one.partition(":")[0] for one in subjects(mail) if one.startswith("calendar")]
        assert told == ["calendar needs attention", "calendar is well again"]
    finally:
        daemon.close()
