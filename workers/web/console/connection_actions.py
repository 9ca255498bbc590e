"""The simple actions on a connection: sync, pause, resume, close the handover, rename and disconnect."""

import uuid

from fastapi import APIRouter, Request
from starlette.responses import Response

from db import connections, openings
from domain.activity import Action
from domain.connection_names import is_confirmed
from domain.errors import BooksyncError
from domain.runs import Mode
from workers.boot.resources import Resources
from workers.services.disconnect import disconnect
from workers.services.find_connection import rename
from workers.services.pause import pause
from workers.services.request_sync import RequestedSync
from workers.services.resume import resume
from workers.web.console.access import AsOperator
from workers.web.console.connection_addresses import done
from workers.web.forms import one

router = APIRouter(prefix="/connections/{connection_id}")


#: The longest reason of a pause, in characters.
_LONGEST_REASON = 500


class NotConfirmedError(BooksyncError):
    """Nothing was changed: what was typed is neither the connection's name nor its organisation's number."""


class StillParkedError(BooksyncError):
    """Zoho does not accept the connection. The message names the reason."""


@router.post("/sync")
async def sync(request: Request, connection_id: str, visitor: AsOperator) -> Response:
    """Start an incremental run."""
    return await done(request, visitor, connection_id, Action.SYNC, _sync, is_watched=True)


@router.post("/full-sync")
async def full_sync(request: Request, connection_id: str, visitor: AsOperator) -> Response:
    """Start a full run."""
    return await done(request, visitor, connection_id, Action.FULL_SYNC, _full_sync, is_watched=True)


def _sync(resources: Resources, connection_id: uuid.UUID) -> str:
    return RequestedSync(connection_id, Mode.INCREMENTAL).start_or_join(resources)[1]


def _full_sync(resources: Resources, connection_id: uuid.UUID) -> str:
    return RequestedSync(connection_id, Mode.FULL).start_or_join(resources)[1]


@router.post("/pause")
async def pause_connection(request: Request, connection_id: str, visitor: AsOperator) -> Response:
    """Pause the connection; the form's note is the reason."""
    reason = one(visitor.form, "note").strip()[:_LONGEST_REASON] or None

    def work(resources: Resources, found: uuid.UUID) -> str:
        pause(resources.engine, found, reason)
        return "The connection is paused. Webhooks are stored until it works again."

    return await done(request, visitor, connection_id, Action.PAUSE, work)


@router.post("/resume")
async def resume_connection(request: Request, connection_id: str, visitor: AsOperator) -> Response:
    """End the pause, or try a parked connection with its stored token."""
    return await done(request, visitor, connection_id, Action.RESUME, _resume)


def _resume(resources: Resources, connection_id: uuid.UUID) -> str:
    (resumed,) = resume(resources, [connection_id])
    if resumed.refusal is not None:
        following = " Next: reconnect it with a new grant." if resumed.needs_grant else ""
        raise StillParkedError(f"The connection is {resumed.sentence}{following}")
    return f"The connection {resumed.sentence}."


@router.post("/handover/close")
async def close_handover(request: Request, connection_id: str, visitor: AsOperator) -> Response:
    """Close the connection for handovers."""
    return await done(request, visitor, connection_id, Action.CLOSE_HANDOVER, _close, part="handover")


def _close(resources: Resources, connection_id: uuid.UUID) -> str:
    with resources.engine.begin() as db:
        connections.connection(db, connection_id)
        openings.close_handover(db, connection_id)
    return "Handover is closed. Reminders stay planned, and nothing is handed over."


@router.post("/rename")
async def rename_connection(request: Request, connection_id: str, visitor: AsOperator) -> Response:
    """Give the connection the form's name; an empty one restores the organisation's name in Zoho."""

    def work(resources: Resources, found: uuid.UUID) -> str:
        with resources.engine.begin() as db:
            name = rename(db, found, one(visitor.form, "name"))
        return "The connection has no name now." if name is None else f"The connection is called {name} now."

    return await done(request, visitor, connection_id, Action.RENAME, work)


@router.post("/disconnect")
async def disconnect_connection(request: Request, connection_id: str, visitor: AsOperator) -> Response:
    """Disconnect the connection, if its name or its organisation's number was typed."""

    def work(resources: Resources, found: uuid.UUID) -> str:
        with resources.engine.connect() as db:
            connection = connections.connection(db, found)
        if not is_confirmed(one(visitor.form, "typed"), connection.name, connection.organization_id):
            raise NotConfirmedError
        ended = disconnect(resources, found)
        began = "is" if ended.was_connected else "was already"
        cancelled = f"Cancelled reminders: {ended.cancelled_reminders:,}."
        return f"The connection {began} disconnected. {cancelled} {ended.revocation_sentence}".rstrip()

    return await done(request, visitor, connection_id, Action.DISCONNECT, work)
