"""Promises of boot/memory.py: a worker holds little more memory than it uses."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[4]

#: Frees a block of a megabyte, which raises glibc's own threshold, then all but the last one of 40 megabytes in blocks
#: of pages' sizes. Prints the megabytes that the process still holds of these.
_PROGRAM = """
import psutil
from workers.boot.memory import return_freed_memory
{call}
held = psutil.Process().memory_info
large = b"x" * 1_000_000
del large
before = held().rss
blocks = [b"x" * 200_000 for _ in range(200)]
del blocks[:-1]
print((held().rss - before) / 1e6)
"""


def _megabytes_held(call: str) -> float:
    program = [sys.executable, "-c", _PROGRAM.format(call=call)]
    ended = subprocess.run(program, cwd=_ROOT, capture_output=True, text=True, check=True)
    return float(ended.stdout)


@pytest.mark.skipif("CS_GNU_LIBC_VERSION" not in os.confstr_names, reason="glibc's memory")
def test_the_memory_of_freed_pages_is_returned_although_a_later_block_is_in_use() -> None:
    assert _megabytes_held("") > 30
    assert _megabytes_held("return_freed_memory()") < 5
