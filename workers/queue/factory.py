"""The Dramatiq broker and its middleware, in the order in which they run."""

from collections.abc import Sequence
from typing import Any

import redis
from dramatiq import Middleware
from dramatiq.brokers.redis import RedisBroker

from workers.queue.reading import KeepUnreadable, ReadingBroker

#: Dramatiq's maintenance requeues a worker's messages when its heartbeat is this old (a live worker beats all the
#: time).
_HEARTBEAT_TIMEOUT_MS = 10_000
#: Dramatiq's maintenance runs with every tenth command. The default, every thousandth, would leave the messages of a
#: dead worker for half an hour.
_MAINTENANCE_CHANCE_IN_A_MILLION = 100_000


def new_broker(
    client: redis.Redis, middleware: Sequence[Middleware] = (), *, keep_unreadable: KeepUnreadable | None = None
) -> RedisBroker:
    """A Dramatiq broker over this Redis client, with the given middleware and without Dramatiq's own middleware.

    A process that only sends messages needs neither middleware nor `keep_unreadable`.
    """
    parameters: dict[str, Any] = {
        "client": client,
        "middleware": list(middleware),
        "heartbeat_timeout": _HEARTBEAT_TIMEOUT_MS,
        "maintenance_chance": _MAINTENANCE_CHANCE_IN_A_MILLION,
    }
    if keep_unreadable is None:
        return RedisBroker(**parameters)  # type: ignore[no-untyped-call]
    return ReadingBroker(keep_unreadable=keep_unreadable, **parameters)
