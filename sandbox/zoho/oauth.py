"""The simulated OAuth of Zoho: grant codes, refresh tokens and access tokens, with Zoho's unusual error responses."""

import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.zoho.clients import Clients
from sandbox.zoho.responses import Response, bad_token, not_authorized

ALL_SCOPES = ("ZohoBooks.contacts.READ", "ZohoBooks.invoices.READ", "ZohoBooks.settings.READ")
FULL_ACCESS = "ZohoBooks.fullaccess.all"
GRANT_CODE_SECONDS = 60
THROTTLE_WINDOW_SECONDS = 600
MAX_ALIVE = 15
MAX_REFRESH_TOKENS = 20
"""The most refresh tokens of one login and client. A further one revokes the oldest."""


@dataclass(frozen=True, slots=True)
class User:
    """The user that a token belongs to: the organisations that the user may see, and the granted scopes.

    Users with the same login are the same person. Users without a login are the same person if they see the same
    organisations.
    """

    organization_ids: tuple[str, ...]
    scopes: tuple[str, ...] = ALL_SCOPES
    login: str = ""
    data_center: str = "com"

    @property
    def person(self) -> str:
        return self.login or ",".join(self.organization_ids)

    def require_scope(self, scope: str) -> None:
        if scope not in self.scopes and FULL_ACCESS not in self.scopes:
            raise not_authorized()


