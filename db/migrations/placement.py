"""The move of booksync's tables to the schema `booksync`. Only the four shared tables stay in the host's schema.

After the move, an ORM of the host application proposes no change to booksync's tables, and one GRANT can name the whole
schema. Each table moves in its own short transaction. The transaction leaves an updatable view under the former name
with the table's grants, because the previous release's processes read and write through the view. The views and the
functions with former names stay for one release. Every statement can be repeated.
"""

from typing import Any, Final

from db.migrations.additions import add_columns, build_index, drop_columns, drop_index, forget, is_noted, note
from db.migrations.batches import BATCH, over_keys
from db.migrations.errors import MigrationRefusedError
from db.migrations.moved_functions import move_functions, move_functions_back
from db.migrations.moved_tables import (
    Around,
    move_tables,
    move_tables_back,
    refuse_dependent_views,
    refuse_foreign_tables,
)
from db.migrations.rights import owner_of_table
from db.migrations.schemas import SCHEMA, VERSION_TABLE, Raw, host_schema, use_schemas
from db.migrations.steps import at_length, briefly
from db.migrations.tables import make_table

#: The name of the record about a schema that a migration has created.
_CREATED: Final = f"SCHEMA {SCHEMA}"

#: This query returns a row if `move` has begun, or if `undo` is not complete.
BEGUN: Final = """
    SELECT FROM pg_attribute
    WHERE attrelid = to_regclass('reminders') AND attname = 'handover_id' AND NOT attisdropped
"""
#: This query returns a row if no object is in the schema.
_IS_EMPTY: Final = """
    SELECT WHERE NOT EXISTS (
        SELECT FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass AND refobjid = to_regnamespace(%s)
    )
"""


def move(connection: Raw, *, around_customers: Around = str) -> None:
    """Move the tables and functions to the schema `booksync`, and leave views and functions under the former names.

    `around_customers` gets the statements that move the customers' table, and returns them with further statements.

    Raises:
        MigrationRefusedError: the schema cannot be created, or has another application's table of such a name.
    """
    host = host_schema(connection)
    refuse_foreign_tables(connection, host)
    _make_schema(connection)
    add_columns(connection, "reminders", ["handover_id uuid"])
    move_tables(connection, host, around_customers)
    use_schemas(connection)
    _fill_handover_ids(connection)
    move_functions(connection, host)
    # Copies handovers that were claimed before the functions were replaced.
    _fill_handover_ids(connection)
    _refer_to_handovers(connection)
    _make_watermarks(connection)
    _make_staged_pages(connection)


def undo(connection: Raw, *, around_customers: Around = str) -> None:
    """Restore the functions under the former names, then move the tables back to the host's schema.

    Raises:
        MigrationRefusedError: another application's view reads one of the views that are dropped.
    """
    host = host_schema(connection)
    refuse_dependent_views(connection, host)
    briefly(connection, f"DROP TABLE IF EXISTS {SCHEMA}.entity_watermarks, {SCHEMA}.staged_pages")
    move_functions_back(connection, host)
    move_tables_back(connection, host, around_customers)
    use_schemas(connection)
    briefly(connection, "ALTER TABLE reminders DROP CONSTRAINT IF EXISTS fk_reminders_handover_id")
    drop_index(connection, "ix_reminders_handover_id")
    drop_columns(connection, "reminders", ["handover_id"])


def is_begun(connection: Raw) -> bool:
    """Whether the move of the tables to booksync's schema has begun.

    If it has begun, earlier revisions can no longer change these tables.
    """
    return connection.execute(BEGUN).fetchone() is not None


def drop_schema(connection: Raw) -> None:
    """Drop booksync's schema after `undo`. A schema that no migration has created, or that is not empty, stays."""
    if is_noted(connection, _CREATED) and connection.execute(_IS_EMPTY, [SCHEMA]).fetchone() is not None:
        briefly(connection, f"DROP SCHEMA IF EXISTS {SCHEMA}")
        forget(connection, _CREATED)


