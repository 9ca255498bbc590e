"""Actions of the console's forms: each is recorded, and leads back to a page with a sentence about what was done."""

import uuid
from collections.abc import Callable
from functools import partial

from fastapi import Request
from starlette.responses import Response

from domain.activity import Action
from domain.errors import BooksyncError
from workers.services.activity import RecordedAction, begin, ending, recorded
from workers.web.console.access import Visitor, postgres_needed
from workers.web.console.flash import Flash, redirect
from workers.web.console.frame import root_of
from workers.web.console.long_actions import TooManyActionsError
from workers.web.forms import one
from workers.web.state import long_actions_of, resources_of


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


def act_on_many(
    request: Request,
    visitor: Visitor,
    action: Action,
    work: Callable[[RecordedAction], str],
    *,
    back: str,
    meanwhile: str | None = None,
    connection_id: uuid.UUID | None = None,
    subject: str = "",
) -> Response:
    """Do `work` as `act` does. Long work goes on in the background, and the browser gets to `meanwhile`, by default the
    action's page.

    `work` reports its progress to the recorded action.

    Raises:
        PostgresFailedError: Postgres does not work.
    """
    resources, running = resources_of(request), long_actions_of(request)
    note, operator = one(visitor.form, "note"), visitor.operator.name
    with postgres_needed():
        begun = begin(resources, operator, action, connection_id=connection_id, subject=subject, note=note)
        begun.stopping = running.stopping
        try:
            flash = running.do(begun.id, partial(_flash_of, begun, work))
        except TooManyActionsError as error:
            flash = _flash_of(begun, partial(_refuse, error))
    if flash is None:
        address = meanwhile or f"activity/{begun.id}"
        return redirect(request, f"{root_of(request)}{address}", Flash("It goes on in the background."))
    return redirect(request, f"{root_of(request)}{back}", flash)


def _flash_of(begun: RecordedAction, work: Callable[[RecordedAction], str]) -> Flash:
    try:
        with ending(begun):
            return Flash(work(begun))
    except BooksyncError as error:
        return Flash(f"{begun.result} {error}".strip(), failed=True)


def _refuse(error: BooksyncError, _begun: RecordedAction) -> str:
    raise error
