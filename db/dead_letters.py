"""Statements over dead_letters: messages that exhausted their retries and wait for a person's decision.

Lock order: the end of a run and a retry both lock the run's row before the run's dead letters, to avoid deadlocks.
"""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from psycopg.types.json import Jsonb
from sqlalchemy import text

from db.session import Session
from domain.dead_letters import Cause, DeadLetterStatus
from domain.errors import BooksyncError


class UnknownDeadLetterError(BooksyncError):
    """No dead letter has this id."""


@dataclass(frozen=True, slots=True)
class NewDeadLetter:
    """A message that exhausted its retries, as booksync stores it: ids only, and an error without data."""

    cause: Cause
    queue_name: str
    actor_name: str
    arguments: dict[str, Any]  #: the message's arguments, ids only: {"args": […], "kwargs": {…}}
    error_type: str
    error: str
    fingerprint: str
    traceback: str | None = None  #: the lines of code of the traceback, no values
    attempts: int = 1
    message_id: str | None = None
    connection_id: uuid.UUID | None = None
    run_id: uuid.UUID | None = None
    dead_letter_id: int | None = None  #: the dead letter whose retry the failed message was; else None


# Failures are rare, and a retry may fail at the same time as a similar message. The lock prevents that the retry and
# the message both create a dead letter.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('booksync dead letters'))")

# Redis may deliver a message again if a worker failed before it had moved the message to the dead letters. The failure
# is counted once.
_IS_KNOWN = text("SELECT EXISTS (SELECT 1 FROM booksync.dead_letters WHERE message_id = :message_id)")

_SAME_TROUBLE = text("""
    SELECT id FROM booksync.dead_letters
     WHERE status = 'open' AND subject = :subject AND actor_name = :actor_name AND fingerprint = :fingerprint
""")

# A retry may fail with another error, or at another step: its failure belongs to the retried dead letter. The refresh
# of a record does not know which message requested it.
_RETRIED = text("""
    SELECT id FROM booksync.dead_letters
     WHERE status = 'open'
       AND (id = :dead_letter_id OR retry_run_id = :run_id
            OR (CAST(:run_id AS uuid) IS NULL AND subject = :subject AND actor_name = :actor_name
                AND history -> -1 ->> 'what' = 'sent again'))
     ORDER BY actor_name = :actor_name DESC, id
     LIMIT 1
""")

#: SQL of the history without its oldest events, because it keeps the last hundred.
RECENT = "jsonb_path_query_array(history, '$[last - 98 to last]')"

_DEATH_ENTRY = """
    jsonb_build_object('at', clock_timestamp(), 'what', 'failed', 'cause', CAST(:cause AS text),
                       'error', CAST(:error AS text), 'attempts', CAST(:attempts AS int),
                       'run_id', CAST(:run_id AS uuid), 'message_id', CAST(:message_id AS text))
"""

_DIED_AGAIN = text(f"""
    UPDATE booksync.dead_letters
       SET subject = :subject, cause = :cause, queue_name = :queue_name, actor_name = :actor_name,
           arguments = :arguments, connection_id = :connection_id, run_id = :run_id, message_id = :message_id,
           error_type = :error_type, error = :error, traceback = :traceback, fingerprint = :fingerprint,
           attempts = attempts + :attempts,
           deaths = deaths + 1,
           last_died_at = clock_timestamp(),
           retry_run_id = NULL,
           history = {RECENT} || {_DEATH_ENTRY}
     WHERE id = :id
""")  # noqa: S608

_NEW = text(f"""
    INSERT INTO booksync.dead_letters (
           subject, cause, queue_name, actor_name, arguments, connection_id, run_id, message_id, error_type, error,
           traceback, fingerprint, attempts, first_died_at, last_died_at, history)
    SELECT :subject, :cause, :queue_name, :actor_name, :arguments, :connection_id, :run_id, :message_id,
           :error_type, :error, :traceback, :fingerprint, :attempts, moment, moment, jsonb_build_array({_DEATH_ENTRY})
      FROM clock_timestamp() AS moment
    RETURNING id
""")  # noqa: S608


def keep(db: Session, dead_letter: NewDeadLetter) -> int | None:
    """Record the failure of a message and return its dead letter; None if the message's failure is already recorded.

    One dead letter stands for one problem. A further failure is added to an open dead letter with the same connection,
    actor and error. For a message outside of runs, the same arguments are required, not the same connection. The
    failure of a retry is added to the retried dead letter.
    """
    db.execute(_ONE_AT_A_TIME)
    facts = {name: getattr(dead_letter, name) for name in dead_letter.__slots__}
    facts |= {"arguments": Jsonb(dead_letter.arguments), "subject": _subject(dead_letter)}
    if dead_letter.message_id is not None and db.execute(_IS_KNOWN, facts).scalar_one():
        return None
    dead_letter_id = db.execute(_SAME_TROUBLE, facts).scalar_one_or_none()
    dead_letter_id = dead_letter_id or db.execute(_RETRIED, facts).scalar_one_or_none()
    if dead_letter_id is None:
        return int(db.execute(_NEW, facts).scalar_one())
    db.execute(_DIED_AGAIN, facts | {"id": dead_letter_id})
    return int(dead_letter_id)


def _subject(dead_letter: NewDeadLetter) -> str:
    if dead_letter.run_id is not None and dead_letter.connection_id is not None:
        return f"connection {dead_letter.connection_id}"
    return _subject_of(dead_letter.arguments)


def _subject_of(arguments: dict[str, Any]) -> str:
    return f"arguments {hashlib.sha256(orjson.dumps(arguments, option=orjson.OPT_SORT_KEYS)).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Origin:
    """The run and the connection of a message, as far as its arguments contain them."""

    run_id: uuid.UUID | None = None
    connection_id: uuid.UUID | None = None


