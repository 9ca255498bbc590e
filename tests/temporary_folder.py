"""The place of the tests' temporary folders: memory if enough of it is free, because each database is 300 files."""

import os
import shutil
from pathlib import Path

import psutil

_MEMORY = Path("/dev/shm")
_GIGABYTE = 2**30

#: A whole run needs less than half of this at any time.
_NEEDED = 4 * _GIGABYTE

#: The variable of pytest for the folder of `tmp_path`.
_VARIABLE = "PYTEST_DEBUG_TEMPROOT"


def use_memory() -> None:
    """Place temporary folders in memory, unless the variable is set, or the machine or its container has too little."""
    if _VARIABLE in os.environ or not os.access(_MEMORY, os.W_OK | os.X_OK):
        return
    if min(shutil.disk_usage(_MEMORY).free, psutil.virtual_memory().available - _NEEDED) >= _NEEDED:
        os.environ[_VARIABLE] = str(_MEMORY)
