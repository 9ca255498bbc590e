"""The frame of the console's pages: the header that names the operator, and the pages of the common refusals."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from domain.operators import SHORTEST_PASSWORD
from workers.services.operators import anyone_may_sign_in
from workers.web.console.access import (
    RELOADED,
    PostgresFailedError,
    RoleMissingError,
    SignInNeededError,
    Visitor,
    postgres_needed,
)
from workers.web.console.addresses import NoSuchPageError
from workers.web.console.flash import flash_of, forget_flash
from workers.web.console.proxy_names import ProxyNameRefusedError
from workers.web.console.sessions import forget_session, keep_session
from workers.web.forms import ForgedFormError, UnreadableFormError
from workers.web.pages import page
from workers.web.state import resources_of

OFF = "The console is off: set CONSOLE_PASSWORD to open it."
CLOSED = (
    f"The console is closed, because CONSOLE_PASSWORD has fewer than {SHORTEST_PASSWORD} characters. "
    "Set a longer one: openssl rand -hex 16"
)


#: The parameter of the address of the first page after a sign-in by a link.
WELCOME = "welcome"

#: The pages of the header's navigation: the address, relative to the console's first page, and the name.
PAGES = (
    ("", "Overview"),
    ("customers", "Customers"),
    ("invoices", "Invoices"),
    ("calls", "Calls"),
    ("dead-letters", "Dead letters"),
    ("deletions", "Deletions"),
    ("activity", "Activity"),
)


def console_page(
    request: Request, template: str, visitor: Visitor | None = None, *, status: int = 200, **shown: Any
) -> HTMLResponse:
    """Return a page in the console's frame, and renew the visitor's session. Without a visitor it has no header."""
    flash = None if visitor is None else flash_of(request)
    response = page(
        template,
        status=status,
        # Under the policy "no-referrer" browsers would send forms with the Origin "null".
        referrer="same-origin",
        has_script=visitor is not None,
        root=root_of(request),
        path=request.url.path.strip("/"),
        pages=PAGES,
        reloaded=RELOADED,
        visitor=visitor,
        flash=flash,
        is_newcomer=WELCOME in request.query_params,
        **shown,
    )
    if flash is not None:
        forget_flash(request, response)
    if visitor is not None and visitor.is_renewed:
        keep_session(request, response, visitor.session)
    return response


def root_of(request: Request) -> str:
    """Return the console's first page, relative to the request's, so that a path that a proxy removes is kept."""
    return "../" * (request.url.path.count("/") - 1) or "./"


def closed_page(request: Request) -> HTMLResponse | None:
    """Return the page that says how to open the console; None if CONSOLE_PASSWORD or an operator can sign in.

    Raises:
        PostgresFailedError: Postgres does not work.
    """
    resources = resources_of(request)
    with postgres_needed():
        if anyone_may_sign_in(resources):
            return None
    is_off = resources.settings.console_password is None
    return notice(
        request,
        404 if is_off else 403,
        "The console is closed",
        OFF if is_off else CLOSED,
        hint="Or add an operator:",
        command="booksync operators add NAME --role operator",
    )


def add_refusals(app: FastAPI) -> None:
    """Let the application respond to the exceptions of `access`, `addresses` and `forms` with pages."""
    app.add_exception_handler(SignInNeededError, _to_sign_in)
    app.add_exception_handler(ProxyNameRefusedError, _name_refused)
    app.add_exception_handler(RoleMissingError, _role_missing)
    app.add_exception_handler(NoSuchPageError, _not_found)
    app.add_exception_handler(ForgedFormError, _forged)
    app.add_exception_handler(UnreadableFormError, _unreadable)
    app.add_exception_handler(PostgresFailedError, _unavailable)


async def _to_sign_in(request: Request, _error: Exception) -> Response:
    try:
        closed = await run_in_threadpool(closed_page, request)
    except PostgresFailedError as failure:
        return await _unavailable(request, failure)
    if closed is not None:
        return closed
    response = RedirectResponse(f"{root_of(request)}sign-in", 303)
    forget_session(request, response)
    return response


async def _name_refused(request: Request, _error: Exception) -> Response:
    response = notice(
        request,
        403,
        "You are no operator of this console",
        "The proxy has signed you in with a name that no operator has, or whose operator is disabled.",
        hint="An administrator can add the name:",
        command="booksync operators add NAME --role ROLE",
    )
    forget_session(request, response)
    return response


async def _role_missing(request: Request, error: Exception) -> Response:
    assert isinstance(error, RoleMissingError)
    operator, needed = error.visitor.operator, error.needed
    return notice(
        request,
        403,
        "Your role does not allow this",
        f"This page or action needs the role {needed}; you are signed in as {operator.role}. Nothing was changed.",
        hint="An administrator can change your role:",
        command=f"booksync operators add {operator.name} --role {needed}",
        visitor=error.visitor,
    )


async def _not_found(request: Request, error: Exception) -> Response:
    assert isinstance(error, NoSuchPageError)
    # A script with basic authentication is not a visitor.
    visitor = getattr(request.state, "visitor", None)
    return notice(request, 404, error.title, str(error), hint=error.hint, visitor=visitor)


async def _forged(request: Request, _error: Exception) -> Response:
    return notice(
        request,
        403,
        "The form was refused",
        "Nothing was changed, because the form is not from a page of your console session.",
        hint="Open the page again, and repeat the action.",
    )


async def _unreadable(request: Request, error: Exception) -> Response:
    assert isinstance(error, UnreadableFormError)
    return notice(
        request,
        error.status,
        "The form cannot be read",
        f"{error} Nothing was changed.",
        hint="Go back in the browser, correct the form, and send it again.",
        visitor=getattr(request.state, "visitor", None),
    )


async def _unavailable(request: Request, error: Exception) -> Response:
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"detail": str(error)}, 503)
    return notice(request, 503, "The console is not available", str(error), hint="Try again in a moment.")


def notice(
    request: Request,
    status: int,
    title: str,
    sentence: str,
    *,
    hint: str,
    command: str = "",
    visitor: Visitor | None = None,
) -> HTMLResponse:
    """Return a page that says why there is nothing to show, and the next step."""
    return console_page(
        request,
        "console/notice.html",
        visitor,
        status=status,
        title=title,
        sentence=sentence,
        hint=hint,
        command=command,
    )
