"""Repeated kill -9 during the backfill: it completes with the result of an undisturbed run."""

import signal
from typing import Any

import pytest

from db.migrations.revisions import Target
from db.migrations.runner import migrate
from tests.end_to_end.underway import eventually
from tests.fork_server import ForkedProcess
from tests.integration.migrations.applications import Database, legacy_rows, opened
from tests.integration.migrations.migrating import started
from tests.integration.migrations.states import PHASE1, State, States

_INVOICES = 3_000
_KILLS = 3

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


def write_many(_: str, database: Database) -> None:
    database.a_user()
    database.rows(_MANY, _INVOICES)


CROWDED = State(write_many, PHASE1)


@pytest.mark.slow
@pytest.mark.starts_as(CROWDED)
def test_a_backfill_that_is_killed_repeatedly_has_the_same_result_as_an_undisturbed_one(
    url: str, database: Database, states: States
) -> None:
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
    with states.copy(CROWDED) as undisturbed, opened(undisturbed) as other:
        migrate(undisturbed, Target.PHASE2)
        assert _result(database) == _result(other)


def _wait_for(database: Database, process: ForkedProcess, *, receipts: int) -> None:
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
