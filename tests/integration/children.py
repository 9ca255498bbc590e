"""Child processes of the tests, in a module that loads quickly."""

import multiprocessing
import os
import signal
import time

from workers.boot.parent_process import die_with_parent


def outlive() -> None:
    """Boot so slowly that the parent is dead before the child requests to die with it."""
    maker = multiprocessing.parent_process()
    assert maker is not None
    while os.getppid() == maker.pid:
        time.sleep(0.01)
    print("an orphan", flush=True)
    die_with_parent(signal.SIGTERM)
    print("that works", flush=True)


def boot() -> None:
    die_with_parent(signal.SIGTERM)
    print("booted", flush=True)
