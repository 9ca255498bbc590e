"""The plan of the reminders that are due for planning, and the end of the run (FR-5)."""

from sqlalchemy import Connection

from db import connections, reminders, staging
from db.runs import StepRef
from domain.runs import Mode, Run
from workers.sync.work import Work


def create_reminders(work: Work) -> StepRef:
    """Plans batch by batch until nothing is due, then ends the run."""
    now = work.now
    while True:
        with work.transaction() as connection:
            if reminders.plan_due(connection, work.link, now=now) == 0:
                _tidy(connection, work.run)
                return work.advance(connection, work.run.finished())
            work.keep(connection, work.run)


def _tidy(connection: Connection, run: Run) -> None:
    """What was staged is used up. A full run has met every row there is, so what it did not set aside is understood."""
    staging.clear(connection, run.run_id)
    if run.mode is Mode.FULL and run.degraded_reason is None:
        staging.forget_set_aside(connection, run.connection_id, run.run_id)
        connections.note_full_sync(connection, run.connection_id)
