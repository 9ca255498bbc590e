"""Calls to Zoho through an egress proxy: each failure of the proxy is temporary and has a plain reason."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from sandbox.zoho.control import SandboxControl
from tests.egress import ACCOUNTS_HOST, API_HOST, PASSWORD, Egress, an_egress
from workers.jobs.outcomes import Outcome, handling_of
from workers.zoho import new_http_client
from workers.zoho.errors import ProxyRefused, ProxySignInRefused, ProxyUnavailable, ZohoError
from workers.zoho.oauth import OAuthClient, refresh_access_token
from workers.zoho.wire import exchange


@pytest.fixture
def egress(simulator: SandboxControl, tmp_path: Path) -> Iterator[Egress]:
    simulator.restart(contacts=1, invoices=1)
    port = httpx.URL(simulator.url).port
    assert port is not None
    with an_egress(tmp_path, port) as running:
        yield running


def failure(egress: Egress, *, proxy_url: str | None = None, trusts_ca: bool = True) -> ZohoError:
    """The error of a call to the API. It must be the same for a token request, and be temporary."""
    proxy = SecretStr(proxy_url or egress.proxy.url)
    with new_http_client(proxy_url=proxy, ca_bundle=egress.ca.bundle if trusts_ca else None) as http:
        with pytest.raises(ZohoError) as of_api:
            exchange(http, "GET", f"https://{API_HOST}/books/v3/contacts", call="GET /contacts")
        with pytest.raises(ZohoError) as of_token:
            refresh_access_token(http, OAuthClient(f"https://{ACCOUNTS_HOST}", "id", "secret"), "token")
    assert type(of_token.value) is type(of_api.value)
    assert handling_of(of_api.value).outcome is handling_of(of_token.value).outcome is Outcome.RETRIED
    assert PASSWORD not in str(of_api.value)
    assert "127.0.0.1" not in str(of_api.value)
    return of_api.value


def test_the_proxy_connects_with_a_server_of_a_private_ca(egress: Egress) -> None:
    with new_http_client(proxy_url=SecretStr(egress.proxy.url), ca_bundle=egress.ca.bundle) as http:
        response = exchange(http, "GET", f"https://{API_HOST}/books/v3/contacts", call="GET /contacts")
    assert response.status == 401, "it is the simulator's, which misses the token"
    assert egress.proxy.targets == [f"{API_HOST}:443"]


def test_without_the_bundle_the_certificate_is_refused_with_the_next_step(egress: Egress) -> None:
    assert str(failure(egress, trusts_ca=False)) == (
        "The TLS certificate is not trusted: if a proxy decrypts TLS, set ZOHO_CA_BUNDLE to a file with its CA. "
        "(GET /contacts: unable to get local issuer certificate, www.zohoapis.test)"
    )


@pytest.mark.parametrize(
    ("refusal", "kind", "reason"),
    [
        # The user or the password is wrong.
        (b"407 Proxy Authentication Required", ProxySignInRefused, "the proxy returned HTTP 407 for"),
        # The proxy's rules forbid the host.
        (b"403 Forbidden", ProxyRefused, "the proxy returned HTTP 403 for"),
        # The proxy does not reach Zoho.
        (b"503 Service Unavailable", ProxyRefused, "the proxy returned HTTP 503 for"),
        # The proxy closes the connection without a response.
        (b"", ProxyUnavailable, "RemoteProtocolError, for"),
    ],
)
def test_each_refusal_of_the_proxy_is_temporary_and_named(
    egress: Egress, refusal: bytes, kind: type[ZohoError], reason: str
) -> None:
    egress.proxy.refusal = refusal
    error = failure(egress)
    assert type(error) is kind
    assert str(error).endswith(f"(GET /contacts: {reason} {API_HOST})")


def test_a_proxy_that_is_down_is_temporary_and_named(egress: Egress) -> None:
    egress.stop_proxy()
    assert str(failure(egress)) == (
        "The proxy of ZOHO_PROXY_URL has not connected booksync with Zoho: check that it runs and that this host may "
        "use it. (GET /contacts: ConnectError, for www.zohoapis.test)"
    )


def test_a_wrong_password_is_refused_by_the_proxy(egress: Egress) -> None:
    wrong = f"http://booksync:wrong@127.0.0.1:{egress.proxy.port}"
    assert "does not accept booksync's user and password" in str(failure(egress, proxy_url=wrong))


def test_a_407_to_a_request_without_tls_is_the_proxys(egress: Egress, simulator: SandboxControl) -> None:
    wrong = SecretStr(f"http://127.0.0.1:{egress.proxy.port}")
    with new_http_client(proxy_url=wrong) as http, pytest.raises(ZohoError) as failed:
        exchange(http, "GET", f"{simulator.url}/books/v3/contacts", call="GET /contacts")
    assert "does not accept booksync's user and password" in str(failed.value)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_proxies_of_the_environment_are_ignored(egress: Egress, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "*")
    with new_http_client(proxy_url=SecretStr(egress.proxy.url), ca_bundle=egress.ca.bundle) as http:
        assert exchange(http, "GET", f"https://{API_HOST}/books/v3/x", call="GET /x").status in (401, 404)
    assert egress.proxy.targets
