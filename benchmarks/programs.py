"""booksync's own processes, started for a benchmark with the settings of this process's environment."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

PROJECT = Path(__file__).parents[1]
PROGRAMS = Path(sys.executable).parent
_START_SECONDS = 60.0

THREADS = 8  #: of a worker process, by Dramatiq's default


@contextmanager
def running(program: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is terminated at the end of the block; its logs are discarded."""
    command = [str(PROGRAMS / program), *words]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}  # The programs may belong to another checkout.
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def await_workers(master: int, processes: int) -> None:
    """Wait until each worker has its own connections to Redis and Postgres; workers check the schema when they boot.

    Raises TimeoutError.
    """
    ends_at = time.monotonic() + _START_SECONDS
    while sum(bool(child.net_connections()) for child in psutil.Process(master).children(recursive=True)) < processes:
        if time.monotonic() > ends_at:
            raise TimeoutError("the workers do not start")
        time.sleep(0.1)


@contextmanager
def running_workers(processes: int, threads: int = THREADS) -> Iterator[subprocess.Popen[bytes]]:
    """The master of this many worker processes."""
    with running("dramatiq", "workers.main", "--processes", str(processes), "--threads", str(threads)) as master:
        yield master
