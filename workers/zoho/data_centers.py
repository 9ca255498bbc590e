"""Where Zoho lives: the hosts of each data centre, and the origins that override them (API sections 2 and 5)."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from workers.zoho.errors import InvalidOrigin, UnknownDataCenter

#: Zoho's data centres, as `--dc` names them. Canada alone has hosts that do not follow the pattern.
DATA_CENTERS = ("com", "eu", "in", "com.au", "jp", "com.cn", "sa", "ca")

_ACCOUNTS_ORIGINS = {"ca": "https://accounts.zohocloud.ca"}


@dataclass(frozen=True, slots=True)
class ZohoHosts:
    """One connection's hosts."""

    accounts_origin: str
    api_origin: str
    api_overridden: bool  #: ZOHO_API_URL names the API's origin, whatever a token says

    def api_origin_for(self, api_domain: str | None) -> str:
        """Where to call with a token that came with this `api_domain`: an override wins over it, it over the table.

        The token goes there, so anything but an https origin is not followed.
        """
        if self.api_overridden or not api_domain:
            return self.api_origin
        origin = _origin(api_domain)
        return origin if origin is not None and origin.startswith("https://") else self.api_origin


def zoho_hosts(data_center: str, *, api_url: str | None = None, accounts_url: str | None = None) -> ZohoHosts:
    """The hosts of a data centre; `api_url` and `accounts_url` are the settings' overriding origins.

    Raises:
        UnknownDataCenter: the name is none of `DATA_CENTERS`.
        InvalidOrigin: an override is not an origin.
    """
    name = data_center.strip().lower()
    if name not in DATA_CENTERS:
        raise UnknownDataCenter(detail=f"known: {', '.join(DATA_CENTERS)}")
    return ZohoHosts(
        accounts_origin=_override(accounts_url, "ZOHO_ACCOUNTS_URL")
        or _ACCOUNTS_ORIGINS.get(name, f"https://accounts.zoho.{name}"),
        api_origin=_override(api_url, "ZOHO_API_URL") or f"https://www.zohoapis.{name}",
        api_overridden=bool(api_url),
    )


def _override(url: str | None, variable: str) -> str | None:
    if not url:
        return None
    origin = _origin(url)
    if origin is None:
        raise InvalidOrigin(detail=variable)  # Not its value: somebody may have put a password into it.
    return origin


def _origin(url: str) -> str | None:
    """`https://host` or `http://host:port`, in that form; None for everything that is more or less than an origin."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        return None
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" if port is None else f"{parts.scheme}://{host}:{port}"
