"""Moves the tables of booksync, each in one transaction that leaves an updatable view under the former name.

The view has the table's owner and grants, because the previous release's processes read and write through it.
"""

from collections.abc import Callable, Container, Sequence
from typing import Final

from psycopg.rows import tuple_row

from db.migrations.errors import MigrationRefusedError
from db.migrations.rights import grants_of_table, owner_of_table, schema_usage
from db.migrations.schemas import SCHEMA, VERSION_TABLE, Raw
from db.migrations.steps import briefly

#: Former name of a table → its present name.
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
#: The tables that only migrations use. Such tables move together at the end, so that a migration that was killed before
#: still finds them in their former place. Only the table of the revisions gets a view.
_OF_MIGRATIONS: Final = (
    "migration_added",
    "migration_progress",
    "migration_receipt",
    "migration_stamps",
    "migration_step_texts",
    VERSION_TABLE,
)

_CUSTOMERS: Final = "customers_cache"

#: Former table → former column → present column.
_RENAMED_COLUMNS: Final = {"resyncs": {"taken_at": "leased_at"}}

#: System columns by which the previous release recognises a new row, or picks rows.
_SYSTEM_COLUMNS: Final = {"customers_cache": ("xmax",), "resyncs": ("ctid",)}

_COLUMNS: Final = """
    SELECT quote_ident(attname) FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""

#: The constraints of a table, and its other indexes, whose names contain the table's former name.
_NAMED_AFTER: Final = """
    SELECT 'CONSTRAINT' AS kind, conname AS name FROM pg_constraint
    WHERE conrelid = %(table)s::regclass AND conname LIKE '%%' || %(former)s || '%%' AND contype <> 'n'
    UNION ALL
    SELECT 'INDEX', index.relname FROM pg_index JOIN pg_class AS index ON index.oid = indexrelid
    WHERE indrelid = %(table)s::regclass AND index.relname LIKE '%%' || %(former)s || '%%'
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid)
"""


#: Views of other applications over the view of a former name. They prevent that a downgrade drops that view.
_ON_A_VIEW: Final = """
    SELECT DISTINCT user_view.oid::regclass::text FROM pg_depend
    JOIN pg_rewrite AS rule ON rule.oid = objid
    JOIN pg_class AS user_view ON user_view.oid = rule.ev_class
    WHERE classid = 'pg_rewrite'::regclass AND refclassid = 'pg_class'::regclass
        AND refobjid = to_regclass(%(view)s) AND user_view.oid <> refobjid
        AND EXISTS (SELECT FROM pg_class WHERE oid = refobjid AND relkind = 'v')
"""

#: Those of the names that a table has, and those that any object has.
_TABLES: Final = """
    SELECT name FROM unnest(%s::text[]) AS name
    WHERE EXISTS (SELECT FROM pg_class WHERE oid = to_regclass(name) AND relkind = 'r')
