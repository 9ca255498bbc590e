"""Promises of boot/parent_process.py: a worker does not outlive its master."""

import os
import signal
import subprocess
import sys

import pytest

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

    # With a fork server the parent process is not the process that started the child.
    @pytest.mark.parametrize("start_method", ["fork", "forkserver"])
    def test_works_while_its_master_is_running(self, start_method: str) -> None:
        assert said_by_the_child(start_method, "boot", "lives") == b"booted\n"
