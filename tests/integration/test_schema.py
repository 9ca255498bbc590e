"""Promises of workers/schema.py and its gate: no message is taken before the schema is there, or by older code."""

import signal
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import cast

import psycopg
import pytest
from dramatiq import Worker
from dramatiq.brokers.stub import StubBroker
from sqlalchemy import Engine

from db.engine import new_engine
from db.migrations import Target, migrate
from db.migrations.revisions import VERSION_TABLE
from sandbox.servers.ports import free_port
from tests.process_logs import logs_of_a_process
from workers import process
from workers.broker.schema_gate import SchemaGate, WrongSchemaError
from workers.resources import Resources
from workers.schema import SchemaTooNewError, wait_for_schema


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    """Of a database without tables."""
    engine = new_engine(postgres_url, application_name="booksync tests")
    yield engine
    engine.dispose()


def doing(work: Callable[[], object], *, times: int = 5) -> Callable[[float], bool]:
    """A pause in which something happens; after so many nobody waits any more."""
    pauses = []

    def pause(seconds: float) -> bool:
        pauses.append(seconds)
        work()
        return len(pauses) == times

    return pause


def test_who_finds_the_schema_goes_on_at_once(engine: Engine, postgres_url: str) -> None:
    migrate(postgres_url)
    assert wait_for_schema(engine, doing(lambda: pytest.fail("waits")))


def test_who_starts_before_the_migrations_waits_for_the_last_of_them(engine: Engine, postgres_url: str) -> None:
    targets = iter([Target.LEGACY, Target.PHASE1, Target.HEAD])
    with logs_of_a_process() as logs:
        assert wait_for_schema(engine, doing(lambda: migrate(postgres_url, next(targets))))
    assert [line["event"] for line in logs.lines if line.get("action") == "schema.waiting"] == [
        "Waiting for the migrations: run booksync migrate"
    ]


def test_who_is_stopped_waits_no_longer(engine: Engine) -> None:
    assert not wait_for_schema(engine, doing(lambda: None))


def test_a_postgres_that_does_not_answer_is_waited_for() -> None:
    nowhere = new_engine(f"postgresql://127.0.0.1:{free_port()}/none", application_name="booksync tests")
    assert not wait_for_schema(nowhere, doing(lambda: None, times=2))


def test_an_older_release_refuses_a_newer_schema(engine: Engine, postgres_url: str) -> None:
    make_newer(postgres_url)
    with pytest.raises(SchemaTooNewError, match="deploy the newer release"):
        wait_for_schema(engine, doing(lambda: None))


class TestTheGate:
    @pytest.fixture(autouse=True)
    def means(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(process, "_resources", cast(Resources, SimpleNamespace(engine=engine)))

    def boot(self) -> None:
        worker = Worker(StubBroker(middleware=[SchemaGate()]), worker_threads=1, worker_timeout=10)
        worker.start()
        worker.stop()

    def test_it_opens_to_the_schema_and_gives_the_signals_back(self, postgres_url: str) -> None:
        migrate(postgres_url)
        before = signal.getsignal(signal.SIGTERM)
        self.boot()
        assert signal.getsignal(signal.SIGTERM) == before

    def test_it_ends_a_worker_that_is_too_old(self, postgres_url: str) -> None:
        make_newer(postgres_url)
        with pytest.raises(WrongSchemaError):
            self.boot()

    def test_a_worker_that_waits_can_be_stopped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("workers.broker.schema_gate._pause", lambda _: signal.raise_signal(signal.SIGTERM))
        with pytest.raises(SystemExit) as ended:
            self.boot()
        assert ended.value.code == 0


def make_newer(postgres_url: str) -> None:
    migrate(postgres_url)
    with psycopg.connect(postgres_url, autocommit=True) as database:
        database.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0099_from_a_later_release'")
