"""Statements that record a person's decision about dead letters: retried or discarded."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text

from db.dead_letters import RECENT
from db.session import Session

#: After this time a message that was sent again, and of whose end nothing is known, may be sent once more.
RETRY_MINUTES = 10

#: SQL of the condition that a person has retried an open dead letter, and the retry has not ended yet.
BEING_RETRIED = f"""
    status = 'open' AND history -> -1 ->> 'what' = 'sent again'
    AND (retry_run_id IS NOT NULL
         OR CAST(history -> -1 ->> 'at' AS timestamptz) > clock_timestamp() - interval '{RETRY_MINUTES} minutes')
"""

_SENT_AGAIN = text(f"""
    UPDATE booksync.dead_letters
       SET retry_run_id = :run_id,
           history = {RECENT} || jsonb_build_object(
               'at', clock_timestamp(), 'what', 'sent again', 'run_id', CAST(:run_id AS uuid))
     WHERE id = :id AND status = 'open' AND (CAST(:run_id AS uuid) IS NOT NULL OR ({BEING_RETRIED}) IS NOT TRUE)
""")  # noqa: S608


def sent_again(db: Session, dead_letter_id: int, *, run_id: uuid.UUID | None) -> bool:
    """Record that a person has retried the dead letter; False if the dead letter is already closed.

    `run_id` is the run that retries the work; None if the message itself was sent again. A message is not sent again
    while its last retry may still be in the queue: the result is False, too.
    """
    return db.execute(_SENT_AGAIN, {"id": dead_letter_id, "run_id": run_id}).rowcount == 1


_NOT_SENT = text(f"""
    UPDATE booksync.dead_letters
       SET history = {RECENT} || jsonb_build_object('at', clock_timestamp(), 'what', 'not sent')
     WHERE id = :id AND status = 'open' AND history -> -1 ->> 'what' = 'sent again'
""")  # noqa: S608


def not_sent(db: Session, dead_letter_id: int) -> None:
    """Record that Redis has refused the message of a retry, so that the message can be sent again at once."""
    db.execute(_NOT_SENT, {"id": dead_letter_id})


_DISCARD = text(f"""
    UPDATE booksync.dead_letters
       SET status = 'discarded', closed_at = clock_timestamp(), retry_run_id = NULL, note = :note,
           history = {RECENT} || jsonb_build_object(
               'at', clock_timestamp(), 'what', 'discarded', 'note', CAST(:note AS text))
     WHERE id = ANY(CAST(:ids AS bigint[])) AND status = 'open'
       AND (CAST(:until AS timestamptz) IS NULL OR last_died_at <= :until)
    RETURNING id
""")  # noqa: S608


def discard(db: Session, dead_letter_ids: Sequence[int], note: str, *, until: datetime | None = None) -> list[int]:
    """Discard open dead letters with a person's note. Returns the ids of the discarded dead letters, in order.

    A dead letter that has failed again after `until` stays open.
    """
    found = db.execute(_DISCARD, {"ids": list(dead_letter_ids), "note": note, "until": until}).scalars()
    return sorted(found)
