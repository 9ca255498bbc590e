"""Promises of workers/redis_access/refusal_log.py: one line for each refusal, even with many threads."""

from collections.abc import Iterator

import pytest
import redis
from redis.backoff import NoBackoff

from tests.process_logs import ProcessLogs, logs_of_a_process
from workers.redis_access import refusal_log as module
from workers.redis_access.refusal_log import LoggedRetry, RefusalLog

READ_ONLY = redis.ReadOnlyError("no", status_code="READONLY")
FULL = redis.OutOfMemoryError("no", status_code="OOM")


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def logs() -> Iterator[ProcessLogs]:
    with logs_of_a_process() as logs:
        yield logs


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def refusals(clock: Clock) -> RefusalLog:
    return RefusalLog(clock)


def logged(logs: ProcessLogs) -> list[str]:
    return [line.get("refusal", line["action"]) for line in logs.lines]


def test_the_same_refusal_is_logged_once_in_half_a_minute(
    refusals: RefusalLog, clock: Clock, logs: ProcessLogs
) -> None:
    for _ in range(3):
        refusals.refused(READ_ONLY, began=refusals.now())
    assert logged(logs) == ["read_only"]
    assert logs.line["error"].startswith("Redis is a read-only replica: point REDIS_URL")
    clock.now += 31
    refusals.refused(READ_ONLY, began=refusals.now())
    assert logged(logs) == ["read_only", "read_only"]


def test_another_refusal_is_logged_at_once(refusals: RefusalLog, logs: ProcessLogs) -> None:
    refusals.refused(READ_ONLY, began=refusals.now())
    refusals.refused(FULL, began=refusals.now())
    assert logged(logs) == ["read_only", "full"]


def test_end_of_a_refusal_is_logged_once(refusals: RefusalLog, logs: ProcessLogs) -> None:
    refusals.accepted(began=refusals.now())
    refusals.refused(FULL, began=refusals.now())
    refusals.accepted(began=refusals.now())
    refusals.accepted(began=refusals.now())
    assert logged(logs) == ["full", "redis.works_again"]


def test_a_command_from_before_the_refusal_does_not_end_it(
    refusals: RefusalLog, clock: Clock, logs: ProcessLogs
) -> None:
    began_before = refusals.now()
    clock.now += 0.01
    refusals.refused(FULL, began=refusals.now())
    refusals.accepted(began=began_before)
    assert logged(logs) == ["full"]
    clock.now += 0.01
    refusals.accepted(began=refusals.now())
    assert logged(logs) == ["full", "redis.works_again"]


def test_a_command_that_was_refused_before_the_end_begins_no_refusal(
    refusals: RefusalLog, clock: Clock, logs: ProcessLogs
) -> None:
    refusals.refused(FULL, began=refusals.now())
    clock.now += 0.01
    began_before = refusals.now()
    clock.now += 0.01
    refusals.accepted(began=refusals.now())
    refusals.refused(FULL, began=began_before)
    assert logged(logs) == ["full", "redis.works_again"]
    clock.now += 0.01
    refusals.refused(FULL, began=refusals.now())
    assert logged(logs) == ["full", "redis.works_again", "full"]


def test_patient_client_logs_the_reason_of_its_wait(logs: ProcessLogs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "refusal_log", RefusalLog())
    failures = [redis.AuthenticationError("no", status_code="WRONGPASS")] * 3

    def do() -> str:
        if failures:
            raise failures.pop()
        return "done"

    assert LoggedRetry(NoBackoff(), 5).call_with_retry(do, lambda _error: None) == "done"
    assert logged(logs) == ["wrong_password"]


def test_a_connection_that_was_closed_while_idle_is_not_logged(
    logs: ProcessLogs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "refusal_log", RefusalLog())
    failures = [redis.ConnectionError("Connection closed by server.")]

    def do() -> str:
        if failures:
            raise failures.pop()
        return "done"

    assert LoggedRetry(NoBackoff(), 5).call_with_retry(do, lambda _error: None) == "done"
    assert logs.lines == []
