"""The proof of ENCRYPTION_KEYS: a process with wrong keys could read no secret, and must not take work."""

from typing import Final

from sqlalchemy import Connection

from db import key_canary
from db.secrets import CANARY
from workers.secrets.vault import Vault

_CANARY: Final = "booksync"


class WrongKeysError(Exception):
    """ENCRYPTION_KEYS cannot read the stored secrets. Put the key that they were encrypted with back at its end, and
    restart this process."""

    def __init__(self) -> None:
        super().__init__(" ".join((self.__doc__ or "").split()))


def prove_keys(connection: Connection, vault: Vault) -> bool:
    """Reads the canary with this process's keys. Where there is none yet, a stored secret takes its place.

    Returns whether the keys are proven: an installation without connections has nothing to read.

    Raises:
        WrongKeysError: none of the keys fits.
    """
    canary = key_canary.ciphertext(connection)
    proof = canary or key_canary.a_stored_secret(connection)
    if proof is None:
        return False
    if not vault.can_read(proof):
        raise WrongKeysError
    if canary is None:
        key_canary.save(connection, vault.encrypt(_CANARY, CANARY, like=proof))
    return True
