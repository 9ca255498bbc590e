"""The column for the webhooks that a connection has refused, by hour, which the console shows as a chart.

It is one column of the connection's row, because the row is written for each count of refusals anyway. Accepted
webhooks need no counter: their events are rows. Two revisions add the column, one at the end of phase 2, one at the end
of phase 3. The module `handover` gives the reason.
"""

from typing import Final

from db.migrations.additions import add_columns, drop_columns
from db.migrations.schemas import SCHEMA
from db.migrations.steps import Raw

_CONNECTIONS: Final = f"{SCHEMA}.zoho_connections"
_COLUMNS: Final = ("webhooks_refused_by_hour jsonb NOT NULL DEFAULT '{}'::jsonb",)


def add(connection: Raw) -> None:
    """Add the column."""
    add_columns(connection, _CONNECTIONS, _COLUMNS)


def remove(connection: Raw) -> None:
    """Drop the column.

    A database that had left phase 2 before booksync had a schema of its own has nothing to remove.
    """
    if connection.execute("SELECT WHERE to_regclass(%s) IS NULL", [_CONNECTIONS]).fetchone() is None:
        drop_columns(connection, _CONNECTIONS, _COLUMNS)