"""
_TAKEN: Final = "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NOT NULL"


#: Adds further statements to those that move the customers; all run in one transaction.
Around = Callable[[str], str]


def move_tables(connection: Raw, host: str, around_customers: Around) -> None:
    """Move booksync's tables to booksync's schema; the table of the revisions moves last."""
    tables = _found(connection, _TABLES, [f"{host}.{former}" for former in (*_SEEN, *_OF_MIGRATIONS)])
    for former in _SEEN:
        moved = _moved(connection, host, former, tables)
        briefly(connection, around_customers(moved) if former == _CUSTOMERS else moved)
    briefly(connection, "".join(_moved(connection, host, former, tables) for former in _OF_MIGRATIONS))


def move_tables_back(connection: Raw, host: str, around_customers: Around) -> None:
    """Move the tables back in the opposite order, so that unqualified names find them at any time."""
    tables = _found(connection, _TABLES, [_place(former) for former in (*_SEEN, *_OF_MIGRATIONS)])
    for former in reversed(_SEEN):
        moved = _moved_back(connection, host, former, tables)
        briefly(connection, around_customers(moved) if former == _CUSTOMERS else moved)
    briefly(connection, "".join(_moved_back(connection, host, former, tables) for former in _OF_MIGRATIONS))


def refuse_foreign_tables(connection: Raw, host: str) -> None:
    """Refuse the move if another application's table has the new name of one of booksync's tables.

    Raises:
        MigrationRefusedError: another application's table has the name.
    """
    if host == SCHEMA:
        return
    moving = _found(connection, _TABLES, [f"{host}.{former}" for former in (*_SEEN, *_OF_MIGRATIONS)])
    places = [_place(former) for former in (*_SEEN, *_OF_MIGRATIONS) if f"{host}.{former}" in moving]
    taken = _found(connection, _TAKEN, places)
    for place in places:
        if place in taken:
            raise MigrationRefusedError(
                f"The table {place} is there, but it is not booksync's: rename it, or put it in another schema"
            )


def refuse_dependent_views(connection: Raw, host: str) -> None:
    """Refuse to drop a view that another application's view reads.

    Raises:
        MigrationRefusedError: another application's view reads the view.
    """
    for former in (*_SEEN, VERSION_TABLE):
        dependent = connection.execute(_ON_A_VIEW, {"view": f"{host}.{former}"}).fetchone()
        if dependent is not None:
            raise MigrationRefusedError(
                f"The view {dependent[0]} reads the view {host}.{former}, which this downgrade replaces with the table:"
                f" drop {dependent[0]}, and create it again after the downgrade"
            )


def _moved(connection: Raw, host: str, former: str, tables: Container[str]) -> str:
    """The statements that move and rename a table and leave a view under its former name.

    The result is empty if the table has moved already, or does not exist.
    """
    table, name = f"{host}.{former}", RENAMED.get(former, former)
    if table not in tables:
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
        statements.append(f"CREATE VIEW {table} AS SELECT {seen} FROM {SCHEMA}.{name};")  # noqa: S608 - names
        statements.append(f"ALTER VIEW {table} OWNER TO {owner_of_table(connection, table)};")
        statements += [grant.on(table) for grant in grants]
    return "\n".join(statements) + "\n"


def _moved_back(connection: Raw, host: str, former: str, tables: Container[str]) -> str:
    """The statements that undo `_moved`; empty if the table is back, or does not exist."""
    name, place = RENAMED.get(former, former), _place(former)
    if place not in tables or place == f"{host}.{former}":
        return ""
    statements = [f"DROP VIEW IF EXISTS {host}.{former};"]
    for column, new in _RENAMED_COLUMNS.get(former, {}).items():
        statements.append(f"ALTER TABLE {place} RENAME COLUMN {new} TO {column};")
    if name != former:
        statements.append(_parts_renamed(connection, place, place, name, former))
        statements.append(f"ALTER TABLE {place} RENAME TO {former};")
    if host != SCHEMA:
        statements.append(f"ALTER TABLE {SCHEMA}.{former} SET SCHEMA {host};")
    return "\n".join(statements) + "\n"


def _parts_renamed(connection: Raw, found: str, table: str, former: str, name: str) -> str:
    """The statements that rename the constraints and indexes of a moved table after the table's new name.

    `found` is the table's name before the move, and `table` its name after it.
    """
    statements = []
    for kind, part in connection.execute(_NAMED_AFTER, {"table": found, "former": former}).fetchall():
        new = part.replace(former, name)
        if kind == "CONSTRAINT":
            statements.append(f"ALTER TABLE {table} RENAME CONSTRAINT {part} TO {new};")
        else:
            statements.append(f"ALTER INDEX {table.partition('.')[0]}.{part} RENAME TO {new};")
    return "\n".join(statements) + "\n"


def _place(former: str) -> str:
    """The name of a moved table, with its schema."""
    return f"{SCHEMA}.{RENAMED.get(former, former)}"


def _found(connection: Raw, query: str, names: Sequence[str]) -> set[str]:
    """Those of the names that `_TABLES` or `_TAKEN` finds."""
    return {str(name) for (name,) in connection.cursor(row_factory=tuple_row).execute(query, [names])}
