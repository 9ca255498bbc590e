"""Finds the connection that a person means, and gives a connection a name of the operator's choice."""

import uuid
from collections.abc import Sequence

from db import api_use, connection_names
from db.connections import UnknownConnectionError
from db.session import Session
from domain.connection_names import LONGEST_NAME, SHORTEST_BEGINNING, Named, called
from domain.errors import BooksyncError
from domain.printable import printable


class AmbiguousConnectionError(BooksyncError):
    """Several connections are called the same. The message lists them."""

    def __init__(self, given: str, candidates: Sequence[Named]) -> None:
        self.candidates = candidates
        listed = "; ".join(
            f"{each.short_id} ({each.name or 'no name'}, organisation {each.organization_id}, user {each.user_id})"
            for each in candidates
        )
        super().__init__(
            f"{given} may be {len(candidates)} connections: {listed}. Next: give the first characters of the id, or "
            "give one a name of its own: booksync rename CONNECTION NAME"
        )


class UnusableNameError(BooksyncError):
    """The name cannot be given to a connection."""


def find_connection(db: Session, given: str) -> uuid.UUID:
    """Return the id of the connection that a person means with a name, an organisation's number, or the start of an id.

    Raises:
        UnknownConnectionError: no connection is called so.
        AmbiguousConnectionError: several connections are.
    """
    found = called(given, connection_names.named(db))
    if not found:
        raise _unknown(given)
    if len(found) > 1:
        raise AmbiguousConnectionError(given, found)
    return found[0].connection_id


def find_organizations(db: Session, given: str) -> Sequence[str]:
    """Return the numbers of the organisations that a person means with a connection.

    An organisation with noted API calls but without a connection is found by its number.

    Raises:
        UnknownConnectionError: no connection and no organisation is called so.
    """
    found = {each.organization_id for each in called(given, connection_names.named(db))}
    if api_use.is_known(db, given):
        found.add(given)
    if not found:
        raise _unknown(given)
    return sorted(found)


def rename(db: Session, connection_id: uuid.UUID, name: str) -> str | None:
    """Give the connection this name; an empty one takes the operator's name away. Returns the name that counts now.

    Raises:
        UnusableNameError: the name is too long, or has a control character.
        UnknownConnectionError: the connection does not exist.
    """
    chosen = name.strip()
    if len(chosen) > LONGEST_NAME:
        raise UnusableNameError(
            f"A connection's name has at most {LONGEST_NAME} characters. Next: choose a shorter one."
        )
    if chosen != printable(chosen):
        raise UnusableNameError("A connection's name has no control characters. Next: choose another one.")
    return connection_names.rename(db, connection_id, chosen or None)


def _unknown(given: str) -> UnknownConnectionError:
    return UnknownConnectionError(
        f"There is no connection {given}. A connection is called by its name, its organisation's number, or the "
        f"first characters of its id, at least {SHORTEST_BEGINNING}. Next: booksync connections list"
    )
