"""An embedded Postgres server."""

import contextlib
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import psutil
import psycopg
from psycopg import sql

from sandbox.servers.account import Account, choose_account
from sandbox.servers.binaries import find_postgres
from sandbox.servers.errors import ServerError
from sandbox.servers.ports import LOOPBACK
from sandbox.servers.server import EmbeddedServer
from sandbox.servers.watched import StopOrder

SUPERUSER = "postgres"

_FIRST_WITH_BUILTIN_LOCALE = 17

_SETTINGS = {
    "listen_addresses": LOOPBACK,
    # The socket has a folder of its own: a socket's path has at most 107 characters; a data folder's path is often
    # longer.
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_CARELESS_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres(EmbeddedServer):
    """An embedded Postgres with the superuser `postgres`, UTF-8, and no password on loopback.

    >>> with EmbeddedPostgres(folder) as postgres:
    ...     url = postgres.create_database("booksync")
    """

    name: ClassVar[str] = "Postgres"
    # First a fast shutdown is requested, then an immediate one.
    stop_order: ClassVar[StopOrder] = ((signal.SIGINT, 5.0), (signal.SIGQUIT, 2.0))

    _programs: Path

    @property
    def url(self) -> str:
        """The URL of the maintenance database: `postgresql://postgres@127.0.0.1:PORT/postgres`."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """The URL of one of this Postgres server's databases."""
        return f"postgresql://{SUPERUSER}@{LOOPBACK}:{self.port}/{database}"

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """Create a database unless it exists, and return its URL.

        The database is a copy of `template`, which must have no sessions.
        """
        # The copied files are flushed by two checkpoints, which cost little where nothing waits for the disk.
        strategy = "WAL_LOG" if self.durable else "FILE_COPY"
        with self._administering() as connection, contextlib.suppress(psycopg.errors.DuplicateDatabase):
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY {}")
            connection.execute(statement.format(*map(sql.Identifier, (name, template, strategy))))
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        """Drop a database and end its sessions; a missing database is not an error."""
        with self._administering() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _administering(self) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(self.url, autocommit=True, connect_timeout=10)

    def _prepare(self) -> Account:
        self._programs = find_postgres()
        account = choose_account(self._programs / "postgres", self.folder)
        if self.data.exists():
            self._own_data(self.data, account)
            self._clear_stale_pid_file()
        else:
            self._initialise(account)
        return account

    def _initialise(self, account: Account) -> None:
        """Create the cluster's data in a temporary folder and rename it, so that incomplete data are never used."""
        half_made = self.folder / "data.new"
        if half_made.exists():
            shutil.rmtree(half_made)
        self._own_data(half_made, account)
        log_start = self.log.stat().st_size if self.log.exists() else 0
        process = self._spawn(self._initdb(half_made), account)
        try:
            code = process.wait()
        finally:
            process.stop()
        if code != 0:
            lines = self._said_since(log_start).strip().splitlines() or [f"exit code {code}"]
            raise ServerError(f"Postgres could not make its data folder ({lines[-1].strip()})", log=self.log)
        half_made.rename(self.data)

    def _initdb(self, data: Path) -> Sequence[str]:
        locale = ["--locale=C"]
        if _major_version(self._programs) >= _FIRST_WITH_BUILTIN_LOCALE:
            # This locale knows the letters of every script and does not depend on the machine's locales.
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        choices = ["--auth=trust", "--encoding=UTF8", "--no-sync", "--no-instructions", f"--username={SUPERUSER}"]
        return [str(self._programs / "initdb"), f"--pgdata={data}", *choices, *locale]

    def _command(self, port: int) -> Sequence[str]:
        settings = _SETTINGS | {"port": str(port)} | ({} if self.durable else _CARELESS_SETTINGS)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self._programs / "postgres"), "-D", str(self.data), *options]

    def _responds(self, pid: int, port: int) -> bool:
        # pg_ctl waits for this status too. The lines of the file are: pid, data, start, port, socket, address, memory,
        # status.
        match self._pid_file_lines():
            case [its_pid, _, _, its_port, _, _, _, status, *_]:
                return (its_pid, its_port, status.strip()) == (str(pid), str(port), "ready")
        return False

    def _clear_stale_pid_file(self) -> None:
        """Remove a stale pid file, because Postgres does not start if *any* process that it can signal has that pid."""
        lines = self._pid_file_lines()
        if not lines:
            return
        if lines[0].isdigit() and self._serves_our_data(int(lines[0])):
            raise ServerError(f"Postgres already runs in {self.folder} (process {lines[0]})", log=self.log)
        self._pid_file.unlink()

    def _serves_our_data(self, pid: int) -> bool:
        try:
            return Path(psutil.Process(pid).cwd()) == self.data.resolve()
        except psutil.Error:
            return False

    @property
    def _pid_file(self) -> Path:
        return self.data / "postmaster.pid"

    def _pid_file_lines(self) -> list[str]:
        try:
            return self._pid_file.read_text().splitlines()
        except FileNotFoundError:
            return []


def _major_version(programs: Path) -> int:
    """The major version in the output of `postgres --version`: `postgres (PostgreSQL) 18.6 (Debian …)` → 18."""
    try:
        said = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
        return int(said.split()[2].split(".")[0])
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        return 0
