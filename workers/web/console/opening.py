"""`/connections/{id}/handover`: the calls that would be made, and the button that opens the handover."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from db import connections, openings, reminder_policies
from domain.activity import Action
from domain.reminders.funnel import Stage
from domain.reminders.opening import Backlog, Handover
from domain.time_zones import zone_named
from workers.services.activity import RecordedAction
from workers.services.open_handovers import open_handovers
from workers.services.preview import Preview, PreviewedCall
from workers.web.console.access import AsOperator, AsViewer
from workers.web.console.connection_addresses import done_at_length, shown
from workers.web.console.frame import console_page
from workers.web.forms import one
from workers.web.state import patient_basics_of, previews_of, resources_of

router = APIRouter(prefix="/connections/{connection_id}/handover")


@router.get("", response_class=HTMLResponse)
async def preview_page(
    request: Request,
    connection_id: str,
    visitor: AsViewer,
    backlog: str = Backlog.NONE,
) -> Response:
    """Show which calls would be made if the handover were opened now. Nothing is changed."""

    def page(found: uuid.UUID) -> Response:
        return console_page(request, "console/opening.html", visitor, **_seen(request, found, _backlog_of(backlog)))

    return await shown(connection_id, page)


@router.post("")
async def open_handover(request: Request, connection_id: str, visitor: AsOperator) -> Response:
    """Open the connection for handovers, with the form's backlog."""
    chosen = _backlog_of(one(visitor.form, "backlog"))

    def work(found: uuid.UUID, begun: RecordedAction) -> str:
        # The plans of a large connection are one transaction, for which the time limit of requests is too short.
        engine = patient_basics_of(request).engine
        opened = open_handovers(engine, found, chosen, on_due=begun.expect, on_planned=begun.advance)
        begun.result = (
            f"Handover is open. Invoices planned again: {opened.planned:,}. Numbers with a scheduled reminder: "
            f"{opened.state.waiting_calls:,}. Invoices without a step after the opening: {opened.before_opening:,}."
        )
        return begun.result

    return await done_at_length(request, visitor, connection_id, Action.OPEN_HANDOVER, work, part="handover")


def _backlog_of(given: str) -> Backlog:
    return Backlog.LATEST if given == Backlog.LATEST else Backlog.NONE


def _seen(request: Request, connection_id: uuid.UUID, backlog: Backlog) -> dict[str, Any]:
    with resources_of(request).engine.connect() as db:
        connection = connections.connection(db, connection_id)
        switch = openings.switch_of(db, connection_id)
        policy = reminder_policies.policy_of(db, connection_id)
    look = previews_of(request).opening(connection, switch, policy, backlog)
    found = look.found
    return {
        "connection": connection,
        "look": look,
        "found": found,
        "switch": switch,
        "is_open": switch.handover is Handover.OPEN,
        "backlog": backlog,
        "stages": found and [(each, found.funnel.lost_before(each), found.funnel.reaching(each)) for each in Stage],
        "days": found and _days(found),
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
    named: list[tuple[str, dt.date | None, int, Sequence[PreviewedCall]]] = [
        ("The rest of today", found.today, found.calls_today, found.first_calls_today),
        ("The next day", found.first_day, found.calls, found.first_calls),
    ]
    return [_Day(f"{name}, {day:%a %d %b %Y}", count, calls) for name, day, count, calls in named if day and count]
