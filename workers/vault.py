"""Secrets at rest: encrypted with the newest of ENCRYPTION_KEYS, readable with any of them."""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr


class UnreadableSecretError(Exception):
    """A stored secret was encrypted with a key that ENCRYPTION_KEYS no longer holds: put that key back at its end."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class Vault:
    """Encrypts and decrypts the connections' tokens and secrets (Fernet; rotation by several keys)."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        self._fernet = MultiFernet([Fernet(key.get_secret_value()) for key in keys])

    def encrypt(self, secret: str) -> str:
        return self._fernet.encrypt(secret.encode()).decode()

    def rotate(self, encrypted: str) -> str:
        """The same secret, encrypted with the newest key.

        Raises:
            UnreadableSecretError: none of the keys fits.
        """
        return self.encrypt(self.decrypt(encrypted))

    def decrypt(self, encrypted: str) -> str:
        """The secret again.

        Raises:
            UnreadableSecretError: none of the keys fits.
        """
        try:
            return self._fernet.decrypt(encrypted.encode()).decode()
        except InvalidToken:
            raise UnreadableSecretError from None
