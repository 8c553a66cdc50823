"""A directory with one `.ics` file a shift (a vdir): khal, vdirsyncer and any calendar program read it.

REF is the file's name. VERSION is made of its time, size and inode, so that a look at unchanged files reads none of them.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import ClassVar

from syncd.connector import Capabilities, Denied, Entry, Finding, Observation, Operation, Rejected, Site, Stale, Unavailable
from syncd.core.model import Shift, Window
from syncd.event import CalendarOptions, Names, entries_of, entry_of, into, to_ical, touches, wording

MOST_BYTES = 1_048_576
MOST_FILES = 10_000
PASSING = re.compile(r"\.[0-9a-v]{1,40}\.[0-9a-f]{16}\.tmp")
"""The name of a file on its way to be an entry."""


class Folder:
    @dataclass(frozen=True, kw_only=True)
    class Options(CalendarOptions):
        path: Path

    capabilities: ClassVar[Capabilities] = Capabilities(calls=4)

    def __init__(self, options: Options, site: Site) -> None:
        self._options = options
        self._site = site
        self._names = Names(site, options.title)
        self._path = Path(options.path).expanduser()
        self._may_make = True
        self._passing: tuple[str, ...] = ()
        """Those that the last look saw, of whoever writes or died writing."""

    def read(self, window: Window, known: Mapping[str, str]) -> Observation:
        with self._mapped(writing=False):
            self._may_make = not known
            versions = self._versions(known)
            same = {ref for ref, version in versions.items() if known.get(ref) == version}
            objects = [found for ref in versions if ref not in same and (found := self._content(ref, versions[ref]))]
            entries = entries_of(
                objects,
                names=self._names,
                zone=self._site.schedule.timezone,
                window=window,
                known=known,
                stem=_stem,
                standing={_stem(ref) for ref in versions},
            )
            return Observation(
                entries=tuple(entry for entry in entries if entry.ref in known or touches(entry, window)),
                same=frozenset(same),
                fingerprint=f"folder:{os.path.realpath(self._path)}",
            )

    def wording(self, shift: Shift) -> str:
        return wording(shift, self._site, self._options)

    def create(self, shift: Shift, op: Operation) -> Entry:
        ref = f"{op.uid}.ics"
        with self._mapped(writing=True):
            if self._may_make:  # else its absence says that a disk is not mounted, and an empty one would be believed
                self._path.mkdir(parents=True, exist_ok=True)
            with self._written(to_ical(shift, op, self._site, self._options), op) as (new, version):
                try:
                    os.link(new, self._file(ref))  # unlike a rename it fails where the name is taken
                except FileExistsError as cause:
                    raise Stale(f"{ref} is already there") from cause
                except OSError as cause:
                    if cause.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
                        raise
                    if self._file(ref).exists():  # a file system without links
                        raise Stale(f"{ref} is already there") from cause
                    new.rename(self._file(ref))
            self._settle()
            return entry_of(shift, op, self._site, self._options, self._names, ref=ref, version=version)

    def replace(self, entry: Entry, shift: Shift, op: Operation) -> Entry:
        with self._mapped(writing=True):
            data, theirs = into(self._standing(entry), shift, op, self._site, self._options)
            with self._written(data, op) as (new, version):
                if self._seen(entry) is None:
                    raise Stale(f"{entry.ref} is gone")
                new.replace(self._file(entry.ref))
            self._settle()
            known = None if theirs else version
            return entry_of(shift, op, self._site, self._options, self._names, ref=entry.ref, version=known)

    def delete(self, entry: Entry, op: Operation) -> None:
        with self._mapped(writing=True):
            if not self._path.is_dir():
                raise FileNotFoundError(errno.ENOENT, "", str(self._path))
            if self._seen(entry) is not None:
                self._file(entry.ref).unlink(missing_ok=True)
                self._settle()

    def doctor(self) -> Iterable[Finding]:
        path = self._path
        if not path.exists():
            above = next((parent for parent in path.parents if parent.exists()), path)
            ok = os.access(above, os.W_OK | os.X_OK)
            text = f"{path} is not there yet" + (" and is made by the first export" if ok else f", and {above} cannot be written")
            yield Finding(what="directory", ok=ok, text=text, remedy="" if ok else f"make {path} and give it to syncd's user")
        elif not path.is_dir():
            yield Finding(what="directory", ok=False, text=f"{path} is not a directory", remedy="name another one in `path`")
        elif not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            yield Finding(what="directory", ok=False, text=f"{path} cannot be written", remedy="give it to syncd's user")
        else:
            yield Finding(what="directory", ok=True, text=f"{path} can be read and written")

    def close(self) -> None:
        pass

    def _file(self, ref: str) -> Path:
        if "/" in ref or "\0" in ref or ref.startswith(".") or not ref.endswith(".ics"):
            raise Rejected(f"{ref!r} is no name of an entry here")
        return self._path / ref

    def _versions(self, known: Mapping[str, str]) -> dict[str, str]:
        """File name → version. Only plain files: a link or a pipe that somebody put there is nobody's shift."""
        versions: dict[str, str] = {}
        passing = []
        try:
            with os.scandir(self._path) as listing:
                for item in listing:
                    if PASSING.fullmatch(item.name):
                        passing.append(item.name)
                    if item.name.endswith(".ics") and not item.name.startswith(".") and _speakable(item.name):
                        with suppress(FileNotFoundError):  # gone since it was listed
                            if stat.S_ISREG((facts := item.stat(follow_symlinks=False)).st_mode):
                                versions[item.name] = _version(facts)
        except FileNotFoundError:
            if known:
                raise
        self._passing = tuple(passing)
        if len(versions) > MOST_FILES:
            raise Unavailable(f"{self._path} has more than {MOST_FILES} files; give syncd a directory of its own")
        return versions

    def _content(self, ref: str, listed: str) -> tuple[str, str | None, bytes] | None:
        """Name, version and content of one file, whatever it is replaced by meanwhile; None: gone since it was listed."""
        try:
            handle = os.open(self._path / ref, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError:  # isolated: one unreadable file is no reason to look at none
            return ref, listed, b""
        with os.fdopen(handle, "rb") as file:
            facts = os.fstat(handle)
            try:
                data = file.read(MOST_BYTES + 1) if facts.st_size <= MOST_BYTES else b""
            except OSError:
                data = b""
        return ref, _version(facts), data

    def _seen(self, entry: Entry) -> os.stat_result | None:
        """The file as `entry` shows it, None if gone. Nothing locks a directory: what is left is the instant to the next call."""
        try:
            facts = self._file(entry.ref).lstat()
        except FileNotFoundError:
            return None
        if entry.version != _version(facts):
            raise Stale(f"{entry.ref} was changed since it was read")
        return facts

    def _standing(self, entry: Entry) -> bytes:
        """The content of the file as `entry` shows it."""
        found = self._content(entry.ref, "") if self._seen(entry) is not None else None
        if found is None:
            raise Stale(f"{entry.ref} is gone")
        if found[1] != entry.version:
            raise Stale(f"{entry.ref} was changed since it was read")
        return found[2]

    @contextmanager
    def _written(self, data: bytes, op: Operation) -> Iterator[tuple[Path, str]]:
        """`data` under a name that no reader takes for an entry; it is safe on disk, and goes if it is not used.

        It is locked as long as somebody works on it: what a killed process left behind is not, and goes with the next write.
        """
        self._sweep()
        new = self._path / f".{op.uid[:40]}.{token_hex(8)}.tmp"
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            with os.fdopen(handle, "wb") as file:
                with suppress(OSError):  # a file system without locks
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                file.write(data)
                file.flush()
                # The clock of files ticks every few milliseconds only: the rest of the time is taken from the content, so that
                # an edit by hand right after us shows.
                tick = os.fstat(handle).st_mtime_ns // 1_000_000 * 1_000_000
                os.utime(handle, ns=(tick, tick + int.from_bytes(sha256(data).digest()[:8], "big") % 1_000_000))
                os.fsync(handle)
                yield new, _version(os.fstat(handle))
        finally:
            new.unlink(missing_ok=True)

    def _sweep(self) -> None:
        left, self._passing = self._passing, ()
        for name in left:
            with suppress(OSError):
                handle = os.open(self._path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    (self._path / name).unlink()
                finally:
                    os.close(handle)

    def _settle(self) -> None:
        """The name, too, is on disk. A file system that cannot promise it has still done what was asked."""
        with suppress(OSError):
            handle = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    @contextmanager
    def _mapped(self, *, writing: bool) -> Iterator[None]:
        """The system's errors in the contract's words. All of them come before the name appears or goes: nothing was done."""
        try:
            yield
        except FileNotFoundError as cause:
            text = (
                f"the directory {self._path} is missing; mount or restore it, or make it empty to have all entries written anew"
            )
            raise Unavailable(text, refused=True) from cause
        except NotADirectoryError as cause:
            raise Unavailable(f"{self._path} is not a directory", refused=True) from cause
        except PermissionError as cause:
            raise Denied(f"{self._path}: {cause.strerror}; give the directory to syncd's user") from cause
        except OSError as cause:
            if writing and cause.errno == errno.ENAMETOOLONG:
                raise Rejected(f"{self._path}: {cause.strerror}") from cause
            raise Unavailable(f"{self._path}: {cause.strerror or cause}", refused=True) from cause


def _stem(ref: str) -> str:
    return ref.removesuffix(".ics")


def _speakable(name: str) -> bool:
    """A name that is no UTF-8 could be kept nowhere."""
    return not any("\ud800" <= char <= "\udfff" for char in name)


def _version(facts: os.stat_result) -> str:
    return f"{facts.st_mtime_ns:x}-{facts.st_size:x}-{facts.st_ino:x}"
