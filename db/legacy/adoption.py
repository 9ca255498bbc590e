"""Adoption: prepares a legacy application's tables for booksync, in a database without a version of the schema."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Connection

from db.legacy.found import look
from db.legacy.found_table import FoundTable
from db.legacy.names import taken
from db.legacy.script import script, statements
from db.migrations.errors import MigrationRefusedError
from db.migrations.revisions import Target, current_revision
from db.migrations.runner import MigrationOutcome, migrate
from db.migrations.schemas import raw
from db.migrations.steps import Raw, at_length, briefly
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
        values = "no value of the application" if any(table.to_fill for table in self.tables) else "no row"
        yield f"note the version 0001_legacy in booksync_alembic_version; {values} is changed"

    @property
    def problems(self) -> tuple[str, ...]:
        """The reasons, as sentences, why the adoption is impossible."""
        return (*self.taken, *(problem for table in self.tables for problem in table.problems))


def plan(connection: Connection) -> Adoption:
    """The plan of what `adopt` would change; nothing is changed."""
    revision = current_revision(connection)
    return Adoption(revision, look(connection), tuple(taken(connection)) if revision is None else ())


def print_sql(connection: Connection) -> str:
    """The changes of `adopt` as a script for psql; an administrator may run it in place of `adopt`.

    Raises:
        MigrationRefusedError: a table cannot be adopted as it is.
    """
    planned = plan(connection)
    if planned.problems:
        raise MigrationRefusedError("; ".join(planned.problems))
    return script(raw(connection), () if planned.revision else planned.tables)


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
    for each in statements(connection, planned.tables):
        if each.is_long:
            at_length(connection, each.sql)
        else:
            connection.execute("SET lock_timeout = '100ms'")
            briefly(connection, each.sql)
