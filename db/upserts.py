"""The upsert into a cache table, made from declared columns. The model of the table gives their names and SQL types."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

import orjson
from sqlalchemy import ARRAY
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB

from db.connections import Connection
from db.models import Base
from db.session import Session

RowT = TypeVar("RowT", contravariant=True)

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


class OnConflict(StrEnum):
    """How an upsert sets a column of an existing row, in SQL: `excluded` is the read row, `cached` the existing one."""

    REPLACE = "excluded.{name}"
    KEEP_IF_MISSING = "coalesce(excluded.{name}, cached.{name})"
    #: A fact that only detail responses have: only another detail response may clear it.
    KEEP_WITHOUT_DETAILS = (
        "CASE WHEN excluded.details_observed_at IS NULL"
        " THEN coalesce(excluded.{name}, cached.{name}) ELSE excluded.{name} END"
    )


@dataclass(frozen=True, slots=True)
class Column(Generic[RowT]):
    """A column of a cache table, and how to get its value from a row."""

    name: str
    value: Callable[[RowT], Any]
    on_conflict: OnConflict = OnConflict.REPLACE


@dataclass(frozen=True, slots=True)
class Written:
    """The rows that an upsert has written, as Zoho's id → booksync's id."""

    new: Mapping[str, uuid.UUID]
    updated: Mapping[str, uuid.UUID]


def values_of(model: type[Base], columns: Sequence[Column[RowT]], rows: Sequence[RowT]) -> dict[str, list[Any]]:
    """The parameters of `unnest_of`: a list of values for each column, in the order of the rows."""
    values: dict[str, list[Any]] = {}
    for column in columns:
        found: Iterable[Any] = map(column.value, rows)
        kind = model.__table__.c[column.name].type
        if isinstance(kind, JSONB):
            found = (orjson.dumps(value).decode() for value in found)
        elif isinstance(kind, ARRAY):
            found = map(_array_literal, found)
        values[column.name] = list(found)
    return values


def unnest_of(model: type[Base], columns: Sequence[Column[Any]]) -> str:
    """The rows as an SQL table expression. Columns of arrays are passed as texts; `selected` casts them."""
    arrays = (f"%({column.name})s::{_passed_as(model, column)}[]" for column in columns)
    return f"unnest({', '.join(arrays)})"


def selected(model: type[Base], column: Column[Any], batch: str) -> str:
    """The SQL that selects a column of `unnest_of` (named `batch`), cast to its type in the model."""
    return f"{batch}.{column.name}::{_type(model, column)}"


def names_of(columns: Sequence[Column[Any]]) -> str:
    return ", ".join(column.name for column in columns)


def upsert_of(model: type[Base], key: str, columns: Sequence[Column[Any]], *, gate: str) -> str:
    """The INSERT … ON CONFLICT with the declared columns; the first column is `key`, Zoho's id.

    Two kinds of existing rows are not changed: a row of another connection, and a row that is newer than the read one
    by the condition `gate` (made in `db.gate`). The condition is tested here although the caller has compared the rows,
    because another transaction may have inserted the row since. For the same reason the statement keeps the values that
    `OnConflict` names.
    """
    changed = ", ".join(f"{c.name} = {c.on_conflict.format(name=c.name)}" for c in columns if c.name != key)
    return f"""
        INSERT INTO {model.__table__} AS cached (user_id, connection_id, {names_of(columns)})
        SELECT %(user_id)s, %(connection_id)s, {", ".join(selected(model, column, "batch") for column in columns)}
          FROM {unnest_of(model, columns)} AS batch ({names_of(columns)})
        ON CONFLICT (user_id, {key}) DO UPDATE
           SET {changed},
               connection_id = excluded.connection_id,
               gone_at = CASE WHEN excluded.observed_at > cached.gone_at THEN NULL ELSE cached.gone_at END,
               local_last_synced_at = now(),
               updated_at = now()
         WHERE {gate} AND (cached.connection_id IS NULL OR cached.connection_id = excluded.connection_id)
        RETURNING id, {key}, (xmax = 0) AS is_new
    """  # noqa: S608  (names of the models, and constants)


def write(
    db: Session,
    connection: Connection,
    statement: str,
    values: Mapping[str, list[Any]],
    *,
    stamps_may_go_back: bool,
) -> Written:
    """Run an upsert of `upsert_of` and return the written rows."""
    rows = db.exec_driver_sql(
        statement,
        {
            "user_id": connection.user_id,
            "connection_id": connection.connection_id,
            "stamps_may_go_back": stamps_may_go_back,
            **values,
        },
    ).all()
    new = {zoho_id: our_id for our_id, zoho_id, is_new in rows if is_new}
    updated = {zoho_id: our_id for our_id, zoho_id, is_new in rows if not is_new}
    return Written(new, updated)


def _type(model: type[Base], column: Column[Any]) -> str:
    return model.__table__.c[column.name].type.compile(dialect=_DIALECT)


def _passed_as(model: type[Base], column: Column[Any]) -> str:
    is_array = isinstance(model.__table__.c[column.name].type, ARRAY)
    return "text" if is_array else _type(model, column)


def _array_literal(values: Iterable[object] | None) -> str | None:
    """The values as the text of a one-dimensional Postgres array; None for None.

    `unnest` would flatten nested arrays, so a column of arrays is passed as texts, which the statement casts.
    """
    if values is None:
        return None
    quoted = (str(value).replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"
