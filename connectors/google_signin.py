"""Signs a person in to Google once: the browser comes back to this machine with a code, and PKCE proves that it was ours.

For `syncd auth google`. What it returns is the content of a credentials file; nothing is written or opened here.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from connectors.google_account import SCOPE, TOKEN_URI, ask, judge, parsed, tidy
from connectors.google_http import Http, safe
from syncd.connector import ConnectorError, Denied, Unavailable

AUTH_URI = "https://accounts.google.com/o/oauth2/v2/auth"
SCOPES = f"{SCOPE} openid email"
"""The events, and whose account it is: a `primary` calendar is known by that."""
PATIENCE = 300.0
PAGE = "<!doctype html><meta charset=utf-8><title>syncd</title><p>{}</p>"
HEADERS = {
    "content-type": "text/html; charset=utf-8", "cache-control": "no-store", "referrer-policy": "no-referrer",
    "connection": "close",
}  # fmt: skip
DONE = "Thank you. Google has told syncd; you may close this window."


@dataclass(frozen=True)
class Client:
    """The OAuth client that an admin made: type “Desktop app” in the Google Cloud console."""

    id: str
    secret: str
    auth_uri: str = AUTH_URI
    token_uri: str = TOKEN_URI

    def __repr__(self) -> str:
        return f"Client({self.id})"


def client_of(text: str) -> Client:
    """The client in the file as it was downloaded. Raises `Denied`."""
    content = parsed(text)
    if content is None:
        raise Denied("the OAuth client's file is no JSON object; use it as it was downloaded")
    if "web" in content:
        raise Denied("this OAuth client is of the type “Web application”; make one of the type “Desktop app”")
    found = content.get("installed")
    if not isinstance(found, dict) or not found.get("client_id") or not found.get("client_secret"):
        raise Denied("the file is not that of an OAuth client; in the Google Cloud console make one of the type “Desktop app”")
    client = Client(
        str(found["client_id"]), str(found["client_secret"]), str(found.get("auth_uri") or AUTH_URI),
        str(found.get("token_uri") or TOKEN_URI),
    )  # fmt: skip
    if not safe(client.auth_uri) or not safe(client.token_uri):
        raise Denied("the OAuth client's file names an address that is not https; download it again")
    return client


def authorise(client: Client, show: Callable[[str], None], *, wait: float = PATIENCE, port: int = 0) -> dict[str, str]:
    """The content of an authorised-user file. `show` is given the address to open in a browser; `wait` is in seconds.

    Raises `Denied` (the person said no, left the box unticked, or the client is refused) or `Unavailable`.
    """
    verifier, state = secrets.token_urlsafe(64), secrets.token_urlsafe(32)
    challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    with _Door(port, state) as door:
        query = {
            "client_id": client.id, "redirect_uri": door.url, "response_type": "code", "scope": SCOPES, "state": state,
            "code_challenge": challenge, "code_challenge_method": "S256", "access_type": "offline", "prompt": "consent",
        }  # fmt: skip
        show(f"{client.auth_uri}?{urlencode(query)}")
        came = door.wait(wait)
    if came is None:
        raise Unavailable(f"nobody signed in within {wait:.0f} seconds; start again")
    if "code" not in came:
        raise Denied(f"Google did not let us in ({tidy(came.get('error', 'no code'))}); start again and press Allow")
    form = {
        "grant_type": "authorization_code", "code": came["code"], "code_verifier": verifier, "redirect_uri": door.url,
        "client_id": client.id, "client_secret": client.secret,
    }  # fmt: skip
    granted = _exchange(client, form)
    if isinstance(granted, ConnectorError):
        raise granted
    return granted


def _exchange(client: Client, form: Mapping[str, str]) -> dict[str, str] | ConnectorError:
    """The code against a refresh token; what is wrong is returned, so that no secret is in a traceback."""
    http = Http(lambda *_: "")
    headers = {"content-type": "application/x-www-form-urlencoded"}
    try:
        answer = ask(http, client.token_uri, urlencode(form), headers)
    except ConnectorError as cause:
        return cause.with_traceback(None)
    finally:
        http.close()
    content = parsed(answer[1].decode("utf-8", "replace")) or {}
    if answer[0].status != 200 or "access_token" not in content:
        return judge(answer, list(form.values()), {}, None)
    if SCOPE not in str(content.get("scope", "")).split():
        return Denied("the box for seeing and editing events was left unticked; start again and tick it")
    if not content.get("refresh_token"):
        where = "myaccount.google.com under Security → Your connections"
        return Denied(f"Google gave no lasting sign-in; remove syncd at {where}, then start again")
    email = _email(content.get("id_token"))
    return {
        "type": "authorized_user", "client_id": client.id, "client_secret": client.secret,
        "refresh_token": str(content["refresh_token"]), "token_uri": client.token_uri, **({"account": email} if email else {}),
    }  # fmt: skip


def _email(token: object) -> str | None:
    """Whose account it is. Straight from the token endpoint, so that its signature need not be checked."""
    try:
        middle = str(token).split(".")[1]
        claims = json.loads(urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
        return str(claims["email"])
    except (ValueError, KeyError, IndexError, TypeError):
        return None


class _Door:
    """Waits on 127.0.0.1 for the browser to come back with our `state`; whoever comes without it is sent away."""

    def __init__(self, port: int, state: str) -> None:
        door = self
        self._state = state
        self._query: dict[str, str] = {}
        self._came = Event()

        class Visit(BaseHTTPRequestHandler):
            timeout = 5

            def do_GET(self) -> None:
                status, text = door.visited(self.path)
                page = PAGE.format(text).encode()
                self.send_response(status)
                for name, value in {**HEADERS, "content-length": str(len(page))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(page)
                if status == 200:
                    door.close_after()

            def log_message(self, *_: Any) -> None:
                """The address holds the code."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Visit)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> _Door:
        Thread(target=self._server.serve_forever, args=(0.1,), name="sign-in", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def visited(self, path: str) -> tuple[int, str]:
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path != "/" or not hmac.compare_digest(query.get("state", "").encode(), self._state.encode()):
            return 404, "This is not what syncd waits for."
        self._query = query
        return 200, DONE if "code" in query else "Google did not let syncd in; look at the terminal."

    def close_after(self) -> None:
        """The browser has its page: whoever waits may go on."""
        self._came.set()

    def wait(self, seconds: float) -> dict[str, str] | None:
        """What the browser brought, or None when nobody came."""
        return self._query if self._came.wait(seconds) else None


__all__ = ["AUTH_URI", "SCOPES", "Client", "authorise", "client_of"]
