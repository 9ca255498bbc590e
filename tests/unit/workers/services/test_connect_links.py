"""Links with which a user connects: the user, the hour for which a link is valid, and the allowed return addresses."""

import datetime as dt
from types import SimpleNamespace
from typing import cast

import pytest
import time_machine
from cryptography.fernet import Fernet
from pydantic import AnyHttpUrl, SecretStr

from workers.boot.settings import Settings
from workers.secrets.vault import Vault
from workers.services.connect_links import (
    ConnectLink,
    NoClientError,
    NoPublicUrlError,
    ReturnUrlRefusedError,
    address_of,
    is_allowed,
    link_from,
)

HOST = "https://app.example.com/settings"


def a_vault() -> Vault:
    return Vault([SecretStr(Fernet.generate_key().decode())])


def some_settings(public_url: str | None = "https://booksync.example.com/", *returns: str) -> Settings:
    allowed = tuple(AnyHttpUrl(each) for each in returns)
    url = public_url and AnyHttpUrl(public_url)
    return cast(Settings, SimpleNamespace(public_url=url, connect_return_urls=allowed, has_zoho_client=True))


def sealed_in(address: str) -> str:
    beginning, _, sealed = address.partition("?link=")
    assert beginning == "https://booksync.example.com/connect"
    return sealed.replace("%3D", "=")


def test_a_link_names_the_user_and_the_return_address() -> None:
    vault, link = a_vault(), ConnectLink("user 7", f"{HOST}/zoho")
    assert (
        link_from(vault, sealed_in(address_of(some_settings("https://booksync.example.com", HOST), vault, link)))
        == link
    )


def test_a_link_is_valid_for_an_hour() -> None:
    vault, start = a_vault(), dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
    with time_machine.travel(start, tick=False) as clock:
        sealed = sealed_in(address_of(some_settings(), vault, ConnectLink("7")))
        clock.shift(3600)
        assert link_from(vault, sealed) == ConnectLink("7")
        clock.shift(1)
        assert link_from(vault, sealed) is None


def test_a_text_sealed_for_another_purpose_is_not_accepted() -> None:
    vault = a_vault()
    assert link_from(vault, vault.seal('{"user_id": "7"}', "something else")) is None


def test_a_link_of_other_keys_is_not_accepted() -> None:
    sealed = sealed_in(address_of(some_settings(), a_vault(), ConnectLink("7")))
    assert link_from(a_vault(), sealed) is None


def test_a_link_needs_zohos_client() -> None:
    settings = cast(Settings, SimpleNamespace(has_zoho_client=False))
    with pytest.raises(NoClientError, match="ZOHO_CLIENT_ID and ZOHO_CLIENT_SECRET"):
        address_of(settings, a_vault(), ConnectLink("user 7"))


def test_a_link_needs_a_public_url() -> None:
    with pytest.raises(NoPublicUrlError):
        address_of(some_settings(None), a_vault(), ConnectLink("7"))


def test_a_return_address_must_be_allowed() -> None:
    with pytest.raises(ReturnUrlRefusedError):
        address_of(some_settings(), a_vault(), ConnectLink("7", HOST))


@pytest.mark.parametrize("address", [HOST, f"{HOST}/", f"{HOST}/zoho?tab=1", "https://app.example.com:443/settings"])
def test_addresses_below_an_allowed_one_are_allowed(address: str) -> None:
    assert is_allowed(address, (AnyHttpUrl(HOST),))


@pytest.mark.parametrize(
    "address",
    [
        "https://app.example.com/",  # above it
        "https://app.example.com/settings-of-another",
        "https://app.example.com/settings/../admin",
        "https://app.example.com/settings/%2E%2e/admin",
        "http://app.example.com/settings",
        "https://app.example.com:8443/settings",
        "https://app.example.com.evil.example/settings",
        "https://app.example.com@evil.example/settings",
        "https://evil.example\\@app.example.com/settings",
        "//app.example.com/settings",
        "javascript:alert(1)",
        "https://app.example.com:x/settings",
        "https://[app/settings",
        "",
    ],
)
def test_other_addresses_are_not_allowed(address: str) -> None:
    assert not is_allowed(address, (AnyHttpUrl(HOST),))
