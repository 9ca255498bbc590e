"""Whether booksync can use a legacy table, either as it is or after changes of its definition that touch no row."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine.reflection import Inspector

from db.legacy.conversions import conversion
from db.legacy.families import family

#: Column → the shortest length limit, in characters, that the column may have. Other text columns may have no limit,
#: because they hold what people typed in Zoho.
_LONGEST: Final = {
    "zoho_invoice_id": 50,
    "zoho_customer_id": 50,
    "invoice_number": 100,
    "status": 32,
    "currency_code": 3,
    "sync_hash": 64,
    # The columns with users' ids are exempt: booksync writes only ids of users that the host has, or that a person
    # gives.
    "id": 1,
    "user_id": 1,
}

#: The length of a uuid, which booksync writes into the application's text keys.
_LONGEST_UUID: Final = 36

#: Nullable columns that are never NULL in a row of booksync.
_ALWAYS_WRITTEN: Final = {"zoho_customer_id", "invoice_number", "status", "currency_code", "phone"}


def problems(
    inspector: Inspector,
    table: str,
    wanted: Mapping[str, sa.Column[Any]],
    names: Mapping[str, str],
    *,
    keyed_later: bool,
) -> Iterator[str]:
    """The reasons why booksync cannot work with the legacy table.

    `names` maps a wanted column to its present name. `keyed_later` means that adoption makes the column `id` unique.
    """
    found = {column["name"]: column for column in inspector.get_columns(table)}
    if missing := [column for column in wanted if column not in names]:
        yield f"The table {table} is there, but without {', '.join(missing)}: add what is missing"
    for column, name in names.items():
        if not is_step_text(table, column, found[name]["type"]):
            yield from _of_type(table, wanted[column], found[name])
            yield from _of_status(table, wanted[column], found[name])
    needs_key = table != "sync_metadata" and "id" in names and not keyed_later
    if needs_key and not is_unique(inspector, table, [names["id"]]):
        yield f"{table}.{names['id']} is neither the primary key nor unique, and booksync refers to rows by it"
    if table == "sync_metadata" and "user_id" in names and is_primary(inspector, table, names["user_id"]):
        yield (
            f"{table}.{names['user_id']} is the primary key, but booksync adds a row for each of a user's connections:"
            " make id the primary key"
        )


def misfits(inspector: Inspector, table: str, shared: Mapping[str, sa.Column[Any]]) -> Iterator[str]:
    """The shared columns that cannot hold booksync's values; each sentence names the solution."""
    for found in inspector.get_columns(table):
        column = found["name"]
        if column in shared and not _fits(shared[column], found["type"]):
            yield (
                f"{table}.{column} is of type {_name(found['type'])}, but booksync keeps"
                f" {_type_name(shared[column])} in a column of that name: rename yours"
                f" (ALTER TABLE {table} RENAME COLUMN {column} TO legacy_{column})"
            )


def is_step_text(table: str, column: str, kind: Any) -> bool:
    """Whether the column is `reminders.step`, stored as text. Phase 1 turns such a column into a number."""
    return (table, column) == ("reminders", "step") and family(kind) is sa.TEXT


@dataclass(frozen=True, slots=True)
class Loosening:
    """A limit of a column that is removed, because booksync's values may exceed it. All existing values stay valid."""

    column: str  #: the column's name in the table
    action: str  #: of ALTER COLUMN; it changes only the catalogue
    sentence: str


def loosenings(
    inspector: Inspector, table: str, wanted: Mapping[str, sa.Column[Any]], names: Mapping[str, str]
) -> Iterator[Loosening]:
    """The limits that adoption removes from a table's columns, so that booksync can write to the table."""
    found = {column["name"]: column for column in inspector.get_columns(table)}
    for column, name in names.items():
        kind = found[name]["type"]
        if is_step_text(table, column, kind):
            continue
        longest = _LONGEST_UUID if isinstance(wanted[column].type, sa.Uuid) else _LONGEST.get(column, sys.maxsize)
        if isinstance(kind, sa.VARCHAR) and kind.length is not None and kind.length < longest:
            sentence = f"let {table}.{name} hold more than {kind.length} characters: make it TEXT"
            yield Loosening(name, "TYPE text", sentence)
        if isinstance(kind, sa.Numeric) and family(kind) is sa.Numeric and kind.precision is not None:
            # Amounts need three digits after the point: a Kuwaiti dinar has a thousand fils, and a rounded amount would
            # differ from Zoho's in every sync.
            sentence = f"let {table}.{name} hold amounts as exact as Zoho's: make it NUMERIC"
            yield Loosening(name, "TYPE numeric", sentence)
        if wanted[column].nullable and column not in _ALWAYS_WRITTEN and not found[name]["nullable"]:
            yield Loosening(name, "DROP NOT NULL", f"let {table}.{name} be empty (NULL)")


def is_unique(inspector: Inspector, table: str, key: list[str]) -> bool:
    """Whether a unique index or constraint of the table has exactly the columns of `key`."""
    keys = [inspector.get_pk_constraint(table)["constrained_columns"]]
    keys += [each["column_names"] for each in inspector.get_unique_constraints(table)]
    keys += [
        [column or "" for column in each["column_names"]]
        for each in inspector.get_indexes(table)
        if each["unique"] and not each.get("dialect_options", {}).get("postgresql_where")
    ]
    return set(key) in [set(columns) for columns in keys]


def is_primary(inspector: Inspector, table: str, column: str) -> bool:
    """Whether this column alone is the primary key of the table."""
    return bool(inspector.get_pk_constraint(table)["constrained_columns"] == [column])


def _of_type(table: str, wanted: sa.Column[Any], found: Any) -> Iterator[str]:
    kind = found["type"]
    if not _fits(wanted, kind) and (table == "users" or conversion(wanted, kind) is None):
        needed = "UUID, TEXT or BIGINT" if (table, wanted.name) == ("users", "id") else _type_name(wanted)
        yield f"{table}.{found['name']} is of type {_name(kind)}, but booksync needs {needed}: change its type"


def _fits(wanted: sa.Column[Any], kind: Any) -> bool:
    return family(kind) is family(wanted.type) and not (isinstance(kind, sa.DateTime) and not kind.timezone)


def _of_status(table: str, wanted: sa.Column[Any], found: Any) -> Iterator[str]:
    # The status must be booksync's word for a pending reminder. Phase 3 would count reminders under another word as
    # sent.
    if (table, wanted.name) != ("reminders", "status"):
        return
    name, kind, default = f"{table}.{found['name']}", found["type"], found["default"]
    is_enum = isinstance(kind, sa.Enum)
    if default and not (default.lower() if is_enum else default).startswith("'scheduled'"):
        yield f"{name} has the default {default}, but booksync needs 'scheduled': it treats any other word as sent"
    elif is_enum and "scheduled" not in [label.lower() for label in kind.enums]:
        yield f"{name} is of type {_name(kind)} without the label 'scheduled': booksync treats any other word as sent"


def _name(kind: Any) -> str:
    return f"ENUM {kind.name}" if isinstance(kind, sa.Enum) else str(kind)


def _type_name(column: sa.Column[Any]) -> str:
    return type(column.type).__name__.upper()
