"""Gets tokens from Microsoft's login for Outlook destinations: as the app itself, or for the user who signed in once.

Tokens outlive a cycle, in this process alone: one sign-in serves all threads and all destinations that share it, and a
valid token costs no call. Nothing here is printed, logged or kept in an error; a refused credential is asked for anew.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from connectors.outlook_certificate import credential
from connectors.outlook_http import Answer, Http
from connectors.outlook_tokens import AGAIN, TokenFile
from syncd.connector import ConnectorError, Denied, Secret, Unavailable
from syncd.event import tidy

CLOUDS = {
    "graph.microsoft.com": "login.microsoftonline.com",
    "graph.microsoft.us": "login.microsoftonline.us",
    "dod-graph.microsoft.us": "login.microsoftonline.us",
    "microsoftgraph.chinacloudapi.cn": "login.partner.microsoftonline.cn",
}
"""Graph's hosts, and the login each belongs to."""
_LOGINS = {*CLOUDS.values(), "login.microsoft.com", "login.windows.net", "login.chinacloudapi.cn"}
_DELEGATED = ("Calendars.ReadWrite", "Calendars.ReadWrite.Shared")

_SECRETS = "in Entra, App registrations, the app, Certificates & secrets"
_REMEDIES = {
    "AADSTS7000215": f"The client secret is wrong: {_SECRETS}, make a new one and copy its Value, not its Secret ID",
    "AADSTS7000222": f"The client secret has expired: {_SECRETS}, make a new one",
    "AADSTS700016": "The app is not in this tenant: compare client_id and tenant with the app's Overview page in Entra",
    "AADSTS700027": f"The certificate is not the app's: {_SECRETS}, upload its public half",
    "AADSTS700038": "client_id is no application id: copy it from the app's Overview page in Entra",
    "AADSTS90002": "There is no such tenant: copy the Directory (tenant) ID from the app's Overview page in Entra",
    "AADSTS900023": "There is no such tenant: copy the Directory (tenant) ID from the app's Overview page in Entra",
    "AADSTS7000218": "A code needs a public client: in Entra, the app, Authentication, set `Allow public client flows` to Yes",
    "AADSTS65001": "Nobody has consented: in Entra, the app, API permissions, click Grant admin consent",
    "AADSTS50034": "The account is not in this tenant",
    "AADSTS53003": "A Conditional Access policy forbids it: exempt the app, or let the app itself sign in",
}
"""What to click, by the login's own code."""


