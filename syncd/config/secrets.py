"""Secrets: named in the file by where they lie, read there when they are needed, never printed."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from syncd.config.document import Node
from syncd.config.problem import Report, Wrong, under
from syncd.connector import Secret

KINDS = ("file", "env", "credential")
FORM = "`{file: …}`, `{env: …}` or `{credential: …}`"
LONGEST = 1 << 16
_REMEDY = "write {file: PATH}, {env: NAME} or {credential: NAME}"
_ENV = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CREDENTIAL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,254}")


def secret(node: Node, path: str, report: Report, folder: Path, *, look: bool) -> Secret:
    """The secret that `node` names. `look`: also whether it is there, and whether others can read it.

    Raises `Wrong` without ever repeating what stands there: it may be the secret itself.
    """
    if node.kind != "mapping":
        raise Wrong("a secret does not stand in the file itself", _REMEDY)
    if len(node.entries) != 1 or not set(node.entries) <= set(KINDS):
        raise Wrong("a secret is named by exactly one of file, env and credential", _REMEDY)
    kind, (_, value) = next(iter(node.entries.items()))
    if value.kind != "text" or value.null or not value.text or "\0" in value.text:
        raise Wrong(f"`{kind}` does not say where the secret lies", _REMEDY)
    place, where = value.text, under(path, kind)
    if kind == "file":
        return _in_file(value, where, report, folder / Path(place).expanduser(), look=look)
    if kind == "env":
        return _in_environment(value, where, report, place, look=look)
    return _as_credential(value, where, report, place, look=look)


def read(file: Path) -> str:
    """The text of `file` without its line end. Raises `OSError`, also where it is too long or no text."""
    with file.open("rb") as stream:
        data = stream.read(LONGEST + 1)
    if len(data) > LONGEST:
        raise OSError(f"{file} is too long to be a secret")
    try:
        return data.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        # From None: the original error holds the bytes.
        raise OSError(f"{file} is not UTF-8 text") from None


def _in_file(node: Node, path: str, report: Report, file: Path, *, look: bool) -> Secret:
    if look:
        try:
            mode = file.stat().st_mode
        except OSError as error:
            report.error(node, path, f"{file}: {error.strerror}", "create it with mode 600, or name another file")
        else:
            if not stat.S_ISREG(mode):
                report.error(node, path, f"{file} is no regular file", "name the file that holds the secret")
            elif mode & 0o077:
                report.error(node, path, f"others than its owner can read or change {file}", f"chmod 600 {file}")
    return Secret(f"file {file}", lambda: read(file))


def _in_environment(node: Node, path: str, report: Report, name: str, *, look: bool) -> Secret:
    if not _ENV.fullmatch(name):
        report.error(node, path, "this is no name of an environment variable", "name the variable, not its value")
    elif look and not os.environ.get(name):
        report.warn(node, path, f"the environment variable {name} is not set here", "set it where the daemon runs")
    return Secret(f"environment {name}", lambda: os.environ[name])


def _lacking(file: Path) -> str:
    """What follows "there is none", or "" where there is one."""
    try:
        return "" if file.is_file() else " "
    except OSError as error:
        return f": {file}: {error.strerror}"


def _as_credential(node: Node, path: str, report: Report, name: str, *, look: bool) -> Secret:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not _CREDENTIAL.fullmatch(name):
        report.error(node, path, "this is no name of a credential", "name it as in LoadCredential=NAME:FILE")
    elif look and folder and (why := _lacking(Path(folder, name))):
        report.error(node, path, f"systemd passed no credential {name}{why}", f"add LoadCredential={name}:FILE to the unit")
    elif look and not folder:
        report.warn_once(node, path, "credentials cannot be seen here", "systemd passes them to the service alone")

    def reveal() -> str:
        # Looked up late, so that a configuration read before the folder was known is good too.
        return read(Path(os.environ["CREDENTIALS_DIRECTORY"], name))

    return Secret(f"credential {name}", reveal)
