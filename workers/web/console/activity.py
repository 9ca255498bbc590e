"""`/activity`: what operators did, and how far a long action is."""

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from db import activity
from db.clock import present
from domain.activity import ActionState
from workers.web.console.access import AsOperator, AsViewer, Visitor, postgres_needed
from workers.web.console.addresses import NoSuchPageError, query, uuid_of
from workers.web.console.flash import Flash, redirect
from workers.web.console.frame import console_page, root_of
from workers.web.console.listing import after_of, paged
from workers.web.state import resources_of

router = APIRouter(prefix="/activity")


#: The rows of a page.
ROWS = 100


@router.get("")
async def activity_page(request: Request, visitor: AsViewer) -> Response:
    """Return the actions and events of all connections or of one, the latest first."""
    return await run_in_threadpool(_list, request, visitor)


@router.get("/{action_id}")
async def action_page(request: Request, action_id: str, visitor: AsViewer) -> Response:
    """Return one action; while it is in progress, the page renews itself, also without JavaScript."""
    return await run_in_threadpool(_one, request, visitor, action_id)


@router.post("/{action_id}/stop")
async def stop(request: Request, action_id: str, visitor: AsOperator) -> Response:
    """Let an action in the background end. What it has done stays done."""
    return await run_in_threadpool(_stop, request, visitor, action_id)


def _list(request: Request, visitor: Visitor) -> Response:
    connection_id, after = uuid_of(request.query_params.get("connection", "")), after_of(request)
    with postgres_needed(), resources_of(request).engine.connect() as db:
        now = present(db)
        actions, last = paged(activity.listed(db, connection_id=connection_id, before=after, limit=ROWS + 1), ROWS)
    return console_page(
        request,
        "console/activity.html",
        visitor,
        now=now,
        actions=actions,
        connection_id=connection_id,
        first=f"activity{query(connection=connection_id)}" if after else "",
        more=f"activity{query(connection=connection_id, after=last.id)}" if last else "",
    )


def _one(request: Request, visitor: Visitor, given: str) -> Response:
    action_id = uuid_of(given)
    with postgres_needed(), resources_of(request).engine.connect() as db:
        action = activity.find(db, action_id) if action_id else None
    if action is None:
        raise NoSuchPageError
    return console_page(
        request,
        "console/action.html",
        visitor,
        action=action,
        now=action.now,
        is_in_progress=action.state is ActionState.BEGUN,
    )


def _stop(request: Request, visitor: Visitor, given: str) -> Response:
    action_id = uuid_of(given)
    with postgres_needed(), resources_of(request).engine.begin() as db:
        if action_id is None or activity.find(db, action_id) is None:
            raise NoSuchPageError
        is_stopped = activity.stop(db, action_id, operator=visitor.operator.name)
    flash = Flash("The action ends within seconds.") if is_stopped else Flash("It has ended already.", failed=True)
    return redirect(request, f"{root_of(request)}activity/{action_id}", flash)
