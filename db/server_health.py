"""What Postgres says about itself that may become a trouble: free connections, transaction ids, rights, waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from db.session import Session


@dataclass(frozen=True, slots=True)
class ServerHealth:
    """The limits of the Postgres server and how near it is to them."""

    connections: int  #: the connections of all databases of the server
    most_connections: int  #: those that a role without special rights may use
    transaction_age: int  #: the age of the database's oldest transaction id; Postgres stops at 2 billion
    lock_wait_seconds: float  #: the longest present wait of a booksync session for a lock; 0 without one


#: The columns are the fields of `ServerHealth`.
HEALTH: Final = text("""
    SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
           current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           AS most_connections,
           (SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database()) AS transaction_age,
           coalesce((SELECT max(extract(epoch FROM clock_timestamp() - state_change)) FROM pg_stat_activity
                      WHERE wait_event_type = 'Lock' AND application_name LIKE 'booksync%'
                        AND datname = current_database()), 0)::float AS lock_wait_seconds
""")


def health(db: Session) -> ServerHealth:
    """The limits of the server; sessions of other roles count, but their waits are hidden."""
    return ServerHealth(**db.execute(HEALTH).mappings().one())


def backend(db: Session) -> int:
    """The process id of the server's backend behind this connection; a pooler may change it between transactions."""
    pid: int = db.execute(text("SELECT pg_backend_pid()")).scalar_one()
    return pid


# The tables that only migrations use need no rights.
_WITHOUT_RIGHTS: Final = """
    SELECT relname::text FROM pg_class
     WHERE relnamespace = to_regnamespace('booksync') AND relkind = 'r'
       AND relname NOT LIKE 'migration%' AND relname <> 'booksync_alembic_version'
       AND NOT (has_schema_privilege('booksync', 'USAGE') AND {needed})
     ORDER BY relname
"""

MISSING_RIGHTS: Final = text(
    _WITHOUT_RIGHTS.format(
        needed="has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')"
        " AND has_table_privilege(oid, 'UPDATE')"
    )
)

#: The role of the web process reads at least a column of each table but two.
MISSING_RIGHTS_OF_WEB: Final = text(
    _WITHOUT_RIGHTS.format(
        needed="(has_any_column_privilege(oid, 'SELECT') OR relname IN ('erasure_receipts', 'entity_watermarks'))"
    )
)


def tables_without_rights(db: Session) -> Sequence[str]:
    """booksync's tables that this role cannot read, insert into or update."""
    return db.execute(MISSING_RIGHTS).scalars().all()


RECORDED_CLOCK: Final = text("""
    SELECT extract(epoch FROM server_time - received_at)::float FROM booksync.staged_pages
     WHERE server_time IS NOT NULL AND received_at > now() - interval '1 hour' ORDER BY received_at DESC LIMIT 1
""")


def zoho_clock_ahead_seconds(db: Session) -> float | None:
    """How far Zoho's clock was ahead of booksync's in the newest staged response; None without a recent one."""
    seconds: float | None = db.execute(RECORDED_CLOCK).scalar_one_or_none()
    return seconds
