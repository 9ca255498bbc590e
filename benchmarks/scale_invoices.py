"""Whole syncs of one organisation with more and more invoices: the cost of a row, and the worker's memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.progress import Progress
from rich.table import Table

from benchmarks.installation import Servers, installed, unthrottled_simulator
from benchmarks.processor import Cost, peak_megabytes
from benchmarks.programs import await_workers, running_workers
from benchmarks.promises import Promise
from benchmarks.worker_runs import CACHED_ROWS, MeasuredWorkers
from domain.runs import Mode
from tests.integration.chain.bench import Bench
from workers.boot.slices import SliceLimits

#: The processor time of a row with the largest number of invoices, relative to that with this number. The cost of the
#: smallest number is subtracted from both, because a new worker's first run has a fixed cost of about half a second.
REFERENCE = 10_000
MOST_GROWTH = 1.2
MOST_MEGABYTES = 160

_INVOICES_OF_A_CONTACT = 20


@dataclass(frozen=True)
class Size:
    """The syncs of one size."""

    invoices: int
    rows: int  #: customers, their persons, and invoices
    first: Cost
    full: Cost  #: a full run without changes
    unchanged: Cost  #: an incremental run without changes
    megabytes: float  #: the peak of the worker

    @property
    def first_cpu_seconds(self) -> float:
        return self.first.cpu_seconds + self.first.postgres_cpu_seconds


def measure(servers: Servers, invoices: int, progress: Progress) -> Size:
    """Sync with one worker process: first, completely without changes, and incrementally without changes."""
    task = progress.add_task(f"{invoices:,} invoices", total=3)
    with (
        unthrottled_simulator(contacts=max(1, invoices // _INVOICES_OF_A_CONTACT), invoices=invoices) as zoho,
        installed(servers, zoho) as resources,
        running_workers(1) as master,
    ):
        bench = Bench.connected(resources, zoho, slices=SliceLimits())
        await_workers(master.pid, 1)
        workers = MeasuredWorkers(bench, master.pid, servers.postgres.pid)
        first = workers.sync(Mode.FULL)
        progress.advance(task)
        full = workers.sync(Mode.FULL)
        progress.advance(task)
        unchanged = workers.sync(Mode.INCREMENTAL)
        progress.advance(task)
        return Size(
            invoices, int(bench.rows(CACHED_ROWS)[0]["rows"]), first, full, unchanged, peak_megabytes(master.pid)
        )


def promises(sizes: Sequence[Size]) -> list[Promise]:
    largest = sizes[-1]
    memory = f"{largest.invoices:,} invoices: the worker's peak memory"
    found = [Promise(memory, largest.megabytes, MOST_MEGABYTES, " MB", is_most=True)]
    for reference in sizes[1:-1]:
        if reference.invoices == REFERENCE:
            growth = _cpu_of_a_row(largest, sizes[0]) / _cpu_of_a_row(reference, sizes[0])
            what = f"first sync: processor time a row of {largest.invoices:,} invoices, of that of {REFERENCE:,}"
            found.append(Promise(what, growth, MOST_GROWTH, " ×", is_most=True))
    return found


def table(sizes: Sequence[Size]) -> Table:
    title = "One organisation, one worker process; processor: of 1,000 rows, the worker's and Postgres's"
    shown = Table("invoices", title=title)
    for name in ("rows", "first sync", "rows a second", "processor", "full again", "processor", "incremental"):
        shown.add_column(name, justify="right")
    shown.add_column("peak memory", justify="right")
    for size in sizes:
        shown.add_row(
            f"{size.invoices:,}",
            f"{size.rows:,}",
            f"{size.first.seconds:.1f} s",
            f"{size.rows / size.first.seconds:,.0f}",
            _processor(size.first, size.rows),
            f"{size.full.seconds:.1f} s",
            _processor(size.full, size.rows),
            f"{size.unchanged.seconds:.2f} s",
            f"{size.megabytes:.0f} MB",
        )
    return shown


def _cpu_of_a_row(size: Size, smallest: Size) -> float:
    """The processor time of each row that `size` has more than `smallest`, in seconds."""
    return (size.first_cpu_seconds - smallest.first_cpu_seconds) / (size.rows - smallest.rows)


def _processor(cost: Cost, rows: int) -> str:
    return f"{cost.cpu_seconds * 1000 / rows:.3f}, {cost.postgres_cpu_seconds * 1000 / rows:.3f} s"
