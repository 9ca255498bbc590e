"""The demo's folder: the data that stay between starts, and a lock that allows one demo at a time."""

import base64
import contextlib
import fcntl
import json
import os
import secrets
import shlex
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from sandbox.demo.errors import DemoError
from sandbox.demo.options import Size

#: How long the processes of a killed demo may take to end.
LOCK_SECONDS = 20.0

_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Identity:
    """What stays the same between starts of the demo: its user, and the size of the user's organisation."""

    user_id: uuid.UUID
    size: Size


class DemoFolder:
    """The files of one demo, in a folder that holds nothing else."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.logs = self.path / "logs"
        self.postgres = self.path / "postgres"
        self.valkey = self.path / "valkey"
        self.simulator = self.path / "zoho.state"
        self.failure = self.path / "failure.log"
        self._environment = self.path / "env"
        self._identity = self.path / "identity.json"
        self._key = self.path / "encryption.key"
        self._console_password = self.path / "console.password"
        self._lock = self.path / "lock"

    @contextlib.contextmanager
    def locked(self) -> Iterator[int]:
        """Lock the demo's folder and yield the lock's descriptor.

        Every process that works in the folder inherits the descriptor, so the lock holds until all of them have ended.

        Raises:
            DemoError: another demo runs in the folder, or the folder holds other files.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        if not self._lock.exists() and any(self.path.iterdir()):
            raise DemoError(f"{self.path} holds files that are not a demo's: name a new folder")
        lock = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._wait_for(lock)
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
            yield lock
        finally:
            os.close(lock)

    def clear(self) -> None:
        """Delete everything in the demo's folder except the lock."""
        for folder in (self.logs, self.postgres, self.valkey):
            if folder.exists():
                shutil.rmtree(folder)
        for file in (
            *self.path.glob(f"{self.simulator.name}*"),
            self.failure,
            self._environment,
            self._identity,
            self._key,
            self._console_password,
        ):
            file.unlink(missing_ok=True)

    def begin_logs(self) -> None:
        """Remove the logs of earlier starts of the demo."""
        self.logs.mkdir(exist_ok=True)
        for old in self.logs.iterdir():
            old.unlink()

    def log(self, name: str) -> Path:
        """The path of the log of one of the demo's processes."""
        return self.logs / f"{name}.log"

    def identity(self, *, contacts: int | None = None, invoices: int | None = None) -> Identity:
        """The identity of the demo's folder, created at the first start with the requested sizes.

        Raises:
            DemoError: the folder was created with other sizes than the requested ones.
        """
        if not self._identity.exists():
            usual = Size()
            made = {
                "user": str(uuid.uuid4()),
                "contacts": usual.contacts if contacts is None else contacts,
                "invoices": usual.invoices if invoices is None else invoices,
            }
            self._identity.write_text(json.dumps(made) + "\n")
        try:
            kept = json.loads(self._identity.read_text())
            size = Size(int(kept["contacts"]), int(kept["invoices"]))
            identity = Identity(uuid.UUID(kept["user"]), size)
        except (ValueError, KeyError, TypeError):
            raise DemoError(f"{self._identity} is damaged: start again with --fresh") from None
        if contacts not in (None, size.contacts) or invoices not in (None, size.invoices):
            raise DemoError(
                f"The organisation in {self.path} was made with {size.contacts} contacts and {size.invoices} invoices:"
                " add --fresh for another one"
            )
        return identity

    def encryption_key(self) -> str:
        """The Fernet key (32 bytes in url-safe base64) of the demo's tokens, created at the first start."""
        if not self._key.exists():
            _write_secret(self._key, base64.urlsafe_b64encode(os.urandom(32)).decode())
        return self._key.read_text().strip()

    def console_password(self) -> str:
        """The password of the demo's console, created at the first start."""
        if not self._console_password.exists():
            _write_secret(self._console_password, secrets.token_urlsafe(12))
        return self._console_password.read_text().strip()

    @contextlib.contextmanager
    def environment(self, settings: Mapping[str, str]) -> Iterator[Path]:
        """A file that gives a shell the settings of the running demo: `set -a; . FILE; set +a`."""
        _write_secret(
            self._environment, "\n".join(f"{name}={shlex.quote(settings[name])}" for name in sorted(settings))
        )
        try:
            yield self._environment
        finally:
            self._environment.unlink(missing_ok=True)

    def _wait_for(self, lock: int) -> None:
        """Wait for the lock of the folder, because the processes of a killed demo hold it until they end."""
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = self._lock.read_text()
                if _is_alive(holder) or time.monotonic() > deadline:
                    raise DemoError(
                        f"A demo already runs in {self.path} (process {holder}):"
                        " stop it with Ctrl-C there, or give this one another --folder"
                    ) from None
                time.sleep(_POLL_SECONDS)


def _write_secret(path: Path, text: str) -> None:
    """Write a secret to a file that only its owner can read, from its creation on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")


def _is_alive(pid: str) -> bool:
    try:
        return psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, ValueError):
        return False
