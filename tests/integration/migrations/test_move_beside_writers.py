"""The previous release writes by the former names while the tables move: it waits, goes on, and loses nothing."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from alembic import command
from psycopg.rows import dict_row

from db.migrations.runner import alembic_config
from tests.end_to_end.underway import eventually
from tests.integration.migrations.applications import Database
from tests.integration.migrations.migrating import BEFORE_THE_MOVE, holding
from tests.integration.migrations.states import LEGACY_ROWS, State, to_revision

_MOVED = "0007d_schema_phase2"

#: Former name → present name, and a statement that the previous release prepares: an upsert that reads a system column,
#: a table whose name and column change, and one that another table refers to.
WRITES = {
    "customers_cache": (
        "customers_cache",
        """
        INSERT INTO customers_cache AS cached (user_id, zoho_customer_id, customer_name)
        SELECT id, 'C1', %s::text FROM users ON CONFLICT (user_id, zoho_customer_id)
        DO UPDATE SET customer_name = excluded.customer_name RETURNING (xmax = 0) AS is_new
        """,
        "SELECT customer_name AS written FROM {} WHERE zoho_customer_id = 'C1'",
    ),
    "resyncs": (
        "refreshes",
        "UPDATE resyncs SET taken_at = now(), error = %s WHERE ctid = ANY(ARRAY(SELECT ctid FROM resyncs FOR UPDATE))",
        "SELECT error AS written FROM {}",
    ),
    "zoho_connections": (
        "zoho_connections",
        "UPDATE zoho_connections SET parked_reason = %s",
        "SELECT parked_reason AS written FROM {}",
    ),
}

_WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def write_a_connection(_: str, database: Database) -> None:
    """Write a connection, and a record to read again."""
    database.rows("""
        INSERT INTO zoho_connections (
            user_id, organization_id, data_center, refresh_token_encrypted, webhook_secret_encrypted, time_zone
        ) SELECT id, '1', 'eu', 'token', 'secret', 'Europe/London' FROM users
    """)
    database.rows(
        "INSERT INTO resyncs (connection_id, entity, record_id) SELECT id, 'contact', 'C1' FROM zoho_connections"
    )


#: A database of the previous release in phase 2, and the same after the move.
BEFORE = State(write_a_connection, State(to_revision(BEFORE_THE_MOVE), LEGACY_ROWS))
MOVED = State(to_revision(_MOVED), BEFORE)


@pytest.fixture
def writer(url: str) -> Iterator["psycopg.Connection[Any]"]:
    """A session of the previous release, which knows one schema and prepares every statement."""
    with psycopg.connect(url, autocommit=True, row_factory=dict_row, options="-c search_path=public") as connection:
        connection.prepare_threshold = 0
        yield connection


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def bring(revision: str) -> None:
    """Move the tables, or undo it."""
    change = command.upgrade if revision == _MOVED else command.downgrade
    change(alembic_config(), revision)


@pytest.fixture(
    params=[
        pytest.param(_MOVED, marks=pytest.mark.starts_as(BEFORE)),
        pytest.param(BEFORE_THE_MOVE, marks=pytest.mark.starts_as(MOVED)),
    ]
)
def to(request: pytest.FixtureRequest, url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The revision to migrate to, from a database that is on the other side of the move."""
    monkeypatch.setenv("DATABASE_URL", url)
    return str(request.param)


def write(writer: "psycopg.Connection[Any]", former: str, text: str) -> int:
    """The number of rows that were written."""
    return writer.execute(WRITES[former][1].encode(), [text]).rowcount


def written(database: Database, former: str, *, moved: bool) -> list[Any]:
    present, _, query = WRITES[former]
    place = f"booksync.{present}" if moved else f"public.{former}"
    return [row["written"] for row in database.rows(query.format(place))]


def waiting(database: Database) -> set[int]:
    """The backends of this database that wait for a lock."""
    return {row["pid"] for row in database.rows(_WAITING)}


@pytest.mark.parametrize("former", WRITES)
def test_a_write_that_meets_the_move_waits_for_it_and_is_kept(
    to: str,
    former: str,
    database: Database,
    writer: "psycopg.Connection[Any]",
    threads: ThreadPoolExecutor,
) -> None:
    assert write(writer, former, "before") == 1

    with holding(database, f"public.{former}"):
        migrating = threads.submit(bring, to)
        eventually(lambda: len(waiting(database)) == 1)
        writing = threads.submit(write, writer, former, "during")
        eventually(lambda: writer.info.backend_pid in waiting(database))
        assert not writing.done()

    assert writing.result() == 1
    migrating.result()
    assert written(database, former, moved=to == _MOVED) == ["during"]
    assert write(writer, former, "after") == 1
    assert written(database, former, moved=to == _MOVED) == ["after"]


@pytest.mark.parametrize("former", WRITES)
def test_the_move_waits_for_a_transaction_that_has_written(
    to: str,
    former: str,
    database: Database,
    writer: "psycopg.Connection[Any]",
    threads: ThreadPoolExecutor,
) -> None:
    with writer.transaction():
        assert write(writer, former, "before") == 1
        migrating: Future[Any] = threads.submit(bring, to)
        eventually(lambda: len(waiting(database)) == 1)
        assert write(writer, former, "in the same transaction") == 1
        assert not migrating.done()

    migrating.result()
    assert written(database, former, moved=to == _MOVED) == ["in the same transaction"]
    assert write(writer, former, "after") == 1
    assert written(database, former, moved=to == _MOVED) == ["after"]
