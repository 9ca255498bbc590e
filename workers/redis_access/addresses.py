"""Addresses of Redis: a server's own (`redis://`, `rediss://`, `unix://`), or that of its Sentinels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from redis.connection import parse_url

from domain.errors import BooksyncError

SCHEMES = ("redis://", "rediss://", "redis+sentinel://", "rediss+sentinel://", "unix://")


class AddressError(BooksyncError, ValueError):
    """An address of Sentinels is malformed. The error's text never quotes the address."""


_SENTINEL_PORT = 26379
_SENTINEL_OPTIONS = {"sentinel_username": "username", "sentinel_password": "password"}


@dataclass(frozen=True, slots=True)
class SentinelAddress:
    """`redis+sentinel://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]…]/SERVICE[/DATABASE][?OPTION=VALUE…]`.

    User, password and database belong to the Redis servers, the query's `sentinel_username` and `sentinel_password` to
    the Sentinels. `rediss+sentinel://` uses TLS for both.
    """

    sentinels: tuple[tuple[str, int], ...]  #: the host and port of each Sentinel
    service: str
    server_options: Mapping[str, Any]  #: options of redis-py for a connection to the primary
    sentinel_options: Mapping[str, Any]  #: options of redis-py for a connection to a Sentinel


def is_sentinel(url: str) -> bool:
    """Whether the address names Sentinels."""
    return url.startswith(("redis+sentinel://", "rediss+sentinel://"))


def sentinel_address(url: str) -> SentinelAddress:
    """The parts of an address that names Sentinels.

    Raises:
        AddressError: the host or the service is missing, or the database is not a number.
        ValueError: a port or an option is malformed. The text may quote it.
    """
    # The address is not split by `urlsplit`, because newer releases of Python accept an IPv6 address only as the first
    # host.
    scheme, _, rest = url.partition("+sentinel://")
    rest, _, query = rest.partition("?")
    netloc, _, path = rest.partition("/")
    login, _, hosts = netloc.rpartition("@")
    service, _, database = path.strip("/").partition("/")
    sentinels = tuple(_host_and_port(each) for each in hosts.split(","))
    if not service or not all(host for host, _ in sentinels):
        raise AddressError("names no Sentinel or no service: it is redis+sentinel://HOST:PORT/SERVICE")
    if database and not (database.isascii() and database.isdigit()):
        raise AddressError("names a database that is not a number: it is redis+sentinel://HOST:PORT/SERVICE/0")
    server = f"{login}@server" if login else "server"
    given: dict[str, Any] = parse_url(f"{scheme}://{server}/{database}?{query}")  # type: ignore[no-untyped-call]
    login_of_sentinels = {name: given.pop(option) for option, name in _SENTINEL_OPTIONS.items() if option in given}
    # SentinelConnectionPool chooses its connection class by `ssl`, and the Sentinels name the host.
    for name in ("host", "port", "connection_class"):
        given.pop(name, None)
    tls = {name: value for name, value in given.items() if name.startswith("ssl_")}
    if scheme == "rediss":
        tls["ssl"] = True
    return SentinelAddress(sentinels, unquote(service), {**given, **tls}, {**tls, **login_of_sentinels})


def check_address(url: str) -> None:
    """Check the form of a Redis address.

    Raises:
        AddressError: an address of Sentinels is malformed; the text never quotes it.
        ValueError: the address is malformed. The text of the error may quote it, with the password.
    """
    if is_sentinel(url):
        sentinel_address(url)
    else:
        parse_url(url)  # type: ignore[no-untyped-call]


def redis_address(url: str) -> str:
    """Host and port of a Redis address, or of its Sentinels with the service's name, without any password."""
    if is_sentinel(url):
        address = sentinel_address(url)
        hosts = ",".join(f"{host}:{port}" for host, port in address.sentinels)
        return f"{hosts}/{address.service}"
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 6379}" if parts.hostname else parts.path


def _host_and_port(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    return parts.hostname or "", _SENTINEL_PORT if parts.port is None else parts.port
