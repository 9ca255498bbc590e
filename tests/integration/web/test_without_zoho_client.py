"""A web process without ZOHO_CLIENT_ID and ZOHO_CLIENT_SECRET does everything but what needs them, and says so."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine

from sandbox.zoho.clients import CLIENT_ID, CLIENT_SECRET
from sandbox.zoho.control import SandboxControl
from tests.end_to_end.underway import eventually
from tests.integration.chain.bench import Bench
from tests.integration.db.tokens.accounts import let_it_end_in
from tests.integration.web.connection_pages import Database, act, actions, connected, flash_in
from tests.integration.web.console_browser import CONSOLE_PASSWORD, ConsoleBrowser, running_console, token_in
from workers.boot.basics import Basics, open_basics
from workers.boot.resources import Resources
from workers.boot.settings import web_settings
from workers.services.connect_links import ConnectLink, address_of
from workers.web.app import app

MISSING = "Connecting in a browser needs ZOHO_CLIENT_ID and ZOHO_CLIENT_SECRET in the web process"
USER = str(uuid.uuid4())


@pytest.fixture
def runner(
    monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str, simulator: SandboxControl
) -> Iterator[asyncio.Runner]:
    simulator.restart(contacts=30, invoices=40, requests_per_minute=1000)
    monkeypatch.setenv("CONSOLE_PASSWORD", CONSOLE_PASSWORD)
    zoho = {"ZOHO_API_URL": simulator.url, "ZOHO_ACCOUNTS_URL": simulator.url, "PUBLIC_URL": "http://books.example"}
    client = {"ZOHO_CLIENT_ID": "", "ZOHO_CLIENT_SECRET": ""}
    with running_console(monkeypatch, database_url=database_url, redis_url=redis_url, **zoho, **client) as running:
        yield running


@pytest.fixture
def basics(runner: asyncio.Runner) -> Iterator[Basics]:
    with open_basics("booksync tests", web_settings()) as opened:
        yield opened


@pytest.fixture
def worker(engine: Engine) -> Resources:
    """The resources of a worker of the same installation."""
    own: Resources = app.state.resources
    client = {"zoho_client_id": CLIENT_ID, "zoho_client_secret": SecretStr(CLIENT_SECRET)}
    return replace(own, engine=engine, settings=own.settings.model_copy(update=client))


class TestConnecting:
    def test_the_console_makes_no_link_and_says_what_is_missing(self, olga: ConsoleBrowser, database: Database) -> None:
        form = olga.get("/connections/new")
        assert "which has neither. Set both there, or run" in form.text
        refused = olga.post("/connections/new", csrf_token=token_in(form), user=USER)
        assert (refused.status_code, MISSING in refused.text) == (400, True)
        assert actions(database) == [("olga", "connect", "refused")]

    def test_a_connection_is_not_revived_in_a_browser(self, olga: ConsoleBrowser, database: Database) -> None:
        assert MISSING in flash_in(act(olga, connected(database), "reconnect"))

    def test_a_link_of_the_command_line_opens_a_page_that_says_what_is_missing(
        self, browser: ConsoleBrowser, worker: Resources
    ) -> None:
        address = urlsplit(address_of(worker.settings, worker.vault, ConnectLink(USER)))
        for response in (
            browser.get(f"{address.path}?{address.query}"),
            browser.post("/connect", link=address.query.removeprefix("link="), data_center="com"),
        ):
            assert response.status_code == 409
            assert MISSING in response.text


@pytest.mark.slow
class TestActions:
    @pytest.fixture
    def bench(self, worker: Resources, simulator: SandboxControl) -> Bench:
        bench = Bench.connected(worker, simulator)
        bench.sync()
        return bench

    @pytest.fixture
    def page(self, bench: Bench) -> str:
        return f"/connections/{bench.connection_id}"

    def test_a_verification_uses_the_token_of_the_workers_to_its_last_minute(
        self, olga: ConsoleBrowser, engine: Engine, page: str
    ) -> None:
        let_it_end_in(engine, 120)
        act(olga, page, "verify")
        eventually(lambda: "The cache equals Zoho" in olga.get(page).text)

    def test_a_verification_with_an_expired_token_says_what_is_missing(
        self, olga: ConsoleBrowser, engine: Engine, page: str
    ) -> None:
        let_it_end_in(engine, 0)
        act(olga, page, "verify")
        eventually(lambda: "the web process has no ZOHO_CLIENT_ID and ZOHO_CLIENT_SECRET" in olga.get(page).text)

    def test_a_parked_connection_stays_parked_once_its_token_has_expired(
        self, olga: ConsoleBrowser, engine: Engine, database: Database, page: str
    ) -> None:
        for seconds, status in ((0, "parked"), (120, "active")):
            let_it_end_in(engine, seconds)
            database.execute("UPDATE booksync.zoho_connections SET status = 'parked'")
            shown = flash_in(act(olga, page, "resume"))
            assert ("the web process has no ZOHO_CLIENT_ID" in shown) is (status == "parked")
            assert database.execute("SELECT status FROM booksync.zoho_connections").fetchone() == (status,)

    def test_a_disconnect_revokes_the_grant(self, olga: ConsoleBrowser, bench: Bench, page: str) -> None:
        shown = flash_in(act(olga, page, "disconnect", typed=bench.zoho.organization_id))
        assert "Its grant is revoked at Zoho." in shown


def test_its_row_has_no_client(runner: asyncio.Runner, database: Database) -> None:
    found = "SELECT kind, client_fingerprint FROM booksync.processes"
    eventually(lambda: database.execute(found).fetchall() == [("web", "")])
