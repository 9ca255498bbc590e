"""Deletes old history in batches, so that no transaction is long, however much has accumulated."""

from collections.abc import Callable

import structlog
from sqlalchemy import Engine

from db import activity, dead_letters, event_history, processes, run_history
from db.session import Session

log = structlog.get_logger(__name__)

#: How long runs, webhook events and closed dead letters are kept. The last runs of each connection are kept at any age,
#: and so is every open dead letter.
_RUN_DAYS = 30.0
_RUNS_KEPT = 20
_EVENT_DAYS = 7.0
_DEAD_LETTER_DAYS = 30.0

#: How long operators' actions are kept.
_ACTION_DAYS = 365.0

#: The most rows of one transaction.
BATCH = 5000


def prune(engine: Engine, *, batch: int = BATCH) -> bool:
    """Delete history that is too old, at most `batch` rows of each kind. Returns True if no such row is left."""

    def delete(rows_of: Callable[[Session], int]) -> int:
        with engine.begin() as db:
            return rows_of(db)

    runs = delete(lambda db: run_history.prune(db, days=_RUN_DAYS, kept=_RUNS_KEPT, limit=batch))
    events = delete(lambda db: event_history.prune(db, days=_EVENT_DAYS, limit=batch))
    records = delete(lambda db: event_history.prune_records(db, limit=batch))
    dead = delete(processes.prune)
    closed = delete(lambda db: dead_letters.prune(db, days=_DEAD_LETTER_DAYS, limit=batch))
    actions = delete(lambda db: activity.prune(db, days=_ACTION_DAYS, limit=batch))
    log.info(
        "Old runs, webhook events, closed dead letters and operators' actions are deleted",
        action="history.pruned",
        runs=runs,
        events=events,
        dead_letters=closed,
        processes=dead,
        operator_actions=actions,
    )
    return max(runs, events, records, closed, actions) < batch
