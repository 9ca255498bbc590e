"""Whole syncs through the simulator: contacts per second, and the memory of a worker process."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from domain.runs import Mode
from sandbox.zoho import commands as ask
from sandbox.zoho.control import SandboxControl
from sandbox.zoho.fault_requests import FaultName
from tests.end_to_end.installation import Installation
from tests.integration.chain.bench import Bench
from workers.queue import send_step

_EDITS_A_REQUEST = 5_000
_SECONDS_OF_A_DAY = 86_400
_POLL_SECONDS = 0.2
_MEGABYTE = 1024 * 1024

#: Dramatiq's key for the workers that have polled for messages.
_HEARTBEATS = "dramatiq:__heartbeats__"


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


def measure_in_process(bench: Bench, *, day: int) -> SyncTimes:
    """A first load, an unchanged full run and an all-changed one, run in this process; `day` differs each time."""
    first = _timed_run(bench)
    unchanged = _timed_run(bench)
    _edit_all(bench.zoho, day)
    changed = _timed_run(bench)
    return SyncTimes(_customers(bench), first, unchanged, changed)


def measure_worker(bench: Bench) -> WorkerUse:
    """A first load and an unchanged full run by `dramatiq workers.main --processes 1`."""
    with _running_worker(bench) as worker:
        idle = _peak_megabytes(worker)
        first, first_megabytes = _run_by_worker(bench), _peak_megabytes(worker)
        unchanged, unchanged_megabytes = _run_by_worker(bench), _peak_megabytes(worker)
    return WorkerUse(_customers(bench), first, unchanged, idle, first_megabytes, unchanged_megabytes)


def _timed_run(bench: Bench) -> float:
    began = time.perf_counter()
    run = bench.sync(Mode.FULL)
    assert run["status"] == "succeeded", run["reason"]
    return time.perf_counter() - began


def _edit_all(zoho: SandboxControl, day: int) -> None:
    """Change each contact at a different second of the simulator's previous day."""
    zoho.fault(FaultName.CLOCK_SHIFTED, everywhere=True, seconds=_SECONDS_OF_A_DAY)
    ids = [int(contact["contact_id"]) for contact in zoho.snapshot()["contacts"]]
    began = datetime.now(UTC) + timedelta(days=day - 1, hours=1)
    apart = timedelta(hours=20) / len(ids)
    name = ask.ContactFields(company_name=f"Renamed on day {day}")
    edits = [
        ask.EditContact(at=began + number * apart, contact_id=contact_id, fields=name)
        for number, contact_id in enumerate(ids)
    ]
    for start in range(0, len(edits), _EDITS_A_REQUEST):
        zoho.mutate(*edits[start : start + _EDITS_A_REQUEST])


@contextmanager
def _running_worker(bench: Bench) -> Iterator[psutil.Process]:
    """The worker process itself, not the master that started it."""
    with TemporaryDirectory(prefix="booksync-benchmark-") as logs:
        installation = Installation(dict(os.environ), Path(logs), bench.zoho)
        try:
            master = psutil.Process(installation.start("dramatiq", "workers.main", "--processes", "1").pid)
            while not bench.resources.redis.zcard(_HEARTBEATS):
                time.sleep(_POLL_SECONDS)
            # The child of the master with the most memory: the others are its helpers.
            yield max(master.children(recursive=True), key=lambda process: process.memory_info().rss)
        finally:
            installation.stop()


def _run_by_worker(bench: Bench) -> float:
    """Return the duration in seconds."""
    step = bench.start(Mode.FULL)
    began = time.perf_counter()
    send_step(bench.resources.broker, step)
    while bench.present_step() is not None:
        time.sleep(_POLL_SECONDS)
    seconds = time.perf_counter() - began
    status = bench.rows("SELECT status FROM booksync.sync_runs WHERE id = %(id)s", id=step.run_id)[0]["status"]
    assert status == "succeeded", status
    return seconds


def _customers(bench: Bench) -> int:
    return int(bench.rows("SELECT count(*) FROM booksync.customers_cache")[0]["count"])


def _peak_megabytes(process: psutil.Process) -> float:
    """The peak memory of the process (Linux's VmHWM)."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / _MEGABYTE
