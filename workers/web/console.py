"""`/`: the console. The console shows the state of the installation, needs CONSOLE_PASSWORD, and changes nothing."""

import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any

import structlog
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlalchemy import func, select
from starlette.concurrency import run_in_threadpool

from db import dead_letter_lists, event_history, summary
from db.failures import DatabaseError, failure_of
from db.session import Session
from domain.connection_states import ConnectionStatus, state_sentence
from domain.floods import flood_sentence
from workers.boot.resources import Resources
from workers.boot.settings import Settings
from workers.budget import BudgetSnapshot, BudgetUnavailable, throttled_sentence
from workers.observability.counters import PasswordOutcome
from workers.services.doctor.examination import examine
from workers.web.console_password import SHORTEST_PASSWORD, PasswordCheck, is_too_short, password_in
from workers.web.kept_states import KeptStates
from workers.web.pages import headers

router = APIRouter()
log = structlog.get_logger(__name__)

#: The rows of each list on the console.
_EVENTS_SHOWN = 8
_GROUPS_SHOWN = 20

_OFF = "The console is off: set CONSOLE_PASSWORD to open it."
_CLOSED = (
    f"The console is closed, because CONSOLE_PASSWORD has fewer than {SHORTEST_PASSWORD} characters. "
    "Set a longer one: openssl rand -hex 16"
)

_states = KeptStates()

_LATER = {"Retry-After": "5"}
_ASK_FOR_PASSWORD = {"WWW-Authenticate": 'Basic realm="booksync", charset="UTF-8"'}


@router.get("/", response_class=HTMLResponse)
async def console(request: Request) -> HTMLResponse:
    """Return the console's page.

    404 if CONSOLE_PASSWORD is not set, 403 if CONSOLE_PASSWORD is too short, 401 without the right password, 429 for a
    while after too many wrong passwords, 503 if Postgres does not work.
    """
    resources: Resources = request.app.state.resources
    await _check_password(request, resources)
    return await run_in_threadpool(_page, resources)


def password_check(settings: Settings) -> PasswordCheck | None:
    """Return this process's password check; None if the console is off, or closed because its password is too short.

    A password that is too short is logged.
    """
    password = settings.console_password
    if password is None:
        return None
    if is_too_short(password):
        log.warning(_CLOSED, action="console.closed")
        return None
    return PasswordCheck(password)


async def _check_password(request: Request, resources: Resources) -> None:
    check: PasswordCheck | None = request.app.state.console_password
    if check is None:
        is_off = resources.settings.console_password is None
        raise HTTPException(404, _OFF) if is_off else HTTPException(403, _CLOSED)
    authorization = request.headers.get("authorization")
    if authorization is None:
        raise HTTPException(401, "The console needs its password.", headers=_ASK_FOR_PASSWORD)
    address = request.client.host if request.client else "unknown"
    outcome = await check.check(password_in(authorization), address)
    await run_in_threadpool(resources.counters.console_password, outcome)
    if outcome is PasswordOutcome.WRONG:
        raise HTTPException(401, "The password is wrong.", headers=_ASK_FOR_PASSWORD)
    if outcome is PasswordOutcome.NOT_CHECKED:
        raise HTTPException(429, "Too many wrong passwords. Try again in a few seconds.", headers=_LATER)


def _page(resources: Resources) -> HTMLResponse:
    nonce = secrets.token_urlsafe(16)
    try:
        with resources.engine.connect() as db:
            shown = _shown(resources, db)
    except DatabaseError as error:
        raise HTTPException(503, f"Postgres: {failure_of(error).brief}.") from None
    page = _TEMPLATES.get_template("console.html").render(shown, nonce=nonce)
    return HTMLResponse(page, headers=headers(nonce))


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


def _span(seconds: float) -> str:
    """Format a duration for people."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


def _ago(moment: datetime | None, now: datetime) -> str:
    return "never" if moment is None else f"{_span(max(timedelta(0), now - moment).total_seconds())} ago"


def _until(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "never"
    return "is due" if moment <= now else f"in {_span((moment - now).total_seconds())}"


def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("workers.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {
        "span": _span,
        "ago": _ago,
        "until": _until,
        "thousands": "{:,}".format,
        "words": lambda name: str(name).replace("_", " "),
    }
    return environment


_TEMPLATES = _templates()
