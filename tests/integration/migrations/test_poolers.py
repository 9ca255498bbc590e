"""`booksync migrate` behind a real PgBouncer: refused if it shares backends, otherwise without leftovers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from db.legacy import adopt
from db.migrations import runner
from db.migrations.errors import MigrationError, MigrationRefusedError
from db.migrations.revisions import Target, expected_head
from db.migrations.runner import migrate
from sandbox.servers import EmbeddedPostgres
from tests.integration.migrations.applications import Database
from tests.pgbouncer import PgBouncer
from tests.standby import EmbeddedStandby


@pytest.fixture
def pooled(
    postgres: EmbeddedPostgres, url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., str]]:
    """Start a PgBouncer, and return the address of the test's database behind it."""
    with ExitStack() as running:

        def start(pool_mode: str, *, pool_size: int = 20, more: str = "") -> str:
            folder: Path = tmp_path_factory.mktemp("pgbouncer")
            pooler = PgBouncer(folder, postgres, pool_mode=pool_mode, pool_size=pool_size, more=more)
            return running.enter_context(pooler).url_of(url)

        yield start


@pytest.fixture
def leftovers(database: Database) -> Callable[[str], list[Any]]:
    """The leftovers in the pooler's backends: advisory locks, and settings that differ from those of a new session."""

    def look(pooled_url: str) -> list[Any]:
        found: list[Any] = database.rows(
            """
            SELECT objid FROM pg_locks
             WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """
        )
        with psycopg.connect(pooled_url, row_factory=dict_row) as session:
            found += session.execute(
                "SELECT name, setting FROM pg_settings WHERE source = 'session' AND name <> 'application_name'"
                " AND name <> 'client_encoding'"
            ).fetchall()
            found += session.execute(
                "SELECT current_setting('booksync.migrating', true) AS kept"
                " WHERE current_setting('booksync.migrating', true) = 'on'"
            ).fetchall()
        return found

    return look


def tables(database: Database) -> list[Any]:
    return database.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")


class TestTransactionMode:
    @pytest.mark.parametrize(
        ("pool_size", "more"),
        [
            (20, ""),
            # The next session gets the backend that was idle longest, not the last one used.
            (20, "server_round_robin = 1"),
            # The last backend of the pool.
            (1, ""),
        ],
        ids=["usual", "round robin", "one backend"],
    )
    def test_a_migration_is_refused_in_one_sentence_without_any_change(
        self,
        pooled: Callable[..., str],
        database: Database,
        leftovers: Callable[[str], list[Any]],
        pool_size: int,
        more: str,
    ) -> None:
        url = pooled("transaction", pool_size=pool_size, more=more)
        with pytest.raises(MigrationRefusedError) as refused:
            migrate(url)
        assert str(refused.value) == (
            f"Postgres at {url.partition('@')[2].partition('/')[0]} is behind a connection pooler in transaction mode,"
            " and a migration needs a session of its own: run `booksync migrate` with a DATABASE_URL that leads to"
            " Postgres itself, or to a pooler in session mode; nothing was changed"
        )
        assert (tables(database), leftovers(url)) == ([], [])

    @pytest.mark.parametrize("idle", [2, 5])
    @pytest.mark.parametrize("more", ["", "server_round_robin = 1"], ids=["last in first out", "round robin"])
    def test_a_migration_is_refused_with_many_idle_backends_too(
        self, pooled: Callable[..., str], idle: int, more: str
    ) -> None:
        url = pooled("transaction", more=more)
        with ExitStack() as sessions:
            for session in [sessions.enter_context(psycopg.connect(url)) for _ in range(idle)]:
                session.execute("SELECT 1")
        with pytest.raises(MigrationRefusedError, match="in transaction mode"):
            migrate(url)

    def test_adoption_is_refused_too(self, pooled: Callable[..., str]) -> None:
        with pytest.raises(MigrationRefusedError, match="in transaction mode"):
            adopt(pooled("transaction"))


def test_statement_mode_is_refused_in_the_poolers_own_words(pooled: Callable[..., str], database: Database) -> None:
    with pytest.raises(MigrationError, match="transaction blocks not allowed in statement pooling mode"):
        migrate(pooled("statement"))
    assert tables(database) == []


class TestSessionMode:
    @pytest.mark.slow
    def test_a_migration_goes_up_and_down(self, pooled: Callable[..., str]) -> None:
        url = pooled("session")
        assert migrate(url).to_revision == expected_head()
        assert migrate(url, Target.LEGACY).to_revision == "0001_legacy"

    @pytest.mark.slow
    def test_the_only_backend_is_enough(self, pooled: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("db.migrations.server._OTHER_SESSION_SECONDS", 0.5)
        assert migrate(pooled("session", pool_size=1)).to_revision == expected_head()

    @pytest.mark.slow
    def test_the_next_client_inherits_nothing_from_a_pooler_without_a_reset(
        self, pooled: Callable[..., str], leftovers: Callable[[str], list[Any]]
    ) -> None:
        url = pooled("session", more="server_reset_query =")
        migrate(url)
        assert leftovers(url) == []

    def test_the_next_client_inherits_nothing_from_a_failed_migration(
        self, pooled: Callable[..., str], leftovers: Callable[[str], list[Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise MigrationRefusedError("for the test")

        monkeypatch.setattr(runner, "_run", fail)
        url = pooled("session", more="server_reset_query =")
        with pytest.raises(MigrationRefusedError, match="for the test"):
            migrate(url)
        assert leftovers(url) == []


class TestReadOnly:
    def test_a_read_only_database_is_reported_before_any_change(self, url: str, database: Database) -> None:
        database.rows(f"ALTER DATABASE {url.rpartition('/')[2]} SET default_transaction_read_only = on")
        with pytest.raises(MigrationRefusedError) as refused:
            migrate(url)
        assert str(refused.value) == (
            f"Postgres at {url.partition('@')[2].partition('/')[0]} is read-only: set default_transaction_read_only to"
            " off for this role and database; nothing was changed"
        )

    @pytest.mark.slow
    def test_a_standby_is_reported(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        with EmbeddedStandby(tmp_path_factory.mktemp("standby"), durable=False) as server:
            url = server.create_database("books")
            server.stop()
            server.demote()
            server.start()
            with pytest.raises(MigrationRefusedError) as refused:
                migrate(url)
        assert str(refused.value) == (
            f"Postgres at 127.0.0.1:{server.port} is a standby, which is read-only: run `booksync migrate` with a"
            " DATABASE_URL that leads to the primary; nothing was changed"
        )

    def test_an_older_server_is_refused_by_its_version(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("db.migrations.server._OLDEST", 99)
        with pytest.raises(MigrationRefusedError, match=r"is version \d+, and booksync needs 99 or newer"):
            migrate(url)
