"""The lists of the console: the connection that a list is about, and the rows of a page."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
_MOST_LISTED: Final = 200

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Choice:
    """All connections, and the one that the address names; None for the lists of all connections."""

    connections: Sequence[Named]
    chosen: Named | None

    @property
    def connection_id(self) -> uuid.UUID | None:
        return None if self.chosen is None else self.chosen.connection_id

    @property
    def is_long(self) -> bool:
        """Whether there are too many connections for a list to choose from."""
        return len(self.connections) > _MOST_LISTED

    @property
    def user_id(self) -> UserId | None:
        """The user of the chosen connection."""
        return None if self.chosen is None else self.chosen.user_id

    @property
    def listed(self) -> Sequence[Named]:
        """The connections whose records the page lists."""
        return self.connections if self.chosen is None else [self.chosen]

    @property
    def names(self) -> Mapping[uuid.UUID, str]:
        """What each connection is called."""
        return {each.connection_id: each.name or each.organization_id for each in self.connections}

    def or_only_one(self) -> "Choice":
        """The choice for a list that is always about one connection: the only connection needs not be named."""
        return Choice(self.connections, self.connections[0]) if len(self.connections) == 1 else self

    def address(self, path: str, **more: str) -> str:
        """The address of a page, relative to the console's first page, for the same connection."""
        return f"{path}{query(connection=self.connection_id, **more)}"


def choice_of(db: Session, request: Request) -> Choice:
    """Return the connections, and the one that the address names.

    Raises:
        NoSuchPageError: the address names no known connection.
    """
    return choice_among(db, request.query_params.get("connection", ""))


def choice_among(db: Session, wanted_id: str) -> Choice:
    """Return the connections, and the one with this id; an empty id names none.

    Raises:
        NoSuchPageError: no connection has the id.
    """
    connections = connection_names.named(db)
    wanted = uuid_of(wanted_id)
    chosen = next((each for each in connections if each.connection_id == wanted), None)
    if wanted is not None and chosen is None:
        raise NoSuchPageError
    return Choice(connections, chosen)


def after_of(request: Request) -> uuid.UUID | None:
    """Return the id of the row after which the list goes on; None for its first rows.

    Raises:
        NoSuchPageError: it is not an id.
    """
    return uuid_of(request.query_params.get("after", ""))


def paged(rows: Sequence[_Row], size: int = ROWS) -> tuple[Sequence[_Row], _Row | None]:
    """Split off the row that was read beyond the page: the page's rows, and its last one if there are more."""
    return rows[:size], rows[size - 1] if len(rows) > size else None
