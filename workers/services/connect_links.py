"""Links with which a user connects in a browser. A link names the user, is encrypted, and is valid for an hour."""

from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from pydantic import AnyHttpUrl

from domain.errors import BooksyncError
from workers.boot.settings import Settings
from workers.secrets.sealed import Sealed
from workers.secrets.vault import Vault

LINK_SECONDS = 3600


class NoPublicUrlError(BooksyncError):
    """PUBLIC_URL is not set, so browsers and Zoho cannot reach the web process."""

    def __init__(self) -> None:
        super().__init__(
            "PUBLIC_URL is not set. Next: set it to the address at which browsers reach booksync's web process, and"
            " register its /oauth/callback as the redirect URI of the client at Zoho."
        )


class NoClientError(BooksyncError):
    """The web process lacks Zoho's client, so it cannot connect an organisation."""

    def __init__(self) -> None:
        super().__init__(
            "Connecting in a browser needs ZOHO_CLIENT_ID and ZOHO_CLIENT_SECRET in the web process. Next: set both"
            " there, or run booksync connect on the command line."
        )


class ReturnUrlRefusedError(BooksyncError):
    """CONNECT_RETURN_URLS does not allow the address to which the user would go back."""

    def __init__(self) -> None:
        super().__init__(
            "The return address is not allowed. Next: add it, or the beginning of it, to CONNECT_RETURN_URLS."
        )


@dataclass(frozen=True, slots=True)
class ConnectLink:
    """Who connects, and where the browser goes afterwards."""

    user_id: str
    return_url: str | None = None


_SEALED = Sealed(ConnectLink, "connect link", max_age_seconds=LINK_SECONDS)


def address_of(settings: Settings, vault: Vault, link: ConnectLink) -> str:
    """The web address of the link.

    Raises:
        NoPublicUrlError: PUBLIC_URL is not set.
        NoClientError: this is a web process without Zoho's client.
        ReturnUrlRefusedError: CONNECT_RETURN_URLS does not allow the link's return address.
    """
    require_client(settings)
    if link.return_url is not None and not is_allowed(link.return_url, settings.connect_return_urls or ()):
        raise ReturnUrlRefusedError
    return f"{public_url(settings)}/connect?link={quote(_SEALED.seal(vault, link))}"


def link_from(vault: Vault, sealed: str) -> ConnectLink | None:
    """The link that `address_of` made; None if it is older than an hour, or was altered."""
    return _SEALED.unseal(vault, sealed)


def public_url(settings: Settings) -> str:
    """PUBLIC_URL without a slash at its end.

    Raises:
        NoPublicUrlError: it is not set.
    """
    if settings.public_url is None:
        raise NoPublicUrlError
    return str(settings.public_url).rstrip("/")


def require_client(settings: Settings) -> None:
    """Check that the process has Zoho's client.

    Raises:
        NoClientError: see the class.
    """
    if not settings.has_zoho_client:
        raise NoClientError


def is_allowed(address: str, allowed: tuple[AnyHttpUrl, ...]) -> bool:
    """Whether an allowed address has the same scheme, host and port, and a path that begins this address's path."""
    try:
        parts = urlsplit(address)
        origin = (parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme))
    except ValueError:
        return False
    if "@" in parts.netloc or "\\" in address:
        return False
    return any(
        origin == (each.scheme, each.host, each.port) and _is_below(parts.path or "/", each.path or "/")
        for each in allowed
    )


_PORTS = {"https": 443, "http": 80}


def _is_below(path: str, allowed: str) -> bool:
    return ".." not in unquote(path) and (path == allowed or path.startswith(f"{allowed.rstrip('/')}/"))
