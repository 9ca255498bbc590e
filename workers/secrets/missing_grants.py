"""Gives many connections their grants in batches, for example after an upgrade from a release without grants.

A batch costs few statements and decrypts no access token. A connection works without a grant too, because the first
reader of its token makes the grant.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import Engine

from db import grants, missing_grants
from db.connections import UnknownConnectionError
from db.missing_grants import BEFORE_ALL, Unlinked, Wanted
from db.secrets import Place, SecretName
from db.session import Session
from db.transactions import in_transaction
from domain.connection_states import WrongStateError
from workers.observability.logs import describe
from workers.secrets.grants import adopt, hashing
from workers.secrets.vault import UnreadableSecretError, Vault

log = structlog.get_logger(__name__)

#: The most connections of one batch, so that their rows are locked for some milliseconds only.
BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class _Batch:
    """What was done for the connections of one batch."""

    linked: Sequence[uuid.UUID]
    left: Sequence[uuid.UUID]  #: those that another transaction had locked or changed
    last: uuid.UUID  #: the last connection of the batch
    is_last: bool


def adopt_some(engine: Engine, vault: Vault, *, batch: int = BATCH) -> bool:
    """Give one batch of connections their grants, and delete unused grants. Returns True if no further batch is left.

    A batch without a readable token is passed over. Connections that another transaction has locked are left for a
    later call.
    """
    done = _adopt_batch(engine, vault, BEFORE_ALL, batch)
    while not done.linked and not done.is_last:
        done = _adopt_batch(engine, vault, done.last, batch)
    _delete_unused(engine)
    return done.is_last


def adopt_all(engine: Engine, vault: Vault, *, batch: int = BATCH) -> int:
    """Give each connection without a grant its grant, and delete unused grants. Returns the number of connections.

    A connection whose token cannot be read is logged and left as it is.
    """
    adopted, last, is_last = 0, BEFORE_ALL, False
    while not is_last:
        done = _adopt_batch(engine, vault, last, batch)
        adopted += len(done.linked) + sum(_is_adopted(engine, vault, each) for each in done.left)
        last, is_last = done.last, done.is_last
    _delete_unused(engine)
    return adopted


def _delete_unused(engine: Engine) -> None:
    with engine.begin() as db:
        grants.delete_unused(db)


def _adopt_batch(engine: Engine, vault: Vault, after: uuid.UUID, limit: int) -> _Batch:
    with engine.connect() as db:
        found = missing_grants.read(db, after=after, limit=limit)
    tokens = _readable(vault, found)
    linked: Sequence[uuid.UUID] = ()
    if tokens:
        # The tokens were read without a lock, so that no row is locked while they are decrypted.
        linked = in_transaction(engine, lambda db: _link(db, vault, tokens))
    left = {each.connection_id for each in tokens}.difference(linked)
    return _Batch(linked, sorted(left), found[-1].connection_id if found else after, len(found) < limit)


def _readable(vault: Vault, found: Sequence[Unlinked]) -> Mapping[Unlinked, str]:
    """The refresh tokens of the connections, without those that cannot be decrypted."""
    tokens = {}
    for each in found:
        try:
            tokens[each] = vault.decrypt(each.refresh_token, Place(SecretName.REFRESH_TOKEN, each.connection_id))
        except UnreadableSecretError as error:
            _log_unreadable(each.connection_id, error)
    return tokens


def _link(db: Session, vault: Vault, tokens: Mapping[Unlinked, str]) -> Sequence[uuid.UUID]:
    """Link the connections to the grants of their tokens; none while the key of the hashes cannot be read."""
    try:
        hash_of = hashing(db, vault)
    except UnreadableSecretError as error:
        log.warning(
            "The key of the refresh tokens' hashes cannot be read, so no connection gets a grant now",
            action="grant.unreadable",
            reason=describe(error),
        )
        return ()
    hashes = {each: hash_of(token) for each, token in tokens.items()}
    wanted = {(each.client, each.data_center, hashes[each]): (each, token) for each, token in tokens.items()}
    missing_grants.make(db, [_wanted(vault, each, token, hashes[each]) for each, token in wanted.values()])
    return missing_grants.link(db, hashes)


def _wanted(vault: Vault, unlinked: Unlinked, token: str, token_hash: str) -> Wanted:
    grant_id = uuid.uuid4()
    encrypted = vault.encrypt(token, Place(SecretName.REFRESH_TOKEN, grant_id), like=unlinked.refresh_token)
    return Wanted(grant_id, unlinked.client, unlinked.data_center, token_hash, encrypted)


def _is_adopted(engine: Engine, vault: Vault, connection_id: uuid.UUID) -> bool:
    """Give one connection its grant, and wait for a transaction that has locked the connection."""
    try:
        in_transaction(engine, lambda db: adopt(db, vault, connection_id))
    except (UnknownConnectionError, WrongStateError):
        return False  # A person has disconnected or erased the connection in the meantime.
    except UnreadableSecretError as error:
        _log_unreadable(connection_id, error)
        return False
    return True


def _log_unreadable(connection_id: uuid.UUID, error: UnreadableSecretError) -> None:
    log.warning(
        "A connection's refresh token cannot be read, so the connection shares no grant yet",
        action="grant.unreadable",
        connection_id=str(connection_id),
        reason=describe(error),
    )
