"""Repeated kill -9 during the backfill: it completes with the result of an undisturbed run."""

import signal
import subprocess
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from db.migrations.revisions import Target
from db.migrations.runner import migrate
from sandbox.servers import EmbeddedPostgres
from tests.end_to_end.underway import eventually
from tests.integration.migrations.applications import BOTH_SCHEMAS, Database, legacy_rows
from tests.integration.migrations.migrating import started

_INVOICES = 10_000
_KILLS = 4

_MANY = """
    INSERT INTO invoices_cache (
        user_id, zoho_invoice_id, zoho_customer_id, customer_name, customer_phone, customer_country_code,
        customer_timezone, updated_at
    )
    SELECT
        (SELECT id FROM users LIMIT 1), n, nullif((n %% 700)::text, '0'), 'Name ' || n %% 1300, '+44207031' || n,
        CASE WHEN n %% 3 = 0 THEN 'GB' ELSE '44' END, 'Europe/London', '2026-01-01Z'::timestamptz + n * interval '1s'
    FROM generate_series(1, %s) AS n
"""


@pytest.fixture
def crowded(postgres: EmbeddedPostgres) -> Iterator[tuple[str, str]]:
    """Two databases with the same rows."""
    names = [f"crowded_{uuid.uuid4().hex}" for _ in range(2)]
    url = postgres.create_database(names[0])
    migrate(url, Target.PHASE1)
    with psycopg.connect(url, autocommit=True, row_factory=dict_row, options=BOTH_SCHEMAS) as connection:
        Database(connection).a_user()
        connection.execute(_MANY, [_INVOICES])
    yield url, postgres.create_database(names[1], template=names[0])
    for name in names:
        postgres.drop_database(name)


def test_a_backfill_that_is_killed_repeatedly_has_the_same_result_as_an_undisturbed_one(
    crowded: tuple[str, str],
) -> None:
    url, undisturbed = crowded
    migrate(undisturbed, Target.PHASE2)

    with psycopg.connect(url, autocommit=True, row_factory=dict_row, options=BOTH_SCHEMAS) as connection:
        database = Database(connection)
        before = [len(rows) for rows in legacy_rows(database)]
        kills = 0
        while True:
            process = started(url, Target.PHASE2)
            if kills == _KILLS:
                assert process.wait() == 0
                break
            kills += 1
            _wait_for(database, process, receipts=_INVOICES * kills // (_KILLS + 1))
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert database.rows("SELECT * FROM migration_progress") == []
        assert [len(rows) for rows in legacy_rows(database)] == before
        with psycopg.connect(undisturbed, autocommit=True, row_factory=dict_row, options=BOTH_SCHEMAS) as other:
            assert _result(database) == _result(Database(other))


def _wait_for(database: Database, process: "subprocess.Popen[bytes]", *, receipts: int) -> None:
    """Wait until the backfill has written that many receipts: first for customers, later for links."""

    def are_written() -> bool:
        assert process.poll() is None, "the backfill was over before it could be killed"
        return int(database.row("SELECT count(*) AS written FROM migration_receipt")["written"]) >= receipts

    eventually(are_written)


def _result(database: Database) -> list[Any]:
    customers = database.rows(
        "SELECT zoho_customer_id, customer_name, primary_phone, country_code, time_zone FROM customers_cache ORDER BY 1"
    )
    accounted = database.rows("""
        SELECT row_id, outcome, reason, won_by, made_customer, legacy, merged, unfit FROM migration_receipt ORDER BY 1
    """)
    links = database.rows("""
        SELECT invoice.id, customer.zoho_customer_id FROM invoices_cache AS invoice
        LEFT JOIN customers_cache AS customer ON customer.id = invoice.customer_id ORDER BY 1
    """)
    return [customers, accounted, links]
