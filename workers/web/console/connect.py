"""`/connections/new`: an operator makes a link with which a user connects Zoho organisations in a browser."""

import uuid
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from db import connections, users
from domain.activity import Action
from domain.errors import BooksyncError
from domain.users import UserIdType, user_id_from
from workers.boot.resources import Resources
from workers.services.activity import recorded
from workers.services.connect_links import LINK_SECONDS, ConnectLink, address_of
from workers.web.console.access import AsOperator, Visitor, postgres_needed
from workers.web.console.connection_addresses import refused, shown
from workers.web.console.frame import console_page
from workers.web.forms import one
from workers.web.state import resources_of

router = APIRouter(prefix="/connections")


@router.get("/new", response_class=HTMLResponse)
async def new_page(request: Request, visitor: AsOperator) -> Response:
    """Ask for the user whose organisations are to be connected."""
    return await run_in_threadpool(_form_page, request, visitor)


@router.post("/new", response_class=HTMLResponse)
async def new_link(request: Request, visitor: AsOperator) -> Response:
    """Make a link for the form's user, and show it."""
    user = one(visitor.form, "user").strip()

    def page() -> Response:
        resources = resources_of(request)
        try:
            with postgres_needed(), recorded(resources, visitor.operator.name, Action.CONNECT):
                address = _address(resources, user)
        except BooksyncError as error:
            return _form_page(request, visitor, user=user, problem=str(error))
        return console_page(request, "console/connect.html", visitor, **_link(address))

    return await run_in_threadpool(page)


@router.post("/{connection_id}/reconnect", response_class=HTMLResponse)
async def reconnect(request: Request, connection_id: str, visitor: AsOperator) -> Response:
    """Make a link for the connection's user, and show it."""

    def page(found: uuid.UUID) -> Response:
        resources = resources_of(request)
        with resources.engine.connect() as db:
            connection = connections.connection(db, found)
        try:
            with recorded(resources, visitor.operator.name, Action.CONNECT, connection_id=found):
                address = _address(resources, str(connection.user_id))
        except BooksyncError as error:
            return refused(request, found, error)
        return console_page(request, "console/connect.html", visitor, **_link(address, connection))

    return await shown(connection_id, page)


def _address(resources: Resources, user: str) -> str:
    with resources.engine.connect() as db:
        user_id = user_id_from(user, users.id_type(db))
    return address_of(resources.settings, resources.vault, ConnectLink(str(user_id)))


def _link(address: str, connection: connections.Connection | None = None) -> dict[str, Any]:
    return {"address": address, "minutes": LINK_SECONDS // 60, "connection": connection}


def _form_page(request: Request, visitor: Visitor, user: str = "", problem: str = "") -> HTMLResponse:
    resources = resources_of(request)
    with postgres_needed(), resources.engine.connect() as db:
        kind, known = users.id_type(db), users.connected(db)
    return console_page(
        request,
        "console/connect_user.html",
        visitor,
        status=400 if problem else 200,
        kind=kind,
        known=known,
        user=user or _suggested(kind, known),
        problem=problem,
        is_reachable=resources.settings.public_url is not None,
        has_client=resources.settings.has_zoho_client,
    )


def _suggested(kind: UserIdType, known: Sequence[str]) -> str:
    """The only user with a connection; a new id for the first connection, if ids are UUIDs."""
    if len(known) == 1:
        return known[0]
    return str(uuid.uuid4()) if not known and kind is UserIdType.UUID else ""
