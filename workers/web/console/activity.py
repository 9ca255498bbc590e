"""`/activity`: what operators did, and how far a long action is."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from db import activity
from domain.activity import ActionState
from domain.operators import Role
from workers.web.console.access import Visitor, postgres_needed, require
from workers.web.console.addresses import NoSuchPageError, no_such_page, uuid_of
from workers.web.console.frame import console_page
from workers.web.state import resources_of

router = APIRouter(prefix="/activity")

Reader = Annotated[Visitor, Depends(require(Role.VIEWER))]


@router.get("/{action_id}")
async def action_page(request: Request, action_id: str, visitor: Reader) -> Response:
    """Return one action; while it is in progress, the page renews itself, also without JavaScript."""
    return await run_in_threadpool(_one, request, visitor, action_id)


def _one(request: Request, visitor: Visitor, given: str) -> Response:
    try:
        action_id = uuid_of(given)
    except NoSuchPageError:
        return no_such_page(request, visitor)
    with postgres_needed(), resources_of(request).engine.connect() as db:
        action = activity.find(db, action_id) if action_id else None
    if action is None:
        return no_such_page(request, visitor)
    return console_page(
        request,
        "console/action.html",
        visitor,
        action=action,
        now=action.now,
        is_in_progress=action.state is ActionState.BEGUN,
    )
