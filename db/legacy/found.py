"""The state of the older application's tables: what the tables lack, what adoption changes, and what prevents it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.engine.reflection import Inspector

from db.legacy import bridge
from db.legacy.gaps import missing_columns, step_problems
from db.legacy.names import shareable_columns, taken
from db.legacy.suitability import Loosening, is_step_text, is_unique, loosenings, misfits, problems, unwritten
from db.legacy.tables import UNIQUE, legacy_columns, legacy_tables
from db.migrations.errors import MigrationRefusedError
from db.migrations.schemas import host_schema, raw, user_id_type


@dataclass(frozen=True, slots=True)
class FoundTable:
    """The present state of a legacy table."""

    name: str
    schema: str  #: the host's, quoted where needed
    exists: bool
    rows: int  #: Postgres's estimate of the number of rows
    style: str  #: the style of the columns' names: snake_case or camelCase
    renames: tuple[tuple[str, str], ...]  #: the columns to rename, as (found, wanted)
    columns: tuple[str, ...]  #: all columns of the table, in order
    loosenings: tuple[Loosening, ...]
    defaults: tuple[tuple[str, str], ...]  #: (column, the default that booksync counts on)
    lacks_unique: bool  #: whether the key by which booksync finds a row has no unique index
    fill_ins: tuple[str, ...]  #: missing columns, which phase 1 adds
    texts: tuple[str, ...]  #: columns with numbers as text, which phase 1 turns into numbers
    problems: tuple[str, ...]  #: sentences: reasons why the table cannot be adopted

    @property
    def changes(self) -> Iterator[str]:
        """The changes that adoption makes to the legacy table, as sentences."""
        if self.renames:
            names = ", ".join(f"{found} to {wanted}" for found, wanted in self.renames)
            yield f"rename columns of {self.name}: {names}"
            yield (
                f"make the view {bridge.SCHEMA}.{self.name} with the old names, for the legacy application:"
                f" from that moment it needs search_path = {bridge.SCHEMA}, {self.schema}"
            )
        for loosening in self.loosenings:
            yield loosening.sentence
        for column, default in self.defaults:
            yield f"give {self.name}.{column} the default {default}"
        if self.lacks_unique:
            yield f"build a unique index on {self.name} ({', '.join(UNIQUE[self.name])})"

    @property
    def later_changes(self) -> Iterator[str]:
        """The further changes that phase 1 makes to the legacy table, as sentences."""
        for column in self.fill_ins:
            yield (
                f"in phase 1, add the column {self.name}.{column}, which is missing; the downgrade to legacy drops it"
            )
        for column in self.texts:
            yield (
                f"in phase 1, turn {self.name}.{column} from text into a number; the table is rewritten, and the"
                " application has to write a number from then on; the downgrade to legacy restores every text"
            )


def look(connection: Connection) -> tuple[FoundTable, ...]:
    """The older application's tables as they are now; nothing is changed."""
    return tuple(_look_at(connection, name) for name in legacy_tables())


def refuse_unadopted(connection: Connection, *, adopted: bool) -> None:
    """Refuse to migrate legacy tables that must be adopted first, or that cannot be adopted.

    `adopted` means that `adopt` has just prepared the tables. A person has then agreed to the changes in phase 1, too.

    Raises:
        MigrationRefusedError: there are such tables, or other objects have names that booksync needs.
    """
    tables = look(connection)
    unfit = [problem for table in tables for problem in table.problems]
    if unfit := [*taken(connection), *unfit]:
        raise MigrationRefusedError("; ".join(unfit))
    changes = [change for table in tables for change in table.changes]
    if not adopted:
        changes += [change for table in tables for change in table.later_changes]
    if changes:
        raise MigrationRefusedError(
            "The legacy application's tables have to be adopted first, run `booksync migrate --adopt`: "
            + "; ".join(changes)
        )


