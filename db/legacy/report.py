"""The outcome of every value of the older application, read from migration_receipt, and the values themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

import psycopg
from sqlalchemy import Connection, text

from db.legacy.receipts import UNACCOUNTED
from db.migrations.errors import MigrationError
from db.migrations.revisions import current_revision
from db.migrations.schemas import use_schemas


@dataclass(frozen=True, slots=True)
class Report:
    """The outcomes of the legacy rows and of their values, in numbers."""

    revision: str | None
    #: The number of invoices without a complete receipt: all before phase 2, 0 after phase 3.
    unaccounted: int
    rows: dict[str, dict[str, int]]  #: table → outcome → number of rows
    values: dict[str, dict[str, int]]  #: old column → outcome → number of values
    quarantined: dict[str, int]  #: reason → number of rows
    late: int  #: changes of a copy by an application after the backfill had read it


_CURRENT: Final = """
    current AS (
        SELECT DISTINCT ON (row_id, table_name) * FROM migration_receipt ORDER BY row_id, table_name, id DESC
    )
"""
_VALUE_OUTCOME: Final = """
    CASE WHEN receipt.outcome = 'quarantined' THEN 'quarantined'
        WHEN entry.key = ANY(receipt.unfit) THEN 'kept'
        WHEN entry.key = ANY(receipt.merged) THEN 'merged'
        ELSE 'moved' END
"""
_ROWS: Final = f"WITH {_CURRENT} SELECT table_name, outcome, count(*) FROM current GROUP BY 1, 2 ORDER BY 1, 2"  # noqa: S608
_VALUES: Final = f"""
    WITH {_CURRENT}
    SELECT entry.key, {_VALUE_OUTCOME}, count(*)
    FROM current AS receipt CROSS JOIN LATERAL jsonb_each_text(receipt.legacy) AS entry
    WHERE entry.value IS NOT NULL AND receipt.table_name = 'invoices_cache'
        AND entry.key IN ('customer_name', 'customer_phone', 'customer_country_code', 'customer_timezone')
    GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608
_REASONS: Final = f"""
    WITH {_CURRENT}
    SELECT reason, count(*) AS count FROM current WHERE outcome = 'quarantined' GROUP BY 1 ORDER BY 1
"""  # noqa: S608
_LATE: Final = """
    SELECT count(*) FROM migration_receipt AS receipt WHERE recorded_by = 'application' AND EXISTS (
        SELECT FROM migration_receipt AS earlier
        WHERE earlier.row_id = receipt.row_id AND earlier.table_name = receipt.table_name AND earlier.id < receipt.id
    )
"""

#: The columns of the exported receipt.
VALUE_COLUMNS: Final = (
    "table_name",
    "row_id",
    "user_id",
    "column_name",
    "value",
    "outcome",
    "reason",
    "customer_id",
    "won_by",
    "is_current",
    "recorded_by",
    "recorded_at",
)
_ALL_VALUES: Final = f"""
    SELECT receipt.table_name, receipt.row_id, receipt.user_id, entry.key, entry.value, {_VALUE_OUTCOME},
        receipt.reason, receipt.customer_id, coalesce((receipt.winners ->> entry.key)::uuid, receipt.won_by),
        NOT EXISTS (
            SELECT FROM migration_receipt AS later
            WHERE later.row_id = receipt.row_id AND later.table_name = receipt.table_name AND later.id > receipt.id
        ),
        receipt.recorded_by, receipt.recorded_at
    FROM migration_receipt AS receipt CROSS JOIN LATERAL jsonb_each_text(receipt.legacy) AS entry
    WHERE entry.value IS NOT NULL
    ORDER BY receipt.id, entry.key
"""  # noqa: S608
_PAGE: Final = 1000


def report(connection: Connection) -> Report:
    """The numbers of rows and values by outcome. Each row is counted once, by its newest receipt.

    Raises:
        MigrationError: the database has no receipts yet.
    """
    _find_receipt(connection)
    rows: dict[str, dict[str, int]] = {}
    for table, outcome, count in connection.execute(text(_ROWS)):
        rows.setdefault(table, {})[outcome] = count
    values: dict[str, dict[str, int]] = {}
    for column, outcome, count in connection.execute(text(_VALUES)):
        values.setdefault(column, {})[outcome] = count
    return Report(
        revision=current_revision(connection),
        unaccounted=_count_unaccounted(connection),
        rows=rows,
        values=values,
        quarantined={row[0]: row[1] for row in connection.execute(text(_REASONS))},
        late=connection.scalar(text(_LATE)) or 0,
    )


def values(connection: Connection) -> Iterator[tuple[Any, ...]]:
    """Every value of every receipt, the oldest first, in the order of `VALUE_COLUMNS`; read page by page.

    Raises:
        MigrationError: the database has no receipts yet.
    """
    _find_receipt(connection)
    for row in connection.execution_options(yield_per=_PAGE).execute(text(_ALL_VALUES)):
        yield tuple(row)


def _find_receipt(connection: Connection) -> None:
    use_schemas(cast("psycopg.Connection[Any]", connection.connection.driver_connection))
    if connection.scalar(text("SELECT to_regclass('migration_receipt')")) is None:
        raise MigrationError("The receipt does not exist yet: `booksync migrate --to phase2` writes it")


def _count_unaccounted(connection: Connection) -> int:
    columns = set(
        connection.scalars(
            text("""
                SELECT attname FROM pg_attribute
                WHERE attrelid = to_regclass('invoices_cache') AND attname IN ('customer_id', 'customer_name')
            """)
        )
    )
    if "customer_name" not in columns:
        return 0
    every = "SELECT count(*) FROM invoices_cache"
    return connection.scalar(text(UNACCOUNTED if "customer_id" in columns else every)) or 0
