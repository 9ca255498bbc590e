"""Adoption: a legacy application's tables, found in a database without a version, are made ready for booksync."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

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
from db.migrations.suitability import Loosening, is_unique, loosenings, problems
from db.migrations.turn import one_at_a_time


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A legacy table as it is."""

    name: str
    exists: bool
    rows: int  #: Postgres' estimate
    style: str  #: of its columns' names: snake_case or camelCase
    renames: tuple[tuple[str, str], ...]  #: (found, wanted)
    columns: tuple[str, ...]  #: all that it has, in their order
    loosenings: tuple[Loosening, ...]
    defaults: tuple[tuple[str, str], ...]  #: (column, the default that booksync counts on)
    lacks_unique: bool  #: booksync cannot tell its rows apart by their key
    problems: tuple[str, ...]  #: sentences: why it cannot be taken

    @property
    def changes(self) -> Iterator[str]:
        """What booksync counts on, and the table lacks."""
        if self.renames:
            names = ", ".join(f"{found} to {wanted}" for found, wanted in self.renames)
            yield f"rename columns of {self.name}: {names}"
            yield (
                f"make the view {bridge.SCHEMA}.{self.name} with the old names, for the legacy application:"
                f" from that moment it needs search_path = {bridge.SCHEMA}, public"
            )
        for loosening in self.loosenings:
            yield loosening.sentence
        for column, default in self.defaults:
            yield f"give {self.name}.{column} the default {default}"
        if self.lacks_unique:
            yield f"build a unique index on {self.name} ({', '.join(UNIQUE[self.name])})"


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
            yield from table.changes
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


def refuse_unadopted(connection: Connection) -> None:
    """Keep `booksync migrate` from tables that only `adopt` makes ready, or nobody can.

    Raises:
        MigrationRefusedError: there are such tables.
    """
    tables = [_look_at(connection, name) for name in legacy_tables()]
    if unfit := [problem for table in tables for problem in table.problems]:
        raise MigrationRefusedError("; ".join(unfit))
    if changes := [change for table in tables for change in table.changes]:
        raise MigrationRefusedError(
            "The legacy application's tables have to be adopted first, run `booksync migrate --adopt`: "
            + "; ".join(changes)
        )


def _prepare(connection: Raw, planned: Adoption) -> None:
    for table in planned.tables:
        # Before the views are made: no view may show a column whose type changes.
        for loosening in table.loosenings:
            loose = sql.Identifier(loosening.column)
            change = sql.SQL("ALTER TABLE {} ALTER COLUMN {} ").format(sql.Identifier("public", table.name), loose)
            briefly(connection, change.as_string(connection) + loosening.action)
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
        return FoundTable(name, False, 0, "snake_case", (), (), (), (), False, ())
    found = {column["name"]: column for column in inspector.get_columns(name)}
    wanted = {column.name: column for column in legacy_columns(name)}
    renames = tuple(_renames(set(found), list(wanted)))
    names = {column: column for column in wanted if column in found} | {new: old for old, new in renames}
    unfit = list(problems(inspector, name, wanted, names))
    lacks_unique = False
    if name in UNIQUE and not unfit:
        key = [names[column] for column in UNIQUE[name]]
        lacks_unique = not is_unique(inspector, name, key)
        if lacks_unique and (doubled := _doubled(connection, name, key)):
            unfit.append(
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
        tuple(loosenings(inspector, name, wanted, names)),
        tuple(defaults),
        lacks_unique,
        tuple(unfit),
    )


def _renames(found: set[str], wanted: list[str]) -> Iterator[tuple[str, str]]:
    """ "zohoCustomerId" and "customerTimeZone" are zoho_customer_id and customer_timezone."""
    by_letters = {name.replace("_", "").lower(): name for name in sorted(found)}
    for column in wanted:
        if column not in found and (old := by_letters.get(column.replace("_", ""))):
            yield old, column


def _doubled(connection: Connection, table: str, key: list[str]) -> int:
    columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in key]
    doubled = sa.select(*columns).select_from(sa.table(table)).group_by(*columns).having(sa.func.count() > 1)
    return connection.scalar(sa.select(sa.func.count()).select_from(doubled.subquery())) or 0


def _default(column: sa.Column[Any]) -> str:
    default = column.server_default
    assert isinstance(default, sa.DefaultClause)
    return f"'{default.arg}'" if isinstance(default.arg, str) else str(default.arg)
