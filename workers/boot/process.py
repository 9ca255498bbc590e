"""This worker process: its resources, and the shares of its threads."""

from workers.boot.resources import Resources, open_resources
from workers.queue.thread_shares import ThreadShares

__all__ = [
    "open_resources",
    "resources",
    "set_resources",
    "set_thread_shares",
    "thread_shares",
]

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
