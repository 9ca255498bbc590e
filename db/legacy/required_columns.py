"""Columns of the application that are unknown to booksync and NOT NULL without a default.

booksync inserts rows without them. Adoption gives each a default, or lets it be NULL where no default can be right.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine.reflection import Inspector

_INSERTED_INTO: Final = {"invoices_cache", "reminders", "sync_metadata"}

#: Type → the default that says least. More special types come first.
_DEFAULTS: Final[tuple[tuple[type[Any], str], ...]] = (
    (sa.ARRAY, "'{}'"),
    (sa.JSON, "'{}'"),
    (sa.Boolean, "false"),
    (sa.Uuid, "gen_random_uuid()"),
    (sa.Numeric, "0"),
    (sa.Float, "0"),
    (sa.Integer, "0"),
    (sa.Date, "current_date"),
    (sa.LargeBinary, "''"),
    (postgresql.CITEXT, "''"),
    (sa.String, "''"),
)


def unwritten(inspector: Inspector, table: str, written: Collection[str]) -> Iterator[str]:
    """The columns that make booksync's INSERT into the legacy table fail, as sentences.

    booksync writes only the columns `written`.
    """
    for column in required(inspector, table, written):
        yield (
            f"{table}.{column['name']} is NOT NULL and has no default, and booksync inserts rows without it:"
            " give it a default"
        )


def required(inspector: Inspector, table: str, written: Collection[str]) -> list[Any]:
    """The reflected columns that need a value which booksync does not write."""
    if table not in _INSERTED_INTO:
        return []
    return [
        column
        for column in inspector.get_columns(table)
        if column["name"] not in written
        and not (column["nullable"] or column["default"] or column.get("identity") or column.get("computed"))
    ]


def neutral_default(inspector: Inspector, table: str, column: Any) -> str | None:
    """A default for a required column, in SQL; None if each row needs its own value, as a key or a reference does."""
    name, kind = column["name"], column["type"]
    keys: list[Sequence[str | None]] = [each["constrained_columns"] for each in inspector.get_foreign_keys(table)]
    keys.append(inspector.get_pk_constraint(table)["constrained_columns"])
    keys += [each["column_names"] for each in inspector.get_unique_constraints(table)]
    keys += [each["column_names"] for each in inspector.get_indexes(table) if each["unique"]]
    if any(name in key for key in keys):
        return None
    if isinstance(kind, sa.Enum):
        label = kind.enums[0].replace("'", "''")
        return f"'{label}'"
    if isinstance(kind, sa.DateTime):
        return "now()" if kind.timezone else "(now() AT TIME ZONE 'UTC')"
    return next((default for each, default in _DEFAULTS if isinstance(kind, each)), None)


def is_in_primary_key(inspector: Inspector, table: str, column: str) -> bool:
    """Whether the column can never be NULL, because it is in the primary key."""
    return column in inspector.get_pk_constraint(table)["constrained_columns"]
