"""Running a migration and checking its result: `migrate`, plain alembic, /readyz; one at a time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine

from db.migrations import steps
from db.migrations.errors import MigrationError
from db.migrations.revisions import (
    SchemaFit,
    Target,
    current_revision,
    expected_head,
    known_revisions,
    schema_state,
)
from db.migrations.runner import AppliedRevision, alembic_config, migrate
from db.migrations.turn import one_at_a_time
from tests.fork_server import ForkedProcess, fork_server
from tests.integration.migrations.applications import Database
from tests.integration.migrations.states import LEGACY, LEGACY_ROWS, PHASE1_ROWS

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.slow
def test_the_revision_of_a_database_is_found(url: str, engine: Engine) -> None:
    with engine.connect() as db:
        assert current_revision(db) is None
        assert schema_state(db).fit is SchemaFit.OLDER
    migrate(url, Target.PHASE1)
    with engine.connect() as db:
        assert schema_state(db).fit is SchemaFit.OLDER
    migrate(url, Target.PHASE2)
    with engine.connect() as db:
        assert current_revision(db) == "0007e_connecting_phase2"
        assert schema_state(db).fit is SchemaFit.FITS
    migrate(url)
    with engine.connect() as db:
        assert current_revision(db) == expected_head()


def test_a_migration_gives_up_if_it_waits_too_long_for_another(url: str) -> None:
    with one_at_a_time(url), pytest.raises(MigrationError, match="still runs after 0 s"):
        migrate(url, wait_seconds=0)


@pytest.mark.slow
@pytest.mark.starts_as(LEGACY_ROWS)
def test_the_backfill_yields_to_a_writer_and_continues_when_run_again(
    url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    command.upgrade(alembic_config(), "0005_customer_links")
    monkeypatch.setattr(steps, "patience_seconds", 0.5)

    with database.connection.transaction():
        database.rows("UPDATE invoices_cache SET status = 'paid' WHERE zoho_invoice_id = '2'")
        with pytest.raises(MigrationError, match=r"in the way for 0.5 s.* run the migration again"):
            migrate(url, Target.PHASE2)

    assert migrate(url, Target.PHASE2).to_revision == "0007e_connecting_phase2"
    assert database.rows("SELECT id FROM invoices_cache WHERE customer_id IS NULL") == []


@pytest.mark.starts_as(PHASE1_ROWS)
def test_a_lost_connection_is_reported_in_one_sentence_and_the_migration_continues_when_run_again(
    url: str, database: Database
) -> None:
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'booksync migrate'"

    def cut(done: AppliedRevision) -> None:
        if done.revision == "0005_customer_links":
            database.rows(f"{ended} AND datname = current_database()")

    with pytest.raises(MigrationError, match=r"The connection to Postgres was lost after 0005_customer_links"):
        migrate(url, Target.PHASE2, on_revision=cut)

    assert migrate(url, Target.PHASE2).to_revision == "0007e_connecting_phase2"


@pytest.mark.starts_as(PHASE1_ROWS)
def test_another_error_of_postgres_is_not_reported_as_a_lost_connection(url: str, database: Database) -> None:
    database.rows("ALTER TABLE customers_cache ADD CONSTRAINT nobody CHECK (customer_name = 'Nobody')")

    with pytest.raises(
        MigrationError, match=r"refused a statement after 0005\w* \(CheckViolation, SQLSTATE 23514"
    ) as raised:
        migrate(url, Target.PHASE2)

    assert "lost" not in str(raised.value)
    assert "Ada" not in str(raised.value)


@pytest.mark.starts_as(LEGACY)
def test_a_database_of_a_newer_release_is_unchanged(url: str, database: Database) -> None:
    database.rows("UPDATE booksync_alembic_version SET version_num = '9999_next_year'")

    with pytest.raises(MigrationError, match=r"at 9999_next_year, newer than this release knows .* upgrade booksync"):
        migrate(url)


def test_an_unknown_target_is_refused_by_name(url: str) -> None:
    with pytest.raises(
        MigrationError, match=r"legacy, phase1, phase2, phase3, head or a revision such as 0015_.+, not to phase9"
    ):
        migrate(url, "phase9")


@pytest.mark.parametrize("url", ["postgresql://booksync@127.0.0.1:1/booksync", "not a url"])
def test_an_unreachable_database_is_reported_in_one_line(url: str) -> None:
    with pytest.raises(MigrationError) as raised:
        migrate(url)

    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.slow
def test_plain_alembic_upgrades_and_concurrent_upgrades_wait_for_each_other(
    url: str, engine: Engine, tmp_path: Path
) -> None:
    logs = [tmp_path / name for name in ("one", "other")]
    processes = [_forked_alembic(log, "upgrade", "head", database_url=url) for log in logs]

    assert [process.wait() for process in processes] == [0, 0]
    assert sorted(len(log.read_text().splitlines()) for log in logs) == [0, len(known_revisions())]
    with engine.connect() as db:
        assert current_revision(db) == expected_head()


@pytest.mark.slow
def test_plain_alembic_without_a_database_reports_it_in_one_line() -> None:
    process = _alembic("upgrade", "head", database_url="")
    said = "".join(process.communicate())

    assert process.returncode != 0
    assert "DATABASE_URL" in said
    assert len(said.splitlines()) == 1


def _forked_alembic(log: Path, *arguments: str, database_url: str) -> ForkedProcess:
    with log.open("wb") as output:
        return fork_server().start(
            "alembic.config:main",
            ["alembic", *arguments],
            dict(os.environ) | {"DATABASE_URL": database_url},
            stdout=output.fileno(),
            stderr=output.fileno(),
        )


def _alembic(*arguments: str, database_url: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=ROOT,
        env=dict(os.environ) | {"DATABASE_URL": database_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
