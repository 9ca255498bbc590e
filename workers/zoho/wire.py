"""One HTTP exchange with Zoho, limited in time and size, whatever the server does."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version
from pathlib import Path

import httpx
from pydantic import SecretStr

from workers.zoho.deadline import DeadlineBackend, DeadlineTransport, ProxyError
from workers.zoho.errors import (
    CertificateNotTrusted,
    ProxyRefused,
    ProxySignInRefused,
    ProxyUnavailable,
    UnusableResponse,
    ZohoUnavailable,
)
from workers.zoho.response_bodies import ACCEPTED_CODING, read_body

#: The limit of a response body. A page of 200 full records is below 1 MB, the details of a contact with 5,000 persons
#: are about 3 MB.
MAX_BODY_BYTES = 8 * 1024 * 1024

#: The status 429, which the API budget must record even if the body cannot be read.
_TOO_MANY_REQUESTS = 429

#: The status by which a proxy asks for a user and a password.
_PROXY_SIGN_IN = 407

#: The limit of each wait on the network; `workers.zoho.deadline` limits the sum of all waits.
TIMEOUT_SECONDS = httpx.Timeout(connect=5, read=30, write=10, pool=5)


@dataclass(frozen=True, slots=True)
class WireResponse:
    """The whole HTTP response, not interpreted yet."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


def new_http_client(
    *, proxy_url: SecretStr | None = None, ca_bundle: Path | None = None, backend: DeadlineBackend | None = None
) -> httpx.Client:
    """Make the HTTP client for Zoho, of which a process needs only one. Threads may share it; close it at shutdown.

    The client follows no redirects (they would receive the token) and keeps no cookies (they would link organisations).
    It ignores the environment's proxy variables: `proxy_url` is the only proxy. Of CAs it trusts only those of the file
    `ca_bundle`, if there is one. `backend` replaces the sockets in tests.
    """
    limits = httpx.Limits(max_connections=20, max_keepalive_connections=10, keepalive_expiry=30)
    proxy = None if proxy_url is None else httpx.Proxy(proxy_url.get_secret_value())
    return httpx.Client(
        transport=DeadlineTransport(limits=limits, proxy=proxy, ca_bundle=ca_bundle, backend=backend),
        timeout=TIMEOUT_SECONDS,
        follow_redirects=False,
        trust_env=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        headers={
            "User-Agent": f"booksync/{version('booksync')}",
            "Accept": "application/json",
            "Accept-Encoding": ACCEPTED_CODING,
        },
    )


def exchange(
    http: httpx.Client,
    method: str,
    url: str,
    *,
    call: str,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
) -> WireResponse:
    """Send one request and read the whole response; `call` names the request in errors ("GET /contacts").

    With HTTP 429, a body that would raise TooLarge or UnusableResponse is read as empty instead.

    Raises:
        ZohoUnavailable: no connection, a timeout, a reset, a truncated or undecodable response. Its subclasses name a
            failure of the proxy, and a certificate that is not trusted.
        TooLarge: the body, or its inflated content, is larger than `MAX_BODY_BYTES`.
        UnusableResponse: the body has more than one coding, or a coding that was not requested.
    """
    try:
        with http.stream(method, url, params=params, headers=headers, data=form) as response:
            if response.status_code == _PROXY_SIGN_IN:
                # Only a proxy returns this status, to a request that is not encrypted.
                raise ProxySignInRefused(call, detail=_of_proxy(response.status_code))
            return WireResponse(response.status_code, response.headers, _body(response, call))
    except httpx.HTTPError as error:
        # Neither the error's text nor its cause is kept, because httpx quotes an illegal header, even one with the
        # token.
        raise _failure(error, call, httpx.URL(url).netloc.decode()) from None


def _failure(error: httpx.HTTPError, call: str, host: str) -> ZohoUnavailable:
    """Return the error for a request without a usable response; `host` is the server that was called."""
    if (untrusted := _untrusted(error)) is not None:
        of_proxy = " of the proxy, for" if isinstance(error, ProxyError) else ","
        return CertificateNotTrusted(call, detail=f"{untrusted.verify_message}{of_proxy} {host}")
    if not isinstance(error, ProxyError):
        return ZohoUnavailable(call, detail=f"{type(error).__name__} at {host}")
    if error.status is None:
        return ProxyUnavailable(call, detail=f"{error.failure}, for {host}")
    kind = ProxySignInRefused if error.status == _PROXY_SIGN_IN else ProxyRefused
    return kind(call, detail=f"{_of_proxy(error.status)} for {host}")


def _of_proxy(status: int) -> str:
    return f"the proxy returned HTTP {status}"


def _untrusted(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """Return the certificate's error from an error's causes."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error


def _body(response: httpx.Response, call: str) -> bytes:
    try:
        return read_body(response, call=call, at_most=MAX_BODY_BYTES)
    except (UnusableResponse, httpx.HTTPError):
        # A refusal counts, whatever its body is: without it all workers would go on calling.
        if response.status_code != _TOO_MANY_REQUESTS:
            raise
        return b""
