"""The addresses of one connection's pages and actions: their id, and the page for an address without a connection."""

import uuid
from collections.abc import Callable

from fastapi import Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from db.connections import UnknownConnectionError
from domain.activity import Action
from domain.errors import BooksyncError
from workers.boot.resources import Resources
from workers.web.console.access import Visitor, postgres_needed
from workers.web.console.actions import act
from workers.web.console.flash import Flash, redirect
from workers.web.console.frame import notice, root_of
from workers.web.state import resources_of


async def shown(request: Request, visitor: Visitor, written: str, page: Callable[[uuid.UUID], Response]) -> Response:
    """Return the page of the connection whose id the address has; a page with status 404 without such a connection.

    Raises:
        PostgresFailedError: Postgres does not work.
    """
    connection_id = _id_from(written)
    if connection_id is None:
        return _not_found(request, visitor)
    return await run_in_threadpool(_page, request, visitor, connection_id, page)


async def done(
    request: Request,
    visitor: Visitor,
    written: str,
    action: Action,
    work: Callable[[Resources, uuid.UUID], str],
    *,
    part: str = "",
) -> Response:
    """Do an action on the connection whose id the address has, and lead back to its page, at the part with this id.

    `work` returns a sentence about what it did.

    Raises:
        PostgresFailedError: Postgres does not work.
    """
    connection_id = _id_from(written)
    if connection_id is None:
        return _not_found(request, visitor)
    back = page_of(connection_id, part)

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


def refused(request: Request, connection_id: uuid.UUID, error: BooksyncError, *, part: str = "") -> Response:
    """Lead to the connection's page, which shows why nothing was done."""
    address = f"{root_of(request)}{page_of(connection_id, part)}"
    return redirect(request, address, Flash(str(error), failed=True))


def page_of(connection_id: uuid.UUID, part: str = "") -> str:
    """The address of a connection's page, at the part with this id, relative to the console's first page."""
    return f"connections/{connection_id}" + (f"#{part}" if part else "")


def _page(
    request: Request, visitor: Visitor, connection_id: uuid.UUID, page: Callable[[uuid.UUID], Response]
) -> Response:
    try:
        with postgres_needed():
            return page(connection_id)
    except UnknownConnectionError:
        return _not_found(request, visitor)


def _id_from(written: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(written)
    except ValueError:
        return None


def _not_found(request: Request, visitor: Visitor) -> HTMLResponse:
    return notice(
        request,
        404,
        "No such connection",
        "There is no connection with this id. It may have been erased.",
        hint="The overview lists all connections.",
        visitor=visitor,
    )
