"""This process: its resources while it works, and its end when its parent ends."""

import ctypes
import multiprocessing
import os
import signal
import sys

from workers.boot.resources import Resources, open_resources
from workers.queue.thread_shares import ThreadShares

__all__ = [
    "die_with_parent",
    "open_resources",
    "resources",
    "set_resources",
    "set_thread_shares",
    "thread_shares",
]

_PR_SET_PDEATHSIG = 1

_resources: Resources | None = None
_thread_shares: ThreadShares | None = None


def set_resources(opened: Resources) -> None:
    """Said once, by the middleware that opens them before the first message."""
    global _resources
    _resources = opened


def resources() -> Resources:
    """The means of this worker process."""
    assert _resources is not None, "resources are opened before the first message"
    return _resources


def set_thread_shares(shares: ThreadShares) -> None:
    """Called once, by the middleware that knows how many threads the process has."""
    global _thread_shares
    _thread_shares = shares


def thread_shares() -> ThreadShares:
    """The shares of this worker process's threads."""
    assert _thread_shares is not None, "the shares are set before the first message"
    return _thread_shares


def die_with_parent(end: signal.Signals) -> None:
    """Asks Linux to signal this process when its parent dies, however it dies; also where it is dead already."""
    if sys.platform == "linux":
        parent = _parent_pid()
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(end), 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), end)


def _parent_pid() -> int:
    """Of who made this process: an orphan has another parent by now, and would take that one for its own."""
    maker = multiprocessing.parent_process()
    # A fork server stands between a process and its maker.
    if maker is None or maker.pid is None or multiprocessing.get_start_method() == "forkserver":
        return os.getppid()
    return maker.pid
