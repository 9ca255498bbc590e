"""How a person names a connection: by its name, its organisation's number, or the beginning of its id."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from domain.users import UserId

#: A shorter beginning of an id would match connections by accident.
SHORTEST_BEGINNING: Final = 4

#: The longest name that an operator may give a connection, in characters.
LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class Named:
    """A connection with everything that a person may call it by."""

    connection_id: uuid.UUID
    user_id: UserId
    organization_id: str
    name: str | None  #: the operator's name for the connection, else the organisation's in Zoho; None without either

    @property
    def short_id(self) -> str:
        """The beginning of the id, as lists show it."""
        return str(self.connection_id)[:8]

    def is_called(self, given: str) -> bool:
        """Whether the text is the connection's name, its organisation's number, or the beginning of its id."""
        text = given.strip()
        if text == self.organization_id or (self.name is not None and text.casefold() == self.name.strip().casefold()):
            return bool(text)
        return len(text) >= SHORTEST_BEGINNING and str(self.connection_id).startswith(text.lower())


def called(given: str, connections: Sequence[Named]) -> list[Named]:
    """The connections that the text may mean. A whole id means its connection only, whatever the others are called."""
    whole = whole_id(given)
    if whole is not None:
        return [each for each in connections if each.connection_id == whole]
    return [each for each in connections if each.is_called(given)]


def whole_id(given: str) -> uuid.UUID | None:
    """The id if the text is a whole one, else None."""
    try:
        return uuid.UUID(given.strip())
    except ValueError:
        return None


def is_confirmed(typed: str, name: str | None, organization_id: str) -> bool:
    """Whether a person has typed the connection's name, or its organisation's number, to confirm what ends it."""
    return typed.strip().casefold() in {organization_id, (name or organization_id).strip().casefold()}
