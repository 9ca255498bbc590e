"""The schema of the handover: columns, tables and functions for permission, opening and outcomes.

Two revisions apply this schema: one at the end of phase 2, one at the end of phase 3. The first is for databases that
stay in phase 2, where booksync already works. The second is for a database that had left phase 2 before this release.
Every statement can be repeated.
"""

import os
from typing import Final

from db.migrations.additions import add_columns, build_index, drop_columns, drop_index
from db.migrations.errors import MigrationRefusedError
from db.migrations.schemas import with_user_id_type
from db.migrations.scripts import SQL
from db.migrations.steps import Raw, at_length, briefly

_COLUMNS: Final = {
    "zoho_connections": (
        "handover text NOT NULL DEFAULT 'closed'",
        "handover_opened_at timestamptz",
        "handover_backlog text NOT NULL DEFAULT 'none'",
        "organization_name text NOT NULL DEFAULT ''",
        "unknown_time_zone text",
    ),
    "customers_cache": (
        "time_zones text[]",
        "rest_days integer[]",
        "address_state text",
        "address_postcode text",
        "unused_credits numeric",
        "credits_currency text",
        "asked_version timestamptz",
        "gone_at timestamptz",
    ),
    "invoices_cache": (
        "ach_payment_initiated boolean",
        "unprocessed_payment numeric",
        "sub_status text",
        "payment_reminder_enabled boolean",
        "asked_version timestamptz",
        "gone_at timestamptz",
    ),
}

_TABLES: Final = """
    CREATE TABLE IF NOT EXISTS handover_outcomes (
        handover_id uuid NOT NULL REFERENCES reminder_contacts (id) ON DELETE CASCADE,
        reminder_id uuid NOT NULL,
        invoice_id uuid NOT NULL,
        customer_id uuid NOT NULL,
        phone_text text NOT NULL,
        outcome text NOT NULL,
        until date,
        note text,
        reported_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_handover_outcomes PRIMARY KEY (handover_id, reminder_id)
    );
    CREATE TABLE IF NOT EXISTS do_not_call (
        user_id {{user_id}} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        phone text NOT NULL,
        note text,
        added_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_do_not_call PRIMARY KEY (user_id, phone)
    )
"""

_INDEXES: Final = {
    "ix_handover_outcomes_customer_id": "handover_outcomes (customer_id)",
    "ix_handover_outcomes_invoice_id": "handover_outcomes (invoice_id)",
}

#: A connection that handed over reminders before connections could be closed stays open, with its backlog.
_LEAVE_OPEN: Final = """
    UPDATE zoho_connections AS home
    SET handover = 'open', handover_opened_at = created_at, handover_backlog = 'latest'
    WHERE handover_opened_at IS NULL AND ({everywhere} OR EXISTS (
        SELECT FROM reminder_contacts AS contact WHERE contact.connection_id = home.id
    ) OR EXISTS (
        SELECT FROM reminders AS reminder JOIN invoices_cache AS invoice ON invoice.id = reminder.invoice_id
        WHERE invoice.connection_id = home.id AND reminder.status = 'sent'
    ))
"""

_FUNCTIONS_END: Final = """
    DROP FUNCTION IF EXISTS report_outcome(uuid, text, uuid, date, text);
    DROP FUNCTION IF EXISTS claim_due_reminders(integer, uuid, timestamptz);
    DROP FUNCTION IF EXISTS due_reminders(timestamptz);
    DROP FUNCTION IF EXISTS reminder_checks(timestamptz);
    DROP FUNCTION IF EXISTS booksync_clock_problem(timestamptz, text[], text, integer[], text, jsonb);
    DROP FUNCTION IF EXISTS booksync_local_time(timestamptz, text);
"""

#: Tables of these names without booksync's columns belong to another application.
_FOREIGN: Final = """
    SELECT name FROM (VALUES
        ('handover_outcomes', '{handover_id,reminder_id,phone_text,outcome,until,note,reported_at}'::text[]),
        ('do_not_call', '{user_id,phone,note,added_at}')
    ) AS wanted (name, columns)
    WHERE to_regclass(name) IS NOT NULL AND NOT columns <@ ARRAY(
        SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass(name) AND attnum > 0 AND NOT attisdropped
    )
"""

#: This query returns a row if `add` has begun to change the schema.
BEGUN: Final = "SELECT WHERE to_regclass('handover_outcomes') IS NOT NULL"


def add(connection: Raw) -> None:
    """Add the columns, tables and functions of the handover, where they are missing.

    Raises:
        MigrationRefusedError: another application has a table of the same name.
    """
    if foreign := _foreign(connection):
        raise MigrationRefusedError(
            f"The table {foreign[0]} is there, but it is not booksync's: rename it, or put it in another schema"
        )
    is_new = connection.execute(BEGUN).fetchone() is None
    for table, columns in _COLUMNS.items():
        add_columns(connection, table, columns)
    if is_new:
        everywhere = "true" if os.environ.get("REMINDER_WEBHOOK_URL", "").strip() else "false"
        at_length(connection, _LEAVE_OPEN.format(everywhere=everywhere))
    briefly(connection, with_user_id_type(connection, _TABLES))
    for name, definition in _INDEXES.items():
        build_index(connection, name, definition)
    briefly(connection, with_user_id_type(connection, (SQL / "0010_reminder_functions.sql").read_text()))


def remove(connection: Raw) -> None:
    """Remove what `add` made, and restore the previous functions."""
    briefly(connection, with_user_id_type(connection, _FUNCTIONS_END + (SQL / "hand_over.sql").read_text()))
    for name in _INDEXES:
        drop_index(connection, name)
    foreign = _foreign(connection)
    for table in ("do_not_call", "handover_outcomes"):
        if table not in foreign:
            briefly(connection, f"DROP TABLE IF EXISTS {table}")
    for table, columns in _COLUMNS.items():
        drop_columns(connection, table, columns)


def _foreign(connection: Raw) -> list[str]:
    return [str(name) for (name,) in connection.execute(_FOREIGN)]
