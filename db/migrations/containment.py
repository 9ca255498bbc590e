"""The schema for five protections: webhook secrets, key canary, failed records, held deletions, weaker row locks.

Two revisions apply this schema, one at the end of phase 2, one at the end of phase 3. The module `handover` gives the
reason. Every statement can be repeated.
"""

from typing import Final

from db.migrations.errors import MigrationRefusedError
from db.migrations.steps import Raw, at_length, briefly

_COLUMNS: Final = {
    "zoho_connections": (
        "oauth_failing_since timestamptz",
        "oauth_throttled_since timestamptz",
        "webhook_secret_previous_encrypted text",
        "webhook_secret_rotated_at timestamptz",
        "webhooks_refused integer NOT NULL DEFAULT 0",
        "webhooks_refused_since timestamptz",
        "webhooks_refused_last_at timestamptz",
    ),
    "api_use": ("probed_at timestamptz",),
}

_TABLES: Final = {
    "key_canary": """
        CREATE TABLE IF NOT EXISTS key_canary (
            id bigint NOT NULL DEFAULT 1,
            ciphertext text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk_key_canary PRIMARY KEY (id),
            CONSTRAINT ck_key_canary_single CHECK (id = 1)
        )
    """,
    "failed_records": """
        CREATE TABLE IF NOT EXISTS failed_records (
            run_id uuid NOT NULL,
            kind text NOT NULL,
            record_id text NOT NULL,
            attempts integer NOT NULL DEFAULT 0,
            is_rejected boolean NOT NULL DEFAULT false,
            reason text NOT NULL,
            failed_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk_failed_records PRIMARY KEY (run_id, kind, record_id),
            CONSTRAINT fk_failed_records_run_id_sync_runs
                FOREIGN KEY (run_id) REFERENCES sync_runs (id) ON DELETE CASCADE
        )
    """,
    "held_deletions": """
        CREATE TABLE IF NOT EXISTS held_deletions (
            connection_id uuid NOT NULL,
            kind text NOT NULL,
            record_id text NOT NULL,
            evidence text NOT NULL,
            found_at timestamptz NOT NULL DEFAULT now(),
            dismissed_at timestamptz,
            CONSTRAINT pk_held_deletions PRIMARY KEY (connection_id, kind, record_id),
            CONSTRAINT fk_held_deletions_connection_id_zoho_connections
                FOREIGN KEY (connection_id) REFERENCES zoho_connections (id)
        )
    """,
}

#: A timestamp ahead of the present would make every later reading look older than the row. Both timestamps of such a
#: row are cleared, so that the next run writes the row again.
_UNFREEZE: Final = """
    UPDATE {table} SET zoho_last_modified_at = NULL, observed_at = NULL
     WHERE greatest(zoho_last_modified_at, observed_at) > now() + interval '1 day'
"""

#: Stores the older application's timestamps that `_UNFREEZE` clears; they are restored when phase 2 is undone.
_KEEP_STAMPS: Final = """
    CREATE TABLE IF NOT EXISTS migration_stamps (
        invoice_id uuid NOT NULL,
        zoho_last_modified_at timestamptz NOT NULL,
        CONSTRAINT pk_migration_stamps PRIMARY KEY (invoice_id)
    );
    INSERT INTO migration_stamps (invoice_id, zoho_last_modified_at)
    SELECT id, zoho_last_modified_at FROM invoices_cache
    WHERE observed_at IS NULL AND zoho_last_modified_at > now() + interval '1 day'
    ON CONFLICT (invoice_id) DO NOTHING
"""
_RESTORE_STAMPS: Final = """
    UPDATE invoices_cache AS invoice SET zoho_last_modified_at = stamp.zoho_last_modified_at
    FROM migration_stamps AS stamp
    WHERE stamp.invoice_id = invoice.id AND invoice.zoho_last_modified_at IS NULL;
    DROP TABLE migration_stamps
"""

