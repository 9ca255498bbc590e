"""Adoption: a legacy application's tables, found in a database without a version, are made ready for booksync."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

import sqlalchemy as sa
from psycopg import sql
from sqlalchemy import Connection

from db.migrations import bridge
from db.migrations.bridge import Names
from db.migrations.errors import MigrationRefusedError
from db.migrations.legacy import UNIQUE, legacy_columns, legacy_tables
from db.migrations.revisions import Target, current_revision
from db.migrations.runner import MigrationOutcome, migrate
from db.migrations.steps import Raw, briefly, build_index
from db.migrations.turn import one_at_a_time

_FAMILIES: Final = (sa.Text, sa.Uuid, sa.Date, sa.Numeric, sa.Integer, sa.DateTime)


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A legacy table as it is."""

    name: str
    exists: bool
    rows: int  #: Postgres' estimate
    style: str  #: of its columns' names: snake_case or camelCase
    renames: tuple[tuple[str, str], ...]  #: (found, wanted)
    columns: tuple[str, ...]  #: all that it has, in their order
    defaults: tuple[tuple[str, str], ...]  #: (column, the default that booksync counts on)
    lacks_unique: bool  #: booksync cannot tell its rows apart by their key
    problems: tuple[str, ...]  #: sentences: why it cannot be taken


@dataclass(frozen=True, slots=True)
class Adoption:
    """What adopting would do; `revision` is set where the database has a version already, and nothing is to be done."""

    revision: str | None
    tables: tuple[FoundTable, ...]

    @property
    def steps(self) -> tuple[str, ...]:
        """What would be done, in order, a sentence each."""
        return tuple(self._steps()) if self.revision is None else ()

    def _steps(self) -> Iterator[str]:
        for table in self.tables:
            if not table.exists:
                yield f"make the table {table.name}, which is missing"
                continue
            if table.renames:
                names = ", ".join(f"{found} to {wanted}" for found, wanted in table.renames)
                yield f"rename columns of {table.name}: {names}"
                yield (
                    f"make the view {bridge.SCHEMA}.{table.name} with the old names, for the legacy application:"
                    f" from that moment it needs search_path = {bridge.SCHEMA}, public"
                )
            for column, default in table.defaults:
                yield f"give {table.name}.{column} the default {default}"
            if table.lacks_unique:
                yield f"build a unique index on {table.name} ({', '.join(UNIQUE[table.name])})"
        yield "note the version 0001_legacy in booksync_alembic_version; no row is changed"

    @property
    def problems(self) -> tuple[str, ...]:
        """Why it cannot be done."""
        return tuple(problem for table in self.tables for problem in table.problems)


def plan(connection: Connection) -> Adoption:
    """What `adopt` would do; it only looks."""
    return Adoption(current_revision(connection), tuple(_look_at(connection, name) for name in legacy_tables()))


def adopt(database_url: str) -> MigrationOutcome:
    """Do what `plan` told: give the columns the names that booksync knows, and stamp.

    Raises:
        MigrationRefusedError: a table cannot be taken as it is.
        MigrationError: anything else that keeps the database from it.
    """
    with one_at_a_time(database_url) as connection:
        planned = plan(connection)
        connection.commit()
        if planned.problems:
            raise MigrationRefusedError("; ".join(planned.problems))
        if planned.revision is None:
            with connection.execution_options(isolation_level="AUTOCOMMIT").begin():
                _prepare(cast(Raw, connection.connection.driver_connection), planned)
        else:
            return MigrationOutcome(planned.revision, planned.revision, ())
    return migrate(database_url, Target.LEGACY)


