"""Run `booksync` commands in forks of a process with loaded libraries, because loading them takes 1.3 s each time.

A fork runs `workers.cli.main` with the environment, arguments and streams of its request, and ends like a normal
process. `Installation.start` and the tests of `phones check` start the installed command itself.
"""

import atexit
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
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

PROJECT = Path(__file__).parents[2]

_READY = b"ready\n"


class CommandServer:
    """The process whose forks run commands. It ends when its standard input closes."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._address = f"{self._folder.name}/socket"
        # Without a file of its own, so that usage lines name the program by `sys.argv`.
        program = f"from tests.end_to_end.command_server import serve; serve({self._address!r})"
        command = [sys.executable, "-c", program]
        self._process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == _READY

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str], timeout_seconds: float
    ) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of `booksync ARGUMENTS`. Raises TimeoutError after `timeout_seconds`."""
        with (
            tempfile.TemporaryFile() as stdout,
            tempfile.TemporaryFile() as stderr,
            socket.socket(socket.AF_UNIX) as connection,
        ):
            connection.settimeout(timeout_seconds)
            connection.connect(self._address)
            request = json.dumps({"arguments": list(arguments), "environment": dict(environment)}).encode()
            socket.send_fds(connection, [b"%08d" % len(request)], [stdout.fileno(), stderr.fileno()])
            connection.sendall(request)
            code = int(connection.recv(16))
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
def command_server() -> CommandServer:
    """The command server of this test process."""
    server = CommandServer()
    atexit.register(server.stop)
    return server


def serve(address: str) -> None:
    """The main function of the server's process; in a fork, run the command."""
    import workers.cli

    # So that the forks have them: a command is loaded when it runs.
    for module in pkgutil.iter_modules(workers.cli.__path__, "workers.cli."):
        importlib.import_module(module.name)
    gc.freeze()
    _accept(address)
    workers.cli.main()


def _accept(address: str) -> None:
    """Return in each fork that is to run a command; the server's process itself exits here."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
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
                    _fork_the_command(connection)
                    return


def _fork_the_command(connection: socket.socket) -> None:
    """Return in the command's process; the other process reports its exit code, and ends."""
    head, descriptors, _, _ = socket.recv_fds(connection, 8, 2)
    length, request = int(head), b""
    while len(request) < length:
        request += connection.recv(length - len(request))
    command = os.fork()
    if command != 0:
        _, status = os.waitpid(command, 0)
        connection.sendall(b"%d" % os.waitstatus_to_exitcode(status))
        os._exit(0)
    for descriptor, stream in zip(descriptors, (1, 2), strict=True):
        os.dup2(descriptor, stream)
        os.close(descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    wanted = json.loads(request)
    os.environ.clear()
    os.environ.update(wanted["environment"])
    time.tzset()
    sys.argv = ["booksync", *wanted["arguments"]]
