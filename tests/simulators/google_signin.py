"""Google's sign-in: service accounts' signed assertions, refresh tokens, and the consent page with PKCE."""

from __future__ import annotations

import functools
import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.simulators.common import Clock, Tokens

EVENTS = "https://www.googleapis.com/auth/calendar.events"
AUDIENCE = "https://oauth2.googleapis.com/token"
"""What an assertion is for, whatever endpoint it is sent to (G-45)."""
CLIENT = {"client_id": "4711.apps.example.com", "client_secret": "canary-client-secret"}


@functools.cache
def _key() -> rsa.RSAPrivateKey:
    """One key for all service accounts of a process, and a small one: what reads a key checks it, and that takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - of a simulator


@dataclass
class Code:
    """A consent that was given and not yet exchanged."""

    challenge: str
    redirect: str
    scope: str
    email: str


class SignIn:
    def __init__(self, clock: Clock) -> None:
        self.tokens = Tokens(clock, 3600)
        self.robots: dict[str, bool] = {}
        """Service account → whether it may act for others (domain-wide delegation)."""
        self.refresh: dict[str, tuple[str, str]] = {}
        """Refresh token → whose, and its scopes."""
        self.user = "ana@example.com"
        """Who sits before the consent page."""
        self.denies = False
        self.unticks: tuple[str, ...] = ()
        """Scopes that the human leaves out."""
        self.gives_refresh_token = True
        self.asked: list[dict[str, str]] = []
        """What the consent page was opened with."""
        self._codes: dict[str, Code] = {}

    def service_account(self, email: str, token_uri: str, *, delegated: bool = False) -> str:
        self.robots[email] = delegated
        pem = _key().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )  # fmt: skip
        return json.dumps({
            "type": "service_account", "project_id": "rota", "private_key_id": "canary-key-id", "private_key": pem.decode(),
            "client_email": email, "client_id": "1234567890", "token_uri": token_uri,
        })  # fmt: skip

    def signed_in(self, email: str, token_uri: str, scope: str = EVENTS) -> str:
        token = f"canary-refresh-{len(self.refresh) + 1:04d}"
        self.refresh[token] = (email, scope)
        return json.dumps({"type": "authorized_user", **CLIENT, "refresh_token": token, "token_uri": token_uri, "account": email})

    def is_robot(self, account: str) -> bool:
        return account in self.robots

    # --- the consent page ------------------------------------------------------------------

    def consent(self, query: dict[str, str], issuer: str) -> str:
        """Where the browser is sent back to."""
        self.asked.append(query)
        back, state = query["redirect_uri"], query.get("state", "")
        if self.denies:
            return f"{back}?{urlencode({'error': 'access_denied', 'state': state})}"
        code = f"canary-code-{len(self._codes) + 1:04d}"
        scope = " ".join(name for name in query["scope"].split() if name not in self.unticks)
        challenge = query["code_challenge"] if query.get("code_challenge_method") == "S256" else ""
        self._codes[code] = Code(challenge, back, scope, self.user)
        return f"{back}?{urlencode({'code': code, 'state': state, 'scope': scope})}"

    # --- the token endpoint ----------------------------------------------------------------

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if self.tokens.refuse_next > 0:
            self.tokens.refuse_next -= 1
            return _refused("invalid_grant", "Token has been expired or revoked.")
        match form.get("grant_type"):
            case "urn:ietf:params:oauth:grant-type:jwt-bearer":
                return self._assertion(form.get("assertion", ""))
            case "refresh_token":
                return self._refresh(form)
            case "authorization_code":
                return self._exchange(form)
            case _:
                return _refused("unsupported_grant_type", "Invalid grant_type.")

    def _assertion(self, assertion: str) -> tuple[int, dict[str, Any]]:
        try:
            head, body, signature = assertion.split(".")
            claims = json.loads(_bytes(body))
            _key().public_key().verify(_bytes(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
        except (ValueError, InvalidSignature):
            return _refused("invalid_grant", "Invalid JWT Signature.")
        if claims.get("aud") != AUDIENCE or not claims.get("scope"):
            return _refused("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        email, subject = claims.get("iss"), claims.get("sub")
        if email not in self.robots:
            return _refused("invalid_grant", "Invalid grant: account not found")
        if subject and subject != email and not self.robots[email]:
            text = (
                "Client is unauthorized to retrieve access tokens using this method, or not authorized for the scopes requested."
            )
            return 401, {"error": "unauthorized_client", "error_description": text}
        return self._granted(claims["scope"], subject or email)

    def _refresh(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if not self._client(form):
            return 401, {"error": "invalid_client", "error_description": "The OAuth client was not found."}
        if form.get("refresh_token") not in self.refresh:
            return _refused("invalid_grant", "Token has been expired or revoked.")
        email, scope = self.refresh[form["refresh_token"]]
        return self._granted(scope, email)

    def _exchange(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """A code is good for one exchange, by whoever knows the verifier (RFC 7636)."""
        code = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = urlsafe_b64encode(digest).decode().rstrip("=")
        if not self._client(form):
            return 401, {"error": "invalid_client", "error_description": "Unauthorized"}
        if code is None or code.redirect != form.get("redirect_uri") or (code.challenge and code.challenge != proof):
            return _refused("invalid_grant", "Bad Request")
        status, body = self._granted(code.scope, code.email)
        if self.gives_refresh_token:
            token = f"canary-refresh-{len(self.refresh) + 1:04d}"
            self.refresh[token] = (code.email, code.scope)
            body["refresh_token"] = token
        if "openid" in code.scope.split():
            claims = {"iss": "https://accounts.google.com", "email": code.email, "email_verified": True}
            body["id_token"] = f"e30.{urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.c2ln"
        return status, body

    def _client(self, form: dict[str, str]) -> bool:
        return all(form.get(name) == value for name, value in CLIENT.items())

    def _granted(self, scope: str, owner: str) -> tuple[int, dict[str, Any]]:
        token = self.tokens.issue(scope.split(), owner)
        return 200, {"access_token": token, "expires_in": self.tokens.lifetime, "token_type": "Bearer", "scope": scope}


def _refused(code: str, text: str) -> tuple[int, dict[str, Any]]:
    return 400, {"error": code, "error_description": text}


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
