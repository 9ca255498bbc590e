"""Starts and stops the Zoho simulator as a process, for tests and benchmarks."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.zoho.control import SandboxControl

PROJECT = Path(__file__).parents[2]


class SimulatorFailedError(RuntimeError):
    """The simulator ended before it was ready."""


@contextmanager
def running_simulator(*options: str, **named: object) -> Iterator[SandboxControl]:
    """Start a simulator on a free port; yields a control client for its first organisation.

    `running_simulator(contacts=50, state=path)` runs `python -m sandbox.zoho --port 0 --contacts 50 --state path`.
    """
    chosen = [part for name, value in named.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    command = [sys.executable, "-m", "sandbox.zoho", "--port", "0", *chosen, *options]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise SimulatorFailedError(f"the simulator ended with {process.wait()} before it was ready")
            with SandboxControl(json.loads(line)["url"]) as control:
                yield control
        finally:
            process.terminate()
            process.wait()
