"""The end of this process when its parent process ends."""

import ctypes
import multiprocessing
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(end: signal.Signals) -> None:
    """Ask Linux to signal this process when its parent dies, even by SIGKILL.

    The signal comes at once if the parent is dead already.
    """
    if sys.platform == "linux":
        parent = _parent_pid()
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(end), 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), end)


def _parent_pid() -> int:
    """Return the pid of the process that created this one.

    os.getppid() alone does not suffice, because it returns another process's pid after that process has ended.
    """
    maker = multiprocessing.parent_process()
    # With a fork server, the parent is the server and not the process that asked for this one.
    if maker is None or maker.pid is None or multiprocessing.get_start_method() == "forkserver":
        return os.getppid()
    return maker.pid
