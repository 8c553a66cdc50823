"""A folder of iCalendar files keeps the contract, and survives what other programs and people do to its files."""

from __future__ import annotations

import fcntl
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import connectors.folder
from connectors.folder import Folder
from syncd.connector import Denied, Observation, Rejected, Site, Stale, Unavailable
from syncd.core.model import DAY, HOUR, Instant, basic
from tests.connectors.conformance import PEOPLE, SITE, WINDOW, Conformance, T, event, op, said, shift


class TestFolder(Conformance):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        return tmp_path / "rota"

    def make(self, place: Path, site: Site) -> Folder:
        return Folder(Folder.Options(path=place), site)

    def human_creates(self, place: Path, start: Instant, end: Instant, who: str) -> str:
        place.mkdir(exist_ok=True)
        (place / "meeting.ics").write_text(event("meeting", start, end, PEOPLE[who].name if who in PEOPLE else who))
        return "meeting.ics"

    def human_moves(self, place: Path, ref: str, start: Instant, end: Instant) -> None:
        self.edit(place / ref, r"DTSTART:.*", f"DTSTART:{basic(start)}\r")
        self.edit(place / ref, r"DTEND:.*", f"DTEND:{basic(end)}\r")

    def human_gives(self, place: Path, ref: str, who: str) -> None:
        self.edit(place / ref, r"SUMMARY:.*", f"SUMMARY:{PEOPLE[who].name if who in PEOPLE else who}\r")

    def human_deletes(self, place: Path, ref: str) -> None:
        (place / ref).unlink()

    def human_copies(self, place: Path, ref: str) -> None:
        (place / "copy of it.ics").write_bytes((place / ref).read_bytes())

    def edit(self, path: Path, pattern: str, text: str) -> None:
        before = path.read_bytes().decode()
        path.write_bytes(re.sub(pattern, text, before).encode())

    def writes(self, place: Path) -> int:
        return len(list(place.iterdir())) if place.exists() else 0

    def reads(self, place: Path) -> int:
        return 0


@dataclass
class Rota:
    path: Path

    def folder(self) -> Folder:
        return Folder(Folder.Options(path=self.path), SITE)

    def look(self, **known: str) -> Observation:
        return self.folder().read(WINDOW, {f"{stem}.ics": version for stem, version in known.items()})


@pytest.fixture
def rota(tmp_path: Path) -> Rota:
    return Rota(tmp_path / "rota")


# --- the directory ---------------------------------------------------------------------------


def test_looking_makes_no_directory(rota: Rota) -> None:
    assert rota.look().entries == ()
    assert not rota.path.exists()


def test_the_first_entry_makes_the_directory(rota: Rota) -> None:
    rota.folder().create(shift(), op("a1"))
    assert [path.name for path in rota.path.iterdir()] == ["a1.ics"]


def test_a_directory_that_went_missing_is_no_empty_one(rota: Rota) -> None:
    with pytest.raises(Unavailable, match="missing"):
        rota.look(a1="1")


def test_a_directory_that_goes_missing_while_ours_are_known_is_not_made_again(rota: Rota) -> None:
    folder = rota.folder()
    entry = folder.create(shift(), op("a1"))
    folder.read(WINDOW, {entry.ref: entry.version or ""})
    rota.path.rename(rota.path.with_name("unmounted"))
    with pytest.raises(Unavailable) as failure:
        folder.create(shift(), op("a2"))
    assert failure.value.refused
    with pytest.raises(Unavailable):
        folder.delete(entry, op("a1"))
    assert not rota.path.exists()


def test_a_path_that_is_a_file_is_an_error(rota: Rota) -> None:
    rota.path.write_text("")
    with pytest.raises(Unavailable, match="not a directory"):
        rota.look()
    assert [finding.ok for finding in rota.folder().doctor()] == [False]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_directory_that_may_not_be_written_is_denied(rota: Rota) -> None:
    rota.path.mkdir(mode=0o500)
    with pytest.raises(Denied):
        rota.folder().create(shift(), op("a1"))
    assert [finding.ok for finding in rota.folder().doctor()] == [False]