def _make_schema(connection: Raw) -> None:
    has = "SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = %s"
    if (may_create_tables := connection.execute(has, [SCHEMA]).fetchone()) is not None:
        if may_create_tables != (True,):
            raise MigrationRefusedError(
                f"booksync's tables move to the schema {SCHEMA}, and this role may not create tables there: run `GRANT"
                f" USAGE, CREATE ON SCHEMA {SCHEMA} TO` with this role's name as the schema's owner, then migrate again"
            )
        return
    if connection.execute("SELECT has_database_privilege(current_database(), 'CREATE')").fetchone() != (True,):
        raise MigrationRefusedError(
            "booksync's tables move to a schema of their own, and this role may not create one: run `CREATE SCHEMA"
            f" {SCHEMA} AUTHORIZATION` with this role's name as an administrator of the database, then migrate again"
        )
    # The record is written first, so that a schema whose creation was interrupted is known to belong to booksync.
    note(connection, _CREATED)
    # The schema belongs to the role that has made the earlier migrations, even if a superuser migrates now, because
    # that role makes the later ones.
    briefly(connection, f"CREATE SCHEMA {SCHEMA} AUTHORIZATION {owner_of_table(connection, VERSION_TABLE)}")


def _make_watermarks(connection: Raw) -> None:
    """Create the table `entity_watermarks`, for entities other than customers and invoices."""
    columns = f"""
        connection_id uuid NOT NULL
            CONSTRAINT fk_entity_watermarks_connection_id REFERENCES {SCHEMA}.zoho_connections (id),
        entity text NOT NULL,
        synced_at timestamptz NOT NULL,
        updated_at timestamptz DEFAULT now() NOT NULL,
        CONSTRAINT pk_entity_watermarks PRIMARY KEY (connection_id, entity)
    """
    make_table(connection, "entity_watermarks", columns, like="zoho_connections")


def _make_staged_pages(connection: Raw) -> None:
    """Create the table `staged_pages`."""
    columns = f"""
        run_id uuid NOT NULL
            CONSTRAINT fk_staged_pages_run_id_sync_runs REFERENCES {SCHEMA}.sync_runs (id) ON DELETE CASCADE,
        entity text NOT NULL,
        number integer NOT NULL,
        content bytea,
        server_time timestamptz,
        received_at timestamptz,
        CONSTRAINT pk_staged_pages PRIMARY KEY (run_id, entity, number)
    """
    make_table(connection, "staged_pages", columns, like="staged_contacts")


def _fill_handover_ids(connection: Raw) -> None:
    """Copy `contact_id`, the former name of the column, to `handover_id` in small batches."""

    def next_batch(after: Any) -> tuple[int, Any]:
        rows = connection.execute(
            """
            WITH batch AS (
                SELECT DISTINCT contact_id FROM reminders
                WHERE contact_id IS NOT NULL AND (%(after)s::uuid IS NULL OR contact_id > %(after)s)
                ORDER BY contact_id LIMIT %(limit)s
            ), filled AS (
                UPDATE reminders SET handover_id = reminders.contact_id FROM batch
                WHERE reminders.contact_id = batch.contact_id AND reminders.handover_id IS NULL
            )
            SELECT contact_id::text FROM batch ORDER BY contact_id
            """,
            {"after": after, "limit": BATCH},
        ).fetchall()
        return len(rows), rows[-1][0] if rows else None

    over_keys(connection, "reminders: handovers", next_batch)


def _refer_to_handovers(connection: Raw) -> None:
    briefly(
        connection,
        f"""
        ALTER TABLE reminders DROP CONSTRAINT IF EXISTS fk_reminders_handover_id;
        ALTER TABLE reminders ADD CONSTRAINT fk_reminders_handover_id
            FOREIGN KEY (handover_id) REFERENCES {SCHEMA}.handovers (id) NOT VALID
        """,
    )
    at_length(connection, "ALTER TABLE reminders VALIDATE CONSTRAINT fk_reminders_handover_id")
    build_index(connection, "ix_reminders_handover_id", "reminders (handover_id) WHERE handover_id IS NOT NULL")
