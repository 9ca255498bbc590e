"""`/connections/{id}/handover`: the calls that would be made, and the button that opens the handover."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from db import connections
from domain.activity import Action
from domain.errors import BooksyncError
from domain.funnel import Stage
from domain.opening import Backlog
from domain.time_zones import zone_named
from workers.boot.basics import open_basics
from workers.boot.resources import Resources
from workers.services.open_handovers import open_handovers
from workers.services.preview import Preview, PreviewedCall, preview
from workers.web.console.access import AsOperator, AsViewer
from workers.web.console.connection_addresses import done, refused, shown
from workers.web.console.frame import console_page
from workers.web.forms import one
from workers.web.state import resources_of

router = APIRouter(prefix="/connections/{connection_id}/handover")

#: The longest time for the plans of a preview.
PREVIEW_SECONDS: Final = 15.0

#: The calls of one day that the preview lists.
_CALLS_SHOWN = 50


class PreviewTooLongError(BooksyncError):
    """The connection has too many open invoices for a preview in the console.

    Next: booksync reminders preview on the command line.
    """

    def __init__(self, planned: int) -> None:
        super().__init__(
            f"The preview was ended after {PREVIEW_SECONDS:.0f} s and {planned:,} open invoices. Next: booksync "
            "reminders preview on the command line."
        )


@router.get("", response_class=HTMLResponse)
async def preview_page(
    request: Request,
    connection_id: str,
    visitor: AsViewer,
    backlog: str = Backlog.NONE,
) -> Response:
    """Show which calls would be made if the handover were opened now. Nothing is changed."""
    chosen = Backlog.LATEST if backlog == Backlog.LATEST else Backlog.NONE

    def page(found: uuid.UUID) -> Response:
        try:
            seen = _seen(resources_of(request), found, chosen)
        except PreviewTooLongError as error:
            return refused(request, found, error, part="handover")
        return console_page(request, "console/opening.html", visitor, **seen)

    return await shown(connection_id, page)


@router.post("")
async def open_handover(request: Request, connection_id: str, visitor: AsOperator) -> Response:
    """Open the connection for handovers, with the form's backlog."""
    chosen = Backlog.LATEST if one(visitor.form, "backlog") == Backlog.LATEST else Backlog.NONE

    def work(resources: Resources, found: uuid.UUID) -> str:
        # The plans of a large connection are one transaction, for which the web process's time limit is too short.
        with open_basics("booksync web action", resources.settings) as basics:
            opened = open_handovers(basics.engine, found, chosen)
        return (
            f"Handover is open. Invoices planned again: {opened.planned:,}. Numbers with a scheduled reminder: "
            f"{opened.state.waiting_calls:,}. Invoices without a step after the opening: {opened.before_opening:,}."
        )

    return await done(request, visitor, connection_id, Action.OPEN_HANDOVER, work, part="handover")


def _seen(resources: Resources, connection_id: uuid.UUID, backlog: Backlog) -> dict[str, Any]:
    ends_at = time.monotonic() + PREVIEW_SECONDS

    def end_in_time(planned: int) -> None:
        if time.monotonic() >= ends_at:
            raise PreviewTooLongError(planned)

    with resources.engine.connect() as db:
        connection = connections.connection(db, connection_id)
        found = preview(db, connection, with_backlog=backlog is Backlog.LATEST, on_progress=end_in_time)
    return {
        "connection": connection,
        "found": found,
        "backlog": backlog,
        "stages": [(stage, found.funnel.lost_before(stage), found.funnel.reaching(stage)) for stage in Stage],
        "days": _days(found),
        "zone": zone_named(connection.time_zone),
    }


@dataclass(frozen=True, slots=True)
class _Day:
    """The calls of one day of the preview: all are counted, the first ones are listed."""

    title: str
    count: int
    calls: Sequence[PreviewedCall] = field(repr=False)


def _days(found: Preview) -> list[_Day]:
    """The days with calls: the rest of today, and the first day after it."""
    named = [("The rest of today", found.today, found.calls_today), ("The next day", found.first_day, found.calls)]
    return [
        _Day(f"{name}, {day:%a %d %b %Y}", len(calls), calls[:_CALLS_SHOWN])
        for name, day, calls in named
        if day and calls
    ]
