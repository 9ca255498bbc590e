"""`/sign-in` and `/sign-out`: an operator begins and ends a console session."""

import secrets
import time
from functools import partial

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from domain.operators import CONSOLE_NAME, Operator, name_of
from workers.boot.resources import Resources
from workers.observability.counters import PasswordOutcome
from workers.services.activity import note_sign_in
from workers.services.operators import authenticate, console_operator, record_use, sign_out
from workers.services.sign_in_links import use_link
from workers.web.console.access import AsViewer, Visitor, postgres_needed
from workers.web.console.frame import WELCOME, closed_page, console_page, root_of
from workers.web.console.password_check import RETRY_LATER, TOO_MANY
from workers.web.console.proxy_names import name_by_proxy
from workers.web.console.sessions import (
    LONGEST_SECONDS,
    ConsoleSession,
    cookie_of,
    delete_cookie,
    forget_session,
    keep_session,
    set_cookie,
)
from workers.web.forms import ForgedFormError, one, read_form, refuse_forged
from workers.web.state import address_of, password_check_of, resources_of

router = APIRouter()

#: The cookie with the token of the sign-in form, because there is no session yet.
_COOKIE = "booksync_sign_in"
_PURPOSE = "console sign-in form"

_WRONG = "The name or the password is wrong."
_USED = (
    "The link is not valid: it was used, or is older than ten minutes. Sign in below, or make a new link: "
    "booksync operators link NAME"
)
_EXPIRED = "This page was open for too long, or the browser refuses cookies. Sign in again."


@router.get("/sign-in", response_class=HTMLResponse)
async def sign_in_page(request: Request) -> Response:
    """Return the sign-in page; 404 or 403 with the next step if the console is closed. A sign-in link signs in at once.

    The response to a link that is not valid any more is the page with the status 403.
    """
    link = request.query_params.get("link")
    if link is not None:
        return await _by_link(request, link)
    if name_by_proxy(request) is not None:
        return RedirectResponse(root_of(request), 303)
    closed = await run_in_threadpool(closed_page, request)
    return closed or _form(request)


@router.post("/sign-in", response_class=HTMLResponse)
async def sign_in(request: Request) -> Response:
    """Begin a console session; 401: the name or the password is wrong, 429: too many passwords were wrong."""
    resources = resources_of(request)
    form = await read_form(request)
    try:
        refuse_forged(request, form, _token_of(request))
    except ForgedFormError:
        return _form(request, status=403, problem=_EXPIRED)
    outcome, operator = await _checked(request, name_of(one(form, "name")), one(form, "password"))
    await run_in_threadpool(resources.counters.console_password, outcome)
    if operator is None:
        is_wrong = outcome is PasswordOutcome.WRONG
        return _form(request, status=401, problem=_WRONG) if is_wrong else _form(request, status=429, problem=TOO_MANY)
    response = await _signed_in(request, operator, root_of(request))
    delete_cookie(request, response, _COOKIE)
    return response


async def _by_link(request: Request, link: str) -> Response:
    operator = await run_in_threadpool(_link_used, resources_of(request), link)
    if operator is None:
        return _form(request, status=403, problem=_USED)
    return await _signed_in(request, operator, f"{root_of(request)}?{WELCOME}=1")


async def _signed_in(request: Request, operator: Operator, address: str) -> Response:
    await run_in_threadpool(_note_sign_in, resources_of(request), operator)
    response = RedirectResponse(address, 303)
    keep_session(request, response, ConsoleSession.begun(operator, time.time()))
    return response


@router.post("/sign-out")
async def leave(request: Request, visitor: AsViewer) -> Response:
    """End the console session, also for a copy of its cookie."""
    await run_in_threadpool(_sign_out, request, visitor)
    response = RedirectResponse(f"{root_of(request)}sign-in", 303)
    forget_session(request, response)
    return response


async def _checked(request: Request, name: str, password: str) -> tuple[PasswordOutcome, Operator | None]:
    resources = resources_of(request)
    check = password_check_of(request)

    async def attempt() -> Operator | None:
        if name in ("", CONSOLE_NAME):
            return console_operator(resources.settings) if check.is_console_password(password.encode()) else None
        return await run_sync(partial(_authenticated, resources, name, password), limiter=check.hashing)

    return await check.slowed(attempt, address_of(request))


def _authenticated(resources: Resources, name: str, password: str) -> Operator | None:
    with postgres_needed():
        operator = authenticate(resources, name, password)
        if operator is not None:
            record_use(resources, operator)
    return operator


def _note_sign_in(resources: Resources, operator: Operator) -> None:
    with postgres_needed():
        note_sign_in(resources, operator.name)


def _link_used(resources: Resources, link: str) -> Operator | None:
    with postgres_needed():
        operator = use_link(resources, resources.vault, link, longest_seconds=LONGEST_SECONDS)
        if operator is not None:
            record_use(resources, operator)
    return operator


def _sign_out(request: Request, visitor: Visitor) -> None:
    with postgres_needed():
        sign_out(resources_of(request), visitor.session.session_id, longest_seconds=LONGEST_SECONDS)


def _form(request: Request, *, status: int = 200, problem: str = "") -> Response:
    # Two pages in two tabs have the same token.
    known = _token_of(request)
    token = known or secrets.token_urlsafe(32)
    response = console_page(request, "console/sign_in.html", status=status, problem=problem, csrf_token=token)
    if not known:
        resources = resources_of(request)
        set_cookie(request, response, _COOKIE, resources.vault.seal(token, _PURPOSE))
    if status == 429:
        response.headers.update(RETRY_LATER)
    return response


def _token_of(request: Request) -> str:
    """Return the token in the cookie of the sign-in form; "" without one."""
    resources = resources_of(request)
    sealed = cookie_of(request, _COOKIE)
    return resources.vault.unseal(sealed, _PURPOSE, max_age_seconds=LONGEST_SECONDS) or ""
