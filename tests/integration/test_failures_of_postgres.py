"""The messages for an operator while Postgres fails: the command's sentence and the scheduler's log line of each state.

Each state is produced on a real server, except a full disk, which a trigger raises.
"""

import signal
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from db.engine import without_prepared_statements
from db.failures import DatabaseError
from db.migrations.revisions import expected_head
from db.migrations.schemas import VERSION_TABLE
from sandbox.servers import EmbeddedPostgres
from sandbox.servers.ports import free_port
from tests.integration.environment import environment_of_a_process
from tests.pgbouncer import PgBouncer
from tests.process_logs import logs_of_a_process
from workers import scheduler
from workers.boot.resources import Resources, open_resources
from workers.boot.schema import SchemaTooNewError
from workers.cli.app import main

ROLE = f"reader_{uuid.uuid4().hex[:8]}"


@pytest.fixture
def role(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A role whose only right is to log in."""
    with psycopg.connect(postgres.url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ROLE)))
        yield ROLE
        server.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(ROLE)))


def changed(url: str, **parts: Any) -> str:
    return make_url(url).set(**parts).render_as_string(hide_password=False)


def said_by(
    words: str,
    database_url: str,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> str:
    """The error sentence of the failing command."""
    monkeypatch.setattr(sys, "argv", ["booksync", *words.split()])
    with (
        environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url),
        logs_of_a_process(),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    assert ended.value.code == 1
    return capsys.readouterr().err.replace("\n", "")


def logged_by_the_scheduler(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The scheduler's log line about its first tick, which fails and ends the process."""
    handlers: dict[int, Any] = {}
    real_log_failure = scheduler._log_failure

    def log_failure(resources: Resources, error: Exception) -> None:
        real_log_failure(resources, error)
        handlers[signal.SIGTERM](signal.SIGTERM, None)

    monkeypatch.setattr(scheduler, "_log_failure", log_failure)
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    with (
        environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url),
        logs_of_a_process() as logs,
    ):
        scheduler.run_scheduler()
    (line,) = [line for line in logs.lines if line["action"] == "scheduler.tick_failed"]
    return line


