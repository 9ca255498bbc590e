"""Adds and lists OAuth clients in addition to the settings' client, and replaces their secrets."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from db import clients, clock
from db import secrets as stored_secrets
from db.clients import ALL, DEFAULT, StoredClient
from db.secrets import Place, SecretName
from domain.errors import BooksyncError
from workers.boot.resources import Resources
from workers.secrets.keys import prove_keys
from workers.zoho import data_center_named

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class ClientNameError(BooksyncError):
    """A client's name has 1 to 40 small letters, digits, - and _, and is not "default", the name of the settings'
    client."""


class ClientIdMissingError(BooksyncError):
    """A client needs the client id that Zoho's API console shows."""


class ClientExistsError(BooksyncError):
    """The client has a secret for this data centre already, or another client id."""


class NoSuchClientError(BooksyncError):
    """No client has this name with a secret for this data centre. Next: booksync clients list."""


@dataclass(frozen=True, slots=True)
class ListedClient:
    """A client's secret for one data centre or for all, without the secret."""

    name: str
    data_center: str
    client_id: str
    connections: int  #: the connections that use this secret


def add_client(resources: Resources, *, name: str, client_id: str, data_center: str | None, secret: str) -> None:
    """Store a client's secret for one data centre, or for all that have no secret of their own.

    Raises:
        ClientNameError: the name is malformed or reserved.
        ClientIdMissingError: the client id is empty.
        ClientExistsError: the client has such a secret already, or another client id.
        UnknownDataCenter: `data_center` is not a data centre of Zoho.
        WrongKeysError: this process's keys cannot read the stored secrets; nothing is stored.
    """
    if name == DEFAULT or not _NAME.fullmatch(name):
        raise ClientNameError
    if not client_id:
        raise ClientIdMissingError
    place = Place(SecretName.CLIENT_SECRET, uuid.uuid4())
    where = _where(data_center)
    with resources.engine.begin() as db:
        prove_keys(db, resources.vault)
        for other in clients.listed(db, name):
            if other.client_id != client_id:
                raise ClientExistsError(
                    f"The client {name} has the client id {other.client_id}. Next: another name for another client id."
                )
        encrypted = resources.vault.encrypt(secret, place, like=stored_secrets.example(db))
        assert isinstance(place.row_id, uuid.UUID)
        new = StoredClient(place.row_id, name, where, client_id, encrypted, clock.present(db))
        if not clients.add(db, new):
            raise ClientExistsError(
                f"The client {name} has a secret for the data centre {where} already. Next: booksync clients rotate "
                f"{name}{'' if where == ALL else f' --dc {where}'}"
            )
        prove_keys(db, resources.vault)  # The first secret saves the key canary.


def rotate_client(resources: Resources, *, name: str, data_center: str | None, secret: str) -> None:
    """Replace a client's secret. Every later refresh uses the new one.

    Raises:
        NoSuchClientError: the client has no secret for exactly this data centre (or for all).
        UnknownDataCenter: `data_center` is not a data centre of Zoho.
        WrongKeysError: this process's keys cannot read the stored secrets; nothing is stored.
    """
    where = _where(data_center)
    with resources.engine.begin() as db:
        prove_keys(db, resources.vault)
        stored = next((each for each in clients.listed(db, name) if each.data_center == where), None)
        if stored is None:
            raise NoSuchClientError
        place = Place(SecretName.CLIENT_SECRET, stored.row_id)
        clients.replace_secret(db, stored.row_id, resources.vault.encrypt(secret, place, like=stored.secret))


def list_clients(resources: Resources) -> Sequence[ListedClient]:
    """Return the client of the settings, then the stored ones by name and data centre."""
    with resources.engine.connect() as db:
        stored = clients.listed(db)
        used = clients.connections_by_client(db)
    own = {(each.name, each.data_center) for each in stored}
    default = sum(count for (name, _), count in used.items() if name == DEFAULT)
    listed = [ListedClient(DEFAULT, ALL, resources.settings.zoho_client_id, default)]
    for each in stored:
        counts = (
            count
            for (name, data_center), count in used.items()
            if name == each.name and each.data_center == (data_center if (name, data_center) in own else ALL)
        )
        listed.append(ListedClient(each.name, each.data_center, each.client_id, sum(counts)))
    return listed


def _where(data_center: str | None) -> str:
    return ALL if data_center is None else data_center_named(data_center)
