"""Microsoft's login as the simulator plays it: apps with secrets or certificates, users with a code on another device."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.simulators.common import Clock, Tokens, answer

if TYPE_CHECKING:
    from collections.abc import Callable

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PENDING, DECLINED, EXPIRED = "authorization_pending", "authorization_declined", "expired_token"


@dataclass
class App:
    """An app registration."""

    client_id: str
    secrets: set[str] = field(default_factory=set)
    certificates: list[bytes] = field(default_factory=list)
    """PEM, as uploaded."""
    public: bool = False
    """`Allow public client flows`."""
    expired: set[str] = field(default_factory=set)
    """Secrets that were good once."""


@dataclass
class Device:
    """A sign-in that waits for its user."""

    code: str
    client_id: str
    scopes: tuple[str, ...]
    until: float
    user: str = ""
    state: str = PENDING


class Login:
    """The token endpoint of one tenant."""

    def __init__(self, clock: Clock, base: Callable[[], str], tenant: str, resource: str) -> None:
        self.clock, self.base, self.tenant, self.resource = clock, base, tenant, resource
        self.tokens = Tokens(clock, 3_599)
        self.apps: dict[str, App] = {}
        self.devices: dict[str, Device] = {}
        """By user code."""
        self.refreshes: dict[str, tuple[str, str, tuple[str, ...]]] = {}
        """Refresh token → app, user, scopes. Using one makes another; the old one stays good unless `single_use`."""
        self.single_use = False
        self.interval: float = 5
        """Seconds between two questions for a code's fate."""
        self.approves = ""
        """Every code is entered at once by this user: for trying without a browser."""
        self._made = 0

    def routes(self) -> list[Route]:
        return [
            Route("/{tenant}/v2.0/.well-known/openid-configuration", self._metadata),
            Route("/{tenant}/oauth2/v2.0/token", self._token, methods=["POST"]),
            Route("/{tenant}/oauth2/v2.0/devicecode", self._device, methods=["POST"]),
        ]

    # --- what a test does ------------------------------------------------------------------

    def approve(self, user_code: str, user: str) -> None:
        self.devices[user_code].user, self.devices[user_code].state = user, ""

    def decline(self, user_code: str) -> None:
        self.devices[user_code].state = DECLINED

    # --- end points ------------------------------------------------------------------------

    async def _metadata(self, request: Request) -> Response:
        tenant = request.path_params["tenant"]
        if tenant != self.tenant:
            return self._error(
                400, "invalid_tenant", 90002, f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID"
            )
        root = f"{self.base()}/{tenant}"
        return answer({
            "issuer": f"{root}/v2.0",
            "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
            "token_endpoint": f"{root}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{root}/oauth2/v2.0/devicecode",
        })  # fmt: skip

    async def _device(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        app = self.apps.get(form.get("client_id", ""))
        if app is None:
            return self._unknown(form)
        self._made += 1
        code, device = f"CODE{self._made:05d}", f"canary-device-{self._made}"
        self.devices[code] = Device(device, app.client_id, tuple(form.get("scope", "").split()), self.clock.now + 900)
        if self.approves:
            self.approve(code, self.approves)
        page = "https://microsoft.com/devicelogin"
        message = f"To sign in, use a web browser to open the page {page} and enter the code {code} to authenticate."
        return answer(
            {
                "user_code": code,
                "device_code": device,
                "verification_uri": page,
                "expires_in": 900,
                "interval": self.interval,
                "message": message,
            }
        )

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        if request.path_params["tenant"] != self.tenant:
            return self._error(400, "invalid_request", 90002, f"Tenant '{request.path_params['tenant']}' not found.")
        app = self.apps.get(form.get("client_id", ""))
        if app is None:
            return self._unknown(form)
        grant = form.get("grant_type")
        if grant == "client_credentials":
            return self._client(app, form)
        if not app.public:
            return self._error(
                401, "invalid_client", 7000218, "The request body must contain 'client_assertion' or 'client_secret'."
            )
        if grant == "refresh_token":
            return self._refresh(app, form)
        if grant == DEVICE:
            return self._redeem(app, form)
        return self._error(400, "unsupported_grant_type", 70003, f"The app requested an unsupported grant type '{grant}'.")

    def _client(self, app: App, form: dict[str, str]) -> Response:
        if form.get("client_secret") in app.expired:
            return self._error(401, "invalid_client", 7000222, "The provided client secret keys for app are expired.")
        if form.get("client_secret") not in app.secrets and not self._asserted(app, form):
            if "client_assertion" in form:
                return self._error(
                    401,
                    "invalid_client",
                    700027,
                    "The certificate of the assertion is not registered.",
                )
            text = "Invalid client secret provided. Ensure the secret is the client secret value, not the client secret ID"
            return self._error(401, "invalid_client", 7000215, f"{text}, for a secret added to app '{app.client_id}'.")
        if form.get("scope") != f"{self.resource}/.default":
            return self._error(400, "invalid_scope", 1002012, f"The provided value for scope {form.get('scope')} is not valid.")
        token = self.tokens.issue(("app",), app.client_id)
        return answer(
            {
                "token_type": "Bearer",
                "expires_in": self.tokens.lifetime,
                "ext_expires_in": self.tokens.lifetime,
                "access_token": token,
            }
        )

    def _asserted(self, app: App, form: dict[str, str]) -> bool:
        """MS-55: signed by a certificate of the app, for this end point, for ten minutes."""
        if form.get("client_assertion_type") != ASSERTION:
            return False
        text = form.get("client_assertion", "")
        for pem in app.certificates:
            certificate = x509.load_pem_x509_certificate(pem)
            head = jwt.get_unverified_header(text)
            prints = {"x5t": certificate.fingerprint(hashes.SHA1()), "x5t#S256": certificate.fingerprint(hashes.SHA256())}  # noqa: S303
            if not any(
                str(head.get(name)).rstrip("=") == base64.urlsafe_b64encode(value).decode().rstrip("=")
                for name, value in prints.items()
            ):
                continue
            endpoint = f"{self.base()}/{self.tenant}/oauth2/v2.0/token"
            try:
                said = jwt.decode(text, certificate.public_key(), algorithms=["RS256", "PS256"], audience=endpoint)  # type: ignore[arg-type]
            except jwt.InvalidTokenError:
                continue
            return said.get("iss") == said.get("sub") == app.client_id and said["exp"] - said.get("nbf", said["exp"] - 600) <= 660
        return False

    def _refresh(self, app: App, form: dict[str, str]) -> Response:
        old = form.get("refresh_token", "")
        found = self.refreshes.get(old)
        if found is None or found[0] != app.client_id:
            return self._error(400, "invalid_grant", 700082, "The refresh token has expired due to inactivity or was revoked.")
        if self.single_use:
            del self.refreshes[old]
        return self._grant(app, found[1], found[2])

    def _redeem(self, app: App, form: dict[str, str]) -> Response:
        device = next(
            (one for one in self.devices.values() if one.code == form.get("device_code") and one.client_id == app.client_id), None
        )
        if device is None:
            return self._error(400, "invalid_grant", 70000, "The device code is not valid.")
        if self.clock.now >= device.until:
            return self._error(400, EXPIRED, 70020, "The provided device code has expired.")
        if device.state:
            return self._error(
                400, device.state, 70016, "OAuth 2.0 device flow error. Authorization is pending. Continue polling."
            )
        return self._grant(app, device.user, device.scopes)

    def _grant(self, app: App, user: str, scopes: tuple[str, ...]) -> Response:
        self._made += 1
        refresh = f"canary-refresh-{self._made:04d}"
        self.refreshes[refresh] = (app.client_id, user, scopes)
        about = {"uid": hashlib.sha256(user.encode()).hexdigest()[:12], "utid": self.tenant}
        now = int(self.clock.now)
        identity = {
            "aud": app.client_id, "iss": f"{self.base()}/{self.tenant}/v2.0", "iat": now, "nbf": now, "exp": now + 10**9,
            "sub": about["uid"], "oid": about["uid"], "tid": self.tenant, "preferred_username": user, "name": user,
        }  # fmt: skip
        return answer({
            "token_type": "Bearer", "expires_in": self.tokens.lifetime,
            "scope": " ".join(s for s in scopes if s.startswith("http")),
            "access_token": self.tokens.issue(scopes, f"user:{user}"), "refresh_token": refresh,
            "id_token": jwt.encode(identity, "only-the-shape-counts-here-0123456789", algorithm="HS256"),
            "client_info": base64.urlsafe_b64encode(json.dumps(about).encode()).decode().rstrip("="),
        })  # fmt: skip

    def _unknown(self, form: dict[str, str]) -> Response:
        return self._error(
            400,
            "unauthorized_client",
            700016,
            f"Application with identifier '{form.get('client_id')}' was not found in the directory.",
        )

    def _error(self, status: int, error: str, code: int, text: str) -> Response:
        trace = "Trace ID: 00000000-1111-2222-3333-444444444444 Correlation ID: 00000000-1111-2222-3333-555555555555"
        return answer(
            {
                "error": error,
                "error_description": f"AADSTS{code}: {text} {trace}",
                "error_codes": [code],
                "error_uri": f"{self.base()}/error?code={code}",
            },
            status,
        )
