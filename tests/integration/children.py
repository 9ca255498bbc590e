"""Child processes of the tests, in a module that loads quickly."""

import multiprocessing
import os
import signal
import time

from workers.boot.parent_process import die_with_parent, stop_has_begun, stop_with_parent


def outlive() -> None:
    """Boot so slowly that the parent is dead before the child requests to die with it."""
    _wait_for_the_parents_end()
    print("an orphan", flush=True)
    die_with_parent(signal.SIGTERM)
    print("that works", flush=True)


def stop() -> None:
    """Like a worker whose master is dead, get a time limit for the begin of the stop, and begin it."""
    signal.signal(signal.SIGTERM, lambda *_: print("to stop", flush=True))
    _wait_for_the_parents_end()
    stop_with_parent()
    print("limited" if signal.getitimer(signal.ITIMER_REAL)[0] else "unlimited", flush=True)
    stop_has_begun()
    print("limited" if signal.getitimer(signal.ITIMER_REAL)[0] else "unlimited", flush=True)


def _wait_for_the_parents_end() -> None:
    maker = multiprocessing.parent_process()
    assert maker is not None
    while os.getppid() == maker.pid:
        time.sleep(0.01)


def boot() -> None:
    die_with_parent(signal.SIGTERM)
    print("booted", flush=True)
