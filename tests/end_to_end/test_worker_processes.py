"""A worker's processes: what they log, and that none is left behind."""

import json
import signal
from pathlib import Path

import psutil

from tests.end_to_end.installation import WORKER, Installation
from tests.end_to_end.underway import eventually


def test_a_worker_ends_whose_master_is_killed_while_it_boots(installation: Installation) -> None:
    master = installation.start(*WORKER)
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
    """Who is dead and whose end nobody has asked about is a zombie."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_all_that_a_worker_logs_is_json(installation: Installation, tmp_path: Path) -> None:
    installation.start(*WORKER)
    log = tmp_path / "dramatiq-0.log"
    eventually(lambda: "Worker process is ready" in log.read_text(encoding="utf-8"))
    # Its master is Dramatiq's own, and knows nothing of our form.
    lines = [line for line in log.read_text(encoding="utf-8").splitlines() if "[dramatiq.MainProcess]" not in line]
    events = [json.loads(line)["event"] for line in lines]
    assert "Worker process is ready for action." in events
    assert not any("plugin" in event for event in events)
