"""Secrets at rest: encrypted with the first of ENCRYPTION_KEYS, readable with each.

A secret has one of two plaintexts. The old form is the secret alone. The bound form repeats the row and the column
before it, so that a ciphertext that was copied to another row or column is refused. Both forms are read. A new secret
takes the form of a stored one, and `booksync rotate-keys --bind` rewrites every stored one. Until that command an
installation therefore writes the old form, which older releases read.
"""

import threading
from collections.abc import Sequence
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from db.secrets import Place

#: Begins a bound plaintext. An old one cannot begin so: no token and no webhook secret has a control character.
_BOUND: Final = "\x00bound-1\x00"
_END_OF_PLACE: Final = "\x00"


class UnreadableSecretError(Exception):
    """A stored secret was encrypted with a key that ENCRYPTION_KEYS no longer holds: put that key back at its end."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or UnreadableSecretError.__doc__)


class MisplacedSecretError(UnreadableSecretError):
    """A stored secret was written for another row or column, and is not used."""

    def __init__(self, place: Place, written_for: str) -> None:
        super().__init__(
            f"The stored secret {place} was written for {written_for}, and is not used: the database was changed by "
            "hand, or restored in part. Next: booksync connect for this connection; for a webhook secret booksync "
            "webhook rotate."
        )


class Vault:
    """Encrypts and decrypts the connections' tokens and secrets (Fernet; rotation by several keys)."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        self._fernet = MultiFernet([Fernet(key.get_secret_value()) for key in keys])
        self.has_failed = threading.Event()  #: none of the keys fitted a secret that was to be decrypted

    def encrypt(self, secret: str, place: Place, *, like: str | None = None) -> str:
        """The secret as it is stored in that place, in the form of the stored secret `like`; without one the old form.

        Raises:
            ValueError: the secret has a NUL, which no secret may have.
        """
        if "\x00" in secret:
            raise ValueError("a secret has no NUL")
        return self._encrypt(secret, place, bound=like is not None and self.is_bound(like))

    def decrypt(self, encrypted: str, place: Place) -> str:
        """The secret that is stored in that place.

        Raises:
            UnreadableSecretError: none of the keys fits.
            MisplacedSecretError: it was written for another place.
        """
        try:
            plaintext = self._plaintext(encrypted)
        except UnreadableSecretError:
            self.has_failed.set()
            raise
        if not plaintext.startswith(_BOUND):
            return plaintext
        written_for, _, secret = plaintext.removeprefix(_BOUND).partition(_END_OF_PLACE)
        if written_for != str(place):
            raise MisplacedSecretError(place, written_for)
        return secret

    def rotate(self, encrypted: str, place: Place, *, bind: bool | None = None) -> str:
        """The same secret, encrypted with the newest key: bound to its place, not bound, or (None) in its own form.

        Raises:
            UnreadableSecretError, MisplacedSecretError: see `decrypt`.
        """
        bound = self.is_bound(encrypted) if bind is None else bind
        return self._encrypt(self.decrypt(encrypted, place), place, bound=bound)

    def can_read(self, encrypted: str) -> bool:
        """Whether one of the keys fits, wherever the secret is stored."""
        try:
            self._plaintext(encrypted)
        except UnreadableSecretError:
            return False
        return True

    def is_bound(self, encrypted: str) -> bool:
        """Whether the secret is in the bound form; one that no key fits counts as not bound."""
        try:
            return self._plaintext(encrypted).startswith(_BOUND)
        except UnreadableSecretError:
            return False

    def _encrypt(self, secret: str, place: Place, *, bound: bool) -> str:
        plaintext = f"{_BOUND}{place}{_END_OF_PLACE}{secret}" if bound else secret
        return self._fernet.encrypt(plaintext.encode()).decode()

    def _plaintext(self, encrypted: str) -> str:
        try:
            return self._fernet.decrypt(encrypted.encode()).decode()
        except InvalidToken:
            raise UnreadableSecretError from None
