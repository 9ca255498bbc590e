"""An index for the scheduler, which looks once per tick for the connection whose sync is due first.

Two revisions build it, one at the end of phase 2, one at the end of phase 3. The module `handover` gives the reason.
"""

from typing import Final

from db.migrations.additions import build_indexes, drop_indexes
from db.migrations.steps import Raw

#: Name → table, key and condition.
INDEXES: Final = {
    "ix_zoho_connections_due": "zoho_connections (least(next_sync_at, next_full_sync_at)) WHERE status = 'active'"
}


def add(connection: Raw) -> None:
    """Build the index while the table is in use."""
    build_indexes(connection, INDEXES)


def remove(connection: Raw) -> None:
    """Drop the index that `add` has built."""
    drop_indexes(connection, INDEXES)
