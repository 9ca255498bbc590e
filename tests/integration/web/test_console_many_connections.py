"""An installation with many connections: its pages offer no list of the connections, only the chosen one's name."""

import asyncio
import re
import uuid

import psycopg
import pytest
from sqlalchemy import Engine

from db.connections import Connection
from domain.operators import Role
from tests.builders import a_contact, an_invoice
from tests.integration.db.connection_builders import a_connection
from tests.integration.db.reminding import plan_all, tell_contact, tell_invoices
from tests.integration.web.calling import signed_in
from tests.integration.web.console_browser import ConsoleBrowser, token_in
from workers.boot.basics import Basics
from workers.web.console import dead_letters, listing

#: Every page with a choice of the connection.
PAGES = (
    "/customers",
    "/invoices",
    "/calls",
    "/calls/queue",
    "/calls/numbers",
    "/calls/numbers/confirmed",
    "/calls/do-not-call",
    "/calls/outcomes",
    "/dead-letters",
)


@pytest.fixture
def connections(engine: Engine, database: psycopg.Connection) -> list[Connection]:
    """Two connections of two users, each with a customer whose number is doubtful, and a dead letter."""
    found = []
    for name in ("Alder", "Birch"):
        connection = a_connection(engine)
        tell_contact(engine, connection, a_contact(name=f"{name} customer", mobile="ask Bob"))
        tell_invoices(engine, connection, an_invoice())
        database.execute(
            "UPDATE booksync.zoho_connections SET own_name = %s WHERE id = %s", [name, connection.connection_id]
        )
        database.execute(
            """
            INSERT INTO booksync.dead_letters (subject, cause, queue_name, actor_name, arguments, connection_id,
                error_type, error, fingerprint, attempts, first_died_at, last_died_at, history)
            VALUES (%s, 'gave_up', 'sync', 'fetch_contacts_page', '{}', %s, 'E', 'e', 'group', 1, now(), now(), '[]')
            """,
            [name, connection.connection_id],
        )
        found.append(connection)
    plan_all(engine, found[0])
    return found


@pytest.fixture
def accountant(basics: Basics, runner: asyncio.Runner) -> ConsoleBrowser:
    return signed_in(basics, ConsoleBrowser(runner), Role.ACCOUNTANT)


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two connections are too many."""
    monkeypatch.setattr(listing, "MOST_LISTED", 1)
    monkeypatch.setattr(dead_letters, "MOST_LISTED", 1)


def offered(page: str) -> list[str]:
    """The connections that a page offers."""
    chosen = re.search(r'<select[^>]* name="connection">.*?</select>', page, re.DOTALL)
    return re.findall(r'<option value="([0-9a-f-]{36})"', chosen[0]) if chosen else []


def test_a_few_connections_are_offered(
    accountant: ConsoleBrowser, connections: list[Connection], subtests: pytest.Subtests
) -> None:
    ids = [str(each.connection_id) for each in connections]
    for path in PAGES:
        with subtests.test(path):
            assert set(offered(accountant.get(path).text)) == set(ids)


@pytest.mark.slow
@pytest.mark.usefixtures("many")
def test_many_connections_are_not_offered(
    accountant: ConsoleBrowser, connections: list[Connection], subtests: pytest.Subtests
) -> None:
    first, second = connections
    for path in PAGES:
        with subtests.test(path):
            assert not offered(accountant.get(path).text)
            page = accountant.get(f"{path}?connection={second.connection_id}").text
            assert not offered(page)
            assert "nly" in page
            assert "<bdi>Birch</bdi>" in page
            assert "Alder" not in page
            assert str(first.connection_id) not in page


@pytest.mark.usefixtures("many")
def test_rows_of_all_connections_name_theirs(accountant: ConsoleBrowser, connections: list[Connection]) -> None:
    page = accountant.get("/calls/numbers").text
    assert "<bdi>Alder</bdi>" in page
    assert "<bdi>Birch</bdi>" in page


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(("is_limited", "is_first_found"), [(False, True), (True, False)])
def test_a_search_can_be_limited_to_the_connection_of_the_page(
    accountant: ConsoleBrowser, connections: list[Connection], is_limited: bool, is_first_found: bool
) -> None:
    address = f"/customers?connection={connections[1].connection_id}"
    token = token_in(accountant.get(address))
    limit = str(connections[1].connection_id) if is_limited else ""
    found = accountant.post("/customers", csrf_token=token, search="customer", connection=limit)
    assert ("Alder customer" in found.text) == is_first_found
    assert found.status_code == (200 if is_first_found else 303)


@pytest.mark.usefixtures("many")
def test_numbers_are_added_to_the_list_of_a_chosen_connections_user(
    accountant: ConsoleBrowser, connections: list[Connection]
) -> None:
    assert "Never call this number" not in accountant.get("/calls/do-not-call").text
    page = accountant.get(f"/calls/do-not-call?connection={connections[0].connection_id}").text
    assert f'name="user_id" value="{connections[0].user_id}"' in page


def test_an_unknown_connection_is_a_page_that_is_not_found(
    accountant: ConsoleBrowser, connections: list[Connection], subtests: pytest.Subtests
) -> None:
    assert len(connections) == 2
    for path in PAGES[:-1]:
        with subtests.test(path):
            assert accountant.get(f"{path}?connection={uuid.uuid4()}").status_code == 404
