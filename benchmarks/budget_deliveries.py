"""What workers write down, in Redis, about the messages of the budget's benchmark, for the process that measures."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from functools import lru_cache

import orjson
import redis
from dramatiq import Broker, Middleware, Worker

from db import connections
from db.connections import Link
from workers import process

_DELIVERIES = "benchmark:deliveries"
_DONE = "benchmark:done"
_READY = "benchmark:ready"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message was handed to a worker, which asked for a call. Instants are of this machine's steady clock."""

    organization_id: str
    message: int
    process: int
    began: float
    ended: float = 0.0
    called: bool = False  #: the call was granted, made, and answered

    def over(self, *, called: bool) -> "Delivery":
        return replace(self, ended=time.monotonic(), called=called)


class TellsWhenReady(Middleware):
    """A measurement begins when all workers take messages, so as not to measure how they start."""

    def after_worker_boot(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002  (the signature is Dramatiq's)
        process.resources().redis.incr(_READY)


def note(client: redis.Redis, delivery: Delivery) -> None:
    with client.pipeline(transaction=False) as pipe:
        pipe.rpush(_DELIVERIES, orjson.dumps(astuple(delivery)))
        if delivery.called:
            pipe.sadd(_DONE, delivery.message)
        pipe.execute()


def noted(client: redis.Redis) -> Sequence[Delivery]:
    return [Delivery(*orjson.loads(each)) for each in client.lrange(_DELIVERIES, 0, -1)]


def count_done(client: redis.Redis) -> int:
    """Messages whose call was made."""
    return int(client.scard(_DONE))


def count_ready(client: redis.Redis) -> int:
    """Workers that have started, since the beginning."""
    return int(client.get(_READY) or 0)


@lru_cache
def link_of(connection_id: str) -> Link:
    """Read once a worker: that is not what is measured."""
    with process.resources().engine.connect() as connection:
        return connections.link(connection, uuid.UUID(connection_id))
