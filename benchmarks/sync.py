"""Rows per second and memory of syncs with 1,000, 10,000 and 100,000 contacts: `python -m benchmarks.sync`.

Exit code 1: a bound is broken. `--sizes 1000,10000` leaves out the largest size; its bounds then apply to the largest
measured size.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import astuple
from statistics import median
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.installation import Servers, installed, running_servers, shown_progress, unthrottled_simulator
from benchmarks.promises import Promise, exit_code, verdicts
from benchmarks.whole_sync import SyncTimes, WorkerUse, measure_in_process, measure_worker
from benchmarks.write_path import WriteTimes, made_up_contacts, measure
from db.engine import new_engine
from tests.integration.chain.bench import Bench
from workers.boot.slices import SliceLimits

SIZES = (1_000, 10_000, 100_000)

#: Sizes up to this one are measured three times, and the medians are reported.
SMALL = 10_000
REPEATS = 3

MEGABYTES = 200

TimesT = TypeVar("TimesT", WriteTimes, SyncTimes)


def main() -> None:
    sizes = _sizes()
    console = Console()
    with running_servers() as servers, shown_progress(console) as progress:
        written = [_write_path(servers, size, progress) for size in sizes]
        synced = [_whole_sync(servers, size, progress) for size in sizes]
        worker = _worker(servers, sizes[-1], progress)
    promises = _promises(written, synced, worker)
    for table in (_write_path_table(written), _whole_sync_table(synced, worker), verdicts(promises)):
        console.print(table)
    sys.exit(exit_code(promises))


def _sizes() -> Sequence[int]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sync", description="Rows a second and memory of syncs.")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="contacts, ascending (%(default)s)")
    return [int(size) for size in parser.parse_args().sizes.split(",")]


def _write_path(servers: Servers, size: int, progress: Progress) -> WriteTimes:
    contacts = made_up_contacts(size)
    times = []
    for _ in progress.track(range(_repeats(size)), description=f"Write path, {size:,} contacts"):
        with servers.new_database() as url:
            engine = new_engine(url, application_name="booksync benchmark")
            times.append(measure(engine, contacts))
            engine.dispose()
    return _medians(times)


def _whole_sync(servers: Servers, size: int, progress: Progress) -> SyncTimes:
    times = []
    with unthrottled_simulator(contacts=size, invoices=0) as zoho:
        for repeat in progress.track(range(_repeats(size)), description=f"Whole sync, {size:,} contacts"):
            with installed(servers, zoho) as resources:
                times.append(measure_in_process(Bench.connected(resources, zoho, slices=SliceLimits()), repeat=repeat))
    return _medians(times)


def _worker(servers: Servers, size: int, progress: Progress) -> WorkerUse:
    task = progress.add_task(f"Worker process, {size:,} contacts", total=1)
    with unthrottled_simulator(contacts=size, invoices=0) as zoho, installed(servers, zoho) as resources:
        use = measure_worker(servers, Bench.connected(resources, zoho, slices=SliceLimits()))
    progress.advance(task)
    return use


def _repeats(size: int) -> int:
    return REPEATS if size <= SMALL else 1


def _medians(times: Sequence[TimesT]) -> TimesT:
    return type(times[0])(*(median(column) for column in zip(*map(astuple, times), strict=True)))


def _promises(written: Sequence[WriteTimes], synced: Sequence[SyncTimes], worker: WorkerUse) -> Sequence[Promise]:
    promises = []
    for times in written:
        of = f"write path, {times.rows:,} customers"
        promises += [
            Promise(
                f"{of}: first load's database work, of a COPY's speed", times.copy / times.first_in_database, 0.6, "×"
            ),
            Promise(
                f"{of}: unchanged, of the first load's speed (database work)",
                times.first_in_database / times.unchanged_in_database,
                2,
                "×",
            ),
        ]
    for name, smallest, largest in (("write path", written[0], written[-1]), ("whole sync", synced[0], synced[-1])):
        growth = (largest.first / largest.rows) / (smallest.first / smallest.rows)
        what = f"{name}: time a row with {largest.rows:,} customers, of that with {smallest.rows:,}"
        promises.append(Promise(what, growth, 1.2, "×", is_most=True))
    memory = max(worker.first_megabytes, worker.unchanged_megabytes)
    what = f"worker process, {worker.rows:,} customers: peak memory"
    return [*promises, Promise(what, memory, MEGABYTES, " MB", is_most=True)]


def _write_path_table(written: Sequence[WriteTimes]) -> Table:
    table = Table("customers", title="Write path alone: rows a second, in transactions of 100")
    for name in ("judging", "rules", "COPY", "first load", "unchanged", "all changed"):
        table.add_column(name, justify="right")
    for times in written:
        table.add_row(*_speeds(*astuple(times)))
    return table


def _whole_sync_table(synced: Sequence[SyncTimes], worker: WorkerUse) -> Table:
    table = Table("customers", title="Whole full sync, simulator and all: rows a second")
    for name in ("first load", "unchanged", "all changed", "peak memory"):
        table.add_column(name, justify="right")
    for times in synced:
        table.add_row(*_speeds(times.rows, times.first, times.unchanged, times.changed))
    memory = (
        f"{worker.idle_megabytes:.0f} MB idle, {worker.first_megabytes:.0f} MB, {worker.unchanged_megabytes:.0f} MB"
    )
    rows, *speeds = _speeds(worker.rows, worker.first, worker.unchanged)
    table.add_row(f"{rows} by a worker process", *speeds, "", memory)
    return table


def _speeds(rows: int, *seconds: float) -> Sequence[str]:
    return [f"{rows:,.0f}", *(f"{rows / each:,.0f}" for each in seconds)]


if __name__ == "__main__":
    main()
