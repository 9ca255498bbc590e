"""`booksync scheduler`: the process that ticks."""

from workers.logs import set_up_logs
from workers.scheduler import run_scheduler
from workers.settings import settings


def scheduler() -> None:
    """Run the clock: overdue steps are sent again, due syncs are started. Any number of replicas may run."""
    settings()
    set_up_logs()
    run_scheduler()
