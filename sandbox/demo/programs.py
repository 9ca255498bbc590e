"""booksync's commands, run as a user runs them: as processes, with their settings in the environment."""

import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sandbox
from sandbox.demo.errors import DemoError
from sandbox.demo.simulator import MINUTE_SECONDS
from sandbox.demo.supervisor import Service
from sandbox.servers import WatchedProcess

#: The folder that contains `workers.main` and the migrations.
PROJECT = Path(sandbox.__file__).parents[1]

_STOP = ((signal.SIGTERM, 5.0),)
_POLL_SECONDS = 0.02
_STDERR = 2

#: Intervals that are short enough to watch the demo; the shell's environment may override them.
_TEMPO = {"SYNC_INTERVAL_SECONDS": "15", "SWEEP_INTERVAL_SECONDS": "5"}


def settings(
    *,
    database_url: str,
    redis_url: str,
    zoho_url: str,
    public_url: str,
    encryption_key: str,
    console_password: str,
) -> dict[str, str]:
    """booksync's settings with the simulator in place of Zoho; real credentials in the shell are overridden."""
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "ZOHO_CLIENT_ID": "sandbox-client",
        "ZOHO_CLIENT_SECRET": "sandbox-secret",
        "ZOHO_API_URL": zoho_url,
        "ZOHO_ACCOUNTS_URL": zoho_url,
        "PUBLIC_URL": public_url,
        "ZOHO_WINDOW_SECONDS": str(MINUTE_SECONDS),
        "ENCRYPTION_KEYS": encryption_key,
        "CONSOLE_PASSWORD": console_password,
        **{name: os.environ.get(name, usual) for name, usual in _TEMPO.items()},
    }


@dataclass(frozen=True, slots=True)
class Programs:
    """The commands of booksync in a folder, and their settings, which override the shell's environment."""

    folder: Path
    settings: Mapping[str, str]
    held: tuple[int, ...] = ()

    def path(self, name: str) -> str:
        """The path of an installed command of booksync."""
        program = self.folder / name
        if not program.is_file():
            raise DemoError(f"The command {name} is not in {self.folder}: install the project's requirements there")
        return str(program)

    def launch(self, service: Service) -> WatchedProcess:
        """Start a service: a command of booksync that runs as long as the demo."""
        return self._start(service.command, service.log)

    def run(
        self, arguments: Sequence[str], *, log: Path, on_poll: Callable[[], None], show_progress: bool = False
    ) -> dict[str, Any]:
        """Run a `booksync` command to its end and return the JSON object of its last line, {} without one.

        `on_poll` is called again and again while the command runs; an exception that it raises ends the command. The
        command's stderr goes to `log`, or with `show_progress` to our own stderr if that is a terminal.

        Raises:
            DemoError: the command's exit code is not 0.
        """
        output = log.with_suffix(".out")
        stderr = _STDERR if show_progress and sys.stderr.isatty() else None
        with output.open("wb") as file:
            process = self._start([self.path("booksync"), *arguments], log, stdout=file.fileno(), stderr=stderr)
        try:
            while (code := process.poll()) is None:
                on_poll()
                time.sleep(_POLL_SECONDS)
        finally:
            process.stop()
        if code != 0:
            name = " ".join(itertools.takewhile(str.isalpha, arguments))
            raise DemoError(f"booksync {name} ended with exit code {code}{_last_words(log, output)}", log=log)
        reported = _last_object(output)
        output.unlink()  # It may hold a secret: of a webhook, or a link that signs in.
        return reported

    def _start(
        self, command: Sequence[str], log: Path, *, stdout: int | None = None, stderr: int | None = None
    ) -> WatchedProcess:
        return WatchedProcess(
            command,
            log=log,
            env={**os.environ, **self.settings},
            cwd=PROJECT,
            stop=_STOP,
            stdout=stdout,
            stderr=stderr,
            held=self.held,
        )


def _last_object(output: Path) -> dict[str, Any]:
    lines = output.read_text().strip().splitlines()
    try:
        found = json.loads(lines[-1])
    except (IndexError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _last_words(*files: Path) -> str:
    for file in files:
        lines = [line.strip() for line in file.read_text(errors="replace").splitlines() if line.strip()]
        if lines:
            return f" ({lines[-1][:300]})"
    return ""
