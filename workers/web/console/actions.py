"""Actions of the console's forms: each is recorded, and leads back to a page with a sentence about what was done."""

import uuid
from collections.abc import Callable

from fastapi import Request
from starlette.responses import Response

from domain.activity import Action
from domain.errors import BooksyncError
from workers.services.activity import recorded
from workers.web.console.access import Visitor, postgres_needed
from workers.web.console.flash import Flash, redirect
from workers.web.console.frame import root_of
from workers.web.forms import one
from workers.web.state import resources_of


def act(
    request: Request,
    visitor: Visitor,
    action: Action,
    work: Callable[[], str],
    *,
    back: str,
    connection_id: uuid.UUID | None = None,
    subject: str = "",
) -> Response:
    """Do `work`, which returns a sentence about what it did, and lead the browser to the page `back`.

    `back` is relative to the console's first page. An error of booksync becomes the page's message. The form's field
    `note` is recorded with the action; `subject` names the records by ids or a count.

    Raises:
        PostgresFailedError: Postgres does not work.
    """
    resources = resources_of(request)
    note = one(visitor.form, "note")
    operator = visitor.operator.name
    with postgres_needed():
        try:
            with recorded(resources, operator, action, connection_id=connection_id, subject=subject, note=note):
                flash = Flash(work())
        except BooksyncError as error:
            flash = Flash(str(error), failed=True)
    return redirect(request, f"{root_of(request)}{back}", flash)
