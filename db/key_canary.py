"""Statements over key_canary: one known text, encrypted, by which a process checks that its keys are right."""

from sqlalchemy import text

from db.session import Session

CIPHERTEXT = "SELECT ciphertext FROM booksync.key_canary"

OTHER_CIPHERTEXT = """
    SELECT coalesce(
        (SELECT webhook_secret_encrypted FROM booksync.zoho_connections ORDER BY created_at, id LIMIT 1),
        (SELECT client_secret_encrypted FROM booksync.zoho_clients ORDER BY created_at, id LIMIT 1)
    )
"""


def ciphertext(db: Session) -> str | None:
    """The stored ciphertext of the key canary; None before it was first stored."""
    found: str | None = db.execute(text(CIPHERTEXT)).scalar_one_or_none()
    return found


def save(db: Session, encrypted: str) -> None:
    """Store the first key canary; an existing one stays."""
    db.execute(
        text("INSERT INTO booksync.key_canary (ciphertext) VALUES (:ciphertext) ON CONFLICT DO NOTHING"),
        {"ciphertext": encrypted},
    )


def a_stored_secret(db: Session) -> str | None:
    """The encrypted webhook secret of the oldest connection, else the secret of a client; None if there is neither."""
    found: str | None = db.execute(text(OTHER_CIPHERTEXT)).scalar_one_or_none()
    return found
