"""A child process that never outlives its parent, not even when the parent gets SIGKILL."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from sandbox.servers import watcher
from sandbox.servers.account import PLAIN, Account
from sandbox.servers.errors import ServerError

#: Signals in order, each with the seconds to wait after it; SIGKILL follows automatically.
StopOrder = Sequence[tuple[signal.Signals, float]]

ORDERLY: Final[StopOrder] = ((signal.SIGTERM, 8.0),)


class WatchedProcess:
    """A running command, in a session of its own, so that a terminal's Ctrl-C does not reach it.

    A watcher process (`sandbox.servers.watcher`) ends the command and all its descendants when the parent asks for it
    or has ended. The command's output goes to `log`, unless `stdout` or `stderr` names an open file descriptor. `held`
    are descriptors (of locks) that stay open until the last process of the command has ended.

    Raises:
        ServerError: the command could not be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        account: Account = PLAIN,
        stop: StopOrder = ORDERLY,
        stdout: int | None = None,
        stderr: int | None = None,
        held: Sequence[int] = (),
    ) -> None:
        self.name = Path(command[0]).name
        self.log = log
        self._patience = sum(seconds for _, seconds in stop) + 10.0
        with log.open("ab") as log_file, contextlib.ExitStack() as copies:
            order = watcher.Order(
                command=[*account.prefix, *command],
                env=dict(os.environ if env is None else env),
                cwd=str(cwd or Path.cwd()),
                uid=account.uid,
                gid=account.gid,
                stdout=_copy(log_file.fileno() if stdout is None else stdout, copies),
                stderr=_copy(log_file.fileno() if stderr is None else stderr, copies),
                stop=[(int(number), seconds) for number, seconds in stop],
            )
            self._watcher = subprocess.Popen(
                [sys.executable, "-I", "-S", watcher.__file__, self.name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log_file,
                pass_fds={order["stdout"], order["stderr"], *held},
                start_new_session=True,
            )
        self.pid = self._give(order)

    def _give(self, order: watcher.Order) -> int:
        assert self._watcher.stdin is not None
        assert self._watcher.stdout is not None
        with self._watcher.stdout as responses:
            with contextlib.suppress(BrokenPipeError):
                self._watcher.stdin.write(json.dumps(order).encode() + b"\n")
                self._watcher.stdin.flush()
            response = json.loads(responses.readline() or b"{}")
        if "pid" not in response:
            self.stop()
            reason = response.get("error", "its watcher ended")
            raise ServerError(f"{self.name} could not be started ({reason})", log=self.log)
        return int(response["pid"])

    def poll(self) -> int | None:
        """The command's exit code (128 + N: ended by signal N); None while any process of the command is running."""
        return self._watcher.poll()

    def wait(self, timeout_seconds: float | None = None) -> int:
        """Wait until the command ends by itself. Raises `TimeoutError` when it takes longer."""
        try:
            return self._watcher.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.name} still runs after {timeout_seconds:g} s") from None

    def ask_to_stop(self) -> None:
        """Begin to stop the command, so that several commands can stop in parallel; `stop` waits for the end."""
        assert self._watcher.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._watcher.stdin.close()

    def stop(self) -> int:
        """Stop the command and all its descendants; returns the exit code. Repeated calls do no harm."""
        self.ask_to_stop()
        return self.wait(self._patience)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the command itself, if it still runs."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End the command with SIGKILL, like a crash.

        When this method returns, the command's descendants have ended too.
        """
        self.send_signal(signal.SIGKILL)
        self.wait(self._patience)
        self.ask_to_stop()


def _copy(descriptor: int, copies: contextlib.ExitStack) -> int:
    """Duplicate a file descriptor to a number above 2, because the watcher has its own standard streams."""
    copy = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    copies.callback(os.close, copy)
    return copy
