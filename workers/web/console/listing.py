"""The lists of the console: the connection that a list is about, and the rows of a page."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from fastapi import Request

from db import connection_names
from db.session import Session
from domain.connection_names import Named
from domain.users import UserId
from workers.web.console.addresses import NoSuchPageError, query, uuid_of

#: The rows of a page.
ROWS: Final = 50

#: The connections that a page lists to choose from.
MOST_LISTED: Final = 200

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Choice:
    """The connections to choose from, and the one that the address names; None for the lists of all connections."""

    connections: Sequence[Named]  #: the oldest ones; all, unless there are too many
    chosen: Named | None
    total: int  #: all connections
    of_user: int  #: all connections of the chosen one's user

    @property
    def connection_id(self) -> uuid.UUID | None:
        return None if self.chosen is None else self.chosen.connection_id

    @property
    def is_long(self) -> bool:
        """Whether there are too many connections for a list to choose from."""
        return self.total > MOST_LISTED

    @property
    def user_id(self) -> UserId | None:
        """The user of the chosen connection."""
        return None if self.chosen is None else self.chosen.user_id

    @property
    def users(self) -> Sequence[UserId]:
        """The users whose records the page lists; none if there may be too many."""
        listed = [self.chosen] if self.chosen else [] if self.is_long else self.connections
        return list(dict.fromkeys(each.user_id for each in listed))

    def or_only_one(self) -> "Choice":
        """The choice for a list that is always about one connection: the only connection needs not be named."""
        return replace(self, chosen=self.connections[0], of_user=1) if self.total == 1 else self

    def names(self, db: Session, connection_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, str]:
        """What the connections of the page's rows are called; nothing if all are of the same one."""
        return connection_names.names(db, set(connection_ids)) if self.chosen is None and self.total > 1 else {}

    def address(self, path: str, **more: str) -> str:
        """The address of a page, relative to the console's first page, for the same connection."""
        return f"{path}{query(connection=self.connection_id, **more)}"


def choice_of(db: Session, request: Request) -> Choice:
    """Return the choice of a page whose address may name a connection.

    Raises:
        NoSuchPageError: the address names no known connection.
    """
    wanted = uuid_of(request.query_params.get("connection", ""))
    choice = choice_between(db, wanted)
    if wanted is not None and choice.chosen is None:
        raise NoSuchPageError
    return choice


def choice_between(db: Session, wanted: uuid.UUID | None) -> Choice:
    """Return the choice with the wanted connection, if it exists."""
    found = connection_names.first_named(db, MOST_LISTED, wanted)
    return Choice(found.first, found.wanted, found.total, found.of_user)


def after_of(request: Request) -> uuid.UUID | None:
    """Return the id of the row after which the list goes on; None for its first rows.

    Raises:
        NoSuchPageError: it is not an id.
    """
    return uuid_of(request.query_params.get("after", ""))


def paged(rows: Sequence[_Row], size: int = ROWS) -> tuple[Sequence[_Row], _Row | None]:
    """Split off the row that was read beyond the page: the page's rows, and its last one if there are more."""
    return rows[:size], rows[size - 1] if len(rows) > size else None
