"""Promises of boot/schema.py and its gate: a worker takes no message before the migrations, or with older code."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import psycopg
import pytest
import redis
from dramatiq import Worker
from dramatiq.brokers.stub import StubBroker
from sqlalchemy import Engine

from db.engine import new_engine
from db.migrations.revisions import Target, expected_head, known_revisions, revision_of
from db.migrations.runner import migrate
from db.migrations.schemas import VERSION_TABLE
from sandbox.servers.ports import free_port
from tests.process_logs import logs_of_a_process
from workers import cli
from workers.boot import process
from workers.boot.resources import Resources
from workers.boot.schema import SchemaTooNewError, SchemaTooOldError, require_schema, wait_for_schema
from workers.jobs.schema_gate import SchemaGate, WrongSchemaError

PHASE1 = revision_of(Target.PHASE1)
NEEDED = revision_of(Target.PHASE2)
BESIDE_ANOTHER = ", with `--to phase2` while an older application uses the tables"


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    """An engine of a database without tables."""
    engine = new_engine(postgres_url, application_name="booksync tests")
    yield engine
    engine.dispose()


def doing(work: Callable[[], object], *, times: int = 5) -> Callable[[float], bool]:
    """A pause that does the given work; after `times` pauses it ends the wait."""
    pauses = []

    def pause(seconds: float) -> bool:
        pauses.append(seconds)
        work()
        return len(pauses) == times

    return pause


@pytest.mark.slow
def test_a_process_with_a_current_schema_does_not_wait(engine: Engine, postgres_url: str) -> None:
    migrate(postgres_url)
    assert wait_for_schema(engine, doing(lambda: pytest.fail("waits")))


@pytest.mark.slow
def test_a_process_started_before_the_migrations_waits_for_the_last_one(engine: Engine, postgres_url: str) -> None:
    targets = iter([Target.LEGACY, Target.PHASE1, Target.HEAD])
    with logs_of_a_process() as logs:
        assert wait_for_schema(engine, doing(lambda: migrate(postgres_url, next(targets))))
    assert [line["reason"] for line in logs.lines if line.get("action") == "schema.waiting"] == [
        "The database has no booksync tables yet: run `booksync migrate`.",
        (
            f"The schema is at 0001_legacy, older than this release needs ({NEEDED}): "
            f"run `booksync migrate`{BESIDE_ANOTHER}."
        ),
        (
            f"The schema is at {PHASE1}, older than this release needs ({NEEDED}): "
            f"run `booksync migrate`{BESIDE_ANOTHER}."
        ),
    ]


def test_a_stopped_process_ends_its_wait(engine: Engine) -> None:
    assert not wait_for_schema(engine, doing(lambda: None))


def test_a_process_waits_for_an_unreachable_postgres() -> None:
    port = free_port()
    nowhere = new_engine(f"postgresql://127.0.0.1:{port}/none", application_name="booksync tests")
    with logs_of_a_process() as logs:
        assert not wait_for_schema(nowhere, doing(lambda: None, times=2))
    assert [line["reason"] for line in logs.lines] == [
        (
            f"Postgres cannot be reached at 127.0.0.1:{port} (Connection refused): check "
            "DATABASE_URL, and that the server runs."
        )
    ]


@pytest.mark.slow
def test_a_newer_schema_is_refused_with_both_versions(engine: Engine, postgres_url: str) -> None:
    make_newer(postgres_url)
    with pytest.raises(SchemaTooNewError) as refused:
        wait_for_schema(engine, doing(lambda: None))
    assert str(refused.value) == (
        f"The schema is at 0099_from_a_later_release, newer than this release knows ({expected_head()}): "
        "upgrade booksync."
    )


class TestACommand:
    """A command checks the schema without a wait."""

    @pytest.mark.slow
    def test_a_command_accepts_the_schema_of_its_release(self, engine: Engine, postgres_url: str) -> None:
        migrate(postgres_url)
        require_schema(engine)

    def test_a_command_names_both_versions_of_an_older_schema(self, engine: Engine, postgres_url: str) -> None:
        migrate(postgres_url, Target.PHASE1)
        with pytest.raises(SchemaTooOldError) as refused:
            require_schema(engine)
        assert str(refused.value) == (
            f"The schema is at {PHASE1}, older than this release needs ({NEEDED}): "
            f"run `booksync migrate`{BESIDE_ANOTHER}."
        )

    @pytest.mark.slow
    def test_a_command_refuses_a_partly_applied_newest_revision(self, engine: Engine, postgres_url: str) -> None:
        migrate(postgres_url)
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            former = known_revisions()[-2]
            connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = %s", [former])
            connection.execute("ALTER TABLE reminders DROP COLUMN handover_id")
        with pytest.raises(SchemaTooOldError, match=f"{former}, older than this release needs .{expected_head()}."):
            require_schema(engine)

    @pytest.mark.slow
    def test_a_command_refuses_a_newer_schema(self, engine: Engine, postgres_url: str) -> None:
        make_newer(postgres_url)
        with pytest.raises(SchemaTooNewError, match="upgrade booksync"):
            require_schema(engine)

    @pytest.mark.parametrize("module", sorted(Path(cli.__file__).parent.glob("*.py")), ids=lambda path: path.stem)
    def test_every_command_checks_the_schema_first(self, module: Path) -> None:
        assert "from workers.boot.resources import open_resources" not in module.read_text(), "use workers.cli.opening"


class TestTheGate:
    @pytest.fixture(autouse=True)
    def means(self, engine: Engine, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        with redis.Redis.from_url(redis_url) as client:
            means = SimpleNamespace(engine=engine, redis=client)
            monkeypatch.setattr(process, "_resources", cast(Resources, means))
            yield

    def boot(self) -> None:
        worker = Worker(StubBroker(middleware=[SchemaGate()]), worker_threads=1, worker_timeout=10)
        worker.start()
        worker.stop()

    @pytest.mark.slow
    def test_the_gate_opens_on_the_right_schema_and_restores_the_signal_handlers(self, postgres_url: str) -> None:
        migrate(postgres_url)
        before = signal.getsignal(signal.SIGTERM)
        self.boot()
        assert signal.getsignal(signal.SIGTERM) == before

    @pytest.mark.slow
    def test_the_gate_ends_a_worker_older_than_the_schema(self, postgres_url: str) -> None:
        make_newer(postgres_url)
        with pytest.raises(WrongSchemaError):
            self.boot()

    def test_a_waiting_worker_can_be_stopped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("workers.jobs.schema_gate._pause", lambda _: signal.raise_signal(signal.SIGTERM))
        with pytest.raises(SystemExit) as ended:
            self.boot()
        assert ended.value.code == 0


def make_newer(postgres_url: str) -> None:
    migrate(postgres_url)
    with psycopg.connect(postgres_url, autocommit=True) as database:
        database.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0099_from_a_later_release'")
