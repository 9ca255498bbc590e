"""Zoho's hosts by data centre, and the settings that override them (API sections 2 and 5: requests and OAuth)."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from workers.zoho.errors import InvalidOrigin, UnknownDataCenter, UnsafeOrigin

#: Zoho's data centres, as `--dc` names them. Only Canada's accounts server does not follow the pattern.
DATA_CENTERS: Final = ("com", "eu", "in", "com.au", "jp", "com.cn", "sa", "ca", "uk", "ae")

#: Names of data centres in Zoho's `location` that differ from the names above.
DATA_CENTER_ALIASES: Final = {"us": "com", "au": "com.au", "cn": "com.cn"}

_ACCOUNTS_ORIGINS: Final = {"ca": "https://accounts.zohocloud.ca"}
_KNOWN_API_HOSTS: Final = frozenset(f"www.zohoapis.{name}" for name in DATA_CENTERS)


#: The name of a data centre that is newer than this release.
_NEWER_NAME: Final = re.compile(r"[a-z]{2,10}(\.[a-z]{2,3})?")


@dataclass(frozen=True, slots=True)
class ZohoUrls:
    """The operator's addresses of a connection's Zoho servers, as origins; None for those of the data centre."""

    accounts_url: str | None = None
    api_url: str | None = None

    @property
    def are_complete(self) -> bool:
        """Whether no address depends on the data centre, so that its name may be unknown to this release."""
        return self.accounts_url is not None and self.api_url is not None


#: No address of the operator's.
OF_DATA_CENTER: Final = ZohoUrls()


@dataclass(frozen=True, slots=True)
class ZohoHosts:
    """The Zoho hosts that one connection calls."""

    accounts_origin: str
    api_origin: str
    api_overridden: bool  #: whether an operator has named the API's host, so that it overrides the one of a token

    def api_origin_for(self, api_domain: str | None) -> str:
        """The origin (`https://host`) for API calls with a token that Zoho returned with this `api_domain`.

        It is the operator's if there is one (the connection's, else ZOHO_API_URL), else the `api_domain` if that names
        a known API host of Zoho, else the API host of the data centre. Unknown hosts are ignored, because they would
        receive the token.
        """
        if self.api_overridden or not api_domain:
            return self.api_origin
        return _known_api_origin(api_domain) or self.api_origin

    def refuses(self, api_domain: str | None) -> bool:
        """Whether this `api_domain` is ignored, because it does not name a known API host of Zoho."""
        return not self.api_overridden and bool(api_domain) and _known_api_origin(api_domain or "") is None


def data_center_named(name: str, urls: ZohoUrls = OF_DATA_CENTER) -> str:
    """The data centre's name in `DATA_CENTERS`; `name` is this name or an alias, in upper or lower case.

    If `urls` are complete, the data centre may be newer than this release.

    Raises:
        UnknownDataCenter: `name` is neither of the two.
    """
    plain = name.strip().lower()
    known = DATA_CENTER_ALIASES.get(plain, plain)
    if known not in DATA_CENTERS and not (urls.are_complete and _NEWER_NAME.fullmatch(known)):
        raise UnknownDataCenter(detail=f"known: {', '.join((*DATA_CENTERS, *DATA_CENTER_ALIASES))}")
    return known


def operators_origin(url: str) -> str:
    """The origin of an operator's address of a Zoho server. Tokens and secrets are sent there.

    Raises:
        UnsafeOrigin: the address is not an origin, or it is unencrypted and not on this host.
    """
    parts = _split_origin(url)
    if parts is None or (parts.scheme == "http" and not _is_this_host(parts.hostname or "")):
        raise UnsafeOrigin
    return _origin(parts)


def zoho_hosts(
    data_center: str,
    *,
    api_url: str | None = None,
    accounts_url: str | None = None,
    urls: ZohoUrls = OF_DATA_CENTER,
) -> ZohoHosts:
    """The hosts of a data centre. `urls` override them, else the settings `api_url` and `accounts_url`.

    Raises:
        UnknownDataCenter: see `data_center_named`.
        InvalidOrigin: a setting is not an origin.
    """
    name = data_center_named(data_center, urls)
    return ZohoHosts(
        accounts_origin=urls.accounts_url
        or _override(accounts_url, "ZOHO_ACCOUNTS_URL")
        or _ACCOUNTS_ORIGINS.get(name, f"https://accounts.zoho.{name}"),
        api_origin=urls.api_url or _override(api_url, "ZOHO_API_URL") or f"https://www.zohoapis.{name}",
        api_overridden=bool(urls.api_url or api_url),
    )


def _known_api_origin(api_domain: str) -> str | None:
    """`https://` and the known API host that `api_domain` names, without any other part of `api_domain`; else None."""
    parts = _split_origin(api_domain)
    if parts is None or parts.scheme != "https" or parts.port not in {None, 443}:
        return None
    return f"https://{parts.hostname}" if parts.hostname in _KNOWN_API_HOSTS else None


def _override(url: str | None, variable: str) -> str | None:
    if not url:
        return None
    parts = _split_origin(url)
    if parts is None or parts.hostname is None:
        raise InvalidOrigin(detail=variable)  # The error does not show the value, because it may contain a password.
    return _origin(parts)


def _origin(parts: SplitResult) -> str:
    hostname = parts.hostname or ""
    host = f"[{hostname}]" if ":" in hostname else hostname
    return f"{parts.scheme}://{host}" if parts.port is None else f"{parts.scheme}://{host}:{parts.port}"


def _is_this_host(hostname: str) -> bool:
    try:
        return ip_address(hostname).is_loopback
    except ValueError:
        return hostname == "localhost"


def _split_origin(url: str) -> SplitResult | None:
    """The parts of `https://host` or `http://host:port`; None for a text that is not exactly an origin."""
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        return None
    return None if parts.path not in {"", "/"} or parts.query or parts.fragment else parts
