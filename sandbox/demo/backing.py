"""Postgres and Valkey for the demo: its own, unless the environment names others."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from sandbox.demo.folder import DemoFolder
from sandbox.servers import EmbeddedPostgres, EmbeddedValkey

DATABASE = "booksync"


class Backing:
    """The two servers, starting side by side from the first moment on."""

    def __init__(self, folder: DemoFolder, environment: Mapping[str, str], *, held: tuple[int, ...] = ()) -> None:
        given_database, given_redis = environment.get("DATABASE_URL"), environment.get("REDIS_URL")
        self._postgres = None if given_database else EmbeddedPostgres(folder.postgres, held=held)
        self._valkey = None if given_redis else EmbeddedValkey(folder.valkey, held=held)
        self._starters = ThreadPoolExecutor(max_workers=2, thread_name_prefix="server")
        self._database = self._starters.submit(_start_postgres, self._postgres, given_database)
        self._redis = self._starters.submit(_start_valkey, self._valkey, given_redis)

    @property
    def names(self) -> tuple[str, ...]:
        """The servers that are the demo's own."""
        return tuple(server.name for server in self._own)

    @property
    def database_url(self) -> str:
        """Of booksync's database; waits until it can be used. Raises `ServerError` when it cannot."""
        return self._database.result()

    @property
    def redis_url(self) -> str:
        """Of the queue; waits until it can be used. Raises `ServerError` when it cannot."""
        return self._redis.result()

    def check(self, on_restart: Callable[[str], None]) -> None:
        """Start again, on the same port, what has ended."""
        for server in self._own:
            if not server.running:
                on_restart(server.name)
                server.start()

    def stop(self) -> None:
        """End both, whatever of them has come up."""
        self._starters.shutdown(wait=True, cancel_futures=True)
        for server in self._own:
            server.stop()

    @property
    def _own(self) -> list[EmbeddedPostgres | EmbeddedValkey]:
        return [server for server in (self._postgres, self._valkey) if server is not None]


def _start_postgres(postgres: EmbeddedPostgres | None, given: str | None) -> str:
    if postgres is None:
        assert given is not None
        return given
    return postgres.start().create_database(DATABASE)


def _start_valkey(valkey: EmbeddedValkey | None, given: str | None) -> str:
    if valkey is None:
        assert given is not None
        return given
    return valkey.start().url
