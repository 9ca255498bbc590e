"""Additions of the upgrades to the older application's tables, each recorded in migration_added for the downgrade.

Objects that existed before the upgrade have no record, so a downgrade keeps these objects and their values.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from psycopg import sql
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from db.migrations.errors import MigrationRefusedError
from db.migrations.shared_tables import SHARED_TABLES, STATE_COLUMNS, state_column_taken
from db.migrations.steps import Raw, at_length, patiently

TABLE: Final = "migration_added"

_CREATE: Final = f"""
    CREATE TABLE IF NOT EXISTS {TABLE} (
        name text NOT NULL,
        detail jsonb,
        added_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_{TABLE} PRIMARY KEY (name)
    )
"""

#: The name of a record that marks a database upgraded by an earlier release; `added_columns` infers the other records.
_INFERRED: Final = "(concluded from the catalogue)"

#: The columns that earlier releases added, a tuple for each ALTER TABLE, in the order of the revisions.
_EARLIER_COLUMNS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    (
        "invoices_cache",
        ("connection_id", "observed_at", "sync_hash", "plan_at", "plan_outcome", "expected_payment_date"),
    ),
    ("reminders", ("day", "closes_at", "contact_id")),
    ("sync_metadata", ("connection_id", "last_customer_sync_at", "last_full_sync_at")),
    ("invoices_cache", ("customer_id",)),
    ("reminders", ("customer_id",)),
    (
        "invoices_cache",
        (
            "ach_payment_initiated",
            "unprocessed_payment",
            "sub_status",
            "payment_reminder_enabled",
            "asked_version",
            "gone_at",
        ),
    ),
    ("invoices_cache", ("truth_checked_at",)),
)

#: Indexes that earlier releases built. They had dropped any other index with one of these names.
_EARLIER_INDEXES: Final = (
    "ix_sync_metadata_user_id",
    "ix_invoices_cache_connection_id",
    "ix_invoices_cache_plan_at",
    "ix_reminders_due",
    "ix_reminders_contact_id",
    "ix_invoices_cache_customer_id",
    "ix_reminders_customer_id",
    "ix_invoices_cache_newest_copy",
)

PHONE_REQUIRED: Final = "reminders.phone NOT NULL"


def start_notes(connection: Raw) -> None:
    """Create the empty table of recorded additions. The database has no object of booksync yet."""
    connection.execute(_CREATE)


def ensure_notes(connection: Raw) -> None:
    """Create the table of recorded additions in an earlier release's database, if it is missing.

    Its records are inferred from Postgres's catalogue of columns and indexes.
    """
    if not _is_there(connection, TABLE):
        with connection.transaction():
            _conclude_notes(connection)


def is_noted(connection: Raw, name: str) -> bool:
    """Whether an upgrade has added the object `name`: a column as "table.column", or an index by its name."""
    return name in _noted(connection)


def note(connection: Raw, name: str, detail: dict[str, Any] | None = None) -> None:
    """Record an addition to the older application's tables, with the details that its downgrade needs."""
    connection.execute(
        f"INSERT INTO {TABLE} (name, detail) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING",  # noqa: S608
        [name, None if detail is None else Jsonb(detail)],
    )


def forget(connection: Raw, name: str) -> None:
    """Delete the record of an added object that was dropped."""
    connection.execute(f"DELETE FROM {TABLE} WHERE name = %s", [name])  # noqa: S608


def detail_of(connection: Raw, name: str) -> dict[str, Any] | None:
    """The detail stored with the record of an addition; None without a record."""
    ensure_notes(connection)
    cursor = connection.cursor(row_factory=tuple_row)
    row = cursor.execute(f"SELECT detail FROM {TABLE} WHERE name = %s", [name]).fetchone()  # noqa: S608
    return row[0] if row else None


def add_columns(connection: Raw, table: str, columns: Sequence[str]) -> None:
    """Add those of these columns that are missing, and record the additions.

    `columns` are definitions: "plan_at timestamptz". Columns of booksync's own tables get no record.

    Raises:
        MigrationRefusedError: the older application has a column with the name of one of booksync's state columns.
    """
    if table not in SHARED_TABLES:
        _alter(connection, table, [f"ADD COLUMN IF NOT EXISTS {column}" for column in columns])
        return
    ensure_notes(connection)
    _refuse_state_columns(connection)

    def add() -> None:
        with connection.transaction():
            connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(table)))
            there = columns_of(connection, table)
            missing = [column for column in columns if _name(column) not in there]
            if missing:
                _alter_now(connection, table, [f"ADD COLUMN IF NOT EXISTS {column}" for column in missing])
            for column in missing:
                note(connection, f"{table}.{_name(column)}")

    patiently(add)


def drop_columns(connection: Raw, table: str, columns: Sequence[str], *, constraints: Sequence[str] = ()) -> None:
    """Drop the columns that an upgrade added to a table, and booksync's constraints on the other columns."""
    dropped = [f"DROP CONSTRAINT IF EXISTS {name}" for name in constraints]
    if table not in SHARED_TABLES:
        _alter(connection, table, dropped + [f"DROP COLUMN IF EXISTS {_name(column)}" for column in columns])
        return
    noted = _noted(connection)
    ours = [_name(column) for column in columns if f"{table}.{_name(column)}" in noted]
    actions = dropped + [f"DROP COLUMN IF EXISTS {column}" for column in ours]

    def drop() -> None:
        with connection.transaction():
            if actions:
                _alter_now(connection, table, actions)
            for column in ours:
                forget(connection, f"{table}.{column}")

    patiently(drop)


