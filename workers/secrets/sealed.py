"""Values that leave booksync for a while, encrypted as text: in a cookie, in a link, in an address, or in Redis."""

from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from workers.secrets.vault import Vault

ValueT = TypeVar("ValueT")


class Sealed(Generic[ValueT]):
    """Encrypts the values of one type for one purpose. The text is safe in a web address."""

    def __init__(self, kind: type[ValueT], purpose: str, *, max_age_seconds: int) -> None:
        self._adapter = TypeAdapter(kind)
        self._purpose = purpose
        self._max_age_seconds = max_age_seconds

    def seal(self, vault: Vault, value: ValueT) -> str:
        return vault.seal(self._adapter.dump_json(value).decode(), self._purpose)

    def unseal(self, vault: Vault, text: str) -> ValueT | None:
        """Return the value; None if the text is too old, altered, for another purpose, or of another release."""
        found = vault.unseal(text, self._purpose, max_age_seconds=self._max_age_seconds)
        if found is None:
            return None
        try:
            return self._adapter.validate_json(found)
        except ValidationError:
            return None
