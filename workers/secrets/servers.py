"""The operator's addresses of a connection's Zoho servers, stored encrypted.

booksync sends tokens and client secrets to these addresses. So a stored address counts only if booksync itself has
written it for this connection: a person who can write to the database, but has no key, cannot name another server.
"""

import json
import uuid

from db.secrets import Place, SecretName
from workers.secrets.vault import UnreadableSecretError, Vault
from workers.zoho.data_centers import OF_DATA_CENTER, ZohoUrls, operators_origin


def sealed(vault: Vault, urls: ZohoUrls, connection_id: uuid.UUID) -> str | None:
    """The addresses as they are stored, bound to the connection; None if each is that of the data centre."""
    if urls == OF_DATA_CENTER:
        return None
    written = json.dumps({"accounts_url": urls.accounts_url, "api_url": urls.api_url})
    return vault.encrypt_bound(written, Place(SecretName.SERVERS, connection_id))


def unsealed(vault: Vault, stored: str | None, connection_id: uuid.UUID) -> ZohoUrls:
    """The stored addresses.

    Raises:
        UnreadableSecretError, MisplacedSecretError: booksync has not written them for this connection.
        UnsafeOrigin: an address is not allowed.
    """
    if stored is None:
        return OF_DATA_CENTER
    try:
        written = json.loads(vault.decrypt(stored, Place(SecretName.SERVERS, connection_id)))
        accounts_url, api_url = written["accounts_url"], written["api_url"]
    except (ValueError, TypeError, KeyError):
        raise UnreadableSecretError from None  # It is the ciphertext of another secret.
    return ZohoUrls(accounts_url and operators_origin(accounts_url), api_url and operators_origin(api_url))
