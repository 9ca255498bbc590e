"""`/`: the console's first page. It shows the state of the installation, and changes nothing."""

import uuid
from typing import Any

import structlog
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import func, select
from starlette.concurrency import run_in_threadpool

from db import dead_letter_lists, event_history, summary
from db.session import Session
from domain.connection_states import ConnectionStatus, state_sentence
from domain.floods import flood_sentence
from domain.operators import Role
from workers.boot.resources import Resources
from workers.boot.settings import Settings
from workers.budget import BudgetSnapshot, BudgetUnavailable, throttled_sentence
from workers.observability.counters import PasswordOutcome
from workers.services.doctor.examination import examine
from workers.web.console.access import Visitor, postgres_needed, require
from workers.web.console.frame import CLOSED, OFF, console_page
from workers.web.console.kept_states import KeptStates
from workers.web.console.password_check import RETRY_LATER, TOO_MANY, PasswordCheck, password_in
from workers.web.console.proxy_names import name_by_proxy
from workers.web.console.sessions import has_session_cookie
from workers.web.state import address_of, password_check_of, resources_of

router = APIRouter()
log = structlog.get_logger(__name__)

#: The rows of each list on the console.
_EVENTS_SHOWN = 8
_GROUPS_SHOWN = 20

_states = KeptStates()

_ASK_FOR_PASSWORD = {"WWW-Authenticate": 'Basic realm="booksync", charset="UTF-8"'}


@router.get("/", response_class=HTMLResponse)
async def console(request: Request) -> HTMLResponse:
    """Return the console's first page, or lead a browser that is not signed in to the sign-in page.

    For a script with HTTP's basic authentication: 404 if CONSOLE_PASSWORD is not set, 403 if CONSOLE_PASSWORD is too
    short, 401 without the right password, 429 for a while after too many wrong passwords. 503 if Postgres does not
    work.
    """
    resources = resources_of(request)
    if _is_script(request):
        await _check_password(request, resources)
        return await run_in_threadpool(_page, request, resources, None)
    return await run_in_threadpool(_page, request, resources, await _require_viewer(request))


_require_viewer = require(Role.VIEWER)


def password_check(settings: Settings) -> PasswordCheck:
    """Return this process's password check. A CONSOLE_PASSWORD that is too short is logged."""
    check = PasswordCheck(settings.console_password)
    if settings.console_password is not None and not check.has_console_password:
        log.warning(CLOSED, action="console.closed")
    return check


def _is_script(request: Request) -> bool:
    """Return whether the client uses basic authentication, or is not a browser in which a person could sign in."""
    if name_by_proxy(request) is not None:
        return False
    if "authorization" in request.headers:
        return True
    return "text/html" not in request.headers.get("accept", "") and not has_session_cookie(request)


async def _check_password(request: Request, resources: Resources) -> None:
    check = password_check_of(request)
    if not check.has_console_password:
        is_off = resources.settings.console_password is None
        raise HTTPException(404, OFF) if is_off else HTTPException(403, CLOSED)
    authorization = request.headers.get("authorization")
    if authorization is None:
        raise HTTPException(401, "The console needs its password.", headers=_ASK_FOR_PASSWORD)
    outcome = await check.check(password_in(authorization), address_of(request))
    await run_in_threadpool(resources.counters.console_password, outcome)
    if outcome is PasswordOutcome.WRONG:
        raise HTTPException(401, "The password is wrong.", headers=_ASK_FOR_PASSWORD)
    if outcome is PasswordOutcome.NOT_CHECKED:
        raise HTTPException(429, TOO_MANY, headers=RETRY_LATER)


def _page(request: Request, resources: Resources, visitor: Visitor | None) -> HTMLResponse:
    with postgres_needed(), resources.engine.connect() as db:
        shown = _shown(resources, db)
    return console_page(request, "console/overview.html", visitor, **shown)


def _shown(resources: Resources, db: Session) -> dict[str, Any]:
    kept = _states.read(db)
    states = kept.states
    budgets = _budgets(resources, {state["organization_id"] for state in states})
    for state in states:
        connection_id = uuid.UUID(state["connection_id"])
        state["state_sentence"] = state_sentence(ConnectionStatus(state["status"]), state["connection_id"])
        state["budget"] = budgets.get(state["organization_id"]) if budgets else None
        state["events"] = event_history.latest(db, connection_id, limit=_EVENTS_SHOWN)
        throttled_since = state["token_endpoint_throttled_since"]
        state["throttled_sentence"] = throttled_since and throttled_sentence(throttled_since)
        state["flood_sentence"] = state["flood"] and flood_sentence(**state["flood"])
        state["waiting_invoices"] = summary.waiting_invoices(db, connection_id)
    return {
        "now": db.execute(select(func.now())).scalar_one(),
        "connections": states,
        "counted_seconds_ago": kept.age_seconds,
        "checkup": examine(resources, states, budgets),
        "events": event_history.counts(db),
        "dead_letters": dead_letter_lists.groups(db, dead_letter_lists.Choice())[:_GROUPS_SHOWN],
    }


def _budgets(resources: Resources, organization_ids: set[str]) -> dict[str, BudgetSnapshot] | None:
    """Return the API budget of each organisation; None while Redis is unavailable."""
    try:
        return {each: resources.budget.snapshot(each) for each in organization_ids}
    except BudgetUnavailable:
        return None
