"""Chooses the OAuth client of a connection: the settings' pair, or a client with a name and its stored secret."""

from dataclasses import replace

from db import clients
from db.clients import DEFAULT, StoredClient
from db.secrets import Place, SecretName
from db.session import Session
from workers.secrets.vault import Vault
from workers.zoho import OAuthClient
from workers.zoho.errors import ClientRejected, NamedClientRejected, UnknownClient, ZohoError


def chosen_client(db: Session, vault: Vault, default: OAuthClient, *, name: str, data_center: str) -> OAuthClient:
    """Return the client `name` with its secret for the data centre, at the accounts server of `default`.

    `default` is the client of the settings, which is returned for the name `DEFAULT`.

    Raises:
        UnknownClient: there is no such client, or it has no secret for this data centre.
        UnreadableSecretError, MisplacedSecretError: the secret cannot be read.
    """
    if name == DEFAULT:
        return default
    stored = clients.find(db, name, data_center)
    if stored is None:
        raise UnknownClient(detail=f"client {name}, data centre {data_center}")
    return replace(default, client_id=stored.client_id, client_secret=secret_of(stored, vault))


def client_in(db: Session, vault: Vault, default: OAuthClient, *, data_center: str) -> tuple[str, OAuthClient]:
    """Return the client of the settings with its name, as Zoho has it in the data centre.

    It may have another secret there: that of a stored client with the same client id, for exactly this data centre.

    Raises:
        UnreadableSecretError, MisplacedSecretError: the secret cannot be read.
    """
    stored = clients.with_id(db, default.client_id, data_center)
    if stored is None:
        return DEFAULT, default
    return stored.name, replace(default, client_secret=secret_of(stored, vault))


def secret_of(stored: StoredClient, vault: Vault) -> str:
    """Return the client's secret.

    Raises:
        UnreadableSecretError, MisplacedSecretError: the secret cannot be read.
    """
    return vault.decrypt(stored.secret, Place(SecretName.CLIENT_SECRET, stored.row_id))


def named(error: ZohoError, name: str) -> ZohoError:
    """Return the error with the next step of the client `name`: a refusal of a client names the way to correct it."""
    if name == DEFAULT or not isinstance(error, ClientRejected):
        return error
    return NamedClientRejected(error.call, status=error.status, detail=f"client {name}")
