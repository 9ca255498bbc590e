"""Nested arrays for `unnest`: booksync passes a column of arrays as texts, because `unnest` flattens nested arrays."""

from collections.abc import Iterable


def array_literal(values: Iterable[object] | None) -> str | None:
    """The values as the text of a one-dimensional Postgres array, which the statement casts; None stays NULL."""
    if values is None:
        return None
    quoted = (str(value).replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"
