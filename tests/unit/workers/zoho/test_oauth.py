"""Tokens: the responses of Zoho's accounts server, and their meaning."""

from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from tests.tables import table
from tests.unit.workers.zoho.fakes import FakeZoho, a_reply
from workers.zoho.errors import (
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
from workers.zoho.oauth import (
    AccessToken,
    OAuthClient,
    exchange_grant_code,
    refresh_access_token,
    revoke_refresh_token,
)

CLIENT = OAuthClient("https://accounts.zoho.eu", "1000.CLIENT", "secret-of-client")


def tokens(**changes: Any) -> dict[str, Any]:
    return {
        "access_token": "1000.secret-access",
        "refresh_token": "1000.secret-refresh",
        "api_domain": "https://www.zohoapis.eu",
        "expires_in": 3600,
        "token_type": "Bearer",
        "scope": "ZohoBooks.contacts.READ",
        **changes,
    }


def test_a_grant_code_becomes_a_refresh_token_and_an_access_token() -> None:
    zoho = FakeZoho(a_reply(**tokens()))

    grant = exchange_grant_code(zoho.http, CLIENT, "1000.secret-code")

    assert grant.refresh_token == "1000.secret-refresh"
    assert grant.access_token == AccessToken("1000.secret-access", 3600, "https://www.zohoapis.eu")
    assert str(zoho.requests[0].url) == "https://accounts.zoho.eu/oauth/v2/token"
    assert parse_qs(zoho.requests[0].content.decode()) == {
        "grant_type": ["authorization_code"],
        "code": ["1000.secret-code"],
        "client_id": ["1000.CLIENT"],
        "client_secret": ["secret-of-client"],
    }


def test_a_refresh_token_becomes_an_access_token() -> None:
    zoho = FakeZoho(a_reply(**tokens(refresh_token=None)))

    assert refresh_access_token(zoho.http, CLIENT, "1000.secret-refresh").value == "1000.secret-access"
    assert parse_qs(zoho.requests[0].content.decode()) == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["1000.secret-refresh"],
        "client_id": ["1000.CLIENT"],
        "client_secret": ["secret-of-client"],
    }


ERRORS = [
    # Errors come with HTTP 200.
    (a_reply(200, error="invalid_client"), ClientRejected),
    (a_reply(200, error="invalid_client_secret"), ClientRejected),
    (a_reply(401, error="invalid_client"), ClientRejected),
    # Too many token requests.
    (a_reply(400, error="Access Denied", error_description="too many requests continuously"), OAuthThrottled),
    (a_reply(200, error="access_denied"), OAuthThrottled),
    (a_reply(200, error="general_error", error_description="You have made Too Many Requests."), OAuthThrottled),
    (a_reply(400, error="too_many_requests"), OAuthThrottled),
    (httpx.Response(429, content=b"<html>"), OAuthThrottled),
    # Unknown error words.
    (a_reply(200, error="general_error"), OAuthFailed),
    (a_reply(200, error={"secret": 1}), OAuthFailed),
    # A server error, or a response that is not Zoho's.
    (a_reply(500, error="invalid_code"), ZohoUnavailable),
    (httpx.Response(503), ZohoUnavailable),
    (httpx.ConnectError("refused"), ZohoUnavailable),
    (httpx.Response(200, content=b"<html>"), UnusableResponse),
    (a_reply(200), UnusableResponse),
    (a_reply(200, **tokens(access_token="")), UnusableResponse),
    # This token cannot be sent in a header, and the error would quote it.
    (a_reply(200, **tokens(access_token="1000.secret\n")), UnusableResponse),
    (a_reply(200, **tokens(access_token="1000.sécret")), UnusableResponse),
]


@table(("reply", "kind"), [*ERRORS, (a_reply(200, error="invalid_code"), TokenRevoked)])
def test_failed_refresh_reports_the_reason(reply: httpx.Response | Exception, kind: type[ZohoError]) -> None:
    with pytest.raises(kind) as failed:
        refresh_access_token(FakeZoho(reply).http, CLIENT, "1000.secret-refresh")

    assert type(failed.value) is kind
    assert "secret" not in str(failed.value).replace("ZOHO_CLIENT_SECRET", "")


