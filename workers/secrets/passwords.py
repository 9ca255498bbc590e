"""Operators' passwords: stored as argon2id hashes."""

from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.operators import password_of

_HASHER = PasswordHasher()


def hash_password(password: str) -> str:
    """Return the hash of a password, with its salt and its cost."""
    return _HASHER.hash(password_of(password))


def is_password(password: str, password_hash: str | None) -> bool:
    """Return whether the password has this hash.

    Without a hash the result is False after the same work, so that the duration does not reveal which operators exist.
    """
    unknown = _hash_of_nothing()
    try:
        return _HASHER.verify(password_hash or unknown, password_of(password)) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _hash_of_nothing() -> str:
    return hash_password("")
