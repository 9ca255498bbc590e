"""This worker process: its resources, and its end when its parent process ends."""

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
    "share_memory_between_threads",
    "thread_shares",
]

_PR_SET_PDEATHSIG = 1

_M_ARENA_MAX = -8
_ARENAS = 2

_resources: Resources | None = None
_thread_shares: ThreadShares | None = None


def set_resources(opened: Resources) -> None:
    """Set the resources; the middleware that opens them calls this once, before the first message."""
    global _resources
    _resources = opened


def resources() -> Resources:
    """Return the resources of this worker process."""
    assert _resources is not None, "resources are opened before the first message"
    return _resources


def set_thread_shares(shares: ThreadShares) -> None:
    """Set the thread shares; the middleware that knows the number of threads calls this once."""
    global _thread_shares
    _thread_shares = shares


def thread_shares() -> ThreadShares:
    """Return the thread shares of this worker process."""
    assert _thread_shares is not None, "the shares are set before the first message"
    return _thread_shares


def share_memory_between_threads() -> None:
    """Let all threads of this process allocate from two pools of memory. Must precede the threads.

    glibc gives each thread a pool of its own, and a pool keeps what its largest page of records needed.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)


def die_with_parent(end: signal.Signals) -> None:
    """Ask Linux to signal this process when its parent dies, even by SIGKILL; signal at once if it is dead already."""
    if sys.platform == "linux":
        parent = _parent_pid()
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(end), 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), end)


def _parent_pid() -> int:
    """Return the pid of the process that created this one; getppid() of an orphan is a different process."""
    maker = multiprocessing.parent_process()
    # With a fork server, the parent is the server and not the process that asked for this one.
    if maker is None or maker.pid is None or multiprocessing.get_start_method() == "forkserver":
        return os.getppid()
    return maker.pid