class Bearer:
    """A token on its way into a request's header, and nowhere else."""

    __slots__ = ("_token",)

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bearer) and other._token == self._token

    __hash__ = None  # type: ignore[assignment]  # it is no key of anything

    def __repr__(self) -> str:
        return "Bearer ***"

    def hide(self, text: str) -> str:
        return text.replace(self._token, "***")


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """Who asks for tokens, and where. `secret` or `certificate`: the app itself; else the user whose `tokens` were saved."""

    authority: str
    client_id: str
    resource: str
    http: Http
    secret: Secret | None = None
    certificate: Secret | None = None
    tokens: TokenFile | None = None

    def bearer(self, refused: Bearer | None = None) -> Bearer:
        """A valid token; with `refused`, certainly another one than that.

        Raises `Denied` where the login refuses us, with what to click, else `Unavailable`.
        """
        held = _held(self._key())
        with held.lock:
            try:
                if refused is not None and held.bearer == refused and self.tokens is None and held.app is not None:
                    held.app.remove_tokens_for_client()  # msal would give the same one again
                held.bearer = self._ask(held, refused)
                return held.bearer
            except ConnectorError as problem:
                trouble = problem.with_traceback(None)  # the frames inside msal hold the secret
            except Exception as problem:
                trouble = Unavailable(
                    f"{_host(self.authority)} gave an answer that msal cannot use ({type(problem).__name__})", refused=True
                )
            if isinstance(trouble, Unavailable):
                trouble.refused = True  # of what was to be done with the token, nothing was
            held.app = held.bearer = None  # msal answers from memory for a while, also after the secret was replaced (MS-54)
        raise trouble

    def _ask(self, held: _Held, refused: Bearer | None) -> Bearer:
        if self.tokens is None:
            if self.secret is None and self.certificate is None:
                raise Denied("neither client_secret nor certificate is set, and there is no place for a user's sign-in")
            if held.app is None:
                held.app = self._confidential()
            return self._bearer(held.app.acquire_token_for_client(scopes=[f"{self.resource}/.default"]))
        with self.tokens.alone():
            return self._refreshed(held, self.tokens, refused)

    def _refreshed(self, held: _Held, tokens: TokenFile, refused: Bearer | None) -> Bearer:
        if held.app is None:
            held.app = self.public()
        cache = held.app.token_cache
        cache.deserialize(tokens.load())  # another process may have refreshed it meanwhile
        account = next(iter(held.app.get_accounts()), None)
        if account is None:
            raise Denied(f"{tokens.path} has no account for this client_id and tenant; {AGAIN}")
        scopes = self.scopes
        result = held.app.acquire_token_silent_with_error(scopes, account)
        if refused is not None and result and "access_token" in result and Bearer(result["access_token"]) == refused:
            result = held.app.acquire_token_silent_with_error(scopes, account, force_refresh=True)
        if cache.has_state_changed:
            tokens.save(cache.serialize())  # before it is used: a refresh token lost is a sign-in lost (F31)
        return self._bearer(result or {"error": "invalid_grant"})

    def _bearer(self, result: Mapping[str, Any]) -> Bearer:
        token = result.get("access_token")
        if isinstance(token, str) and token:
            return Bearer(token)
        raise self.refusal(result)

    def refusal(self, result: Mapping[str, Any]) -> ConnectorError:
        """The login's answer that has no token, in our words and its own."""
        error, text = str(result.get("error") or "no token"), str(result.get("error_description") or "")
        code = next(iter(re.findall(r"AADSTS\d+", text)), "") or "".join(
            f"AADSTS{n}" for n in (result.get("error_codes") or [])[:1]
        )
        says = self._hidden(tidy(text.split(" Trace ID")[0], 300)).rstrip(".") or tidy(error, 100)
        if error in ("temporarily_unavailable", "server_error"):
            return Unavailable(f"{_host(self.authority)}: {says}", refused=True)
        remedy = _REMEDIES.get(code) or (
            AGAIN if self.tokens else "Compare tenant, client_id and the secret or certificate with the app's pages in Entra"
        )
        return Denied(f"Microsoft's login refuses us: {says}. {remedy[:1].upper()}{remedy[1:]}")

    @property
    def scopes(self) -> list[str]:
        return [f"{self.resource}/{name}" for name in _DELEGATED]

    # --- what msal is made of ---------------------------------------------------------------

    def _confidential(self) -> Any:
        import msal

        return msal.ConfidentialClientApplication(self.client_id, client_credential=self._credential(), **self._settings())

    def public(self) -> Any:
        """For the user's sign-in, with an empty cache."""
        import msal

        return msal.PublicClientApplication(self.client_id, token_cache=msal.SerializableTokenCache(), **self._settings())

    def _settings(self) -> dict[str, Any]:
        return {
            "authority": self.authority,
            "http_client": _Client(Http(self.http.ca_file)),  # not the connector's, which is closed with it
            # A login that is none of Microsoft's is the configuration's choice: nobody else is asked about it (MS-51).
            "instance_discovery": None if _host(self.authority) in _LOGINS else False,
        }

    def _credential(self) -> str | dict[str, str]:
        if self.certificate is None:
            return self._revealed("client_secret", self.secret)
        found = credential(self._revealed("certificate", self.certificate))
        if isinstance(found, str):
            raise Denied(f"certificate ({self.certificate.where}): {found}")
        return found

    def _revealed(self, name: str, secret: Secret | None) -> str:
        if secret is None:
            return ""
        try:
            return secret.reveal()
        except (OSError, KeyError, ValueError):
            pass
        raise Denied(f"{name} cannot be read from {secret.where}")

    def _key(self) -> str:
        """One sign-in of this process. A replaced secret makes another one: msal remembers what failed (LIBRARIES 6)."""
        secret = self._revealed("client_secret", self.secret) + self._revealed("certificate", self.certificate)
        place = str(self.tokens.path.absolute()) if self.tokens else ""
        parts = (self.authority, self.client_id, self.resource, self.http.ca_file or "", place, secret)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def _hidden(self, text: str) -> str:
        """Without the secret, and without anything that looks like one, whatever a server repeats to us."""
        if self.secret is not None and (secret := self._revealed("client_secret", self.secret)):
            text = text.replace(secret, "***")
        return re.sub(r"[\w~.+/=-]{40,}", "***", text)


