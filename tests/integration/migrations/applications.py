"""Both applications as writers of one database, and the rows that they leave."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row

from db.legacy.side_by_side import renew_triggers
from db.migrations import (
    call_lists,
    containment,
    grants,
    handover,
    host_views,
    indexes,
    numbers,
    operators,
    placement,
    processes,
    refused_webhooks,
    schedules,
    searches,
    states,
    verifications,
)
from db.migrations.revisions import Target
from db.migrations.runner import migrate
from db.migrations.schemas import use_schemas

#: It owns nothing, and uses four tables.
#: A session's option: unqualified names find booksync's tables before the move to their own schema and after it.
BOTH_SCHEMAS = "-c search_path=booksync,public"

LEGACY_ROLE = "legacy_application"
_LET_IN = f"""
    DO $$ DECLARE known regclass; BEGIN
        IF to_regrole('{LEGACY_ROLE}') IS NULL THEN
            CREATE ROLE {LEGACY_ROLE};
        END IF;
        FOR known IN
            SELECT to_regclass('public.' || name)
            FROM unnest('{{users,invoices_cache,reminders,sync_metadata}}'::text[]) AS name
        LOOP
            IF NOT has_table_privilege('{LEGACY_ROLE}', known, 'INSERT') THEN
                EXECUTE 'GRANT SELECT, INSERT, UPDATE, DELETE ON ' || known || ' TO {LEGACY_ROLE}';
            END IF;
        END LOOP;
    END $$
