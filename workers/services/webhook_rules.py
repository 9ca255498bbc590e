"""What a webhook rule in Zoho needs to know of a connection: the URL, the secret, and the header with the secret."""

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime

from db import connections, webhook_secrets
from db import secrets as stored_secrets
from db.connections import UnknownConnectionError
from db.secrets import Place, SecretName
from db.session import Session
from db.webhook_secrets import Refusals, WebhookSecrets
from domain.connection_states import Command, require_possible
from domain.errors import BooksyncError
from workers.boot.resources import Resources
from workers.boot.settings import Settings
from workers.secrets.keys import prove_keys
from workers.secrets.vault import MisplacedSecretError, UnreadableSecretError, Vault

#: The bytes of a new secret, which has twice as many hexadecimal digits. Zoho accepts 12 to 50 alphanumeric characters.
_SECRET_BYTES = 20


class RotationUnderWayError(BooksyncError):
    """No rotation can begin, because the former webhook secret is still accepted, for rules in Zoho that carry it."""


class UnreadableWebhookSecretError(UnreadableSecretError):
    """A connection's webhook secret was encrypted with a key that ENCRYPTION_KEYS does not hold."""

    def __init__(self, connection_id: uuid.UUID) -> None:
        super().__init__(
            f"The webhook secret of connection {connection_id} cannot be read: it was encrypted with a key that "
            "ENCRYPTION_KEYS does not hold. Next: add that key at the end of the list and run booksync rotate-keys, or "
            f"make a new secret: booksync webhook rotate {connection_id}"
        )


@dataclass(frozen=True, slots=True)
class WebhookRule:
    """The values that a person enters in Zoho's webhook rule, and the counts of refused webhooks."""

    connection_id: uuid.UUID
    url: str  #: the full URL if PUBLIC_URL is set, else only the path on the web process's host
    secret: str = field(repr=False)
    former_secret: str | None = field(repr=False)  #: the former secret, accepted during a rotation
    former_until: datetime | None
    refusals: Refusals


def webhook_url(settings: Settings, connection_id: uuid.UUID) -> str:
    """Return the URL that Zoho calls; without PUBLIC_URL only its path is known."""
    path = f"/webhooks/zoho/{connection_id}"
    return f"{str(settings.public_url).rstrip('/')}{path}" if settings.public_url else path


def new_secret() -> str:
    return secrets.token_hex(_SECRET_BYTES)


def rule_of(resources: Resources, connection_id: uuid.UUID) -> WebhookRule:
    """Return the values for the connection's webhook rules in Zoho.

    Raises:
        UnknownConnectionError: the connection does not exist.
        WrongStateError: the connection is disconnected.
        UnreadableWebhookSecretError: the current secret was encrypted with a missing key.
        MisplacedSecretError: the current secret was written for another connection.
    """
    with resources.engine.connect() as db:
        stored = _stored(db, connection_id)
        refusals = webhook_secrets.refusals(db, connection_id)
    former = stored.former and _readable(resources.vault, connection_id, stored.former)
    return WebhookRule(
        connection_id=connection_id,
        url=webhook_url(resources.settings, connection_id),
        secret=read_secret(resources.vault, connection_id, stored.current),
        former_secret=former,
        former_until=stored.former_until if former else None,
        refusals=refusals,
    )


def _stored(db: Session, connection_id: uuid.UUID) -> WebhookSecrets:
    """Return the connection's webhook secrets, as they are stored.

    Raises:
        UnknownConnectionError: the connection does not exist.
        WrongStateError: the connection is disconnected.
    """
    stored = webhook_secrets.find(db, connection_id)
    if stored is None:
        require_possible(Command.WEBHOOK, connections.connection(db, connection_id).status, str(connection_id))
        raise UnknownConnectionError(f"Connection {connection_id} has no webhook secret.")
    return stored


def read_secret(vault: Vault, connection_id: uuid.UUID, encrypted: str) -> str:
    """Decrypt the stored webhook secret of the connection.

    Raises:
        UnreadableWebhookSecretError: the secret was encrypted with a missing key.
        MisplacedSecretError: the secret was written for another connection.
    """
    try:
        return vault.decrypt(encrypted, Place(SecretName.WEBHOOK_SECRET, connection_id))
    except MisplacedSecretError:
        raise
    except UnreadableSecretError:
        raise UnreadableWebhookSecretError(connection_id) from None


def require_readable(db: Session, vault: Vault, connection_id: uuid.UUID) -> None:
    """Raise like `read_secret` if the connection exists and its current secret cannot be read."""
    stored = webhook_secrets.find(db, connection_id)
    if stored is not None:
        read_secret(vault, connection_id, stored.current)


def rotate(resources: Resources, connection_id: uuid.UUID) -> WebhookRule:
    """Give the connection a new webhook secret; the former one is accepted for `webhook_secrets.FORMER_SECRET_DAYS`.

    A current secret that cannot be read authenticates no request, so it is dropped and does not become the former
    secret. The former secret of an earlier rotation then stays accepted.

    Raises:
        RotationUnderWayError: an earlier rotation is not over.
        UnknownConnectionError: the connection does not exist.
        WrongKeysError: this process's keys cannot read the stored secrets; nothing is changed.
    """
    with resources.engine.begin() as db:
        prove_keys(db, resources.vault)
        stored = _stored(db, connection_id)
        secret = _encrypted_secret(db, resources, connection_id)
        keeps_current = _readable(resources.vault, connection_id, stored.current) is not None
        if not webhook_secrets.rotate(db, connection_id, secret, keeps_current=keeps_current):
            until = f" until {stored.former_until:%Y-%m-%d %H:%M} UTC" if stored.former_until else ""
            raise RotationUnderWayError(
                f"A rotation is under way: the former webhook secret is accepted{until}. Next: put the new secret into "
                f"Zoho's rules (booksync webhook show {connection_id}), then booksync webhook rotate {connection_id} "
                "--end"
            )
    return rule_of(resources, connection_id)


def _readable(vault: Vault, connection_id: uuid.UUID, encrypted: str) -> str | None:
    """Return the decrypted webhook secret; None if it cannot be read."""
    try:
        return read_secret(vault, connection_id, encrypted)
    except UnreadableSecretError:
        return None


def _encrypted_secret(db: Session, resources: Resources, connection_id: uuid.UUID) -> str:
    place = Place(SecretName.WEBHOOK_SECRET, connection_id)
    return resources.vault.encrypt(new_secret(), place, like=stored_secrets.example(db))


def end_rotation(resources: Resources, connection_id: uuid.UUID) -> bool:
    """End the rotation: accept only the new webhook secret from now on. Returns False if no rotation was in progress.

    Raises:
        UnknownConnectionError: the connection does not exist.
    """
    with resources.engine.begin() as db:
        stored = _stored(db, connection_id)
        webhook_secrets.end_rotation(db, connection_id)
    return stored.former is not None
