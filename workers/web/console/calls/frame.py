"""The common frame of the pages about reminder calls: their tabs, and the choice of a connection."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse

from db.session import Session
from domain.connection_names import whole_id
from workers.web.console.access import Visitor, postgres_needed
from workers.web.console.frame import console_page
from workers.web.console.listing import Choice, choice_of
from workers.web.forms import one
from workers.web.state import resources_of

#: The tabs: the address, relative to the console's first page, and the name.
TABS: Final = (
    ("calls", "Calendar"),
    ("calls/queue", "Queue"),
    ("calls/numbers", "Doubtful numbers"),
    ("calls/do-not-call", "Do not call"),
    ("calls/outcomes", "Outcomes"),
)


def call_page(
    request: Request, visitor: Visitor, template: str, shown: Callable[[Session, Choice], Mapping[str, Any]]
) -> HTMLResponse:
    """Return a page about calls.

    Raises:
        NoSuchPageError: the address names a record that does not exist.
        PostgresFailedError: Postgres does not work.
    """
    with postgres_needed(), resources_of(request).engine.connect() as db:
        choice = choice_of(db, request)
        parts = shown(db, choice)
    return console_page(request, f"console/calls/{template}", visitor, tabs=TABS, choice=choice, **parts)


def shown_on(visitor: Visitor, path: str) -> str:
    """The page that the form was on: the one of the customer that the form names, else `path`."""
    customer_id = whole_id(one(visitor.form, "shown_on"))
    return path if customer_id is None else f"customers/{customer_id}"
