"""Promises of queue/waking.py: each added message wakes the workers, and maintenance is a command of its own.

These tests also hold what the addition to Dramatiq's script relies on, so that another release of Dramatiq fails here.
"""

import json
from collections.abc import Iterator
from typing import Any

import fakeredis
import pytest
from dramatiq import Message
from dramatiq.common import current_millis
from redis.client import PubSub

from workers.queue.waking import MAINTAIN, WakingBroker

QUEUE = "api"


@pytest.fixture
def client() -> fakeredis.FakeRedis:
    return fakeredis.FakeRedis(db=3)


@pytest.fixture
def broker(client: fakeredis.FakeRedis) -> WakingBroker:
    return WakingBroker(client=client, middleware=[], heartbeat_timeout=10_000)


@pytest.fixture
def woken(client: fakeredis.FakeRedis) -> Iterator["Woken"]:
    woken = Woken(client)
    yield woken
    woken.close()


class Woken:
    """A subscriber of the wake-ups in database 3."""

    def __init__(self, client: fakeredis.FakeRedis) -> None:
        self._subscription: PubSub = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        self._subscription.subscribe("dramatiq:wake:3")
        self._subscription.get_message(timeout=1)

    def queues(self) -> list[str]:
        queues = []
        while (message := self._subscription.get_message(timeout=0)) is not None:
            queues.append(message["data"].decode())
        return queues

    def close(self) -> None:
        self._subscription.close()


def a_message() -> Message[None]:
    return Message(QUEUE, "work", (), {}, {})


def test_a_sent_message_wakes_its_queue(broker: WakingBroker, woken: Woken) -> None:
    broker.enqueue(a_message())
    assert woken.queues() == [QUEUE]
    assert len(broker.do_fetch(QUEUE, 2)) == 1


def test_a_delayed_message_wakes_the_queue_of_delayed_messages(broker: WakingBroker, woken: Woken) -> None:
    broker.enqueue(a_message(), delay=1_000)
    assert woken.queues() == [f"{QUEUE}.DQ"]


def test_a_message_that_is_given_back_wakes_its_queue(broker: WakingBroker, woken: Woken) -> None:
    broker.enqueue(a_message())
    (content,) = broker.do_fetch(QUEUE, 1)
    woken.queues()
    broker.do_requeue(QUEUE, json.loads(content)["options"]["redis_message_id"])
    assert woken.queues() == [QUEUE]


def test_other_commands_wake_nothing(broker: WakingBroker, woken: Woken) -> None:
    broker.enqueue(a_message())
    woken.queues()
    (content,) = broker.do_fetch(QUEUE, 1)
    broker.do_ack(QUEUE, json.loads(content)["options"]["redis_message_id"])
    assert woken.queues() == []


def test_a_message_is_sent_with_one_command(
    broker: WakingBroker, client: fakeredis.FakeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker.enqueue(a_message())  # The first message loads the script.
    sent: list[str] = []
    execute = client.execute_command

    def execute_and_note(*words: Any, **options: Any) -> Any:
        sent.append(words[0])
        return execute(*words, **options)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(client, "execute_command", execute_and_note)
    broker.enqueue(a_message())
    assert sent == ["EVALSHA"]


def test_maintenance_gives_a_dead_workers_messages_back_and_wakes_their_queue(
    broker: WakingBroker, client: fakeredis.FakeRedis, woken: Woken
) -> None:
    dead = WakingBroker(client=client, middleware=[], heartbeat_timeout=10_000)
    dead.enqueue(a_message())
    (content,) = dead.do_fetch(QUEUE, 1)
    client.zadd("dramatiq:__heartbeats__", {dead.broker_id: current_millis() - 10_001})
    woken.queues()
    assert broker.do_fetch(QUEUE, 1) == []
    assert broker.do_maintain(QUEUE) is None
    assert woken.queues() == [QUEUE]
    assert broker.do_fetch(QUEUE, 1) == [content]
    assert client.zrange("dramatiq:__heartbeats__", 0, -1) == [broker.broker_id.encode()]


def test_maintenance_is_done_by_no_other_command(broker: WakingBroker) -> None:
    commands = ("enqueue", "fetch", "requeue", "ack", "nack", MAINTAIN)
    assert [broker._should_do_maintenance(command) for command in commands] == [0, 0, 0, 0, 0, 1]
