"""Start a demo, read its output, and find its processes."""

import json
import os
import select
import subprocess
import time
from collections.abc import Mapping
from typing import Any

import psutil

UP = "Ctrl-C ends it"


class Demo:
    """A demo in its own process."""

    def __init__(self, command: list[str], env: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            env={**os.environ, "COLUMNS": "200", **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.said = ""

    def wait_until_it_says(self, words: str, seconds: float = 60.0) -> None:
        assert self.process.stdout is not None
        deadline = time.monotonic() + seconds
        while words not in self.said:
            readable, _, _ = select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(self.process.stdout.fileno(), 65_536).decode() if readable else ""
            assert chunk, f"The demo never said {words!r}. It said: {self.said}"
            self.said += chunk

    def processes(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def running(self, *words: str) -> psutil.Process:
        """The process whose command line contains all these words, without its watcher."""
        commands = {process: command_line(process) for process in self.processes()}
        found = [process for process, line in commands.items() if all(word in line for word in words)]
        return next(process for process in found if "watcher.py" not in commands[process])

    def finish(self, seconds: float = 60.0) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=seconds)
        return self.process.returncode, self.said + out, err


def last_object(out: str) -> dict[str, Any]:
    return dict(json.loads(out.strip().splitlines()[-1]))


def command_line(process: psutil.Process) -> str:
    """The command line; empty if the process has ended since it was listed."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # A zombie process raises a subclass of this error.
        return ""
