"""booksync's own statements on a phase 2 database, with rows of the legacy application."""

import datetime as dt

import pytest
from sqlalchemy import Engine

from db.migrations.revisions import SchemaFit, Target, schema_state
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


@pytest.mark.parametrize(
    ("target", "works"),
    [(Target.LEGACY, False), (Target.PHASE1, False), (Target.PHASE2, True), (Target.PHASE3, True)],
)
def test_booksync_works_from_phase2_on(target: Target, works: bool, url: str, engine: Engine) -> None:
    migrate(url, target)

    with engine.connect() as db:
        assert (schema_state(db).fit is SchemaFit.FITS) is works


@pytest.mark.starts_as(PHASE2_ROWS)
def test_both_applications_see_the_rows_that_booksync_syncs_in_phase2(
    url: str, database: Database, engine: Engine
) -> None:
    user = database.the_user()
    connection = a_connection(engine, user_id=user)

    with engine.begin() as db:
        read = [Observed(a_contact(contact_id), NOW) for contact_id in ("C1", "5001")]
        cache_customers(db, connection, read, fallback=PhoneFallback.NONE, now=NOW)
        synced = [an_invoice("1", customer_id="C1"), an_invoice("8001", customer_id="5001")]
        cache_invoices(db, connection, [Observed(each, NOW) for each in synced], now=NOW)

    by_number = {row["zoho_invoice_id"]: row for row in database.all_of("invoices_cache")}
    told = {row["zoho_customer_id"]: row for row in database.all_of("customers_cache")}
    assert set(by_number) == {"1", "2", "3", "8001"}
    assert by_number["1"]["customer_id"] == told["C1"]["id"]
    assert by_number["1"]["customer_name"] == "Ada"
    assert by_number["8001"]["customer_name"] == told["5001"]["customer_name"]
    assert by_number["8001"]["customer_phone"] == told["5001"]["primary_phone"]

    migrate(url, Target.PHASE3)
    migrate(url, Target.PHASE2)
    # Phase 3 makes the invoices due for planning for which the legacy application had planned reminders.
    after = {row["zoho_invoice_id"]: row for row in database.all_of("invoices_cache")}
    assert [row | {"plan_at": None} for row in after.values()] == [
        by_number[number] | {"plan_at": None} for number in after
    ]
