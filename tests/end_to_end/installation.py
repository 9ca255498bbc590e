"""An installation of booksync as operators run it: commands and processes."""

import json
import os
import signal
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import psutil

from sandbox.zoho.control import SandboxControl
from tests.fork_server import BOOKSYNC, DRAMATIQ, UVICORN, ForkedProcess, fork_server

PROGRAMS = Path(sys.executable).parent
PROJECT = Path(__file__).parents[2]

WORKER = ("dramatiq", "workers.main", "--processes", "1", "--threads", "4")
SCHEDULER = ("booksync", "scheduler")
_MAIN_FUNCTIONS = {"booksync": BOOKSYNC, "dramatiq": DRAMATIQ, "uvicorn": UVICORN}

Process = ForkedProcess | subprocess.Popen[bytes]


@dataclass(frozen=True)
class Outcome:
    """The exit code and the output of a command."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The last line of stdout, which `--json` promises to be JSON."""
        found: dict[str, Any] = json.loads(self.stdout.splitlines()[-1])
        return found


@dataclass
class Installation:
    """Settings in the environment, and the processes that were started with them."""

    environment: dict[str, str]
    logs: Path
    zoho: SandboxControl
    project: Path = PROJECT  #: the folder of the release's code
    processes: list[Process] = field(default_factory=list)

    def run(self, *words: str, **changed: str | None) -> Outcome:
        """Run `booksync WORDS…`, with some variables changed, or unset for None."""
        return Outcome(*fork_server().run(words, self._environment(changed), timeout_seconds=120))

    def status(self, connection_id: str) -> dict[str, Any]:
        """The connection as `booksync status --json` shows it."""
        (shown,) = self.run("status", connection_id, "--json").json["connections"]
        return dict(shown)

    def start(self, program: str, *words: str, **changed: str | None) -> Process:
        """Start a process until the end of the test, with some variables changed; its log is in the test's folder."""
        if self.project != PROJECT:
            return self.start_installed(program, *words, **changed)
        with self._log(program) as log:
            process = fork_server().start(
                _MAIN_FUNCTIONS[program],
                [str(PROGRAMS / program), *words],
                self._environment(changed),
                stdout=log.fileno(),
                stderr=log.fileno(),
            )
        self.processes.append(process)
        return process

    def start_installed(self, program: str, *words: str, **changed: str | None) -> Process:
        """Like `start`, with the installed program itself instead of a fork that has loaded it already."""
        with self._log(program) as log:
            process = subprocess.Popen(
                [str(PROGRAMS / program), *words],
                env=self._environment(changed),
                cwd=self.project,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def stop(self) -> None:
        """End all processes at once, because an orderly end takes seconds."""
        for process in self.processes:
            if process.poll() is None:
                kill(process)

    def connect(self, user_id: uuid.UUID | None = None, **changed: str | None) -> Outcome:
        """Connect the simulator's first organisation, with a new grant code."""
        return self.run(
            "connect",
            "--user",
            str(user_id or uuid.uuid4()),
            "--organization",
            self.zoho.organization_id,
            "--grant-code",
            self.zoho.grant_code(),
            "--json",
            **changed,
        )

    def _log(self, program: str) -> BinaryIO:
        return (self.logs / f"{program}-{len(self.processes)}.log").open("wb")

    def _environment(self, changed: dict[str, str | None]) -> dict[str, str]:
        merged = {**self.environment, **changed}
        return {name: value for name, value in merged.items() if value is not None}


def kill(worker: Process) -> None:
    """Kill all of its processes at once, so that none can end in an orderly way."""
    for process in [*psutil.Process(worker.pid).children(recursive=True), psutil.Process(worker.pid)]:
        process.send_signal(signal.SIGKILL)
    worker.wait()


def settings_for(database_url: str, redis_url: str, zoho_url: str, key: str) -> dict[str, str]:
    """The environment of an installation with short intervals."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(PROJECT),  # the programs of an environment may belong to another checkout
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "ZOHO_CLIENT_ID": "sandbox-client",
        "ZOHO_CLIENT_SECRET": "sandbox-secret",
        "ENCRYPTION_KEYS": key,
        "ZOHO_API_URL": zoho_url,
        "ZOHO_ACCOUNTS_URL": zoho_url,
        "SYNC_INTERVAL_SECONDS": "3600",
        "SWEEP_INTERVAL_SECONDS": "1",
        "CLAIM_SECONDS": "5",
        # After a loss of Redis's data, all processes wait for one window.
        "ZOHO_WINDOW_SECONDS": "2",
    }
