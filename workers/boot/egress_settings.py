"""The types of settings for hosts that reach the internet only through a proxy: its address, and its CAs."""

import ssl
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, AnyHttpUrl, SecretStr


def _is_proxy(url: SecretStr) -> SecretStr:
    try:
        AnyHttpUrl(url.get_secret_value())
    except ValueError:
        raise ValueError("is not an HTTP proxy: it must start with http:// or https://") from None
    return url


def _holds_certificates(path: Path) -> Path:
    try:
        found = ssl.create_default_context(cafile=path).cert_store_stats()
    except ssl.SSLError:
        raise ValueError("is not a file with certificates in PEM form") from None
    except OSError as error:
        raise ValueError(f"names a file that this process cannot read ({error.strerror})") from None
    if not found["x509_ca"]:
        raise ValueError("holds no certificate of a CA")
    return path


#: The address of an HTTP proxy, which may hold a user and a password.
ProxyUrl = Annotated[SecretStr, AfterValidator(_is_proxy)]

#: The path of a file with the certificates of CAs, in PEM form.
CaBundle = Annotated[Path, AfterValidator(_holds_certificates)]
