"""Arrays as texts for `unnest`: a column of arrays is passed as texts, because `unnest` would flatten nested arrays."""

from collections.abc import Iterable


def array_literal(values: Iterable[object] | None) -> str | None:
    """The values as the text of a one-dimensional Postgres array, for a cast in the statement; None for None."""
    if values is None:
        return None
    quoted = (str(value).replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"
