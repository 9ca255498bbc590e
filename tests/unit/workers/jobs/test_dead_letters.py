"""Promises of jobs/dead_letters.py, tested with Dramatiq's own worker and an in-memory queue."""

import contextlib
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from dramatiq import Message, MessageProxy, Worker
from dramatiq import worker as dramatiq_worker
from dramatiq.brokers.stub import StubBroker
from dramatiq.errors import BrokerConnectionError
from dramatiq.middleware import AgeLimit, MiddlewareError
from psycopg.errors import UniqueViolation
from sqlalchemy.exc import OperationalError

from db import dead_letters
from db.connections import UnknownConnectionError
from db.dead_letters import NewDeadLetter, Origin
from domain.dead_letters import Cause
from tests.unit.workers.queue.bench import Bench, a_bench
from workers.boot import process
from workers.jobs.dead_letters import HIDDEN, DeadLetterMiddleware, DeadLetterNotKeptError, keep_unreadable
from workers.secrets.vault import Vault

ADA = "ada@example.com"
RUN, CONNECTION = uuid.UUID(int=1), uuid.UUID(int=2)


@dataclass
class Postgres:
    """Stores the failures that it gets, unless it is down for the next `down_for` calls."""

    failures: list[NewDeadLetter] = field(default_factory=list)
    done: list[tuple[int, str]] = field(default_factory=list)
    down_for: int = 0

    def keep(self, _connection: object, death: NewDeadLetter) -> int:
        if self.down_for:
            self.down_for -= 1
            raise OperationalError("INSERT …", {}, Exception())
        self.failures.append(death)
        return len(self.failures)

    def origin(self, _connection: object, ids: Sequence[uuid.UUID]) -> Origin:
        return Origin(RUN, CONNECTION) if RUN in ids else Origin()

    def message_done(self, _connection: object, dead_letter_id: int, message_id: str) -> None:
        self.done.append((dead_letter_id, message_id))

    @property
    def death(self) -> NewDeadLetter:
        """The only stored failure."""
        (death,) = self.failures
        return death


@pytest.fixture
def postgres(monkeypatch: pytest.MonkeyPatch) -> Postgres:
    kept = Postgres()
    monkeypatch.setattr(process, "_resources", SimpleNamespace(engine=SimpleNamespace(begin=contextlib.nullcontext)))
    for name in ("keep", "origin", "message_done"):
        monkeypatch.setattr(dead_letters, name, getattr(kept, name))
    return kept


@pytest.fixture
def bench(postgres: Postgres) -> Bench:
    return a_bench(AgeLimit(max_age=1000), DeadLetterMiddleware())


def test_processed_message_leaves_no_dead_letter(bench: Bench, postgres: Postgres) -> None:
    done: list[int] = []
    bench.actor(done.append)
    bench.run(7)
    assert (done, postgres.failures, bench.broker.dead_letters) == ([7], [], [])


def test_exception_makes_a_dead_letter_at_the_first_attempt(bench: Bench, postgres: Postgres) -> None:
    tries: list[str] = []

    def fail(run_id: str, step: int) -> None:
        tries.append(run_id)
        raise UnknownConnectionError("There is no connection 7.")

    bench.actor(fail)
    message = bench.run("run-1", 3)
    death = postgres.death
    assert tries == ["run-1"]
    assert (death.message_id, death.queue_name, death.actor_name) == (message.message_id, "api", "work")
    assert death.arguments == {"args": ["run-1", 3], "kwargs": {}}
    assert (death.cause, death.error_type) == (Cause.DEFECT, "UnknownConnectionError")
    assert death.error == "There is no connection 7."
    assert "in fail" in (death.traceback or "")
    assert len(bench.broker.dead_letters) == 1


def test_run_and_connection_are_taken_from_the_arguments(bench: Bench, postgres: Postgres) -> None:
    bench.run(str(RUN), 3, actor_name="from_a_newer_release")
    assert (postgres.death.run_id, postgres.death.connection_id) == (RUN, CONNECTION)


@pytest.mark.parametrize(
    ("error", "words", "error_type"),
    [
        (KeyError(ADA), "KeyError", "KeyError"),
        (UniqueViolation(f"Key (email)=({ADA}) exists"), "UniqueViolation (SQLSTATE 23505)", "UniqueViolation"),
        (OperationalError("SELECT 1", {}, UniqueViolation(ADA)), "UniqueViolation (SQLSTATE 23505)", "UniqueViolation"),
    ],
)
def test_dead_letter_has_no_text_of_the_error(
    bench: Bench, postgres: Postgres, error: Exception, words: str, error_type: str
) -> None:
    def fail() -> None:
        raise error

    bench.actor(fail)
    bench.run()
    assert (postgres.death.error, postgres.death.error_type) == (words, error_type)
    assert ADA not in repr(postgres.death)


