"""Promises of the counters on a real Valkey: threads add up, and a Valkey that hangs or comes back delays no caller."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from domain.runs import Phase
from sandbox.servers.ports import free_port
from workers.budget import WaitReason
from workers.observability.counters import Counters, Family, JobOutcome, totals

THREADS, TIMES = 8, 50


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def hanging_url() -> Iterator[str]:
    """The address of a server that accepts connections and sends no response."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}/0"


def test_counts_of_several_threads_and_processes_add_up(redis_url: str, client: redis.Redis) -> None:
    processes = [Counters.at(redis_url) for _ in range(2)]

    def count(number: int) -> None:
        for _ in range(TIMES):
            processes[number % 2].step(Phase.INVOICES, JobOutcome.DONE)
            processes[number % 2].budget_wait(0.001, WaitReason.MINUTE)

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(count, range(THREADS)))
    for counters in processes:
        counters.close()
    told = totals(client)
    assert told[Family.STEPS]["invoices", "done"] == THREADS * TIMES
    assert told[Family.BUDGET_WAITS]["minute",] == told[Family.BUDGET_WAIT_MS]["minute",] == THREADS * TIMES


@pytest.mark.parametrize("trouble", ["hangs", "is away"])
def test_a_failing_redis_delays_the_counts_once_and_not_each_time(hanging_url: str, trouble: str) -> None:
    counters = Counters.at(hanging_url if trouble == "hangs" else f"redis://127.0.0.1:{free_port()}/0")
    began = time.monotonic()
    for _ in range(1000):
        counters.api_call(200)
    assert time.monotonic() - began < 2
    counters.close()


def test_a_broken_connection_loses_no_count(
    redis_url: str, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.observability.counters._SILENCE_SECONDS", 0.0)
    counters = Counters.at(redis_url)
    counters.api_call(200)
    client.client_kill_filter(_type="normal", skipme=True)
    counters.api_call(200)
    counters.api_call(200)
    counters.close()
    assert totals(client)[Family.API_CALLS]["200",] == 3
