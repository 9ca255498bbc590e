"""Connecting from the console: a link to Zoho's consent page, for a new connection or one that is revived."""

import html
import re
import uuid
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.integration.web.connection_pages import Database, actions, connected, flash_in
from tests.integration.web.console_browser import ConsoleBrowser, token_in
from workers.services.connect_links import link_from
from workers.web.app import app


def _user_in(response: httpx.Response) -> str:
    """The user of the page's link."""
    (address,) = re.findall(r'<p><a href="([^"]*/connect\?link=[^"]*)">', response.text)
    sealed = parse_qs(urlsplit(html.unescape(address)).query)["link"][0]
    link = link_from(app.state.resources.vault, sealed)
    assert link is not None
    return link.user_id


class TestWithAPublicAddress:
    @pytest.fixture(autouse=True)
    def _public_address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PUBLIC_URL", "http://books.example")

    def test_a_link_for_a_user_is_shown(self, olga: ConsoleBrowser, database: Database) -> None:
        user = str(uuid.uuid4())
        form = olga.get("/connections/new")
        assert form.status_code == 200
        assert "No connection exists yet" in form.text
        shown = olga.post("/connections/new", csrf_token=token_in(form), user=f" {user} ")
        assert shown.status_code == 200
        assert _user_in(shown) == user
        assert actions(database) == [("olga", "connect", "done")]

    def test_a_user_of_another_form_is_refused(self, olga: ConsoleBrowser, database: Database) -> None:
        form = olga.get("/connections/new")
        refused = olga.post("/connections/new", csrf_token=token_in(form), user='"><script>')
        assert refused.status_code == 400
        assert "is not a UUID" in refused.text
        assert "<script>" not in refused.text
        assert actions(database) == [("olga", "connect", "refused")]

    def test_a_connection_is_revived_for_its_own_user(self, olga: ConsoleBrowser, database: Database) -> None:
        page = connected(database)
        shown = olga.post(f"{page}/reconnect", csrf_token=token_in(olga.get(page)))
        assert shown.status_code == 200
        assert "10234695" in shown.text
        owner = database.execute("SELECT user_id::text FROM booksync.zoho_connections").fetchone()
        assert owner == (_user_in(shown),)


def test_a_viewer_may_not_connect(ana: ConsoleBrowser) -> None:
    assert ana.get("/connections/new").status_code == 403
    assert ana.post("/connections/new", csrf_token=token_in(ana.get("/"))).status_code == 403


def test_without_a_public_address_the_page_says_what_to_do(olga: ConsoleBrowser, database: Database) -> None:
    form = olga.get("/connections/new")
    assert "PUBLIC_URL is not set" in form.text
    refused = olga.post("/connections/new", csrf_token=token_in(form), user=str(uuid.uuid4()))
    assert refused.status_code == 400
    page = connected(database)
    olga.post(f"{page}/reconnect", csrf_token=token_in(olga.get(page)))
    assert "PUBLIC_URL is not set" in flash_in(olga.get(page))
