"""Zoho's OAuth: exchanges a grant code for a refresh token, and a refresh token for access tokens (API section 5).

Zoho reports OAuth errors with HTTP 200 and an `error` word, so the word decides. OAuth calls spend no calls of the
organisation's API budget, but only 10 access tokens may be requested in 10 minutes, so callers share one under a lock.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx

from workers.budget.call_results import retry_after_seconds
from workers.zoho.deadline import deadline
from workers.zoho.errors import (
    TOKEN_PAUSE_SECONDS,
    ClientRejected,
    GrantCodeInvalid,
    OAuthFailed,
    OAuthThrottled,
    RefreshTokenMissing,
    TokenRevoked,
    UnusableResponse,
    ZohoError,
    ZohoUnavailable,
)
from workers.zoho.responses import json_object
from workers.zoho.wire import WireResponse, exchange

#: Zoho's access tokens are valid for an hour. Some of Zoho's servers have returned the lifetime in milliseconds.
TOKEN_LIFETIME_SECONDS = 3600
OAUTH_CALL_SECONDS = 20

#: A longer Retry-After is ignored, because Zoho counts tokens in windows of ten minutes.
LONGEST_TOKEN_PAUSE_SECONDS = 1800.0

#: What booksync reads. It never asks for the right to write.
SCOPES = ("ZohoBooks.contacts.READ", "ZohoBooks.invoices.READ", "ZohoBooks.settings.READ")

_PATH = "/oauth/v2/token"
_CONSENT_PATH = "/oauth/v2/auth"
_CALL = f"POST {_PATH}"
_REVOKE_PATH = f"{_PATH}/revoke"
_REVOKE_CALL = f"POST {_REVOKE_PATH}"

#: The pattern of a token: visible ASCII, because other characters could not be sent in a header.
_TOKEN = re.compile(r"[!-~]+")
#: Error words of servers that refuse for a while: Zoho's own word, and words of proxies and of OAuth.
_THROTTLED = frozenset({"access_denied", "too_many_requests", "rate_limit_exceeded", "slow_down"})

#: The error word for a token that is to be revoked and that Zoho does not know.
_UNKNOWN_TOKEN = "invalid_token"  # noqa: S105  (a word, no secret)

_ERROR_WORD = re.compile(r"[A-Za-z_ ]{1,40}")


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """The registered OAuth client of booksync, for one data centre."""

    accounts_origin: str
    client_id: str
    client_secret: str = field(repr=False)

    @property
    def is_set(self) -> bool:
        """Whether there is a client. Without one, grants can be revoked, and no token can be requested."""
        return bool(self.client_id)


@dataclass(frozen=True, slots=True)
class AccessToken:
    value: str = field(repr=False)
    expires_in: int  #: the token's lifetime in seconds, 1 to 3600
    api_domain: str | None  #: the origin for calls with this token, as Zoho returned it


@dataclass(frozen=True, slots=True)
class Grant:
    """The tokens that a grant code was exchanged for."""

    refresh_token: str = field(repr=False)
    access_token: AccessToken


def consent_address(accounts_origin: str, client_id: str, *, redirect_uri: str, state: str) -> str:
    """The address of Zoho's page on which a user lets booksync read their organisations."""
    query = {
        "response_type": "code",
        "client_id": client_id,
        "scope": ",".join(SCOPES),
        "redirect_uri": redirect_uri,
        "access_type": "offline",
        "prompt": "consent",  # Without it, Zoho returns no refresh token to a user who has consented before.
        "state": state,
    }
    return f"{accounts_origin}{_CONSENT_PATH}?{urlencode(query)}"


def exchange_grant_code(
    http: httpx.Client, client: OAuthClient, grant_code: str, *, redirect_uri: str | None = None
) -> Grant:
    """Exchange a grant code for a refresh token and a first access token; the code cannot be used again.

    A code from Zoho's consent page needs the `redirect_uri` to which the page returned the user.

    Raises:
        GrantCodeInvalid: the code has expired after its 60 s, was used, or was issued in another data centre.
        ClientRejected: a wrong client id or secret, or the wrong data centre.
        RefreshTokenMissing: the code was requested without access_type=offline.
        OAuthThrottled, OAuthFailed, ZohoUnavailable, UnusableResponse: a later attempt with a new code may succeed.
    """
    form = {"grant_type": "authorization_code", "code": grant_code}
    if redirect_uri is not None:
        form["redirect_uri"] = redirect_uri
    response = _ask(http, client, form, invalid_code=GrantCodeInvalid)
    access_token = _access_token(response)
    refresh_token = _token(response.get("refresh_token"))
    if refresh_token is None:
        raise RefreshTokenMissing(_CALL)
    return Grant(refresh_token, access_token)


