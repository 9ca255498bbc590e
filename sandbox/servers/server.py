"""The life of a server that keeps its data in a folder: start, stop, kill, and start again on the same port."""

import contextlib
import fcntl
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Self

from sandbox.servers.account import Account, give
from sandbox.servers.errors import ServerError
from sandbox.servers.ports import free_port
from sandbox.servers.watched import ORDERLY, StopOrder, WatchedProcess

START_SECONDS = 60.0
LOCK_SECONDS = 20.0

_POLL_SECONDS = 0.01
_PORT_TRIES = 5


class EmbeddedServer(ABC):
    """A server on 127.0.0.1 with data, lock and log in one folder.

    The server ends when our process ends, even by SIGKILL.

    The server can be used as a context manager. `start` after `stop` or `kill` uses the same data and port.
    """

    name: ClassVar[str]
    stop_order: ClassVar[StopOrder] = ORDERLY

    _lock: int

    def __init__(
        self, folder: Path | str, *, durable: bool = True, port: int | None = None, held: Sequence[int] = ()
    ) -> None:
        """Make a server that is not started yet.

        `durable=False` is faster but may lose data in a crash of the machine; `port` None takes a free port.

        `held` are the caller's file descriptors (of locks) that stay open until the server's last process has ended.
        """
        self.folder = Path(folder).absolute()
        self.data = self.folder / "data"
        self.log = self.folder / f"{self.name.lower()}.log"
        self.durable = durable
        self._port = port
        self._held = tuple(held)
        self._process: WatchedProcess | None = None

    @property
    def port(self) -> int:
        """The server's TCP port; known after the first start."""
        if self._port is None:
            raise ServerError(f"{self.name} has not been started yet")
        return self._port

    @property
    def pid(self) -> int:
        """The process id of the server."""
        if self._process is None:
            raise ServerError(f"{self.name} is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the server's process is running."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start the server and wait until it accepts clients; does nothing when it is running.

        Raises:
            ServerError: the server was not found or did not start.
        """
        if self.running:
            return self
        self.stop()  # The server's process may have ended by itself.
        try:
            with self._locked_folder():
                self._launch(self._prepare())
        except OSError as error:
            raise ServerError(f"{self.name} cannot use {self.folder} ({error.strerror})") from None
        return self

    def stop(self) -> None:
        """Stop the server with its orderly shutdown; does nothing when it is not running."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """End the server with SIGKILL, like a crash."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def restart(self) -> None:
        """Stop the server and start it again, on the same port."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @abstractmethod
    def _prepare(self) -> Account:
        """Find the server's program and account, and create its data folder if it is missing."""

    @abstractmethod
    def _command(self, port: int) -> Sequence[str]:
        """The command that runs the server in the foreground, bound to 127.0.0.1."""

    @abstractmethod
    def _responds(self, pid: int, port: int) -> bool:
        """Whether the server's process accepts clients."""

    def _own_data(self, path: Path, account: Account) -> None:
        path.mkdir(mode=0o700, exist_ok=True)
        give(path, account)

    @contextlib.contextmanager
    def _locked_folder(self) -> Iterator[None]:
        """Lock the server's folder during the start.

        The server's watcher inherits the lock and holds it until the server ends.

        A second start therefore waits until the processes of a first start, whose parent was just killed, have ended.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            deadline = time.monotonic() + LOCK_SECONDS
            while True:
                try:
                    fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise ServerError(f"{self.name} already runs in {self.folder}", log=self.log) from None
                    time.sleep(_POLL_SECONDS)
            yield
        finally:
            os.close(self._lock)

    def _launch(self, account: Account) -> None:
        for tries_left in reversed(range(_PORT_TRIES)):
            port = self._port or free_port()
            log_start = self.log.stat().st_size if self.log.exists() else 0
            process = self._spawn(self._command(port), account)
            if self._came_up(process, port):
                self._port, self._process = port, process
                return
            said = self._said_since(log_start)
            if "Address already in use" not in said or not tries_left:
                break
            if self._port is not None:
                time.sleep(0.2)
        raise ServerError(f"{self.name} did not start ({_reason(said)})", log=self.log)

    def _spawn(self, command: Sequence[str], account: Account) -> WatchedProcess:
        # The environment is clean, because PGOPTIONS, PGDATA and the like must not reach the server.
        env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
        return WatchedProcess(
            command,
            log=self.log,
            env=env,
            cwd=Path("/"),
            account=account,
            stop=self.stop_order,
            held=[self._lock, *self._held],
        )

    def _came_up(self, process: WatchedProcess, port: int) -> bool:
        deadline = time.monotonic() + START_SECONDS
        try:
            while process.poll() is None:
                if self._responds(process.pid, port):
                    return True
                if time.monotonic() > deadline:
                    break
                time.sleep(_POLL_SECONDS)
        except BaseException:
            process.stop()
            raise
        process.stop()
        return False

    def _said_since(self, offset: int) -> str:
        with self.log.open("rb") as log:
            log.seek(offset)
            return log.read().decode(errors="replace")


def _reason(said: str) -> str:
    """The log line that best explains why the server did not start."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if any(word in line.lower() for word in ("fatal", "panic", "error", "# "))]
    return (telling or lines or [f"no answer within {START_SECONDS:g} s"])[-1]
