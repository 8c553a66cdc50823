"""What Google's own discovery document allows: bodies, parameters and scopes of each method of Calendar v3."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker


@functools.cache
def document() -> dict[str, Any]:
    """The discovery document of the installed package."""
    text = files("googleapiclient").joinpath("discovery_cache/documents/calendar.v3.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def method(name: str) -> dict[str, Any]:
    """`events.insert` → its description."""
    resource, verb = name.split(".")
    found: dict[str, Any] = document()["resources"][resource]["methods"][verb]
    return found


def scopes(name: str) -> frozenset[str]:
    return frozenset(method(name)["scopes"])


def body_problems(name: str, body: Any) -> list[str]:
    """What is wrong with `body` as the body of the method `name`; fields that it must have are an annotation there."""
    reference = method(name)["request"]["$ref"]
    problems = problems_of(reference, body)
    for field, schema in document()["schemas"][reference]["properties"].items():
        if f"calendar.{name}" in schema.get("annotations", {}).get("required", ()) and isinstance(body, dict):
            problems += [] if body.get(field) is not None else [f"{field} is required"]
    return problems


def problems_of(reference: str, value: Any) -> list[str]:
    """Where `value` breaks the schema `reference` (`Event`, `Events`, …)."""
    return [
        f"{'/'.join(map(str, error.absolute_path)) or reference}: {error.message}"[:300]
        for error in _validator(reference).iter_errors(value)
    ]


def parameter_problems(name: str, query: Iterable[tuple[str, str]]) -> list[str]:
    """Unknown, repeated or malformed query parameters, and required ones that are missing."""
    known: Mapping[str, Any] = {**document()["parameters"], **method(name)["parameters"]}
    given: dict[str, int] = {}
    problems = []
    for key, value in query:
        given[key] = given.get(key, 0) + 1
        schema = known.get(key)
        if schema is None or schema.get("location") == "path":
            problems.append(f"parameter {key} is not known")
        elif given[key] > 1 and not schema.get("repeated"):
            problems.append(f"parameter {key} is given twice")
        elif not _fits(schema, value):
            problems.append(f"parameter {key}: {value!r} is no {schema.get('format') or schema['type']}")
    missing = [
        key for key, schema in known.items() if schema.get("required") and schema.get("location") == "query" and key not in given
    ]
    return problems + [f"parameter {key} is required" for key in missing]


def _fits(schema: Mapping[str, Any], value: str) -> bool:
    if schema["type"] == "boolean":
        return value in ("true", "false")
    if schema["type"] == "integer":
        return bool(re.fullmatch(r"-?\d+", value)) and int(value) >= int(schema.get("minimum", -(2**31)))
    if schema.get("format") == "date-time":
        return stamp(value) is not None
    return "enum" not in schema or value in schema["enum"]


def stamp(text: object) -> datetime | None:
    """An RFC 3339 time with its offset."""
    if not isinstance(text, str) or not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


FORMATS = FormatChecker(formats=())


@FORMATS.checks("date", ValueError)
def _date(value: object) -> bool:
    return not isinstance(value, str) or (bool(date.fromisoformat(value)) and len(value) == 10)


@FORMATS.checks("date-time", ValueError)
def _time(value: object) -> bool:
    """Without an offset it is fine where a zone stands beside it: that is looked at by the calendar."""
    return not isinstance(value, str) or (len(value) > 10 and bool(datetime.fromisoformat(value)))


@functools.cache
def _validator(reference: str) -> Draft202012Validator:
    schemas = {name: _converted(schema) for name, schema in document()["schemas"].items()}
    return Draft202012Validator({"$ref": f"#/$defs/{reference}", "$defs": schemas}, format_checker=FORMATS)


def _converted(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A discovery schema as JSON schema: references, and nothing that is not named."""
    if "$ref" in schema:
        return {"$ref": f"#/$defs/{schema['$ref']}"}
    found: dict[str, Any] = {key: schema[key] for key in ("type", "format", "enum", "pattern") if key in schema}
    if found.get("type") == "any":
        del found["type"]
    if "items" in schema:
        found["items"] = _converted(schema["items"])
    if found.get("type") == "object":
        found["properties"] = {name: _converted(part) for name, part in schema.get("properties", {}).items()}
        more = schema.get("additionalProperties")
        found["additionalProperties"] = _converted(more) if more else False
    return found


def nullable(body: Any) -> Any:
    """A patch without its nulls, which remove what they stand at."""
    if isinstance(body, dict):
        return {key: nullable(value) for key, value in body.items() if value is not None}
    return body
