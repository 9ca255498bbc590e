"""The addresses of one connection's pages and actions, and their id."""

import uuid
from collections.abc import Callable
from functools import partial

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from db.connections import UnknownConnectionError
from domain.activity import Action
from domain.connection_names import whole_id
from domain.errors import BooksyncError
from workers.boot.resources import Resources
from workers.services.activity import RecordedAction
from workers.web.console.access import Visitor, postgres_needed
from workers.web.console.actions import act, act_on_many
from workers.web.console.addresses import NoSuchPageError
from workers.web.console.flash import Flash, redirect
from workers.web.console.frame import root_of
from workers.web.state import resources_of

#: The parameter of a connection's page that loads itself without JavaScript too, while a run or a verification goes on.
WATCH = "watch"


class NoSuchConnectionError(NoSuchPageError):
    """No connection has the id in the address."""

    def __init__(self) -> None:
        super().__init__(
            "There is no connection with this id. It may have been erased.",
            title="No such connection",
            hint="The overview lists all connections.",
        )


async def shown(written: str, page: Callable[[uuid.UUID], Response]) -> Response:
    """Return the page of the connection whose id the address has.

    Raises:
        NoSuchConnectionError: no connection has this id.
        PostgresFailedError: Postgres does not work.
    """
    return await run_in_threadpool(_page, _id_from(written), page)


async def done(
    request: Request,
    visitor: Visitor,
    written: str,
    action: Action,
    work: Callable[[Resources, uuid.UUID], str],
    *,
    part: str = "",
    is_watched: bool = False,
) -> Response:
    """Do an action on the connection whose id the address has, and lead back to its page, at the part with this id.

    `is_watched` is for actions that begin longer work: the page shows how far it is, without JavaScript too.
    `work` returns a sentence about what it did.

    Raises:
        NoSuchConnectionError: the address has no id.
        PostgresFailedError: Postgres does not work.
    """
    connection_id = _id_from(written)
    back = page_of(connection_id, part, is_watched=is_watched)

    def do() -> Response:
        resources = resources_of(request)
        return act(
            request,
            visitor,
            action,
            lambda: work(resources, connection_id),
            back=back,
            connection_id=connection_id,
        )

    return await run_in_threadpool(do)


async def done_at_length(
    request: Request,
    visitor: Visitor,
    written: str,
    action: Action,
    work: Callable[[uuid.UUID, RecordedAction], str],
    *,
    part: str = "",
    shows_progress: bool = False,
) -> Response:
    """Do an action that may take longer than a request, as `done` does; the browser then gets to the action's page.

    `work` reports its progress to the recorded action. `shows_progress` is for actions whose progress the connection's
    own page shows.

    Raises:
        NoSuchConnectionError: the address has no id.
        PostgresFailedError: Postgres does not work.
    """
    connection_id = _id_from(written)

    def do() -> Response:
        return act_on_many(
            request,
            visitor,
            action,
            partial(work, connection_id),
            back=page_of(connection_id, part),
            meanwhile=page_of(connection_id, part, is_watched=True) if shows_progress else None,
            connection_id=connection_id,
        )

    return await run_in_threadpool(do)


def refused(request: Request, connection_id: uuid.UUID, error: BooksyncError, *, part: str = "") -> Response:
    """Lead to the connection's page, which shows why nothing was done."""
    address = f"{root_of(request)}{page_of(connection_id, part)}"
    return redirect(request, address, Flash(str(error), failed=True))


def page_of(connection_id: uuid.UUID, part: str = "", *, is_watched: bool = False) -> str:
    """The address of a connection's page, at the part with this id, relative to the console's first page."""
    return f"connections/{connection_id}" + (f"?{WATCH}=1" if is_watched else "") + (f"#{part}" if part else "")


def _page(connection_id: uuid.UUID, page: Callable[[uuid.UUID], Response]) -> Response:
    try:
        with postgres_needed():
            return page(connection_id)
    except UnknownConnectionError:
        raise NoSuchConnectionError from None


def _id_from(written: str) -> uuid.UUID:
    connection_id = whole_id(written)
    if connection_id is None:
        raise NoSuchConnectionError
    return connection_id
