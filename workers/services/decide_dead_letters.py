"""Retries or discards many dead letters as one recorded action, which can be interrupted between two dead letters."""

from collections.abc import Sequence
from datetime import datetime

from db import dead_letter_decisions
from workers.boot.basics import Basics
from workers.boot.resources import Resources
from workers.services.activity import RecordedAction
from workers.services.retry import retry

#: Dead letters that are discarded in one transaction.
BATCH = 500


def retry_all(resources: Resources, dead_letter_ids: Sequence[int], action: RecordedAction) -> str:
    """Retry the dead letters one by one; return a sentence about the result.

    Raises:
        RedisRefusesError, NotSentError: Redis does not accept writes; the rest can be retried.
        ActionInterruptedError: the process is asked to end; the rest is unchanged.
    """
    action.expect(len(dead_letter_ids))
    sent, refused = 0, ""
    for retried in retry(resources, dead_letter_ids):
        sent += retried.is_sent
        refused = refused or ("" if retried.is_sent else f" Dead letter {retried.dead_letter_id}: {retried.sentence}")
        action.result = f"{sent:,} of {len(dead_letter_ids):,} retried; each closes when its work is done.{refused}"
        action.advance()
    return action.result or "No dead letter is left to retry."


def discard_all(
    basics: Basics, dead_letter_ids: Sequence[int], action: RecordedAction, *, note: str, until: datetime | None = None
) -> str:
    """Discard the dead letters in batches; return a sentence about the result.

    A dead letter that has failed again after `until` stays open.

    Raises:
        ActionInterruptedError: the process is asked to end; the rest is unchanged.
    """
    action.expect(len(dead_letter_ids))
    discarded = 0
    for start in range(0, len(dead_letter_ids), BATCH):
        batch = dead_letter_ids[start : start + BATCH]
        with basics.engine.begin() as db:
            discarded += len(dead_letter_decisions.discard(db, batch, note, until=until))
        action.result = f"{discarded:,} of {len(dead_letter_ids):,} discarded."
        action.advance(len(batch))
    return action.result or "No dead letter is left to discard."