def _prepare(connection: Raw, planned: Adoption) -> None:
    renamed = [table for table in planned.tables if table.renames]
    if renamed:
        names: Names = {
            table.name: [(dict(table.renames).get(column, column), column) for column in table.columns]
            for table in renamed
        }
        statements = [
            sql.SQL("ALTER TABLE {} RENAME COLUMN {} TO {}").format(
                sql.Identifier("public", table.name), sql.Identifier(found), sql.Identifier(wanted)
            )
            for table in renamed
            for found, wanted in table.renames
        ]
        connection.execute("SET lock_timeout = '100ms'")
        briefly(connection, sql.SQL("; ").join([*statements, bridge.build(names)]).as_string(connection))
        bridge.share(connection, list(names))
    for table in planned.tables:
        for column, default in table.defaults:
            briefly(connection, f"ALTER TABLE {table.name} ALTER COLUMN {column} SET DEFAULT {default}")
        if table.lacks_unique:
            key = UNIQUE[table.name]
            build_index(connection, f"uq_{table.name}_{'_'.join(key)}", f"{table.name} ({', '.join(key)})", unique=True)


def _look_at(connection: Connection, name: str) -> FoundTable:
    inspector = sa.inspect(connection)
    if not inspector.has_table(name):
        return FoundTable(name, False, 0, "snake_case", (), (), (), False, ())
    found = {column["name"]: column for column in inspector.get_columns(name)}
    wanted = {column.name: column for column in legacy_columns(name)}
    renames = tuple(_renames(set(found), list(wanted)))
    names = {column: column for column in wanted if column in found} | {new: old for old, new in renames}
    problems = list(_problems(name, found, wanted, names))
    lacks_unique = False
    if name in UNIQUE and not problems:
        key = [names[column] for column in UNIQUE[name]]
        lacks_unique = not _is_unique(inspector, name, key)
        if lacks_unique and (doubled := _doubled(connection, name, key)):
            problems.append(
                f"{name} has {doubled} keys ({', '.join(key)}) more than once, and booksync needs one row each"
            )
    defaults = (
        (column, _default(definition))
        for column, definition in wanted.items()
        if definition.server_default is not None and column in names and found[names[column]]["default"] is None
    )
    return FoundTable(
        name,
        True,
        max(
            0,
            connection.scalar(
                sa.text("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(:n)"), {"n": name}
            )
            or 0,
        ),
        "camelCase" if renames else "snake_case",
        renames,
        tuple(found),
        tuple(defaults),
        lacks_unique,
        tuple(problems),
    )


def _renames(found: set[str], wanted: list[str]) -> Iterator[tuple[str, str]]:
    """ "zohoCustomerId" and "customerTimeZone" are zoho_customer_id and customer_timezone."""
    by_letters = {name.replace("_", "").lower(): name for name in sorted(found)}
    for column in wanted:
        if column not in found and (old := by_letters.get(column.replace("_", ""))):
            yield old, column


def _problems(
    table: str, found: dict[str, Any], wanted: dict[str, sa.Column[Any]], names: dict[str, str]
) -> Iterator[str]:
    if missing := [column for column in wanted if column not in names]:
        yield f"The table {table} is there, but without {', '.join(missing)}: add what is missing"
    for column, old in names.items():
        kind, needed = found[old]["type"], wanted[column].type
        if _family(kind) is not _family(needed):
            yield f"{table}.{old} is of type {kind}, but booksync needs {type(needed).__name__.upper()}"


def _family(kind: Any) -> type[Any] | None:
    if isinstance(kind, sa.String):
        return sa.Text
    return next((family for family in _FAMILIES if isinstance(kind, family)), None)


def _is_unique(inspector: Any, table: str, key: list[str]) -> bool:
    constraints = [set(each["column_names"]) for each in inspector.get_unique_constraints(table)]
    indexes = [
        set(each["column_names"])
        for each in inspector.get_indexes(table)
        if each["unique"] and not each.get("dialect_options", {}).get("postgresql_where")
    ]
    return set(key) in [*constraints, *indexes]


def _doubled(connection: Connection, table: str, key: list[str]) -> int:
    columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in key]
    doubled = sa.select(*columns).select_from(sa.table(table)).group_by(*columns).having(sa.func.count() > 1)
    return connection.scalar(sa.select(sa.func.count()).select_from(doubled.subquery())) or 0


def _default(column: sa.Column[Any]) -> str:
    default = column.server_default
    assert isinstance(default, sa.DefaultClause)
    return f"'{default.arg}'" if isinstance(default.arg, str) else str(default.arg)
