"""A column whose type booksync cannot use stays; booksync's own column beside it always has the same value."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Engine

from db.legacy import adopt, plan, script
from db.migrations.revisions import Target
from db.migrations.runner import migrate
from tests.integration.migrations.applications import Database
from tests.integration.migrations.orms.default_tables import TABLES


@pytest.fixture
def host(database: Database) -> Database:
    for statement in TABLES.split(";\n"):
        database.rows(statement)
    return database


def test_rows_get_the_same_values_in_the_types_of_booksync(url: str, host: Database) -> None:
    adopt(url)

    invoice = host.row("SELECT id, status, date, due_date, balance, updated_at FROM invoices_cache")
    assert (invoice["status"], invoice["balance"]) == ("sent", Decimal("0.1"))
    assert (invoice["date"], invoice["due_date"]) == (date(2026, 3, 1), date(2026, 3, 5))
    assert invoice["updated_at"] == datetime(2026, 3, 1, 10, tzinfo=UTC)
    reminder = host.row("SELECT invoice_id, status, scheduled_at FROM reminders")
    assert reminder["invoice_id"] == invoice["id"]
    assert (reminder["status"], reminder["scheduled_at"]) == ("scheduled", datetime(2026, 3, 4, 10, tzinfo=UTC))


@pytest.mark.parametrize("session_zone", ["UTC", "Asia/Kolkata"])
def test_the_application_sees_what_booksync_inserts(url: str, host: Database, session_zone: str) -> None:
    adopt(url)
    host.rows("SELECT set_config('timezone', %s, false)", session_zone)

    invoice = host.row("""
        INSERT INTO invoices_cache (user_id, zoho_invoice_id, status, balance) VALUES ('u1', 'I2', 'overdue', 1.234)
        RETURNING id, created_at
    """)
    host.rows(
        "INSERT INTO reminders (user_id, invoice_id, step, scheduled_at) VALUES ('u1', %s, 3, now())", invoice["id"]
    )

    seen = host.row("SELECT * FROM booksync_legacy.invoices_cache WHERE zoho_invoice_id = 'I2'")
    assert (seen["id"], seen["status"], seen["balance"]) == (str(invoice["id"]), "SENT", 1.234)
    assert abs(invoice["created_at"] - datetime.now(UTC)).total_seconds() < 600
    assert abs(seen["created_at"].replace(tzinfo=UTC) - invoice["created_at"]).total_seconds() < 1
    reminder = host.row("SELECT * FROM booksync_legacy.reminders WHERE invoice_id = %s", seen["id"])
    assert (reminder["id"], reminder["status"]) == (2, "SCHEDULED")


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("paid", "PAID"),
        ("deleted", "VOID"),
        ("partially_paid", "SENT"),
        # A word that says nothing to the application leaves its column as it is.
        ("another", "SENT"),
    ],
)
def test_an_enum_gets_the_closest_label(url: str, host: Database, word: str, label: str) -> None:
    adopt(url)

    host.rows("UPDATE invoices_cache SET status = %s", word)

    assert host.row("SELECT status FROM booksync_legacy.invoices_cache") == {"status": label}
    assert host.row("SELECT status FROM invoices_cache") == {"status": word}
    host.rows("UPDATE booksync_legacy.invoices_cache SET status = 'DRAFT'")
    assert host.row("SELECT status FROM invoices_cache") == {"status": "draft"}


def test_a_uuid_in_a_text_is_the_same_uuid(url: str, host: Database) -> None:
    adopt(url)
    key = UUID("0b9b4c4e-8c7c-4c0e-9d8a-0e3b8a8f2a11")

    host.rows(
        """
        INSERT INTO booksync_legacy.invoices_cache (id, user_id, zoho_invoice_id, status, balance, updated_at)
        VALUES (%s, 'u1', 'I3', 'SENT', 1, now())
        """,
        str(key),
    )

    assert host.row("SELECT id FROM invoices_cache WHERE zoho_invoice_id = 'I3'") == {"id": key}


def test_rows_of_several_connections_leave_the_one_row_of_the_application(url: str, host: Database) -> None:
    adopt(url)

    host.rows("INSERT INTO sync_metadata (user_id) VALUES ('u1'), ('u1')")
    host.rows("INSERT INTO booksync_legacy.sync_metadata (user_id) VALUES ('u1') ON CONFLICT (user_id) DO NOTHING")

    assert host.row("SELECT id, user_id FROM booksync_legacy.sync_metadata") == {"id": 1, "user_id": "u1"}
    assert len(host.rows("SELECT id FROM sync_metadata WHERE user_id = 'u1'")) == 3


@pytest.mark.slow
def test_an_interrupted_adoption_goes_on_where_it_stopped(
    url: str, engine: Engine, host: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements = script.statements
    for stop in ("DO $booksync$", "VALIDATE", "CREATE UNIQUE INDEX"):

        def stopped(*given: Any, stop: str = stop) -> Iterator[script.Statement]:
            for each in statements(*given):
                yield replace(each, sql="SELECT 1 / 0") if stop in each.sql else each

        monkeypatch.setattr("db.legacy.adoption.statements", stopped)
        with pytest.raises(psycopg.errors.DivisionByZero):
            adopt(url)
        with engine.connect() as db:
            assert len(plan(db).steps) > 1

    monkeypatch.setattr("db.legacy.adoption.statements", statements)
    adopt(url)

    migrate(url, Target.PHASE3)
    migrate(url, Target.LEGACY)
    assert host.row("SELECT status, balance FROM booksync_legacy.invoices_cache") == {"status": "SENT", "balance": 0.1}
