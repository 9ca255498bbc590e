"""The processor time of `benchmarks.processor`."""

import subprocess
import sys

from benchmarks.processor import cpu_seconds

#: A process that waits for a busy child, says so, and stays until its standard input is closed. The kernel counts user
#: and system time in hundredths of a second, each rounded down, so the child works longer than the test asks for.
_WAITED = """
import subprocess, sys
subprocess.run([sys.executable, "-c", "import time\\nwhile time.process_time() < 0.3: pass"], check=True)
print("waited", flush=True)
sys.stdin.read()
"""


def test_processor_time_includes_children_that_have_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", _WAITED], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"waited\n"
        assert cpu_seconds(parent.pid) >= 0.2
