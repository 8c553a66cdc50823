"""Radicale and Xandikos as real processes on loopback, and calendars in them."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

CONFIG = """[server]
hosts = 127.0.0.1:{port}
[auth]
type = {auth}
htpasswd_filename = {users}
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = {folder}
[logging]
level = warning
"""


@dataclass
class Server:
    """A running CalDAV server. `home` is the path of the folder that calendars are made in."""

    kind: str
    url: str
    home: str
    username: str | None = None
    password: str | None = None
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def request(self, method: str, path: str, body: str | bytes = b"", **headers: str) -> tuple[int, Mapping[str, str], bytes]:
        """One request around the connector, as a human's program makes it."""
        parts = urlsplit(self.url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.username is not None:
            sent["Authorization"] = basic(self.username, self.password or "")
        try:
            connection.request(method, path, body.encode() if isinstance(body, str) else body, sent)
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        finally:
            connection.close()

    def calendar(self, title: str = "") -> str:
        """The path of a new calendar."""
        path = f"{self.home}c{next(self.numbers)}-{os.getpid()}/"
        props = f"<D:displayname>{title}</D:displayname>" if title else ""
        status, _, body = self.request(
            "MKCALENDAR",
            path,
            '<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>'
            f"{props}</D:prop></D:set></C:mkcalendar>",
            Content_Type="application/xml",
        )
        assert status == 201, body
        return path


def basic(username: str, password: str) -> str:
    from base64 import b64encode

    return f"Basic {b64encode(f'{username}:{password}'.encode()).decode()}"


def free_port() -> int:
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def leash(signal: str) -> tuple[str, ...]:
    """Before a command: what it runs gets `signal` when we die, even by one that leaves us no time to end it."""
    return ("setpriv", f"--pdeathsig={signal}") if shutil.which("setpriv") else ()


@contextmanager
def running(command: list[str], server: Server, log: Path) -> Iterator[Server]:
    clean = {name: value for name, value in os.environ.items() if not re.search("proxy|CA_BUNDLE|SSL_CERT", name, re.IGNORECASE)}
    with log.open("wb") as out:
        process = subprocess.Popen([*leash("TERM"), *command], stdout=out, stderr=out, env=clean)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                server.request("OPTIONS", "/")
                break
            except (OSError, HTTPException):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.02)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def radicale(folder: Path) -> Iterator[Server]:
    """With a password: only `ana` gets in, and everything under `/ana/` is hers."""
    folder.mkdir(parents=True, exist_ok=True)
    port, users, config = free_port(), folder / "users", folder / "config"
    users.write_text("ana:secret word\n")
    config.write_text(CONFIG.format(port=port, auth="htpasswd", users=users, folder=folder / "storage"))
    server = Server("radicale", f"http://127.0.0.1:{port}", "/ana/", "ana", "secret word")
    command = [sys.executable, "-m", "radicale", "--config", str(config)]
    with running(command, server, folder / "log"):
        yield server


@contextmanager
def xandikos(folder: Path) -> Iterator[Server]:
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    server = Server("xandikos", f"http://127.0.0.1:{port}", "/user/calendars/")
    command = [
        sys.executable, "-m", "xandikos", "serve", "--directory", str(folder / "data"), "--state-dir", str(folder / "state"),
        "--defaults", "--listen-address", "127.0.0.1", "--port", str(port), "--no-detect-systemd",
    ]  # fmt: skip
    with running(command, server, folder / "log"):
        yield server
