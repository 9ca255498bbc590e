"""One statement that tells a scheduler which work is due now, and when further work is due."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from db.session import Session


@dataclass(frozen=True, slots=True)
class DueWork:
    """Seconds until work of each kind is due: 0 or less for due work, infinity without work of that kind."""

    sweep_in: float  #: until the message of a run step is overdue
    sync_in: float  #: until the sync of an active connection without a run is due
    task_in: float  #: until the first of the periodic tasks is due
    due_tasks: Sequence[str]  #: the names of the due periodic tasks
    has_waiting_records: bool  #: whether records of active connections wait for a refresh

    @property
    def is_any(self) -> bool:
        return self.has_waiting_records or self.next_in <= 0

    @property
    def next_in(self) -> float:
        """The seconds until the next sweep, sync or periodic task is due."""
        return min(self.sweep_in, self.sync_in, self.task_in)


# Each part reads a partial index or a small table. The first due sync is found by ORDER BY and LIMIT, because min()
# beside NOT EXISTS would read all connections. The conditions are those of the statements that do the work:
# `runs.sweep`, `sync_schedule.take_due`, `scheduler_marks.take`, and for waiting records `refreshes.sweep`,
# `refreshes.take_turn` and `floods.flooded`, which have further conditions.
_LOOK = text("""
    SELECT extract(epoch FROM (SELECT min(sweep_at) FROM booksync.sync_runs WHERE status = 'running')
                            - clock_timestamp())::float AS sweep_in,
           extract(epoch FROM (SELECT least(next_sync_at, next_full_sync_at)
                                 FROM booksync.zoho_connections connection
                                WHERE status = 'active' AND least(next_sync_at, next_full_sync_at) IS NOT NULL
                                  AND NOT EXISTS (SELECT FROM booksync.sync_runs
                                                   WHERE connection_id = connection.id AND status = 'running')
                                ORDER BY 1 LIMIT 1)
                            - clock_timestamp())::float AS sync_in,
           task.due_in AS task_in, task.due AS due_tasks,
           EXISTS (SELECT FROM booksync.refreshes
                    WHERE received > handled
                      AND connection_id IN (SELECT id FROM booksync.zoho_connections WHERE status = 'active')
           ) AS has_waiting_records
      FROM (SELECT min(due_in) AS due_in, coalesce(array_agg(name) FILTER (WHERE due_in <= 0), '{}') AS due
              FROM (SELECT task.name,
                           coalesce(extract(epoch FROM mark.marked_at - clock_timestamp()) + task.seconds, 0)::float
                           AS due_in
                      FROM unnest(CAST(:names AS text[]), CAST(:seconds AS float[])) AS task (name, seconds)
                      LEFT JOIN booksync.scheduler_marks mark ON mark.name = task.name) each) task
""")


def look(db: Session, every_seconds: Mapping[str, float]) -> DueWork:
    """The seconds until work of each kind is due, by one statement.

    `every_seconds` has the interval of each periodic task, by the name of its scheduler mark.
    """
    row = db.execute(_LOOK, {"names": list(every_seconds), "seconds": list(every_seconds.values())}).one()
    return DueWork(
        sweep_in=_or_never(row.sweep_in),
        sync_in=_or_never(row.sync_in),
        task_in=_or_never(row.task_in),
        due_tasks=row.due_tasks,
        has_waiting_records=row.has_waiting_records,
    )


def _or_never(seconds: float | None) -> float:
    return math.inf if seconds is None else seconds
