"""The process between a parent and its child: it ends the child and all descendants when the parent has ended.

The watcher runs as a script with the standard library alone: `python -I -S watcher.py NAME`. The watcher reads one line
of JSON, the order, from its standard input, writes one line, and then waits until the parent or the child ends. The
watcher's standard input is a pipe whose other end only the parent holds; the kernel closes that end whenever the parent
ends, also after SIGKILL. (Linux's PR_SET_PDEATHSIG alone is not enough: it watches the parent's thread and is cleared
when the child changes user.)
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TypedDict

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_REAP_SECONDS = 0.01


class Order(TypedDict):
    """The command to start, and how to end it."""

    command: list[str]
    env: dict[str, str]
    cwd: str
    uid: int | None
    gid: int | None
    stdout: int  # The inherited file descriptors.
    stderr: int
    stop: list[tuple[int, float]]  # (signal, seconds to wait) in order; SIGKILL follows the last one.


def main() -> int:
    """Run one child process to its end and return its exit code; 128 + N when signal N ended it."""
    with open(0, "rb", buffering=0, closefd=False) as order_pipe:
        line = order_pipe.readline()
    if not line.endswith(b"\n"):
        return 0  # The parent has ended before it sent an order.
    order: Order = json.loads(line)
    os.chdir("/")
    wake = _wake_on_signals()
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    if libc is not None:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        child = _start(order, libc)
    except (OSError, subprocess.SubprocessError) as error:
        _response({"error": str(error)})
        return 127
    _response({"pid": child.pid})
    return Watch(child, order, wake).until_the_end()


class Watch:
    """Waits for the end of one child process."""

    def __init__(self, child: "subprocess.Popen[bytes]", order: Order, wake: int) -> None:
        self.child = child
        self.order = order
        self.wake = wake

    def until_the_end(self) -> int:
        """Wait for the child's end, or end the child when the parent is gone; then end all remaining descendants."""
        while not self._has_ended():
            readable, _, _ = select.select([0, self.wake], [], [])
            if 0 in readable or _termination_asked(self.wake):
                self._stop()
                break
        self._sweep()
        code = self.child.returncode
        return code if code >= 0 else 128 - code

    def _stop(self) -> None:
        for number, patience in self.order["stop"]:
            if self._has_ended():
                return
            os.kill(self.child.pid, number)
            deadline = time.monotonic() + patience
            while not self._has_ended() and (left := deadline - time.monotonic()) > 0:
                if select.select([self.wake], [], [], left)[0]:
                    os.read(self.wake, 512)

    def _sweep(self) -> None:
        """Kill the remaining descendants, which have become children of this process, until none is left."""
        while True:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.child.pid, signal.SIGKILL)
            for pid in _children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if not self._reap():
                return
            time.sleep(_REAP_SECONDS)

    def _has_ended(self) -> bool:
        self._reap()
        return self.child.returncode is not None

    def _reap(self) -> bool:
        """Collect every child process that has ended, including adopted ones. Returns False when no child is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.child.pid:
                self.child.returncode = os.waitstatus_to_exitcode(status)


def _start(order: Order, libc: ctypes.CDLL | None) -> "subprocess.Popen[bytes]":
    child = subprocess.Popen(
        order["command"],
        env=order["env"],
        cwd=order["cwd"],
        user=order["uid"],
        group=order["gid"],
        extra_groups=None if order["uid"] is None else [],
        process_group=0,
        stdin=subprocess.DEVNULL,
        stdout=order["stdout"],
        stderr=order["stderr"],
        preexec_fn=_die_with_me(order, libc),
    )
    for descriptor in (order["stdout"], order["stderr"]):
        # The watcher closes these descriptors, so that a reader of the child's output gets the end of the file.
        os.close(descriptor)
    return child


def _die_with_me(order: Order, libc: ctypes.CDLL | None) -> Callable[[], None] | None:
    """Let the kernel signal the child if this watcher itself is killed."""
    if libc is None:
        return None
    first_signal = order["stop"][0][0] if order["stop"] else signal.SIGKILL
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, int(first_signal), 0, 0, 0) and None


def _wake_on_signals() -> int:
    """Make a descriptor that becomes readable when a child ends and when this watcher gets a termination signal."""
    readable, writable = os.pipe()
    for end in (readable, writable):
        os.set_blocking(end, False)
    # The signal has a handler and is not ignored (SIG_IGN), because the child would inherit an ignored signal.
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _noticed)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    return readable


def _noticed(_number: int, _frame: FrameType | None) -> None:
    """Do nothing in the signal handler, because the wake-up descriptor has already reported the signal."""


def _termination_asked(wake: int) -> bool:
    try:
        return any(number != signal.SIGCHLD for number in os.read(wake, 512))
    except BlockingIOError:
        return False


def _children() -> list[int]:
    """The direct children of this process, from /proc; empty without /proc."""
    mine = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name in the second field may hold anything, blanks and brackets included.
            if int(stat.read_text(errors="replace").rpartition(")")[2].split()[1]) == os.getpid():
                mine.append(int(stat.parent.name))
    return mine


def _response(response: dict[str, object]) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(1, json.dumps(response).encode() + b"\n")
    with Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), 1)


if __name__ == "__main__":
    sys.exit(main())
