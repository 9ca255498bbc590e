"""The effect of more worker processes on many organisations: `python -m benchmarks.scaling`.

Forty organisations are read for the first time by 1, 2 and 4 worker processes, from a simulator that takes 200 ms for
each response and refuses nothing. Exit code 1: twice the processes make less than 1.8 times the calls although the
processor is not full. A process has one thread here, and so mostly waits for Zoho, as workers do; with Dramatiq's eight
(`--threads 8`) one process keeps two cores busy, so more processes cannot show an effect. `--organizations 8 --contacts
200 --processes 1,2` is a quick run.
"""

import argparse
import sys
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import psutil
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from sqlalchemy import text

from benchmarks.installation import UNLIMITED, Servers, installed, running_servers, shown_progress
from benchmarks.programs import await_workers, running_workers
from benchmarks.promises import Promise, exit_code
from db import runs
from domain.runs import Mode
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.process import running_simulator
from workers.boot.resources import Resources
from workers.queue import send_step
from workers.services.connect import connect_organization

LATENCY_MS = 200

#: The growth from twice the processes, …
GROWTH = 1.8
#: … unless the processor is used to this share, because more processes then have no effect.
FULL = 0.85

_AT_ONCE = 10
_PATIENCE_SECONDS = 900.0


@dataclass(frozen=True)
class Scale:
    """One measurement."""

    processes: int
    seconds: float
    calls: int
    rows: int
    worker_cores: float  #: the average number of cores that the workers used
    processor: float  #: the used share of the whole machine's processor, including other programs

    @property
    def calls_a_second(self) -> float:
        return self.calls / self.seconds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description="More workers, more work.")
    parser.add_argument("--organizations", type=int, default=40, help="connected and read (%(default)s)")
    parser.add_argument("--contacts", type=int, default=500, help="of each, and as many invoices (%(default)s)")
    parser.add_argument("--processes", default="1,2,4", help="worker processes, ascending (%(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="of each process (%(default)s)")
    options = parser.parse_args()
    processes = [int(each) for each in options.processes.split(",")]
    console = Console()
    with (
        running_servers() as servers,
        shown_progress(console) as progress,
        running_simulator(
            organizations=options.organizations,
            contacts=options.contacts,
            invoices=options.contacts,
            latency_ms=LATENCY_MS,
            requests_per_minute=UNLIMITED,
            requests_per_day=UNLIMITED,
            concurrency=1000,
        ) as zoho,
    ):
        scales = [_measure(servers, zoho, each, options.threads, progress) for each in processes]
    promises = [
        Promise(f"{after.processes} processes, of the calls of {before.processes}", growth, GROWTH, "×")
        for before, after in pairwise(scales)
        if after.processor < FULL and (growth := after.calls_a_second / before.calls_a_second)
    ]
    console.print(_table(scales, options.threads))
    for promise in promises:
        verdict = "kept" if promise.is_kept else "[red]broken[/red]"
        console.print(f"{promise.what}: {promise.figure:.2f}× (at least {promise.bound}×) {verdict}")
    sys.exit(exit_code(promises))


def _measure(servers: Servers, zoho: SandboxControl, processes: int, threads: int, progress: Progress) -> Scale:
    organizations = zoho.organization_ids()
    with installed(servers, zoho) as resources, running_workers(processes, threads) as master:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            links = list(pool.map(lambda each: _connect(resources, zoho.url, each), organizations))
        await_workers(master.pid, processes)
        zoho.reset_stats()
        cpu_before, began = _cpu_seconds(master.pid), time.monotonic()
        psutil.cpu_percent()
        for connection_id in links:
            _start(resources, connection_id)
        _await_runs(resources, len(links), progress, f"{processes} worker processes")
        seconds = time.monotonic() - began
        return Scale(
            processes=processes,
            seconds=seconds,
            calls=zoho.stats().count(),
            rows=_rows(resources),
            worker_cores=(_cpu_seconds(master.pid) - cpu_before) / seconds,
            processor=psutil.cpu_percent() / 100,
        )


def _connect(resources: Resources, url: str, organization_id: str) -> uuid.UUID:
    with SandboxControl(url, organization_id) as zoho:
        return connect_organization(
            resources,
            user_id=uuid.uuid4(),
            organization_id=organization_id,
            data_center="com",
            grant_code=zoho.grant_code(),
        ).connection_id


def _start(resources: Resources, connection_id: uuid.UUID) -> None:
    with resources.engine.begin() as db:
        step = runs.start(db, connection_id, Mode.FULL, allow_deletions=False, sweep_seconds=_PATIENCE_SECONDS)
    assert step is not None
    send_step(resources.broker, step)


def _await_runs(resources: Resources, count: int, progress: Progress, what: str) -> None:
    task = progress.add_task(what, total=count)
    ends_at = time.monotonic() + _PATIENCE_SECONDS
    done = 0
    while done < count:
        if time.monotonic() > ends_at:
            raise RuntimeError("the runs do not end")
        time.sleep(0.1)
        with resources.engine.connect() as db:
            states = db.execute(text("SELECT status FROM booksync.sync_runs WHERE status <> 'running'")).scalars().all()
        if any(status != "succeeded" for status in states):
            raise RuntimeError(f"runs ended {set(states)}")
        done = len(states)
        progress.update(task, completed=done)


def _rows(resources: Resources) -> int:
    with resources.engine.connect() as db:
        count: int = db.execute(
            text("SELECT (SELECT count(*) FROM booksync.customers_cache) + (SELECT count(*) FROM invoices_cache)")
        ).scalar_one()
    return count


def _workers(master: int) -> Sequence[psutil.Process]:
    return psutil.Process(master).children(recursive=True)


def _cpu_seconds(master: int) -> float:
    return sum(sum(child.cpu_times()[:2]) for child in _workers(master))


def _table(scales: Sequence[Scale], threads: int) -> Table:
    table = Table("worker processes", title=f"First syncs with {LATENCY_MS} ms an answer, {threads} threads a process")
    for name in ("seconds", "calls a second", "rows a second", "cores of the workers", "processor in use"):
        table.add_column(name, justify="right")
    for scale in scales:
        table.add_row(
            f"{scale.processes}",
            f"{scale.seconds:.1f}",
            f"{scale.calls_a_second:.1f}",
            f"{scale.rows / scale.seconds:,.0f}",
            f"{scale.worker_cores:.2f}",
            f"{scale.processor:.0%}",
        )
    return table


if __name__ == "__main__":
    main()
