"""The processes of a worker: no process is left behind."""

import signal

import psutil
import pytest

from tests.end_to_end.installation import WORKER, Installation
from tests.end_to_end.underway import eventually


@pytest.mark.slow
def test_a_worker_ends_when_its_master_is_killed_during_its_boot(installation: Installation) -> None:
    master = installation.start_installed(*WORKER)
    eventually(lambda: psutil.Process(master.pid).children() != [])
    orphans = psutil.Process(master.pid).children()
    master.send_signal(signal.SIGKILL)
    master.wait()
    try:
        eventually(lambda: not any(is_alive(orphan) for orphan in orphans), patience_seconds=20)
    finally:
        for orphan in filter(is_alive, orphans):
            orphan.kill()


def is_alive(process: psutil.Process) -> bool:
    """Whether the process runs; a zombie is a dead process whose exit status was not read yet."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
