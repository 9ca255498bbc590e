"""Families of column types: two types of one family hold the same kind of values."""

from typing import Any, Final

import sqlalchemy as sa

_FAMILIES: Final = (sa.Boolean, sa.TEXT, sa.VARCHAR, sa.Uuid, sa.Date, sa.Numeric, sa.Integer, sa.DateTime)


def family(kind: Any) -> type[Any] | None:
    """The family of a reflected type; None for a type that booksync never uses."""
    if isinstance(kind, sa.Enum):
        return sa.Enum  # Enum is a subclass of String in SQLAlchemy.
    if isinstance(kind, sa.Float):
        return sa.Float  # Float is a subclass of Numeric in SQLAlchemy, but holds no exact amount.
    found = next((each for each in _FAMILIES if isinstance(kind, each)), None)
    return sa.TEXT if found is sa.VARCHAR or type(kind) is sa.Text else found
