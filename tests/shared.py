"""What the processes of one test session share: the first process that needs it makes it, and the others wait."""

import fcntl
import os
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], T]) -> T:
    """The result of `make`, which is called once a session with a new folder, and can be pickled.

    Each process of pytest-xdist makes the fixtures of its tests, and the tests of one module may run in several
    processes. If `make` raises an error, the next process calls it again.
    """
    session = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        session = session.parent
    result = session / f"{name}.pickle"
    with (session / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not result.exists():
            folder = Path(tempfile.mkdtemp(dir=session, prefix=f"{name}-"))
            incomplete = result.with_suffix(".incomplete")
            incomplete.write_bytes(pickle.dumps(make(folder)))
            incomplete.rename(result)
        made: T = pickle.loads(result.read_bytes())
        return made
