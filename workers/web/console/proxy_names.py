"""Names of operators that a trusted proxy has signed in, in the header that CONSOLE_AUTH_HEADER names."""

from ipaddress import IPv6Address, ip_address

from fastapi import Request

from domain.errors import BooksyncError
from domain.operators import Operator, is_name, name_of
from workers.services.operators import enabled_operator
from workers.web.state import peer_of, resources_of
from workers.web.throttled_log import ThrottledLog


class ProxyNameRefusedError(BooksyncError):
    """The trusted proxy names no operator who may sign in."""


_ignored = ThrottledLog(
    "The header that signs operators in was ignored, because CONSOLE_AUTH_PROXIES does not hold the sender's address",
    action="console.header_ignored",
)
_refused = ThrottledLog("A trusted proxy has named no operator who may sign in", action="console.proxy_name_refused")


def name_by_proxy(request: Request) -> str | None:
    """Return the name that a trusted proxy gives, in the form of `name_of`; None without a header or a trusted proxy.

    Only the connection's own address counts. X-Forwarded-For does not, because clients can write it.

    Raises:
        ProxyNameRefusedError: the request has the header twice.
    """
    header = resources_of(request).settings.console_auth_header
    if header is None or not (given := request.headers.getlist(header)):
        return None
    if not _is_trusted(request):
        _ignored.warning(address=peer_of(request) or "unknown")
        return None
    if len(given) > 1:
        raise _refusal(request)
    return name_of(given[0]) or None


def operator_by_proxy(request: Request, name: str) -> Operator:
    """Return the operator that the proxy names, with the role of the operator's row.

    CONSOLE_PASSWORD's operator has no row, so a proxy cannot sign it in.

    Raises:
        ProxyNameRefusedError: no operator has this name, or the operator is disabled.
        DatabaseError: Postgres does not work.
    """
    operator = enabled_operator(resources_of(request), name) if is_name(name) else None
    if operator is None:
        raise _refusal(request)
    return operator


def _refusal(request: Request) -> ProxyNameRefusedError:
    _refused.warning(address=peer_of(request))
    return ProxyNameRefusedError()


def _is_trusted(request: Request) -> bool:
    try:
        address = ip_address(peer_of(request) or "")
    except ValueError:  # A Unix socket has no address.
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in resources_of(request).settings.console_auth_proxies or ())