def refuse_taken(connection: Connection) -> None:
    """Check again before phase 1 that the needed names are free and the shared columns fit: adoption may be long ago.

    Raises:
        MigrationRefusedError: another object has a name, or a shared column cannot hold booksync's values.
    """
    inspector = sa.inspect(connection)
    unfit = list(taken(connection))
    for table in legacy_tables():
        shared = _shared(inspector, table)
        unfit += misfits(inspector, table, shared)
        unfit += unwritten(inspector, table, {column.name for column in legacy_columns(table)} | shared.keys())
        unfit += (
            f"{loose.sentence} (ALTER TABLE {table} ALTER COLUMN {loose.column} {loose.action})"
            for loose in loosenings(inspector, table, shared, {column: column for column in shared})
        )
    if _has_step_text(inspector):
        unfit += step_problems(connection)
    if unfit:
        raise MigrationRefusedError("; ".join(unfit))


def unique_index(table: str) -> str:
    """The index that adoption builds for the unique key of a table."""
    return f"uq_{table}_{'_'.join(UNIQUE[table])}"


def _look_at(connection: Connection, name: str) -> FoundTable:
    inspector = sa.inspect(connection)
    schema = host_schema(raw(connection))
    if not inspector.has_table(name):
        return FoundTable(name, schema, False, 0, "snake_case", (), (), (), (), False, (), (), ())
    found = {column["name"]: column for column in inspector.get_columns(name)}
    wanted = {column.name: column for column in legacy_columns(name, user_id_type(raw(connection)))}
    renames = tuple(_renames(set(found), list(wanted)))
    names = {column: column for column in wanted if column in found} | {new: old for old, new in renames}
    fill_ins = tuple(missing_columns(name, set(names)))
    needed = {column: definition for column, definition in wanted.items() if column not in fill_ins}
    shared = _shared(inspector, name)
    unfit = [
        *problems(inspector, name, needed, names, also_written=shared),
        *misfits(inspector, name, shared),
    ]
    is_text = "step" in names and is_step_text(name, "step", found[names["step"]]["type"])
    if is_text and not unfit:
        unfit += step_problems(connection, step=names["step"], invoice_id=names["invoice_id"])
    lacks_unique = False
    if name in UNIQUE and not unfit:
        key = [names[column] for column in UNIQUE[name]]
        lacks_unique = not is_unique(inspector, name, key)
        if lacks_unique and (doubled := _doubled(connection, name, key)):
            unfit.append(
                f"{name} has {doubled} keys ({', '.join(key)}) more than once, and booksync needs one row each"
            )
        elif lacks_unique and any(index["name"] == unique_index(name) for index in inspector.get_indexes(name)):
            unfit.append(f"The index {unique_index(name)} of {name} is there, but it is not booksync's: rename it")
    written = wanted | shared
    names_written = names | {column: column for column in shared}
    defaults = (
        (column, _default(definition))
        for column, definition in written.items()
        if definition.server_default is not None
        and column in names_written
        and found[names_written[column]]["default"] is None
    )
    return FoundTable(
        name,
        schema,
        True,
        _estimated_rows(connection, name),
        "camelCase" if renames else "snake_case",
        renames,
        tuple(found),
        tuple(loosenings(inspector, name, written, names_written)),
        tuple(defaults),
        lacks_unique,
        fill_ins,
        ("step",) if is_text else (),
        tuple(unfit),
    )


def _shared(inspector: Inspector, table: str) -> dict[str, sa.Column[Any]]:
    found = {column["name"] for column in inspector.get_columns(table)} if inspector.has_table(table) else set()
    return {column.name: column for column in shareable_columns(table) if column.name in found}


def _has_step_text(inspector: Inspector) -> bool:
    return inspector.has_table("reminders") and any(
        is_step_text("reminders", column["name"], column["type"]) for column in inspector.get_columns("reminders")
    )


def _estimated_rows(connection: Connection, table: str) -> int:
    estimate = sa.text("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(:name)")
    return max(0, connection.scalar(estimate, {"name": table}) or 0)


def _renames(found: set[str], wanted: list[str]) -> Iterator[tuple[str, str]]:
    """The columns to rename: ("zohoCustomerId", "zoho_customer_id") or ("customerTimeZone", "customer_timezone")."""
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
