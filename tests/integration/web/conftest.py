"""The web process of each test, browsers that visit its console, and a connection whose calls a test plans."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, make_url

import workers.boot.basics
from db import engine as engines
from db import roles
from db.connections import Connection
from domain.operators import Role
from sandbox.servers import EmbeddedPostgres
from tests.builders import A_LONDON_PHONE, a_contact, an_invoice
from tests.databases import TEMPLATE, Databases
from tests.integration.db.connection_builders import a_connection
from tests.integration.environment import environment_of_a_process
from tests.integration.web.calling import a_connection_with, signed_in
from tests.integration.web.console_browser import CONSOLE_PASSWORD, PASSWORD, ConsoleBrowser, running_console
from tests.integration.web.web_process import Ask, ask
from tests.process_logs import logs_of_a_process
from workers.boot.basics import Basics, open_basics
from workers.services import kept
from workers.services.operators import save_operator
from workers.web.console import password_check

#: A migrated database in which the roles have what they need.
_GRANTED = "booksync_granted"


@pytest.fixture(scope="session")
def databases(postgres: EmbeddedPostgres) -> Iterator[Databases]:
    with psycopg.connect(postgres.create_database(_GRANTED, template=TEMPLATE), autocommit=True) as database:
        database.execute(roles.creation().encode())
        database.execute(roles.grants().encode())
    with closing(Databases(postgres, _GRANTED)) as copies:
        yield copies


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests wait for their counts, however slow the machine is."""
    monkeypatch.setattr(kept, "PATIENCE_SECONDS", 60.0)


@pytest.fixture(autouse=True)
def own_role(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a test's granted database the web process has the role booksync_web. The test itself may everything."""

    def new_engine(url: str, **options: Any) -> Engine:
        address = make_url(url)
        if options["application_name"].startswith("booksync web") and f"{address.database}".startswith("test_"):
            address = address.set(username="booksync_web")
        return engines.new_engine(address.render_as_string(hide_password=False), **options)

    monkeypatch.setattr(workers.boot.basics, "new_engine", new_engine)


@pytest.fixture(autouse=True)
def cheap_sign_ins(cheap_passwords: None) -> None:
    """A sign-in takes a hash."""


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], Ask]]:
    """Starts the web process with a database and a Redis, and returns the function that sends requests to it."""
    with ExitStack() as running:

        def start(database_url: str, redis_url: str) -> Ask:
            running.enter_context(environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url))
            running.enter_context(logs_of_a_process())
            return lambda path, **headers: asyncio.run(ask(path, headers))

        yield start


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str) -> Iterator[asyncio.Runner]:
    """A web process with CONSOLE_PASSWORD, where wrong passwords are not delayed."""
    monkeypatch.setenv("CONSOLE_PASSWORD", CONSOLE_PASSWORD)
    monkeypatch.setattr(password_check, "DELAY_SECONDS", 0)
    with running_console(monkeypatch, database_url=database_url, redis_url=redis_url) as running:
        yield running


@pytest.fixture
def basics(runner: asyncio.Runner) -> Iterator[Basics]:
    with open_basics("booksync tests") as opened:
        yield opened


@pytest.fixture
def engine(basics: Basics) -> Engine:
    return basics.engine


@pytest.fixture
def connection(engine: Engine) -> Connection:
    return a_connection(engine)


@pytest.fixture
def browser(runner: asyncio.Runner) -> ConsoleBrowser:
    return ConsoleBrowser(runner)


@pytest.fixture
def ana(basics: Basics, browser: ConsoleBrowser) -> ConsoleBrowser:
    """The browser of the viewer ana, who is signed in."""
    save_operator(basics, "ana", Role.VIEWER, PASSWORD)
    assert browser.sign_in("ana", PASSWORD).status_code == 303
    return browser


@pytest.fixture
def olga(basics: Basics, runner: asyncio.Runner) -> ConsoleBrowser:
    """The browser of the operator olga, who is signed in."""
    save_operator(basics, "olga", Role.OPERATOR, PASSWORD)
    browser = ConsoleBrowser(runner)
    assert browser.sign_in("olga", PASSWORD).status_code == 303
    return browser


@pytest.fixture
def accountant(basics: Basics, browser: ConsoleBrowser) -> ConsoleBrowser:
    """The browser of an accountant, who is signed in."""
    return signed_in(basics, browser, Role.ACCOUNTANT)


@pytest.fixture
def planned(basics: Basics, database: psycopg.Connection) -> str:
    """The id of a connection with two invoices of one customer, of which nothing is planned."""
    connection = a_connection_with(
        basics.engine,
        a_contact(mobile=A_LONDON_PHONE),
        an_invoice(),
        an_invoice("8002", number="INV-8002", balance="30.50"),
    )
    database.execute("DELETE FROM reminders")
    return str(connection.connection_id)
