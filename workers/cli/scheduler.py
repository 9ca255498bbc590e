"""`booksync scheduler`: the process that ticks."""

from workers.boot.settings import settings
from workers.observability.logs import set_up_logs
from workers.scheduler import run_scheduler


def scheduler() -> None:
    """Run the clock: overdue steps are sent again, due syncs are started. Any number of replicas may run."""
    settings()
    set_up_logs()
    run_scheduler()
