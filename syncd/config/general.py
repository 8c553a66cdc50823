"""The settings of the process itself: where it keeps things, listens, logs, and where the rota comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from syncd.config.document import Node
from syncd.config.forms import NAME, duration, scalar, text
from syncd.config.notices import NOTICES, SECRET
from syncd.config.problem import Report, Wrong, shown
from syncd.config.secrets import secret
from syncd.config.settings import Daily, Gaps, Handoff, Health, Log, Notices, Source
from syncd.config.shape import Form, Item, Key, Section, Shape, of, one_of
from syncd.connector import Secret

DATABASES = ("postgresql", "postgres")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_LISTEN = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})")


def _store(node: Node, path: str, report: Report) -> Node:
    if node.kind == "list":
        raise Wrong("expected a directory, a database URL or a secret that holds one")
    return node


def _listen(node: Node, path: str, report: Report) -> tuple[str, int]:
    match = _LISTEN.fullmatch(scalar(node, "an address and a port"))
    if match is None or int(match[2]) > 65_535:
        raise Wrong(f"{shown(node.text)} is no address and port", 'write "127.0.0.1:8469"; port 0 picks a free one')
    return match[1].strip("[]"), int(match[2])


def _url(node: Node, path: str, report: Report) -> str:
    """http or https; never repeated in a message, because it may hold a password."""
    try:
        parts = urlsplit(scalar(node, "a URL"))
        host = parts.hostname or ""
    except ValueError:
        raise Wrong("this is no URL", "write https://…") from None
    if parts.scheme not in ("https", "http") or not host:
        raise Wrong("this is no URL", "write https://…")
    if parts.username or parts.password:
        raise Wrong("the URL holds a user or a password", "take it out; name a secret beside it")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise Wrong("plain http is for loopback only", "write https://…")
    return node.text


PATH = Form("path, from the folder of the file", text(4_096).read)
URL = Form("URL", _url)

HEALTH = Shape(
    "health",
    (
        Key(
            name="listen",
            form=Form("`HOST:PORT`", _listen),
            default=("127.0.0.1", 8469),
            shown='`"127.0.0.1:8469"`',
            meaning="Where `/livez`, `/readyz`, `/status` and `/metrics` answer; port 0 picks a free one.",
        ),
        Key(name="key", form=SECRET, meaning="Opens `/status` and `/metrics`; without one they answer on loopback only."),
    ),
)
LOG = Shape(
    "log",
    (
        Key(
            name="level",
            form=one_of(("debug", "info", "warning", "error")),
            default="info",
            shown="`info`",
            meaning="The least that is logged.",
        ),
        Key(
            name="format",
            form=one_of(("auto", "json", "text")),
            default="auto",
            shown="`auto`",
            meaning="`auto`: readable on a terminal, else JSON lines on stderr.",
        ),
    ),
)
SOURCE = Shape(
    "source",
    (
        Key(name="directory", form=PATH, meaning="A directory of rota files, each `*.yaml`."),
        Key(name="url", form=URL, meaning="A rota file over HTTPS."),
        Key(name="bridge", form=URL, meaning="A bridge that serves the rota at `/api/bridge/schedules`, as YAML or JSON."),
        Key(name="token", form=SECRET, meaning="With `url`: sent as a bearer token."),
        Key(name="key", form=SECRET, meaning="With `bridge`: its key, sent as `X-Integration-Key`."),
        Key(name="tenant_id", form=text(200), meaning="With `bridge`: whose rota, sent as `X-Tenant-Id`."),
        Key(name="ca_file", form=PATH, meaning="Certificates to trust besides the usual ones."),
        Key(name="refresh", form=duration(1, 86_400), default=300, shown="`5m`", meaning="How often it is read."),
    ),
)
GENERAL_KEYS = (
    Key(name="tenant", form=NAME, default="default", shown="`default`", meaning="Name of the tenant whose store it is."),
    Key(
        name="store",
        form=Form("directory, database URL, or secret that holds one", _store),
        shown="`$STATE_DIRECTORY`, else `$XDG_STATE_HOME/syncd`, else `~/.local/state/syncd`",
        meaning="What is remembered: a directory with `syncd.db` and the key in it, or a PostgreSQL database.",
    ),
    Key(
        name="marker_key",
        form=SECRET,
        shown="a file beside the store",
        meaning="Authenticates the markers of entries. Required with a database URL: all daemons on it share one.",
    ),
    Key(name="health", form=of(HEALTH), nullable=True, shown="as below", meaning="`null` is off."),
    Key(name="log", form=of(LOG), shown="as below", meaning="What is logged, and how."),
    Key(
        name="source",
        form=of(SOURCE),
        meaning="Where people, roles, teams and schedules come from instead of this file. Its last good state is kept beside the "
        "store and counts while the source fails, is empty or has shrunk: that is told, and never taken for a rota of nobody.",
    ),
    Key(name="notices", form=of(NOTICES), shown="as below", meaning="Who is told what, and where."),
)


class General:
    """Makes values of those keys. `look`: whether secrets are looked for where they are said to lie."""

    def __init__(self, report: Report, folder: Path, *, look: bool) -> None:
        self.report = report
        self.folder = folder
        self.look = look

    def secret(self, section: Section, key: str) -> Secret | None:
        if key not in section:
            return None
        try:
            return secret(section[key], section.at(key), self.report, self.folder, look=self.look)
        except Wrong as wrong:
            self.report.error(section.place(key), section.at(key), wrong.problem, wrong.remedy)
            return None

    def path(self, section: Section, key: str) -> Path | None:
        return self.folder / Path(section[key]).expanduser() if key in section else None

    def store(self, top: Section) -> str | None:
        """A directory as an absolute path, or a database URL. None: the place that the system names."""
        if "store" not in top:
            return None
        node: Node = top["store"]
        named = node.text
        if node.kind == "mapping":
            held = self.secret(top, "store")
            try:
                named = held.reveal() if held and not self.report.failed else ""
            except (OSError, KeyError):
                top.error(self.report, "store", "the secret that holds the database's URL is not there", "put it there")
                return None
        if "://" not in named:
            return str((self.folder / Path(named).expanduser()).absolute()) if named else None
        if named.split("://")[0] not in DATABASES:
            top.error(self.report, "store", "a database of another kind than PostgreSQL", "write postgresql://… or a directory")
        elif "marker_key" not in top and "marker_key" not in top.bad:
            top.error(
                self.report,
                "marker_key",
                "a store in a database needs `marker_key`: all daemons on it share one",
                "add `marker_key: {file: …}` with 32 random bytes in hex",
            )
        return named

    def health(self, top: Section) -> Health | None:
        if "health" not in top:
            return Health()
        section = top["health"]
        if section is None:
            return None
        host, port = section["listen"]
        return Health(host=host, port=port, key=self.secret(section, "key"))

    def log(self, top: Section) -> Log:
        section = top["log"]
        return Log() if section is None else Log(level=section["level"], format=section["format"])

    def source(self, top: Section) -> Source | None:
        section = top["source"]
        if section is None:
            return None
        places = [key for key in ("directory", "url", "bridge") if key in section]
        if len(places) != 1:
            if not section.bad:
                self.report.error(section.node, section.path, "exactly one of directory, url and bridge", "keep one")
            return None
        for key, place in (("token", "url"), ("key", "bridge"), ("tenant_id", "bridge")):
            if key in section and place not in section:
                section.error(self.report, key, f"`{key}` goes with `{place}`", "take it away")
        return Source(
            directory=self.path(section, "directory"),
            url=section["url"],
            bridge=section["bridge"],
            token=self.secret(section, "token"),
            key=self.secret(section, "key"),
            tenant_id=section["tenant_id"],
            ca_file=self.path(section, "ca_file"),
            refresh=section["refresh"],
        )

    def notices(self, section: Section | None, above: Notices) -> Notices:
        """What `section` says, and what it leaves out from `above`: the nearest wins."""
        if section is None:
            return above
        return Notices(
            channels={**above.channels, **self._channels(section["channels"])},
            handoff=_nearest(section, "handoff", above.handoff, Handoff),
            daily=_nearest(section, "daily", above.daily, Daily),
            gaps=_nearest(section, "gaps", above.gaps, Gaps),
            follow=section.values.get("follow", above.follow),
        )

    def _channels(self, channels: Mapping[str, Item]) -> dict[str, Secret]:
        found = {}
        for name, item in channels.items():
            url = self.secret(item.value, "url")
            if url is not None:
                found[name] = url
        return found


def _nearest(section: Section, key: str, above: Any, kind: type[Any]) -> Any:
    if key not in section:
        return above
    inside: Section | None = section[key]
    return None if inside is None else kind(**{one.name: inside[one.name] for one in inside.shape.keys})
