"""Erasing a connection leaves the older application's rows in phase 2, and its customers' rows nowhere in phase 3."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import Engine

from db import disconnections, erasures
from db.connections import Connection
from db.erasures import ERASED, Receipt
from db.migrations.revisions import Target
from db.migrations.runner import migrate
from domain.observed import Observed
from domain.phones import PhoneFallback
from tests.builders import a_contact, an_invoice
from tests.integration.db.connection_builders import a_connection
from tests.integration.migrations.applications import Database
from tests.integration.migrations.states import PHASE2_ROWS
from workers.services.cache_customers import cache_customers
from workers.services.cache_invoices import cache_invoices

NOW = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)

pytestmark = pytest.mark.starts_as(PHASE2_ROWS)


@pytest.fixture
def connection(database: Database, engine: Engine) -> Connection:
    """A connection that has read invoice 1 of the older application, and invoice 8001, which is booksync's own."""
    connection = a_connection(engine, user_id=database.the_user())
    with engine.begin() as db:
        read = [Observed(a_contact(contact_id), NOW) for contact_id in ("C1", "5001")]
        cache_customers(db, connection, read, fallback=PhoneFallback.NONE, now=NOW)
        synced = [an_invoice("1", customer_id="C1"), an_invoice("8001", customer_id="5001")]
        cache_invoices(db, connection, [Observed(each, NOW) for each in synced], now=NOW)
    for number in ("1", "8001"):
        (invoice,) = database.rows("SELECT id FROM invoices_cache WHERE zoho_invoice_id = %s", number)
        database.booksync_writes_reminder(database.the_user(), uuid.UUID(str(invoice["id"])), 90)
    return connection


def erase(engine: Engine, connection: Connection) -> Receipt:
    with engine.begin() as db:
        disconnections.stop(db, connection.connection_id)
        assert erasures.begin(db, connection.connection_id)
    for erased in ERASED:
        while True:
            with engine.begin() as db:
                if not erasures.erase_batch(db, connection.connection_id, erased):
                    break
    with engine.begin() as db:
        return erasures.finish(db, connection.connection_id)


@pytest.mark.slow
def test_in_phase2_the_older_applications_rows_stay_unlinked(
    database: Database, engine: Engine, connection: Connection
) -> None:
    ours = len(database.rows("SELECT id FROM reminders WHERE closes_at IS NOT NULL"))
    theirs = database.rows("SELECT id FROM reminders WHERE closes_at IS NULL ORDER BY id")
    copies = database.rows("SELECT zoho_invoice_id, customer_name FROM invoices_cache WHERE zoho_invoice_id <> '8001'")

    receipt = erase(engine, connection)

    assert database.rows("SELECT id FROM reminders ORDER BY id") == theirs
    left = database.rows("SELECT zoho_invoice_id, customer_name FROM invoices_cache")
    assert sorted(left, key=str) == sorted(copies, key=str)
    customers = database.rows("SELECT zoho_customer_id, connection_id, contact_persons FROM customers_cache")
    assert {each["zoho_customer_id"] for each in customers} == {"C1", "C2"}
    assert all(each["connection_id"] is None and each["contact_persons"] == [] for each in customers)
    assert database.rows("SELECT id FROM invoices_cache WHERE connection_id IS NOT NULL OR customer_id IS NULL") == []
    assert database.rows("SELECT user_id FROM sync_metadata") == [{"user_id": database.the_user()}]
    assert receipt.counts["invoices_cache"] == 1
    assert receipt.counts["unlinked invoices_cache"] == 1
    assert receipt.counts["reminders"] == ours


@pytest.mark.slow
def test_the_older_application_goes_on_writing_after_an_erasure(
    database: Database, engine: Engine, connection: Connection
) -> None:
    erase(engine, connection)

    invoice = database.legacy_writes_invoice(database.the_user(), "1", name="Ada Byron")
    database.legacy_writes_reminder(database.the_user(), invoice, step=30)

    assert database.copy(invoice)[0] == "Ada Byron"


@pytest.mark.slow
def test_in_phase3_nothing_about_the_customers_is_left(
    url: str, database: Database, engine: Engine, connection: Connection
) -> None:
    migrate(url, Target.PHASE3)

    erase(engine, connection)

    assert {each["zoho_customer_id"] for each in database.rows("SELECT * FROM customers_cache")} == {"C2"}
    assert {each["zoho_invoice_id"] for each in database.rows("SELECT * FROM invoices_cache")} == {"3"}


def test_after_an_erasure_in_phase2_the_database_reaches_phase3(
    url: str, database: Database, engine: Engine, connection: Connection
) -> None:
    erase(engine, connection)

    migrate(url, Target.PHASE3)
    migrate(url, Target.PHASE2)

    assert {each["zoho_invoice_id"] for each in database.rows("SELECT * FROM invoices_cache")} == {"1", "2", "3"}