@table(
    ("reply", "kind"),
    [
        *ERRORS,
        # The code is expired (after 60 s), used, or from another data centre.
        (a_reply(200, error="invalid_code"), GrantCodeInvalid),
        # Requested without access_type=offline.
        (a_reply(200, **tokens(refresh_token=None)), RefreshTokenMissing),
    ],
)
def test_failed_exchange_reports_the_reason(reply: httpx.Response | Exception, kind: type[ZohoError]) -> None:
    with pytest.raises(kind) as failed:
        exchange_grant_code(FakeZoho(reply).http, CLIENT, "1000.secret-code")

    assert type(failed.value) is kind


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 60),
        ({"Retry-After": "120"}, 120),
        ({"Retry-After": "soon"}, 60),
        # Implausible values.
        ({"Retry-After": "999999"}, 1800),
    ],
)
def test_throttled_refresh_reports_when_to_retry(headers: dict[str, str], seconds: float) -> None:
    reply = httpx.Response(400, headers=headers, content=b'{"error": "Access Denied"}')
    with pytest.raises(OAuthThrottled) as throttled:
        refresh_access_token(FakeZoho(reply).http, CLIENT, "r")

    assert throttled.value.seconds == seconds


def test_unknown_error_word_is_reported() -> None:
    with pytest.raises(OAuthFailed, match="general_error"):
        refresh_access_token(FakeZoho(a_reply(error="general_error")).http, CLIENT, "1000.secret-refresh")


@table(
    ("told", "seconds"),
    [
        (3600, 3600),
        (1800, 1800),
        ("3600", 3600),
        # Milliseconds, as some of Zoho's servers said.
        (3600000, 3600),
        # Unusable values give the documented hour.
        (None, 3600),
        ("soon", 3600),
        (0, 3600),
        (True, 3600),
    ],
)
def test_token_is_valid_for_at_most_an_hour(told: object, seconds: int) -> None:
    token = refresh_access_token(FakeZoho(a_reply(**tokens(expires_in=told))).http, CLIENT, "r")

    assert token.expires_in == seconds


def test_missing_api_domain_is_read_as_none() -> None:
    token = refresh_access_token(FakeZoho(a_reply(**tokens(api_domain=None))).http, CLIENT, "r")

    assert token.api_domain is None


def test_no_repr_shows_a_secret() -> None:
    grant = exchange_grant_code(FakeZoho(a_reply(**tokens())).http, CLIENT, "c")

    assert "secret" not in repr(grant) + repr(grant.access_token) + repr(CLIENT).replace("client_secret", "")


def test_a_grant_is_revoked_with_its_refresh_token() -> None:
    zoho = FakeZoho(httpx.Response(200, json={"status": "success"}))

    revoke_refresh_token(zoho.http, CLIENT, "1000.secret-refresh")

    (request,) = zoho.requests
    assert request.method == "POST"
    assert str(request.url) == "https://accounts.zoho.eu/oauth/v2/token/revoke?token=1000.secret-refresh"


@pytest.mark.parametrize("word", ["invalid_token", "invalid_code"])
def test_a_grant_that_zoho_does_not_know_counts_as_revoked(word: str) -> None:
    zoho = FakeZoho(a_reply(400, error=word))

    revoke_refresh_token(zoho.http, CLIENT, "1000.secret-refresh")


@table(
    ("reply", "error"),
    [
        (a_reply(200, error="general_error"), OAuthFailed),
        (a_reply(400, error="Access Denied", error_description="too many requests continuously"), OAuthThrottled),
        (httpx.Response(503, content=b"<html>"), ZohoUnavailable),
        (httpx.Response(200, content=b"<html>"), UnusableResponse),
    ],
)
def test_a_failed_revocation_is_reported_without_the_token(reply: httpx.Response, error: type[ZohoError]) -> None:
    zoho = FakeZoho(reply)

    with pytest.raises(error) as failed:
        revoke_refresh_token(zoho.http, CLIENT, "1000.secret-refresh")

    assert "secret" not in str(failed.value)
