"""Promises of queue/reading.py: an unreadable entry is moved away once; the messages around it are read."""

import json
from collections.abc import Callable
from typing import Any

import fakeredis
import pytest
from dramatiq import Message

from workers.queue.reading import ReadingBroker

QUEUE = "api"


class Keeper:
    """Stores unreadable entries, unless the test makes it fail."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, bytes]] = []
        self.is_able = True

    def __call__(self, queue_name: str, content: bytes) -> bool:
        if self.is_able:
            self.kept.append((queue_name, content))
        return self.is_able


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
def client() -> fakeredis.FakeRedis:
    return fakeredis.FakeRedis()


@pytest.fixture
def broker(client: fakeredis.FakeRedis, keeper: Keeper) -> ReadingBroker:
    return ReadingBroker(keep_unreadable=keeper, client=client, middleware=[], maintenance_chance=0)


def send(broker: ReadingBroker) -> str:
    message: Message[None] = Message(QUEUE, "work", (), {}, {})
    return broker.enqueue(message).message_id


def put(client: fakeredis.FakeRedis, content: bytes, name: str = "poison") -> None:
    client.hset(f"dramatiq:{QUEUE}.msgs", name, content)
    client.rpush(f"dramatiq:{QUEUE}", name)


def read(broker: ReadingBroker, prefetch: int = 10) -> list[str]:
    return [Message.decode(content).message_id for content in broker.do_fetch(QUEUE, prefetch) if content]


def a_message(**changed: Any) -> bytes:
    message: Message[None] = Message(QUEUE, "work", (), {}, {"redis_message_id": "poison"})
    return json.dumps({**message.asdict(), **changed}).encode()


def without(name: str) -> Callable[[], bytes]:
    def make() -> bytes:
        fields = json.loads(a_message())
        del fields[name]
        return json.dumps(fields).encode()

    return make


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b"null",
        without("actor_name")(),
        a_message(surprise=1),
        a_message(options=None),
        a_message(options={}),
        a_message(kwargs=[]),
        a_message(args=None),
        a_message(actor_name=7),
        a_message(message_timestamp="yesterday"),
        # A worker would look for a consumer of that queue, find none, and lose its thread.
        a_message(queue_name="another"),
    ],
)
def test_unreadable_message_is_moved_out_of_the_queue_once(
    broker: ReadingBroker, client: fakeredis.FakeRedis, keeper: Keeper, content: bytes
) -> None:
    before = send(broker)
    put(client, content)
    after = send(broker)
    assert read(broker) == [before, after]
    assert keeper.kept == [(QUEUE, content)]
    assert client.hgetall(f"dramatiq:{QUEUE}.XQ.msgs") == {b"poison": content}
    assert not client.hexists(f"dramatiq:{QUEUE}.msgs", "poison")
    assert read(broker) == []


def test_equal_unreadable_messages_are_each_moved_out(
    broker: ReadingBroker, client: fakeredis.FakeRedis, keeper: Keeper
) -> None:
    for name in ("one", "two"):
        put(client, b"{", name)
    assert read(broker) == []
    assert len(keeper.kept) == 2
    assert set(client.hkeys(f"dramatiq:{QUEUE}.XQ.msgs")) == {b"one", b"two"}


def test_unreadable_message_returns_to_the_queue_when_it_cannot_be_stored(
    broker: ReadingBroker, client: fakeredis.FakeRedis, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused: list[float] = []
    monkeypatch.setattr("workers.queue.reading.time.sleep", paused.append)
    keeper.is_able = False
    put(client, b"{")
    message_id = send(broker)
    assert read(broker) == [message_id]
    assert (len(paused), client.lrange(f"dramatiq:{QUEUE}", 0, -1)) == (1, [b"poison"])
    keeper.is_able = True
    assert read(broker) == []
    assert keeper.kept == [(QUEUE, b"{")]


def test_valid_message_is_read_unchanged(broker: ReadingBroker, keeper: Keeper) -> None:
    assert read(broker) == []
    assert read(broker, prefetch=1) == []
    message_id = send(broker)
    assert read(broker) == [message_id]
    assert keeper.kept == []
