"""The tables that the host application shares with booksync, and their columns with booksync's own state."""

from collections.abc import Mapping
from typing import Final

SHARED_TABLES: Final = ("users", "invoices_cache", "reminders", "sync_metadata")

#: Columns of the shared tables that hold booksync's own state. If another program wrote such a column, booksync would
#: act on the value.
STATE_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "invoices_cache": (
        "connection_id",
        "observed_at",
        "plan_at",
        "plan_outcome",
        "customer_id",
        "asked_version",
        "gone_at",
        "truth_checked_at",
    ),
    "reminders": ("day", "closes_at", "contact_id", "customer_id", "handover_id"),
    "sync_metadata": ("connection_id",),
}


def state_column_taken(table: str, column: str) -> str:
    """The error sentence for a column of the older application that has the name of one of booksync's state columns."""
    return (
        f"{table}.{column} is there, but booksync keeps its own state in a column of that name: rename yours"
        f" (ALTER TABLE {table} RENAME COLUMN {column} TO legacy_{column})"
    )
