"""The end of this process when its parent process ends."""

import ctypes
import multiprocessing
import os
import signal
import sys
from types import FrameType

_PR_SET_PDEATHSIG = 1

#: Time limit for an orphan between SIGTERM and the begin of its stop. Dramatiq looks for the signal once a second.
ORPHAN_SECONDS = 10


def die_with_parent(end: signal.Signals) -> None:
    """Ask Linux to send this process the signal `end` when its parent dies, even if SIGKILL kills the parent.

    If the parent is dead already, the signal comes at once.
    """
    if sys.platform == "linux":
        parent = _parent_pid()
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(end), 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), end)


def stop_with_parent() -> None:
    """Ask Linux for SIGTERM when the parent dies, and end this process if it does not begin to stop soon after that.

    Trap: at its start a Dramatiq worker calls `Event.set` to report to its master that it is ready. If the master dies
    just then, this call never returns. Dramatiq's handler of SIGTERM only sets a flag, so the worker would never end.

    Call this function in the main thread after Dramatiq has set its handler, and `stop_has_begun` when the stop begins.
    """
    parent, handler = _parent_pid(), signal.getsignal(signal.SIGTERM)
    if callable(handler):

        def stop(number: int, frame: FrameType | None) -> None:
            if os.getppid() != parent:
                signal.alarm(ORPHAN_SECONDS)
            handler(number, frame)

        signal.signal(signal.SIGTERM, stop)
    die_with_parent(signal.SIGTERM)


def stop_has_begun() -> None:
    """Cancel the forced end of this process. It has begun to stop, so it may take any time to finish its work."""
    signal.alarm(0)


def _parent_pid() -> int:
    """Return the pid of the process that created this one.

    os.getppid() alone does not suffice: after the parent has ended, it returns the pid of another process.
    """
    maker = multiprocessing.parent_process()
    # With a fork server, the parent is the server and not the process that asked for this one.
    if maker is None or maker.pid is None or multiprocessing.get_start_method() == "forkserver":
        return os.getppid()
    return maker.pid
