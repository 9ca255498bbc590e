"""Zoho's consent page: a signed-in user lets a client read their organisations, and goes back to it with a grant code.

Real Zoho signs the user in first. The simulator's user is always signed in and belongs to all organisations.
"""

from collections.abc import Mapping
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sandbox.zoho.clients import Clients
from sandbox.zoho.oauth import User
from sandbox.zoho.simulator import Simulator

AUTH_PATH = "/oauth/v2/auth"
LOCATION = "us"


class ConsentPage:
    """Serves `GET /oauth/v2/auth` and the decision of its form (API section 5)."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def respond(self, request: Request) -> Response:
        refusal = _refusal(request.query_params, self._simulator.tokens.clients)
        if refusal is not None:
            return HTMLResponse(_page("Error", f"<p>{escape(refusal)}</p>"), 400)
        if request.method == "GET":
            return HTMLResponse(self._question(request.query_params))
        decision = dict(parse_qsl((await request.body()).decode()))
        return self._return(request, is_accepted=decision.get("decision") == "accept")

    def _question(self, query: QueryParams) -> str:
        scopes = "".join(f"<li>{escape(scope)}</li>" for scope in query["scope"].split(","))
        names = ", ".join(escape(books.organization.name) for books in self._simulator.organizations.values())
        return _page(
            "Zoho Accounts",
            f"""<p>{escape(query["client_id"])} would like to access:</p><ul>{scopes}</ul>
            <p>Your organisations: {names}</p>
            <form method="post">
              <button name="decision" value="accept">Accept</button>
              <button name="decision" value="reject">Reject</button>
            </form>""",
        )

    def _return(self, request: Request, *, is_accepted: bool) -> Response:
        query = request.query_params
        told = {"error": "access_denied"}
        if is_accepted:
            code = self._simulator.tokens.new_grant_code(
                User(tuple(self._simulator.organizations), tuple(query["scope"].split(","))),
                self._simulator.clock.wall(),
                redirect_uri=query["redirect_uri"],
                is_offline=query.get("access_type") == "offline",
            )
            told = {"code": code, "location": LOCATION, "accounts-server": str(request.base_url).rstrip("/")}
        if "state" in query:
            told["state"] = query["state"]
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode(told)}", 302)


def _refusal(query: Mapping[str, str], clients: Clients) -> str | None:
    """What Zoho's page says about a request that it does not serve; None for a request that it serves."""
    if not clients.knows(query.get("client_id")):
        return "Invalid Client: the client id that was passed does not exist."
    if query.get("response_type") != "code" or not query.get("scope"):
        return "Invalid OAuth Scope: the scope or the response type is missing."
    address = urlsplit(query.get("redirect_uri", ""))
    if address.scheme not in {"http", "https"} or not address.netloc:
        return "Invalid Redirect Uri: the redirect URI that was passed does not match the one that is registered."
    return None


def _page(title: str, content: str) -> str:
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
    <body><main><h1>{title}</h1>{content}</main></body></html>"""
