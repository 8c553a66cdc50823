"""Holds requests and answers against a vendor's OpenAPI file, read where it lies beside the repository, or not at all."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers, ImmutableMultiDict

FOLDER = Path(__file__).parents[3] / "shared" / "contracts"


@dataclass
class _Request:
    host_url: str
    path: str
    method: str
    parameters: RequestParameters
    content_type: str
    body: bytes | None

    @property
    def full_url_pattern(self) -> str:
        return self.host_url + self.path


@dataclass
class _Response:
    data: bytes
    status_code: int
    content_type: str
    headers: Headers = field(default_factory=Headers)


class Contract:
    """One OpenAPI file. `present` is False, and nothing is ever wrong, where the file is not there."""

    def __init__(self, name: str) -> None:
        document = _document(name)
        self.present = document is not None
        self._api = _api(name) if document is not None else None

    def problem(
        self, method: str, path: str, query: tuple[tuple[str, str], ...], headers: Mapping[str, str], body: bytes
    ) -> str | None:
        """What the schema does not allow about a request, in the validator's words."""
        if self._api is None:
            return None
        try:
            self._api.validate_request(_request(method, path, query, headers, body))
        except OpenAPIError as problem:
            return _words(problem)
        return None

    def answer_problem(self, method: str, path: str, status: int, content_type: str, body: bytes) -> str | None:
        if self._api is None:
            return None
        try:
            self._api.validate_response(_request(method, path, (), {}, b""), _Response(body, status, content_type))
        except OpenAPIError as problem:
            return _words(problem)
        return None


def _request(method: str, path: str, query: tuple[tuple[str, str], ...], headers: Mapping[str, str], body: bytes) -> _Request:
    return _Request(
        host_url="http://vendor",
        path=path,
        method=method.lower(),
        parameters=RequestParameters(query=ImmutableMultiDict(list(query)), header=Headers(list(headers.items()))),
        content_type=headers.get("content-type", "").partition(";")[0],
        body=body or None,
    )


def _words(problem: BaseException) -> str:
    inside = [one.message for one in getattr(problem.__cause__, "schema_errors", ())]
    return "; ".join(inside or [str(problem)])[:1_000]


@functools.cache
def _api(name: str) -> OpenAPI:
    return OpenAPI.from_dict({**(_document(name) or {}), "servers": [{"url": "http://vendor"}]})


@functools.cache
def _document(name: str) -> dict[str, Any] | None:
    path = FOLDER / name
    return _writable(json.loads(path.read_text("utf-8"))) if path.exists() else None


def _writable(node: Any) -> Any:
    """Without `readOnly`: PagerDuty marks the id and type of a reference so, which every create has to send."""
    if isinstance(node, dict):
        return {key: _writable(value) for key, value in node.items() if key != "readOnly" or isinstance(value, dict)}
    return [_writable(value) for value in node] if isinstance(node, list) else node
