"""`/connect` and `/oauth/callback`: a user connects Zoho organisations in a browser (API section 5)."""

from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode, urlsplit

import redis
import structlog
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from db.failures import DatabaseError, failure_of
from domain.errors import BooksyncError
from workers.boot.resources import Resources
from workers.budget import BudgetWait
from workers.observability.logs import describe
from workers.services import browser_connect
from workers.services.browser_connect import (
    CALLBACK_PATH,
    ConsentExpiredError,
    ConsentRefusedError,
    LinkExpiredError,
    LoginLostError,
    NothingChosenError,
)
from workers.services.browser_logins import LOGIN_SECONDS, Login
from workers.services.connect_links import public_url
from workers.web.console.frame import root_of
from workers.web.console.sessions import has_session_cookie
from workers.web.forms import one, read_form
from workers.web.pages import origin_of, page
from workers.web.state import resources_of
from workers.zoho.data_centers import DATA_CENTERS
from workers.zoho.errors import ZohoError

router = APIRouter()
log = structlog.get_logger(__name__)

_ORGANIZATIONS_PATH = "/connect/organizations"
_COOKIE = "booksync_connect"


@router.get("/connect", response_class=HTMLResponse)
async def begin_page(request: Request, link: str = "") -> Response:
    """The page that explains what booksync reads, and leads to Zoho; 410 for an expired link."""
    resources = resources_of(request)
    return await _shown(partial(_begin_page, resources, link), _address(link))


@router.post("/connect")
async def begin(request: Request) -> Response:
    """Redirect to Zoho's consent page."""
    resources, form = resources_of(request), await read_form(request)
    link = one(form, "link")
    return await _shown(partial(_begin, resources, link, one(form, "data_center")), _address(link))


@router.get(CALLBACK_PATH, response_class=HTMLResponse)
async def come_back(
    request: Request, state: str = "", code: str | None = None, location: str | None = None
) -> Response:
    """Take the user from Zoho's consent page to the choice of organisations."""
    resources, name = resources_of(request), request.cookies.get(_COOKIE, "")
    return await _shown(partial(_come_back, resources, name, state, code, location))


@router.get(_ORGANIZATIONS_PATH, response_class=HTMLResponse)
async def organizations_page(request: Request) -> Response:
    """The page on which the user chooses among the organisations of the login."""
    resources, name = resources_of(request), request.cookies.get(_COOKIE, "")
    return await _shown(partial(_organizations_page, resources, name))


@router.post(_ORGANIZATIONS_PATH, response_class=HTMLResponse)
async def connect(request: Request) -> Response:
    """Connect the chosen organisations; go back to the host application, or show the connections."""
    resources, form, name = resources_of(request), await read_form(request), request.cookies.get(_COOKIE, "")
    chosen, console = form.get("organization", []), root_of(request) if has_session_cookie(request) else ""
    return await _shown(partial(_connect, resources, name, one(form, "state"), chosen, console))


def _begin_page(resources: Resources, link: str) -> Response:
    browser_connect.link_of(resources, link)
    # Zoho may move the user from one data centre to another.
    accounts = {resources.hosts(each).accounts_origin for each in DATA_CENTERS}
    default = browser_connect.ANY_DATA_CENTER
    return page("connect.html", leads_to=sorted(accounts), link=link, data_centers=DATA_CENTERS, default=default)


def _begin(resources: Resources, link: str, data_center: str) -> Response:
    address, name = browser_connect.begin(resources, link, data_center)
    return _with_cookie(resources, RedirectResponse(address, 303), name)


def _come_back(resources: Resources, name: str, state: str, code: str | None, location: str | None) -> Response:
    login = browser_connect.come_back(resources, name, state=state)
    return _response(partial(_consent, resources, login, code, location), again=f"../{_address(login.link)}")


def _consent(resources: Resources, login: Login, code: str | None, location: str | None) -> Response:
    consented = browser_connect.consent(resources, login, code=code, location=location)
    return _with_cookie(
        resources, RedirectResponse(f"{public_url(resources.settings)}{_ORGANIZATIONS_PATH}", 303), consented
    )


def _organizations_page(resources: Resources, name: str, problem: str = "") -> Response:
    login, choices = browser_connect.choices(resources, name)
    return_url = browser_connect.link_of(resources, login.link).return_url
    leads_to = [] if return_url is None else [origin_of(return_url)]
    return page(
        "connect_organizations.html",
        status=400 if problem else 200,
        leads_to=leads_to,
        state=login.state,
        choices=choices,
        problem=problem,
    )


def _connect(resources: Resources, name: str, state: str, organization_ids: list[str], console: str) -> Response:
    try:
        done = browser_connect.connect_chosen(resources, name, state=state, organization_ids=organization_ids)
    except NothingChosenError as error:
        return _organizations_page(resources, name, problem=str(error))
    if done.return_url is None:
        response: Response = page("connect_done.html", connected=done.connected, console=console)
    else:
        ids = ",".join(str(each.connection_id) for each in done.connected)
        mark = "&" if urlsplit(done.return_url).query else "?"
        response = RedirectResponse(f"{done.return_url}{mark}{urlencode({'connected': ids})}", 303)
    response.delete_cookie(_COOKIE)
    return response


async def _shown(respond: Callable[[], Response], again: str = "") -> Response:
    return await run_in_threadpool(_response, respond, again)


def _response(respond: Callable[[], Response], again: str) -> Response:
    """The response, or a page that says in words what is wrong, with a link to the address `again`."""
    try:
        return respond()
    except LinkExpiredError as error:
        return _error_page(str(error), "", 410)
    except LoginLostError as error:
        return _error_page(str(error), again, 400, title="This page is no longer valid")
    except (ConsentRefusedError, ConsentExpiredError) as error:
        return _error_page(str(error), again, 400)
    except BudgetWait as wait:
        return _error_page(f"Zoho's call limit is used up. Try again in {wait.seconds:.0f} seconds.", again, 503)
    except DatabaseError as error:
        return _unavailable(f"Postgres: {failure_of(error).brief}", again)
    except redis.RedisError:
        return _unavailable("Redis does not respond", again)
    except (ZohoError, BooksyncError) as error:
        log.warning("A user could not connect in the browser", action="connect.failed", reason=describe(error))
        return _error_page(str(error), again, 502 if isinstance(error, ZohoError) else 409)


def _unavailable(reason: str, again: str) -> Response:
    log.warning("A server failed while a user connected", action="connect.failed", reason=reason)
    return _error_page("A server of booksync does not respond at the moment. Try again soon.", again, 503)


def _error_page(sentence: str, again: str, status: int, *, title: str = "Not connected") -> Response:
    return page("connect_error.html", status=status, title=title, sentence=sentence, again=again)


def _address(link: str) -> str:
    """The link's address, relative to `/connect`, so that a path in PUBLIC_URL is kept."""
    return f"connect?{urlencode({'link': link})}"


def _with_cookie(resources: Resources, response: Response, name: str) -> Response:
    # Lax, because the browser comes back from Zoho's site by a link.
    is_https = public_url(resources.settings).startswith("https:")
    response.set_cookie(_COOKIE, name, max_age=LOGIN_SECONDS, httponly=True, samesite="lax", secure=is_https)
    response.headers["Cache-Control"] = "no-store"
    return response
