"""The upsert into a cache table, made from declared columns. The model of the table gives their names and SQL types."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Any, Generic, TypeVar

from sqlalchemy.dialects import postgresql

from db.connections import Connection
from db.models import Base
from db.pipelines import Numbered, pipelined, returned
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


def records_of(columns: Sequence[Column[RowT]], rows: Sequence[RowT]) -> list[dict[str, Any]]:
    """The values of each row by column."""
    return [{column.name: column.value(row) for column in columns} for row in rows]


def recordset(model: type[Base], columns: Sequence[Column[Any]], name: str, *, key: str | None = None) -> str:
    """The SQL table expression of the rows in the parameter `rows`, with the types that the columns have in the model.

    With `key`, a column of the model that is not declared, the rows have it too.
    """
    names = [*([key] if key else []), *(column.name for column in columns)]
    return (
        f"json_to_recordset(%(rows)s::json) AS {name} ({', '.join(f'{each} {_type(model, each)}' for each in names)})"
    )


def names_of(columns: Sequence[Column[Any]]) -> str:
    return ", ".join(column.name for column in columns)


def upsert_of(model: type[Base], key: str, columns: Sequence[Column[Any]], *, gate: str) -> Numbered:
    """The INSERT … ON CONFLICT with the declared columns; the first column is `key`, Zoho's id.

    Two kinds of existing rows are not changed: a row of another connection, and a row that is newer than the read one
    by the condition `gate` (made in `db.gate`). The condition is tested here although the caller has compared the rows,
    because another transaction may have inserted the row since. For the same reason the statement keeps the values that
    `OnConflict` names.
    """
    changed = ", ".join(f"{c.name} = {c.on_conflict.format(name=c.name)}" for c in columns if c.name != key)
    return Numbered.of(f"""
        INSERT INTO {model.__table__} AS cached (user_id, connection_id, {names_of(columns)})
        SELECT %(user_id)s, %(connection_id)s, {names_of(columns)}
          FROM {recordset(model, columns, "batch")}
        ON CONFLICT (user_id, {key}) DO UPDATE
           SET {changed},
               connection_id = excluded.connection_id,
               gone_at = CASE WHEN excluded.observed_at > cached.gone_at THEN NULL ELSE cached.gone_at END,
               local_last_synced_at = now(),
               updated_at = now()
         WHERE {gate} AND (cached.connection_id IS NULL OR cached.connection_id = excluded.connection_id)
        RETURNING id, {key}, (xmax = 0) AS is_new
    """)  # noqa: S608  (names of the models, and constants)


def write(
    db: Session,
    connection: Connection,
    statement: Numbered,
    batches: Iterable[str],
    *,
    stamps_may_go_back: bool,
) -> Written:
    """Run an upsert of `upsert_of` for each batch of records (`as_json`), and return the written rows.

    Each batch is sent at once, so Postgres writes it while an iterator makes the next batch. The iterator must not use
    `db`.
    """
    constants = {
        "user_id": connection.user_id,
        "connection_id": connection.connection_id,
        "stamps_may_go_back": stamps_may_go_back,
    }
    remaining = iter(batches)
    first = next(remaining, None)
    if first is None:
        return Written({}, {})
    with pipelined(db):
        sent = [returned(db, statement, {**constants, "rows": batch}) for batch in chain([first], remaining)]
    rows = [row for cursor in sent for row in cursor]
    new = {zoho_id: our_id for our_id, zoho_id, is_new in rows if is_new}
    updated = {zoho_id: our_id for our_id, zoho_id, is_new in rows if not is_new}
    return Written(new, updated)


def _type(model: type[Base], name: str) -> str:
    return model.__table__.c[name].type.compile(dialect=_DIALECT)
