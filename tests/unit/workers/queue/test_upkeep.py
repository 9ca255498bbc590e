"""Promises of queue/upkeep.py: beats in time, dead workers noticed when they die, and few commands."""

from collections import Counter
from typing import Any

import fakeredis
import pytest
import redis
from dramatiq import Message

from workers.queue.upkeep import BEAT_SECONDS, LOOK_SECONDS, Upkeep
from workers.queue.wakes import Wakes
from workers.queue.waking import WakingBroker

QUEUES = ("interactive", "api", "database")
HEARTBEATS = "dramatiq:__heartbeats__"


class CountingRedis(fakeredis.FakeRedis):
    """Counts its commands; `is_away` lets them fail."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self.is_away = False

    def execute_command(self, *words: Any, **options: Any) -> Any:
        if self.is_away:
            raise redis.ConnectionError
        self.counts[words[0]] += 1
        return super().execute_command(*words, **options)  # type: ignore[no-untyped-call]


class Bench:
    """A worker's upkeep, a clock that stands still, and another worker of the same queues."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self.client = CountingRedis()
        self.broker, self.other = (
            WakingBroker(client=self.client, middleware=[], heartbeat_timeout=10_000) for _ in range(2)
        )
        self.wakes = Wakes()
        for queue in QUEUES:
            self.broker.declare_queue(queue)
        self.upkeep = Upkeep(
            self.client, self.broker, self.wakes, clock=lambda: self.seconds, now_ms=lambda: int(self.seconds * 1000)
        )

    def run(self, seconds: float) -> None:
        """Tick whenever something is due, for this time."""
        ends_at = self.seconds + seconds
        while True:
            due = self.seconds + self.upkeep.tick()
            if due > ends_at:
                self.seconds = ends_at
                return
            self.seconds = due

    def beat(self, broker: WakingBroker) -> None:
        self.client.zadd(HEARTBEATS, {broker.broker_id: self.seconds * 1000})

    def held_by_the_other(self, queue: str) -> None:
        """A message that the other worker has fetched and not finished; the other worker has just beaten."""
        message: Message[None] = Message(queue, "work", (), {}, {})
        self.other.enqueue(message)
        assert len(self.other.do_fetch(queue, 1)) == 1
        self.beat(self.other)

    def waiting(self, queue: str) -> int:
        return int(self.client.llen(f"dramatiq:{queue}"))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_idle_worker_sends_less_than_one_command_a_second(bench: Bench) -> None:
    bench.run(60)
    bench.client.counts.clear()
    bench.run(600)
    assert bench.client.counts.total() < 600


def test_live_worker_beats_long_before_it_counts_as_dead(bench: Bench) -> None:
    for _ in range(100):
        bench.run(1.0)
        beaten_ms = bench.client.zscore(HEARTBEATS, bench.broker.broker_id) or 0.0
        assert bench.seconds * 1000 - beaten_ms <= BEAT_SECONDS * 1000


@pytest.mark.parametrize("queue", ["api", "database.DQ"])
def test_messages_of_a_dead_worker_return_when_its_heartbeat_is_too_old(bench: Bench, queue: str) -> None:
    bench.run(60)
    bench.held_by_the_other(queue)
    bench.run(9.9)
    assert bench.waiting(queue) == 0
    bench.run(0.2)
    assert bench.waiting(queue) == 1
    assert bench.client.zrange(HEARTBEATS, 0, -1) == [bench.broker.broker_id.encode()]


def test_messages_of_a_live_worker_stay_with_it(bench: Bench) -> None:
    bench.run(60)
    bench.held_by_the_other("api")
    for _ in range(20):
        bench.run(BEAT_SECONDS)
        bench.beat(bench.other)
    assert bench.waiting("api") == 0


def test_workers_have_time_to_beat_after_redis_was_away(bench: Bench) -> None:
    bench.held_by_the_other("api")
    bench.client.is_away = True
    for _ in range(60):
        bench.seconds += 1
        with pytest.raises(redis.ConnectionError):
            bench.upkeep.tick()
    bench.client.is_away = False
    bench.run(BEAT_SECONDS)
    bench.beat(bench.other)
    bench.run(5)
    assert bench.waiting("api") == 0


def test_worker_that_stays_dead_costs_one_maintenance(bench: Bench) -> None:
    bench.run(60)
    bench.held_by_the_other("unknown")
    bench.run(12)
    bench.client.counts.clear()
    bench.run(300)
    assert bench.client.counts["EVALSHA"] == 0
    assert bench.client.zscore(HEARTBEATS, bench.other.broker_id) is not None


def test_messages_without_a_wake_up_are_found(bench: Bench) -> None:
    bench.run(60)
    bench.wakes.set_woken(True)
    granted = bench.wakes.acquire("api", 1, seconds=0)
    bench.wakes.end_fetch("api", granted, [])
    assert bench.wakes.acquire("api", 1, seconds=0) == 0
    bench.client.rpush("dramatiq:api", "sent by a former release")
    bench.run(LOOK_SECONDS)
    assert bench.wakes.acquire("api", 1, seconds=0) == 1


def test_old_dead_messages_of_dramatiq_are_deleted(bench: Bench) -> None:
    bench.client.zadd("dramatiq:api.XQ", {"old": 1})
    bench.client.hset("dramatiq:api.XQ.msgs", "old", "content")
    bench.run(700)
    assert bench.client.exists("dramatiq:api.XQ", "dramatiq:api.XQ.msgs") == 0
