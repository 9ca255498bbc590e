"""The verification of a connection: begun and stopped here, shown on the connection's page."""

import uuid

from fastapi import APIRouter, Request
from starlette.responses import Response

from domain.activity import Action
from workers.boot.resources import Resources
from workers.services.background_verification import stop_verification, verify_in_background
from workers.web.console.access import AsOperator
from workers.web.console.connection_addresses import done

router = APIRouter(prefix="/connections/{connection_id}/verify")


@router.post("")
async def verify(request: Request, connection_id: str, visitor: AsOperator) -> Response:
    """Begin to compare the connection's cache with Zoho."""
    return await done(request, visitor, connection_id, Action.VERIFY, _begin, part="verify", is_watched=True)


@router.post("/stop")
async def stop(request: Request, connection_id: str, visitor: AsOperator) -> Response:
    """Let the connection's verification end."""
    return await done(request, visitor, connection_id, Action.VERIFY, _stop, part="verify")


def _begin(resources: Resources, connection_id: uuid.UUID) -> str:
    verify_in_background(resources, connection_id)
    return "The verification has begun. This page shows how far it is."


def _stop(resources: Resources, connection_id: uuid.UUID) -> str:
    if stop_verification(resources, connection_id):
        return "The verification ends within seconds."
    return "No verification is running."
