"""Statements that give many connections their grants: a batch of connections is read, its grants are made, and linked.

No statement waits for a connection or a grant that another transaction has locked. The workers go on while a batch is
written, and a batch goes on while a worker refreshes a token under a grant's lock. Only `make` waits, for a grant that
another transaction is making at that moment; the batch has locked no connection then.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import text

from db.grants import FINGERPRINT, FINGERPRINT_OF_C
from db.session import Session

#: An id before all others, to read from the first connection on.
BEFORE_ALL: Final = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True)
class Unlinked:
    """A connection whose refresh token has no grant yet."""

    connection_id: uuid.UUID
    client: str
    data_center: str
    credentials: str  #: the fingerprint of the encrypted refresh token
    refresh_token: str = field(repr=False)  #: encrypted for the connection


def read(db: Session, *, after: uuid.UUID = BEFORE_ALL, limit: int) -> Sequence[Unlinked]:
    """The connections without a grant for their refresh token, by their ids; at most `limit`, all after `after`."""
    rows = db.execute(
        text(f"""
            SELECT id, client, data_center, {FINGERPRINT} AS credentials, refresh_token_encrypted
              FROM booksync.zoho_connections
             WHERE refresh_token_encrypted IS NOT NULL AND id > :after
               AND (grant_id IS NULL OR grant_credentials IS DISTINCT FROM {FINGERPRINT})
             ORDER BY id LIMIT :limit
        """),  # noqa: S608
        {"after": after, "limit": limit},
    )
    return [Unlinked(row.id, row.client, row.data_center, row.credentials, row.refresh_token_encrypted) for row in rows]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The grant that a connection needs, under the id that it gets if it does not exist yet."""

    grant_id: uuid.UUID
    client: str
    data_center: str
    token_hash: str
    refresh_token: str = field(repr=False)  #: encrypted for the grant


def make(db: Session, wanted: Sequence[Wanted]) -> None:
    """Make the grants that do not exist yet. They have no access token: the first reader takes over the newest one.

    The order of the inserts is the same in each batch, which prevents deadlocks between batches.
    """
    db.execute(
        text("""
            INSERT INTO booksync.grants (id, client, data_center, token_hash, refresh_token_encrypted)
            SELECT wanted.* FROM unnest(CAST(:ids AS uuid[]), CAST(:clients AS text[]), CAST(:data_centers AS text[]),
                                        CAST(:token_hashes AS text[]), CAST(:refresh_tokens AS text[]))
                     AS wanted (id, client, data_center, token_hash, refresh_token)
             ORDER BY client, data_center, token_hash
            ON CONFLICT (client, data_center, token_hash) DO NOTHING
        """),
        {
            "ids": [each.grant_id for each in wanted],
            "clients": [each.client for each in wanted],
            "data_centers": [each.data_center for each in wanted],
            "token_hashes": [each.token_hash for each in wanted],
            "refresh_tokens": [each.refresh_token for each in wanted],
        },
    )


def link(db: Session, token_hashes: Mapping[Unlinked, str]) -> Sequence[uuid.UUID]:
    """Let each connection use the grant of its token's hash. Returns the connections that use it now.

    Left out are connections whose refresh token has changed since it was read, and those that another transaction has
    locked, or whose unused grant it deletes at the moment.
    """
    linked = db.execute(
        text(f"""
            WITH found AS (
                SELECT c.id, g.id AS grant_id, wanted.credentials
                  FROM unnest(CAST(:ids AS uuid[]), CAST(:credentials AS text[]), CAST(:token_hashes AS text[]))
                       AS wanted (id, credentials, token_hash)
                  JOIN booksync.zoho_connections c ON c.id = wanted.id AND {FINGERPRINT_OF_C} = wanted.credentials
                  JOIN booksync.grants g ON g.client = c.client AND g.data_center = c.data_center
                                        AND g.token_hash = wanted.token_hash
                   FOR NO KEY UPDATE OF c SKIP LOCKED
                   FOR KEY SHARE OF g SKIP LOCKED
            )
            UPDATE booksync.zoho_connections AS c
               SET grant_id = found.grant_id, grant_credentials = found.credentials
              FROM found WHERE c.id = found.id
            RETURNING c.id
        """),  # noqa: S608
        {
            "ids": [each.connection_id for each in token_hashes],
            "credentials": [each.credentials for each in token_hashes],
            "token_hashes": list(token_hashes.values()),
        },
    )
    return list(linked.scalars())
