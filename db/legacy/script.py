"""The statements of an adoption, in order, with the lock and the cost of each; as a script that psql runs as it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from psycopg import sql

from db.legacy import bridge, counterparts
from db.legacy.found import unique_index
from db.legacy.found_table import FoundTable
from db.migrations.schemas import Raw, host_schema

_AT_ONCE: Final = "changes the catalogue only, however big the table is"
_LONGEST_WAIT: Final = "2s"


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement, or several that must be one transaction."""

    sql: str
    purpose: str
    lock: str
    cost: str
    is_long: bool = False  #: takes time in proportion to the table, and blocks neither reads nor writes
    is_transaction: bool = False  #: several statements that are one transaction


def statements(connection: Raw, tables: Sequence[FoundTable]) -> Iterator[Statement]:
    """The statements that prepare the tables for booksync. Each can be repeated by planning the adoption again."""
    # Columns change before the views are created: a view must not show a column whose type changes.
    for table in tables:
        yield from _loosened(connection, table)
    if any(table.has_view for table in tables):
        yield _reshaped(connection, tables)
    for table in tables:
        yield from _filled(connection, table)
        yield from _with_defaults(connection, table)
        yield from _with_keys(connection, table)


def script(connection: Raw, tables: Sequence[FoundTable]) -> str:
    """The statements as a script for psql, with comments."""
    parts = [
        "-- Prepares this database for booksync. Run it with psql, outside of a transaction, as the tables' owner.",
        f"-- Each wait for a lock ends after {_LONGEST_WAIT}, so that the application never waits longer. If a",
        "-- statement fails, print the script again: it then has only what is left.",
        "\\set ON_ERROR_STOP on",
        f"SET search_path = {host_schema(connection)};",
        f"SET lock_timeout = '{_LONGEST_WAIT}';",
        "SET client_min_messages = warning;",
    ]
    for number, each in enumerate(statements(connection, tables), start=1):
        ended = each.sql.rstrip("; \n") + ";"
        parts += [
            "",
            f"-- {number}. {each.purpose}",
            f"--    Lock: {each.lock}. Cost: {each.cost}.",
            f"BEGIN;\n{ended}\nCOMMIT;" if each.is_transaction else ended,
        ]
    return "\n".join([*parts, "", "-- Next: booksync migrate --adopt", ""])


def _loosened(connection: Raw, table: FoundTable) -> Iterator[Statement]:
    for each in table.loosenings:
        action = f"ALTER COLUMN {_quoted(connection, each.column)} {each.action}"
        yield Statement(f"ALTER TABLE {_place(table)} {action}", each.sentence, _exclusive(table), _AT_ONCE)


def _reshaped(connection: Raw, tables: Sequence[FoundTable]) -> Statement:
    changed = [table for table in tables if table.has_view]
    parts = [_schema()]
    for table in changed:
        parts += [
            sql.SQL("ALTER TABLE {} RENAME COLUMN {} TO {}").format(
                sql.SQL(_place(table)), sql.Identifier(found), sql.Identifier(wanted)
            )
            for found, wanted in table.renames
        ]
        parts += counterparts.statements(connection, table.name, table.counterparts, _invoice_key(connection, tables))
    parts.append(bridge.build(connection, {table.name: table.shown for table in changed}))
    text = sql.SQL(";\n").join(parts).as_string(connection)
    names = ", ".join(table.name for table in changed)
    return Statement(
        f"{text};\n{bridge.sharing(connection, [table.name for table in changed])}",
        f"booksync's columns of {names}, and the application's names and types as views in {bridge.SCHEMA}."
        f" From this moment the application needs search_path = {bridge.SCHEMA}, {host_schema(connection)}",
        f"ACCESS EXCLUSIVE on {names}, for a moment",
        _AT_ONCE,
        is_transaction=True,
    )


def _schema() -> sql.Composed:
    return sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(bridge.SCHEMA))


def _invoice_key(connection: Raw, tables: Sequence[FoundTable]) -> str:
    kept = {each.column: each.kept for table in tables if table.name == "invoices_cache" for each in table.counterparts}
    return (kept | dict(counterparts.noted(connection, "invoices_cache"))).get("id", "id")


def _filled(connection: Raw, table: FoundTable) -> Iterator[Statement]:
    if table.to_fill:
        yield Statement(
            counterparts.filling(connection, table.name, table.to_fill),
            f"fill {', '.join(table.to_fill)} of {table.name}, 16 blocks in each transaction",
            f"the rows of one batch of {table.name}, for some milliseconds",
            f"reads the table once and writes each row again ({_size(connection, table)})",
            is_long=True,
        )
    for column in table.to_require:
        yield from _required(table, column)


def _required(table: FoundTable, column: str) -> Iterator[Statement]:
    name = f"ck_{table.name}_{column}_filled"
    place, is_there = _place(table), f"a CHECK ({column} IS NOT NULL) on {table.name}"
    yield Statement(
        f"ALTER TABLE {place} DROP CONSTRAINT IF EXISTS {name}, ADD CONSTRAINT {name}"
        f" CHECK ({column} IS NOT NULL) NOT VALID",
        f"{is_there}, for new rows",
        _exclusive(table),
        _AT_ONCE,
    )
    yield Statement(
        f"ALTER TABLE {place} VALIDATE CONSTRAINT {name}",
        f"check the rows of {table.name}",
        f"SHARE UPDATE EXCLUSIVE on {table.name}, which blocks neither reads nor writes",
        "reads the table once",
        is_long=True,
    )
    yield Statement(
        f"ALTER TABLE {place} ALTER COLUMN {column} SET NOT NULL, DROP CONSTRAINT {name}",
        f"{table.name}.{column} NOT NULL, which the CHECK has proved",
        _exclusive(table),
        _AT_ONCE,
    )


def _with_defaults(connection: Raw, table: FoundTable) -> Iterator[Statement]:
    for column, default in table.defaults:
        yield Statement(
            f"ALTER TABLE {_place(table)} ALTER COLUMN {_quoted(connection, column)} SET DEFAULT {default}",
            f"the default {default} of {table.name}.{column}, for new rows",
            _exclusive(table),
            _AT_ONCE,
        )


def _with_keys(connection: Raw, table: FoundTable) -> Iterator[Statement]:
    for key in table.keys:
        name = unique_index(table.name, key)
        yield Statement(
            f"DROP INDEX CONCURRENTLY IF EXISTS {table.schema}.{name}",
            f"drop what an interrupted build of the next index has left on {table.name}",
            "none, if there is no such index",
            _AT_ONCE,
            is_long=True,
        )
        yield Statement(
            f"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {_place(table)} ({', '.join(key)})",
            f"a unique index on {table.name} ({', '.join(key)})",
            f"SHARE UPDATE EXCLUSIVE on {table.name}, which blocks neither reads nor writes",
            f"reads the table twice ({_size(connection, table)})",
            is_long=True,
        )


def _size(connection: Raw, table: FoundTable) -> str:
    row = connection.execute("SELECT pg_size_pretty(pg_table_size(to_regclass(%s)))", [_place(table)]).fetchone()
    assert row is not None
    return f"about {table.rows:,} rows, {row[0]}"


def _exclusive(table: FoundTable) -> str:
    return f"ACCESS EXCLUSIVE on {table.name}, for a moment"


def _place(table: FoundTable) -> str:
    return f"{table.schema}.{table.name}"


def _quoted(connection: Raw, name: str) -> str:
    return sql.Identifier(name).as_string(connection)
