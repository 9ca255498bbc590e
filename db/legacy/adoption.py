"""Adoption: prepares a legacy application's tables for booksync, in a database without a version of the schema."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from psycopg import sql
from sqlalchemy import Connection

from db.legacy import bridge
from db.legacy.bridge import Names
from db.legacy.found import FoundTable, look, unique_index
from db.legacy.names import taken
from db.legacy.tables import UNIQUE
from db.migrations.additions import rebuild_index
from db.migrations.errors import MigrationRefusedError
from db.migrations.revisions import Target, current_revision
from db.migrations.runner import MigrationOutcome, migrate
from db.migrations.schemas import host_schema
from db.migrations.steps import Raw, briefly
from db.migrations.turn import one_at_a_time


@dataclass(frozen=True, slots=True)
class Adoption:
    """The plan of an adoption. If the database already has a version (`revision`), no adoption is needed."""

    revision: str | None
    tables: tuple[FoundTable, ...]
    taken: tuple[str, ...]  #: sentences: names that booksync needs and that other objects have

    @property
    def steps(self) -> tuple[str, ...]:
        """The planned changes in order, one sentence each."""
        return tuple(self._steps()) if self.revision is None else ()

    def _steps(self) -> Iterator[str]:
        for table in self.tables:
            if not table.exists:
                yield f"make the table {table.name}, which is missing"
            yield from table.changes
            yield from table.later_changes
        yield "note the version 0001_legacy in booksync_alembic_version; no row is changed"

    @property
    def problems(self) -> tuple[str, ...]:
        """The reasons, as sentences, why the adoption is impossible."""
        return (*self.taken, *(problem for table in self.tables for problem in table.problems))


def plan(connection: Connection) -> Adoption:
    """The plan of what `adopt` would change; nothing is changed."""
    revision = current_revision(connection)
    return Adoption(revision, look(connection), tuple(taken(connection)) if revision is None else ())


def adopt(database_url: str) -> MigrationOutcome:
    """Adopt the legacy tables as planned by `plan`: rename columns, add what is missing, and record the version.

    Raises:
        MigrationRefusedError: a table cannot be adopted as it is.
        MigrationError: any other reason that prevents the adoption.
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
    return migrate(database_url, Target.LEGACY, adopted=True)


def _prepare(connection: Raw, planned: Adoption) -> None:
    host = sql.SQL(host_schema(connection))
    for table in planned.tables:
        # Columns change before the views are created: a view must not show a column whose type changes.
        for loosening in table.loosenings:
            loose = sql.Identifier(loosening.column)
            change = sql.SQL("ALTER TABLE {}.{} ALTER COLUMN {} ").format(host, sql.Identifier(table.name), loose)
            briefly(connection, change.as_string(connection) + loosening.action)
    renamed = [table for table in planned.tables if table.renames]
    if renamed:
        names: Names = {
            table.name: [(dict(table.renames).get(column, column), column) for column in table.columns]
            for table in renamed
        }
        statements = [
            sql.SQL("ALTER TABLE {}.{} RENAME COLUMN {} TO {}").format(
                host, sql.Identifier(table.name), sql.Identifier(found), sql.Identifier(wanted)
            )
            for table in renamed
            for found, wanted in table.renames
        ]
        connection.execute("SET lock_timeout = '100ms'")
        briefly(connection, sql.SQL("; ").join([*statements, bridge.build(connection, names)]).as_string(connection))
        bridge.share(connection, list(names))
    for table in planned.tables:
        for column, default in table.defaults:
            briefly(connection, f"ALTER TABLE {table.name} ALTER COLUMN {column} SET DEFAULT {default}")
        if table.lacks_unique:
            key = UNIQUE[table.name]
            rebuild_index(connection, unique_index(table.name), f"{table.name} ({', '.join(key)})", unique=True)
