"""`/calls/queue`: the reminders that are due, each with what holds it back, all or those of one reason."""

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from db.session import Session
from domain.reminders.hand_over import HoldReason
from workers.services import call_queue
from workers.services.queue_file import queue_file
from workers.web.console.access import AsAccountant, AsViewer, Visitor, postgres_needed
from workers.web.console.addresses import NoSuchPageError
from workers.web.console.calls.frame import call_page, scope_of
from workers.web.console.downloads import csv_file
from workers.web.console.listing import ROWS, Choice, after_of, choice_among
from workers.web.forms import one
from workers.web.state import resources_of

router = APIRouter()

_PATH: Final = "calls/queue"


@router.get("/calls/queue", response_class=HTMLResponse)
async def queue(request: Request, visitor: AsViewer) -> HTMLResponse:
    """Return the queue, and its numbers by reason. Parameters: connection, reason (or "claimable"), after."""

    def shown(db: Session, choice: Choice) -> dict[str, Any]:
        scope, after, reason = scope_of(choice), after_of(request), _reason_of(request)
        counts = call_queue.counts(db, scope)
        found = call_queue.page(db, scope, reason, after=after, size=ROWS)
        goes_on_after = found.goes_on_after and str(found.goes_on_after.reminder_id)
        return {
            "facets": [(held_back or call_queue.CLAIMABLE, held_back, number) for held_back, number in counts.items()],
            "counted": sum(counts.values()),
            "most_checked": call_queue.MOST_CHECKED,
            "reason": reason,
            "held_back": HoldReason(reason) if reason in set(HoldReason) else None,
            "reminders": found.reminders,
            "of": [each.connection_id for each in found.reminders],
            "first": choice.address(_PATH, reason=reason) if after else None,
            "more": choice.address(_PATH, reason=reason, after=goes_on_after) if goes_on_after else None,
        }

    return await run_in_threadpool(call_page, request, visitor, "queue.html", shown)


@router.post("/calls/queue/download")
async def download(request: Request, visitor: AsAccountant) -> Response:
    """Return the queue as a CSV file, all or those of one reason, and record the download."""
    return await run_in_threadpool(_download, request, visitor)


def _download(request: Request, visitor: Visitor) -> Response:
    resources, word = resources_of(request), _known(one(visitor.form, "reason"))
    with postgres_needed():
        with resources.engine.connect() as db:
            choice = choice_among(db, one(visitor.form, "connection"))
        pieces = queue_file(
            resources,
            visitor.operator.name,
            scope_of(choice),
            word,
            connection_id=choice.connection_id,
        )
        return csv_file("-".join(filter(None, ("queue", word))), pieces)


def _reason_of(request: Request) -> str:
    return _known(request.query_params.get("reason", ""))


def _known(word: str) -> str:
    if word and word not in call_queue.WORDS:
        raise NoSuchPageError
    return word
