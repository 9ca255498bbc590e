"""First syncs of many organisations by some worker processes: throughput, and how fairly the work is shared."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

import psutil
from rich.progress import Progress
from rich.table import Table
from sqlalchemy import text

from benchmarks.first_syncs import connect, start
from benchmarks.installation import Servers, installed
from benchmarks.processor import cpu_seconds
from benchmarks.programs import await_workers, running_workers
from benchmarks.promises import Promise
from benchmarks.worker_runs import CACHED_ROWS
from sandbox.zoho.control import SandboxControl
from workers.boot.resources import Resources

#: The growth from twice the processes, …
GROWTH = 1.8
#: … unless the processor is used to this share, because more processes then have no effect.
FULL = 0.85

_AT_ONCE = 10
_POLL_SECONDS = 0.5
#: A measurement in which no run ends for this time is aborted.
_PATIENCE_SECONDS = 1_800.0


@dataclass(frozen=True)
class Scale:
    """One measurement."""

    processes: int
    seconds: float
    calls: int
    rows: int
    worker_cpu_seconds: float
    postgres_cpu_seconds: float
    processor: float  #: the used share of the whole machine's processor, including other programs
    finishes: Sequence[float]  #: of each organisation, ascending seconds from the first start

    @property
    def calls_a_second(self) -> float:
        return self.calls / self.seconds

    @property
    def spread(self) -> float:
        """The time between the 5 % of the organisations that finish first and the 5 % that finish last."""
        edge = len(self.finishes) // 20
        return self.finishes[-1 - edge] - self.finishes[edge]


def measure(servers: Servers, zoho: SandboxControl, processes: int, threads: int, progress: Progress) -> Scale:
    """All runs start at the same time."""
    organizations = zoho.organization_ids()
    postgres = servers.postgres.pid
    with installed(servers, zoho) as resources, running_workers(processes, threads) as master:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            connections = list(pool.map(lambda each: connect(resources, zoho.url, each), organizations))
        await_workers(master.pid, processes)
        zoho.reset_stats()
        worker_before, postgres_before, began = cpu_seconds(master.pid), cpu_seconds(postgres), time.monotonic()
        psutil.cpu_percent()
        for connection_id in connections:
            start(resources, connection_id)
        _await_runs(resources, len(connections), progress, f"{processes} worker processes")
        # The figures of the runs come first, because the queries below cost processor time too.
        return Scale(
            processes=processes,
            seconds=time.monotonic() - began,
            worker_cpu_seconds=cpu_seconds(master.pid) - worker_before,
            postgres_cpu_seconds=cpu_seconds(postgres) - postgres_before,
            processor=psutil.cpu_percent() / 100,
            calls=zoho.stats().count(),
            rows=int(_values(resources, CACHED_ROWS)[0]),
            finishes=_finishes(resources),
        )


def promises(scales: Sequence[Scale]) -> list[Promise]:
    return [
        Promise(f"{after.processes} processes, of the calls of {before.processes}", growth, GROWTH, " ×")
        for before, after in pairwise(scales)
        if after.processor < FULL and (growth := after.calls_a_second / before.calls_a_second)
    ]


def table(scales: Sequence[Scale], title: str) -> Table:
    caption = (
        "Processor time is that of 1,000 rows. The finishes are those of the organisations; the spread is between the"
        " first and the last 5 % of them, relative to the last."
    )
    shown = Table("processes", title=title, caption=caption)
    for name in ("calls a second", "rows a second", "workers' processor", "Postgres's", "machine in use"):
        shown.add_column(name, justify="right")
    for name in ("first finish", "median", "last finish", "spread"):
        shown.add_column(name, justify="right")
    for scale in scales:
        first, middle, last = scale.finishes[0], median(scale.finishes), scale.finishes[-1]
        shown.add_row(
            f"{scale.processes}",
            f"{scale.calls_a_second:.1f}",
            f"{scale.rows / scale.seconds:,.0f}",
            f"{scale.worker_cpu_seconds * 1000 / scale.rows:.3f} s",
            f"{scale.postgres_cpu_seconds * 1000 / scale.rows:.3f} s",
            f"{scale.processor:.0%}",
            f"{first:.1f} s",
            f"{middle:.1f} s",
            f"{last:.1f} s",
            f"{scale.spread / last:.0%}",
        )
    return shown


def _await_runs(resources: Resources, count: int, progress: Progress, what: str) -> None:
    task = progress.add_task(what, total=count)
    done, ends_at = 0, time.monotonic() + _PATIENCE_SECONDS
    while done < count:
        if time.monotonic() > ends_at:
            raise RuntimeError("the runs do not end")
        time.sleep(_POLL_SECONDS)
        states = _values(resources, "SELECT status FROM booksync.sync_runs WHERE status <> 'running'")
        if any(status != "succeeded" for status in states):
            raise RuntimeError(f"runs ended {set(states)}")
        if len(states) > done:
            done, ends_at = len(states), time.monotonic() + _PATIENCE_SECONDS
        progress.update(task, completed=done)


def _finishes(resources: Resources) -> Sequence[float]:
    look = """
        SELECT extract(epoch FROM finished_at - min(started_at) OVER ())::float
          FROM booksync.sync_runs ORDER BY finished_at
    """
    return [float(each) for each in _values(resources, look)]


def _values(resources: Resources, sql: str) -> Sequence[Any]:
    with resources.engine.connect() as db:
        return db.execute(text(sql)).scalars().all()
