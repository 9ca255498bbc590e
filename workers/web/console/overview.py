"""`/`: the console's first page. It shows the state of the installation, and changes nothing."""

from typing import Annotated, Final
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from domain.operators import Role
from workers.boot.resources import Resources
from workers.boot.settings import Settings
from workers.observability.counters import PasswordOutcome
from workers.services.connection_order import CHOICES, Choice, ConnectionNotListedError
from workers.services.overview import look
from workers.services.tiles import tiles
from workers.web.console.access import Visitor, postgres_needed, require
from workers.web.console.addresses import NoSuchPageError
from workers.web.console.frame import CLOSED, OFF, console_page
from workers.web.console.next_steps import grouped
from workers.web.console.password_check import RETRY_LATER, TOO_MANY, PasswordCheck, password_in
from workers.web.console.proxy_names import name_by_proxy
from workers.web.console.sessions import has_session_cookie
from workers.web.forms import one
from workers.web.state import address_of, counts_of, password_check_of, resources_of

router = APIRouter()
log = structlog.get_logger(__name__)

#: The longest words of a search, in characters.
_LONGEST_WORDS: Final = 200

#: The page that connects an organisation, relative to the first page.
_CONNECT_PAGE: Final = "connections/new"

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
        return await run_in_threadpool(_page, request, resources, None, _choice(request))
    return await run_in_threadpool(_page, request, resources, await _require_viewer(request), _choice(request))


_require_viewer = require(Role.VIEWER)


@router.post("/", response_class=HTMLResponse)
async def found_connections(request: Request, visitor: Annotated[Visitor, Depends(_require_viewer)]) -> HTMLResponse:
    """Return the first page with the connections whose name, organisation or id has the form's words.

    Names are personal data of the installation's users, so they are in no address.
    """
    choice = Choice(words=one(visitor.form, "words").strip()[:_LONGEST_WORDS])
    return await run_in_threadpool(_page, request, resources_of(request), visitor, choice)


def _choice(request: Request) -> Choice:
    state, after = (request.query_params.get(name, "") for name in ("state", "after"))
    return Choice(state=state if state in CHOICES else "", after=after)


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


def _page(request: Request, resources: Resources, visitor: Visitor | None, choice: Choice) -> HTMLResponse:
    with postgres_needed():
        try:
            seen = look(resources, counts_of(request), choice)
        except ConnectionNotListedError:
            raise NoSuchPageError(
                "The connection after which the list should go on does not exist any more.",
                title="The list has changed",
                hint="Open the list from its beginning.",
            ) from None
    return console_page(
        request,
        "console/overview.html",
        visitor,
        overview=seen,
        now=seen.facts.now,
        choice=choice,
        choices=[(each, seen.counts[each]) for each in CHOICES if each in seen.counts or each == choice.state],
        here=urlencode({name: value for name, value in (("state", choice.state), ("after", choice.after)) if value}),
        groups=grouped(seen),
        tiles=tiles(seen),
        connect_page=_CONNECT_PAGE,
    )
