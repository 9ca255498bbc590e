"""The move of booksync's tables to the schema `booksync`. Only the four shared tables stay in the host's schema.

An ORM of the host application then proposes no change to booksync's tables, and a GRANT names one schema. Each table
moves in its own short transaction, which leaves an updatable view under the former name with the table's grants: the
previous release's processes read and write through it. The views and the functions of the former names stay for one
release. Every statement can be repeated.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from db.migrations import containment
from db.migrations.additions import add_columns, build_index, drop_columns, drop_index
from db.migrations.batches import BATCH, over_keys
from db.migrations.errors import MigrationRefusedError
from db.migrations.rights import grants_of_table, owner_of_table, rights_of_function, schema_usage
from db.migrations.schemas import SCHEMA, VERSION_TABLE, Raw, host_schema, use_schemas, user_id_type
from db.migrations.steps import at_length, briefly

_ROOT: Final = Path(__file__).resolve().parents[2]

#: Former name → present name.
RENAMED: Final = {
    "reminder_contacts": "handovers",
    "resyncs": "refreshes",
    "set_aside_records": "rejected_records",
    "skipped_invoices": "waiting_invoices",
}

#: The tables that the previous release's processes use, by their former names.
_SEEN: Final = (
    "api_use",
    "customers_cache",
    "dead_letters",
    "do_not_call",
    "failed_records",
    "handover_outcomes",
    "held_deletions",
    "key_canary",
    "phone_confirmations",
    "reminder_contacts",
    "reminder_policies",
    "resyncs",
    "scheduler_marks",
    "seen_records",
    "set_aside_records",
    "skipped_invoices",
    "staged_contacts",
    "staged_persons",
    "sync_runs",
    "webhook_events",
    "zoho_connections",
)
#: The tables that only migrations use. They move together at the end, because a migration that was killed before
#: finds them where it has left them. Only the table of the revisions gets a view.
_OF_MIGRATIONS: Final = (
    "migration_added",
    "migration_progress",
    "migration_receipt",
    "migration_stamps",
    "migration_step_texts",
    VERSION_TABLE,
)

#: Former table → former column → present column.
_RENAMED_COLUMNS: Final = {"resyncs": {"taken_at": "leased_at"}}

#: System columns by which the previous release recognises a new row, or picks rows.
_SYSTEM_COLUMNS: Final = {"customers_cache": ("xmax",), "resyncs": ("ctid",)}

_COLUMNS: Final = """
    SELECT quote_ident(attname) FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""

#: Indexes that belong to no constraint, and constraints, named after the former name of their table.
_NAMED_AFTER: Final = """
    SELECT 'CONSTRAINT' AS kind, conname AS name FROM pg_constraint
    WHERE conrelid = %(table)s::regclass AND conname LIKE '%%' || %(former)s || '%%' AND contype <> 'n'
    UNION ALL
    SELECT 'INDEX', index.relname FROM pg_index JOIN pg_class AS index ON index.oid = indexrelid
    WHERE indrelid = %(table)s::regclass AND index.relname LIKE '%%' || %(former)s || '%%'
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid)
"""

#: The functions that other applications call, by name.
_PUBLIC: Final = (
    "claim_due_reminders(integer, uuid, timestamptz)",
    "due_reminders(timestamptz)",
    "reminder_checks(timestamptz)",
    "report_outcome(uuid, text, uuid, date, text)",
)
_PRIVATE: Final = (
    "clock_problem(timestamptz, text[], text, integer[], text, jsonb)",
    "is_shared({{user_id}}, text, integer)",
    "local_time(timestamptz, text)",
)
_FORMER_PRIVATE: Final = (
    "booksync_clock_problem(timestamptz, text[], text, integer[], text, jsonb)",
    "booksync_is_shared({{user_id}}, text, integer)",
    "booksync_local_time(timestamptz, text)",
)

_FORMER_FUNCTIONS: Final = ("0010_reminder_functions.sql", "0011_number_checks.sql")

#: This query returns a row if `move` has begun.
BEGUN: Final = f"""
    SELECT WHERE EXISTS (
        SELECT FROM unnest(ARRAY['{"', '".join(RENAMED.values())}']) AS name
        WHERE to_regclass('{SCHEMA}.' || name) IS NOT NULL
    )
"""  # noqa: S608 - made of constants


