"""The responses of `/readyz` while Postgres fails: the same classification as a command's, and no text of the server.

The first states are produced on a real server; a table of cases raises the others by their SQLSTATE.
"""

import asyncio
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import errors, sql
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from db.failures import failure_of
from db.session import Session
from sandbox.servers import EmbeddedPostgres
from sandbox.servers.ports import free_port
from tests.integration.environment import environment_of_a_process
from tests.process_logs import ProcessLogs, logs_of_a_process
from workers.web import health
from workers.web.app import app
from workers.web.throttled_log import ThrottledLog

Readyz = Callable[[str], httpx.Response]

LOGIN = "refuses the login: check user and password in DATABASE_URL, and the server's pg_hba.conf"
CONNECTIONS = "has no free connection: end idle sessions, raise max_connections, or use a connection pooler"


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessLogs]:
    monkeypatch.setattr(health, "_failures", ThrottledLog("Postgres cannot be used", action="readyz.no_database"))
    with logs_of_a_process() as logs:
        # At its start the web process would redirect its logs away from this test.
        monkeypatch.setattr("workers.web.app.set_up_logs", lambda: None)
        yield logs


@pytest.fixture
def readyz(redis_url: str, logs: ProcessLogs, monkeypatch: pytest.MonkeyPatch) -> Iterator[Readyz]:
    """Requests `/readyz` of a web process with the given database."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport) as client:
            return await client.get("http://booksync/readyz")

    with ExitStack() as running:

        def start(database_url: str) -> httpx.Response:
            running.enter_context(environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url))
            return asyncio.run(ask())

        yield start


@pytest.fixture
def role(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A role whose only right is to log in."""
    name = f"reader_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(postgres.url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
        yield name
        server.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def changed(url: str, **parts: Any) -> str:
    return make_url(url).set(**parts).render_as_string(hide_password=False)


def test_readyz_names_an_unreachable_server(database_url: str, readyz: Readyz) -> None:
    response = readyz(changed(database_url, port=free_port()))
    assert (response.status_code, response.json()["database"]) == (503, "does not respond")


def test_readyz_names_a_missing_role(database_url: str, readyz: Readyz) -> None:
    response = readyz(changed(database_url, username="stranger"))
    assert (response.status_code, response.json()["database"]) == (503, LOGIN)
    assert "stranger" not in response.text


def test_readyz_names_a_missing_database(database_url: str, readyz: Readyz) -> None:
    response = readyz(changed(database_url, database="nowhere"))
    assert (response.status_code, response.json()["database"]) == (
        503,
        "has no such database: check the name in DATABASE_URL, or create the database",
    )


def test_readyz_names_a_role_that_may_not_log_in(
    postgres: EmbeddedPostgres, database_url: str, role: str, readyz: Readyz
) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as server:
        server.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(role)))
    response = readyz(changed(database_url, username=role))
    assert (response.status_code, response.json()["database"]) == (503, LOGIN)


def test_readyz_names_too_many_connections_of_the_database(
    database: psycopg.Connection, database_url: str, role: str, readyz: Readyz
) -> None:
    name = str(make_url(database_url).database)
    database.execute(sql.SQL("ALTER DATABASE {} CONNECTION LIMIT 0").format(sql.Identifier(name)))
    response = readyz(changed(database_url, username=role))
    assert (response.status_code, response.json()["database"]) == (503, CONNECTIONS)


def test_readyz_names_too_many_connections_of_the_role(
    postgres: EmbeddedPostgres, database_url: str, role: str, readyz: Readyz
) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as server:
        server.execute(sql.SQL("ALTER ROLE {} CONNECTION LIMIT 0").format(sql.Identifier(role)))
    response = readyz(changed(database_url, username=role))
    assert (response.status_code, response.json()["database"]) == (503, CONNECTIONS)


def test_readyz_names_a_missing_privilege(database_url: str, role: str, readyz: Readyz) -> None:
    response = readyz(changed(database_url, username=role))
    assert (response.status_code, response.json()["database"]) == (
        503,
        (
            "denies this role a privilege: grant it the privileges on booksync's tables, or use the role that ran the"
            " migrations"
        ),
    )


def test_the_log_has_the_commands_sentence_with_the_address(
    postgres: EmbeddedPostgres, database_url: str, readyz: Readyz, logs: ProcessLogs
) -> None:
    readyz(changed(database_url, username="stranger"))
    (line,) = [line for line in logs.lines if line.get("action") == "readyz.no_database"]
    assert (line["kind"], line["reason"]) == (
        "authentication",
        (
            f'Postgres at 127.0.0.1:{postgres.port} refuses the login (FATAL:  role "stranger" does not exist): check'
            " user and password in DATABASE_URL, and the server's pg_hba.conf."
        ),
    )


def test_frequent_probes_do_not_fill_the_log(database_url: str, readyz: Readyz, logs: ProcessLogs) -> None:
    for _ in range(5):
        readyz(changed(database_url, database="nowhere"))
    assert len([line for line in logs.lines if line.get("action") == "readyz.no_database"]) == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (errors.InvalidPassword(), "refuses the login"),
        (errors.InvalidAuthorizationSpecification(), "refuses the login"),
        (errors.InvalidCatalogName(), "has no such database"),
        (errors.TooManyConnections(), "has no free connection"),
        (errors.DiskFull(), "has no disk space left"),
        (errors.OutOfMemory(), "lacks memory or another resource"),
        (errors.QueryCanceled(), "ended a statement or a transaction at a time limit"),
        (errors.ReadOnlySqlTransaction(), "is read-only"),
        (errors.InsufficientPrivilege(), "denies this role a privilege"),
        (errors.UndefinedTable(), "The database has no booksync tables yet"),
        (errors.DuplicatePreparedStatement(), "The connection pooler does not support what booksync sends"),
        (errors.AdminShutdown(), "does not respond"),
        (errors.CannotConnectNow(), "does not respond"),
        (errors.ConnectionFailure(), "does not respond"),
        (errors.DivisionByZero(), "refused a statement: its log has the statement"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_readyz_names_every_other_failure_by_its_kind(
    database_url: str, readyz: Readyz, monkeypatch: pytest.MonkeyPatch, error: psycopg.Error, said: str
) -> None:
    def fail(_: Session) -> None:
        raise DBAPIError("SELECT", {}, error)

    monkeypatch.setattr(health, "look_at_postgres", fail)
    response = readyz(database_url)
    assert response.status_code == 503
    assert response.json()["database"].startswith(said)
    assert response.json()["database"] == failure_of(error).brief
