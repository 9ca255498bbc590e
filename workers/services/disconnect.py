"""Disconnects a connection: ends its work, cancels its reminders, revokes its grant and deletes its secrets."""

import uuid
from dataclasses import dataclass
from enum import StrEnum

import structlog

from db import connections, disconnections, grants
from db.connections import Connection
from db.secrets import Place, SecretName
from db.session import Session
from db.transactions import in_transaction
from domain.connection_states import Command, require_possible
from workers.boot.resources import Resources
from workers.observability.logs import describe
from workers.secrets.grants import adopt
from workers.secrets.missing_grants import adopt_all
from workers.secrets.vault import UnreadableSecretError
from workers.zoho.errors import ZohoError
from workers.zoho.oauth import revoke_refresh_token

log = structlog.get_logger(__name__)

#: The invoices whose reminders are cancelled in one transaction.
_BATCH = 1000


class Revocation(StrEnum):
    """What happened to the grant at Zoho."""

    REVOKED = "revoked"
    SHARED = "shared"  #: another connection uses the grant, so it stays valid
    FAILED = "failed"  #: Zoho did not revoke the grant, or the refresh token cannot be read
    NONE = "none"  #: the connection has no grant any more


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The result of a disconnect."""

    connection: Connection
    was_connected: bool
    cancelled_reminders: int
    revocation: Revocation
    problem: str | None = None  #: why the grant was not revoked

    @property
    def revocation_sentence(self) -> str:
        """What happened to the grant at Zoho; empty for a connection without a grant."""
        match self.revocation:
            case Revocation.REVOKED:
                return "Its grant is revoked at Zoho."
            case Revocation.SHARED:
                return "Its grant stays valid at Zoho, because another connection uses it."
            case Revocation.FAILED:
                return (
                    f"Its grant was not revoked at Zoho: {self.problem} Next: remove booksync in Zoho, under the "
                    "connected apps of the user who gave the grant."
                )
            case Revocation.NONE:
                return ""


def disconnect(resources: Resources, connection_id: uuid.UUID) -> Disconnected:
    """Disconnect the connection. The cached rows stay, and `connect` revives the connection under the same id.

    The command may be repeated after it was interrupted: the secrets are deleted last.

    Raises:
        UnknownConnectionError: the connection does not exist.
        WrongStateError: the connection's rows are being erased.
    """
    with resources.engine.connect() as db:
        status = connections.connection(db, connection_id).status
    require_possible(Command.DISCONNECT, status, str(connection_id))
    return complete_disconnect(resources, connection_id)


def complete_disconnect(resources: Resources, connection_id: uuid.UUID) -> Disconnected:
    """Disconnect the connection in any state; see `disconnect`."""
    was_connected = in_transaction(resources.engine, lambda db: disconnections.stop(db, connection_id))
    cancelled = _cancel_reminders(resources, connection_id)
    revocation, problem = _end_grant(resources, connection_id)
    with resources.engine.connect() as db:
        connection = connections.connection(db, connection_id)
    log.info("A connection is disconnected", action="connection.disconnected", connection_id=str(connection_id))
    return Disconnected(connection, was_connected, cancelled, revocation, problem)


def _cancel_reminders(resources: Resources, connection_id: uuid.UUID) -> int:
    cancelled, has_more = 0, True
    while has_more:
        batch, has_more = in_transaction(
            resources.engine, lambda db: disconnections.cancel_reminders(db, connection_id, limit=_BATCH)
        )
        cancelled += batch
    return cancelled


def _end_grant(resources: Resources, connection_id: uuid.UUID) -> tuple[Revocation, str | None]:
    """Revoke the grant at Zoho unless another connection uses it, then delete the secrets.

    Both are in one transaction, so that a killed process leaves the refresh token for the next attempt.
    """
    adopt_all(resources.engine, resources.vault)  # A connection of the former release may use the same refresh token.
    with resources.engine.begin() as db:
        grants.one_change_at_a_time(db)
        outcome: tuple[Revocation, str | None] = (Revocation.NONE, None)
        if disconnections.has_grant(db, connection_id):
            outcome = _revoked(resources, db, connections.connection(db, connection_id))
        disconnections.delete_secrets(db, connection_id)
    return outcome


def _revoked(resources: Resources, db: Session, connection: Connection) -> tuple[Revocation, str | None]:
    try:
        grant_id = adopt(db, resources.vault, connection.connection_id)
        if grants.is_shared(db, grant_id):
            return Revocation.SHARED, None
        refresh_token = resources.vault.decrypt(
            grants.lock_refresh_token(db, grant_id), Place(SecretName.REFRESH_TOKEN, grant_id)
        )
        revoke_refresh_token(resources.http, resources.tokens(connection).client, refresh_token)
    except (ZohoError, UnreadableSecretError) as error:
        log.warning(
            "The grant of a disconnected connection was not revoked at Zoho",
            action="connection.not_revoked",
            connection_id=str(connection.connection_id),
            reason=describe(error),
        )
        return Revocation.FAILED, describe(error)
    return Revocation.REVOKED, None
