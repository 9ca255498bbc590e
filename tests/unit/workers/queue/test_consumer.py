"""Promises of queue/consumer.py: a consumer returns in time, and gives back what its worker does not process."""

import datetime as dt
from typing import Any

import fakeredis
import pytest
import redis
import time_machine
from dramatiq import Consumer, Message, MessageProxy
from dramatiq.errors import ConnectionClosed

from workers.queue.reading import ReadingBroker

QUEUE = "api"
LONG_MS = 3_600_000


@pytest.fixture
def client() -> fakeredis.FakeRedis:
    return fakeredis.FakeRedis()


@pytest.fixture
def broker(client: fakeredis.FakeRedis) -> ReadingBroker:
    broker = ReadingBroker(keep_unreadable=lambda _queue, _content: True, client=client, middleware=[])
    broker.wakes.open(4)
    broker.wakes.set_woken(True)
    return broker


def consumer(broker: ReadingBroker, queue: str = QUEUE, prefetch: int = 4, timeout: int = LONG_MS) -> Consumer:
    return broker.consume(queue, prefetch=prefetch, timeout=timeout)


def send(broker: ReadingBroker, *, delay: int | None = None) -> str:
    message: Message[None] = Message(QUEUE, "work", (), {}, {})
    return broker.enqueue(message, delay=delay).message_id


def read(messages: Consumer) -> MessageProxy:
    message = next(messages)
    assert message is not None
    return message


def refuse(*_: Any) -> None:
    raise redis.ReadOnlyError


def test_messages_come_in_their_order_and_none_after_the_timeout(broker: ReadingBroker) -> None:
    sent = [send(broker), send(broker)]
    messages = consumer(broker, timeout=1)
    assert [read(messages).message_id, read(messages).message_id] == sent
    assert next(messages) is None


def test_consumer_of_delayed_messages_returns_when_the_next_one_is_due(broker: ReadingBroker) -> None:
    send(broker, delay=600_000)
    soon = send(broker, delay=20)
    delayed = consumer(broker, f"{QUEUE}.DQ")
    assert soon in (read(delayed).message_id, read(delayed).message_id)
    assert next(delayed) is None


def test_consumer_returns_at_once_if_a_delayed_message_has_become_due_in_the_meantime(broker: ReadingBroker) -> None:
    with time_machine.travel(dt.datetime.now(dt.UTC), tick=False) as clock:
        send(broker, delay=20)
        delayed = consumer(broker, f"{QUEUE}.DQ")
        read(delayed)
        clock.shift(1)
        assert next(delayed) is None


def test_no_more_messages_are_fetched_than_the_prefetch(broker: ReadingBroker, client: fakeredis.FakeRedis) -> None:
    for _ in range(3):
        send(broker)
    messages = consumer(broker, prefetch=2, timeout=1)
    first = read(messages)
    read(messages)
    assert next(messages) is None
    assert client.llen(f"dramatiq:{QUEUE}") == 1
    messages.ack(first)
    read(messages)


@pytest.mark.parametrize("finish", ["ack", "nack", "requeue"])
def test_finished_message_frees_its_thread(broker: ReadingBroker, finish: str) -> None:
    for _ in range(5):
        send(broker)
    messages = consumer(broker, prefetch=100, timeout=1)
    first, *_ = [read(messages) for _ in range(4)]
    assert next(messages) is None
    getattr(messages, finish)([first] if finish == "requeue" else first)
    read(messages)


def test_fetched_messages_that_were_not_processed_return_to_redis_at_the_end(
    broker: ReadingBroker, client: fakeredis.FakeRedis
) -> None:
    for _ in range(3):
        send(broker)
    messages = consumer(broker)
    read(messages)
    assert client.llen(f"dramatiq:{QUEUE}") == 0
    messages.close()
    assert client.llen(f"dramatiq:{QUEUE}") == 2


def test_refused_fetch_is_a_lost_connection_and_is_repeated_by_the_next_consumer(
    broker: ReadingBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = send(broker)
    with monkeypatch.context() as patched:
        patched.setattr(broker, "do_fetch", refuse)
        with pytest.raises(ConnectionClosed):
            next(consumer(broker))
    assert read(consumer(broker)).message_id == sent


def test_refused_ack_is_a_lost_connection(broker: ReadingBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    send(broker)
    messages = consumer(broker)
    message = read(messages)
    monkeypatch.setattr(broker, "do_ack", refuse, raising=False)
    with pytest.raises(ConnectionClosed):
        messages.ack(message)


def test_messages_behind_unreadable_ones_are_read_at_once(broker: ReadingBroker, client: fakeredis.FakeRedis) -> None:
    for name in ("one", "two", "three", "four"):
        client.hset(f"dramatiq:{QUEUE}.msgs", name, b"{")
        client.rpush(f"dramatiq:{QUEUE}", name)
    sent = send(broker)
    messages = consumer(broker, prefetch=4)
    assert next(messages) is None
    assert read(messages).message_id == sent
