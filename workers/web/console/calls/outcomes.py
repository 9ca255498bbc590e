"""`/calls/outcomes`: what came of the calls, as the application that makes them has reported it."""

import uuid
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from db import call_outcomes
from db.session import Session
from domain.call_outcomes import CallOutcome
from workers.web.console.access import AsViewer
from workers.web.console.addresses import NoSuchPageError, uuid_of
from workers.web.console.calls.frame import call_page
from workers.web.console.listing import ROWS, Choice, paged

router = APIRouter()

_PATH: Final = "calls/outcomes"

#: Separates the two ids by which the list goes on: an outcome is named by its handover and its reminder.
_SEPARATOR: Final = "_"


@router.get("/calls/outcomes", response_class=HTMLResponse)
async def listed(request: Request, visitor: AsViewer) -> HTMLResponse:
    """Return the outcomes, the latest first. Parameters: connection, outcome, after (handover_reminder)."""

    def shown(db: Session, choice: Choice) -> dict[str, Any]:
        outcome, after = _outcome_of(request), _after(request)
        rows, last = paged(
            call_outcomes.listed(db, connection_id=choice.connection_id, outcome=outcome, after=after, limit=ROWS + 1)
        )
        kept = {"outcome": outcome or ""}
        return {
            "outcomes": rows,
            "of": [each.connection_id for each in rows],
            "kinds": list(CallOutcome),
            "outcome": outcome,
            "first": choice.address(_PATH, **kept) if after else None,
            "more": last and choice.address(_PATH, **kept, after=f"{last.handover_id}{_SEPARATOR}{last.reminder_id}"),
        }

    return await run_in_threadpool(call_page, request, visitor, "outcomes.html", shown)


def _outcome_of(request: Request) -> CallOutcome | None:
    wanted = request.query_params.get("outcome")
    try:
        return CallOutcome(wanted) if wanted else None
    except ValueError:
        raise NoSuchPageError from None


def _after(request: Request) -> tuple[uuid.UUID, uuid.UUID] | None:
    text = request.query_params.get("after", "")
    if not text:
        return None
    handover_id, reminder_id = (uuid_of(part) for part in text.partition(_SEPARATOR)[::2])
    if handover_id is None or reminder_id is None:
        raise NoSuchPageError
    return handover_id, reminder_id
