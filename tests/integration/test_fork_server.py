"""Promises of tests/fork_server.py: a forked program behaves like an installed one that was started."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.underway import eventually
from tests.fork_server import DRAMATIQ, ForkedProcess, fork_server
from tests.processes import gone

pytestmark = pytest.mark.slow

_ENVIRONMENT = {"PATH": os.environ["PATH"]}


def a_started_master(folder: Path) -> ForkedProcess:
    """A Dramatiq master whose worker has no actors and is ready."""
    with (folder / "log").open("wb") as log:
        words = ["dramatiq", "tests.integration.actorless", "--processes", "1"]
        master = fork_server().start(DRAMATIQ, words, _ENVIRONMENT, stdout=log.fileno(), stderr=log.fileno())
    eventually(lambda: "ready for action" in (folder / "log").read_text())
    return master


def test_exit_code_and_output_are_those_of_the_command() -> None:
    assert fork_server().run(["dance"], _ENVIRONMENT, 60)[0] == 2
    code, stdout, stderr = fork_server().run(["status"], _ENVIRONMENT, 60)
    assert (code, stdout) == (1, "")
    assert "Missing settings: DATABASE_URL" in stderr


def test_a_process_is_in_the_group_of_the_test_and_ends_by_its_signals(tmp_path: Path) -> None:
    master = a_started_master(tmp_path)
    assert os.getpgid(master.pid) == os.getpgid(0)
    assert master.poll() is None
    master.terminate()
    assert master.wait(timeout=60) == 0


def test_a_killed_masters_worker_ends_too(tmp_path: Path) -> None:
    master = a_started_master(tmp_path)
    (worker,) = psutil.Process(master.pid).children()
    master.kill()
    assert master.wait(timeout=60) == -signal.SIGKILL
    eventually(lambda: gone(worker.pid))
