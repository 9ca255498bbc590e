"""What a webhook rule in Zoho needs of a connection: the address, the secret and the header that carries it."""

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from db import secrets as stored_secrets
from db import webhook_secrets
from db.connections import UnknownConnectionError
from db.secrets import Place, SecretName
from db.webhook_secrets import Refusals
from workers.keys import prove_keys
from workers.resources import Resources
from workers.settings import Settings
from workers.vault import UnreadableSecretError

#: Hexadecimal digits: twice as many. Zoho takes 12 to 50 alphanumeric characters.
_SECRET_BYTES = 20


class RotationUnderWayError(Exception):
    """The former webhook secret is still accepted, because Zoho's rules may still carry it."""


@dataclass(frozen=True, slots=True)
class WebhookRule:
    """What to enter in Zoho, and the webhooks that were refused."""

    connection_id: uuid.UUID
    url: str  #: whole with PUBLIC_URL, else the path on the web process's host
    secret: str = field(repr=False)
    former_secret: str | None = field(repr=False)  #: accepted during a rotation
    former_until: datetime | None
    refusals: Refusals


def webhook_url(settings: Settings, connection_id: uuid.UUID) -> str:
    """The address that Zoho calls; without PUBLIC_URL only its path is known."""
    path = f"/webhooks/zoho/{connection_id}"
    return f"{str(settings.public_url).rstrip('/')}{path}" if settings.public_url else path


def new_secret() -> str:
    return secrets.token_hex(_SECRET_BYTES)


def rule_of(resources: Resources, connection_id: uuid.UUID) -> WebhookRule:
    """The connection's rule.

    Raises:
        UnknownConnectionError: no such connection.
        UnreadableSecretError: its secrets were encrypted with a key that is missing.
    """
    with resources.engine.connect() as database:
        stored = webhook_secrets.find(database, connection_id)
        if stored is None:
            raise UnknownConnectionError(f"There is no connection {connection_id}.")
        refusals = webhook_secrets.refusals(database, connection_id)
    place = Place(SecretName.WEBHOOK_SECRET, connection_id)
    return WebhookRule(
        connection_id=connection_id,
        url=webhook_url(resources.settings, connection_id),
        secret=resources.vault.decrypt(stored.current, place),
        former_secret=resources.vault.decrypt(stored.former, place) if stored.former else None,
        former_until=stored.former_until,
        refusals=refusals,
    )


def rotate(resources: Resources, connection_id: uuid.UUID) -> WebhookRule:
    """Gives the connection a new secret; the former one is accepted for `webhook_secrets.FORMER_SECRET_DAYS`.

    A former secret that cannot be read authenticates nothing, so it is dropped.

    Raises:
        RotationUnderWayError: an earlier rotation is not over.
        UnknownConnectionError: no such connection.
        WrongKeysError: this process's keys are not those of the stored secrets; nothing is changed.
    """
    with resources.engine.begin() as database:
        prove_keys(database, resources.vault)
        stored = webhook_secrets.find(database, connection_id)
        if stored is None:
            raise UnknownConnectionError(f"There is no connection {connection_id}.")
        secret = _encrypted_secret(database, resources, connection_id)
        keeps_former = _is_readable(resources, connection_id, stored.current)
        if not webhook_secrets.rotate(database, connection_id, secret, keeps_former=keeps_former):
            until = f" until {stored.former_until:%Y-%m-%d %H:%M} UTC" if stored.former_until else ""
            raise RotationUnderWayError(
                f"A rotation is under way: the former webhook secret is accepted{until}. Next: put the new secret into "
                f"Zoho's rules (booksync webhook show {connection_id}), then booksync webhook rotate {connection_id} "
                "--end"
            )
    return rule_of(resources, connection_id)


def _is_readable(resources: Resources, connection_id: uuid.UUID, encrypted: str) -> bool:
    try:
        resources.vault.decrypt(encrypted, Place(SecretName.WEBHOOK_SECRET, connection_id))
    except UnreadableSecretError:
        return False
    return True


def _encrypted_secret(database: Connection, resources: Resources, connection_id: uuid.UUID) -> str:
    place = Place(SecretName.WEBHOOK_SECRET, connection_id)
    return resources.vault.encrypt(new_secret(), place, like=stored_secrets.example(database))


def end_rotation(resources: Resources, connection_id: uuid.UUID) -> bool:
    """Accepts the new secret only, from now on. Returns False where no former one was accepted.

    Raises:
        UnknownConnectionError: no such connection.
    """
    with resources.engine.begin() as database:
        stored = webhook_secrets.find(database, connection_id)
        if stored is None:
            raise UnknownConnectionError(f"There is no connection {connection_id}.")
        webhook_secrets.end_rotation(database, connection_id)
    return stored.former is not None
