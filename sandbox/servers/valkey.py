"""An embedded Valkey server."""

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from sandbox.servers.account import Account, choose_account
from sandbox.servers.binaries import find_valkey
from sandbox.servers.ports import LOOPBACK
from sandbox.servers.server import EmbeddedServer

_ANSWER_SECONDS = 1.0


class EmbeddedValkey(EmbeddedServer):
    """An embedded Valkey that never evicts keys; `durable` enables an append-only file, so that data survive a restart.

    >>> with EmbeddedValkey(folder) as valkey:
    ...     client = redis.Redis.from_url(valkey.url)
    """

    name: ClassVar[str] = "Valkey"

    _program: Path

    @property
    def url(self) -> str:
        """The URL of the server's first database: `redis://127.0.0.1:PORT/0`."""
        return self.url_of(0)

    def url_of(self, database: int) -> str:
        """The URL of one of the Valkey server's databases, 0 to 15."""
        return f"redis://{LOOPBACK}:{self.port}/{database}"

    def _prepare(self) -> Account:
        self._program = find_valkey()
        account = choose_account(self._program, self.folder, root_will_do=True)
        self._own_data(self.data, account)
        return account

    def _command(self, port: int) -> Sequence[str]:
        settings = {
            "bind": LOOPBACK,
            "port": str(port),
            "dir": str(self.data),
            "appendonly": "yes" if self.durable else "no",
            "save": "",  # Snapshots are off, because the append-only file has the data.
            "maxmemory-policy": "noeviction",
        }
        return [str(self._program), *(part for name, value in settings.items() for part in (f"--{name}", value))]

    def _responds(self, pid: int, port: int) -> bool:
        """Whether this object's own Valkey process has loaded its data.

        The pid is compared, because another server may have the port.
        """
        try:
            with socket.create_connection((LOOPBACK, port), timeout=_ANSWER_SECONDS) as connection:
                connection.sendall(b"PING\r\nINFO server\r\nQUIT\r\n")
                with connection.makefile("rb") as response:
                    said = response.read()
        except OSError:
            return False
        return said.startswith(b"+PONG") and b"\nprocess_id:%d\r\n" % pid in said
