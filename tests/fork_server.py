"""Start booksync's processes as forks of a process with loaded libraries, because loading them takes 0.8 s each time.

A fork calls the main function of a program with the arguments, environment and streams of its request, and ends like a
normal process: same exit code, same end by a signal, same process group. `Installation.start_installed` starts the
installed program itself.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

PROJECT = Path(__file__).parents[1]

#: The main functions of the installed programs.
BOOKSYNC = "workers.cli:main"
DRAMATIQ = "dramatiq.__main__:main"
UVICORN = "uvicorn.main:main"

#: These two modules must be loaded in each worker itself, because they make the broker from the settings.
_LOADED_BY_WORKERS = {"workers.main", "workers.actors"}
_LIBRARIES = ("dramatiq.__main__", "uvicorn.main", "uvicorn.lifespan.on", "uvicorn.protocols.http.auto")

_READY = b"ready\n"
_LONGEST_REQUEST = 100_000


class ForkedProcess:
    """A process that the server has forked; its methods are those of `subprocess.Popen`."""

    def __init__(self, connection: socket.socket, arguments: Sequence[str]) -> None:
        self.args = arguments
        self.returncode: int | None = None
        self._connection = connection
        self.pid = int(connection.recv(16))

    def poll(self) -> int | None:
        try:
            return self.wait(timeout=0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit code; raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                self.returncode = int(self._connection.recv(16))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
            self._connection.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """The process that is forked. It ends when its standard input closes."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._address = f"{self._folder.name}/socket"
        # Without a file of its own, so that usage lines name the program by `sys.argv`.
        program = f"from tests.fork_server import serve; serve({self._address!r})"
        command = [sys.executable, "-c", program]
        self._process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == _READY

    def start(
        self, main: str, arguments: Sequence[str], environment: Mapping[str, str], *, stdout: int, stderr: int
    ) -> ForkedProcess:
        """Start the function `MODULE:NAME` with these arguments, of which the first one is the program's name.

        `stdout` and `stderr` are file descriptors.
        """
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.connect(self._address)
        request = {"main": main, "arguments": list(arguments), "environment": dict(environment)}
        socket.send_fds(connection, [json.dumps(request).encode()], [stdout, stderr])
        return ForkedProcess(connection, arguments)

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str], timeout_seconds: float
    ) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of `booksync ARGUMENTS`. Raises TimeoutExpired after `timeout_seconds`."""
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            streams = {"stdout": stdout.fileno(), "stderr": stderr.fileno()}
            command = self.start(BOOKSYNC, ["booksync", *arguments], environment, **streams)
            code = command.wait(timeout_seconds)
            stdout.seek(0)
            stderr.seek(0)
            return code, stdout.read().decode(), stderr.read().decode()

    def stop(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
        self._process.wait()
        self._folder.cleanup()


@functools.cache
def fork_server() -> ForkServer:
    """The fork server of this test process."""
    server = ForkServer()
    atexit.register(server.stop)
    return server


def serve(address: str) -> None:
    """The main function of the server's process; in a fork, run the program."""
    _load_everything()
    gc.freeze()
    main = _accept(address)
    module, _, name = main.partition(":")
    sys.exit(getattr(importlib.import_module(module), name)())


def _load_everything() -> None:
    import workers

    gc.disable()
    for name in _LIBRARIES:
        importlib.import_module(name)
    for module in pkgutil.walk_packages(workers.__path__, "workers."):
        if module.name not in _LOADED_BY_WORKERS:
            importlib.import_module(module.name)
    gc.enable()
    assert threading.active_count() == 1, "a fork has only the thread that forks"


def _accept(address: str) -> str:
    """Return the main function in each fork that is to run it; the server's process itself exits here."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen()
        os.write(1, _READY)
        while True:
            readable, _, _ = select.select([listener.fileno(), 0], [], [])
            if 0 in readable:
                os._exit(0)
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    listener.close()
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    return _fork_the_program(connection)


def _fork_the_program(connection: socket.socket) -> str:
    """Return in the program's process; the other process reports its pid and its exit code, and ends."""
    request, descriptors, _, _ = socket.recv_fds(connection, _LONGEST_REQUEST, 2)
    program = os.fork()
    if program != 0:
        for descriptor in (0, 1, *descriptors):
            os.close(descriptor)
        connection.send(b"%d" % program)
        _, status = os.waitpid(program, 0)
        connection.send(b"%d" % os.waitstatus_to_exitcode(status))
        os._exit(0)
    for descriptor, stream in zip(descriptors, (1, 2), strict=True):
        os.dup2(descriptor, stream)
        os.close(descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    wanted = json.loads(request)
    os.environ.clear()
    os.environ.update(wanted["environment"])
    time.tzset()
    sys.argv = wanted["arguments"]
    return str(wanted["main"])
