"""Postgres and Valkey for the demo: embedded servers, unless the environment names others."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from sandbox.demo.folder import DemoFolder
from sandbox.servers import EmbeddedPostgres, EmbeddedValkey

DATABASE = "booksync"


class Backing:
    """The Postgres and Valkey servers of the demo. Both servers start in parallel when the object is created."""

    def __init__(self, folder: DemoFolder, environment: Mapping[str, str], *, held: tuple[int, ...] = ()) -> None:
        given_database, given_redis = environment.get("DATABASE_URL"), environment.get("REDIS_URL")
        self._postgres = None if given_database else EmbeddedPostgres(folder.postgres, held=held)
        self._valkey = None if given_redis else EmbeddedValkey(folder.valkey, held=held)
        self._starters = ThreadPoolExecutor(max_workers=2, thread_name_prefix="server")
        self._database = self._starters.submit(_start_postgres, self._postgres, given_database)
        self._redis = self._starters.submit(_start_valkey, self._valkey, given_redis)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the servers that the demo itself starts."""
        return tuple(server.name for server in self._own)

    @property
    def database_url(self) -> str:
        """The URL of booksync's database; waits until the database is usable.

        Raises `ServerError` when Postgres does not start.
        """
        return self._database.result()

    @property
    def redis_url(self) -> str:
        """The URL of the queue's Valkey; waits until the server is usable.

        Raises `ServerError` when it does not start.
        """
        return self._redis.result()

    def check(self, on_restart: Callable[[str], None]) -> None:
        """Restart a server of the demo that has ended, on the same port."""
        for server in self._own:
            if not server.running:
                on_restart(server.name)
                server.start()

    def stop(self) -> None:
        """Stop both servers of the demo, also when a start failed or is not complete."""
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
