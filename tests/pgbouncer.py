"""Debian's PgBouncer in front of the tests' Postgres."""

import contextlib
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from sqlalchemy.engine import make_url

from sandbox.servers import EmbeddedPostgres
from sandbox.servers.account import Account, choose_account, give
from sandbox.servers.ports import LOOPBACK
from sandbox.servers.server import EmbeddedServer
from tests.programs import needed_program

_SETTINGS = """
[databases]
* = host={host} port={postgres_port} user={user}

[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {pool_mode}
max_client_conn = 200
default_pool_size = {pool_size}
{more}
"""


class PgBouncer(EmbeddedServer):
    """A pooler for every database of a Postgres; any user may connect and is a superuser."""

    name: ClassVar[str] = "PgBouncer"

    def __init__(
        self, folder: Path, postgres: EmbeddedPostgres, *, pool_mode: str, pool_size: int = 20, more: str = ""
    ) -> None:
        """`more` are additional lines of the configuration."""
        super().__init__(folder)
        self._more = more
        self._program = needed_program("pgbouncer")
        self._postgres = postgres
        self._pool_mode = pool_mode
        self._pool_size = pool_size

    def url_of(self, database_url: str) -> str:
        """The URL of the same database through the pooler."""
        return make_url(database_url).set(port=self.port).render_as_string(hide_password=False)

    def _prepare(self) -> Account:
        account = choose_account(Path(self._program), self.folder)
        self._own_data(self.data, account)
        self._account = account
        return account

    def _command(self, port: int) -> Sequence[str]:
        file = self.data / "pgbouncer.ini"
        postgres = make_url(self._postgres.url)
        file.write_text(
            _SETTINGS.format(
                host=LOOPBACK,
                port=port,
                postgres_port=postgres.port,
                user=postgres.username,
                pool_mode=self._pool_mode,
                pool_size=self._pool_size,
                more=self._more,
            )
        )
        give(file, self._account)
        return [self._program, str(file)]

    def _responds(self, pid: int, port: int) -> bool:  # noqa: ARG002  (EmbeddedServer's signature)
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
            return True
        return False