class TestACommand:
    @pytest.fixture
    def status(self, redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
        return lambda url: said_by("status", url, redis_url, monkeypatch, capsys)

    @pytest.mark.slow
    def test_a_command_names_an_unreachable_server(self, database_url: str, status: Any) -> None:
        port = free_port()
        assert status(changed(database_url, port=port)) == (
            f"booksync: Postgres cannot be reached at 127.0.0.1:{port} (Connection refused): check DATABASE_URL, and"
            " that the server runs."
        )

    def test_a_command_names_a_missing_role(self, database_url: str, status: Any, postgres: EmbeddedPostgres) -> None:
        assert status(changed(database_url, username="stranger")) == (
            f'booksync: Postgres at 127.0.0.1:{postgres.port} refuses the login (FATAL:  role "stranger" does not'
            " exist): check user and password in DATABASE_URL, and the server's pg_hba.conf."
        )

    def test_a_command_names_a_missing_database(
        self, database_url: str, status: Any, postgres: EmbeddedPostgres
    ) -> None:
        assert status(changed(database_url, database="nowhere")) == (
            f'booksync: Postgres at 127.0.0.1:{postgres.port} has no such database (FATAL:  database "nowhere" does'
            " not exist): check the name in DATABASE_URL, or create the database."
        )

    def test_a_command_names_used_up_connections(
        self, database_url: str, database: psycopg.Connection, status: Any, postgres: EmbeddedPostgres, role: str
    ) -> None:
        name = str(make_url(database_url).database)
        database.execute(sql.SQL("ALTER DATABASE {} CONNECTION LIMIT 0").format(sql.Identifier(name)))
        assert status(changed(database_url, username=role)) == (
            f"booksync: Postgres at 127.0.0.1:{postgres.port} has no free connection (FATAL:  too many connections for"
            f' database "{name}"): end idle sessions, raise max_connections, or use a connection pooler.'
        )

    def test_a_command_names_a_missing_privilege(
        self, database_url: str, status: Any, postgres: EmbeddedPostgres, role: str
    ) -> None:
        assert status(changed(database_url, username=role)) == (
            f"booksync: Postgres at 127.0.0.1:{postgres.port} denies this role a privilege (permission denied for"
            " schema booksync): grant it the privileges on booksync's tables, or use the role that ran"
            " the migrations."
        )

    def test_a_command_names_missing_tables(self, postgres_url: str, status: Any) -> None:
        assert status(postgres_url) == ("booksync: The database has no booksync tables yet: run `booksync migrate`.")

    def test_a_command_names_a_newer_schema(self, database_url: str, database: psycopg.Connection, status: Any) -> None:
        database.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0099_later'")
        assert status(database_url) == (
            f"booksync: The schema is at 0099_later, newer than this release knows ({expected_head()}): upgrade"
            " booksync."
        )

    def test_a_command_with_json_prints_the_same_sentence(
        self,
        database_url: str,
        database: psycopg.Connection,
        redis_url: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        database.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0099_later'")
        said = said_by("do-not-call list --json", database_url, redis_url, monkeypatch, capsys)
        assert "newer than this release knows" in said


class TestTheScheduler:
    def test_the_scheduler_names_a_read_only_server(
        self,
        database_url: str,
        database: psycopg.Connection,
        redis_url: str,
        monkeypatch: pytest.MonkeyPatch,
        postgres: EmbeddedPostgres,
    ) -> None:
        name = sql.Identifier(str(make_url(database_url).database))
        database.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
        line = logged_by_the_scheduler(database_url, redis_url, monkeypatch)
        assert (line["kind"], line["reason"]) == (
            "read_only",
            (
                f"Postgres at 127.0.0.1:{postgres.port} is read-only (ReadOnlySqlTransaction, SQLSTATE 25006): point"
                " DATABASE_URL to the primary, or set default_transaction_read_only to off."
            ),
        )

    def test_the_scheduler_names_a_full_disk(
        self,
        database_url: str,
        database: psycopg.Connection,
        redis_url: str,
        monkeypatch: pytest.MonkeyPatch,
        postgres: EmbeddedPostgres,
    ) -> None:
        database.execute("""
            CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                RAISE EXCEPTION 'could not extend file "base/1/2": No space left on device' USING ERRCODE = '53100';
            END $$;
            CREATE TRIGGER full_disk BEFORE INSERT ON booksync.scheduler_marks EXECUTE FUNCTION full_disk();
        """)
        line = logged_by_the_scheduler(database_url, redis_url, monkeypatch)
        assert (line["kind"], line["reason"]) == (
            "disk",
            (
                f'Postgres at 127.0.0.1:{postgres.port} has no disk space left (could not extend file "base/1/2": No'
                " space left on device): free some; the work continues by itself after that."
            ),
        )

    def test_the_scheduler_needs_the_setting_behind_a_pooler(
        self,
        database_url: str,
        redis_url: str,
        monkeypatch: pytest.MonkeyPatch,
        postgres: EmbeddedPostgres,
        tmp_path_factory: pytest.TempPathFactory,
    ) -> None:
        with ExitStack() as running:
            pooler = running.enter_context(
                PgBouncer(tmp_path_factory.mktemp("pgbouncer"), postgres, pool_mode="transaction", pool_size=2)
            )
            url = pooler.url_of(database_url)
            tick_often(url, redis_url, monkeypatch)
            with pytest.raises(DatabaseError):
                tick_often(url, redis_url, monkeypatch)
            tick_often(without_prepared_statements(url), redis_url, monkeypatch)

    def test_a_newer_schema_ends_the_scheduler(
        self, database_url: str, database: psycopg.Connection, redis_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A schema that is migrated during the run ends it too, once a statement no longer fits."""

        def migrate_meanwhile(resources: Resources) -> None:
            database.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0099_later'")
            database.execute("ALTER TABLE booksync.scheduler_marks RENAME TO marks")
            real_tick(resources)

        real_tick = scheduler.tick
        monkeypatch.setattr(scheduler, "tick", migrate_meanwhile)
        monkeypatch.setattr(signal, "signal", lambda *_: None)
        with (
            environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url),
            logs_of_a_process(),
            pytest.raises(SchemaTooNewError, match="0099_later, newer than this release knows"),
        ):
            scheduler.run_scheduler()


def tick_often(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        environment_of_a_process(monkeypatch, database_url=database_url, redis_url=redis_url),
        open_resources("booksync tests") as resources,
    ):
        for _ in range(8):
            scheduler.tick(resources)