def move(connection: Raw) -> None:
    """Move the tables and functions to the schema `booksync`, and leave views and functions of the former names.

    Raises:
        MigrationRefusedError: the schema cannot be created, or has another application's table of such a name.
    """
    host = host_schema(connection)
    _make_schema(connection)
    _refuse_foreign(connection, host)
    if _is_there(connection, f"{host}.{VERSION_TABLE}") and not _is_there(connection, f"{SCHEMA}.{VERSION_TABLE}"):
        add_columns(connection, "reminders", ["handover_id uuid"])
        for former in _SEEN:
            briefly(connection, _moved(connection, host, former))
        briefly(connection, "".join(_moved(connection, host, former) for former in _OF_MIGRATIONS))
        use_schemas(connection)
    _fill_handover_ids(connection)
    _move_functions(connection, host)
    # Handovers that were claimed before the functions were replaced.
    _fill_handover_ids(connection)
    _refer_to_handovers(connection)


def undo(connection: Raw) -> None:
    """Move the tables and functions back to the host's schema, and restore the former names."""
    host = host_schema(connection)
    if _is_there(connection, f"{SCHEMA}.{VERSION_TABLE}"):
        briefly(connection, "".join(_moved_back(connection, host, former) for former in _OF_MIGRATIONS))
        use_schemas(connection)
    for former in _SEEN:
        briefly(connection, _moved_back(connection, host, former))
    _move_functions_back(connection, host)
    briefly(connection, "ALTER TABLE reminders DROP CONSTRAINT IF EXISTS fk_reminders_handover_id")
    drop_index(connection, "ix_reminders_handover_id")
    drop_columns(connection, "reminders", ["handover_id"])


