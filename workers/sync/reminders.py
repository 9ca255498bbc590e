"""The plan of the reminders that are due for planning, and the end of the run (FR-5)."""

from db import reminders, staging
from db.runs import StepRef
from workers.sync.work import Work


def create_reminders(work: Work) -> StepRef:
    """Plans batch by batch until nothing is due, then ends the run."""
    now = work.now
    while True:
        with work.transaction() as connection:
            if reminders.plan_due(connection, work.link, now=now) == 0:
                staging.clear(connection, work.run.run_id)
                return work.advance(connection, work.run.finished())
            work.keep(connection, work.run)