def build_index(connection: Raw, name: str, definition: str, *, unique: bool = False) -> None:
    """Build an index while the table is in use.

    If the older application has an index of this name, that index is kept. Adoption has checked that the two
    definitions are equal.
    """
    _build_index(connection, name, definition, _noted(connection), unique=unique)


def drop_index(connection: Raw, name: str) -> None:
    """Drop an index that an upgrade built, while its table is in use."""
    drop_indexes(connection, [name])


def build_indexes(connection: Raw, definitions: Mapping[str, str]) -> None:
    """Build the indexes, given by name, while the tables are in use."""
    noted = _noted(connection)
    for name, definition in definitions.items():
        _build_index(connection, name, " ".join(definition.split()), noted)


def drop_indexes(connection: Raw, names: Iterable[str]) -> None:
    """Drop those of these indexes that an upgrade built, the last one first, while their tables are in use."""
    noted = _noted(connection)
    for name in reversed(tuple(names)):
        if name in noted:
            at_length(connection, f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            forget(connection, name)


def columns_of(connection: Raw, table: str) -> dict[str, int]:
    """The columns of a table with their numbers in Postgres; a column that was added later has a greater number."""
    rows = connection.cursor(row_factory=tuple_row).execute(
        """
        SELECT attname::text, attnum FROM pg_attribute
        WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
        """,
        [table],
    )
    return {str(name): int(number) for name, number in rows}


def added_columns(tables: Mapping[str, Mapping[str, int]]) -> Iterator[tuple[str, str]]:
    """The columns that an earlier release added, as (table, column), inferred from the numbers of `columns_of`.

    An ALTER TABLE gives its new columns consecutive numbers in the order of the statement, after all existing columns.
    A column whose number does not fit into this sequence is regarded as the older application's. The columns of one
    revision are either all present or all absent.
    """
    latest = dict.fromkeys(tables, 0)
    for table, batch in _EARLIER_COLUMNS:
        numbers = tables.get(table, {})
        if not all(column in numbers for column in batch):
            continue
        last = max(batch, key=lambda column: numbers[column])
        run = [last]
        for column in reversed(batch[: batch.index(last)]):
            if numbers[column] == numbers[run[-1]] - 1:
                run.append(column)
        if numbers[run[-1]] > latest[table]:
            latest[table] = numbers[last]
            yield from ((table, column) for column in run)


def _conclude_notes(connection: Raw) -> None:
    connection.execute(_CREATE)
    note(connection, _INFERRED)
    for table, column in added_columns({table: columns_of(connection, table) for table in SHARED_TABLES}):
        note(connection, f"{table}.{column}")
    for name in _EARLIER_INDEXES:
        if _is_there(connection, name):
            note(connection, name)
    # Phase 3 of an earlier release made both columns NOT NULL.
    required = connection.execute("""
        SELECT FROM pg_attribute WHERE attrelid = 'reminders'::regclass AND attnotnull
            AND attname IN ('customer_id', 'phone') HAVING count(*) = 2
    """)
    if required.fetchone() is not None:
        note(connection, PHONE_REQUIRED)


def _refuse_state_columns(connection: Raw) -> None:
    # Each step checks the columns of all revisions, because a later step could refuse only after rows had been changed.
    noted = _noted(connection)
    if _INFERRED in noted:
        return
    taken = [
        state_column_taken(table, column)
        for table, columns in STATE_COLUMNS.items()
        for there in [columns_of(connection, table)]
        for column in columns
        if column in there and f"{table}.{column}" not in noted
    ]
    if taken:
        raise MigrationRefusedError("; ".join(taken))


def _noted(connection: Raw) -> set[str]:
    """The names of all recorded additions."""
    ensure_notes(connection)
    rows = connection.cursor(row_factory=tuple_row).execute(f"SELECT name FROM {TABLE}")  # noqa: S608
    return {str(name) for (name,) in rows}


def _build_index(connection: Raw, name: str, definition: str, noted: Container[str], *, unique: bool = False) -> None:
    build = f"CREATE {'UNIQUE ' if unique else ''}INDEX CONCURRENTLY IF NOT EXISTS {name} ON {definition}"
    if name in noted:
        # The index is built again, because its first build may have been interrupted.
        at_length(connection, f"DROP INDEX CONCURRENTLY IF EXISTS {name}", build)
    elif not _is_there(connection, name):
        # The record is written first, so that an index whose build was interrupted is known to belong to booksync.
        note(connection, name)
        at_length(connection, build)


def _is_there(connection: Raw, name: str) -> bool:
    return connection.execute("SELECT WHERE to_regclass(%s) IS NOT NULL", [name]).fetchone() is not None


def _alter(connection: Raw, table: str, actions: Sequence[str]) -> None:
    patiently(lambda: _alter_now(connection, table, actions))


def _alter_now(connection: Raw, table: str, actions: Sequence[str]) -> None:
    connection.execute(f"ALTER TABLE {table} {', '.join(actions)}", prepare=False)


def _name(column: str) -> str:
    return column.partition(" ")[0]