"""


class Database:
    """A database that both applications use: the legacy application's statements use only the columns that it knows."""

    def __init__(self, connection: "psycopg.Connection[dict[str, Any]]") -> None:
        self.connection = connection

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        cursor = self.connection.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []

    def let_the_legacy_application_in(self) -> None:
        """Grant the legacy application's role the rights on its tables."""
        self.rows(_LET_IN)

    def row(self, statement: str, *values: Any) -> dict[str, Any]:
        (only,) = self.rows(statement, *values)
        return only

    def legacy_rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Like `rows`, with the rights of the legacy application."""
        self.let_the_legacy_application_in()
        with self.connection.transaction():
            self.rows(f"SET LOCAL ROLE {LEGACY_ROLE}")
            found = self.rows(statement, *values)
            self.rows("SET LOCAL ROLE NONE")
        return found

    def all_of(self, table: str) -> list[Any]:
        return [row["row"] for row in self.rows(f"SELECT to_jsonb(t) AS row FROM {table} AS t ORDER BY id")]

    def the_user(self) -> uuid.UUID:
        """The id of the only user."""
        user: uuid.UUID = self.row("SELECT id FROM users")["id"]
        return user

    def a_user(self) -> uuid.UUID:
        user: uuid.UUID = self.row("INSERT INTO users DEFAULT VALUES RETURNING id")["id"]
        return user

    def legacy_writes_invoice(
        self,
        user: uuid.UUID,
        number: str,
        *,
        customer: str | None = "C1",
        name: str | None = "Ada Byron",
        phone: str | None = "+442070313000",
        country: str | None = "GB",
        zone: str | None = "Europe/London",
        modified_at: str | None = "2026-03-02T09:30Z",
        updated_at: str | None = None,
    ) -> uuid.UUID:
        (row,) = self.legacy_rows(
            """
            INSERT INTO invoices_cache (
                user_id, zoho_invoice_id, zoho_customer_id, customer_name, customer_phone, customer_country_code,
                customer_timezone, zoho_last_modified_at, updated_at, status, total, balance
            ) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, coalesce(%s, now()), 'sent', 120.50, 20.25)
            ON CONFLICT (user_id, zoho_invoice_id) DO UPDATE SET
                zoho_customer_id = excluded.zoho_customer_id, customer_name = excluded.customer_name,
                customer_phone = excluded.customer_phone, customer_country_code = excluded.customer_country_code,
                customer_timezone = excluded.customer_timezone, updated_at = excluded.updated_at
            RETURNING id
            """,
            *(user, number, customer, name, phone, country, zone, modified_at, updated_at),
        )
        return uuid.UUID(str(row["id"]))

    def legacy_writes_reminder(
        self,
        user: uuid.UUID,
        invoice: uuid.UUID,
        phone: str | None = "+442070313000",
        *,
        step: int = 3,
        status: str = "scheduled",
    ) -> None:
        self.legacy_rows(
            """
            INSERT INTO reminders (user_id, invoice_id, step, scheduled_at, phone, status)
            VALUES (%s, %s, %s, now(), %s, %s)
            """,
            *(user, invoice, step, phone, status),
        )

    def booksync_writes_reminder(self, user: uuid.UUID, invoice: uuid.UUID, step: int) -> None:
        self.rows(
            """
            INSERT INTO reminders (user_id, invoice_id, customer_id, step, scheduled_at, day, closes_at, phone)
            SELECT %s, id, customer_id, %s, now(), current_date, now() + interval '8 hours', '+442070313000'
            FROM invoices_cache WHERE id = %s
            """,
            *(user, step, invoice),
        )

    def booksync_writes_customer(self, user: uuid.UUID, customer: str, *, name: str, phone: str | None) -> uuid.UUID:
        row = self.row(
            """
            INSERT INTO customers_cache (
                user_id, zoho_customer_id, customer_name, primary_phone, country_code, time_zone, observed_at
            ) VALUES (%s, %s, %s, %s, 'FR', 'Europe/Paris', now()) RETURNING id
            """,
            *(user, customer, name, phone),
        )
        return uuid.UUID(str(row["id"]))

    def booksync_writes_invoice(self, user: uuid.UUID, number: str, customer: str, customer_id: uuid.UUID) -> uuid.UUID:
        row = self.row(
            """
            INSERT INTO invoices_cache (user_id, zoho_invoice_id, zoho_customer_id, customer_id)
            VALUES (%s, %s, %s, %s)
            ON CONFLICT (user_id, zoho_invoice_id) DO UPDATE SET
                zoho_customer_id = excluded.zoho_customer_id, customer_id = excluded.customer_id
            RETURNING id
            """,
            *(user, number, customer, customer_id),
        )
        return uuid.UUID(str(row["id"]))

    def copy(self, invoice: uuid.UUID) -> tuple[str | None, ...]:
        row = self.row(
            """
            SELECT customer_name, customer_phone, customer_country_code, customer_timezone
            FROM invoices_cache WHERE id = %s
            """,
            invoice,
        )
        return tuple(row.values())

    def customer_of(self, invoice: uuid.UUID) -> dict[str, Any]:
        return self.row(
            """
            SELECT customer.* FROM customers_cache AS customer
            JOIN invoices_cache AS invoice ON invoice.customer_id = customer.id WHERE invoice.id = %s
            """,
            invoice,
        )

    def schema(self) -> dict[str, list[dict[str, Any]]]:
        """All objects that the migrations create or change, in an order that does not depend on the age of columns."""
        return {
            "schemas": self.rows("SELECT nspname FROM pg_namespace WHERE nspname IN ('public', 'booksync') ORDER BY 1"),
            "columns": self.rows("""
                SELECT relnamespace::regnamespace::text AS table_schema, relname AS table_name, attname AS column_name,
                    format_type(atttypid, atttypmod) AS data_type, attnotnull,
                    pg_get_expr(adbin, adrelid) AS column_default
                FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
                LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
                WHERE relnamespace::regnamespace::text IN ('public', 'booksync') AND relkind IN ('r', 'v')
                    AND attnum > 0 AND NOT attisdropped
                ORDER BY 1, 2, 3
            """),
            "constraints": self.rows("""
                SELECT connamespace::regnamespace::text AS schema, conrelid::regclass::text AS of, conname,
                    pg_get_constraintdef(oid) AS definition
                FROM pg_constraint WHERE connamespace::regnamespace::text IN ('public', 'booksync') AND contype <> 'n'
                ORDER BY 1, 2, 3
            """),
            "indexes": self.rows("""
                SELECT pg_get_indexdef(indexrelid) AS indexdef FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
                WHERE relnamespace::regnamespace::text IN ('public', 'booksync') ORDER BY 1
            """),
            "triggers": self.rows("SELECT tgname, tgfoid::regproc FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"),
            "functions": self.rows("""
                SELECT pronamespace::regnamespace::text AS schema, proname, prosrc, proconfig FROM pg_proc
                WHERE pronamespace::regnamespace::text IN ('public', 'booksync') ORDER BY 1, 2
            """),
        }


@contextmanager
def opened(url: str) -> Iterator[Database]:
    with psycopg.connect(url, autocommit=True, row_factory=dict_row, options=BOTH_SCHEMAS) as connection:
        yield Database(connection)


def a_legacy_database(url: str, database: Database) -> uuid.UUID:
    """Two customers with three invoices that have different copies, some of which are blank, and their reminders."""
    migrate(url, Target.LEGACY)
    user = database.a_user()
    first = database.legacy_writes_invoice(user, "1", name="Ada", modified_at="2026-01-01T00:00Z")
    database.legacy_writes_invoice(user, "2", name="Ada Byron", phone="020 7031 3000", country=None)
    third = database.legacy_writes_invoice(user, "3", customer="C2", name=None, phone="", country="gb", zone=None)
    database.legacy_writes_reminder(user, first)
    database.legacy_writes_reminder(user, third, phone=None)
    database.rows("INSERT INTO sync_metadata (user_id, last_invoice_sync_at) VALUES (%s, '2026-03-01T00:00Z')", user)
    return user


def undo_the_move(url: str) -> None:
    """Bring a database to the state of the previous release, whatever revision it is at."""
    with psycopg.connect(url, autocommit=True) as connection:
        use_schemas(connection)
        refused_webhooks.remove(connection)
        host_views.remove(connection)
        schedules.remove(connection)
        call_lists.remove(connection)
        searches.remove(connection)
        verifications.remove(connection)
        indexes.remove(connection)
        operators.remove(connection)
        grants.remove(connection)
        processes.remove(connection)
        states.remove(connection)
        placement.undo(connection)
        renew_triggers(connection)
        placement.drop_schema(connection)


def undo_later_additions(url: str, database: Database) -> None:
    """Bring a database at revision 0009 or later to the schema that release 0.1 made in phase 3."""
    undo_the_move(url)
    containment.remove(database.connection)  # type: ignore[arg-type]
    numbers.remove(database.connection)  # type: ignore[arg-type]
    handover.remove(database.connection)  # type: ignore[arg-type]


def legacy_rows(database: Database) -> list[list[Any]]:
    return [database.all_of(table) for table in ("users", "invoices_cache", "reminders", "sync_metadata")]


def receipts(database: Database) -> list[dict[str, Any]]:
    """The receipt's entries for the invoices' values: the newest one of each row."""
    return database.rows("""
        SELECT zoho_invoice_id AS invoice, key AS column, value, won_by, CASE
            WHEN key = ANY(unfit) THEN 'kept' WHEN key = ANY(merged) THEN 'merged' ELSE 'moved' END AS outcome
        FROM (
            SELECT DISTINCT ON (row_id) * FROM migration_receipt
            WHERE table_name = 'invoices_cache' ORDER BY row_id, id DESC
        ) AS receipt
        CROSS JOIN LATERAL jsonb_each_text(legacy)
        JOIN invoices_cache ON invoices_cache.id = row_id
        WHERE value IS NOT NULL
    """)
