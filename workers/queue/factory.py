"""The broker and its middleware, in the order in which they act."""

from collections.abc import Sequence
from typing import Any

import redis
from dramatiq import Middleware
from dramatiq.brokers.redis import RedisBroker

from workers.queue.reading import KeepUnreadable, ReadingBroker

#: A dead worker's messages come back when maintenance finds its heartbeat this old (a live one beats all the time), …
_HEARTBEAT_TIMEOUT_MS = 10_000
#: … and maintenance comes with every tenth command; the default, every thousandth, leaves them for half an hour.
_MAINTENANCE_CHANCE_IN_A_MILLION = 100_000


def new_broker(
    client: redis.Redis, middleware: Sequence[Middleware] = (), *, keep_unreadable: KeepUnreadable | None = None
) -> RedisBroker:
    """A broker over this client, with that middleware and none of Dramatiq's own.

    A process that only sends needs no middleware at all, and nobody who keeps what cannot be read.
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