def test_more_files_than_a_rota_has_are_an_error_and_not_cut_off(rota: Rota, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connectors.folder, "MOST_FILES", 2)
    folder = rota.folder()
    for number in range(3):
        folder.create(shift(), op(f"a{number}"))
    with pytest.raises(Unavailable, match="more than 2"):
        folder.read(WINDOW, {})


# --- the files ---------------------------------------------------------------------------------


def test_equal_input_gives_equal_bytes(rota: Rota, tmp_path: Path) -> None:
    rota.folder().create(shift(), op("a1"))
    other = Rota(tmp_path / "other")
    other.folder().create(shift(), op("a1"))
    assert (rota.path / "a1.ics").read_bytes() == (other.path / "a1.ics").read_bytes()


def test_unchanged_files_are_not_read(rota: Rota, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = rota.folder().create(shift(), op("a1"))
    monkeypatch.setattr(os, "open", lambda *_, **__: pytest.fail("a file was opened"))
    observation = rota.look(a1=entry.version or "")
    assert (observation.entries, observation.same) == ((), {"a1.ics"})


def test_an_edit_of_equal_length_right_after_our_write_shows(rota: Rota) -> None:
    for number in range(50):
        entry = rota.folder().create(shift(), op(f"a{number}"))
        path = rota.path / entry.ref
        path.write_bytes(path.read_bytes().replace(b"Ana Lopez", b"Cho Minji"))
        assert rota.look(**{f"a{number}": entry.version or ""}).same == frozenset()
        path.unlink()


def test_two_writes_of_ours_have_two_versions(rota: Rota) -> None:
    entry = rota.folder().create(shift(), op("a1"))
    versions = {entry.version}
    for number in range(50):
        entry = rota.folder().replace(entry, shift(), op("a1", f"marker {number:2}"))
        versions.add(entry.version)
    assert len(versions) == 51


def test_nothing_is_left_behind_by_a_write_that_was_not_done(rota: Rota) -> None:
    folder = rota.folder()
    entry = folder.create(shift(), op("a1"))
    with pytest.raises(Stale):
        folder.create(shift(), op("a1"))
    (rota.path / "a1.ics").write_text("edited")
    with pytest.raises(Stale):
        folder.replace(entry, shift(), op("a1"))
    assert [path.name for path in rota.path.iterdir()] == ["a1.ics"]


def test_an_entry_is_made_where_the_file_system_has_no_links(rota: Rota, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: Any, **__: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    rota.folder().create(shift(), op("a1"))
    with pytest.raises(Stale):
        rota.folder().create(shift(), op("a1"))
    assert [path.name for path in rota.path.iterdir()] == ["a1.ics"]


def test_what_a_killed_write_left_goes_with_the_next_and_what_another_is_about_to_use_stays(rota: Rota) -> None:
    folder = rota.folder()
    folder.create(shift(), op("a1"))
    left, used, foreign = (rota.path / name for name in (".b1.0123456789abcdef.tmp", ".b2.fedcba9876543210.tmp", ".b3.tmp"))
    for path in (left, used, foreign):
        path.write_text("BEGIN:VCALENDAR")
    with used.open() as writing:
        fcntl.flock(writing, fcntl.LOCK_EX)
        folder.read(WINDOW, {})
        assert left.exists(), "a look changes nothing"
        folder.create(shift("ben", T + DAY), op("a2"))
    assert sorted(path.name for path in rota.path.iterdir()) == [used.name, foreign.name, "a1.ics", "a2.ics"]


def test_files_of_other_programs_are_left_alone(rota: Rota) -> None:
    rota.folder().create(shift(), op("a1"))
    for name in (".a1.ics", "a1.ics~", "a1.ics.lock", "color", ".#a1.ics", "a2.ics.tmp"):
        (rota.path / name).write_text(event("x", T, T + HOUR, "Ben Okafor"))
    (rota.path / "folder.ics").mkdir()
    (rota.path / "link.ics").symlink_to(rota.path / "a1.ics")
    os.mkfifo(rota.path / "pipe.ics")
    (Path(os.fsdecode(os.fsencode(rota.path) + b"/\xff.ics"))).write_text(event("y", T, T + HOUR, "Ben Okafor"))
    assert [entry.ref for entry in rota.look().entries] == ["a1.ics"]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x00" * 100, b"BEGIN:VCALENDAR", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a1\r\n", b"\xff\xfe\x00B",
        b"BEGIN:VCALENDAR\r\n" * 5_000, event("a1", T, T, "x").replace("DTSTART", "DTSTARR").encode(), b"x" * 2_000_000,
    ],
    ids=["empty", "zeros", "cut off", "cut in an event", "UTF-16", "deep", "without a start", "too large"],
)  # fmt: skip
def test_a_broken_file_is_isolated_and_ours_is_put_right(rota: Rota, content: bytes) -> None:
    folder = rota.folder()
    folder.create(shift("ben", T + DAY), op("a2"))
    (rota.path / "a1.ics").write_bytes(content)
    assert [entry.ref for entry in rota.look().entries] == ["a2.ics"]
    seen = {entry.ref: entry for entry in rota.look(a1="it was ours").entries}
    assert sorted(seen) == ["a1.ics", "a2.ics"]
    assert (seen["a1.ics"].person, seen["a1.ics"].uid) == (None, "a1")
    folder.replace(seen["a1.ics"], shift(), op("a1"))
    assert sorted(said(entry)[2] or "" for entry in rota.look().entries) == ["ana", "ben"]


