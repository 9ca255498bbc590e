"""The lines of `booksync status` about worker processes; workers in order have none."""

from collections.abc import Sequence

import redis
from rich.console import Console

from workers.boot.resources import Resources
from workers.observability.worker_states import NONE_REPORTS, WorkerReport, reports, troubles


def worker_reports(resources: Resources) -> list[WorkerReport] | None:
    """The workers' reports; None where Redis refuses, of which another line speaks."""
    try:
        return reports(resources.redis)
    except redis.RedisError:
        return None


def show_workers(found: Sequence[WorkerReport] | None, tell: Console) -> None:
    """Workers that do not do their work, and what to do; None for unknown."""
    if found is None:
        return
    if not found:
        tell.print(f"{NONE_REPORTS}: nothing is synced. Next: dramatiq workers.main", style="yellow")
    for trouble in troubles(found):
        tell.print(f"{trouble.sentence}. Next: {trouble.way_out}", style="red", markup=False)
