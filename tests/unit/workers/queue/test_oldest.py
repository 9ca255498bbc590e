"""Promises of queue/oldest.py: how long a due message has waited for a worker, at a bounded cost."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import fakeredis
import pytest
import time_machine
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker

from db.runs import StepRef
from domain.runs import Phase
from workers.queue import Queue, new_broker, oldest, send_step
from workers.queue.oldest import oldest_seconds

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class World:
    """A queue, and a manual clock."""

    def __init__(self, clock: time_machine.Traveller) -> None:
        self.clock = clock
        self.redis = fakeredis.FakeRedis()
        self.broker: RedisBroker = new_broker(self.redis)

    def send(self, *, delay_seconds: float = 0) -> None:
        """Send a run step that waits for Zoho."""
        send_step(self.broker, StepRef(uuid.uuid4(), 1, Phase.CONTACTS), delay_seconds=delay_seconds)

    def take_delayed(self) -> None:
        """Fetch a due delayed message like a worker's thread."""
        for content in self.broker.do_fetch(f"{Queue.API}.DQ", 1):
            message = Message.decode(content)
            due = message.copy(queue_name=Queue.API)
            del due.options["eta"]
            self.broker.enqueue(due)
            self.broker.do_ack(f"{Queue.API}.DQ", message.options["redis_message_id"])

    def put(self, content: bytes) -> None:
        name = uuid.uuid4().hex
        self.redis.hset(f"dramatiq:{Queue.API}.msgs", name, content)
        self.redis.rpush(f"dramatiq:{Queue.API}", name)

    @property
    def oldest(self) -> float:
        return oldest_seconds(self.redis)[Queue.API]


@pytest.fixture
def world() -> Iterator[World]:
    with time_machine.travel(NOON, tick=False) as clock:
        yield World(clock)


def test_empty_queues_have_no_oldest_message(world: World) -> None:
    assert oldest_seconds(world.redis) == dict.fromkeys(Queue, 0.0)


def test_oldest_message_counts(world: World) -> None:
    world.send()
    world.clock.shift(40)
    world.send()
    world.clock.shift(2.5)
    assert oldest_seconds(world.redis) == {Queue.API: 42.5, Queue.DATABASE: 0, Queue.INTERACTIVE: 0}


def test_fetched_message_does_not_count_as_waiting(world: World) -> None:
    world.send()
    world.clock.shift(40)
    world.send()
    world.broker.do_fetch(Queue.API, 1)
    assert world.oldest == 0
    world.broker.do_fetch(Queue.API, 1)
    assert world.oldest == 0


def test_delayed_message_that_is_not_due_does_not_count(world: World) -> None:
    world.send(delay_seconds=60)
    world.clock.shift(59)
    assert world.oldest == 0


def test_without_a_worker_a_delayed_message_waits_since_it_was_due(world: World) -> None:
    world.send(delay_seconds=60)
    world.send(delay_seconds=30)
    world.clock.shift(90)
    assert world.oldest == 60


def test_own_delay_of_a_message_does_not_count_as_queue_delay(world: World) -> None:
    world.send(delay_seconds=60)
    world.clock.shift(60)
    world.take_delayed()
    assert world.oldest == 0
    world.clock.shift(5)
    assert world.oldest == 5


def test_any_delayed_message_waits_since_it_was_due(world: World) -> None:
    message: Message[None] = Message(Queue.API, "work", (), {}, {})
    world.broker.enqueue(message, delay=60_000)
    world.clock.shift(65)
    assert world.oldest == 5


def test_a_sender_whose_clock_is_ahead_makes_no_negative_age(world: World) -> None:
    world.put(json.dumps({"message_timestamp": int((NOON.timestamp() + 60) * 1000), "options": {}}).encode())
    assert world.oldest == 0


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"{", b"[]", b"null", b"{}", b'{"message_timestamp": "yesterday"}', b"[" * 100_000],
)
def test_invalid_message_has_no_age_and_hides_no_other(world: World, content: bytes) -> None:
    world.put(content)
    world.send()
    world.clock.shift(7)
    assert world.oldest == 7


def test_message_that_disappears_during_the_check_does_no_harm(world: World) -> None:
    world.redis.rpush(f"dramatiq:{Queue.API}", "gone")
    assert world.oldest == 0


def test_only_the_head_of_a_long_queue_is_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oldest, "_LOOKED_AT", 3)
    for _ in range(3):
        world.send()
    world.put(json.dumps({"message_timestamp": 0, "options": {}}).encode())
    world.clock.shift(9)
    assert world.oldest == 9