def refresh_access_token(http: httpx.Client, client: OAuthClient, refresh_token: str) -> AccessToken:
    """Request a new access token. Older tokens stay valid until their hour is over or 15 newer ones exist.

    Raises:
        TokenRevoked: Zoho no longer knows the refresh token.
        ClientRejected: a wrong client id or secret, or the wrong data centre.
        OAuthThrottled, OAuthFailed, ZohoUnavailable, UnusableResponse: a later attempt may succeed.
    """
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return _access_token(_ask(http, client, form, invalid_code=TokenRevoked))


def revoke_refresh_token(http: httpx.Client, client: OAuthClient, refresh_token: str) -> None:
    """Revoke a grant at Zoho: its refresh token and all its access tokens are invalid from then on.

    A refresh token that Zoho does not know any more counts as revoked.

    Raises:
        OAuthThrottled, OAuthFailed, ZohoUnavailable, UnusableResponse: the grant may still be valid.
    """
    # Zoho documents the token in the query only. An address in a log does no harm, because the token ends here.
    with deadline(OAUTH_CALL_SECONDS):
        wire = exchange(
            http, "POST", client.accounts_origin + _REVOKE_PATH, call=_REVOKE_CALL, params={"token": refresh_token}
        )
    try:
        _understood(wire, _REVOKE_CALL, invalid_code=TokenRevoked)
    except TokenRevoked:
        return
    except OAuthFailed as error:
        if error.detail != _UNKNOWN_TOKEN:
            raise


def _ask(
    http: httpx.Client, client: OAuthClient, form: Mapping[str, str], *, invalid_code: type[ZohoError]
) -> Mapping[str, Any]:
    # The secrets are in the body, never in the query, because addresses get into logs.
    form = {**form, "client_id": client.client_id, "client_secret": client.client_secret}
    with deadline(OAUTH_CALL_SECONDS):
        wire = exchange(http, "POST", client.accounts_origin + _PATH, call=_CALL, form=form)
    return _understood(wire, _CALL, invalid_code=invalid_code)


def _understood(wire: WireResponse, call: str, *, invalid_code: type[ZohoError]) -> Mapping[str, Any]:
    """Return the JSON object of a successful response of the accounts server; raise the error of any other."""
    if wire.status >= 500:
        raise ZohoUnavailable(call, status=wire.status)
    response = json_object(wire.content)
    if wire.status == 429 or (response is not None and _is_throttling(response)):
        seconds = retry_after_seconds(wire.headers) or TOKEN_PAUSE_SECONDS
        raise OAuthThrottled(call, status=wire.status, seconds=min(seconds, LONGEST_TOKEN_PAUSE_SECONDS))
    if response is None:
        raise UnusableResponse(call, status=wire.status)
    if "error" in response:
        raise _error(_word(response["error"]), wire.status, call, invalid_code)
    return response


def _is_throttling(response: Mapping[str, Any]) -> bool:
    """Whether a refusal means too many requests, by its error word ("Access Denied") or by its description."""
    if "error" not in response:
        return False
    described = response.get("error_description")
    return _normal(_word(response["error"])) in _THROTTLED or (
        isinstance(described, str) and "too many requests" in described.lower()
    )


def _error(word: str, status: int, call: str, invalid_code: type[ZohoError]) -> ZohoError:
    known: Mapping[str, type[ZohoError]] = {
        "invalid_code": invalid_code,
        "invalid_grant": invalid_code,  # "invalid_grant" is OAuth's standard word for the same error.
        "invalid_client": ClientRejected,
        "invalid_client_secret": ClientRejected,
    }
    kind = known.get(_normal(word))
    return kind(call, status=status) if kind is not None else OAuthFailed(call, status=status, detail=word)


def _word(error: object) -> str:
    return error if isinstance(error, str) and _ERROR_WORD.fullmatch(error) else ""


def _normal(word: str) -> str:
    return word.strip().lower().replace(" ", "_")


def _access_token(response: Mapping[str, Any]) -> AccessToken:
    value = _token(response.get("access_token"))
    if value is None:
        raise UnusableResponse(_CALL, detail="no access token in the response")
    api_domain = response.get("api_domain")
    return AccessToken(
        value=value,
        expires_in=_lifetime(response.get("expires_in")),
        api_domain=api_domain if isinstance(api_domain, str) and api_domain else None,
    )


def _token(value: object) -> str | None:
    return value if isinstance(value, str) and _TOKEN.fullmatch(value) else None


def _lifetime(seconds: object) -> int:
    """The lifetime of a token, in seconds: at most Zoho's documented hour, which is used if the response reports none.

    If the token expires earlier, Zoho refuses the next call with a 401, and the token is refreshed then.
    """
    if isinstance(seconds, str) and re.fullmatch(r"[0-9]{1,9}", seconds):
        seconds = int(seconds)
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < 1:
        return TOKEN_LIFETIME_SECONDS
    return min(seconds, TOKEN_LIFETIME_SECONDS)
