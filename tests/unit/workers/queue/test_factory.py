"""Promises of workers/queue/factory.py: none of Dramatiq's own middleware, and a dead worker's messages come back."""

import fakeredis
from dramatiq import Middleware

from workers.queue import new_broker


class First(Middleware):
    pass


class Second(Middleware):
    pass


def test_a_broker_has_the_middleware_that_it_is_given_in_that_order() -> None:
    first, second = First(), Second()
    assert new_broker(fakeredis.FakeRedis(), [first, second]).middleware == [first, second]


def test_who_only_sends_needs_none() -> None:
    assert new_broker(fakeredis.FakeRedis()).middleware == []


def test_a_dead_workers_messages_come_back_within_a_minute() -> None:
    broker = new_broker(fakeredis.FakeRedis())
    assert broker.heartbeat_timeout <= 60_000
    # An idle worker polls some ten times a second: a tenth of its commands is once a second.
    assert broker.maintenance_chance >= 100_000
