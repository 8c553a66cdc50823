"""A real PostgreSQL of one's own: in a temporary directory, on a socket there, gone with the block."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.connectors.servers import leash


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


def _unprivileged(*more: str) -> tuple[Sequence[str], pwd.struct_passwd]:
    """How to call it, and as whom: it refuses to be run by root."""
    if os.geteuid() != 0:
        return (leash("QUIT") if more else ()), pwd.getpwuid(os.geteuid())
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        raise Absent("PostgreSQL does not run as root, and there is no user postgres") from None
    if shutil.which("setpriv") is None:
        raise Absent("PostgreSQL does not run as root, and there is no setpriv") from None
    return ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *more), user


class Server:
    """On a socket in a directory of its own, `url` for the superuser `postgres`. It may be stopped and started again."""

    def __init__(self) -> None:
        """Raises `Absent` where there is none to start."""
        self._binaries = _binaries()
        by, user = _unprivileged()
        self._place = Path(tempfile.mkdtemp(prefix="pg"))
        self._data = self._place / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"postgresql://postgres@/postgres?host={self._place}"
        os.chown(self._place, user.pw_uid, user.pw_gid)
        initdb = [
            str(self._binaries / "initdb"),
            "-D",
            str(self._data),
            *["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        ]
        done = subprocess.run([*by, *initdb], cwd=self._place, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode:
            raise Absent(f"PostgreSQL does not start: {done.stderr.decode(errors='replace').strip()[-300:]}")

    def start(self, **settings: str) -> None:
        """Ready when this returns. It ends with the thread that calls this, however that ends."""
        by, _ = _unprivileged("--pdeathsig=QUIT")
        given = {"listen_addresses": "", "unix_socket_directories": str(self._place), "fsync": "off", "shared_buffers": "16MB"}
        more = [part for name, value in {**given, **settings}.items() for part in ("-c", f"{name}={value}")]
        command = [*by, str(self._binaries / "postgres"), "-D", str(self._data), *more]
        with (self._place / "log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._place, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Absent(f"PostgreSQL does not start: {(self._place / 'log').read_text()[-300:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """At once, as when its machine loses power."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)

    def close(self) -> None:
        try:
            self.stop()
        finally:
            shutil.rmtree(self._place, ignore_errors=True)

    def _ready(self) -> bool:
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        assert self._process is not None
        return lines[:1] == [str(self._process.pid)] and lines[-1].strip() == "ready"


@contextmanager
def server() -> Iterator[str]:
    """Its URL. Raises `Absent` where there is none to start."""
    found = Server()
    try:
        found.start()
        yield found.url
    finally:
        found.close()
