"""Promises of queue/factory.py: no default middleware, and messages of a dead worker are requeued."""

import fakeredis
from dramatiq import Middleware

from workers.queue import new_broker
from workers.queue.upkeep import BEAT_SECONDS


class First(Middleware):
    pass


class Second(Middleware):
    pass


def test_broker_has_only_the_given_middleware_in_order() -> None:
    first, second = First(), Second()
    assert new_broker(fakeredis.FakeRedis(), [first, second]).middleware == [first, second]


def test_sender_needs_no_middleware() -> None:
    assert new_broker(fakeredis.FakeRedis()).middleware == []


def test_a_dead_worker_is_noticed_soon_and_a_live_one_beats_twice_before() -> None:
    broker = new_broker(fakeredis.FakeRedis())
    assert 2 * BEAT_SECONDS * 1000 < broker.heartbeat_timeout <= 10_000
