"""The operator's addresses of Zoho's servers count only if booksync has written them for the connection."""

import uuid

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from db.secrets import Place, SecretName
from workers.secrets.servers import sealed, unsealed
from workers.secrets.vault import MisplacedSecretError, UnreadableSecretError, Vault
from workers.zoho import ZohoUrls
from workers.zoho.data_centers import OF_DATA_CENTER
from workers.zoho.errors import UnsafeOrigin

MINE, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
URLS = ZohoUrls("https://accounts.zoho.example", "https://www.zohoapis.example")


@pytest.fixture
def vault() -> Vault:
    return Vault([SecretStr(Fernet.generate_key().decode())])


def test_addresses_are_read_as_they_were_written(vault: Vault) -> None:
    stored = sealed(vault, URLS, MINE)
    assert stored is not None
    assert "zoho" not in stored
    assert unsealed(vault, stored, MINE) == URLS


def test_a_connection_without_addresses_stores_nothing(vault: Vault) -> None:
    assert sealed(vault, OF_DATA_CENTER, MINE) is None
    assert unsealed(vault, None, MINE) == OF_DATA_CENTER


def test_addresses_copied_from_another_connection_are_refused(vault: Vault) -> None:
    with pytest.raises(MisplacedSecretError):
        unsealed(vault, sealed(vault, URLS, OTHER), MINE)


def test_addresses_that_a_person_has_written_to_the_database_are_refused(vault: Vault) -> None:
    with pytest.raises(UnreadableSecretError):
        unsealed(vault, '{"accounts_url": "https://evil.example", "api_url": null}', MINE)


@pytest.mark.parametrize("secret", ["1000.token", "17", "[]", "{}"])
def test_another_secret_is_not_an_address(vault: Vault, secret: str) -> None:
    with pytest.raises(UnreadableSecretError):
        unsealed(vault, vault.encrypt(secret, Place(SecretName.REFRESH_TOKEN, MINE)), MINE)


def test_stored_addresses_are_checked_again(vault: Vault) -> None:
    place = Place(SecretName.SERVERS, MINE)
    stored = vault.encrypt_bound('{"accounts_url": "http://evil.example", "api_url": null}', place)
    with pytest.raises(UnsafeOrigin):
        unsealed(vault, stored, MINE)
