"""`/connections/{id}`: one connection with its state, its runs, its webhooks and its actions."""

import uuid
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from db import connection_views
from domain.connection_states import ConnectionStatus
from workers.services.connection_details import details_of
from workers.services.kept_counts import RUNS_SHOWN
from workers.services.webhook_rules import webhook_url
from workers.web.console import charts
from workers.web.console.access import AsViewer
from workers.web.console.connection_addresses import WATCH, shown
from workers.web.console.frame import console_page
from workers.web.state import counts_of, resources_of

router = APIRouter()


@router.get("/connections/{connection_id}", response_class=HTMLResponse)
async def connection_page(request: Request, connection_id: str, visitor: AsViewer) -> Response:
    """The page of a connection."""

    def page(found: uuid.UUID) -> Response:
        return console_page(
            request,
            "console/connection.html",
            visitor,
            watch=WATCH,
            is_watched=WATCH in request.query_params,
            **_shown(request, found),
        )

    return await shown(connection_id, page)


def _shown(request: Request, connection_id: uuid.UUID) -> dict[str, Any]:
    resources = resources_of(request)
    details = details_of(resources, counts_of(request), connection_id)
    with resources.engine.connect() as db:
        view = connection_views.view_of(db, connection_id, runs=RUNS_SHOWN)
        hours = connection_views.hours(db, connection_id, days=charts.DAYS)
    state = details.state
    budget = state["budget"]
    return {
        "now": view.now,
        "state": state,
        "is_counted": details.is_counted,
        "counted_seconds_ago": details.counted_seconds_ago,
        "view": view,
        "meaning": meaning_of(ConnectionStatus(state["status"])),
        "live_run": next((run for run in state["runs"] if run["status"] == "running"), None),
        "rows_written": view.rows_written,
        "charts": charts.charts_of(hours, now=view.now, day_limit=budget and budget.day_limit),
        "webhook_charts": charts.webhook_charts(view.webhook_hours, now=view.now),
        "webhook_url": webhook_url(resources.settings, connection_id),
    }


def meaning_of(status: ConnectionStatus) -> str:
    """What the connection's state means for its work, and how the state ends."""
    match status:
        case ConnectionStatus.ACTIVE:
            return "It is synced on schedule, and its webhooks are processed."
        case ConnectionStatus.PARKED:
            return (
                "Zoho refuses the connection, so it gets no work until a person acts. Resume tries the stored token; "
                "Reconnect makes a new one."
            )
        case ConnectionStatus.PAUSED:
            return (
                "A person has stopped the connection: no syncs, no refreshes, no handovers. Its webhooks are stored "
                "until it is resumed."
            )
        case ConnectionStatus.DISCONNECTED:
            return (
                "Its tokens and its webhook secret are deleted. Its cached rows stay. Reconnect revives it under the "
                "same id."
            )
        case ConnectionStatus.ERASING:
            return "Its rows are being erased. Repeat booksync erase on the command line to complete this."
