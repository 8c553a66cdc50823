"""What people read: widths, names, colours, zones, and where no terminal is."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from syncd.cli.show import between, lines, width
from syncd.store import Store
from tests.shell.command_line import FOLDER, NOON, ROTA, CommandLine, command_line

WIDE = ROTA.replace("Ana Lima", "王飞 🚀").replace("Ben Okafor", '"Hal 👩\u200d💻"') + FOLDER
TWO_ROLES = ROTA + "    needs: {secondary: always}\n"


@pytest.fixture
def syncd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return command_line(tmp_path, monkeypatch, WIDE)


def on_terminal(folder: Path, *arguments: str, wide: int, **environment: str) -> list[str]:
    """The lines that a terminal of so many columns is sent."""
    import fcntl
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, wide, 0, 0))
    own = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    command = [sys.executable, "-m", "syncd", *arguments]
    with subprocess.Popen(command, cwd=folder, stdout=theirs, stderr=theirs, env={**own, "TERM": "xterm", **environment}) as run:
        os.close(theirs)
        found = b""
        try:
            while part := os.read(ours, 65_536):
                found += part
        except OSError:  # the other end was closed
            pass
        os.close(ours)
    assert run.returncode == 0
    return found.decode().splitlines()


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("王飞", 4), ("e\u0301", 1), ("👩\u200d💻", 2), ("조민지", 6), ("❤\ufe0f", 1)]
)
def test_a_name_is_as_wide_as_a_terminal_shows_it(text: str, columns: int) -> None:
    assert width(text) == columns


def test_columns_stand_below_each_other_whatever_the_names(syncd: CommandLine) -> None:
    found = syncd.run("shifts").output.splitlines()
    places = {width(line[: line.index(" CET")]) for line in found[1:] if " CET" in line and " CEST" not in line}
    assert len(places) == 1
    assert "\N{REPLACEMENT CHARACTER}" not in "".join(found)


def test_nobody_is_a_plain_word_where_there_is_no_terminal(syncd: CommandLine) -> None:
    syncd.write(TWO_ROLES)
    found = syncd.run("oncall").output
    assert "  nobody\n" in found
    assert "\x1b" not in found
    assert "\N{REPLACEMENT CHARACTER}" not in found


def test_a_terminal_gets_colours_unless_it_says_no(syncd: CommandLine) -> None:
    syncd.write(TWO_ROLES)
    assert any("\x1b[31mnobody" in line for line in on_terminal(syncd.folder, "oncall", wide=100))
    assert not any("\x1b" in line for line in on_terminal(syncd.folder, "oncall", wide=100, TERM="dumb"))
    assert not any("\x1b" in line for line in on_terminal(syncd.folder, "oncall", wide=100, NO_COLOR="1"))


@pytest.mark.parametrize("wide", [60, 80, 100])
def test_a_table_fits_its_terminal(syncd: CommandLine, wide: int) -> None:
    found = on_terminal(syncd.folder, "shifts", wide=wide, NO_COLOR="1")
    assert max(map(width, found)) <= wide
    assert len(found) > 5


def test_rows_of_a_file_are_never_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    lines([["a" * 300, "b"]], None)
    assert capsys.readouterr().out == "a" * 300 + "  b\n"


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (1_773_133_200, 1_773_136_800, "Tue 2026-03-10 10:00 – 11:00 CET"),
        (1_773_133_200, 1_773_219_600, "Tue 2026-03-10 10:00 – Wed 2026-03-11 10:00 CET"),
        (1_774_688_400, 1_774_774_800, "Sat 2026-03-28 10:00 CET – Sun 2026-03-29 11:00 CEST"),
    ],
)
def test_two_times_say_once_what_they_share(start: int, end: int, said: str) -> None:
    assert between(start, end, "Europe/Berlin") == said


def test_history_is_told_by_runs_in_words_within_a_hundred_columns(syncd: CommandLine) -> None:
    syncd.write(ROTA + FOLDER)
    syncd.run("override", "add", "--person", "cho", "--from", "2026-03-12", "--to", "2026-03-13", "--reason", "dentist")
    syncd.run("export", "--now")
    found = syncd.run("history").output.splitlines()
    assert max(map(width, found)) <= 100
    run = syncd.json("history")[0]["run"]
    assert found[0] == f"Wed 2026-03-11 13:00 CET  run {run}  by ana"
    assert any("Cho Min-ji, Thu 2026-03-12 00:00 – Fri 2026-03-13 00:00 CET" in line for line in found)
    said = "Cho Min-ji as primary, Thu 2026-03-12 00:00 – Fri 2026-03-13 00:00 CET (dentist)"
    assert said in " ".join(" ".join(found).split())


def test_history_tells_of_an_edit_that_gave_way_with_what_brings_it_back(syncd: CommandLine) -> None:
    syncd.write(ROTA + FOLDER)
    syncd.run("export", "--now")
    (event,) = [one for one in (syncd.folder / "calendar").glob("*.ics") if "DTSTART:20260316T080000Z" in one.read_text()]
    event.write_bytes(event.read_bytes().replace(b"Ben Okafor", b"Cho Min-ji"))
    syncd.run("export", "--now")
    (conflict,) = syncd.json("conflicts")
    said = (
        "notice: removed calendar Mon 2026-03-16 09:00 – Mon 2026-03-23 09:00 CET: edited at the destination;"
        f" it showed Cho Min-ji, the rota has Ben Okafor; the rota was put back ({conflict['id']})"
    )
    assert said in " ".join(syncd.run("history").output.split())
    listed = " ".join(syncd.run("conflicts").output.split())
    assert f"{conflict['id']} calendar, primary, since Wed 2026-03-11 13:00 CET Mon 2026-03-16 09:00 – Mon 2026-03-23" in listed
    assert "it showed Cho Min-ji, the rota has Ben Okafor; the rota was put back" in listed
    assert syncd.run("restore", conflict["id"]).exit_code == 0
    said = "restored calendar Cho Min-ji as primary, Mon 2026-03-16 09:00 – Mon 2026-03-23 09:00 CET (restored from calendar)"
    assert said in " ".join(syncd.run("history").output.split())


def test_status_says_why_and_what_to_look_at_next(syncd: CommandLine) -> None:
    syncd.write(ROTA + FOLDER)
    (syncd.folder / "calendar").write_text("in the way")
    syncd.run("export", "--now")
    found = syncd.run("status").output
    assert "calendar: " in found


def test_a_hold_that_has_grown_since_it_was_told_is_shown_once_and_either_is_answered(syncd: CommandLine) -> None:
    syncd.run("export", "--now")
    store = Store.open(syncd.folder / "state" / "syncd")
    assert store is not None
    with store.write() as tx:
        for digest, names in (("aaaaaaaa11111111", ["delete x"]), ("bbbbbbbb22222222", ["delete x", "delete y"])):
            tx.holds.put("calendar", digest, reason="removals", changes=[], identities=names, since=1_773_230_400)
    store.close()
    told = syncd.run("holds").output
    assert "syncd ack bbbbbbbb22222222" in told
    assert "aaaaaaaa11111111" not in told
    assert [one["digest"] for one in syncd.json("holds")] == ["aaaaaaaa11111111", "bbbbbbbb22222222"]
    assert syncd.run("ack", "aaaaaaaa").exit_code == 0


def test_status_says_that_nobody_looks_any_more(syncd: CommandLine) -> None:
    syncd.write(ROTA + FOLDER)
    syncd.run("export", "--now")
    store = Store.open(syncd.folder / "state" / "syncd")
    assert store is not None
    with store.write() as tx:
        known = tx.destinations.get("calendar")
        assert known is not None
        tx.destinations.put(replace(known, next_due=int(datetime.fromisoformat(NOON).timestamp()) + 300))
    store.close()
    assert "daemon" not in syncd.run("status").output
    syncd.at("2026-03-11T12:30:00+00:00")
    said = "calendar: not looked at since Wed 2026-03-11 13:05 CET, when it was due: does the daemon run? `syncd health`"
    assert said in syncd.run("status").output.splitlines()


def test_status_says_that_the_configuration_cannot_be_used_any_more(syncd: CommandLine) -> None:
    syncd.write(ROTA + FOLDER)
    syncd.run("export", "--now")
    syncd.write(ROTA + FOLDER.replace("path: calendar", "pth: calendar"))
    result = syncd.run("status")
    assert result.exit_code == 0
    assert "needs `path`" in result.stderr
    assert "syncd check" in result.stderr
    assert "OK" in result.stdout


@pytest.mark.parametrize("wrong", ["people: [ana, bob\n", "schedules: {payments: {start: never}}\n", "\tx\n"])
def test_what_the_store_alone_can_tell_is_told_whatever_is_wrong_with_the_file(syncd: CommandLine, wrong: str) -> None:
    place = "store: kept  # beside the file\n"
    syncd.write(place + ROTA + FOLDER)
    syncd.run("export", "--now")
    (event,) = [one for one in (syncd.folder / "calendar").glob("*.ics") if "DTSTART:20260316T080000Z" in one.read_text()]
    event.write_bytes(event.read_bytes().replace(b"Ben Okafor", b"Cho Min-ji"))
    syncd.run("export", "--now")
    before = {command: syncd.json(command) for command in ("status", "holds", "conflicts", "history")}
    syncd.write(wrong + place + "timezone: Europe/Berlin\n")
    for command, answer in before.items():
        assert syncd.json(command) == answer
        found = syncd.run(command)
        assert (found.exit_code, found.stderr.count("syncd.yaml:")) == (0, 1)
        assert "syncd check" in found.stderr
    assert "OK" in syncd.run("status").stdout
    assert "it showed cho, the rota has ben" in " ".join(syncd.run("history").stdout.split())
    assert syncd.run("ack", before["conflicts"][0]["id"]).exit_code == 0
    assert syncd.json("conflicts") == []
    assert syncd.run("oncall").exit_code == 78


def test_a_file_that_cannot_be_used_is_refused_where_no_store_has_an_answer(syncd: CommandLine) -> None:
    syncd.write("people: [ana\n")
    for command in (["status"], ["holds"], ["conflicts"], ["history"], ["ack", "0123456789abcdef"]):
        syncd.refused(*command, code=78)
    assert not (syncd.folder / "state").exists()


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_an_answer_that_cannot_be_written_is_no_mistake_of_the_program(
    syncd: CommandLine, unbuffered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-m", "syncd", "shifts"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, "syncd: the answer cannot be written: No space left on device\n")


def test_a_reader_that_goes_away_early_is_no_error(syncd: CommandLine) -> None:
    command = f"{sys.executable} -m syncd shifts --from 2026-03-01 --to 2032-01-01 | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert (done.stderr, done.stdout[:8]) == ("", "schedule")


def test_closed_streams_are_no_error(syncd: CommandLine) -> None:
    for closed, code in (("<&-", 2), ("2>&-", 2)):
        done = subprocess.run(["sh", "-c", f"{sys.executable} -m syncd export {closed}"], capture_output=True, text=True)
        assert done.returncode == code
        assert "Traceback" not in done.stderr + done.stdout