@pytest.mark.parametrize("argument", [ADA, "Ada Lovelace", "+442079460000", "with\x00nothing", ["+49 30 1"], 1.5])
def test_argument_that_is_not_an_id_is_hidden(bench: Bench, postgres: Postgres, argument: object) -> None:
    bench.run("1234567000000", argument, 7, None, True, actor_name="foreign")
    first, hidden, *rest = postgres.death.arguments["args"]
    assert (first, rest) == ("1234567000000", [7, None, True])
    assert hidden in (HIDDEN, [HIDDEN])


def test_unknown_actor_makes_a_dead_letter_with_that_cause(bench: Bench, postgres: Postgres) -> None:
    bench.run("run-1", 3, actor_name="from_a_newer_release")
    death = postgres.death
    assert (death.cause, death.actor_name) == (Cause.UNKNOWN_ACTOR, "from_a_newer_release")
    assert death.error == "No worker knows this actor: deploy the workers before the senders."
    assert death.traceback is None


def test_unexpected_arguments_make_a_dead_letter(bench: Bench, postgres: Postgres) -> None:
    def take_none() -> None: ...

    bench.actor(take_none)
    bench.run("run-1")
    assert postgres.death.error == "TypeError"


def test_expired_message_makes_a_dead_letter_and_is_not_processed(bench: Bench, postgres: Postgres) -> None:
    done: list[int] = []
    bench.actor(done.append)
    bench.run(7, sent_at=int(time.time() * 1000) - 2000)
    assert (done, postgres.death.cause) == ([], Cause.TOO_OLD)


def test_fingerprint_of_an_error_does_not_depend_on_ids(bench: Bench, postgres: Postgres) -> None:
    def fail(_run_id: str) -> None:
        Vault(())

    bench.actor(fail)
    for run_id in ("run-1", "run-2"):
        bench.run(run_id)
    bench.run()
    first, second, other = (death.fingerprint for death in postgres.failures)
    assert first == second != other


@pytest.mark.parametrize("actor_name", ["work", "from_a_newer_release"])
def test_dead_letter_is_stored_once_postgres_is_back(
    bench: Bench, postgres: Postgres, monkeypatch: pytest.MonkeyPatch, actor_name: str
) -> None:
    def fail() -> None:
        raise ValueError(ADA)

    monkeypatch.setattr(dramatiq_worker, "POST_PROCESS_MESSAGE_RETRY_DELAY_SECS", 0)
    postgres.down_for = 3
    bench.actor(fail)
    bench.run(actor_name=actor_name)
    assert postgres.death.actor_name == actor_name
    assert len(bench.broker.dead_letters) == 1


def test_stopping_worker_returns_the_message_without_waiting_for_postgres(postgres: Postgres) -> None:
    middleware, broker = DeadLetterMiddleware(), StubBroker(middleware=[])
    message = MessageProxy(Message("api", "from_a_newer_release", (), {}, {}))
    postgres.down_for = 2
    with pytest.raises(DeadLetterNotKeptError):
        middleware.before_nack(broker, message)
    middleware.before_worker_shutdown(broker, Worker(broker))
    with pytest.raises(MiddlewareError) as given_up:
        middleware.before_nack(broker, message)
    # Dramatiq repeats the nack after a connection error; after any other error it leaves the message in place.
    assert not isinstance(given_up.value, BrokerConnectionError)


class TestRetries:
    """A message that a person retried carries the number of its dead letter."""

    def test_processed_retry_closes_its_dead_letter(self, bench: Bench, postgres: Postgres) -> None:
        bench.actor(lambda: None)
        message = bench.run(dead_letter=17)
        assert (postgres.done, postgres.failures) == ([(17, message.message_id)], [])

    def test_failed_retry_names_its_dead_letter(self, bench: Bench, postgres: Postgres) -> None:
        bench.run(actor_name="from_a_newer_release", dead_letter=17)
        assert (postgres.done, postgres.death.dead_letter_id) == ([], 17)

    def test_invalid_dead_letter_number_is_ignored(self, bench: Bench, postgres: Postgres) -> None:
        bench.actor(lambda: None)
        bench.run(dead_letter="seventeen")
        assert (postgres.done, postgres.failures) == ([], [])


class TestUnreadable:
    def test_only_size_and_hash_of_unreadable_bytes_are_stored(self, postgres: Postgres) -> None:
        assert keep_unreadable("api", ADA.encode())
        death = postgres.death
        assert (death.cause, death.queue_name, death.arguments["bytes"]) == (Cause.UNREADABLE, "api", len(ADA))
        assert ADA not in repr(death)

    def test_unreachable_postgres_is_reported(self, postgres: Postgres) -> None:
        postgres.down_for = 1
        assert not keep_unreadable("api", b"nothing")
