"""Checks ENCRYPTION_KEYS: a process with wrong keys cannot read any stored secret, so it must not accept work."""

from typing import Final

from db import key_canary
from db.secrets import CANARY
from db.session import Session
from domain.errors import BooksyncError
from workers.secrets.vault import Vault

_CANARY: Final = "booksync"


class WrongKeysError(BooksyncError):
    """ENCRYPTION_KEYS cannot read the stored secrets. Add the key that they were encrypted with at the end of the list,
    and restart this process."""


def can_read_secrets(db: Session, vault: Vault) -> bool | None:
    """Whether this process's keys can read the stored secrets; None if there are none. Nothing is written."""
    proof = key_canary.ciphertext(db) or key_canary.a_stored_secret(db)
    return None if proof is None else vault.can_read(proof)


def prove_keys(db: Session, vault: Vault) -> bool:
    """Check that this process's keys can read the key canary, or a stored secret if no canary exists yet.

    Returns whether the keys are proven: False in an installation without connections, which has nothing to read.

    Raises:
        WrongKeysError: none of the keys can read the canary or the secret.
    """
    canary = key_canary.ciphertext(db)
    proof = canary or key_canary.a_stored_secret(db)
    if proof is None:
        return False
    if not vault.can_read(proof):
        raise WrongKeysError
    if canary is None:
        key_canary.save(db, vault.encrypt(_CANARY, CANARY, like=proof))
    return True