@dataclass(frozen=True, slots=True)
class GrantCode:
    user: User
    dies_at: float
    redirect_uri: str | None = None
    """The address to which the consent page returned the user; None for a code of a Self Client."""
    is_offline: bool = True
    """Whether the code yields a refresh token: the consent page was opened with `access_type=offline`."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    user: User
    refresh_token: str
    dies_at: float


@dataclass(slots=True)
class Tokens:
    """All tokens of all users. Times are wall-clock seconds, so that tokens outlive a restart."""

    api_domain: str = ""
    expires_in: int = 3600
    max_per_window: int = 10
    refreshes: int = 0
    exchanges: int = 0
    revocations: int = 0
    is_changed: bool = False
    clients: Clients = field(default_factory=Clients)
    _users: dict[str, User] = field(default_factory=dict)
    _issued_to: dict[str, str] = field(default_factory=dict)
    """Refresh token that a code was exchanged for → client id, the oldest first. Other tokens fit every client."""
    _codes: dict[str, GrantCode] = field(default_factory=dict)
    _alive: dict[str, AccessToken] = field(default_factory=dict)
    _made: dict[str, deque[float]] = field(default_factory=dict)

    def know(self, refresh_token: str, user: User) -> None:
        """Register this refresh token for a user."""
        self._users[refresh_token] = user

    def new_grant_code(
        self, user: User, now: float, *, redirect_uri: str | None = None, is_offline: bool = True
    ) -> str:
        code = f"1000.{secrets.token_hex(16)}"
        self._codes[code] = GrantCode(user, now + GRANT_CODE_SECONDS, redirect_uri, is_offline)
        return code

    def response(self, form: Mapping[str, str], now: float, revoked: frozenset[str] = frozenset()) -> Response:
        """The response to `POST /oauth/v2/token`. Refusals are HTTP 200 with an `error`; only throttling is HTTP 400.

        `revoked` names organisations whose users' refresh tokens no longer work.
        """
        client_id = form.get("client_id", "")
        if not self.clients.accept(client_id, form.get("client_secret", ""), self._data_center(form)):
            return _refused("invalid_client")
        match form.get("grant_type"):
            case "refresh_token":
                self.refreshes += 1
                return self._refresh(form.get("refresh_token", ""), client_id, now, revoked)
            case "authorization_code":
                self.exchanges += 1
                return self._exchange(form.get("code", ""), form.get("redirect_uri"), client_id, now)
            case _:
                return _refused("unsupported_grant_type")

    def revoke(self, refresh_token: str) -> Response:
        """The response to `POST /oauth/v2/token/revoke`: the refresh token and its access tokens end.

        A later refresh with the token gets the refusal of an unknown one.
        """
        if self._users.pop(refresh_token, None) is None:
            return Response.of({"error": "invalid_token"}, 400)
        self._alive = {token: issued for token, issued in self._alive.items() if issued.refresh_token != refresh_token}
        self._made.pop(refresh_token, None)
        self._issued_to.pop(refresh_token, None)
        self.revocations += 1
        self.is_changed = True
        return Response.of({"status": "success"})

    def user_of(self, authorization: str, now: float) -> User:
        """The user of an `Authorization` header. Raises ZohoError 57 (no or expired token) or 14 (never issued)."""
        scheme, _, token = authorization.partition(" ")
        if scheme != "Zoho-oauthtoken" or not token:
            raise not_authorized()
        found = self._alive.get(token)
        if found is None:
            raise bad_token()
        if found.dies_at <= now:
            raise not_authorized()
        return found.user

    def expire(self, organization_id: str | None = None) -> None:
        """Let all valid access tokens expire, or those of one organisation's users."""
        for token, issued in list(self._alive.items()):
            if organization_id is None or organization_id in issued.user.organization_ids:
                self._alive[token] = AccessToken(issued.user, issued.refresh_token, 0.0)

    def state(self) -> dict[str, object]:
        """The state of the tokens that must survive a restart."""
        return {
            "users": {token: asdict(user) for token, user in self._users.items()},
            "alive": {
                token: asdict(issued) for token, issued in self._alive.items() if issued.refresh_token in self._users
            },
            "issued_to": self._issued_to,
        }

    def restore_user(self, refresh_token: str, user: Mapping[str, Any], issued_to: str | None) -> None:
        lists = {name: tuple(user[name]) for name in ("organization_ids", "scopes")}
        self._users[refresh_token] = User(**{**user, **lists})
        if issued_to is not None:
            self._issued_to[refresh_token] = issued_to

    def restore_access_token(self, token: str, refresh_token: str, dies_at: float) -> None:
        self._alive[token] = AccessToken(self._users[refresh_token], refresh_token, dies_at)

    def _data_center(self, form: Mapping[str, str]) -> str | None:
        """The data centre of the token's or code's user; None if it is unknown."""
        code = self._codes.get(form.get("code", ""))
        user = self._users.get(form.get("refresh_token", "")) if code is None else code.user
        return None if user is None else user.data_center

    def _refresh(self, refresh_token: str, client_id: str, now: float, revoked: frozenset[str]) -> Response:
        user = self._users.get(refresh_token)
        if user is None or self._issued_to.get(refresh_token, client_id) != client_id:
            return _refused("invalid_code")
        if revoked.intersection(user.organization_ids):
            return _refused("invalid_code")
        if self._is_throttled(refresh_token, now):
            return throttled()
        return Response.of(self._issue(refresh_token, user, now))

    def _exchange(self, code: str, redirect_uri: str | None, client_id: str, now: float) -> Response:
        grant = self._codes.pop(code, None)
        if grant is None or grant.dies_at <= now:
            return _refused("invalid_code")
        if grant.redirect_uri is not None and redirect_uri != grant.redirect_uri:
            return _refused("invalid_redirect_uri")
        if not grant.is_offline:
            return Response.of(self._issue("", grant.user, now))
        refresh_token = f"1000.{secrets.token_hex(16)}"
        self._users[refresh_token] = grant.user
        self._issued_to[refresh_token] = client_id
        self._revoke_oldest(grant.user.person, client_id)
        return Response.of(self._issue(refresh_token, grant.user, now) | {"refresh_token": refresh_token})

    def _revoke_oldest(self, person: str, client_id: str) -> None:
        """Revoke the oldest refresh tokens of a login and client, so that at most 20 are left."""
        mine = [
            token
            for token, issued_to in self._issued_to.items()
            if issued_to == client_id and self._users[token].person == person
        ]
        for token in mine[:-MAX_REFRESH_TOKENS]:
            del self._users[token], self._issued_to[token]

    def _is_throttled(self, refresh_token: str, now: float) -> bool:
        made = self._made.setdefault(refresh_token, deque())
        while made and made[0] <= now - THROTTLE_WINDOW_SECONDS:
            made.popleft()
        return len(made) >= self.max_per_window

    def _issue(self, refresh_token: str, user: User, now: float) -> dict[str, object]:
        token = f"1000.{secrets.token_hex(16)}"
        self._made.setdefault(refresh_token, deque()).append(now)
        self._alive[token] = AccessToken(user, refresh_token, now + self.expires_in)
        self.is_changed = True
        self._bury_oldest(refresh_token, now)
        return {
            "access_token": token,
            "scope": " ".join(user.scopes),
            "api_domain": self.api_domain,
            "token_type": "Bearer",
            "expires_in": self.expires_in,
        }

    def _bury_oldest(self, refresh_token: str, now: float) -> None:
        """Delete the oldest access tokens of a refresh token, so that at most 15 valid and 15 expired ones are left."""
        mine = [token for token, issued in self._alive.items() if issued.refresh_token == refresh_token]
        alive = [token for token in mine if self._alive[token].dies_at > now]
        for token in alive[:-MAX_ALIVE]:
            del self._alive[token]
        for token in [token for token in mine if token not in alive][:-MAX_ALIVE]:
            del self._alive[token]


def throttled() -> Response:
    document = {
        "error_description": "You have made too many requests continuously. Please try again after some time.",
        "error": "Access Denied",
        "status": "failure",
    }
    return Response.of(document, 400)


def _refused(error: str) -> Response:
    return Response.of({"error": error})
