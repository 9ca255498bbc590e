"""The lines of `booksync status` about worker processes; healthy workers get no line."""

from collections.abc import Sequence

import redis
from rich.console import Console

from workers.boot.basics import Basics
from workers.observability.worker_states import NONE_REPORTS, WorkerReport, reports, troubles


def worker_reports(basics: Basics) -> list[WorkerReport] | None:
    """Return the reports of the workers; None if Redis does not work, because `status` has another line about that."""
    try:
        return reports(basics.redis)
    except redis.RedisError:
        return None


def show_workers(found: Sequence[WorkerReport] | None, tell: Console) -> None:
    """Print the workers' problems and the next steps; print nothing if the reports are unknown (None)."""
    if found is None:
        return
    if not found:
        tell.print(f"{NONE_REPORTS}, so nothing is synced. Next: dramatiq workers.main", style="yellow")
    for trouble in troubles(found):
        tell.print(f"{trouble.sentence}. Next: {trouble.way_out}", style="red", markup=False)
