"""Rows in batches. A statement gets each batch as one parameter."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import orjson

_T = TypeVar("_T")

#: Rows per statement (TR-4: batches of 100). A page has several batches: Postgres writes one while this process makes
#: the next.
BATCH = 100


def in_batches(rows: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """The rows in parts of `BATCH`."""
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def as_json(rows: Sequence[object]) -> str:
    """Rows (mappings or dataclasses) as one parameter for `json_to_recordset`; psycopg takes much longer for arrays."""
    return orjson.dumps(rows, default=str).decode()
