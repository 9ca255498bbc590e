"""Promises of boot/parent_process.py: a worker does not outlive its master."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.underway import eventually
from tests.processes import gone

#: Starts a child that requests to die with its parent, and waits to be killed. Both processes hold the pipe open.
_MASTER = """
import os, signal, time
from workers.boot.parent_process import die_with_parent
ready, told = os.pipe()
if os.fork() == 0:
    die_with_parent(signal.SIGTERM)
    os.write(told, b".")
    signal.pause()
os.read(ready, 1)
print("ready", flush=True)
signal.pause()
"""

#: Starts a child with the given start method, then either continues or is killed during the child's boot.
_MAKER = """
import multiprocessing, os, signal, sys
from tests.integration import children
start_method, child, is_killed = sys.argv[1:]
multiprocessing.set_start_method(start_method)
multiprocessing.Process(target=getattr(children, child)).start()
if is_killed == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
"""


def said_by_the_child(start_method: str, child: str, maker: str) -> bytes:
    """The child's output; the end of the file means that the child has ended too."""
    command = [sys.executable, "-c", _MAKER, start_method, child, maker]
    return subprocess.run(command, stdout=subprocess.PIPE, timeout=60).stdout


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals a process when its parent ends")
def test_worker_ends_with_its_master_after_any_kind_of_end() -> None:
    with subprocess.Popen([sys.executable, "-c", _MASTER], stdout=subprocess.PIPE, start_new_session=True) as master:
        assert master.stdout is not None
        try:
            assert master.stdout.readline() == b"ready\n"
            master.kill()
            # The end of the file comes when the child has closed the pipe too.
            assert master.stdout.read() == b""
        finally:
            os.killpg(master.pid, signal.SIGKILL) if master.poll() is None else None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals a process when its parent ends")
class TestAWorkerThatMultiprocessingHasMade:
    @pytest.mark.parametrize("start_method", ["fork", "spawn"])
    def test_ends_when_its_master_has_already_ended(self, start_method: str) -> None:
        assert said_by_the_child(start_method, "outlive", "killed") == b"an orphan\n"

    def test_has_a_time_limit_for_the_begin_of_its_stop_and_none_for_its_work(self) -> None:
        assert said_by_the_child("fork", "stop", "killed") == b"to stop\nlimited\nunlimited\n"

    # With a fork server the parent process is not the process that started the child.
    @pytest.mark.parametrize("start_method", ["fork", "forkserver"])
    def test_works_while_its_master_is_running(self, start_method: str) -> None:
        assert said_by_the_child(start_method, "boot", "lives") == b"booted\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals a process when its parent ends")
def test_a_worker_ends_when_its_master_is_killed_while_it_waits_for_the_workers_readiness(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    command = [str(Path(sys.executable).parent / "dramatiq"), "tests.integration.late_orphan", "--processes", "1"]
    with subprocess.Popen(command, env=os.environ | {"PID_FILE": str(file)}, stderr=subprocess.DEVNULL) as master:
        eventually(lambda: file.exists() and file.read_text().endswith("\n"))
        worker = int(file.read_text())
        master.kill()
    try:
        eventually(lambda: gone(worker))
    finally:
        if not gone(worker):
            os.kill(worker, signal.SIGKILL)
