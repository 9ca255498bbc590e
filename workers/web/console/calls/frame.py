"""The common frame of the pages about reminder calls: their tabs, and the choice of a connection."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse

from db.planned_calls import PlanScope
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
    """Return a page about calls. `shown` returns what its template shows; the connections `of` get their names.

    Raises:
        NoSuchPageError: the address names a record that does not exist.
        PostgresFailedError: Postgres does not work.
    """
    with postgres_needed(), resources_of(request).engine.connect() as db:
        choice = choice_of(db, request)
        parts = dict(shown(db, choice))
        names = choice.names(db, parts.pop("of", ()))
    return console_page(request, f"console/calls/{template}", visitor, tabs=TABS, choice=choice, names=names, **parts)


def shown_on(visitor: Visitor, path: str) -> str:
    """The page that the form was on: the one of the customer that the form names, else `path`."""
    customer_id = whole_id(one(visitor.form, "shown_on"))
    return path if customer_id is None else f"customers/{customer_id}"


def scope_of(choice: Choice) -> PlanScope:
    """Return the reminders of the page. The only connection of a user has all reminders of the user."""
    if choice.chosen is None:
        return PlanScope()
    return PlanScope(choice.user_id, choice.connection_id if choice.of_user > 1 else None)
