"""Rows that the overview of the console shows: connections, runs and planned calls."""

import uuid
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql


@dataclass(frozen=True)
class Added:
    """A connection, by its own id and its user's."""

    connection_id: uuid.UUID
    user_id: uuid.UUID


def add_connection(database: psycopg.Connection, name: str, organization_id: str = "10234695", **columns: Any) -> Added:
    """Insert an open connection in order that was just synced; `columns` replaces or adds columns of its row."""
    (user_id,) = _one(database, sql.SQL("INSERT INTO users DEFAULT VALUES RETURNING id"), {})
    row = {
        "user_id": user_id,
        "organization_id": organization_id,
        "organization_name": name,
        "data_center": "eu",
        "time_zone": "Europe/London",
        "country_code": "GB",
        "handover": "open",
        "webhook_secret_encrypted": None,
    } | columns
    statement = sql.SQL("INSERT INTO booksync.zoho_connections ({}) VALUES ({}) RETURNING id").format(
        sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(map(sql.Placeholder, row))
    )
    (connection_id,) = _one(database, statement, row)
    database.execute(
        "INSERT INTO sync_metadata (user_id, connection_id, last_customer_sync_at, last_invoice_sync_at)"
        " VALUES (%s, %s, now(), now())",
        [user_id, connection_id],
    )
    return Added(connection_id, user_id)


def _one(database: psycopg.Connection, statement: sql.SQL | sql.Composed, row: dict[str, Any]) -> Any:
    return database.execute(statement, row).fetchone()


def add_runs(database: psycopg.Connection, added: Added, *statuses: str) -> None:
    """Insert runs, the newest first."""
    for minutes, status in enumerate(statuses, start=1):
        database.execute(
            "INSERT INTO booksync.sync_runs (user_id, connection_id, mode, phase, status, sweep_at, started_at,"
            " finished_at, error) VALUES (%s, %s, 'incremental', 'contacts', %s, now(),"
            " now() - %s * interval '1 minute', now() - %s * interval '1 minute', %s)",
            [
                added.user_id,
                added.connection_id,
                status,
                minutes,
                minutes,
                "Zoho is away" if status == "failed" else None,
            ],
        )


def add_call(database: psycopg.Connection, added: Added, phone: str, *, days: int) -> None:
    """Insert an unpaid invoice of a new customer with a reminder planned in that many days, on London's clock."""
    database.execute(
        "WITH customer AS (INSERT INTO booksync.customers_cache (user_id, connection_id, zoho_customer_id,"
        " customer_name, primary_phone, status) VALUES (%(user)s, %(connection)s, %(phone)s, 'Ada Byron', %(phone)s,"
        " 'active') RETURNING id), invoice AS (INSERT INTO invoices_cache (user_id, connection_id, zoho_invoice_id,"
        " customer_id, status, balance, plan_outcome) SELECT %(user)s, %(connection)s, %(phone)s, id, 'sent', 10,"
        " 'scheduled' FROM customer RETURNING id, customer_id)"
        " INSERT INTO reminders (user_id, invoice_id, customer_id, step, scheduled_at, day, closes_at, phone)"
        " SELECT %(user)s, id, customer_id, 3, now(), CAST(now() AT TIME ZONE 'Europe/London' AS date) + %(days)s,"
        " now(), %(phone)s FROM invoice",
        {"user": added.user_id, "connection": added.connection_id, "phone": phone, "days": days},
    )
