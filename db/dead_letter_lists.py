"""Queries over dead_letters: one dead letter, a filtered list, and groups by error."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from db.connections import NAME
from db.dead_letter_decisions import BEING_RETRIED
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
    retry_run_id, closed_at, note, {_RECOVERED} AS recovered, {BEING_RETRIED} AS is_being_retried
"""

_CHOSEN = """
      FROM booksync.dead_letters AS dead_letter
     WHERE (CAST(:connection_id AS uuid) IS NULL OR dead_letter.connection_id = :connection_id)
       AND (CAST(:actor_name AS text) IS NULL OR dead_letter.actor_name = :actor_name)
       AND (CAST(:status AS text) IS NULL OR dead_letter.status = :status)
       AND (CAST(:fingerprint AS text) IS NULL OR dead_letter.fingerprint = :fingerprint)
       AND (CAST(:error_type AS text) IS NULL OR dead_letter.error_type = :error_type)
       AND (CAST(:until AS timestamptz) IS NULL OR dead_letter.last_died_at <= :until)
"""


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter for dead letters; a field with None filters nothing."""

    status: DeadLetterStatus | None = DeadLetterStatus.OPEN
    connection_id: uuid.UUID | None = None
    actor_name: str | None = None
    fingerprint: str | None = None
    error_type: str | None = None
    until: datetime | None = None  #: only those whose last failure was not later

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


def page(db: Session, choice: Choice, *, after: int | None = None, limit: int) -> list[Row]:
    """At most `limit` of the dead letters that a filter chooses, the last failure first, after the dead letter `after`.

    The columns are those of `found`.
    """
    # Postgres walks along the index of the open dead letters only if the status is a constant.
    is_open = "AND dead_letter.status = 'open'" if choice.status is DeadLetterStatus.OPEN else ""
    rows = db.execute(
        text(f"""
            SELECT {_COLUMNS} {_CHOSEN} {is_open}
               AND (CAST(:after AS bigint) IS NULL OR (dead_letter.last_died_at, dead_letter.id) <
                    (SELECT last_died_at, id FROM booksync.dead_letters WHERE id = :after))
             ORDER BY dead_letter.last_died_at DESC, dead_letter.id DESC LIMIT :limit
        """),  # noqa: S608
        choice.parameters() | {"after": after, "limit": limit},
    )
    return [dict(row) for row in rows.mappings()]


def ids(db: Session, choice: Choice, *, with_retried: bool = True) -> list[int]:
    """The ids of the dead letters that a filter chooses, in the order of their failures.

    Without `with_retried`, those whose retry has not ended yet are left out.
    """
    left_out = "" if with_retried else f"AND ({BEING_RETRIED}) IS NOT TRUE"
    rows = db.execute(
        text(f"SELECT id {_CHOSEN} {left_out} ORDER BY last_died_at, id"),
        choice.parameters(),
    )
    return list(rows.scalars())


@dataclass(frozen=True, slots=True)
class Group:
    """Dead letters with the same actor and error; the cause and the error are those of the last failure."""

    fingerprint: str
    actor: str
    dead_letters: int
    being_retried: int
    connections: int
    cause: str
    error_type: str
    error: str
    first_failed_at: datetime
    last_failed_at: datetime


def group_page(db: Session, choice: Choice, *, after: str | None = None, limit: int) -> list[Group]:
    """At most `limit` groups, the last failure first, after the group with the fingerprint `after`."""
    rows = db.execute(
        text(f"""
            SELECT fingerprint, actor_name AS actor, count(*) AS dead_letters,
                   count(*) FILTER (WHERE {BEING_RETRIED}) AS being_retried,
                   count(DISTINCT connection_id) AS connections,
                   (array_agg(cause ORDER BY last_died_at DESC))[1] AS cause,
                   (array_agg(error_type ORDER BY last_died_at DESC))[1] AS error_type,
                   (array_agg(error ORDER BY last_died_at DESC))[1] AS error,
                   min(first_died_at) AS first_failed_at, max(last_died_at) AS last_failed_at
            {_CHOSEN}
             GROUP BY fingerprint, actor_name
            HAVING CAST(:after AS text) IS NULL OR (max(last_died_at), fingerprint) <
                   (SELECT max(last_died_at), :after {_CHOSEN} AND dead_letter.fingerprint = :after)
             ORDER BY max(last_died_at) DESC, fingerprint DESC LIMIT :limit
        """),
        choice.parameters() | {"after": after, "limit": limit},
    )
    return [Group(**row) for row in rows.mappings()]


@dataclass(frozen=True, slots=True)
class Facets:
    """The values that the dead letters of one status have: what a filter can choose."""

    actors: list[str]
    error_types: list[str]
    connections: dict[uuid.UUID, str | None]  #: id → name
    now: datetime


_FACETS = text(f"""
    SELECT kinds.actor_name, kinds.error_type, c.id AS connection_id, {NAME} AS name, clock_timestamp() AS now
      FROM (SELECT) AS one
      LEFT JOIN (SELECT DISTINCT actor_name, error_type, connection_id FROM booksync.dead_letters
                  WHERE status = :status) AS kinds ON true
      LEFT JOIN booksync.zoho_connections AS c ON c.id = kinds.connection_id
     ORDER BY name, c.id
""")  # noqa: S608


def facets(db: Session, status: DeadLetterStatus) -> Facets:
    """What a filter over the dead letters of this status can choose."""
    rows = db.execute(_FACETS, {"status": status}).all()
    return Facets(
        actors=sorted({row.actor_name for row in rows if row.actor_name}),
        error_types=sorted({row.error_type for row in rows if row.error_type}),
        connections={row.connection_id: row.name for row in rows if row.connection_id},
        now=rows[0].now,
    )


def count(db: Session, choice: Choice) -> int:
    """The number of dead letters that a filter chooses."""
    return int(db.execute(text(f"SELECT count(*) {_CHOSEN}"), choice.parameters()).scalar_one())


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