@dataclass
class _Held:
    app: Any = None
    bearer: Bearer | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


_HELD: OrderedDict[str, _Held] = OrderedDict()
_HELD_LOCK = threading.Lock()


def _held(key: str) -> _Held:
    with _HELD_LOCK:
        held = _HELD.setdefault(key, _Held())
        _HELD.move_to_end(key)
        while len(_HELD) > 64:
            _HELD.popitem(last=False)
        return held


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()


@dataclass(frozen=True)
class _Client:
    """What msal takes for an HTTP client. What it must not remember or misread (MS-53, MS-54) never reaches it."""

    http: Http

    def get(
        self, url: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None, **_: object
    ) -> Answer:
        answer = self._send("GET", url, params, headers, None)
        if answer.status >= 400:
            words = str((answer.data or {}).get("error_description") or "") if isinstance(answer.data, dict) else ""
            code = next(iter(re.findall(r"AADSTS\d+", words)), "")
            place = url.split("/v2.0/")[0]
            raise Denied(f"Microsoft's login has no tenant at {place}: HTTP {answer.status} {code}. {_REMEDIES['AADSTS90002']}")
        return answer

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: str | Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> Answer:
        form = data if isinstance(data, str) else urlencode({k: v for k, v in (data or {}).items() if v is not None})
        return self._send(
            "POST", url, params, {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}, form.encode()
        )

    def _send(
        self, method: str, url: str, params: Mapping[str, str] | None, headers: Mapping[str, str] | None, body: bytes | None
    ) -> Answer:
        if params:
            url += ("&" if "?" in url else "?") + urlencode(params)
        answer = self.http.send(method, url, headers={k: v for k, v in (headers or {}).items() if v is not None}, body=body)
        if answer.status == 429 or answer.status >= 500 or answer.status in range(300, 400) or not isinstance(answer.data, dict):
            raise Unavailable(f"{_host(url)} answered HTTP {answer.status} to the sign-in", after=answer.after, refused=True)
        return answer

    def close(self) -> None:
        self.http.close()


class SignedIn(NamedTuple):
    """`account`: the user's name; `file`: where their sign-in is kept."""

    account: str
    file: Path


def sign_in(who: SignIn, tell: Callable[[str], None], wait: Callable[[float], None]) -> SignedIn:
    """Lets a user sign in with a code on another device, and saves what it gave.

    `tell` shows the vendor's own instruction; `wait` sleeps. Raises `Denied` where it was declined or took too long.
    """
    if who.tokens is None:
        raise Denied("the app itself signs in here: leave client_secret and certificate out for a user to sign in")
    try:
        app = who.public()
        trouble = _by_code(who, app, tell, wait)
    except ConnectorError as problem:
        trouble = problem.with_traceback(None)
    if trouble is not None:
        raise trouble
    with who.tokens.alone():
        who.tokens.save(app.token_cache.serialize())
    account: Mapping[str, Any] = next(iter(app.get_accounts()), {})
    return SignedIn(str(account.get("username") or ""), who.tokens.path)


def _by_code(who: SignIn, app: Any, tell: Callable[[str], None], wait: Callable[[float], None]) -> ConnectorError | None:
    """What kept the user from signing in; None where `app` has their tokens now. The code that we poll with stays in here."""
    flow = app.initiate_device_flow(scopes=who.scopes)
    if "user_code" not in flow:
        return who.refusal(flow)
    tell(str(flow.get("message") or f"Open {flow.get('verification_uri')} and enter the code {flow['user_code']}"))
    left, pause = float(flow.get("expires_in") or 900), float(flow.get("interval") or 5)
    while left > 0:
        wait(pause)
        left -= pause
        try:
            result = app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
        except Unavailable:
            continue  # the code stays valid; a dropped call is no answer
        if "access_token" in result:
            return None
        if result.get("error") == "slow_down":
            pause += 5
        elif result.get("error") != "authorization_pending":
            return who.refusal(result)
    return Denied("the code was not entered in time; sign in again: syncd auth outlook")
