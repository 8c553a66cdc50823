"""A batch: several calls in one body, each for itself, answered in any order (G-30, G-31)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from starlette.responses import Response

from tests.simulators.common import Call


@dataclass(frozen=True)
class Part:
    content_id: str
    call: Call

    def answered(self, answer: Response) -> str:
        return (
            f"Content-Type: application/http\r\nContent-ID: <response-{self.content_id}>\r\n\r\n"
            f"HTTP/1.1 {answer.status_code} X\r\nContent-Type: application/json\r\n\r\n{bytes(answer.body).decode()}\r\n"
        )


def parts(outer: Call) -> Iterator[Part]:
    """The calls of a batch; none where it cannot be parsed. They are signed in as the whole is."""
    boundary = re.search(r'boundary="?([^";]+)', outer.headers.get("content-type", ""))
    pieces = outer.body.decode().split(f"--{boundary[1]}") if boundary else []
    for piece in pieces:
        head, _, inner = piece.strip().replace("\r\n", "\n").partition("\n\n")
        if inner:
            content_id = re.search(r"content-id:\s*<([^>]*)>", head, re.IGNORECASE)
            yield Part(content_id[1] if content_id else "", _call(inner, outer))


def _call(text: str, outer: Call) -> Call:
    head, _, body = text.partition("\n\n")
    first, *lines = head.split("\n")
    verb, target = first.split(" ")[:2]
    url = urlsplit(target)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if "authorization" in outer.headers:
        headers.setdefault("authorization", outer.headers["authorization"])
    query = tuple(parse_qsl(url.query, keep_blank_values=True))
    return Call(at=outer.at, method=verb, path=unquote(url.path), query=query, headers=headers, body=body.strip().encode())


def joined(answers: list[str]) -> Response:
    text = "".join(f"--b\r\n{one}" for one in answers) + "--b--"
    return Response(text, 200, {"content-type": "multipart/mixed; boundary=b"})
