"""Makes the grants of connections: connections with the same refresh token share one grant.

A migration cannot do this, because SQL has no encryption keys. A connection gets its grant when its token is first
read, when it is connected, or by the scheduler's upkeep (`missing_grants`). Each call can be repeated and run at the
same time as others.
"""

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Callable

from db import connections, grant_copies, grants, tokens
from db import secrets as stored_secrets
from db.grants import OwnTokens
from db.secrets import HASH_KEY, Place, SecretName
from db.session import Session
from domain.connection_states import ConnectionStatus, WrongStateError, state_sentence
from workers.secrets.vault import UnreadableSecretError, Vault

_KEY_BYTES = 32


def hashing(db: Session, vault: Vault) -> Callable[[str], str]:
    """The keyed hash of refresh tokens, by which equal tokens are found. The first call makes and stores the key.

    Raises:
        UnreadableSecretError: none of this process's keys can read the stored key of the hashes.
    """
    stored = grants.hash_key(db)
    if stored is None:
        new = vault.encrypt(secrets.token_hex(_KEY_BYTES), HASH_KEY, like=stored_secrets.example(db))
        stored = grants.save_hash_key(db, new)
    key = bytes.fromhex(vault.decrypt(stored, HASH_KEY))
    return lambda refresh_token: hmac.new(key, refresh_token.encode(), hashlib.sha256).hexdigest()


def token_hash(db: Session, vault: Vault, refresh_token: str) -> str:
    """The hash of one refresh token; see `hashing`."""
    return hashing(db, vault)(refresh_token)


def adopt(db: Session, vault: Vault, connection_id: uuid.UUID) -> uuid.UUID:
    """Return the connection's grant. If it has none for its present refresh token, find or make the grant.

    If the connection and the grant have different access tokens, the grant keeps the one that expires later.

    Raises:
        WrongStateError, UnknownConnectionError: the connection was disconnected or erased.
        UnreadableSecretError, MisplacedSecretError: the refresh token cannot be read.
    """
    own = grants.lock_own_tokens(db, connection_id)
    if own is None:
        connections.connection(db, connection_id)
        raise WrongStateError(state_sentence(ConnectionStatus.DISCONNECTED, str(connection_id)))
    if own.is_linked and own.former_grant_id is not None:
        return own.former_grant_id
    grant_id = _find_or_make(db, vault, own)
    grants.link(db, connection_id, grant_id)
    take_newer_token(db, vault, grant_id)
    if own.former_grant_id not in (None, grant_id):
        grants.delete_unused(db, own.former_grant_id)
    return grant_id


def _find_or_make(db: Session, vault: Vault, own: OwnTokens) -> uuid.UUID:
    refresh_token = vault.decrypt(own.refresh_token, Place(SecretName.REFRESH_TOKEN, own.connection_id))
    new_id = uuid.uuid4()
    return grants.find_or_make(
        db,
        new_id,
        client=own.client,
        data_center=own.data_center,
        token_hash=token_hash(db, vault, refresh_token),
        refresh_token=vault.encrypt(refresh_token, Place(SecretName.REFRESH_TOKEN, new_id), like=own.refresh_token),
    )


def take_newer_token(db: Session, vault: Vault, grant_id: uuid.UUID) -> bool:
    """Copy the newest access token of the grant's connections to the grant, if it is newer than the grant's own.

    A process of the former release stores a refreshed token in its connection's own column. Returns whether there was
    one that can be read. The grant must be locked.
    """
    newer = tokens.newer_of_connections(db, grant_id)
    if newer is None:
        return False
    try:
        access_token = vault.decrypt(newer.access_token, Place(SecretName.ACCESS_TOKEN, newer.connection_id))
    except UnreadableSecretError:
        return False  # The next refresh replaces this copy.
    encrypted = vault.encrypt(access_token, Place(SecretName.ACCESS_TOKEN, grant_id), like=newer.access_token)
    tokens.take_over(db, grant_id, newer.connection_id, encrypted)
    return True


def write_copies(db: Session, vault: Vault, grant_id: uuid.UUID) -> None:
    """Copy the grant's state and access token to its connections' own columns, for processes of the former release.

    A connection that another transaction has locked keeps its copy.
    """
    stored = grant_copies.access_token(db, grant_id)
    if stored is None:
        return
    access_token = vault.decrypt(stored, Place(SecretName.ACCESS_TOKEN, grant_id))
    connection_ids = grant_copies.lock(db, grant_id)
    copies = {
        each: vault.encrypt(access_token, Place(SecretName.ACCESS_TOKEN, each), like=stored) for each in connection_ids
    }
    grant_copies.write(db, grant_id, copies)
