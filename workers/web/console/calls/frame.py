"""The common frame of the pages about reminder calls: their tabs, the choice of a connection, and paged lists."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse

from db import connection_names
from db.session import Session
from domain.connection_names import Named, whole_id
from domain.errors import BooksyncError
from domain.users import UserId
from workers.web.console.access import Visitor, postgres_needed
from workers.web.console.frame import console_page, notice
from workers.web.state import resources_of

#: The rows of a list's page.
ROWS: Final = 50

#: The connections that a page lists to choose from.
_MOST_LISTED: Final = 200

#: The tabs: the address, relative to the console's first page, and the name.
TABS: Final = (
    ("calls", "Calendar"),
    ("calls/queue", "Queue"),
    ("calls/numbers", "Doubtful numbers"),
    ("calls/do-not-call", "Do not call"),
    ("calls/outcomes", "Outcomes"),
)

_Row = TypeVar("_Row")


class NothingThereError(BooksyncError):
    """The address names a record that does not exist."""


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

    def address(self, path: str, **more: str) -> str:
        """The address of a page, relative to the console's first page, for the same connection."""
        query = {} if self.chosen is None else {"connection": str(self.chosen.connection_id)}
        query |= {name: value for name, value in more.items() if value}
        return f"{path}?{urlencode(query)}" if query else path


def call_page(
    request: Request, visitor: Visitor, template: str, shown: Callable[[Session, Choice], Mapping[str, Any]]
) -> HTMLResponse:
    """Return a page about calls. Without a record that the address names, it is a 404 page.

    Raises:
        PostgresFailedError: Postgres does not work.
    """
    try:
        with postgres_needed(), resources_of(request).engine.connect() as db:
            choice = _choice(db, request)
            parts = shown(db, choice)
    except NothingThereError as error:
        return notice(request, 404, "Not found", str(error), hint="Go to the page Calls.", visitor=visitor)
    return console_page(request, f"console/calls/{template}", visitor, tabs=TABS, choice=choice, **parts)


def after_of(request: Request) -> uuid.UUID | None:
    """Return the id of the row after which the list goes on; None for its first rows.

    Raises:
        NothingThereError: it is not an id.
    """
    return id_in(request.query_params.get("after"))


def id_in(text: str | None) -> uuid.UUID | None:
    """Return the id in a parameter; None without one.

    Raises:
        NothingThereError: it is not an id.
    """
    if not text:
        return None
    found = whole_id(text)
    if found is None:
        raise NothingThereError
    return found


def paged(rows: Sequence[_Row]) -> tuple[Sequence[_Row], _Row | None]:
    """Split off the row that was read beyond the page: the page's rows, and its last one if there are more."""
    return rows[:ROWS], rows[ROWS - 1] if len(rows) > ROWS else None


def _choice(db: Session, request: Request) -> Choice:
    connections = connection_names.named(db)
    wanted = id_in(request.query_params.get("connection"))
    if wanted is None:
        return Choice(connections, None)
    chosen = next((each for each in connections if each.connection_id == wanted), None)
    if chosen is None:
        raise NothingThereError
    return Choice(connections, chosen)
