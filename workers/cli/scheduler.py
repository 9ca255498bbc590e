"""`booksync scheduler`: the scheduler process."""

from workers.boot.settings import settings
from workers.cli.examples import examples
from workers.observability.logs import set_up_logs
from workers.scheduler import run_scheduler


@examples(
    "booksync scheduler",
)
def scheduler() -> None:
    """Run the scheduler: send overdue steps again and start due syncs. Several replicas may run."""
    settings()
    set_up_logs()
    run_scheduler()
