"""Holds requests and answers against the vendor's OpenAPI file, read where it lies; without it nothing is checked."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30Validator

FILE = Path(__file__).parents[3] / "shared" / "contracts" / "msgraph-calendar.openapi.json"
PRESENT = FILE.is_file()


@functools.cache
def _document() -> dict[str, Any]:
    return dict(json.loads(FILE.read_text(encoding="utf-8")))


@functools.cache
def _paths() -> list[tuple[re.Pattern[str], Mapping[str, Any]]]:
    """Fixed names before placeholders: `/events/delta` is no event's id."""
    paths = sorted(_document()["paths"].items(), key=lambda item: (item[0].count("{"), item[0]))
    return [(re.compile("/v1.0" + re.sub(r"\\\{[^/]*\\\}", "[^/]+", re.escape(path))), operations) for path, operations in paths]


def _operation(method: str, path: str) -> Mapping[str, Any] | None:
    for pattern, operations in _paths():
        if pattern.fullmatch(path):
            found: Mapping[str, Any] | None = operations.get(method.lower())
            return found
    return None


@functools.cache
def _validator(schema: str) -> Any:
    return OAS30Validator({**json.loads(schema), "components": _document()["components"]})


def _errors(schema: Any, value: Any) -> list[str]:
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for error in _validator(json.dumps(schema)).iter_errors(value)
    ]


def _resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in node:
        found: Any = _document()
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def wrong_request(method: str, path: str, query: Sequence[tuple[str, str]], body: Any) -> list[str]:
    """What the vendor's schema has against this request; nothing where the file is not there."""
    if not PRESENT:
        return []
    operation = _operation(method, path)
    if operation is None:
        return ["the vendor has no such operation"]
    problems = []
    parameters = {p["name"]: p for p in map(_resolved, operation.get("parameters", ())) if p["in"] == "query"}
    for name, value in query:
        if name not in parameters:
            if name not in ("$skiptoken", "$deltatoken"):
                problems.append(f"the vendor has no parameter {name}")
            continue
        kind = parameters[name]["schema"].get("type")
        wanted: Any = int(value) if kind == "integer" and value.isdigit() else value.split(",") if kind == "array" else value
        problems += _errors(parameters[name]["schema"], wanted)
    problems += [
        f"{name} is missing"
        for name, p in parameters.items()
        if p.get("required") and name not in dict(query) and "$skiptoken" not in dict(query)
    ]
    if "requestBody" in operation:
        schema = _resolved(operation["requestBody"])["content"]["application/json"]["schema"]
        problems += _errors(schema, body) if isinstance(body, dict) else ["a JSON object is expected"]
    elif body is not None:
        problems.append("this operation takes no body")
    return problems


def wrong_answer(method: str, path: str, status: int, body: Any) -> list[str]:
    """The same for an answer: the operation's schema for its status, the common error for 4xx and 5xx."""
    operation = _operation(method, path) if PRESENT else None
    if operation is None:
        return []
    responses = operation["responses"]
    response = _resolved(responses.get(str(status)) or responses.get(f"{status // 100}XX") or responses["default"])
    content = response.get("content", {}).get("application/json")
    if content is None:
        return [] if body is None else ["this answer has no body"]
    return _errors(content["schema"], body)
