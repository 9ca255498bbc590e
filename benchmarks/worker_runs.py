"""Runs by real worker processes, with their duration and their processor time."""

import time
from dataclasses import dataclass

from benchmarks.processor import Cost, cpu_seconds
from domain.runs import Mode
from tests.integration.chain.bench import Bench
from workers.queue import send_step

#: Counts customers, their persons, and invoices.
CACHED_ROWS = """
    SELECT (SELECT count(*) FROM booksync.customers_cache)
         + (SELECT coalesce(sum(jsonb_array_length(contact_persons)), 0) FROM booksync.customers_cache)
         + (SELECT count(*) FROM invoices_cache) AS rows
"""

_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class MeasuredWorkers:
    """Worker processes that execute the runs of one connection."""

    bench: Bench
    master: int  #: pid
    postgres: int  #: pid

    def sync(self, mode: Mode) -> Cost:
        """The duration is the run's own, from its start to its end. The reminders are a part of it.

        Raises RuntimeError if the run does not succeed.
        """
        cpu_before, postgres_before = cpu_seconds(self.master), cpu_seconds(self.postgres)
        step = self.bench.start(mode)
        send_step(self.bench.resources.broker, step)
        while self.bench.present_step() is not None:
            time.sleep(_POLL_SECONDS)
        cpu, postgres = cpu_seconds(self.master) - cpu_before, cpu_seconds(self.postgres) - postgres_before
        look = "SELECT status, finished_at - started_at AS took FROM booksync.sync_runs WHERE id = %(id)s"
        run = self.bench.rows(look, id=step.run_id)[0]
        if run["status"] != "succeeded":
            raise RuntimeError(f"the run ended {run['status']}")
        return Cost(run["took"].total_seconds(), cpu, postgres)
