"""The verification of a connection: begun here, shown on the connection's page."""

import uuid

from fastapi import APIRouter, Request
from starlette.responses import Response

from domain.activity import Action
from workers.services.activity import RecordedAction
from workers.services.background_verification import verify
from workers.web.console.access import AsOperator
from workers.web.console.connection_addresses import done_at_length
from workers.web.state import resources_of

router = APIRouter(prefix="/connections/{connection_id}/verify")


@router.post("")
async def begin(request: Request, connection_id: str, visitor: AsOperator) -> Response:
    """Compare the connection's cache with Zoho."""

    def work(found: uuid.UUID, begun: RecordedAction) -> str:
        return verify(resources_of(request), found, begun)

    return await done_at_length(
        request, visitor, connection_id, Action.VERIFY, work, part="verify", shows_progress=True
    )
