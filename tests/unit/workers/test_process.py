"""Promises of workers/process.py: a worker has its means, and does not outlive its master."""

import os
import signal
import subprocess
import sys
from typing import cast

import pytest

from workers import process
from workers.resources import Resources

#: Starts a child that asks to die with it, and waits to be killed. Both hold the pipe open.
_MASTER = """
import os, signal, time
from workers.process import die_with_parent
ready, told = os.pipe()
if os.fork() == 0:
    die_with_parent(signal.SIGTERM)
    os.write(told, b".")
    signal.pause()
os.read(ready, 1)
print("ready", flush=True)
signal.pause()
"""


def test_a_worker_has_the_means_that_were_opened_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_resources", None)
    opened = cast(Resources, object())
    process.set_resources(opened)
    assert process.resources() is opened


def test_means_are_opened_before_they_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_resources", None)
    with pytest.raises(AssertionError, match="opened before the first message"):
        process.resources()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_a_worker_ends_with_its_master_however_that_ends() -> None:
    with subprocess.Popen([sys.executable, "-c", _MASTER], stdout=subprocess.PIPE, start_new_session=True) as master:
        assert master.stdout is not None
        try:
            assert master.stdout.readline() == b"ready\n"
            master.kill()
            # The end of the file comes when the child has let go of the pipe too.
            assert master.stdout.read() == b""
        finally:
            os.killpg(master.pid, signal.SIGKILL) if master.poll() is None else None
