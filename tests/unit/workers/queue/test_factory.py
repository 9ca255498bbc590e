"""Promises of queue/factory.py: no default middleware, and messages of a dead worker are requeued."""

import fakeredis
from dramatiq import Middleware

from workers.queue import new_broker


class First(Middleware):
    pass


class Second(Middleware):
    pass


def test_broker_has_only_the_given_middleware_in_order() -> None:
    first, second = First(), Second()
    assert new_broker(fakeredis.FakeRedis(), [first, second]).middleware == [first, second]


def test_sender_needs_no_middleware() -> None:
    assert new_broker(fakeredis.FakeRedis()).middleware == []


def test_a_dead_workers_messages_come_back_within_a_minute() -> None:
    broker = new_broker(fakeredis.FakeRedis())
    assert broker.heartbeat_timeout <= 60_000
    # An idle worker polls about ten times a second, so one tenth of its commands is one a second.
    assert broker.maintenance_chance >= 100_000
