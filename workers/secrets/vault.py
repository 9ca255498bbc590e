"""Secrets at rest: encrypted with the first of ENCRYPTION_KEYS, and readable with any of them.

The plaintext of a secret has one of two forms. The old form is the secret alone. The bound form begins with the row and
the column, so that a ciphertext that was copied to another row or column is rejected. The vault reads both forms. It
writes a new secret in the form of a secret that is already stored. `booksync rotate-keys --bind` rewrites all stored
secrets in the bound form. Before that command, an installation that has stored secrets in the old form goes on writing
the old form, which older releases can read.
"""

import threading
from collections.abc import Sequence
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from db.secrets import Place
from domain.errors import BooksyncError

#: The beginning of a bound plaintext. The old form cannot begin with it, because tokens and webhook secrets have no
#: control characters.
_BOUND: Final = "\x00bound-1\x00"
_END_OF_PLACE: Final = "\x00"


class UnreadableSecretError(BooksyncError):
    """A stored secret was encrypted with a key that ENCRYPTION_KEYS no longer holds: add that key at the end of the
    list."""


class MisplacedSecretError(UnreadableSecretError):
    """A stored secret was written for another row or column, so it is not used."""

    def __init__(self, place: Place, written_for: str) -> None:
        super().__init__(
            f"The stored secret {place} was written for {written_for}, so it is not used. The database was changed by "
            "hand, or restored in part. Next: booksync connect for this connection; for a webhook secret booksync "
            "webhook rotate."
        )


class Vault:
    """Encrypts and decrypts the connections' tokens and secrets (Fernet; several keys allow rotation)."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        self._fernet = MultiFernet([Fernet(key.get_secret_value()) for key in keys])
        self.has_failed = threading.Event()  #: set when a secret could not be decrypted with any key

    def encrypt(self, secret: str, place: Place, *, like: str | None = None) -> str:
        """Encrypt the secret for its place (row and column).

        The new ciphertext has the form of the stored secret `like`; without `like` it has the old form.

        Raises:
            ValueError: the secret contains a NUL.
        """
        if "\x00" in secret:
            raise ValueError("a secret must not contain a NUL")
        return self._encrypt(secret, place, bound=like is not None and self.is_bound(like))

    def encrypt_bound(self, secret: str, place: Place) -> str:
        """Encrypt the secret in the bound form, for columns that no release reads which does not know this form."""
        return self._encrypt(secret, place, bound=True)

    def decrypt(self, encrypted: str, place: Place) -> str:
        """Decrypt the secret that is stored in that place (row and column).

        Raises:
            UnreadableSecretError: none of the keys can decrypt the secret.
            MisplacedSecretError: the secret was written for another place.
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

    def seal(self, text: str, purpose: str) -> str:
        """Encrypt a text that leaves booksync for a while, such as a link. The result is safe in a web address."""
        return self._fernet.encrypt(f"{purpose}\x00{text}".encode()).decode()

    def unseal(self, sealed: str, purpose: str, *, max_age_seconds: int) -> str | None:
        """The text that `seal` encrypted for this purpose; None if it is too old, altered, or for another purpose."""
        try:
            plaintext = self._fernet.decrypt(sealed.encode(), ttl=max_age_seconds).decode()
        except (InvalidToken, UnicodeEncodeError):
            return None
        sealed_for, _, text = plaintext.partition("\x00")
        return text if sealed_for == purpose else None

    def rotate(self, encrypted: str, place: Place, *, bind: bool | None = None) -> str:
        """Encrypt the same secret again, with the newest key.

        If `bind` is True, the new ciphertext is bound to its place; if it is False, the new ciphertext is not bound.
        With None the secret keeps its present form.

        Raises:
            UnreadableSecretError, MisplacedSecretError: see `decrypt`.
        """
        bound = self.is_bound(encrypted) if bind is None else bind
        return self._encrypt(self.decrypt(encrypted, place), place, bound=bound)

    def can_read(self, encrypted: str) -> bool:
        """Return whether one of the keys can decrypt the secret; the secret's place is not checked."""
        try:
            self._plaintext(encrypted)
        except UnreadableSecretError:
            return False
        return True

    def is_bound(self, encrypted: str) -> bool:
        """Return whether the secret is in the bound form; a secret that cannot be decrypted counts as not bound."""
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
