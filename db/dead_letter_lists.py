"""Queries over dead_letters: one dead letter, a filtered list, and the groups."""

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from db.dead_letters import UnknownLetterError
from db.session import Session
from domain.dead_letters import LetterStatus

# A later run of the connection has completed all of its work, which includes the work of this dead letter.
_RECOVERED = """
    letter.run_id IS NOT NULL AND EXISTS (
        SELECT 1 FROM sync_runs AS run
         WHERE run.connection_id = letter.connection_id AND run.status = 'succeeded'
           AND run.started_at > letter.last_died_at)
"""

_COLUMNS = f"""
    letter.id, letter.status, letter.cause, letter.queue_name, letter.actor_name AS actor, letter.arguments,
    letter.connection_id, letter.run_id, letter.message_id, letter.error_type, letter.error, letter.fingerprint,
    letter.attempts, letter.deaths, letter.first_died_at, letter.last_died_at, letter.retry_run_id, letter.closed_at,
    letter.note, {_RECOVERED} AS recovered
"""

_CHOSEN = """
      FROM dead_letters AS letter
     WHERE (CAST(:connection_id AS uuid) IS NULL OR letter.connection_id = :connection_id)
       AND (CAST(:actor_name AS text) IS NULL OR letter.actor_name = :actor_name)
       AND (CAST(:status AS text) IS NULL OR letter.status = :status)
       AND (CAST(:fingerprint AS text) IS NULL OR letter.fingerprint = :fingerprint)
"""


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter for dead letters; a field with None does not filter."""

    status: LetterStatus | None = LetterStatus.OPEN
    connection_id: uuid.UUID | None = None
    actor_name: str | None = None
    fingerprint: str | None = None

    def parameters(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


Row = dict[str, Any]


def letters(db: Session, choice: Choice, *, limit: int | None = None) -> list[Row]:
    """The dead letters in the order of their last failures, without history and traceback."""
    found = db.execute(
        text(f"SELECT {_COLUMNS} {_CHOSEN} ORDER BY letter.last_died_at, letter.id LIMIT :limit"),
        choice.parameters() | {"limit": limit},
    )
    return [dict(row) for row in found.mappings()]


def groups(db: Session, choice: Choice) -> list[Row]:
    """The dead letters by fingerprint, the largest group first; `error` is the latest, ids are in order of failure."""
    found = db.execute(
        text(f"""
            SELECT fingerprint, actor, count(*) AS letters, count(DISTINCT connection_id) AS connections,
                   (array_agg(cause ORDER BY last_died_at DESC))[1] AS cause,
                   (array_agg(error_type ORDER BY last_died_at DESC))[1] AS error_type,
                   (array_agg(error ORDER BY last_died_at DESC))[1] AS error,
                   sum(attempts)::int AS attempts, sum(deaths)::int AS deaths,
                   count(*) FILTER (WHERE recovered) AS recovered,
                   count(*) FILTER (WHERE retry_run_id IS NOT NULL) AS being_retried,
                   min(first_died_at) AS first_died_at, max(last_died_at) AS last_died_at,
                   array_agg(id ORDER BY last_died_at, id) AS ids
              FROM (SELECT {_COLUMNS} {_CHOSEN}) AS letter
             GROUP BY fingerprint, actor
             ORDER BY count(*) DESC, max(last_died_at) DESC
        """),  # noqa: S608
        choice.parameters(),
    )
    return [dict(row) for row in found.mappings()]


def letter(db: Session, letter_id: int) -> Row:
    """One dead letter with all its columns.

    Raises:
        UnknownLetterError: no dead letter has this id.
    """
    row = (
        db.execute(
            text(f"SELECT {_COLUMNS}, traceback, history FROM dead_letters AS letter WHERE id = :id"),  # noqa: S608
            {"id": letter_id},
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise UnknownLetterError(
            f"No dead letter has the id {letter_id}: see `booksync dead-letters list --status all`."
        )
    return dict(row)