_ORIGIN = text("""
    SELECT run.id AS run_id, coalesce(run.connection_id, connection.id) AS connection_id
      FROM (SELECT 1) AS one
      LEFT JOIN booksync.sync_runs AS run ON run.id = ANY(CAST(:ids AS uuid[]))
      LEFT JOIN booksync.zoho_connections AS connection ON connection.id = ANY(CAST(:ids AS uuid[]))
     LIMIT 1
""")


def origin(db: Session, ids: Sequence[uuid.UUID]) -> Origin:
    """Find the run and the connection that the ids among a message's arguments belong to."""
    row = db.execute(_ORIGIN, {"ids": list(ids)}).one()
    return Origin(row.run_id, row.connection_id)


# A retried dead letter is resolved when the run that retries its work has ended without another failure.
_RUN_ENDED = text(f"""
    UPDATE booksync.dead_letters
       SET status = CASE WHEN ended.is_good THEN 'retried' ELSE 'open' END,
           closed_at = CASE WHEN ended.is_good THEN clock_timestamp() END,
           retry_run_id = NULL,
           history = {RECENT} || jsonb_build_object(
               'at', clock_timestamp(), 'what', CASE WHEN ended.is_good THEN 'retry succeeded' ELSE 'retry failed' END,
               'run_id', ended.run_id, 'run_status', ended.status, 'reason', ended.reason)
      FROM (SELECT id AS run_id, status, coalesce(degraded_reason, error) AS reason,
                   status IN ('succeeded', 'degraded')
                   AND NOT EXISTS (SELECT 1 FROM booksync.dead_letters WHERE run_id = sync_runs.id) AS is_good
              FROM booksync.sync_runs WHERE id = :run_id) AS ended
     WHERE retry_run_id = ended.run_id AND dead_letters.status = 'open'
""")  # noqa: S608


# A full run reads every record, including those whose refresh was given up before the run began.
_READ_AGAIN = text(f"""
    UPDATE booksync.dead_letters
       SET status = 'retried', closed_at = clock_timestamp(),
           history = {RECENT} || jsonb_build_object(
               'at', clock_timestamp(), 'what', 'made up for by a full run', 'run_id', run.id)
      FROM booksync.sync_runs AS run
     WHERE run.id = :run_id AND run.status = 'succeeded' AND run.mode = 'full'
       AND dead_letters.connection_id = run.connection_id AND dead_letters.status = 'open'
       AND dead_letters.run_id IS NULL AND dead_letters.cause = '{Cause.RETRIES_EXHAUSTED}'
       AND dead_letters.last_died_at < run.started_at
""")  # noqa: S608


def run_ended(db: Session, run_id: uuid.UUID) -> None:
    """Close the dead letters whose work this run has done.

    If the run was started as a retry of dead letters, record in them whether the retry has succeeded.

    Call this function after the run's end and its failures are written.
    """
    db.execute(_RUN_ENDED, {"run_id": run_id})
    db.execute(_READ_AGAIN, {"run_id": run_id})


_MESSAGE_DONE = text(f"""
    UPDATE booksync.dead_letters
       SET status = 'retried', closed_at = clock_timestamp(),
           history = {RECENT} || jsonb_build_object(
               'at', clock_timestamp(), 'what', 'retry succeeded', 'message_id', CAST(:message_id AS text))
     WHERE id = :id AND status = 'open'
""")  # noqa: S608


def message_done(db: Session, dead_letter_id: int, message_id: str) -> None:
    """Close the dead letter, because a person has sent its message again and the message has succeeded."""
    db.execute(_MESSAGE_DONE, {"id": dead_letter_id, "message_id": message_id})


# An error of Zoho or of the network needs no decision; a defect of booksync needs a person's attention.
_WORK_DONE = text(f"""
    UPDATE booksync.dead_letters
       SET status = 'retried', closed_at = clock_timestamp(),
           history = {RECENT} || jsonb_build_object('at', clock_timestamp(), 'what', 'done')
     WHERE subject = :subject AND actor_name = :actor_name AND status = 'open'
       AND (cause IN ('{Cause.RETRIES_EXHAUSTED}', '{Cause.PERMANENT_ERROR}')
            OR history @? '$[*] ? (@.what == "sent again")')
""")  # noqa: S608


def work_done(db: Session, actor_name: str, *args: str) -> None:
    """Close the dead letters of messages with these arguments, because a message has done their work.

    The dead letter of a defect or of a killed process closes only if a person has sent its message again.
    """
    db.execute(_WORK_DONE, {"actor_name": actor_name, "subject": _subject_of({"args": args, "kwargs": {}})})


def count_open(db: Session, connection_id: uuid.UUID | None = None) -> int:
    """The number of dead letters that need a person's decision: those of one connection, or all with None.

    Retried dead letters are counted too, until they are closed.
    """
    where = "" if connection_id is None else "AND connection_id = :connection_id"
    counted = db.execute(
        text(f"SELECT count(*) FROM booksync.dead_letters WHERE status = '{DeadLetterStatus.OPEN}' {where}"),  # noqa: S608
        {"connection_id": connection_id} if connection_id else {},
    )
    return int(counted.scalar_one())


def prune(db: Session, *, days: float, limit: int) -> int:
    """Delete dead letters that were closed more than `days` ago, at most `limit`, and return their number.

    An open dead letter stays at any age.
    """
    return db.execute(
        text("""
            DELETE FROM booksync.dead_letters
             WHERE id = ANY(ARRAY(SELECT id FROM booksync.dead_letters
                                   WHERE status <> 'open' AND closed_at < now() - make_interval(secs => :seconds)
                                   LIMIT :limit))
        """),
        {"seconds": days * 86_400, "limit": limit},
    ).rowcount
