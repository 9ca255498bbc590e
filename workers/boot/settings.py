"""The settings: environment variables, read and checked once a process."""

import re
from functools import lru_cache
from ipaddress import ip_address
from typing import Annotated, Any, Literal

from cryptography.fernet import Fernet
from pydantic import (
    AnyHttpUrl,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from db.engine import prepares_statements, without_prepared_statements
from domain.phones import PhoneFallback
from workers.redis_access.addresses import SCHEMES, AddressError, check_address


class SettingsError(Exception):
    """A setting is missing or malformed."""


#: Whoever parses an address quotes it in its error, the password too.
_NO_ADDRESS = "is no address: check its port, and that special characters of the password are percent-encoded"


#: The newest and, during a rotation, the one before it.
_MOST_REMINDER_SECRETS = 2
_SHORTEST_REMINDER_SECRET = 16


def _origin(value: Any) -> Any:
    """An empty variable, as compose files produce, means unset; a trailing slash means nothing."""
    return (value.strip().rstrip("/") or None) if isinstance(value, str) else value


def _lowered(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


def _is_this_host(url: AnyHttpUrl) -> bool:
    """Whether what is sent there leaves this machine unseen by any network."""
    host = (url.host or "").strip("[]").rstrip(".")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


Origin = Annotated[AnyHttpUrl | None, BeforeValidator(_origin)]


class DatabaseSettings(BaseSettings):
    """Where the database is."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True, frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )

    database_prepared_statements: Annotated[Literal["on", "off"], BeforeValidator(_lowered)] = "on"
    database_url: SecretStr  #: with ?prepared_statements=off where they are off

    @field_validator("*", mode="before")
    @classmethod
    def _is_text(cls, value: Any) -> Any:
        # Bytes that are not UTF-8 come as halves of surrogate pairs, which no driver and no header can send.
        if isinstance(value, str) and not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise ValueError("is not UTF-8 text") from None
        return value

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, url: SecretStr, info: ValidationInfo) -> SecretStr:
        # Whatever driver is named, ours takes its place (db.engine.database_url).
        if not re.match(r"postgres(ql(\+\w+)?)?://", url.get_secret_value()):
            raise ValueError("must start with postgresql://")
        try:
            make_url(url.get_secret_value())
        except (ArgumentError, ValueError):
            raise ValueError(_NO_ADDRESS) from None
        prepares_statements(url.get_secret_value())  # Raises ValueError for another word than on or off.
        if info.data.get("database_prepared_statements") == "off":
            return SecretStr(without_prepared_statements(url.get_secret_value()))
        return url


class Settings(DatabaseSettings):
    """Every setting, by the environment variable of the same name in capitals (DESIGN: Contracts)."""

    redis_url: SecretStr
    zoho_client_id: str
    zoho_client_secret: SecretStr
    encryption_keys: Annotated[tuple[SecretStr, ...], NoDecode]

    zoho_api_url: Origin = None
    zoho_accounts_url: Origin = None
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
    phone_fallback: PhoneFallback = PhoneFallback.NONE
    # Before the address, which is checked with it.
    reminder_webhook_allow_http: bool = False
    reminder_webhook_url: SecretStr | None = None
    reminder_webhook_proxy_url: SecretStr | None = None
    #: The newest first; two during a rotation.
    reminder_webhook_secret: Annotated[tuple[SecretStr, ...] | None, NoDecode] = Field(
        default=None, validate_default=True
    )
    public_url: Origin = None

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

    @field_validator("reminder_webhook_url")
    @classmethod
    def _is_web_address(cls, url: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if url is None:
            return None
        try:
            address = AnyHttpUrl(url.get_secret_value())
        except ValueError:
            raise ValueError("is no web address: it starts with https:// (or http://)") from None
        if address.scheme == "http" and not _is_this_host(address) and not info.data.get("reminder_webhook_allow_http"):
            raise ValueError(
                "starts with http://, so the network could read names and phone numbers: use https://, or set "
                "REMINDER_WEBHOOK_ALLOW_HTTP=true"
            )
        return url

    @field_validator("reminder_webhook_proxy_url")
    @classmethod
    def _is_proxy(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            try:
                AnyHttpUrl(url.get_secret_value())
            except ValueError:
                raise ValueError("is no HTTP proxy: it starts with http:// or https://") from None
        return url

    @field_validator("reminder_webhook_secret")
    @classmethod
    def _goes_with_its_address(
        cls, secrets: tuple[SecretStr, ...] | None, info: ValidationInfo
    ) -> tuple[SecretStr, ...] | None:
        if secrets:
            return secrets
        if info.data.get("reminder_webhook_url") is not None:
            raise ValueError("is needed with REMINDER_WEBHOOK_URL: the receiver knows by it that booksync posts")
        return None

    @field_validator("reminder_webhook_secret")
    @classmethod
    def _are_long_and_few(cls, secrets: tuple[SecretStr, ...] | None) -> tuple[SecretStr, ...] | None:
        found = secrets or ()
        if len(found) > _MOST_REMINDER_SECRETS:
            raise ValueError("holds more than two secrets: the newest and, during a rotation, the one before it")
        if any(len(secret.get_secret_value()) < _SHORTEST_REMINDER_SECRET for secret in found):
            raise ValueError("holds a secret of fewer than 16 characters (a comma separates two secrets)")
        return secrets

    @field_validator("public_url")
    @classmethod
    def _is_only_a_place(cls, url: AnyHttpUrl | None) -> AnyHttpUrl | None:
        if url is not None and (url.query or url.fragment or url.username or url.password):
            raise ValueError("must be a scheme, a host and at most a path, such as https://booksync.example.com")
        return url

    @field_validator("encryption_keys", "reminder_webhook_secret", mode="before")
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


@lru_cache(maxsize=1)
def settings() -> Settings:
    """This process's settings.

    Raises:
        SettingsError: one line that names every variable that is missing or malformed, never its value.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(_one_line(error)) from None


def database_url() -> str:
    """DATABASE_URL alone: a migration needs no other setting.

    Raises:
        SettingsError: it is missing or malformed.
    """
    try:
        return DatabaseSettings().database_url.get_secret_value()
    except ValidationError as error:
        raise SettingsError(_one_line(error)) from None


def _one_line(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    missing = [_variable(problem["loc"]) for problem in problems if problem["type"] == "missing"]
    malformed = [
        f"{_variable(problem['loc'])} {problem['msg'].removeprefix('Value error, ')}"
        for problem in problems
        if problem["type"] != "missing"
    ]
    sentences = []
    if missing:
        sentences.append(f"missing setting{'s' if len(missing) > 1 else ''}: {', '.join(missing)}")
    if malformed:
        sentences.append(f"malformed setting{'s' if len(malformed) > 1 else ''}: {'; '.join(malformed)}")
    return ". ".join(sentence[0].upper() + sentence[1:] for sentence in sentences) + "."


def _variable(location: tuple[int | str, ...]) -> str:
    return str(location[0]).upper()
