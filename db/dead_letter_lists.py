"""Queries over dead_letters: one dead letter, a filtered list, and groups by error."""

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from db.dead_letters import UnknownDeadLetterError
from db.session import Session
from domain.dead_letters import DeadLetterStatus

# A later run of the connection has completed all of its work, and so the work of this dead letter too.
_RECOVERED = """
    dead_letter.run_id IS NOT NULL AND EXISTS (
        SELECT 1 FROM booksync.sync_runs AS run
         WHERE run.connection_id = dead_letter.connection_id AND run.status = 'succeeded'
           AND run.started_at > dead_letter.last_died_at)
"""

_COLUMNS = f"""
    id, status, cause, queue_name, actor_name AS actor, arguments, connection_id, run_id, message_id, error_type, error,
    fingerprint, attempts, deaths AS failures, first_died_at AS first_failed_at, last_died_at AS last_failed_at,
    retry_run_id, closed_at, note, {_RECOVERED} AS recovered
"""

_CHOSEN = """
      FROM booksync.dead_letters AS dead_letter
     WHERE (CAST(:connection_id AS uuid) IS NULL OR dead_letter.connection_id = :connection_id)
       AND (CAST(:actor_name AS text) IS NULL OR dead_letter.actor_name = :actor_name)
       AND (CAST(:status AS text) IS NULL OR dead_letter.status = :status)
       AND (CAST(:fingerprint AS text) IS NULL OR dead_letter.fingerprint = :fingerprint)
"""


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter for dead letters; a field with None filters nothing."""

    status: DeadLetterStatus | None = DeadLetterStatus.OPEN
    connection_id: uuid.UUID | None = None
    actor_name: str | None = None
    fingerprint: str | None = None

    def parameters(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


Row = dict[str, Any]


def found(db: Session, choice: Choice, *, limit: int | None = None) -> list[Row]:
    """The dead letters that a filter chooses, ordered by last failure, without the columns history and traceback."""
    rows = db.execute(
        text(f"SELECT {_COLUMNS} {_CHOSEN} ORDER BY dead_letter.last_died_at, dead_letter.id LIMIT :limit"),
        choice.parameters() | {"limit": limit},
    )
    return [dict(row) for row in rows.mappings()]


def groups(db: Session, choice: Choice) -> list[Row]:
    """The dead letters grouped by actor and error (the column `fingerprint`), the largest group first.

    `cause`, `error_type` and `error` are those of the group's last failure. `ids` has the ids of the group's dead
    letters, ordered by their last failures.
    """
    found = db.execute(
        text(f"""
            SELECT fingerprint, actor, count(*) AS dead_letters, count(*) AS letters,
                   count(DISTINCT connection_id) AS connections,
                   (array_agg(cause ORDER BY last_failed_at DESC))[1] AS cause,
                   (array_agg(error_type ORDER BY last_failed_at DESC))[1] AS error_type,
                   (array_agg(error ORDER BY last_failed_at DESC))[1] AS error,
                   sum(attempts)::int AS attempts, sum(failures)::int AS failures,
                   count(*) FILTER (WHERE recovered) AS recovered,
                   count(*) FILTER (WHERE retry_run_id IS NOT NULL) AS being_retried,
                   min(first_failed_at) AS first_failed_at, max(last_failed_at) AS last_failed_at,
                   array_agg(id ORDER BY last_failed_at, id) AS ids
              FROM (SELECT {_COLUMNS} {_CHOSEN}) AS dead_letter
             GROUP BY fingerprint, actor
             ORDER BY count(*) DESC, max(last_failed_at) DESC
        """),  # noqa: S608
        choice.parameters(),
    )
    return [dict(row) for row in found.mappings()]


def dead_letter(db: Session, dead_letter_id: int) -> Row:
    """One dead letter with all its columns.

    Raises:
        UnknownDeadLetterError: no dead letter has this id.
    """
    row = (
        db.execute(
            text(f"SELECT {_COLUMNS}, traceback, history FROM booksync.dead_letters AS dead_letter WHERE id = :id"),  # noqa: S608
            {"id": dead_letter_id},
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise UnknownDeadLetterError(
            f"No dead letter has the id {dead_letter_id}: see `booksync dead-letters list --status all`."
        )
    return dict(row)
