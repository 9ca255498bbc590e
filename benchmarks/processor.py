"""Processor time and memory of processes, with everything that they have started."""

from dataclasses import dataclass
from pathlib import Path

import psutil

_KILOBYTES = 1024


@dataclass(frozen=True)
class Cost:
    """The cost of a piece of work, in seconds."""

    seconds: float
    cpu_seconds: float  #: of the processes that did the work
    postgres_cpu_seconds: float


def cpu_seconds(pid: int) -> float:
    """User and system time of the process and of its descendants, also of those that have ended and were waited for.

    Postgres waits for its backends, and Dramatiq's master for its workers, so their time is not lost with them.
    """
    process = psutil.Process(pid)
    return sum(_seconds(each) for each in [*process.children(recursive=True), process])


def peak_megabytes(master: int) -> float:
    """The peak memory of the worker process with this master (Linux's VmHWM).

    Of the master's children the worker has the most memory; the others are its helpers.
    """
    worker = max(psutil.Process(master).children(recursive=True), key=lambda process: process.memory_info().rss)
    status = Path(f"/proc/{worker.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / _KILOBYTES


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # Its parent has waited for it, and counts it.
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)
