"""booksync's own processes, started for a benchmark with the settings of this process's environment."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).parents[1]
_PROGRAMS = Path(sys.executable).parent


@contextmanager
def running(program: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is terminated at the end of the block; its logs are discarded."""
    command = [str(_PROGRAMS / program), *words]
    with subprocess.Popen(
        command, cwd=PROJECT, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
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


@contextmanager
def running_workers(processes: int, threads: int) -> Iterator[subprocess.Popen[bytes]]:
    """The master of this many worker processes."""
    with running("dramatiq", "workers.main", "--processes", str(processes), "--threads", str(threads)) as master:
        yield master
