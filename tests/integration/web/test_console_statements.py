"""Each page of the console sends six statements at most, also in a full installation and as the response to a form."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psycopg
import pytest
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute

from tests.console_pages import Tour, requirement_of, route_of, routes
from tests.integration.web.calling import sent_statements
from tests.integration.web.connection_pages import fields_of, followed
from tests.integration.web.console_browser import CONSOLE_PASSWORD, ConsoleBrowser
from tests.integration.web.counting import counting_waits
from tests.integration.web.furnished_console import furnish
from workers.boot.basics import Basics
from workers.web.console import sessions

#: The statements of one page, those of its session among them. Counts and plans in the background are not the page's.
MOST_STATEMENTS = 6

#: The forms whose response is a page, each with its fields. `{}` is the address of a connection's page.
SEARCHES = {
    "/": {"words": "a"},
    "/customers": {"search": "customer 7"},
    "/invoices": {"search": "INV-1"},
    "{}/policy/preview": {"contacts_a_week": "3"},
    "{}/policy/edit": {"contacts_a_week": "3"},
}

#: A text of each of these pages.
PROOFS = {
    "/": "words",
    "/customers": "Customer 7",
    "/invoices": "INV-1",
    "{}/policy/preview": "Reminders, now and then",
    "{}/policy/edit": "Preview the change",
}

#: Actions whose response is a page, because it shows a secret. Each records what it does, with further statements.
SHOWING = {
    "/connections/new",
    "/connections/{connection_id}/reconnect",
    "/connections/{connection_id}/webhook/secret",
    "/connections/{connection_id}/webhook/rotate",
}


class Full:
    """A browser in a full installation, and the pages that have sent too many statements."""

    def __init__(self, browser: ConsoleBrowser, home: str) -> None:
        self.browser = browser
        self.home = home  #: the address of the page of the connection that has most
        self.many: dict[str, list[str]] = {}

    @contextmanager
    def counted(self, what: str) -> Iterator[None]:
        with sent_statements() as sent:
            yield
        if len(sent) > MOST_STATEMENTS:
            self.many[what] = list(sent)

    def get(self, path: str) -> httpx.Response:
        with self.counted(path):
            page = self.browser.get(path)
        assert page.status_code == 200, path
        return page


@pytest.fixture
def full(
    browser: ConsoleBrowser, basics: Basics, database: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> Full:
    home = furnish(basics, database)
    browser.sign_in("", CONSOLE_PASSWORD)
    monkeypatch.setattr(sessions, "RENEW_SECONDS", 0)  # the statement that is sent once in a minute counts too
    return Full(browser, f"/connections/{home.connection_id}")


@pytest.mark.slow
def test_each_linked_page_sends_six_statements_at_most(full: Full) -> None:
    tour = Tour(most_of_a_route=5)
    kinds = set()
    for path in tour:
        page = full.get(path)
        tour.add_links_of(page.text, path)
        route = route_of("GET", path.partition("?")[0])
        kinds.add(route and route.path)
    assert full.many == {}
    # The form leads to the preview of rules, and no link.
    assert kinds == {route.path for route in _pages()} - {"/connections/{connection_id}/policy/preview"}


@pytest.mark.slow
def test_each_page_behind_a_form_sends_six_statements_at_most(full: Full) -> None:
    for path, changed in SEARCHES.items():
        address = path.format(full.home)
        of_the_form = fields_of(full.get(f"{full.home}/policy").text) if "/policy/" in address else {}
        form = of_the_form | changed | {"csrf_token": full.browser.token(full.home)}
        with full.counted(path):
            response = full.browser.post(address, None, **form)
        if response.status_code == 303:
            location = httpx.URL(response.headers["location"])
            response = full.get(f"{followed(address, response)}?{location.query.decode()}")
        assert response.status_code == 200, path
        assert PROOFS[path] in response.text, path
    assert full.many == {}


@pytest.mark.slow
def test_a_page_that_waits_for_its_counts_sends_six_statements_at_most(
    full: Full, monkeypatch: pytest.MonkeyPatch
) -> None:
    with counting_waits(monkeypatch):
        for path in ("/", "/invoices", full.home, f"{full.home}/handover"):
            full.get(path)
    assert full.many == {}


def test_each_form_whose_response_is_a_page_is_measured() -> None:
    found = {
        route.path
        for route in routes()
        if "POST" in (route.methods or ()) and route.response_class is HTMLResponse and requirement_of(route)
    }
    measured = {path.format("/connections/{connection_id}") for path in SEARCHES}
    assert found == measured | SHOWING


def _pages() -> Iterator[APIRoute]:
    """The pages of the console, except the responses to forms."""
    for route in routes():
        if "GET" in (route.methods or ()) and (requirement_of(route) or route.path == "/"):
            yield route


@pytest.mark.slow
def test_the_rows_of_the_full_installation_are_shown(full: Full) -> None:
    page = full.get(full.home).text
    assert len(re.findall(r'<g class="(?:succeeded|degraded|failed)"', page)) > 10
    assert "promised" in full.get("/calls/outcomes").text
    assert full.many == {}
