"""A deadline for whole HTTP calls, enforced at the socket.

httpx's timeouts limit each read, so a server that sends single bytes, in the headers or the body, could hold its caller
forever. This module limits every wait on the network to the remaining time of the deadline.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

import httpcore
import httpx

from domain.errors import BooksyncError

_deadline: ContextVar[float | None] = ContextVar("zoho_call_deadline", default=None)


@contextmanager
def deadline(seconds: float, clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """End every network wait of this thread inside the `with` block, `seconds` after the block's start at the latest.

    A block inside another block cannot have a later deadline than the outer block.
    """
    outer = _deadline.get()
    mine = clock() + seconds
    token = _deadline.set(mine if outer is None else min(outer, mine))
    try:
        yield
    finally:
        _deadline.reset(token)


#: httpcore's events of a connection that goes through a proxy.
_NEW_CONNECTION = "connection.connect_tcp.started"
_TUNNEL_IS_OPEN = "proxy.start_tls.started"


class ProxyError(httpx.ProxyError, BooksyncError):
    """The proxy was not reached, refused to connect, or ended the connection before it was connected.

    `status` is the HTTP status of the proxy's refusal, and None without a response.
    """

    def __init__(self, failure: httpx.TransportError) -> None:
        # httpcore's text of a refusal is "407 Proxy Authentication Required".
        status, _, _ = str(failure).partition(" ")
        is_refusal = isinstance(failure, httpx.ProxyError) and status.isdecimal()
        self.status = int(status) if is_refusal else None
        self.failure = type(failure).__name__
        super().__init__(f"HTTP {self.status}" if is_refusal else self.failure)


class DeadlineTransport(httpx.HTTPTransport):
    """httpx's own transport, whose network waits all end by the deadline, directly or through an HTTP proxy.

    Only the CAs of the file `ca_bundle` are trusted, if there is one.
    """

    def __init__(
        self,
        *,
        limits: httpx.Limits,
        proxy: httpx.Proxy | None = None,
        ca_bundle: Path | None = None,
        backend: "DeadlineBackend | None" = None,
    ) -> None:
        ssl_context = _ssl_context(ca_bundle)
        super().__init__(verify=ssl_context, limits=limits)
        # httpx has no parameter for the backend, so the new, unused pool is replaced.
        backend = backend or DeadlineBackend(httpcore.SyncBackend(), resolve=addresses_of)
        self._pool = _pool(ssl_context, limits, proxy, backend)
        self._is_direct = proxy is None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request.

        Raises:
            ProxyError: the proxy has not connected booksync with the server.
            httpx.TransportError: any other failure.
        """
        if self._is_direct:
            return super().handle_request(request)
        events: set[str] = set()
        request.extensions["trace"] = lambda event, _facts: events.add(event)
        try:
            return super().handle_request(request)
        except httpx.TransportError as error:
            if _NEW_CONNECTION in events and _TUNNEL_IS_OPEN not in events:
                raise ProxyError(error) from error
            raise


@cache
def _ssl_context(ca_bundle: Path | None) -> ssl.SSLContext:
    """The SSL context that all transports of the process share, because loading the certificates takes 20 ms."""
    if ca_bundle is None:
        return httpx.create_ssl_context()
    return ssl.create_default_context(cafile=ca_bundle)


def _pool(
    ssl_context: ssl.SSLContext, limits: httpx.Limits, proxy: httpx.Proxy | None, backend: "DeadlineBackend"
) -> httpcore.ConnectionPool:
    if proxy is None:
        return httpcore.ConnectionPool(
            ssl_context=ssl_context,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=backend,
        )
    return httpcore.HTTPProxy(
        proxy_url=httpcore.URL(
            scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=proxy.url.raw_path
        ),
        proxy_auth=proxy.raw_auth,
        proxy_headers=proxy.headers.raw,
        proxy_ssl_context=ssl_context if proxy.url.scheme == "https" else None,
        ssl_context=ssl_context,
        max_connections=limits.max_connections,
        max_keepalive_connections=limits.max_keepalive_connections,
        keepalive_expiry=limits.keepalive_expiry,
        network_backend=backend,
    )


def addresses_of(host: str) -> list[str]:
    """The IP addresses of a host name, in the order of preference."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise httpcore.ConnectError("The host's name has no address.") from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class DeadlineBackend(httpcore.NetworkBackend):
    """Opens network connections whose waits all end by the deadline.

    `resolve` returns a host's addresses. The addresses are tried one after the other within the deadline. A socket that
    is given the host's name instead would wait the whole timeout for each address.
    """

    def __init__(
        self,
        backend: httpcore.NetworkBackend,
        clock: Callable[[], float] = time.monotonic,
        resolve: Callable[[str], list[str]] = lambda host: [host],
    ) -> None:
        self._backend = backend
        self._clock = clock
        self._resolve = resolve

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("The host's name has no address.")
        for address in self._resolve(host):
            left = _left(timeout, self._clock, httpcore.ConnectTimeout)
            try:
                stream = self._backend.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return DeadlineStream(stream, self._clock)
        raise failure


class DeadlineStream(httpcore.NetworkStream):
    """One network connection whose waits all end by the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, self._clock, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout, self._clock, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, self._clock, httpcore.ConnectTimeout)
        return DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, left), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(timeout: float | None, clock: Callable[[], float], expired: type[httpcore.TimeoutException]) -> float | None:
    end = _deadline.get()
    if end is None:
        return timeout
    left = end - clock()
    if left <= 0:
        raise expired("The deadline of the whole call has passed.")
    return left if timeout is None else min(timeout, left)