def _make_schema(connection: Raw) -> None:
    if connection.execute("SELECT FROM pg_namespace WHERE nspname = %s", [SCHEMA]).fetchone() is not None:
        return
    allowed = connection.execute("SELECT has_database_privilege(current_database(), 'CREATE')").fetchone()
    if allowed != (True,):
        raise MigrationRefusedError(
            "booksync's tables move to a schema of their own, and this role may not create one: run `CREATE SCHEMA"
            f" {SCHEMA} AUTHORIZATION` with this role's name as an administrator of the database, then migrate again"
        )
    briefly(connection, f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")


def _refuse_foreign(connection: Raw, host: str) -> None:
    """Refuse another application's table in the way: a table that has not moved yet must have a free place.

    Raises:
        MigrationRefusedError: such a table is there.
    """
    for former in (*_SEEN, *_OF_MIGRATIONS):
        place = f"{SCHEMA}.{RENAMED.get(former, former)}"
        if host != SCHEMA and _is_table(connection, f"{host}.{former}") and _is_there(connection, place):
            raise MigrationRefusedError(
                f"The table {place} is there, but it is not booksync's: rename it, or put it in another schema"
            )


def _moved(connection: Raw, host: str, former: str) -> str:
    """The statements that move a table, rename it and leave a view; empty if it has moved, or does not exist."""
    table, name = f"{host}.{former}", RENAMED.get(former, former)
    if not _is_table(connection, table):
        return ""
    grants = grants_of_table(connection, table)
    columns = [row[0] for row in connection.execute(_COLUMNS, [table])]
    renamed = _RENAMED_COLUMNS.get(former, {})
    shown = [f"{renamed[column]} AS {column}" if column in renamed else column for column in columns]
    statements = [schema_usage(grants)]
    if host != SCHEMA:
        statements.append(f"ALTER TABLE {table} SET SCHEMA {SCHEMA};")
    if name != former:
        statements.append(f"ALTER TABLE {SCHEMA}.{former} RENAME TO {name};")
        statements.append(_parts_renamed(connection, table, f"{SCHEMA}.{name}", former, name))
    for column, new in renamed.items():
        statements.append(f"ALTER TABLE {SCHEMA}.{name} RENAME COLUMN {column} TO {new};")
    is_seen = former in _SEEN or former == VERSION_TABLE
    if is_seen and f"{SCHEMA}.{name}" != table:
        seen = ", ".join((*_SYSTEM_COLUMNS.get(former, ()), *shown))
        statements.append(f"CREATE VIEW {table} AS SELECT {seen} FROM {SCHEMA}.{name};")
        statements.append(f"ALTER VIEW {table} OWNER TO {owner_of_table(connection, table)};")
        statements += [grant.on(table) for grant in grants]
    return "".join(statements)


def _moved_back(connection: Raw, host: str, former: str) -> str:
    """The statements that undo `_moved`; empty if the table is back, or does not exist."""
    name = RENAMED.get(former, former)
    place = f"{SCHEMA}.{name}"
    if not _is_table(connection, place) or place == f"{host}.{former}":
        return ""
    statements = [f"DROP VIEW IF EXISTS {host}.{former};"]
    for column, new in _RENAMED_COLUMNS.get(former, {}).items():
        statements.append(f"ALTER TABLE {place} RENAME COLUMN {new} TO {column};")
    if name != former:
        statements.append(_parts_renamed(connection, place, place, name, former))
        statements.append(f"ALTER TABLE {place} RENAME TO {former};")
    if host != SCHEMA:
        statements.append(f"ALTER TABLE {SCHEMA}.{former} SET SCHEMA {host};")
    return "".join(statements)


def _parts_renamed(connection: Raw, found: str, table: str, former: str, name: str) -> str:
    """The statements that rename the constraints and indexes of the table `found` after it has become `table`."""
    statements = []
    for kind, part in connection.execute(_NAMED_AFTER, {"table": found, "former": former}).fetchall():
        new = part.replace(former, name)
        if kind == "CONSTRAINT":
            statements.append(f"ALTER TABLE {table} RENAME CONSTRAINT {part} TO {new};")
        else:
            statements.append(f"ALTER INDEX {table.partition('.')[0]}.{part} RENAME TO {new};")
    return "".join(statements)


def _fill_handover_ids(connection: Raw) -> None:
    """Copy `contact_id`, the former name, to `handover_id` in small batches."""

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


def _move_functions(connection: Raw, host: str) -> None:
    """Install the functions in booksync's schema; the former names call them, with the rights that they had."""
    known_rights = {
        signature: rights_of_function(connection, f"{SCHEMA}.{signature}")
        or rights_of_function(connection, f"{host}.{signature}")
        for signature in _PUBLIC
    }
    statements = [
        f"DROP FUNCTION IF EXISTS {host}.{signature};" for signature in (*_PUBLIC, *_typed(connection, _FORMER_PRIVATE))
    ]
    statements.append(_template("0007d_handover.sql", host, connection))
    if host != SCHEMA:
        statements.append(_template("0007d_former_names.sql", host, connection))
    for signature, known in known_rights.items():
        if known is not None:
            statements.append(schema_usage(grant for grant in known.grants if grant.grantee != "PUBLIC"))
            statements += [known.on(f"{place}.{signature}") for place in sorted({SCHEMA, host})]
    briefly(connection, "".join(statements))


def _move_functions_back(connection: Raw, host: str) -> None:
    """Restore the previous release's functions in the host's schema."""
    rights = {signature: rights_of_function(connection, f"{host}.{signature}") for signature in _PUBLIC}
    statements = [
        f"DROP FUNCTION IF EXISTS {place}.{signature};" for place in sorted({SCHEMA, host}) for signature in _PUBLIC
    ]
    statements += [f"DROP FUNCTION IF EXISTS {SCHEMA}.{signature};" for signature in _typed(connection, _PRIVATE)]
    statements += [(_ROOT / "alembic" / "sql" / name).read_text() for name in _FORMER_FUNCTIONS]
    statements += [known.on(f"{host}.{signature}") for signature, known in rights.items() if known is not None]
    briefly(connection, "".join(statements))
    containment.weaken_locks(connection)


def _typed(connection: Raw, signatures: Sequence[str]) -> list[str]:
    return [signature.replace("{{user_id}}", user_id_type(connection)) for signature in signatures]


def _template(name: str, host: str, connection: Raw) -> str:
    statements = (_ROOT / "db" / "functions" / name).read_text()
    return statements.replace("{{host}}", host).replace("{{user_id}}", user_id_type(connection))


def _is_there(connection: Raw, name: str) -> bool:
    return connection.execute("SELECT WHERE to_regclass(%s) IS NOT NULL", [name]).fetchone() is not None


def _is_table(connection: Raw, name: str) -> bool:
    found = "SELECT FROM pg_class WHERE oid = to_regclass(%s) AND relkind = 'r'"
    return connection.execute(found, [name]).fetchone() is not None
