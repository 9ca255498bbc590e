"""The memory that a worker process keeps after it has freed it."""

import ctypes

_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

#: The smallest block, in bytes, that is returned to the operating system as soon as it is freed. A page of a list is
#: larger.
_RETURNED_BLOCK = 64 * 1024

_ARENAS = 2


def return_freed_memory() -> None:
    """Make glibc return more of the memory that this process frees. Call this function before the threads start.

    By default glibc gives each thread its own pool of memory, and raises the size of the blocks that it returns with
    the largest block that was freed. Each pool would then keep the memory of its largest pages of records, so the
    process would hold much more memory than it uses. Other C libraries keep their defaults.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
        mallopt(_M_MMAP_THRESHOLD, _RETURNED_BLOCK)
