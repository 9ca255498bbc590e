"""This worker process: its resources, the shares of its threads, and its memory."""

import ctypes

from workers.boot.resources import Resources, open_resources
from workers.queue.thread_shares import ThreadShares

__all__ = [
    "open_resources",
    "resources",
    "set_resources",
    "set_thread_shares",
    "share_memory_between_threads",
    "thread_shares",
]

_M_ARENA_MAX = -8
_ARENAS = 2

_resources: Resources | None = None
_thread_shares: ThreadShares | None = None


def set_resources(opened: Resources) -> None:
    """Set this process's resources.

    The middleware that opens them calls this function once, before the first message.
    """
    global _resources
    _resources = opened


def resources() -> Resources:
    """Return the resources of this worker process."""
    assert _resources is not None, "resources are opened before the first message"
    return _resources


def set_thread_shares(shares: ThreadShares) -> None:
    """Set this process's `ThreadShares`. The middleware that knows the number of threads calls this function once."""
    global _thread_shares
    _thread_shares = shares


def thread_shares() -> ThreadShares:
    """Return this process's `ThreadShares`, which limits the threads of one organisation's webhooks."""
    assert _thread_shares is not None, "the shares are set before the first message"
    return _thread_shares


def share_memory_between_threads() -> None:
    """Let all threads of this process allocate from two pools of memory. Call this function before the threads start.

    By default glibc gives each thread its own pool. Each pool would keep the memory that its largest page of records
    needed, so the process would hold much more memory than it uses.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