def test_what_is_left_of_a_file_that_no_parser_takes_is_used(rota: Rota) -> None:
    rota.path.mkdir()
    broken = event("a1", T, T + HOUR, "Ben Okafor", "X-SYNCD-MARKER:m1\r\n").replace("END:VEVENT", "END:VTODO")
    (rota.path / "a1.ics").write_text(broken)
    [entry] = rota.look().entries
    assert (said(entry), entry.uid) == ((T, T + HOUR, "ben"), "a1")


def test_a_renamed_file_keeps_its_uid_and_a_copy_does_not(rota: Rota) -> None:
    rota.folder().create(shift(), op("a1"))
    (rota.path / "a1.ics").rename(rota.path / "renamed.ics")
    assert [(entry.ref, entry.uid) for entry in rota.look().entries] == [("renamed.ics", "a1")]
    (rota.path / "a1.ics").write_bytes((rota.path / "renamed.ics").read_bytes())
    assert [(entry.ref, entry.uid) for entry in rota.look().entries] == [("a1.ics", "a1"), ("renamed.ics", "renamed")]


def test_a_copy_is_known_for_one_though_the_original_was_not_read_again(rota: Rota) -> None:
    entry = rota.folder().create(shift(), op("a1"))
    (rota.path / "copy.ics").write_bytes((rota.path / "a1.ics").read_bytes())
    observation = rota.look(a1=entry.version or "")
    assert observation.same == {"a1.ics"}
    assert [entry.uid for entry in observation.entries] == ["copy"]


@pytest.mark.parametrize("ref", ["../a1.ics", "/etc/a1.ics", ".a1.ics", "a1", "a1\0.ics"])
def test_a_name_that_leads_elsewhere_is_refused(rota: Rota, ref: str) -> None:
    entry = rota.folder().create(shift(), op("a1"))
    with pytest.raises(Rejected):
        rota.folder().delete(type(entry)(ref=ref, uid="a1", start=T, end=T + HOUR, person="ana", version="1"), op("a1"))


def test_a_file_that_nobody_may_read_is_isolated(rota: Rota, monkeypatch: pytest.MonkeyPatch) -> None:
    rota.folder().create(shift(), op("a1"))
    opened = os.open

    def forbidden(path: Any, *rest: Any, **more: Any) -> int:
        if str(path).endswith("a1.ics"):
            raise PermissionError(13, "Permission denied")
        return opened(path, *rest, **more)

    monkeypatch.setattr(os, "open", forbidden)
    assert rota.look().entries == ()
    assert [(entry.ref, entry.person) for entry in rota.look(a1="1").entries] == [("a1.ics", None)]
