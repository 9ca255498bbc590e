"""Work on a big table in batches of keys. Each batch is a small transaction that also records the position."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from alembic import op
from psycopg import sql
from psycopg.types.json import Jsonb

from db.migrations.steps import Raw, patiently, planning_without

#: The rows of a batch. A batch takes some tens of milliseconds, the longest time that another session waits for a row.
BATCH: Final = 500

_LEAST: Final = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a migration step over a table has come."""

    step: str
    done: int  #: the number of rows that are done
    total: int | None  #: Postgres's own estimate of all rows, never below `done`; None if unknown


def over_rows(
    connection: Raw,
    step: str,
    table: str,
    work: Callable[[Sequence[uuid.UUID]], None],
    *,
    where_null: str | None = None,
) -> None:
    """Call `work` with the keys of a table's rows, batch by batch in key order.

    After a kill, the next call continues from the recorded position. With `where_null`, only the rows in which this
    column is NULL are passed.
    """
    # Rows that are inserted behind the cursor are not visited, because the triggers handle them.
    wanted = sql.SQL("AND {} IS NULL").format(sql.Identifier(where_null)) if where_null else sql.SQL("")
    keys = sql.SQL("SELECT id FROM {} WHERE id > %s {} ORDER BY id LIMIT %s").format(sql.Identifier(table), wanted)

    def next_batch(after: Any) -> tuple[int, Any]:
        ids = [row[0] for row in connection.execute(keys, [after or str(_LEAST), BATCH])]
        if ids:
            work(ids)
        return len(ids), str(ids[-1]) if ids else None

    over_keys(connection, step, next_batch, total=None if where_null else _estimate(connection, table))


def over_keys(
    connection: Raw, step: str, next_batch: Callable[[Any], tuple[int, Any]], *, total: int | None = None
) -> None:
    """Call `next_batch(position)`, which returns (rows done, new position), until the new position is None.

    Each call is one transaction, which also records the new position.
    """
    position, done = _noted(connection, step)

    def one_transaction() -> tuple[int, Any]:
        with connection.transaction():
            count, reached = next_batch(position)
            _note(connection, step, reached, done + count)
        return count, reached

    with planning_without(connection, "seqscan", "hashjoin", "mergejoin"):
        while True:
            count, position = patiently(one_transaction)
            if position is None:
                return
            done += count
            _tell(Progress(step, done, max(total, done) if total else None))


def _tell(progress: Progress) -> None:
    config = op.get_context().config
    if config is not None and (told := config.attributes.get("on_progress")):
        told(progress)


def _noted(connection: Raw, step: str) -> tuple[Any, int]:
    row = connection.execute("SELECT position, done FROM migration_progress WHERE step = %s", [step]).fetchone()
    return (row[0], row[1]) if row else (None, 0)


def _note(connection: Raw, step: str, position: Any, done: int) -> None:
    if position is None:
        connection.execute("DELETE FROM migration_progress WHERE step = %s", [step])
        return
    connection.execute(
        """
        INSERT INTO migration_progress (step, position, done) VALUES (%s, %s, %s)
        ON CONFLICT (step) DO UPDATE SET position = excluded.position, done = excluded.done
        """,
        [step, Jsonb(position), done],
    )


def _estimate(connection: Raw, table: str) -> int:
    row = connection.execute("SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)", [table]).fetchone()
    return max(int(row[0]), 0) if row else 0
