"""Records of the workers in Redis about the messages of the budget's benchmark, for the measuring process."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from functools import lru_cache

import orjson
import redis
from dramatiq import Broker, Middleware, Worker

from db import connections
from db.connections import Connection
from workers.boot import process

_DELIVERIES = "benchmark:deliveries"
_DONE = "benchmark:done"
_READY = "benchmark:ready"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message was delivered to a worker, which requested a call. Instants are of this machine's monotonic clock."""

    organization_id: str
    message: int
    process: int
    began: float
    ended: float = 0.0
    called: bool = False  #: the call was granted and has ended

    def over(self, *, called: bool) -> "Delivery":
        return replace(self, ended=time.monotonic(), called=called)


class TellsWhenReady(Middleware):
    """Signals that a worker accepts messages, because the measurement must not include the start of the workers."""

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
    """Messages with a completed call."""
    return int(client.scard(_DONE))


def count_ready(client: redis.Redis) -> int:
    """Workers that have started since the beginning."""
    return int(client.get(_READY) or 0)


@lru_cache
def connection_of(connection_id: str) -> Connection:
    """Read once per worker, because this read is not part of the measurement."""
    with process.resources().engine.connect() as db:
        return connections.connection(db, uuid.UUID(connection_id))
