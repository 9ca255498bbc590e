"""Attacks on each page and each action of the console, also on those that are added later."""

import asyncio
import re
import uuid
from collections.abc import Iterator
from html.parser import HTMLParser

import httpx
import pytest
from fastapi.routing import APIRoute
from sqlalchemy import text

from domain.activity import Action
from domain.operators import Role
from tests.builders import a_contact, a_person, an_invoice
from tests.console_pages import Tour, forms_of, requirement_of, route_of, routes
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.look import change
from tests.integration.db.reminding import claim, tell_and_plan
from tests.integration.web.console_browser import CONSOLE_PASSWORD, PASSWORD, ConsoleBrowser, token_in
from workers.boot.basics import Basics
from workers.services.activity import recorded
from workers.services.operators import save_operator

#: A tag, an attribute, and a very long word.
HOSTILE = f"""<script>alert(1)</script>" onmouseover="alert(1)' {"N" * 500}"""

#: A name from outside, which also has a mark that turns the direction of the text after it.
HOSTILE_NAME = f"\u202e{HOSTILE}"

#: The routes that need no console session, each with what protects it instead.
PUBLIC = {
    # no secrets
    "/healthz",
    "/readyz",
    "/metrics",
    # the connection's secret
    "/webhooks/zoho/{connection}",
    # the encrypted link, the cookie of the login
    "/connect",
    "/connect/organizations",
    "/oauth/callback",
    # the password, the encrypted link
    "/sign-in",
    # the same requirement, but also basic authentication
    "/",
}

#: Every action: each route that a form is sent to.
ACTIONS = [route for route in routes() if "POST" in (route.methods or ()) and route.path not in PUBLIC]


def path_of(route: APIRoute) -> str:
    """An address of the route, with an id that no record has."""
    return re.sub(r"\{[^}]+\}", str(uuid.uuid4()), route.path)


class TestRoutes:
    def test_each_route_needs_a_role_or_is_known_to_be_public(self) -> None:
        assert {route.path for route in routes() if requirement_of(route) is None} <= PUBLIC

    @pytest.mark.slow
    def test_no_route_responds_without_a_session(self, browser: ConsoleBrowser, subtests: pytest.Subtests) -> None:
        for route in (route for route in routes() if requirement_of(route)):
            for method in sorted(route.methods or ()):
                with subtests.test(f"{method} {route.path}"):
                    form = {"note": "x"} if method == "POST" else None
                    response = browser.runner.run(browser.request(method, path_of(route), form))
                    assert response.status_code == 303
                    assert response.headers["location"].endswith("sign-in")


@pytest.mark.slow
class TestActions:
    def test_a_lower_role_is_refused(self, runner: asyncio.Runner, basics: Basics, subtests: pytest.Subtests) -> None:
        for role in (Role.VIEWER, Role.ACCOUNTANT):
            save_operator(basics, f"a-{role}", role, PASSWORD)
            browser = ConsoleBrowser(runner)
            browser.sign_in(f"a-{role}", PASSWORD)
            token = browser.token("/")
            for route in ACTIONS:
                needed = requirement_of(route)
                assert needed is not None
                if role.includes(needed.role):
                    continue
                with subtests.test(f"{role} {route.path}"):
                    response = browser.post(path_of(route), csrf_token=token, note="x")
                    assert response.status_code == 403
                    assert "Your role does not allow this" in response.text
        assert actions_in(basics) == 0

    def test_a_forged_form_is_refused(
        self, browser: ConsoleBrowser, runner: asyncio.Runner, basics: Basics, subtests: pytest.Subtests
    ) -> None:
        browser.sign_in("", CONSOLE_PASSWORD)
        other = ConsoleBrowser(runner)
        other.sign_in("", CONSOLE_PASSWORD)
        token = browser.token("/")
        forgeries: list[tuple[dict[str, str], dict[str, str]]] = [
            ({}, {}),
            ({}, {"csrf_token": ""}),
            ({}, {"csrf_token": other.token("/")}),
            ({"Origin": "https://attacker.test"}, {"csrf_token": token}),
            ({"Origin": "null"}, {"csrf_token": token}),
        ]
        for route in ACTIONS:
            with subtests.test(route.path):
                for headers, form in forgeries:
                    response = browser.post(path_of(route), headers, **form)
                    assert response.status_code == 403, (headers, form)
                    assert "Nothing was changed" in response.text
        assert actions_in(basics) == 0
        assert browser.is_signed_in()


def actions_in(basics: Basics) -> int:
    with basics.engine.connect() as db:
        return int(
            db.execute(text("SELECT count(*) FROM booksync.operator_actions WHERE action <> 'sign-in'")).scalar_one()
        )


