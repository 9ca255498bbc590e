"""booksync next to dlt, on one simulator and one durable Postgres: `python -m benchmarks.peers`.

Each tool syncs the same books of the simulator, which has no latency and refuses nothing: first everything, then some
hundred edits, then nothing. The tools alternate (`--repeats`), and each figure is the median. booksync is one worker
process as operators start it; its runs plan reminders too. dlt is installed from the package index, in a virtual
environment of its own (`--venv`), and only copies the lists. Exit code 1: a bound is broken. `--contacts 1000
--invoices 2000 --edits 30 --repeats 1` is a quick run.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rich.progress import Progress
from rich.table import Table

from benchmarks import peers_dlt
from benchmarks.installation import (
    Servers,
    installed,
    new_console,
    running_servers,
    shown_progress,
    unthrottled_simulator,
)
from benchmarks.peers_books import SharedBooks
from benchmarks.processor import Cost
from benchmarks.programs import PROJECT, await_workers, running_workers
from benchmarks.promises import Promise, exit_code, verdicts
from benchmarks.worker_runs import MeasuredWorkers
from domain.runs import Mode
from tests.integration.chain.bench import Bench

#: The bounds of booksync's figures: relative to dlt's speed and duration, and seconds per 1,000 rows of a first sync.
LEAST_SPEED = 1.0
LONGEST_EDITS = 1.0
MOST_CPU, MOST_POSTGRES_CPU = 0.16, 0.09


@dataclass(frozen=True)
class Syncs:
    """The syncs of one tool, in their order."""

    first: Cost
    edits: Cost
    unchanged: Cost

    @classmethod
    def median(cls, repeats: Sequence["Syncs"]) -> "Syncs":
        return cls(*(_median(costs) for costs in zip(*(each.costs for each in repeats), strict=True)))

    @property
    def costs(self) -> tuple[Cost, Cost, Cost]:
        return self.first, self.edits, self.unchanged


def main() -> None:
    options = _options()
    console = new_console()
    python = peers_dlt.python_with_dlt(options.venv)
    with (
        running_servers() as servers,
        shown_progress(console) as progress,
        unthrottled_simulator(contacts=options.contacts, invoices=options.invoices) as zoho,
    ):
        zoho.set_tokens(max_per_window=1_000)  # Each process of dlt gets an access token of its own.
        books = SharedBooks.of(zoho)
        ours, theirs = [], []
        for repeat in range(options.repeats):
            ours.append(_by_booksync(servers, books, options.edits, progress, f"booksync {repeat + 1}"))
            theirs.append(_by_dlt(servers, python, books, options.edits, progress, f"dlt {repeat + 1}"))
    booksync, dlt = Syncs.median(ours), Syncs.median(theirs)
    promises = _promises(booksync, dlt, books.rows)
    console.print(f"{books}, dlt {peers_dlt.version(python)}, medians of {options.repeats}")
    console.print(_first_table(booksync, dlt, books.rows), _table(booksync, dlt, options.edits), verdicts(promises))
    sys.exit(exit_code(promises))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description="booksync next to dlt.")
    parser.add_argument("--contacts", type=int, default=10_000, help="in the simulator (%(default)s)")
    parser.add_argument("--invoices", type=int, default=24_073, help="in the simulator (%(default)s)")
    parser.add_argument("--edits", type=int, default=300, help="contacts edited before the second sync (%(default)s)")
    # The simulator's clock advances by an hour each time, and booksync rejects times more than a day ahead of its own.
    repeats = range(1, 12)
    parser.add_argument("--repeats", type=int, default=3, choices=repeats, metavar="N", help="of each (%(default)s)")
    folder = PROJECT / "build" / "benchmark-venvs" / "dlt"
    parser.add_argument("--venv", type=Path, default=folder, help="dlt's environment, made if missing (%(default)s)")
    return parser.parse_args()


def _by_booksync(servers: Servers, books: SharedBooks, edits: int, progress: Progress, what: str) -> Syncs:
    task = progress.add_task(what, total=3)
    with installed(servers, books.zoho) as resources, running_workers(1) as master:
        bench = Bench.connected(resources, books.zoho)
        await_workers(master.pid, 1)
        workers = MeasuredWorkers(bench, master.pid, servers.postgres.pid)
        first = workers.sync(Mode.FULL)
        progress.advance(task)
        books.edit(edits)
        edited = workers.sync(Mode.INCREMENTAL)
        progress.advance(task)
        books.pass_time()
        unchanged = workers.sync(Mode.INCREMENTAL)
        progress.advance(task)
    return Syncs(first, edited, unchanged)


def _by_dlt(servers: Servers, python: Path, books: SharedBooks, edits: int, progress: Progress, what: str) -> Syncs:
    task = progress.add_task(what, total=3)
    with TemporaryDirectory(prefix="booksync-benchmark-") as state, servers.new_database() as url:
        dlt = peers_dlt.Dlt.at(python, books.zoho, servers.postgres, url, Path(state))
        first = dlt.sync()
        progress.advance(task)
        books.edit(edits)
        edited = dlt.sync()
        progress.advance(task)
        books.pass_time()
        unchanged = dlt.sync()
        progress.advance(task)
    return Syncs(first, edited, unchanged)


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(*(median(column) for column in zip(*map(astuple, costs), strict=True)))


def _promises(booksync: Syncs, dlt: Syncs, rows: int) -> list[Promise]:
    thousands = rows / 1000
    speed, edits = dlt.first.seconds / booksync.first.seconds, booksync.edits.seconds / dlt.edits.seconds
    worker, postgres = booksync.first.cpu_seconds / thousands, booksync.first.postgres_cpu_seconds / thousands
    return [
        Promise("first sync, of dlt's speed", speed, LEAST_SPEED, " ×"),
        Promise("first sync, the worker's processor time per 1,000 rows", worker, MOST_CPU, " s", is_most=True),
        Promise("first sync, Postgres's per 1,000 rows", postgres, MOST_POSTGRES_CPU, " s", is_most=True),
        Promise("edits, of dlt's duration", edits, LONGEST_EDITS, " ×", is_most=True),
    ]


def _first_table(booksync: Syncs, dlt: Syncs, rows: int) -> Table:
    table = Table("tool", title="First sync; processor time per 1,000 rows")
    for name in ("seconds", "rows a second", "speed", "tool's processor", "Postgres's"):
        table.add_column(name, justify="right")
    for tool, cost in (("booksync", booksync.first), ("dlt", dlt.first)):
        table.add_row(
            tool,
            f"{cost.seconds:.1f}",
            f"{rows / cost.seconds:,.0f}",
            f"{dlt.first.seconds / cost.seconds:.2f} ×",
            f"{cost.cpu_seconds * 1000 / rows:.3f} s",
            f"{cost.postgres_cpu_seconds * 1000 / rows:.3f} s",
        )
    return table


def _table(booksync: Syncs, dlt: Syncs, edits: int) -> Table:
    table = Table("sync", "tool", title="Later syncs")
    for name in ("seconds", "of dlt's", "tool's processor", "Postgres's"):
        table.add_column(name, justify="right")
    for what, ours, theirs in (
        (f"{edits} contacts edited", booksync.edits, dlt.edits),
        ("nothing changed", booksync.unchanged, dlt.unchanged),
    ):
        for tool, cost in (("booksync", ours), ("dlt", theirs)):
            ratio = f"{cost.seconds / theirs.seconds:.2f} ×"
            processor = (f"{each:.2f} s" for each in (cost.cpu_seconds, cost.postgres_cpu_seconds))
            table.add_row(what, tool, f"{cost.seconds:.2f}", ratio, *processor)
    return table


if __name__ == "__main__":
    main()
