"""Options of a connector as they are given on the command line: `KEY=VALUE`, and never a secret itself."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterable
from dataclasses import fields

from syncd.cli import USAGE, stop
from syncd.cli.edit import Value
from syncd.connector import Secret

_SECRET = re.compile(r"(file|env|credential):(.+)|\{\s*(file|env|credential)\s*:\s*(?P<q>[\"']?)(.+?)(?P=q)\s*\}", re.DOTALL)
REMEDY = "write {file: PATH}, {env: NAME} or {credential: NAME}, or for short file:PATH, env:NAME, credential:NAME"


def given_options(kind: str, given: Iterable[str]) -> dict[str, Value]:
    """`KEY=VALUE` as it stands under `options:`. A secret itself is refused, and never repeated."""
    secrets = _secrets(kind)
    found: dict[str, Value] = {}
    for one in given:
        key, sign, value = one.partition("=")
        if not sign or not key or not key.isprintable():
            stop("--option: write KEY=VALUE, such as -o token=env:PAGERDUTY_TOKEN", USAGE)
        if key in found:
            stop(f"--option {key[:40]}: given twice", USAGE)
        if key in secrets:
            match = _SECRET.fullmatch(value.strip())
            if match is None:
                stop(f"--option {key}: a secret does not stand on the command line, where others can see it; {REMEDY}", USAGE)
            found[key] = {match[1] or match[3]: match[2] or match[5]}
        else:
            found[key] = value
    return found


def _secrets(kind: str) -> frozenset[str]:
    """The options of `kind` that are secrets."""
    from syncd import registry

    try:
        connector = registry.connector(kind)
    except (KeyError, ImportError) as error:
        stop(str(error), USAGE)
    hints = typing.get_type_hints(connector.Options)
    return frozenset(
        one.name for one in fields(connector.Options) if hints[one.name] is Secret or Secret in typing.get_args(hints[one.name])
    )
