"""Promises of workers/broker/middleware.py, held by Dramatiq's own worker over a queue in memory."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import dramatiq
import pytest
import structlog
from dramatiq import Message, Middleware, Worker
from dramatiq.brokers.stub import StubBroker
from psycopg.errors import UniqueViolation
from sqlalchemy.exc import OperationalError

from db import dead_letters
from db.connections import UnknownConnectionError
from db.dead_letters import Letter
from tests.process_logs import ProcessLogs, logs_of_a_process
from workers import process
from workers.broker.middleware import (
    BootFailedError,
    DeadLetters,
    MessageLogs,
    OwnProcessGroup,
    ProcessResources,
    QuickStart,
)
from workers.settings import SettingsError

ADA = "ada@example.com"


@dataclass
class Postgres:
    """Keeps the letters that it is given, unless it is down."""

    letters: list[Letter] = field(default_factory=list)
    is_down: bool = False

    def keep(self, _connection: object, letter: Letter) -> None:
        if self.is_down:
            raise OperationalError("INSERT …", {}, Exception())
        self.letters.append(letter)


@pytest.fixture
def postgres(monkeypatch: pytest.MonkeyPatch) -> Postgres:
    kept = Postgres()
    engine = SimpleNamespace(begin=contextlib.nullcontext)
    monkeypatch.setattr(process, "_resources", SimpleNamespace(engine=engine))
    monkeypatch.setattr(dead_letters, "keep", kept.keep)
    return kept


@dataclass
class Bench:
    """A broker in memory with one worker thread; `run` returns when everything is done."""

    broker: StubBroker

    def actor(self, work: Callable[..., None]) -> None:
        dramatiq.actor(broker=self.broker, actor_name="work", queue_name="api")(work)

    def run(self, *args: Any, actor_name: str = "work", **options: Any) -> Message[None]:
        self.broker.declare_queue("api")
        message: Message[None] = Message("api", actor_name, args, {}, options)
        worker = Worker(self.broker, worker_timeout=10, worker_threads=1)
        worker.start()
        try:
            self.broker.enqueue(message)
            self.broker.join("api", timeout=10_000, fail_fast=False)
        finally:
            worker.stop()
        return message


def a_bench(*chosen: Middleware) -> Bench:
    return Bench(StubBroker(middleware=list(chosen)))


@pytest.fixture
def logs() -> Iterator[ProcessLogs]:
    with logs_of_a_process() as logs:
        yield logs


@pytest.fixture
def bench(postgres: Postgres, logs: ProcessLogs) -> Bench:
    return a_bench(MessageLogs(), DeadLetters())


class TestDeadLetters:
    def test_a_message_that_is_done_leaves_none(self, bench: Bench, postgres: Postgres) -> None:
        done: list[int] = []
        bench.actor(done.append)
        bench.run(7)
        assert (done, postgres.letters, bench.broker.dead_letters) == ([7], [], [])

    def test_an_exception_makes_one_at_the_first_try(self, bench: Bench, postgres: Postgres) -> None:
        tries: list[str] = []

        def fail(run_id: str, step: int) -> None:
            tries.append(run_id)
            raise UnknownConnectionError("There is no connection 7.")

        bench.actor(fail)
        message = bench.run("run-1", 3)
        (letter,) = postgres.letters
        assert tries == ["run-1"]
        assert (letter.message_id, letter.queue_name, letter.actor_name) == (message.message_id, "api", "work")
        assert letter.arguments == {"args": ["run-1", 3], "kwargs": {}}
        assert letter.error == "There is no connection 7."
        assert "in fail" in (letter.traceback or "")
        assert len(bench.broker.dead_letters) == 1

    @pytest.mark.parametrize(
        ("error", "words"),
        [
            (KeyError(ADA), "KeyError"),
            (UniqueViolation(f"Key (email)=({ADA}) exists"), "UniqueViolation (SQLSTATE 23505)"),
        ],
    )
    def test_a_letter_holds_nothing_of_what_an_error_quotes(
        self, bench: Bench, postgres: Postgres, error: Exception, words: str
    ) -> None:
        def fail() -> None:
            raise error

        bench.actor(fail)
        bench.run()
        (letter,) = postgres.letters
        assert letter.error == words
        assert ADA not in repr(letter)

    def test_an_actor_that_no_worker_knows_makes_one_that_says_so(self, bench: Bench, postgres: Postgres) -> None:
        bench.run("run-1", 3, actor_name="from_a_newer_release")
        (letter,) = postgres.letters
        assert letter.actor_name == "from_a_newer_release"
        assert letter.error == "No worker knows this actor: deploy the workers before the senders."
        assert letter.traceback is None

    def test_arguments_that_the_actor_does_not_take_make_one(self, bench: Bench, postgres: Postgres) -> None:
        def take_none() -> None: ...

        bench.actor(take_none)
        bench.run("run-1")
        assert [letter.error for letter in postgres.letters] == ["TypeError"]

    def test_a_postgres_that_is_down_leaves_the_message_dead_in_redis(self, bench: Bench, postgres: Postgres) -> None:
        def fail() -> None:
            raise ValueError(ADA)

        postgres.is_down = True
        bench.actor(fail)
        bench.run()
        assert postgres.letters == []
        assert len(bench.broker.dead_letters) == 1


class TestMessageLogs:
    def test_each_line_carries_the_messages_id(self, bench: Bench, logs: ProcessLogs) -> None:
        bench.actor(lambda: structlog.get_logger("workers.example").info("working"))
        message = bench.run()
        (line,) = [line for line in logs.lines if line["event"] == "working"]
        assert (line["message_id"], line["actor"]) == (message.message_id, "work")

    def test_a_message_leaves_nothing_to_the_next(self, bench: Bench) -> None:
        seen: list[dict[str, Any]] = []

        def work(fails: bool) -> None:
            seen.append(structlog.contextvars.get_contextvars())
            structlog.contextvars.bind_contextvars(left_behind=True)
            if fails:
                raise ValueError

        bench.actor(work)
        bench.run(True)
        bench.run(False)
        assert [set(bound) for bound in seen] == [{"message_id", "actor"}] * 2
        assert seen[0]["message_id"] != seen[1]["message_id"]

    def test_an_error_line_of_dramatiqs_quotes_nothing(self, bench: Bench, logs: ProcessLogs) -> None:
        def fail() -> None:
            raise ValueError(ADA)

        bench.actor(fail)
        bench.run()
        assert any(line.get("error") == "ValueError" for line in logs.lines)
        assert ADA not in logs.text


def test_an_idle_worker_looks_often_and_takes_no_more_than_it_can_work_on() -> None:
    bench = a_bench(QuickStart())
    worker = Worker(bench.broker, worker_timeout=1000, worker_threads=3)
    worker.start()
    worker.stop()
    assert worker.worker_timeout <= 100
    assert worker.queue_prefetch == 3


def test_a_worker_opens_its_means_at_boot_and_closes_them_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    @contextlib.contextmanager
    def open_resources(_name: str, broker: object) -> Iterator[str]:
        told.append("opened")
        yield "the means"
        told.append("closed")

    monkeypatch.setattr(process, "_resources", None)
    monkeypatch.setattr(process, "open_resources", open_resources)
    bench = a_bench(ProcessResources())
    bench.actor(lambda: told.append(f"worked with {process.resources()}"))
    bench.run()
    assert told == ["opened", "worked with the means", "closed"]


def test_a_worker_whose_means_cannot_be_opened_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_resources(_name: str, _broker: object) -> None:
        raise SettingsError("Missing setting: REDIS_URL.")

    monkeypatch.setattr(process, "open_resources", open_resources)
    worker = Worker(a_bench(ProcessResources()).broker, worker_threads=1)
    with pytest.raises(BootFailedError, match=r"Missing setting: REDIS_URL\."):
        worker.start()


@pytest.mark.parametrize(
    ("leads_session", "moves"),
    [
        (False, [(0, 0)]),
        # The leader of a session has a group of its own already, and may not leave it.
        (True, []),
    ],
)
def test_a_worker_leaves_its_masters_process_group(
    monkeypatch: pytest.MonkeyPatch, leads_session: bool, moves: list[tuple[int, int]]
) -> None:
    moved: list[tuple[int, int]] = []
    ends: list[signal.Signals] = []
    monkeypatch.setattr(os, "getsid", lambda _: os.getpid() if leads_session else 1)
    monkeypatch.setattr(os, "setpgid", lambda *groups: moved.append(groups))
    monkeypatch.setattr(process, "die_with_parent", ends.append)
    OwnProcessGroup().after_process_boot(a_bench().broker)
    assert moved == moves
    assert ends == [signal.SIGTERM]
