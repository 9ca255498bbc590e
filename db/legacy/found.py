"""The state of the older application's tables: what the tables lack, what adoption changes, and what prevents it."""

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, Final

import sqlalchemy as sa
from psycopg import sql
from sqlalchemy import Connection
from sqlalchemy.engine.reflection import Inspector

from db.legacy.conversions import ONE_ROW, conversion
from db.legacy.counterparts import Counterpart, noted, unfilled
from db.legacy.found_table import FoundTable
from db.legacy.gaps import missing_columns, step_problems
from db.legacy.names import shareable_columns, taken
from db.legacy.required_columns import is_in_primary_key, neutral_default, required, unwritten
from db.legacy.suitability import Loosening, is_step_text, is_unique, loosenings, misfits, problems
from db.legacy.tables import UNIQUE, legacy_columns, legacy_tables
from db.migrations.errors import MigrationRefusedError
from db.migrations.schemas import host_schema, raw, user_id_type


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
        known = {column.name for column in legacy_columns(table)} | shared.keys()
        unfit += unwritten(inspector, table, known | {*noted(raw(connection), table).values()})
        unfit += (
            f"{loose.sentence} (ALTER TABLE {table} ALTER COLUMN {loose.column} {loose.action})"
            for loose in loosenings(inspector, table, shared, {column: column for column in shared})
        )
    if _has_step_text(inspector):
        unfit += step_problems(connection)
    if unfit:
        raise MigrationRefusedError("; ".join(unfit))


def unique_index(table: str, key: Sequence[str]) -> str:
    """The index that adoption builds for a key of a table."""
    return f"uq_{table}_{'_'.join(key)}"


def _look_at(connection: Connection, name: str) -> FoundTable:
    inspector = sa.inspect(connection)
    schema = host_schema(raw(connection))
    if not inspector.has_table(name):
        return FoundTable(name, schema, False, 0, "snake_case", (), (), (), (), {}, (), (), (), (), (), ())
    had = noted(raw(connection), name)
    found = {column["name"]: column for column in inspector.get_columns(name)}
    ours = {column: found[column] for column in found if column not in had.values()}
    wanted = {column.name: column for column in legacy_columns(name, user_id_type(raw(connection)))}
    pairs = tuple(_renames(set(ours), list(wanted)))
    names = {column: column for column in wanted if column in ours} | {new: old for old, new in pairs}
    fill_ins = tuple(missing_columns(name, set(names)))
    needed = {column: definition for column, definition in wanted.items() if column not in fill_ins}
    shared = _shared(inspector, name)
    unfit = [*problems(inspector, name, needed, names, keyed_later="id" in had), *misfits(inspector, name, shared)]
    is_text = "step" in names and is_step_text(name, "step", found[names["step"]]["type"])
    if is_text and not unfit:
        unfit += step_problems(connection, step=names["step"], invoice_id=names["invoice_id"])
    added = () if unfit else tuple(_counterparts(connection, inspector, name, wanted, names))
    paired = dict.fromkeys([*(each.column for each in added), *had])
    written = wanted | shared
    names_written = names | {column: column for column in shared}
    loose, defaults = _for_required(inspector, name, {*names_written.values(), *had.values()}, unfit)
    return FoundTable(
        name,
        schema,
        True,
        _estimated_rows(connection, name),
        "camelCase" if pairs else "snake_case",
        tuple(pair for pair in pairs if pair[1] not in paired),
        tuple(found),
        (*loosenings(inspector, name, written, names_written), *_of_one_row(inspector, name, added), *loose),
        added,
        {each.column: each.kept for each in added} or _unfilled(connection, name, had),
        tuple(column for column in paired if _is_to_require(wanted[column], ours.get(column), added)),
        (*_known_defaults(written, names_written, found, paired.keys()), *defaults),
        () if unfit else tuple(_keys(connection, inspector, name, names, added, had, unfit)),
        fill_ins,
        ("step",) if is_text else (),
        tuple(unfit),
    )


def _counterparts(
    connection: Connection,
    inspector: Inspector,
    table: str,
    wanted: Mapping[str, sa.Column[Any]],
    names: Mapping[str, str],
) -> Iterator[Counterpart]:
    """The columns that booksync adds beside columns of other types, or beside a user's key for one row a user."""
    if table == "users":
        return
    kinds = {str(row.attname): str(row.kind) for row in connection.execute(sa.text(_KINDS), {"table": table})}
    found = {column["name"]: column for column in inspector.get_columns(table)}
    for column, name in names.items():
        definition = wanted[column]
        converted = conversion(definition, found[name]["type"])
        if (table, column) == ("sync_metadata", "user_id") and is_unique(inspector, table, [name]):
            converted = ONE_ROW
        if converted is None:
            continue
        default = None if definition.server_default is None else _default(definition)
        kind = definition.type.compile(dialect=connection.dialect)
        yield Counterpart(str(column), kind, default, str(name), kinds[name], converted.to_ours, converted.to_theirs)


