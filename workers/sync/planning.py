"""Plans the reminders that are due in a run: in the reminder phase, and earlier while the run waits for a response."""

from workers.services import plan_reminders
from workers.sync.work import Work


def plan_next(work: Work) -> bool:
    """Plan the next invoices whose planning is due, and checkpoint the run; return False if none was due."""
    with work.transaction() as db:
        planned = plan_reminders.plan_due(db, work.connection, now=work.now)
        if planned:
            work.checkpoint(db, work.run)
    return planned > 0
