"""`/calls/queue`: the reminders that are due, each with what holds it back, all or those of one reason."""

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from db.session import Session
from domain.hand_over import HoldReason
from workers.services import call_queue
from workers.web.console.access import AsViewer
from workers.web.console.addresses import NoSuchPageError
from workers.web.console.calls.frame import call_page, scope_of
from workers.web.console.listing import ROWS, Choice, after_of

router = APIRouter()

_PATH: Final = "calls/queue"

#: Instead of a reason in an address: the reminders that nothing holds back.
_CLAIMABLE: Final = "claimable"

#: The words of the addresses.
_REASONS: Final = {_CLAIMABLE: None} | {str(reason): reason for reason in HoldReason}


@router.get("/calls/queue", response_class=HTMLResponse)
async def queue(request: Request, visitor: AsViewer) -> HTMLResponse:
    """Return the queue, and its numbers by reason. Parameters: connection, reason (or "claimable"), after."""

    def shown(db: Session, choice: Choice) -> dict[str, Any]:
        scope, after, reason = scope_of(choice), after_of(request), _reason_of(request)
        counts = call_queue.counts(db, scope)
        found = (
            call_queue.page_of_reason(db, scope, _REASONS[reason], after=after, size=ROWS)
            if reason
            else call_queue.page(db, scope, after=after, size=ROWS)
        )
        return {
            "facets": [(held_back or _CLAIMABLE, held_back, number) for held_back, number in counts.items()],
            "counted": sum(counts.values()),
            "most_checked": call_queue.MOST_CHECKED,
            "reason": reason,
            "held_back": _REASONS.get(reason),
            "reminders": found.reminders,
            "of": [each.connection_id for each in found.reminders],
            "first": choice.address(_PATH, reason=reason) if after else None,
            "more": choice.address(_PATH, reason=reason, after=str(found.more_after)) if found.more_after else None,
        }

    return await run_in_threadpool(call_page, request, visitor, "queue.html", shown)


def _reason_of(request: Request) -> str:
    reason = request.query_params.get("reason", "")
    if reason and reason not in _REASONS:
        raise NoSuchPageError
    return reason