def _of_one_row(inspector: Inspector, table: str, added: Sequence[Counterpart]) -> Iterator[Loosening]:
    nullable = {column["name"]: column["nullable"] for column in inspector.get_columns(table)}
    for each in added:
        if each.to_theirs == ONE_ROW.to_theirs and each.column == "user_id" and not nullable[each.found]:
            yield Loosening(each.found, "DROP NOT NULL", f"let {table}.{each.found} be empty (NULL) in booksync's rows")


def _for_required(
    inspector: Inspector, table: str, written: set[str], unfit: list[str]
) -> tuple[list[Loosening], list[tuple[str, str]]]:
    """The changes for columns that need a value which booksync does not write; a sentence in `unfit` if none helps."""
    loose, defaults = [], []
    for column in required(inspector, table, written):
        name = column["name"]
        if (default := neutral_default(inspector, table, column)) is not None:
            defaults.append((name, default))
        elif is_in_primary_key(inspector, table, name):
            unfit += unwritten(inspector, table, written)
        else:
            loose.append(Loosening(name, "DROP NOT NULL", f"let {table}.{name} be empty (NULL)"))
    return loose, defaults


def _known_defaults(
    written: Mapping[str, sa.Column[Any]],
    names: Mapping[str, str],
    found: Mapping[str, Any],
    paired: Set[str],
) -> Iterator[tuple[str, str]]:
    for column, definition in written.items():
        is_ours = column in names and column not in paired and definition.server_default is not None
        if is_ours and found[names[column]]["default"] is None:
            yield column, _default(definition)


def _unfilled(connection: Connection, table: str, had: Mapping[str, str]) -> dict[str, str]:
    """The counterparts of an adoption that was interrupted while rows lack a value."""
    if not had:
        return {}
    query = sql.SQL("SELECT FROM {} WHERE {} LIMIT 1").format(sql.Identifier(table), unfilled(had))
    return dict(had) if raw(connection).execute(query).fetchone() is not None else {}


def _is_to_require(wanted: sa.Column[Any], found: Any, added: Sequence[Counterpart]) -> bool:
    is_new = any(each.column == wanted.name for each in added)
    return not wanted.nullable and (is_new or found["nullable"])


def _keys(
    connection: Connection,
    inspector: Inspector,
    table: str,
    names: Mapping[str, str],
    added: Sequence[Counterpart],
    had: Mapping[str, str],
    unfit: list[str],
) -> Iterator[tuple[str, ...]]:
    """The keys that need a unique index; a sentence in `unfit` if rows or another index prevent it."""
    new = {each.column for each in added}
    keys = [("id",)] if "id" in new | had.keys() and table != "sync_metadata" else []
    for key in (*keys, *([UNIQUE[table]] if table in UNIQUE else [])):
        index, present = unique_index(table, key), [names[column] for column in key]
        if connection.execute(sa.text(_IS_INVALID), {"index": index}).first() is not None:
            yield key
            continue
        if not new & {*key} and is_unique(inspector, table, present):
            continue
        yield key
        if doubled := _doubled(connection, table, present):
            columns = ", ".join(present)
            unfit.append(f"{table} has {doubled} keys ({columns}) more than once, and booksync needs one row each")
        elif any(each["name"] == index for each in inspector.get_indexes(table)):
            unfit.append(f"The index {index} of {table} is there, but it is not booksync's: rename it")


#: An index whose build was interrupted.
_IS_INVALID: Final = "SELECT FROM pg_index WHERE indexrelid = to_regclass(:index) AND NOT indisvalid"

_KINDS: Final = """
    SELECT attname::text, format_type(atttypid, atttypmod) AS kind FROM pg_attribute
    WHERE attrelid = to_regclass(:table) AND attnum > 0 AND NOT attisdropped
"""


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
    known = sa.and_(*(column.is_not(None) for column in columns))
    doubled = sa.select(*columns).select_from(sa.table(table)).where(known).group_by(*columns)
    doubled = doubled.having(sa.func.count() > 1)
    return connection.scalar(sa.select(sa.func.count()).select_from(doubled.subquery())) or 0


def _default(column: sa.Column[Any]) -> str:
    default = column.server_default
    assert isinstance(default, sa.DefaultClause)
    return f"'{default.arg}'" if isinstance(default.arg, str) else str(default.arg)