@pytest.mark.slow
class TestPages:
    def test_hostile_names_stay_text_on_each_page(self, hostile: ConsoleBrowser) -> None:
        for path, page in pages_of(hostile):
            assert page.status_code == 200, path
            assert HOSTILE not in page.text
            parser = Unsafe(nonce_of(page))
            parser.feed(page.text)
            assert parser.found == [], path

    def test_a_role_sees_no_form_that_it_may_not_send(self, hostile: ConsoleBrowser, basics: Basics) -> None:
        for role in (Role.VIEWER, Role.ACCOUNTANT):
            save_operator(basics, "ana", role, PASSWORD)
            browser = ConsoleBrowser(hostile.runner)
            browser.sign_in("ana", PASSWORD)
            for path, page in pages_of(browser):
                for address in forms_of(page.text, path):
                    route = route_of("POST", address)
                    needed = route and requirement_of(route)
                    assert needed, f"{path} has a form for {address}"
                    assert role.includes(needed.role), f"{path} shows {role} a form for {address}"

    def test_each_response_has_a_strict_policy_and_strict_cookies(self, hostile: ConsoleBrowser) -> None:
        responses = [page for _, page in pages_of(hostile)]
        stranger = ConsoleBrowser(hostile.runner)
        for path in ("/", "/sign-in", "/sign-in?link=x", "/nothing", "/healthz", "/readyz", "/metrics", "/connect"):
            responses.append(stranger.get(path))
        responses.append(stranger.post("/sign-in", csrf_token="x"))
        responses.append(stranger.sign_in("", "wrong password"))
        responses.append(stranger.sign_in("", CONSOLE_PASSWORD))
        responses.append(stranger.get("/?welcome=1"))
        responses.append(stranger.post("/sign-out"))
        responses.append(stranger.post("/sign-out", csrf_token=stranger.token("/")))
        responses.append(stranger.post("/webhooks/zoho/x"))
        responses.append(stranger.get("/sign-out"))
        assert {response.status_code for response in responses} >= {200, 303, 401, 403, 404, 405}
        for response in responses:
            check_policy(response)
            for cookie in response.headers.get_list("set-cookie"):
                parts = {part.strip().lower() for part in cookie.split(";")}
                assert {"httponly", "samesite=lax", "path=/"} <= parts, cookie


def pages_of(browser: ConsoleBrowser) -> Iterator[tuple[str, httpx.Response]]:
    """The console's pages that links lead to, with their addresses."""
    tour = Tour()
    for path in tour:
        page = browser.get(path)
        yield path, page
        tour.add_links_of(page.text, path)


def nonce_of(page: httpx.Response) -> str:
    (nonce,) = set(re.findall(r"'nonce-([^']+)'", page.headers["Content-Security-Policy"]))
    return str(nonce)


def check_policy(response: httpx.Response) -> None:
    directives = response.headers["Content-Security-Policy"].split(";")
    policy = {name: value for name, _, value in (each.strip().partition(" ") for each in directives)}
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert policy["form-action"].split(" ")[0] in {"'none'", "'self'"}
    for name in ("script-src", "style-src"):
        assert re.fullmatch(r"('nonce-[\w-]{20,}')?", policy.get(name, "")), policy
    assert policy.get("connect-src", "'self'") == "'self'"
    assert policy.keys() <= {
        "default-src",
        "frame-ancestors",
        "base-uri",
        "form-action",
        "script-src",
        "style-src",
        "connect-src",
    }
    assert response.headers["X-Content-Type-Options"] == "nosniff"


class Unsafe(HTMLParser):
    """What a hostile text could have made of a page: elements, attributes, and text that turns its surroundings."""

    def __init__(self, nonce: str) -> None:
        super().__init__()
        self._nonce = nonce
        self._open: list[str] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        given = dict(attrs)
        if tag in {"script", "style"} and given.get("nonce") != self._nonce:
            self.found.append(f"<{tag}>")
        self.found += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        self.found += [f"{tag} {name}" for name in ("src", "srcset", "data", "formaction") if name in given]
        if (given.get("href") or "").lower().startswith("javascript:"):
            self.found.append("javascript:")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "\u202e" in data and not {"bdi", "textarea", "option"} & set(self._open):
            self.found.append(f"a turned direction in {self._open[-3:]}")
        if "N" * 100 in data and "title" in self._open:
            self.found.append("a name in the title")


@pytest.fixture
def hostile(browser: ConsoleBrowser, basics: Basics) -> ConsoleBrowser:
    """The browser of an operator, in an installation whose every name from outside is hostile."""
    engine = basics.engine
    connection = a_connection(engine)
    person = a_person(first_name=HOSTILE_NAME, last_name=HOSTILE_NAME, mobile="+447912345678", is_primary=True)
    contact = a_contact(name=HOSTILE_NAME, company_name=HOSTILE_NAME, primary=person, persons=(person,))
    tell_and_plan(engine, connection, an_invoice(number=HOSTILE_NAME), contact=contact)
    claim(engine)
    change(
        engine,
        "UPDATE booksync.zoho_connections SET organization_name = :name, parked_reason = :text, paused_reason = :text",
        name=HOSTILE_NAME,
        text=HOSTILE,
    )
    change(
        engine,
        "INSERT INTO booksync.dead_letters (subject, cause, queue_name, actor_name, arguments, connection_id,"
        " error_type, error, traceback, fingerprint, attempts, note)"
        " VALUES (:text, :text, 'sync', 'create_reminders', '{}', :id, :text, :text, :text, 'f1', 3, :text)",
        text=HOSTILE,
        id=connection.connection_id,
    )
    with recorded(
        basics, "operator", Action.PAUSE, connection_id=connection.connection_id, subject=HOSTILE, note=HOSTILE
    ):
        pass
    browser.sign_in("", CONSOLE_PASSWORD)
    return browser


@pytest.mark.slow
def test_a_form_on_each_page_has_the_token_of_the_session(hostile: ConsoleBrowser) -> None:
    assert {token_in(page) for _, page in pages_of(hostile)} == {hostile.token("/")}
