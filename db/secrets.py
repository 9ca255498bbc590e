"""Statements over the encrypted columns of zoho_connections, for the rotation of keys."""

from collections.abc import Callable

from sqlalchemy import Engine, text

_LOCK = text("""
    SELECT refresh_token_encrypted, webhook_secret_encrypted, access_token_encrypted
      FROM zoho_connections WHERE id = :id FOR NO KEY UPDATE
""")
_WRITE = text("""
    UPDATE zoho_connections
       SET refresh_token_encrypted = :refresh_token_encrypted,
           webhook_secret_encrypted = :webhook_secret_encrypted,
           access_token_encrypted = :access_token_encrypted
     WHERE id = :id
""")


def rotate(engine: Engine, reencrypt: Callable[[str], str]) -> int:
    """Passes every stored secret through `reencrypt`, a connection at a time; returns how many connections there were.

    The row's lock keeps a worker from refreshing a token in between. What `reencrypt` raises leaves that connection and
    those after it as they were; to run it again is harmless.
    """
    with engine.connect() as connection:
        ids = list(connection.execute(text("SELECT id FROM zoho_connections ORDER BY id")).scalars())
    for connection_id in ids:
        with engine.begin() as connection:
            stored = connection.execute(_LOCK, {"id": connection_id}).one()._mapping
            fresh = {name: value and reencrypt(value) for name, value in stored.items()}
            connection.execute(_WRITE, {"id": connection_id, **fresh})
    return len(ids)