#: FOR UPDATE conflicts with the check of every foreign key: an application that inserted reminders of an invoice could
#: wait for the outcome of a call, and the two could deadlock. A replaced function keeps its owner, its grants and its
#: pinned search_path, because pg_get_functiondef writes the whole definition.
_REPLACE_LOCKS: Final = """
    DO $replace$ DECLARE definition text; BEGIN
        FOR definition IN
            SELECT replace(pg_get_functiondef(routine.oid), 'FOR {old} OF ', 'FOR {new} OF ')
            FROM unnest(ARRAY[
                to_regprocedure('claim_due_reminders(integer, uuid, timestamptz)'),
                to_regprocedure('report_outcome(uuid, text, uuid, date, text)')
            ]) AS routine (oid)
            WHERE position('FOR {old} OF ' IN pg_get_functiondef(routine.oid)) > 0
        LOOP
            EXECUTE definition;
        END LOOP;
    END $replace$
"""
_WEAKER: Final = {"old": "UPDATE", "new": "NO KEY UPDATE"}
_STRONGER: Final = {"old": "NO KEY UPDATE", "new": "UPDATE"}

#: A table of one of these names that lacks booksync's columns belongs to another application.
_FOREIGN: Final = """
    SELECT WHERE to_regclass('key_canary') IS NOT NULL
        AND NOT '{id,ciphertext,created_at}'::text[] <@ ARRAY(
            SELECT attname::text FROM pg_attribute
            WHERE attrelid = to_regclass('key_canary') AND attnum > 0 AND NOT attisdropped
        )
    UNION ALL
    SELECT WHERE to_regclass('failed_records') IS NOT NULL
        AND NOT '{run_id,kind,record_id,attempts,is_rejected}'::text[] <@ ARRAY(
            SELECT attname::text FROM pg_attribute
            WHERE attrelid = to_regclass('failed_records') AND attnum > 0 AND NOT attisdropped
        )
    UNION ALL
    SELECT WHERE to_regclass('held_deletions') IS NOT NULL
        AND NOT '{connection_id,kind,record_id,evidence}'::text[] <@ ARRAY(
            SELECT attname::text FROM pg_attribute
            WHERE attrelid = to_regclass('held_deletions') AND attnum > 0 AND NOT attisdropped
        )
"""

#: This query returns a row if `add` has begun to change the schema.
BEGUN: Final = "SELECT WHERE to_regclass('key_canary') IS NOT NULL"


def add(connection: Raw) -> None:
    """Add the columns and tables of this schema where they are missing, and let the functions lock rows more weakly.

    `numbers.add` must run first.

    Raises:
        MigrationRefusedError: another application has a table of the same name.
    """
    if _is_foreign(connection):
        raise MigrationRefusedError(
            "A table key_canary, failed_records or held_deletions is there, but it is not booksync's: "
            "rename it, or put it in another schema"
        )
    for table in _TABLES.values():
        briefly(connection, table)
    for table, columns in _COLUMNS.items():
        added = ", ".join(f"ADD COLUMN IF NOT EXISTS {column}" for column in columns)
        briefly(connection, f"ALTER TABLE {table} {added}")
    at_length(connection, _KEEP_STAMPS)
    for table in ("customers_cache", "invoices_cache"):
        at_length(connection, _UNFREEZE.format(table=table))
    weaken_locks(connection)


def weaken_locks(connection: Raw) -> None:
    """Let booksync's SQL functions lock rows more weakly, so that checks of foreign keys do not wait for the locks."""
    briefly(connection, _REPLACE_LOCKS.format(**_WEAKER))


def remove(connection: Raw) -> None:
    """Remove the columns and tables that `add` made, and restore the former row locks."""
    briefly(connection, _REPLACE_LOCKS.format(**_STRONGER))
    if connection.execute("SELECT WHERE to_regclass('migration_stamps') IS NOT NULL").fetchone() is not None:
        at_length(connection, _RESTORE_STAMPS)
    for table, columns in _COLUMNS.items():
        dropped = ", ".join(f"DROP COLUMN IF EXISTS {column.partition(' ')[0]}" for column in columns)
        briefly(connection, f"ALTER TABLE {table} {dropped}")
    if not _is_foreign(connection):
        briefly(connection, "DROP TABLE IF EXISTS key_canary, failed_records, held_deletions")


def _is_foreign(connection: Raw) -> bool:
    return connection.execute(_FOREIGN).fetchone() is not None
