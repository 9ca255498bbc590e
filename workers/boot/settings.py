"""The settings: environment variables, or files that they name, which each process reads and checks once."""

import re
from functools import lru_cache
from ipaddress import ip_address
from typing import Annotated, Any, Literal

from cryptography.fernet import Fernet
from pydantic import (
    AnyHttpUrl,
    BeforeValidator,
    Field,
    IPvAnyNetwork,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from db.engine import prepares_statements, without_prepared_statements
from domain.phones import PhoneFallback
from workers.boot.egress_settings import CaBundle, ProxyUrl
from workers.boot.setting_files import SettingsError as SettingsError
from workers.boot.setting_files import read_settings
from workers.redis_access.addresses import SCHEMES, AddressError, check_address

#: This text replaces the parsers' own errors, because they quote the address with its password.
_NO_ADDRESS = "is not an address: check its port, and that special characters of the password are percent-encoded"


#: The newest webhook secret of the receiver and, during a rotation, the previous one.
_MOST_REMINDER_SECRETS = 2
_SHORTEST_REMINDER_SECRET = 16


def _origin(value: Any) -> Any:
    """Return the setting without slashes at its end; None for an empty variable, as compose files produce."""
    return (value.strip().rstrip("/") or None) if isinstance(value, str) else value


def _lowered(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


def _is_this_host(url: AnyHttpUrl) -> bool:
    """Return whether the URL names this machine, so that no network can read the traffic."""
    host = (url.host or "").strip("[]").rstrip(".")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_bare(url: AnyHttpUrl) -> bool:
    """Whether the URL has no user, password, query and fragment."""
    return not (url.username or url.password or url.query or url.fragment)


Origin = Annotated[AnyHttpUrl | None, BeforeValidator(_origin)]


class DatabaseSettings(BaseSettings):
    """The settings that concern the database: its address, and whether it allows prepared statements."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True, frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )

    database_prepared_statements: Annotated[Literal["on", "off"], BeforeValidator(_lowered)] = "on"
    database_url: SecretStr  #: DATABASE_URL, with ?prepared_statements=off if they are off

    @field_validator("*", mode="before")
    @classmethod
    def _is_text(cls, value: Any) -> Any:
        # A text with lone surrogates is refused: Python decodes bytes that are not UTF-8 as lone surrogates, which
        # neither a driver nor a header can send.
        if isinstance(value, str) and not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise ValueError("is not UTF-8 text") from None
        return value

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, url: SecretStr, info: ValidationInfo) -> SecretStr:
        # The driver in the URL is irrelevant, because db.engine.database_url replaces it by psycopg.
        if not re.match(r"postgres(ql(\+\w+)?)?://", url.get_secret_value()):
            raise ValueError("must start with postgresql://")
        try:
            make_url(url.get_secret_value())
        except (ArgumentError, ValueError):
            raise ValueError(_NO_ADDRESS) from None
        # The check of ?prepared_statements raises ValueError for a value other than on or off.
        prepares_statements(url.get_secret_value())
        if info.data.get("database_prepared_statements") == "off":
            return SecretStr(without_prepared_statements(url.get_secret_value()))
        return url


class Settings(DatabaseSettings):
    """Every setting of booksync, each from the environment variable of the same name in capitals."""

    redis_url: SecretStr
    zoho_client_id: str
    zoho_client_secret: SecretStr
    encryption_keys: Annotated[tuple[SecretStr, ...], NoDecode]

    zoho_api_url: Origin = None
    zoho_accounts_url: Origin = None
    zoho_proxy_url: ProxyUrl | None = None
    zoho_ca_bundle: CaBundle | None = None
    zoho_requests_per_minute: int = Field(default=100, ge=1)
    zoho_window_seconds: float = Field(default=60, gt=0)
    zoho_concurrency: int = Field(default=5, ge=1)
    zoho_interactive_reserve: int = Field(default=10, ge=0)
    zoho_daily_reserve: float = Field(default=0.1, ge=0, lt=1)

    sync_interval_seconds: float = Field(default=300, gt=0)
    full_sync_interval_seconds: float = Field(default=86400, gt=0)
    sweep_interval_seconds: float = Field(default=15, gt=0)
    claim_seconds: float = Field(default=90, gt=0)

    console_password: SecretStr | None = None
    console_auth_header: str | None = None
    console_auth_proxies: Annotated[tuple[IPvAnyNetwork, ...] | None, NoDecode] = Field(
        default=None, validate_default=True
    )
    phone_fallback: PhoneFallback = PhoneFallback.NONE
    # reminder_webhook_allow_http precedes reminder_webhook_url, whose validator reads it.
    reminder_webhook_allow_http: bool = False
    reminder_webhook_url: SecretStr | None = None
    reminder_webhook_proxy_url: ProxyUrl | None = None
    #: The newest secret first; two secrets during a rotation.
    reminder_webhook_secret: Annotated[tuple[SecretStr, ...] | None, NoDecode] = Field(
        default=None, validate_default=True
    )
    public_url: Origin = None
    connect_return_urls: Annotated[tuple[AnyHttpUrl, ...] | None, NoDecode] = None

    @property
    def has_zoho_client(self) -> bool:
        """Whether the process has Zoho's client. Only the web process may lack it."""
        return bool(self.zoho_client_id)

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith(SCHEMES):
            raise ValueError(f"must start with {', '.join(SCHEMES[:-1])} or {SCHEMES[-1]}")
        try:
            check_address(url.get_secret_value())
        except AddressError:
            raise
        except ValueError:
            raise ValueError(_NO_ADDRESS) from None
        return url

    @field_validator("console_auth_header")
    @classmethod
    def _is_header(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[A-Za-z0-9-]+", name):
            raise ValueError("is not the name of a header, such as X-Auth-Request-User")
        return name

    @field_validator("console_auth_proxies")
    @classmethod
    def _are_proxies(
        cls, networks: tuple[IPvAnyNetwork, ...] | None, info: ValidationInfo
    ) -> tuple[IPvAnyNetwork, ...] | None:
        if not networks and info.data.get("console_auth_header") is not None:
            raise ValueError(
                "is needed with CONSOLE_AUTH_HEADER: the addresses of the proxies that may send the header"
            )
        if any(network.prefixlen == 0 for network in networks or ()):
            raise ValueError("trusts every address: name the proxies' own addresses")
        return networks

    @field_validator("reminder_webhook_url")
    @classmethod
    def _is_web_address(cls, url: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if url is None:
            return None
        try:
            address = AnyHttpUrl(url.get_secret_value())
        except ValueError:
            raise ValueError("is not a web address: it must start with https:// (or http://)") from None
        if address.scheme == "http" and not _is_this_host(address) and not info.data.get("reminder_webhook_allow_http"):
            raise ValueError(
                "starts with http://, so the network could read names and phone numbers: use https://, or set "
                "REMINDER_WEBHOOK_ALLOW_HTTP=true"
            )
        return url

    @field_validator("reminder_webhook_secret")
    @classmethod
    def _goes_with_its_address(
        cls, secrets: tuple[SecretStr, ...] | None, info: ValidationInfo
    ) -> tuple[SecretStr, ...] | None:
        if secrets:
            return secrets
        if info.data.get("reminder_webhook_url") is not None:
            raise ValueError(
                "is needed with REMINDER_WEBHOOK_URL: by it the receiver verifies that booksync sent the request"
            )
        return None

    @field_validator("reminder_webhook_secret")
    @classmethod
    def _are_long_and_few(cls, secrets: tuple[SecretStr, ...] | None) -> tuple[SecretStr, ...] | None:
        found = secrets or ()
        if len(found) > _MOST_REMINDER_SECRETS:
            raise ValueError("holds more than two secrets: the newest and, during a rotation, the previous one")
        if any(len(secret.get_secret_value()) < _SHORTEST_REMINDER_SECRET for secret in found):
            raise ValueError("holds a secret of fewer than 16 characters (a comma separates two secrets)")
        return secrets

    @field_validator("public_url")
    @classmethod
    def _is_only_a_place(cls, url: AnyHttpUrl | None) -> AnyHttpUrl | None:
        if url is not None and not _is_bare(url):
            raise ValueError("must be a scheme, a host and at most a path, such as https://booksync.example.com")
        return url

    @field_validator("zoho_api_url", "zoho_accounts_url")
    @classmethod
    def _is_only_an_origin(cls, url: AnyHttpUrl | None) -> AnyHttpUrl | None:
        if url is not None and (url.path not in {None, "", "/"} or not _is_bare(url)):
            raise ValueError("must be a scheme and a host, such as http://127.0.0.1:9000; booksync adds the path")
        return url

    @field_validator(
        "encryption_keys", "reminder_webhook_secret", "connect_return_urls", "console_auth_proxies", mode="before"
    )
    @classmethod
    def _split_list(cls, keys: Any) -> Any:
        return tuple(key.strip() for key in keys.split(",") if key.strip()) if isinstance(keys, str) else keys

    @field_validator("encryption_keys")
    @classmethod
    def _are_fernet_keys(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not keys:
            raise ValueError("holds no key")
        for key in keys:
            try:
                Fernet(key.get_secret_value())
            except ValueError:
                raise ValueError(
                    "holds a key that is not a Fernet key (32 bytes in url-safe base64): make one with "
                    "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
                ) from None
        return keys


class WebSettings(Settings):
    """The settings of the web process, which needs Zoho's client only to connect organisations in a browser."""

    zoho_client_id: str = ""
    zoho_client_secret: SecretStr = Field(default=SecretStr(""), validate_default=True)

    @field_validator("zoho_client_secret")
    @classmethod
    def _goes_with_its_id(cls, secret: SecretStr, info: ValidationInfo) -> SecretStr:
        if bool(secret.get_secret_value()) != bool(info.data.get("zoho_client_id")):
            raise ValueError("goes with ZOHO_CLIENT_ID: the web process has both or neither")
        return secret


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings of this process.

    Raises:
        SettingsError: one line that names every missing or malformed variable, never its value.
    """
    return read_settings(Settings)


def web_settings() -> WebSettings:
    """Read the settings of a web process.

    Raises:
        SettingsError: see `settings`.
    """
    return read_settings(WebSettings)


def database_url() -> str:
    """Return DATABASE_URL. Only the database's settings are read, because a migration needs no others.

    Raises:
        SettingsError: DATABASE_URL is missing or malformed.
    """
    return read_settings(DatabaseSettings).database_url.get_secret_value()
