"""`booksync start`: the web process, a worker and the scheduler together, for one host."""

import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated

import typer

from domain.errors import BooksyncError
from workers.boot.settings import settings
from workers.cli.examples import examples
from workers.cli.terminal import notes, out

#: `-P`: a folder `workers` in the current folder is not imported.
_PYTHON = (sys.executable, "-P")
_BOOKSYNC = (*_PYTHON, "-c", "from workers.cli import main; main()")

#: A worker may take so long to finish its step.
_STOP_SECONDS = 120
_LOOK_SECONDS = 0.2


class ProcessEndedError(BooksyncError):
    """One of the processes has ended by itself, so the others were stopped too. The log has the reason."""


@examples(
    "booksync start",
    "booksync start --host 0.0.0.0 --port 8080 --processes 4",
)
def start(
    host: Annotated[str, typer.Option(envvar="HOST", help="The address of the web process.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="PORT", help="The port of the web process.")] = 8000,
    processes: Annotated[int, typer.Option(min=1, help="The number of worker processes, of 8 threads each.")] = 2,
) -> None:
    """Run the web process, a worker and the scheduler together, until Ctrl-C. For one host."""
    settings()
    is_asked_to_stop = _asked_to_stop()
    # Ctrl-C reaches only this process, because each child has a process group of its own.
    children = {
        name: subprocess.Popen(words, process_group=0)  # noqa: S603  (the words are those of `commands`)
        for name, words in commands(host, port, processes).items()
    }
    out.print(f"booksync runs; the console: http://{host}:{port}/ (Ctrl-C stops it)")
    try:
        while not is_asked_to_stop and not (ended := _ended(children)):
            time.sleep(_LOOK_SECONDS)
    finally:
        notes.print("booksync stops: a worker finishes its step first.")
        _stop(children.values())
    if not is_asked_to_stop:
        raise ProcessEndedError(f"{ended}, so the other processes were stopped too. The log above has the reason.")


def commands(host: str, port: int, processes: int) -> dict[str, Sequence[str]]:
    """The command of each process, as in the Procfile."""
    web = ("-m", "uvicorn", "workers.web.app:app", "--limit-concurrency", "800", "--host", host, "--port", f"{port}")
    return {
        "web process": (*_PYTHON, *web),
        "worker": (*_BOOKSYNC, "worker", "--processes", f"{processes}"),
        "scheduler": (*_BOOKSYNC, "scheduler"),
    }


def _asked_to_stop() -> list[int]:
    """Return a list that gets the numbers of the signals that ask this process to stop."""
    received: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda given, _: received.append(given))
    return received


def _ended(children: Mapping[str, "subprocess.Popen[bytes]"]) -> str:
    """Return what a process that has ended did, or an empty text."""
    codes = {name: child.poll() for name, child in children.items()}
    return next((f"The {name} has ended with code {code}" for name, code in codes.items() if code is not None), "")


def _stop(children: Collection["subprocess.Popen[bytes]"]) -> None:
    """Stop all processes at the same time, and kill those that take too long."""
    for child in children:
        child.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    for child in children:
        try:
            child.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
