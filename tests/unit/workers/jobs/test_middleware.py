"""Promises of jobs/middleware.py, tested with Dramatiq's own worker and an in-memory queue."""

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog
from dramatiq import Worker

from tests.process_logs import ProcessLogs, logs_of_a_process
from tests.unit.workers.queue.bench import Bench, a_bench
from workers.boot import parent_process, process
from workers.boot.settings import SettingsError
from workers.boot.slices import SliceLimits
from workers.jobs import middleware
from workers.jobs.middleware import BootFailedError, MessageLogs, OwnProcessGroup, ProcessResources

ADA = "ada@example.com"


@pytest.fixture
def logs() -> Iterator[ProcessLogs]:
    with logs_of_a_process() as logs:
        yield logs


@pytest.fixture
def bench(logs: ProcessLogs) -> Bench:
    return a_bench(MessageLogs())


class TestMessageLogs:
    def test_each_line_carries_the_messages_id(self, bench: Bench, logs: ProcessLogs) -> None:
        bench.actor(lambda: structlog.get_logger("workers.example").info("working"))
        message = bench.run()
        (line,) = [line for line in logs.lines if line["event"] == "working"]
        assert (line["message_id"], line["actor"]) == (message.message_id, "work")

    def test_log_context_of_a_message_does_not_leak_into_the_next(self, bench: Bench) -> None:
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

    def test_error_line_of_dramatiq_has_no_text_of_the_error(self, bench: Bench, logs: ProcessLogs) -> None:
        def fail() -> None:
            raise ValueError(ADA)

        bench.actor(fail)
        bench.run()
        assert any(line.get("error") == "ValueError" for line in logs.lines)
        assert ADA not in logs.text


@dataclass(frozen=True)
class Means:
    """Fake of a process's resources."""

    redis: object = None
    slices: SliceLimits = field(default_factory=SliceLimits)

    def __str__(self) -> str:
        return "the means"


def test_worker_opens_its_resources_at_boot_and_closes_them_at_shutdown(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    @contextlib.contextmanager
    def open_resources(_name: str, broker: object) -> Iterator[object]:
        told.append("opened")
        yield Means()
        told.append("closed")

    monkeypatch.setattr(middleware, "log_redis", lambda _client: told.append("looked at Redis"))
    monkeypatch.setattr(process, "_resources", None)
    monkeypatch.setattr(process, "open_resources", open_resources)
    bench = a_bench(ProcessResources())
    bench.actor(lambda: told.append(f"worked with {process.resources()}"))
    bench.run()
    assert told == ["opened", "looked at Redis", "worked with the means", "closed"]


def test_worker_does_not_start_when_its_resources_fail_to_open(monkeypatch: pytest.MonkeyPatch) -> None:
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
        # A session leader already has its own process group and cannot leave it.
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
    monkeypatch.setattr(parent_process, "die_with_parent", ends.append)
    OwnProcessGroup().after_process_boot(a_bench().broker)
    assert moved == moves
    assert ends == [signal.SIGKILL]


def test_worker_ends_with_its_master_at_once_during_boot_and_orderly_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ends: list[signal.Signals] = []
    monkeypatch.setattr(os, "setpgid", lambda *_: None)
    begun: list[bool] = []
    monkeypatch.setattr(parent_process, "die_with_parent", ends.append)
    # The function's alarm is the one of pytest's time limit too.
    monkeypatch.setattr(parent_process, "stop_has_begun", lambda: begun.append(True))
    bench = a_bench(OwnProcessGroup())
    bench.broker.emit_after("process_boot")
    assert ends == [signal.SIGKILL]
    worker = Worker(bench.broker, worker_timeout=10, worker_threads=1)
    worker.start()
    worker.stop()
    assert ends == [signal.SIGKILL, signal.SIGTERM]
    assert begun == [True]
