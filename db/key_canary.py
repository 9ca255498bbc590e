"""Statements over key_canary: one encrypted known text, by which a process checks its keys."""

from sqlalchemy import text

from db.session import Session


def ciphertext(db: Session) -> str | None:
    """The stored canary; None before the first one."""
    found: str | None = db.execute(text("SELECT ciphertext FROM booksync.key_canary")).scalar_one_or_none()
    return found


def save(db: Session, encrypted: str) -> None:
    """Store the first canary; an existing one stays."""
    db.execute(
        text("INSERT INTO booksync.key_canary (ciphertext) VALUES (:ciphertext) ON CONFLICT DO NOTHING"),
        {"ciphertext": encrypted},
    )


def a_stored_secret(db: Session) -> str | None:
    """The encrypted webhook secret of the oldest connection; None without connections."""
    found: str | None = db.execute(
        text("SELECT webhook_secret_encrypted FROM booksync.zoho_connections ORDER BY created_at, id LIMIT 1")
    ).scalar_one_or_none()
    return found
