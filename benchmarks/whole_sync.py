"""Whole syncs through the simulator: contacts per second, and the memory of a worker process."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from benchmarks.installation import Servers
from benchmarks.processor import peak_megabytes
from benchmarks.programs import await_workers, running_workers
from benchmarks.worker_runs import MeasuredWorkers
from domain.runs import Mode
from sandbox.zoho import commands as ask
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.fault_requests import FaultName
from tests.integration.chain.bench import Bench

_EDITS_A_REQUEST = 5_000
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class SyncTimes:
    """The durations of full runs over `rows` customers, in seconds."""

    rows: int
    first: float
    unchanged: float
    changed: float


@dataclass(frozen=True)
class WorkerUse:
    """The memory of a real worker process: its peak after the first load, and after an additional unchanged run."""

    rows: int
    first: float  #: seconds
    unchanged: float
    idle_megabytes: float
    first_megabytes: float
    unchanged_megabytes: float


def measure_in_process(bench: Bench, *, repeat: int) -> SyncTimes:
    """A first load, an unchanged full run and an all-changed one, run in this process; `repeat` counts from 0 to 2."""
    first = _timed_run(bench)
    unchanged = _timed_run(bench)
    _edit_all(bench.zoho, repeat)
    changed = _timed_run(bench)
    return SyncTimes(_customers(bench), first, unchanged, changed)


def measure_worker(servers: Servers, bench: Bench) -> WorkerUse:
    """A first load and an unchanged full run by `dramatiq workers.main --processes 1`."""
    with running_workers(1) as master:
        await_workers(master.pid, 1)
        workers = MeasuredWorkers(bench, master.pid, servers.postgres.pid)
        idle = peak_megabytes(master.pid)
        first, first_megabytes = workers.sync(Mode.FULL), peak_megabytes(master.pid)
        unchanged, unchanged_megabytes = workers.sync(Mode.FULL), peak_megabytes(master.pid)
    return WorkerUse(_customers(bench), first.seconds, unchanged.seconds, idle, first_megabytes, unchanged_megabytes)


def _timed_run(bench: Bench) -> float:
    began = time.perf_counter()
    run = bench.sync(Mode.FULL)
    assert run["status"] == "succeeded", run["reason"]
    return time.perf_counter() - began


def _edit_all(zoho: SandboxControl, repeat: int) -> None:
    """Change each contact within a third of the simulator's last day.

    booksync rejects times that are more than a day ahead of its own clock, so the repeats share one day.
    """
    zoho.clear_faults()
    zoho.fault(FaultName.CLOCK_SHIFTED, everywhere=True, seconds=_DAY.total_seconds())
    ids = [int(contact["contact_id"]) for contact in zoho.snapshot()["contacts"]]
    began = datetime.now(UTC) + repeat * _DAY / 3
    apart = 0.9 * _DAY / 3 / len(ids)
    name = ask.ContactFields(company_name=f"Renamed in repeat {repeat}")
    edits = [
        ask.EditContact(at=began + number * apart, contact_id=contact_id, fields=name)
        for number, contact_id in enumerate(ids)
    ]
    for start in range(0, len(edits), _EDITS_A_REQUEST):
        zoho.mutate(*edits[start : start + _EDITS_A_REQUEST])


def _customers(bench: Bench) -> int:
    return int(bench.rows("SELECT count(*) FROM booksync.customers_cache")[0]["count"])
