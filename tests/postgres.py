"""A real PostgreSQL of one's own: in a temporary directory, on a socket there, gone with the block."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class Absent(Exception):
    """Its text says why there is none."""


def _binaries() -> Path:
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not debian:
        raise Absent("PostgreSQL is not installed")
    return debian[-1]


def _unprivileged() -> tuple[Sequence[str], pwd.struct_passwd]:
    """How to call it, and as whom: it refuses to be run by root."""
    if os.geteuid() != 0:
        return (), pwd.getpwuid(os.geteuid())
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        raise Absent("PostgreSQL does not run as root, and there is no user postgres") from None
    if shutil.which("setpriv") is None:
        raise Absent("PostgreSQL does not run as root, and there is no setpriv") from None
    return ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"), user


@contextmanager
def server() -> Iterator[str]:
    """Its URL, superuser `postgres`. Raises `Absent` where there is none to start."""
    binaries = _binaries()
    by, user = _unprivileged()
    place = Path(tempfile.mkdtemp(prefix="pg"))
    try:
        os.chown(place, user.pw_uid, user.pw_gid)
        data = place / "data"

        def call(*command: object) -> None:
            done = subprocess.run(
                [*by, *map(str, command)], cwd=place, stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
            if done.returncode:
                raise Absent(f"PostgreSQL does not start: {done.stderr.decode(errors='replace').strip()[-300:]}")

        call(binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories={place} -c fsync=off -c shared_buffers=16MB"
        call(binaries / "pg_ctl", "-D", data, "-w", "-l", place / "log", "-o", options, "start")
        try:
            yield f"postgresql://postgres@/postgres?host={place}"
        finally:
            subprocess.run(
                [*by, str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop"],
                cwd=place,
                capture_output=True,
                check=False,
            )
    finally:
        shutil.rmtree(place, ignore_errors=True)
